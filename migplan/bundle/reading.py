"""Reading rows: COPY on one snapshot, by as many connections as are wanted, into whatever takes bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from migplan.bundle.pieces import Rows
from migplan.catalog.model import Catalog, TableKind
from migplan.postgres import copy_out
from migplan.postgres.address import Address
from migplan.postgres.connect import connect
from migplan.postgres.failures import explained
from migplan.postgres.together import Together, together


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was read."""

    rows: int
    bytes: int


class Readers:
    """What reads rows at one moment, in the background or here."""

    def __init__(self, sessions: Together) -> None:
        self._sessions = sessions

    def submit(self, rows: Rows, into: Callable[[], BinaryIO]) -> Future[Amount]:
        """Read some rows in the background, into what ``into`` opens and the reader closes."""

        def work() -> Amount:
            with into() as sink:
                return self.read(rows, sink)

        return self._sessions.submit(work)

    def read(self, rows: Rows, sink: BinaryIO, told: Callable[[int, int], None] | None = None) -> Amount:
        """Read some rows in COPY's text format; a newline in it can only be the end of a row."""
        during = f"reading the rows of {rows.into}"
        with (
            self._sessions.borrowed() as connection,
            explained(self._sessions.address, during),
            # Rolled back, it gives its locks back: thousands of tables would fill the server's lock table.
            connection.transaction(force_rollback=True),
        ):
            return self._copy(connection, rows, sink, told)

    def _copy(
        self,
        connection: psycopg.Connection[Any],
        rows: Rows,
        sink: BinaryIO,
        told: Callable[[int, int], None] | None,
    ) -> Amount:
        count = size = 0
        statement = sql.SQL("COPY ({}) TO STDOUT").format(rows.query).as_string(connection)
        for block in copy_out.rows_of(connection, statement):
            sink.write(block)
            rows_here = block.count(b"\n")
            count += rows_here
            size += len(block)
            if told is not None:
                told(rows_here, len(block))
        return Amount(count, size)


@contextmanager
def readers(address: Address, snapshot: str, jobs: int) -> Iterator[Readers]:
    """Readers for as long as the block runs."""
    with together(address, snapshot, jobs) as sessions:
        yield Readers(sessions)


def lock(driver: psycopg.Connection[Any], address: Address, catalog: Catalog) -> None:
    """Keep the tables as they are while they are read: a TRUNCATE would empty them even for our snapshot."""
    names = [
        sql.Identifier(table.name.schema, table.name.name)
        for table in catalog.tables
        if table.kind is not TableKind.FOREIGN and table.readable
    ]
    for start in range(0, len(names), 500):
        tables = sql.SQL(", ").join(names[start : start + 500])
        with explained(address, "locking the tables against change"):
            driver.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(tables))


def search_path_of(address: Address) -> str:
    """What a session of that database begins with: checks and defaults of its tables may rely on it."""
    with connect(address) as connection, explained(address, "reading the search path"):
        (found,) = connection.execute("SHOW search_path").fetchone() or ('"$user", public',)
        return str(found) or "''"
