"""Rows that refer to nothing: counted on request, because it reads every table that has a key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql
from psycopg.rows import tuple_row

from migplan.catalog.model import ForeignKey
from migplan.postgres.address import Address
from migplan.postgres.failures import explained

SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Orphans:
    """The rows of one key that refer to nothing, with a few of the values that they carry."""

    key: ForeignKey
    rows: int
    samples: tuple[tuple[str, ...], ...]
    unread: str = ""  # why they could not be counted


def find_orphans(
    connection: sa.Connection,
    address: Address,
    keys: Iterable[ForeignKey],
    told: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[Orphans, ...]:
    """The keys that have orphans, or could not be looked at, at the connection's moment."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    found = []
    every: Sequence[ForeignKey] = tuple(keys)
    for done, key in enumerate(every):
        told(done, len(every))
        orphans = _look(driver, address, key)
        if orphans.rows or orphans.unread:
            found.append(orphans)
    told(len(every), len(every))
    return tuple(found)


def _look(driver: psycopg.Connection[Any], address: Address, key: ForeignKey) -> Orphans:
    if key.period:
        return Orphans(key, 0, (), "a PERIOD key cannot be looked at row by row")
    answers: list[tuple[Any, ...]] = []
    with explained(address, f"looking for orphans of {key.name}"):
        try:
            with driver.transaction(), driver.cursor(row_factory=tuple_row) as cursor:
                answers = cursor.execute(_question(key)).fetchall()
        except psycopg.errors.InsufficientPrivilege as error:
            return Orphans(key, 0, (), str(error.diag.message_primary))
    return Orphans(
        key,
        rows=answers[0][0] if answers else 0,
        samples=tuple(tuple(str(value) for value in values) for _, *values in answers),
    )


def _question(key: ForeignKey) -> sql.Composed:
    """How many rows refer to nothing, and some of them: the count stands in every row of the answer."""
    pairs = list(zip(key.columns, key.referenced_columns, strict=True))
    match = sql.SQL(" AND ").join(
        sql.SQL("r.{} = o.{}").format(sql.Identifier(there), sql.Identifier(here)) for here, there in pairs
    )
    # MATCH SIMPLE is content as soon as one column is NULL; MATCH FULL only when all of them are.
    joint = " OR " if key.match == "FULL" else " AND "
    refers = sql.SQL(joint).join(
        sql.SQL("o.{} IS NOT NULL").format(sql.Identifier(here)) for here in key.columns
    )
    return sql.SQL(
        "SELECT count(*) OVER (), {columns} FROM {table} o WHERE ({refers}) "
        "AND NOT EXISTS (SELECT FROM {referenced} r WHERE {match}) LIMIT {samples}"
    ).format(
        columns=sql.SQL(", ").join(
            sql.SQL("o.{}::text").format(sql.Identifier(here)) for here in key.columns
        ),
        table=sql.Identifier(key.table.schema, key.table.name),
        referenced=sql.Identifier(key.referenced.schema, key.referenced.name),
        refers=refers,
        match=match,
        samples=sql.Literal(SAMPLES),
    )
