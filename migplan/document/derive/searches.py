"""Queries for what an index of another kind than B-tree is made for: nearness, words, contents, ranges."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migplan.catalog.model import Column, Index, Table
from migplan.document.derive import columns as meaning
from migplan.document.derive.facts import Facts
from migplan.document.derive.indexes import distance, operator_class
from migplan.document.derive.query import written
from migplan.document.derive.sessions import parenthesised
from migplan.document.derive.wording import HOME, shown
from migplan.document.model import Pattern
from migplan.names import quoted, split

_CONFIGURATION = re.compile(r"to_tsvector\('((?:[^']|'')+)'::regconfig")
_NEAREST = 10
_RANGES = frozenset({"int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"})
_CONTAINING = frozenset({"", "jsonb_path_ops", "jsonb_ops", "array_ops"})


def searching(table: Table, _: Facts) -> Iterator[Pattern]:
    """One query for each way of searching that an index serves; nearness also where none does."""
    seen = set()
    for index in sorted(table.indexes, key=lambda each: (each.is_partial, each.name)):
        pattern = _by_index(index, table) if index.valid and index.columns else None
        if pattern is not None and pattern.title not in seen:
            seen.add(pattern.title)
            yield pattern
    yield from _without_index(table)


def _by_index(index: Index, table: Table) -> Pattern | None:
    if distance(index):
        return _nearest(index, table)
    found = _of_text(index, table) or _of_contents(index, table)
    if found is None:
        return None
    title, condition = found
    where = [condition, *([parenthesised(index.predicate)] if index.predicate else [])]
    said = f"Index {quoted(index.name)} finds the rows."
    if index.method == "brin":
        said = f"Index {quoted(index.name)} leaves out the parts of the table that lie elsewhere."
    return Pattern(title, written("SELECT *", f"FROM {shown(table.name)}", where=where), said)


def _of_text(index: Index, table: Table) -> tuple[str, str] | None:
    """A title and a condition for an index that looks into texts."""
    if index.method not in ("gin", "gist"):
        return None
    column = _first(index, table)
    title, what = _named(index, column)
    if "trgm_ops" in operator_class(index):
        return f"Rows whose {title} has some letters in it", f"{what} ILIKE '%' || $1 || '%'"
    if column.type == "tsvector" if column else index.columns[0].startswith("to_tsvector("):
        return f"Rows with some words, by {title}", f"{what} @@ {_words(index)}"
    return None


def _of_contents(index: Index, table: Table) -> tuple[str, str] | None:
    """The same for one that knows members, ranges, or where on disk things lie."""
    column = _first(index, table)
    if column is None:
        return None
    name, type_ = column.name, column.type
    match index.method:
        case "gin" if (type_ == "jsonb" or type_.endswith("[]")) and operator_class(index) in _CONTAINING:
            return f"Rows whose {name} contains something", f"{quoted(name)} @> $1::{type_}"
        case "gist" if type_ in _RANGES:
            return f"Rows whose {name} overlaps a range", f"{quoted(name)} && $1::{type_}"
        case "brin" if meaning.is_moment(column):
            return f"Rows from one {name} to another", f"{quoted(name)} >= $1 AND {quoted(name)} < $2"
    return None


def _first(index: Index, table: Table) -> Column | None:
    return next((column for column in table.columns if column.name == index.columns[0]), None)


def _named(index: Index, column: Column | None) -> tuple[str, str]:
    """What an index begins with, for people and for SQL."""
    return (column.name, quoted(column.name)) if column else (index.columns[0], f"({index.columns[0]})")


def _words(index: Index) -> str:
    found = _CONFIGURATION.search(index.columns[0])
    return f"websearch_to_tsquery('{found[1]}', $1)" if found else "websearch_to_tsquery($1)"


def _nearest(index: Index, table: Table) -> Pattern:
    column = _first(index, table)
    title, what = _named(index, column)
    schema = _schema_of_class(index) or (_schema(column) if column else "")
    where = [parenthesised(index.predicate)] if index.predicate else []
    order = f"{what} {_called(distance(index) or '', schema)} $1"
    return _near(table, title, order, where, f"Index {quoted(index.name)} finds them.")


def _without_index(table: Table) -> Iterator[Pattern]:
    indexed = {index.columns[0] for index in table.indexes if index.columns and distance(index)}
    for column in table.columns:
        vectors = meaning.bare_type(column.type) in ("vector", "halfvec") and not column.type.endswith("]")
        if vectors and column.name not in indexed:
            order = f"{quoted(column.name)} {_called('<=>', _schema(column))} $1"
            yield _near(table, column.name, order, [], "No index helps: each row is compared.")


def _near(table: Table, title: str, order: str, where: list[str], said: str) -> Pattern:
    clauses = ["SELECT *", f"FROM {shown(table.name)}", f"ORDER BY {order}", f"LIMIT {_NEAREST}"]
    return Pattern(f"The rows whose {title} is nearest", written(*clauses, where=where), said)


def _called(operator: str, schema: str) -> str:
    """An operator as a session finds it: by its schema, where nobody looks by himself."""
    return operator if schema in ("", HOME) else f"OPERATOR({quoted(schema)}.{operator})"


def _schema(column: Column) -> str:
    parts = split(column.type.partition("(")[0])
    return parts[0] if len(parts) == 2 else ""


def _schema_of_class(index: Index) -> str:
    found = re.search(r'("(?:[^"]|"")+"|\w+)\."?\w+_ops\b', index.definition or "")
    return split(found[1])[0] if found else ""
