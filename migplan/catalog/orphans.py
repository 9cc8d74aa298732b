"""Rows that refer to nothing: counted on request, because it reads every table that has a key."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import sql

from migplan.catalog.model import ForeignKey
from migplan.catalog.questions import Questions
from migplan.errors import BlockedError, PrivilegeError
from migplan.names import QualifiedName
from migplan.postgres.session import Session

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Orphans:
    """The rows of one key that refer to nothing, with a few of the values that they carry."""

    key: ForeignKey
    rows: int
    samples: tuple[tuple[str, ...], ...]
    unread: str = ""  # why they could not be counted


def find_orphans(
    session: Session,
    keys: Iterable[ForeignKey],
    told: Callable[[int, int], None] = lambda done, total: None,
    *,
    absent: Collection[ForeignKey] = (),
) -> tuple[Orphans, ...]:
    """The keys that have orphans, or could not be looked at, at the session's moment.

    ``absent``: keys whose other table will be empty, so that all rows that refer to it are orphans.
    """
    found = []
    every: Sequence[ForeignKey] = tuple(keys)
    comparisons = {(row.schema, row.table, row.name): row for row in Questions(session).all("key_operators")}
    for done, key in enumerate(every):
        told(done, len(every))
        comparison = comparisons.get((key.table.schema, key.table.name, key.name))
        orphans = _look(session, key, comparison, absent=key in absent)
        if orphans.rows or orphans.unread:
            found.append(orphans)
    told(len(every), len(every))
    return tuple(found)


def _look(session: Session, key: ForeignKey, comparison: Any, *, absent: bool) -> Orphans:
    if key.period and not absent:
        return Orphans(key, 0, (), "a PERIOD key cannot be looked at row by row")
    if comparison is None:
        return Orphans(key, 0, (), "the database has no such key now")
    try:
        # Going back gives the locks back: those of thousands of tables would fill the lock table.
        with session.transaction(force_rollback=True):
            during = f"looking for orphans of {key.name}"
            answers = session.ask(_question(key, comparison, absent=absent), during=during)
    except (PrivilegeError, BlockedError) as error:
        return Orphans(key, 0, (), error.said)
    return Orphans(
        key,
        rows=answers[0][0] if answers else 0,
        samples=tuple(
            tuple("NULL" if value is None else value for value in values) for _, *values in answers
        ),
    )


def _question(key: ForeignKey, comparison: Any, *, absent: bool) -> sql.Composed:
    """How many rows refer to nothing, and the first of their values; each row of the answer has the count."""
    own = [sql.SQL("o.{}").format(sql.Identifier(column)) for column in key.columns]
    other = [sql.SQL("r.{}").format(sql.Identifier(column)) for column in key.referenced_columns]
    match = map(_equal, other, own, comparison.operators, comparison.collations)
    # MATCH SIMPLE is content as soon as one column is NULL; MATCH FULL only when all of them are.
    joint = " OR " if key.match == "FULL" else " AND "
    return sql.SQL(
        "SELECT sum(count(*)) OVER ()::bigint, {texts} FROM {table} o WHERE ({refers}) "
        "{found} GROUP BY {texts} ORDER BY {texts} LIMIT {samples}"
    ).format(
        texts=sql.SQL(", ").join(sql.SQL('{}::text COLLATE "C"').format(column) for column in own),
        table=_rows_of(key.table, comparison.partitioned),
        found=sql.SQL("")
        if absent
        else sql.SQL("AND NOT EXISTS (SELECT FROM {referenced} r WHERE {match})").format(
            referenced=_rows_of(key.referenced, comparison.referenced_partitioned),
            match=sql.SQL(" AND ").join(match),
        ),
        refers=sql.SQL(joint).join(sql.SQL("{} IS NOT NULL").format(column) for column in own),
        samples=sql.Literal(SAMPLES),
    )


def _rows_of(table: QualifiedName, partitioned: bool) -> sql.Composed:
    """A key neither binds nor finds the rows of tables that inherit; those of partitions it does."""
    return sql.SQL("{}{}").format(
        sql.SQL("" if partitioned else "ONLY "), sql.Identifier(table.schema, table.name)
    )


def _equal(
    other: sql.Composed, own: sql.Composed, operator: Sequence[str], collation: str | None
) -> sql.Composed:
    """Whether the two are equal for the key itself; ``=`` may mean something else to another search path.

    The names of types and of the collation are SQL that the server wrote.
    """
    schema, name, other_type, own_type = operator
    return sql.SQL("{}{} OPERATOR({}.{}) {}").format(
        _as(other, other_type),
        sql.SQL(f" COLLATE {collation}" if collation else ""),
        sql.Identifier(schema),
        sql.SQL(name),
        _as(own, own_type),
    )


def _as(value: sql.Composed, type_: str) -> sql.Composed:
    """The value as the type that an operator takes; one for any array or range takes it as it is."""
    if type_.startswith("any"):
        return value
    return sql.SQL("{}::{}").format(value, sql.SQL(type_))
