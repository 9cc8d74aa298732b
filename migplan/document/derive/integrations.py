"""What ties a table to another system, and the queries that somebody who looks after the tie asks."""

import re
from collections.abc import Iterator

from migplan.catalog.model import Column, Table
from migplan.document.derive import columns as meaning
from migplan.document.derive.access import Question, performance
from migplan.document.derive.facts import Facts
from migplan.document.derive.platforms import (
    SYNCED,
    credentials,
    external_ids,
    fields_beside,
    is_integration,
    platform,
    sync_fields,
)
from migplan.document.derive.queries import PAGE, Parameters, equal, in_state, rows_of
from migplan.document.model import Integration, Pattern
from migplan.names import quoted

_ERROR = re.compile(r"(?:^|_)errors?(?:_|$)")
_ON = re.compile(r"^(?:is_)?(?:active|enabled|connected|approved|verified)$")
_LOG = re.compile(r"(?:^|_)(?:logs?|history|runs)$")
_FAILED = re.compile(r"^(?:error|errored|failed|failure)$", re.IGNORECASE)


def integration(table: Table, facts: Facts) -> Integration | None:
    """Return what ties a table to another system; None where nothing does."""
    if not is_integration(table, facts.platforms):
        return None
    return Integration(
        platform=platform(table, facts.platforms),
        external_ids=external_ids(table, facts.platforms),
        sync_fields=fields_beside(table) if sync_fields(table) else (),
        credentials=credentials(table, integrated=True),
        queries=tuple(_queries(table, facts)),
    )


def _queries(table: Table, facts: Facts) -> Iterator[Pattern]:
    names = {meaning.snake(column.name): column for column in table.columns}
    done = next((c for name, c in names.items() if SYNCED.search(name) and meaning.is_moment(c)), None)
    error = next((c for name, c in names.items() if _ERROR.search(name) and meaning.is_text(c)), None)
    for external in external_ids(table, facts.platforms)[:2]:
        yield _by_external_id(table, external, facts)
    if done is not None:
        yield _overdue(table, done, facts)
    if error is not None:
        yield _with_error(table, error, done or _when(table), facts)
    else:
        yield from _failed(table, facts)
    yield from _switched_on(table, facts)
    if _LOG.search(meaning.snake(table.name.name)):
        yield from _history(table, facts)


def _by_external_id(table: Table, external: str, facts: Facts) -> Pattern:
    """Return the query for the row that the other system means."""
    ahead = facts.ahead(table)
    given = (*ahead, external)
    sql = rows_of(table, where=equal(given, Parameters()))
    said = performance(table, Question(given), facts)
    return Pattern(f"The row that the other system calls by {external}", sql, said)


def _overdue(table: Table, done: Column, facts: Facts) -> Pattern:
    name = quoted(done.name)
    sql = rows_of(
        table,
        f"ORDER BY {name} NULLS FIRST",
        where=[f"({name} IS NULL OR {name} < now() - interval '24 hours')"],
    )
    return Pattern(
        f"What is to be synced: never, or not for a day, by {done.name}",
        sql,
        performance(table, Question((), done.name), facts),
    )


def _with_error(table: Table, error: Column, when: Column | None, facts: Facts) -> Pattern:
    order = [f"ORDER BY {quoted(when.name)} DESC"] if when else []
    sql = rows_of(table, *order, f"LIMIT {PAGE}", where=[f"{quoted(error.name)} IS NOT NULL"])
    said = performance(table, Question((), when.name if when else None), facts)
    return Pattern(f"Recent errors, by {error.name}", sql, said)


def _failed(table: Table, facts: Facts) -> Iterator[Pattern]:
    """Return the query for failed rows, by the enum's label for failure, or by a given status."""
    status = next(
        (c for c in table.columns if "sync" in meaning.snake(c.name) and meaning.is_status(c)), None
    ) or meaning.status(table)
    if status is None:
        return
    label = next((each for each in facts.labels.get(status.type, ()) if _FAILED.match(each)), None)
    if label is None:
        yield in_state(table, status.name, facts)
        return
    when = _when(table)
    order = [f"ORDER BY {quoted(when.name)} DESC"] if when else []
    value = label.replace("'", "''")
    sql = rows_of(table, *order, f"LIMIT {PAGE}", where=[f"{quoted(status.name)} = '{value}'"])
    question = Question((status.name,), when.name if when else None)
    yield Pattern(f"Recent errors, by {status.name}", sql, performance(table, question, facts))


def _switched_on(table: Table, facts: Facts) -> Iterator[Pattern]:
    """Return the query for rows that are switched on."""
    flag = next((c for c in table.columns if c.type == "boolean" and _ON.search(meaning.snake(c.name))), None)
    if flag is not None:
        ahead = facts.ahead(table)
        where = [*equal(ahead, Parameters()), quoted(flag.name)]
        sql = rows_of(table, where=where)
        said = performance(table, Question(ahead, where=quoted(flag.name)), facts)
        yield Pattern(f"What is switched on, by {flag.name}", sql, said)


def _history(table: Table, facts: Facts) -> Iterator[Pattern]:
    """Return the query for the latest entries of a log, of one object where the log has a key to it."""
    when = _when(table)
    if when is None:
        return
    tenant = facts.tenant(table)
    keys = [
        key
        for key in table.foreign_keys
        if not key.refers_to_itself and len(key.columns) == 1 and key.columns != (tenant,)
    ]
    ahead = keys[0].columns if keys else facts.ahead(table)
    sql = rows_of(
        table,
        f"ORDER BY {quoted(when.name)} DESC",
        f"LIMIT {PAGE}",
        where=equal(ahead, Parameters()),
    )
    said = performance(table, Question(ahead, when.name), facts)
    yield Pattern(f"The history{f' of one {ahead[0]}' if ahead else ''}, the newest first", sql, said)


def _when(table: Table) -> Column | None:
    return meaning.created(table) or next((c for c in table.columns if meaning.is_moment(c)), None)
