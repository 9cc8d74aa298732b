"""The catalog and the attributes that a target is to have: the source's, less what was left out."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.provided import REASON
from migplan.bundle.schema.roles import Owners
from migplan.catalog.attributes import (
    OF_CATALOG,
    OWNERS,
    PRIVILEGES,
    SETTING,
    WITHOUT_SCHEMA,
    Attributes,
    Thing,
)
from migplan.catalog.model import Catalog, Grant, Index, Policy, Sequence, Table, View
from migplan.names import quoted
from migplan.postgres.archive import ROUTINES, Entry, Named

Part = TypeVar("Part")
OPEN = ""
"""The owner of what no file gives an owner: whoever applies the bundle."""
Gone = Collection[Named]
"""Objects that are in no file of the bundle."""


def gone(manifest: Manifest, entries: Iterable[Entry]) -> Gone:
    """Return the entries of the source that are in no file of the bundle."""
    if manifest.contents == "data":
        return frozenset()
    here = {moved.named for moved in manifest.objects}
    return {entry.named for entry in entries} - here


def left_out(manifest: Manifest) -> Gone:
    """Return the same, as far as the manifest itself names them, but for what the target provides.

    Default privileges have one name whosever they are: some may be provided, and others the bundle's.
    """
    return {left.named for left in manifest.left_out if left.why != REASON}


def catalog_in_target(catalog: Catalog, missing: Gone, owners: Owners) -> Catalog:
    """Return the catalog of a target in which every file of the bundle has run."""
    return _Target(missing, owners).catalog(catalog)


class _Target:
    def __init__(self, missing: Gone, owners: Owners) -> None:
        self._missing = missing
        self._functions = {
            (schema, tag.partition("(")[0]) for kind, schema, tag in missing if kind in ROUTINES
        }
        self._owners = owners
        self._said = {kind for kind, _, _ in missing}

    def catalog(self, catalog: Catalog) -> Catalog:
        tables = tuple(
            self._table(table)
            for table in self._here(catalog.tables, "TABLE", "FOREIGN TABLE")
            if table.partition_of is None or table.partition_of in catalog.by_name
        )
        return replace(
            catalog,
            schemas=self._owned(s for s in catalog.schemas if ("SCHEMA", "", s.name) not in self._missing),
            tables=self._owned(tables),
            provided=tuple(map(self._table, catalog.provided)),
            sequences=self._owned(map(self._sequence, self._here(catalog.sequences, "SEQUENCE"))),
            views=self._owned(
                self._view(view) for view in self._here(catalog.views, "VIEW", "MATERIALIZED VIEW")
            ),
            functions=self._owned(
                f for f in catalog.functions if (f.name.schema, f.name.name) not in self._functions
            ),
            types=self._owned(self._here(catalog.types, "TYPE", "DOMAIN")),
            extensions=tuple(e for e in catalog.extensions if ("EXTENSION", "", e.name) not in self._missing),
            grants=tuple(
                sorted(
                    (self._grant(g) for g in catalog.grants if not self._lost(g)),
                    key=lambda grant: grant.name,
                )
            ),
        )

    def _here(self, things: Iterable[Part], *kinds: str) -> Iterable[Part]:
        for thing in things:
            name = getattr(thing, "name")  # noqa: B009
            if not any((kind, name.schema, name.name) in self._missing for kind in kinds):
                yield thing

    def _table(self, table: Table) -> Table:
        schema, name = table.name.schema, table.name.name

        def parts(found: Iterable[Part], *kinds: str) -> tuple[Part, ...]:
            return tuple(
                part
                for part in found
                if not any(
                    (kind, schema, f"{name} {getattr(part, 'name')}") in self._missing  # noqa: B009
                    for kind in kinds
                )
            )

        kept = parts(table.keys, "CONSTRAINT")
        dropped = {key.name for key in table.keys} - {key.name for key in kept}
        off = ("ROW SECURITY", schema, name) in self._missing
        return replace(
            table,
            primary_key=next((key for key in kept if key.primary), None),
            unique_keys=tuple(key for key in kept if not key.primary),
            foreign_keys=tuple(
                # In the bundle no trigger behind a key is altered, and only a superuser could.
                replace(key, triggers=()) if key.triggers else key
                for key in parts(table.foreign_keys, "FK CONSTRAINT")
            ),
            checks=parts(table.checks, "CHECK CONSTRAINT"),
            exclusions=parts(table.exclusions, "CONSTRAINT"),
            indexes=tuple(i for i in self._indexes(table) if i.constraint not in dropped),
            policies=tuple(map(self._policy, parts(table.policies, "POLICY"))),
            triggers=parts(table.triggers, "TRIGGER"),
            rules=parts(table.rules, "RULE"),
            row_security=table.row_security and not off,
            force_row_security=table.force_row_security and not off,
        )

    def _sequence(self, sequence: Sequence) -> Sequence:
        name = sequence.name
        if ("SEQUENCE OWNED BY", name.schema, name.name) not in self._missing:
            return sequence
        return replace(sequence, owned_by=None, owned_column=None)  # the table of its column is not here

    def _view(self, view: View) -> View:
        return replace(
            view,
            indexes=tuple(self._indexes(view)),
            triggers=tuple(
                t
                for t in view.triggers
                if ("TRIGGER", view.name.schema, f"{view.name.name} {t.name}") not in self._missing
            ),
        )

    def _indexes(self, owner: Table | View) -> Iterable[Index]:
        schema = owner.name.schema
        whole = isinstance(owner, Table) and owner.partition_key
        for index in owner.indexes:
            # pg_dump leaves an invalid index behind, but for those of partitioned tables.
            if (index.valid or whole) and ("INDEX", schema, index.name) not in self._missing:
                yield index

    def _policy(self, policy: Policy) -> Policy:
        return replace(
            policy, roles=tuple(sorted(self._owners.roles.get(role, role) for role in policy.roles))
        )

    def _owned(self, things: Iterable[Part]) -> tuple[Part, ...]:
        kept, roles = self._owners.kept, self._owners.roles
        owned: Any = things
        return tuple(
            replace(thing, owner=roles.get(thing.owner, thing.owner) if kept else "") for thing in owned
        )

    def _grant(self, grant: Grant) -> Grant:
        roles: Mapping[str, str] = self._owners.roles
        return replace(
            grant,
            grantee=roles.get(grant.grantee, grant.grantee),
            of_role=roles.get(grant.of_role, grant.of_role),
        )

    def _lost(self, grant: Grant) -> bool:
        """Return whether the bundle lacks a grant; pg_dump names privileges by their object."""
        if grant.kind == "default privileges":
            tag = f"DEFAULT PRIVILEGES FOR {grant.object.upper()}"
            return ("DEFAULT ACL", grant.schema, tag) in self._missing
        if "ACL" not in self._said:
            return False
        if grant.kind in ("function", "type"):
            return any(
                kind == "ACL" and schema == grant.schema and _is_about(tag, grant)
                for kind, schema, tag in self._missing
            )
        schema, tag = {
            "schema": ("", f"SCHEMA {grant.schema}"),
            "column": (grant.schema, f"COLUMN {grant.object}.{grant.part}"),
        }.get(grant.kind, (grant.schema, f"{_ACLS.get(grant.kind, grant.kind.upper())} {grant.object}"))
        return ("ACL", schema, tag) in self._missing


_ACLS = {"view": "TABLE"}


def _is_about(tag: str, grant: Grant) -> bool:
    about = f" {grant.object}"
    return f"{about}(" in tag or tag.endswith(about)


def applied_by(catalog: Catalog, role: str) -> Catalog:
    """Return the catalog with a role wherever it is left open who owns, or may do, something."""

    def owned(things: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(replace(thing, owner=thing.owner or role) for thing in things)

    def granted(grant: Grant) -> Grant:
        of_role = role if grant.kind == "default privileges" else ""
        return replace(grant, grantee=grant.grantee or role, of_role=grant.of_role or of_role)

    def policies(table: Table) -> Table:
        found = (replace(each, roles=tuple(one or role for one in each.roles)) for each in table.policies)
        return replace(table, policies=tuple(found))

    return replace(
        catalog,
        schemas=owned(catalog.schemas),
        tables=owned(map(policies, catalog.tables)),
        sequences=owned(catalog.sequences),
        views=owned(catalog.views),
        functions=owned(catalog.functions),
        types=owned(catalog.types),
        grants=tuple(sorted(map(granted, catalog.grants), key=lambda grant: grant.name)),
    )


# --- attributes


def attributes_applied_by(found: Attributes, role: str) -> Attributes:
    """Return the attributes likewise."""
    return replace(
        found,
        things={
            replace(thing, part=role) if (thing.part_kind, thing.part) == (PRIVILEGES, OPEN) else thing: {
                name: role if name in OWNERS and value == OPEN else value for name, value in values.items()
            }
            for thing, values in found.things.items()
        },
    )


_DUMPED = {"base type": "TYPE"}


def attributes_in_target(
    found: Attributes, catalog: Catalog, objects: Iterable[Named], owners: Owners
) -> Attributes:
    """Return those of the source's attributes that the bundle brings.

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


def _is_here(thing: Thing, known: frozenset[tuple[str, ...]], moved: frozenset[Named]) -> bool:
    if thing.kind == "database":
        return thing.part_kind == PRIVILEGES or ("DATABASE SETTING", "", thing.part) in moved
    if thing.kind in OF_CATALOG:
        return _key(thing) in known
    if thing.kind == "publication" and thing.part_kind == "table" and ("published", thing.part) not in known:
        return False  # the table is not in the bundle
    return _entry(thing) in moved


def _granted(thing: Thing, owners: Owners) -> Thing:
    """Return an attribute's subject under the names of the target's roles and database."""
    address = ("",) if thing.kind == "database" else thing.address
    part = owners.roles.get(thing.part, thing.part) if thing.part_kind == PRIVILEGES else thing.part
    setting, of, role = thing.part.partition(" of role ")
    if thing.part_kind == SETTING and of:
        renamed = {quoted(old): quoted(new) for old, new in owners.roles.items()}
        part = f"{setting}{of}{renamed.get(role, role)}"
    return Thing(thing.kind, address, thing.part_kind, part)


def _known(catalog: Catalog) -> frozenset[tuple[str, ...]]:
    """Return the objects of the catalog as :func:`_key` names them."""
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


def _entry(thing: Thing) -> Named:
    """Return kind, schema and tag as pg_dump has them."""
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
