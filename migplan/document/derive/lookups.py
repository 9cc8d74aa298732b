"""Queries for one row, or for all of them page by page."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.catalog.model import Index, Table, TableKind
from migplan.document.derive.access import Question, performance
from migplan.document.derive.facts import Facts
from migplan.document.derive.platforms import external_ids
from migplan.document.derive.query import PAGE, Parameters, equal, written
from migplan.document.derive.sessions import parenthesised
from migplan.document.derive.wording import columns_of, shown
from migplan.document.model import Pattern
from migplan.text.wording import joined


def by_primary_key(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The row with a primary key."""
    key = table.primary_key
    if key is None:
        return
    sql = written("SELECT *", f"FROM {shown(table.name)}", where=equal(key.columns, Parameters()))
    yield Pattern(
        f"The row with a given {joined(key.columns)}",
        sql,
        "A key that holds for ranges: its index finds the row."
        if key.without_overlaps
        else performance(table, Question(key.columns), facts),
    )


def by_unique_key(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The row by another of its names: what other systems call it before the rest."""
    primary = table.primary_key.name if table.primary_key else ""
    outside = set(external_ids(table, facts.platforms))
    indexes = [each for each in table.indexes if _is_rule(each) and each.constraint != primary]
    indexes.sort(key=lambda each: (outside.isdisjoint(each.columns), each.is_partial, each.name))
    for index in indexes[:1]:
        yield _by_index(index, table, facts)


def page_by_page(table: Table, facts: Facts) -> Iterator[Pattern]:
    """All rows in the order of the primary key, a page at a time, from where the last page ended."""
    key = table.primary_key
    if key is None or key.without_overlaps:
        return
    given, columns = Parameters(), columns_of(key.columns)
    last = ", ".join(given() for _ in key.columns)
    after = f"{columns} > {last}" if len(key.columns) == 1 else f"({columns}) > ({last})"
    sql = written(
        "SELECT *", f"FROM {shown(table.name)}", f"ORDER BY {columns}", f"LIMIT {PAGE}", where=[after]
    )
    yield Pattern(
        "All rows, a page at a time, from where the last page ended",
        sql,
        performance(table, Question((), key.columns[0]), facts),
    )


def a_few(table: Table, _: Facts) -> Iterator[Pattern]:
    """Some rows, whichever come first."""
    yield Pattern(
        "A few rows, whichever come first",
        written("SELECT *", f"FROM {shown(table.name)}", f"LIMIT {PAGE}"),
        "No order is asked for, so it ends with the first rows that are met.",
    )


def how_many(table: Table, _: Facts) -> Iterator[Pattern]:
    """The number of rows."""
    far = " there" if table.kind is TableKind.FOREIGN else ""
    yield Pattern(
        "How many rows there are",
        written("SELECT count(*)", f"FROM {shown(table.name)}"),
        f"The whole table is read{far}, or the whole of one index.",
    )


def _is_rule(index: Index) -> bool:
    return index.unique and index.valid and index.method == "btree" and bool(index.columns)


def _by_index(index: Index, table: Table, facts: Facts) -> Pattern:
    names = {column.name for column in table.columns}
    given = Parameters()
    parts = [columns_of([part]) if part in names else f"({part})" for part in index.columns]
    where = [f"{part} = {given()}" for part in parts]
    if index.predicate:
        where.append(parenthesised(index.predicate))
    sql = written("SELECT *", f"FROM {shown(table.name)}", where=where)
    said = performance(table, Question(index.columns, where=index.predicate), facts)
    return Pattern(f"The row with a given {joined(index.columns)}", sql, said)
