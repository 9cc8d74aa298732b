"""What identifies a structure: everything that is not merely observed, as a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from migplan.catalog.model import Catalog, Table


def fingerprint(catalog: Catalog) -> str:
    """The digest of a catalog's structure: the same for the same structure, whoever looks and whenever."""
    rest = (
        structure(getattr(catalog, field.name)) for field in fields(Catalog) if field.name in _BESIDE_TABLES
    )
    return _digest([[table_fingerprint(table) for table in catalog.tables], *rest])


def table_fingerprint(table: Table) -> str:
    """A short digest of one table's structure, so that a difference can be given its place."""
    return _digest(structure(table))[:12]


def structure(value: Any) -> Any:
    """The value without what is observed, as nested tuples that ``json`` can print."""
    if isinstance(value, tuple):
        return [structure(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return [structure(part) if type(part) not in _PLAIN else part for part in _parts(type(value))(value)]
    return value


_BESIDE_TABLES = frozenset({"schemas", "sequences", "views", "functions", "types", "extensions"})
_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _parts(kind: type) -> Callable[[Any], tuple[Any, ...]]:
    names = [field.name for field in fields(kind) if not field.metadata.get("observed")]
    return attrgetter(*names)


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, ensure_ascii=True).encode()).hexdigest()
