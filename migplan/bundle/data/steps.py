"""What data files are made of: statements, rows, and steps that are done whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psycopg import sql

from migplan.catalog.model import Table


@dataclass(frozen=True, slots=True)
class Sql:
    """Statements, each with its semicolon."""

    text: str


@dataclass(frozen=True, slots=True)
class RowBlock:
    """Rows that go into a table: what COPY names, its columns, and the query that reads them."""

    into: str
    columns: tuple[str, ...]
    query: sql.Composable
    counted: bool = True  # second passes bring values to rows that were counted before
    identity: bool = False
    bytes: int | None = None  # an estimate; None where nobody knows


Part = Sql | RowBlock


@dataclass(frozen=True, slots=True)
class DataStep:
    """Pieces that share a transaction."""

    name: str
    comment: tuple[str, ...]
    parts: tuple[Part, ...]
    tables: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # tables whose rows must be there before, because keys are in force


def loaded_columns(table: Table) -> tuple[str, ...]:
    """The columns that COPY fills: all that are not generated."""
    return tuple(column.name for column in table.columns if not column.generated)


def own_rows(table: Table) -> sql.Composed:
    """What to read of a table: its partitions too, but not the tables that inherit from it."""
    return sql.SQL(table.only) + sql.Identifier(table.name.schema, table.name.name)


def selection(table: Table, columns: Iterable[str], nulled: frozenset[str] = frozenset()) -> sql.Composed:
    """``SELECT columns FROM ONLY table``, some of the columns as NULL."""
    shown = sql.SQL(", ").join(
        sql.SQL("NULL") if name in nulled else sql.Identifier(name) for name in columns
    )
    return sql.SQL("SELECT {} FROM ONLY {}").format(shown, sql.Identifier(table.name.schema, table.name.name))
