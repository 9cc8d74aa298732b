"""Reading the rows of a data step in batches: those after a key, in the order of the key.

The query is wrapped and asked anew for each batch. A cursor would have to stay open across commits, could not
be gone on with by another process, and would keep the server from cleaning up for as long as the step runs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from psycopg import sql

from migplan.data import DataStep, Row
from migplan.postgres.session import Session

# A key is remembered as text, so it has to be printed alike whenever the step goes on. Hidden rows must
# raise, not vanish.
_SETTINGS = (
    "SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'postgres'; SET LOCAL bytea_output = 'hex'; "
    "SET LOCAL extra_float_digits = 3; SET LOCAL row_security = off"
)
_SOURCE = "source"


class UnreadableError(Exception):
    """The query cannot be read in batches."""


@dataclass(frozen=True, slots=True)
class Keyed:
    """A row and its key, as the server prints it."""

    key: tuple[str, ...]
    row: Row


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one transaction; ``last`` when there were none behind them."""

    rows: Sequence[Keyed]
    last: bool


def read(connection: Session, step: DataStep, after: tuple[str, ...] | None) -> Batch:
    """Return the next batch.

    One row more is read, to know whether there are others and whether keys repeat.
    """
    connection.execute(_SETTINGS)
    query = sql.SQL("SELECT ARRAY[{key}], {source}.* {rest} ORDER BY {order} LIMIT %s").format(
        key=sql.SQL(", ").join(sql.SQL("{}::text").format(name) for name in _names(step)),
        source=sql.Identifier(_SOURCE),
        rest=_rest(step, after),
        order=sql.SQL(", ").join(_names(step)),
    )
    cursor = connection.execute(query, [*(after or ()), step.batch + 1])
    names = [column.name for column in cursor.description or ()][1:]
    if twice := [name for name, number in Counter(names).items() if number > 1]:
        raise UnreadableError(f"the query has two columns {twice[0]}: give one of them another name")
    rows = [Keyed(tuple(key), Row(zip(names, values, strict=True))) for key, *values in cursor]
    _refuse_same_keys(step, rows)
    return Batch(rows[: step.batch], len(rows) <= step.batch)


def refuse_null_keys(connection: Session, step: DataStep) -> None:
    """Raise UnreadableError if a key is null: no comparison would find that row."""
    connection.execute(_SETTINGS)
    condition = sql.SQL(" OR ").join(sql.SQL("{} IS NULL").format(name) for name in _names(step))
    query = sql.SQL("SELECT {} WHERE {} LIMIT 1").format(_rest(step, None), condition)
    if connection.execute(query, []).rowcount:
        named = ", ".join(step.key)
        raise UnreadableError(f"a row has no {named}: leave such rows out in the query, or take another key")


def about(connection: Session, step: DataStep, after: tuple[str, ...] | None) -> int:
    """Return the server's estimate of the rows that are left."""
    query = sql.SQL("EXPLAIN (FORMAT JSON) SELECT {rest}").format(rest=_rest(step, after))
    (plan,) = connection.execute(query, list(after or ())).fetchone() or ([],)
    return int(plan[0]["Plan"]["Plan Rows"]) if plan else 0


def _rest(step: DataStep, after: tuple[str, ...] | None) -> sql.Composed:
    # The text is the step's own; a comment at its end must not swallow the parenthesis.
    query = sql.SQL(step.read.strip().rstrip(";").replace("%", "%%"))
    rest = sql.SQL("FROM (\n{}\n) AS {}").format(query, sql.Identifier(_SOURCE))
    if after is None:
        return rest
    values = sql.SQL(", ").join([sql.Placeholder()] * len(after))
    return rest + sql.SQL(" WHERE ({}) > ({})").format(sql.SQL(", ").join(_names(step)), values)


def _names(step: DataStep) -> list[sql.Identifier]:
    return [sql.Identifier(_SOURCE, name) for name in step.key]


def _refuse_same_keys(step: DataStep, rows: Sequence[Keyed]) -> None:
    """Raise UnreadableError if rows share a key: some would be lost between two batches."""
    for one, other in pairwise(rows):
        if one.key == other.key:
            raise UnreadableError(f"two rows have {shown(step.key, one.key)}: the key must be unique")


def shown(names: Sequence[str], key: Sequence[str]) -> str:
    """Return a key as people read it: ``id = 7``."""
    return ", ".join(f"{name} = {value}" for name, value in zip(names, key, strict=True))
