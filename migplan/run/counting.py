"""Rows of a target's tables: how many there are, and how many of them a run brought and nobody changed since.

A row carries the number of the transaction that wrote it, and the journal those of a run. Transactions are
counted in 64 bits, rows carry the lower 32 of them: a run that lies too many transactions back, and a
journal that came with a copy of the data from another server, tell nothing about rows: none counts as its.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from migplan.postgres.address import Address
from migplan.postgres.failures import explained

_HORIZON = 1 << 31
_LOW = (1 << 32) - 1

_TABLES = """
    SELECT c.oid::regclass::text, c.oid::bigint, c.relkind = 'p', c.relforcerowsecurity AND NOT r.exempt
    FROM unnest(%s::text[]) WITH ORDINALITY w (name, place)
    JOIN pg_catalog.pg_class c ON c.oid = pg_catalog.to_regclass(w.name)
    CROSS JOIN (SELECT rolsuper OR rolbypassrls AS exempt FROM pg_catalog.pg_roles
                WHERE rolname = current_user) r
    WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
    ORDER BY w.place
"""


@dataclass(frozen=True, slots=True)
class TableRows:
    """A table's rows; None where the role may not read them."""

    table: str
    oid: int
    partitioned: bool
    rows: int | None
    own: int  # the run brought them, and nobody changed them since

    @property
    def others(self) -> int:
        """Rows that were there before the run, or came or were changed since."""
        return (self.rows or 0) - self.own

    @property
    def whole(self) -> str:
        """The table as a statement names it that is about its own rows: tables that inherit are others."""
        return self.table if self.partitioned else f"ONLY {self.table}"


def low(connection: psycopg.Connection[Any], transactions: Iterable[str | None]) -> list[str]:
    """Transactions as rows carry them; none of those that tell nothing."""
    (now,) = connection.execute(
        "SELECT pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text"
    ).fetchone() or ("0",)
    numbers = {int(each) for each in transactions if each is not None}
    if any(number >= int(now) for number in numbers):
        return []
    return [str(number & _LOW) for number in sorted(numbers) if int(now) - number < _HORIZON]


def counted(
    connection: psycopg.Connection[Any], address: Address, tables: Sequence[str], transactions: Sequence[str]
) -> list[TableRows]:
    """The rows of those tables that are there; a partitioned table with all of its partitions."""
    with explained(address, "counting the rows that would be lost"):
        connection.execute("SET search_path = ''")  # so that names come with their schemas
        found = connection.execute(_TABLES, [list(tables)]).fetchall()
        return [_table(connection, transactions, *row) for row in found]


def _table(
    connection: psycopg.Connection[Any],
    transactions: Sequence[str],
    name: str,
    oid: int,
    partitioned: bool,
    forced: bool,
) -> TableRows:
    table = sql.SQL(name if partitioned else f"ONLY {name}")  # the manifest has it quoted
    query = sql.SQL(
        "SELECT pg_catalog.count(*), pg_catalog.count(*) FILTER (WHERE xmin = ANY ({}::xid[])) FROM {}"
    ).format(list(transactions), table)
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET LOCAL row_security = off; SET LOCAL statement_timeout = 0")
            connection.execute("SET LOCAL lock_timeout = '10s'")
            if forced:  # upon the owner himself, who would be refused
                connection.execute(sql.SQL("ALTER TABLE {} NO FORCE ROW LEVEL SECURITY").format(table))
            rows, own = connection.execute(query).fetchone() or (0, 0)
    except psycopg.errors.InsufficientPrivilege:
        return TableRows(name, oid, partitioned, None, 0)
    return TableRows(name, oid, partitioned, rows, own)
