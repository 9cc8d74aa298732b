"""What data files are made of: statements, rows, and steps that are done whole or not at all."""

from dataclasses import dataclass

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
    query: str
    counted: bool = True  # second passes bring values to rows that were counted before
    identity: bool = False
    bytes: int | None = None  # an estimate; None where nobody knows
    rows: int | None = None  # likewise
    types: tuple[str, ...] = ()  # of the columns


Part = Sql | RowBlock


@dataclass(frozen=True, slots=True)
class DataStep:
    """Statements and rows that share a transaction."""

    name: str
    comment: tuple[str, ...]
    parts: tuple[Part, ...]
    tables: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()  # tables whose rows must be there before, because keys are in force
    large_objects: tuple[int, ...] = ()  # that it brings, or a part of
    sequences: tuple[str, ...] = ()  # that are set to what the source says when it runs
    alone: bool = False  # it runs beside no other


def loaded_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that COPY fills: all that are not generated."""
    return tuple(column.name for column in table.columns if not column.generated)
