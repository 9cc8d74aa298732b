"""A catalog cleaned: no comment, default or definition of it holds what gives anybody away."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import fields, replace
from functools import cache
from typing import Any, cast

from migplan.anonymise.anonymiser import Anonymiser
from migplan.anonymise.standins import REDACTED
from migplan.anonymise.texts import code, prose, shown
from migplan.catalog.model import Catalog, Column, Index, Table, Type
from migplan.config import ColumnKind

_PROSE_FIELDS = frozenset(("comment",))
_CODE_FIELDS = frozenset(
    ("default", "definition", "using", "check", "predicate", "partition_key", "partition_bound", "arguments")
)
_CODE_LISTS = frozenset(("settings", "options", "columns", "definition"))
# Of these a default tells what stands in rows.
_TELLING_DEFAULTS = frozenset(ColumnKind) - {
    ColumnKind.KEEP, ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.BINARY, ColumnKind.SIZE,
    ColumnKind.EXTERNAL_ID, ColumnKind.PLACE, ColumnKind.MONEY, ColumnKind.BIRTH,
}  # fmt: skip
_ANY_LITERAL = re.compile(r"'(?=[^']*\w)(?:[^']|'')+'")


def cleaned(catalog: Catalog, anonymiser: Anonymiser) -> Catalog:
    """The catalog, with marks in all of its texts. The structure is the same, and so are names."""
    return replace(
        catalog,
        schemas=_each(catalog.schemas),
        tables=tuple(_table(table, anonymiser) for table in catalog.tables),
        sequences=_each(catalog.sequences),
        views=_each(catalog.views),
        functions=_each(catalog.functions),
        types=_each(catalog.types),
    )


def _table(table: Table, anonymiser: Anonymiser) -> Table:
    columns = tuple(_column(table, column, anonymiser) for column in table.columns)
    if any(new is not old for new, old in zip(columns, table.columns, strict=True)):
        table = replace(table, columns=columns)
    if table.partition_of is not None and _splits_by_data(table, anonymiser):
        table = replace(table, partition_bound=_ANY_LITERAL.sub(f"'{REDACTED}'", table.partition_bound or ""))
    found: Table = _clean(table)
    return found


def _splits_by_data(table: Table, anonymiser: Anonymiser) -> bool:
    """Whether the bounds of a partition are values that its rows would not show."""
    key = anonymiser.partition_key(table)
    named = (column for column in table.columns if column.name in key)
    return any(anonymiser.kind_of(table, column).kind in _TELLING_DEFAULTS for column in named)


def _column(table: Table, column: Column, anonymiser: Anonymiser) -> Column:
    if column.default is None or "'" not in column.default or column.generated:
        return column
    if anonymiser.kind_of(table, column).kind not in _TELLING_DEFAULTS or "nextval(" in column.default:
        return column
    default = _ANY_LITERAL.sub(f"'{REDACTED}'", column.default)
    return replace(column, default=default) if default != column.default else column


def _each(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_clean(value) for value in values)


def _clean(value: Any) -> Any:
    """A value of the catalog with its texts cleaned; the very same one if nothing was to be done."""
    changes = {}
    for name in _fields_of(cast("Hashable", type(value))):
        old = getattr(value, name)
        new = _clean_field(value, name, old)
        if new is not old:
            changes[name] = new
    return replace(value, **changes) if changes else value


@cache
def _fields_of(kind: Hashable) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cast("Any", kind)) if each.name not in ("name", "owner"))


def _clean_field(value: Any, name: str, old: Any) -> Any:
    if isinstance(old, str) and old:
        if name in _PROSE_FIELDS:
            return _unless_same(prose, old)
        return _unless_same(code, old) if name in _CODE_FIELDS else old
    if isinstance(old, tuple) and old:
        return _clean_parts(value, name, old)
    return old


def _clean_parts(value: Any, name: str, old: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(old[0], str):
        # The columns of a key are names; those of an index may be expressions.
        if name not in _CODE_LISTS or (name == "columns" and not isinstance(value, Index)):
            return old
        clean = prose if isinstance(value, Type) and value.kind == "enum" else shown
        new = tuple(_unless_same(clean, each) for each in old)
    elif hasattr(old[0], "comment"):
        new = _each(old)
    else:
        return old
    return new if any(a is not b for a, b in zip(new, old, strict=True)) else old


def _unless_same(clean: Callable[[str], str], old: str) -> str:
    new = clean(old)
    return old if new == old else new
