"""What identifies a structure: everything that is not merely observed, as a digest."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields
from functools import cache
from operator import attrgetter
from typing import Any

from migplan.catalog.attributes import Attributes, by_thing
from migplan.catalog.model import Catalog, Table


def fingerprint(catalog: Catalog) -> str:
    """The digest of a catalog's structure: the same for the same structure, whoever looks and whenever."""
    rest = (getattr(catalog, field.name) for field in fields(Catalog) if field.name in _BESIDE_TABLES)
    provided = [catalog.provided] if catalog.provided else []  # which the first catalogs did not have
    return _digest([[table_fingerprint(table) for table in catalog.tables], *rest, *provided])


def attributes_fingerprint(attributes: Attributes) -> str:
    """The digest of what else ALTER can change, under one version of PostgreSQL."""
    things = attributes.of_any_database.items()
    return _digest([[thing, sorted(values.items())] for thing, values in sorted(things, key=by_thing)])


def table_fingerprint(table: Table) -> str:
    """A short digest of one table's structure, so that a difference can be given its place."""
    return _digest(table)[:12]


_BESIDE_TABLES = frozenset({"schemas", "sequences", "views", "functions", "types", "extensions", "grants"})


def _structure(value: Any) -> Any:
    """Return a dataclass, which ``json`` cannot print, as the tuple of its fields that are not observed."""
    kind: type = type(value)
    return _parts(kind)(value)


@cache
def _parts(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    held = [field for field in fields(kind) if not field.metadata.get("observed")]
    first = attrgetter(*(field.name for field in held if not field.metadata.get("added")))
    later = [(field.name, field.default) for field in held if field.metadata.get("added")]
    if not later:
        return first
    return lambda value: (
        *first(value),
        *((name, now) for name, usual in later if (now := getattr(value, name)) != usual),
    )


# The encoder walks through the values in C, and comes back for each dataclass only.
_encoder = json.JSONEncoder(default=_structure, check_circular=False)


def _digest(value: Any) -> str:
    return hashlib.sha256(_encoder.encode(value).encode()).hexdigest()
