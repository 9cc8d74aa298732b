"""Queries for lists: the newest first, what falls into some days, what waits for somebody."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.catalog.model import Index, Table
from migplan.document.derive import columns as meaning
from migplan.document.derive.access import Question, performance
from migplan.document.derive.facts import Facts
from migplan.document.derive.indexes import is_descending
from migplan.document.derive.query import PAGE, Parameters, equal, written
from migplan.document.derive.relatives import followed
from migplan.document.derive.sessions import parenthesised
from migplan.document.derive.wording import columns_of, shown
from migplan.document.model import Pattern
from migplan.names import quoted
from migplan.text.wording import joined


def newest(table: Table, facts: Facts) -> Iterator[Pattern]:
    """The newest rows, by an index made for that or by the time of coming in."""
    index = _made_for_time(table)
    created = meaning.created(table)
    if index is not None:
        ahead, last = index.columns[:-1], index.columns[-1]
        order = f"{quoted(last)} {is_descending(index) or 'DESC'}"
    elif created is not None:
        tenant = facts.tenant(table)
        ahead, last = ((tenant,) if tenant else ()), created.name
        key = followed(table, facts)
        if key is not None and key.columns == ahead:
            return  # the rows of that parent are the same list
        order = f"{quoted(last)} DESC"
    else:
        return
    sql = written(
        "SELECT *",
        f"FROM {shown(table.name)}",
        f"ORDER BY {order}",
        f"LIMIT {PAGE}",
        where=equal(ahead, Parameters()),
    )
    of = f" of a given {joined(ahead)}" if ahead else ""
    yield Pattern(f"The latest rows{of}, by {last}", sql, performance(table, Question(ahead, last), facts))


def between_days(table: Table, facts: Facts) -> Iterator[Pattern]:
    """Rows whose days overlap those that are asked for."""
    for begin, end in list(meaning.spans(table))[:1]:
        index = _with_span(table, begin.name, end.name)
        tenant = facts.tenant(table)
        ahead = tuple(index.columns[: index.columns.index(begin.name)]) if index else ()
        if not ahead and tenant:
            ahead = (tenant,)
        given = Parameters()
        where = equal(ahead, given)
        low, high = given(), given()
        where += [f"{quoted(begin.name)} < {high}", f"{quoted(end.name)} > {low}"]
        sql = written("SELECT *", f"FROM {shown(table.name)}", f"ORDER BY {quoted(begin.name)}", where=where)
        of = f" of a given {joined(ahead)}" if ahead else ""
        yield Pattern(
            f"Rows{of} between two days, by {begin.name} and {end.name}",
            sql,
            performance(table, Question(ahead, begin.name), facts),
        )


def waiting(table: Table, facts: Facts) -> Iterator[Pattern]:
    """What a partial index holds, or the rows in one state."""
    partial = [each for each in table.indexes if _is_queue(each, table)]
    status = meaning.status(table)
    if partial:
        index = partial[0]
        order = columns_of(index.columns)
        sql = written(
            "SELECT *",
            f"FROM {shown(table.name)}",
            f"ORDER BY {order}",
            f"LIMIT {PAGE}",
            where=[parenthesised(index.predicate or "true")],
        )
        said = f"Index {quoted(index.name)} holds only these rows, and in this order."
        yield Pattern(f"The rows of index {index.name}, in its order", sql, said)
    elif status is not None:
        yield in_state(table, status.name, facts)


def in_state(table: Table, status: str, facts: Facts) -> Pattern:
    """The rows in one state, the oldest first where one can tell."""
    created = meaning.created(table)
    tenant = facts.tenant(table)
    ahead = (tenant, status) if tenant else (status,)
    clauses = ["SELECT *", f"FROM {shown(table.name)}"]
    if created is not None:
        clauses.append(f"ORDER BY {quoted(created.name)}")
    sql = written(*clauses, f"LIMIT {PAGE}", where=equal(ahead, Parameters()))
    return Pattern(
        f"The rows with a given {joined(ahead)}, the oldest first"
        if created
        else f"The rows with a given {joined(ahead)}",
        sql,
        performance(table, Question(ahead, created.name if created else None), facts),
    )


def _made_for_time(table: Table) -> Index | None:
    """A whole B-tree that ends with a moment; those that say DESC first, then the one that asks for less."""
    moments = {column.name for column in table.columns if meaning.is_moment(column)}
    names = {column.name for column in table.columns}
    spans = {end.name for pair in meaning.spans(table) for end in pair}
    found = [
        index
        for index in table.indexes
        if index.valid
        and index.method == "btree"
        and not index.is_partial
        and not index.unique
        and set(index.columns) <= names
        and index.columns[-1] in moments - spans
    ]
    return min(found, key=lambda each: (not is_descending(each), len(each.columns), each.name), default=None)


def _with_span(table: Table, begin: str, end: str) -> Index | None:
    names = {column.name for column in table.columns}
    return next(
        (
            index
            for index in table.indexes
            if index.valid
            and index.method == "btree"
            and not index.is_partial
            and {begin, end} <= set(index.columns) <= names
            and index.columns.index(begin) < index.columns.index(end)
        ),
        None,
    )


def _is_queue(index: Index, table: Table) -> bool:
    names = {column.name for column in table.columns}
    return (
        index.valid
        and index.is_partial
        and not index.unique
        and index.method == "btree"
        and bool(index.columns)
        and set(index.columns) <= names
        and " DESC" not in (index.definition or "").partition(" WHERE ")[0]
    )
