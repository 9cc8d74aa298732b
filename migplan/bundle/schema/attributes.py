"""The attributes as they are to be in the target: of what is in the bundle, under the target's roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from migplan.bundle.schema.roles import Owners
from migplan.catalog.attributes import OWNERS, PRIVILEGES, SETTING, WITHOUT_SCHEMA, Attributes, Thing
from migplan.catalog.model import Catalog, Table, View
from migplan.names import quoted

Entry = tuple[str, str, str]
"""An object by pg_dump's kind, its schema ('' for none) and pg_dump's tag, as the manifest has it."""

# Kinds whose objects the catalog has; all others are known by pg_dump's entries alone.
OF_CATALOG = frozenset(
    {"table", "view", "materialized view", "index", "sequence", "type", "function", "extension"}
)
_DUMPED = {"base type": "TYPE"}


def as_in_target(found: Attributes, catalog: Catalog, objects: Iterable[Entry], owners: Owners) -> Attributes:
    """Of the source's attributes those that the bundle brings.

    ``catalog`` is the structure as it is to be in the target, ``objects`` what else the bundle has.
    """
    known = _known(catalog)
    moved = frozenset(objects)
    return Attributes(
        found.columns,
        {
            _granted(thing, owners): _renamed(values, owners)
            for thing, values in found.things.items()
            if _is_here(thing, known, moved)
        },
    )


def _is_here(thing: Thing, known: frozenset[tuple[str, ...]], moved: frozenset[Entry]) -> bool:
    if thing.kind == "database":
        return thing.part_kind == PRIVILEGES or ("DATABASE SETTING", "", thing.part) in moved
    if thing.kind in OF_CATALOG:
        return _key(thing) in known
    if thing.kind == "publication" and thing.part_kind == "table" and ("published", thing.part) not in known:
        return False  # the table is not in the bundle
    return _entry(thing) in moved


def _granted(thing: Thing, owners: Owners) -> Thing:
    """A privilege is known by who has it; the database has another name in the target."""
    address = ("",) if thing.kind == "database" else thing.address
    part = owners.roles.get(thing.part, thing.part) if thing.part_kind == PRIVILEGES else thing.part
    setting, of, role = thing.part.partition(" of role ")
    if thing.part_kind == SETTING and of:
        renamed = {quoted(old): quoted(new) for old, new in owners.roles.items()}
        part = f"{setting}{of}{renamed.get(role, role)}"
    return Thing(thing.kind, address, thing.part_kind, part)


def _known(catalog: Catalog) -> frozenset[tuple[str, ...]]:
    """The objects of the catalog as :func:`_key` gives them."""
    known: set[tuple[str, ...]] = set()
    for table in catalog.tables:
        known.add(("table", table.name.schema, table.name.name))
        known.add(("published", f"{table.name.schema}.{table.name.name}"))
    for view in catalog.views:
        known.add(("materialized view" if view.materialized else "view", view.name.schema, view.name.name))
    owners: tuple[Table | View, ...] = (*catalog.tables, *catalog.views)
    for owner in owners:
        known |= {("index", owner.name.schema, index.name) for index in owner.indexes}
    for function in catalog.functions:
        known.add(("function", function.name.schema, function.name.name, function.arguments))
    known |= {("sequence", each.name.schema, each.name.name) for each in catalog.sequences}
    known |= {("extension", each.name) for each in catalog.extensions}
    known |= {("type", each.name.schema, each.name.name) for each in catalog.types}
    return frozenset(known)


def _key(thing: Thing) -> tuple[str, ...]:
    return (thing.kind, *thing.address)


def _entry(thing: Thing) -> Entry:
    """What pg_dump calls it."""
    kind = _DUMPED.get(thing.kind, thing.kind.upper())
    if thing.kind == "cast":
        return kind, "", f"CAST ({' AS '.join(thing.address)})"
    if thing.kind == "transform":
        return kind, "", f"TRANSFORM FOR {' LANGUAGE '.join(thing.address)}"
    schema, name = ("", *thing.address)[-2:] if thing.kind in WITHOUT_SCHEMA else thing.address[:2]
    return kind, schema, name


def _renamed(values: Mapping[str, Any], owners: Owners) -> Mapping[str, Any]:
    if not owners.kept:
        return {name: value for name, value in values.items() if name not in OWNERS}
    if not owners.roles:
        return values
    return {
        name: owners.roles.get(value, value) if name in OWNERS else value for name, value in values.items()
    }
