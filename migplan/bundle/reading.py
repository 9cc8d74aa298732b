"""Reading rows: COPY on one snapshot, by as many connections as are wanted, into whatever takes bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, BinaryIO

import psycopg
from psycopg import sql

from migplan.bundle.pieces import Rows
from migplan.catalog.model import Catalog, TableKind
from migplan.postgres import copy_out
from migplan.postgres.address import Address
from migplan.postgres.connect import connect, reading_settings
from migplan.postgres.failures import explained


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was read."""

    rows: int
    bytes: int


class Readers:
    """Connections that all see the same moment."""

    def __init__(self, address: Address, snapshot: str, jobs: int) -> None:
        self._address = address
        self._snapshot = snapshot
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="reader")
        self._idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        self._all: list[psycopg.Connection[Any]] = []
        self._jobs = jobs

    def open(self) -> None:
        """Connect, as many times as there are jobs."""
        for _ in range(self._jobs):
            connection = connect(self._address)
            self._all.append(connection)
            with explained(self._address, "opening another session on the snapshot"):
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot)))
                connection.execute(reading_settings())
            self._idle.put(connection)

    def close(self) -> None:
        """Cancel what still runs, and disconnect."""
        for connection in self._all:
            connection.cancel_safe(timeout=5) if not connection.closed else None
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._all:
            connection.close()

    def submit(self, rows: Rows, into: Callable[[], BinaryIO]) -> Future[Amount]:
        """Read some rows in the background, into what ``into`` opens and the reader closes."""

        def work() -> Amount:
            with into() as sink:
                return self.read(rows, sink)

        return self._pool.submit(work)

    def read(self, rows: Rows, sink: BinaryIO, told: Callable[[int, int], None] | None = None) -> Amount:
        """Read some rows in COPY's text format; a newline in it can only be the end of a row."""
        connection = self._idle.get()
        try:
            # Rolled back, it gives its locks back: thousands of tables would fill the server's lock table.
            during = f"reading the rows of {rows.into}"
            with explained(self._address, during), connection.transaction(force_rollback=True):
                return self._copy(connection, rows, sink, told)
        finally:
            self._idle.put(connection)

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
    found = Readers(address, snapshot, jobs)
    try:
        found.open()
        yield found
    finally:
        found.close()


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
