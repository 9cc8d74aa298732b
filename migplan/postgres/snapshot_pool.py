"""Sessions that all see the same moment of a database, and threads that work with them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from migplan.postgres.address import Address
from migplan.postgres.connect import connect, reading_settings
from migplan.postgres.failures import explained

Found = TypeVar("Found")


class SnapshotPool:
    """As many sessions on an exported snapshot as there are jobs, each lent to one worker at a time."""

    def __init__(
        self, address: Address, snapshot: str, jobs: int, keeper: psycopg.Connection[Any] | None = None
    ) -> None:
        self.address = address
        self._keeper = keeper
        self._turn = Lock()
        self._snapshot = snapshot
        self._jobs = jobs
        self._pool = ThreadPoolExecutor(jobs, thread_name_prefix="reader")
        self._idle: SimpleQueue[psycopg.Connection[Any]] = SimpleQueue()
        self._all: list[psycopg.Connection[Any]] = []

    @property
    def version(self) -> int:
        """The server's, as ``server_version_num``."""
        return self._all[0].info.server_version

    def submit(self, work: Callable[..., Found], *arguments: Any) -> Future[Found]:
        """Have something done in the background, by a thread that borrows a session."""
        return self._pool.submit(work, *arguments)

    @contextmanager
    def borrowed(self) -> Iterator[psycopg.Connection[Any]]:
        """A session that nobody else uses, for as long as the block runs."""
        connection = self._idle.get()
        try:
            yield connection
        finally:
            self._idle.put(connection)

    def undisturbed(self, work: Callable[[psycopg.Connection[Any]], Found]) -> Found:
        """Have something read, and the locks that it takes given back: thousands would fill the lock table.

        Who queues for ACCESS EXCLUSIVE on a table, and so behind the keeper, stops every session that has no
        lock on it yet. The keeper has: where one is stopped, the keeper does its work. The work may be begun
        twice, so it must not have done anything before it has its locks.
        """
        with self.borrowed() as connection:
            try:
                with connection.transaction(force_rollback=True):
                    return work(connection)
            except psycopg.errors.LockNotAvailable:
                if self._keeper is None:
                    raise
        with self._turn, self._keeper.transaction(force_rollback=True):
            return work(self._keeper)

    def open(self) -> None:
        """Connect, as many times as there are jobs."""
        for _ in range(self._jobs):
            connection = connect(self.address)
            self._all.append(connection)
            with explained(self.address, "opening another session on the snapshot"):
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                connection.read_only = True
                connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot)))
                connection.execute(reading_settings(connection.info.server_version))
            self._idle.put(connection)

    def close(self) -> None:
        """Cancel what still runs, and disconnect."""
        for connection in self._all:
            connection.cancel_safe(timeout=5) if not connection.closed else None
        self._pool.shutdown(wait=True, cancel_futures=True)
        for connection in self._all:
            connection.close()


@contextmanager
def snapshot_pool(
    address: Address, snapshot: str, jobs: int, keeper: psycopg.Connection[Any] | None = None
) -> Iterator[SnapshotPool]:
    """Sessions on a snapshot for as long as the block runs.

    The keeper is the session whose snapshot it is, where that holds locks on the tables. Nobody else may use
    it while sessions are at work.
    """
    sessions = SnapshotPool(address, snapshot, jobs, keeper)
    try:
        sessions.open()
        yield sessions
    finally:
        sessions.close()
