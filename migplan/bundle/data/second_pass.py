"""``null-then-update`` in a data file: what is loaded as NULL, and the second pass that sets it."""

from __future__ import annotations

from psycopg import sql

from migplan.bundle.data.pieces import Piece, Rows, Sql, own_rows
from migplan.catalog.model import Key, Table
from migplan.errors import PlanError
from migplan.names import quoted

SCRATCH = "migplan_second_pass"


def pieces(table: Table, nulled: frozenset[str]) -> tuple[Piece, ...]:
    """The values into a scratch table, and from there into their rows, found by a unique key."""
    values = tuple(column.name for column in table.columns if column.name in nulled)
    identity = _identity(table, frozenset(values)).columns
    columns = (*identity, *values)
    shown = ", ".join(map(quoted, columns))
    some = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(name)) for name in values)
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        own_rows(table),
        some,
    )
    assignments = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in values)
    match = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in identity)
    return (
        Sql(
            f"CREATE TEMPORARY TABLE {SCRATCH} ON COMMIT DROP AS\n"  # noqa: S608 - the names are quoted
            f"  SELECT {shown} FROM {table.name} WITH NO DATA;"
        ),
        Rows(f"pg_temp.{SCRATCH}", columns, query, counted=False),
        Sql(
            f"UPDATE {'' if table.partition_key else 'ONLY '}{table.name} t SET {assignments}\n"  # noqa: S608
            f"  FROM pg_temp.{SCRATCH} s WHERE {match};"
        ),
    )


def _identity(table: Table, changing: frozenset[str]) -> Key:
    """A unique key whose columns are all NOT NULL and do not change in the second pass."""
    for key in (table.primary_key, *table.unique_keys):
        if (
            key
            and not changing.intersection(key.columns)
            and all(table.column(name).not_null for name in key.columns)
        ):
            return key
    raise PlanError(
        f"{table.name} cannot be loaded by null-then-update: no primary or unique key tells its rows apart",
        do="give it a primary key, or set its strategy to constraint-later in the plan",
    )
