"""A catalog cleaned: no comment, default or definition of it holds what gives anybody away."""

import hashlib
import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cache
from typing import Any, cast, get_args, get_type_hints

from migplan.anonymise.anonymiser import Anonymiser
from migplan.anonymise.stand_ins import REDACTED
from migplan.anonymise.texts import code, prose, shown
from migplan.catalog.attributes import SECRET, Attributes
from migplan.catalog.model import Catalog, Check, Column, Index, Table, Type
from migplan.config import ColumnKind

_PROSE_FIELDS = frozenset(("comment",))
_CODE_FIELDS = frozenset(
    ("default", "definition", "using", "check", "predicate", "partition_key", "partition_bound", "arguments")
)
_DATA_FIELDS = frozenset(("default", "using", "check", "predicate", "partition_bound"))
_CODE_LISTS = frozenset(("settings", "options", "columns", "definition"))
# Of these a default tells what stands in rows.
_TELLING_DEFAULTS = frozenset(ColumnKind) - {
    ColumnKind.KEEP, ColumnKind.TEXT, ColumnKind.JSON, ColumnKind.BINARY, ColumnKind.SIZE,
    ColumnKind.EXTERNAL_ID, ColumnKind.PLACE, ColumnKind.MONEY, ColumnKind.BIRTH,
}  # fmt: skip
_ANY_LITERAL = re.compile(r"'(?=[^']*\w)(?:[^']|'')+'")


Mark = Callable[[str, str], str]
"""What is written of a text that was cleaned: of the clean one, and the one that it was."""


def only_clean(clean: str, _was: str) -> str:
    """The clean text, and nothing that tells what it was."""
    return clean


def with_digest(clean: str, was: str) -> str:
    """The clean text, and sixteen bits that show when what it was has changed.

    So few that nobody who guesses at a secret can make sure of it: one guess in 65,536 fits by chance.
    """
    return f"{clean} /* {hashlib.sha256(was.encode('utf-8', 'surrogatepass')).hexdigest()[:4]} */"


@dataclass(frozen=True, slots=True)
class _Pen:
    """What strikes out, and what is written then."""

    mark: Mark
    strict: Callable[[str], str]


def cleaned(catalog: Catalog, anonymiser: Anonymiser, mark: Mark = only_clean) -> Catalog:
    """The catalog, with marks in all of its texts. The structure is the same, and so are names."""
    pen = _Pen(mark, anonymiser.sql)
    return replace(
        catalog,
        schemas=_each(catalog.schemas, pen),
        tables=tuple(_table(table, anonymiser, pen) for table in catalog.tables),
        sequences=_each(catalog.sequences, pen),
        views=_each(catalog.views, pen),
        functions=_each(catalog.functions, pen),
        types=_each(catalog.types, pen),
        attributes=_attributes(catalog.attributes, pen) if catalog.attributes else None,
    )


def _attributes(attributes: Attributes, pen: _Pen) -> Attributes:
    """Attributes with their texts cleaned; of a secret's digest too little is left to guess at it."""
    things = {
        thing: {name: _attribute(name, value, pen) for name, value in values.items()}
        for thing, values in attributes.things.items()
    }
    return replace(attributes, things=things)


def _attribute(name: str, value: Any, pen: _Pen) -> Any:
    if isinstance(value, list):
        return [_attribute(name, each, pen) for each in value]
    if not isinstance(value, str) or len(value) < _SHORTEST:
        return value
    if name in SECRET:
        return value[:4]
    if name in _ATTRIBUTES_OF_PROSE:
        return _unless_same(prose, value, pen)
    return _unless_same(pen.strict if name in _ATTRIBUTES_OF_CODE else shown, value, pen)


_SHORTEST = 5  # characters of a text that could give anything away
_ATTRIBUTES_OF_PROSE = frozenset({"comment", "own_comment", "not_null_comment", "label"})
_ATTRIBUTES_OF_CODE = frozenset({"definition", "where", "view_default", "typdefault"})


def _table(table: Table, anonymiser: Anonymiser, pen: _Pen) -> Table:
    columns = tuple(_column(table, column, anonymiser, pen) for column in table.columns)
    if any(new is not old for new, old in zip(columns, table.columns, strict=True)):
        table = replace(table, columns=columns)
    if table.partition_of is not None and _splits_by_data(table, anonymiser):
        bound = table.partition_bound or ""
        clean = _ANY_LITERAL.sub(f"'{REDACTED}'", bound)
        if clean != bound:
            table = replace(table, partition_bound=pen.mark(clean, bound))
    found: Table = _clean(table, pen)
    return found


def _splits_by_data(table: Table, anonymiser: Anonymiser) -> bool:
    """Whether the bounds of a partition are values that its rows would not show."""
    key = anonymiser.partition_key(table)
    named = (column for column in table.columns if column.name in key)
    return any(anonymiser.kind_of(table, column).kind in _TELLING_DEFAULTS for column in named)


def _column(table: Table, column: Column, anonymiser: Anonymiser, pen: _Pen) -> Column:
    if column.default is None or "'" not in column.default or column.generated:
        return column
    if anonymiser.kind_of(table, column).kind not in _TELLING_DEFAULTS or "nextval(" in column.default:
        return column
    default = _ANY_LITERAL.sub(f"'{REDACTED}'", column.default)
    return replace(column, default=pen.mark(default, column.default)) if default != column.default else column


def _each(values: tuple[Any, ...], pen: _Pen) -> tuple[Any, ...]:
    return tuple(_clean(value, pen) for value in values)


def _clean(value: Any, pen: _Pen) -> Any:
    """A value of the catalog with its texts cleaned; the very same one if nothing was to be done."""
    changes = {}
    for name in _fields_of(cast("Hashable", type(value))):
        old = getattr(value, name)
        new = _clean_field(value, name, old, pen)
        if new is not old:
            changes[name] = new
    return replace(value, **changes) if changes else value


@cache
def _fields_of(kind: Hashable) -> tuple[str, ...]:
    """The fields that may hold a text to be cleaned, or values that do."""
    said = _PROSE_FIELDS | _CODE_FIELDS | _CODE_LISTS
    types = get_type_hints(kind)
    return tuple(
        each.name
        for each in fields(cast("Any", kind))
        if each.name in said or any(map(is_dataclass, get_args(types[each.name])))
    )


def _clean_field(value: Any, name: str, old: Any, pen: _Pen) -> Any:
    if isinstance(old, str) and old:
        if name in _PROSE_FIELDS:
            return _unless_same(prose, old, pen)
        if name not in _CODE_FIELDS:
            return old
        return _unless_same(pen.strict if _holds_data(value, name) else code, old, pen)
    if isinstance(old, tuple) and old:
        return _clean_parts(value, name, old, pen)
    return old


def _holds_data(value: Any, name: str) -> bool:
    """Whether literals of a text are values as rows have them, and not words of a rule about all rows."""
    if name == "definition" and isinstance(value, Check):
        return value.definition.startswith("EXCLUDE")  # the predicate of its index
    return name in _DATA_FIELDS or (name == "definition" and isinstance(value, Index))


def _clean_parts(value: Any, name: str, old: tuple[Any, ...], pen: _Pen) -> tuple[Any, ...]:
    if isinstance(old[0], str):
        # The columns of a key are names; those of an index may be expressions.
        if name not in _CODE_LISTS or (name == "columns" and not isinstance(value, Index)):
            return old
        clean: Callable[[str], str] = shown
        if isinstance(value, Index):
            clean = pen.strict
        elif isinstance(value, Type) and value.kind == "enum":
            clean = prose
        new = tuple(
            _unless_same(pen.strict if _is_default(value, each) else clean, each, pen) for each in old
        )
    elif hasattr(old[0], "comment"):
        new = _each(old, pen)
    else:
        return old
    return new if any(a is not b for a, b in zip(new, old, strict=True)) else old


def _is_default(value: Any, part: str) -> bool:
    return isinstance(value, Type) and value.kind == "domain" and part.startswith("DEFAULT ")


def _unless_same(clean: Callable[[str], str], old: str, pen: _Pen) -> str:
    new = clean(old)
    return old if new == old else pen.mark(new, old)
