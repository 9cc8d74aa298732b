"""Sessions that all see the same moment of a database, and threads that work with them."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from queue import SimpleQueue
from threading import Lock
from typing import Any, TypeVar

import psycopg
from psycopg import sql

from migplan.postgres import settings
from migplan.postgres.session import Session, connect
from migplan.postgres.tunnel import connected_for_rows

Found = TypeVar("Found")


class SnapshotPool:
    """As many sessions on an exported snapshot as there are jobs, each lent to one worker at a time.

    The exporter is the session whose snapshot it is. Where that holds locks on the tables, nobody else may
    use it while sessions of the pool are at work.
    """

    def __init__(self, exporter: Session, jobs: int) -> None:
        self.exporter = exporter
        self._turn = Lock()
        self._all: list[Session] = []
        self._free: SimpleQueue[Session] = SimpleQueue()
        self._jobs = jobs
        self._threads = ThreadPoolExecutor(jobs, thread_name_prefix="reader")

    def submit(self, work: Callable[..., Found], *arguments: Any) -> Future[Found]:
        """Have something done in the background, by a thread that borrows a session."""
        return self._threads.submit(work, *arguments)

    @contextmanager
    def borrowed(self) -> Iterator[Session]:
        """A session that nobody else uses, for as long as the block runs."""
        session = self._free.get()  # where all of them are at work, for as long as that takes
        try:
            yield session
        finally:
            self._free.put(session)

    def undisturbed(self, work: Callable[[Session], Found]) -> Found:
        """Return what ``work`` reads, and give back its locks: thousands would fill the lock table.

        Who queues for ACCESS EXCLUSIVE on a table, and so behind the exporter, stops every session that has
        no lock on it yet. The exporter has one: where a session is stopped, the exporter does its work. So
        the work may be begun twice, and must do nothing else before it has its locks.
        """
        with self.borrowed() as session:
            try:
                with session.transaction(force_rollback=True):
                    return work(session)
            except psycopg.errors.LockNotAvailable:
                if not self.exporter.holds_locks:
                    raise
        with self._turn, self.exporter.transaction(force_rollback=True):
            return work(self.exporter)

    def open(self) -> None:
        """Connect, as many times as there are jobs."""
        if not self.exporter.snapshot:
            self.exporter.export_snapshot()
        for _ in range(self._jobs):
            self._free.put(self._opened())

    def close(self) -> None:
        """Cancel what still runs, and disconnect."""
        for session in self._all:
            session.cancel_safe(timeout=5) if not session.closed else None
        self._threads.shutdown(wait=True, cancel_futures=True)
        for session in self._all:
            session.close()

    def _opened(self) -> Session:
        session = connected_for_rows(connect(self.exporter.address))
        self._all.append(session)
        with session.translate_errors("opening another session on the snapshot"):
            session.isolation_level, session.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
            snapshot = sql.Literal(self.exporter.snapshot)
            session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(snapshot))
            session.execute(settings.reading(session.version))
        return session


@contextmanager
def snapshot_pool(exporter: Session, jobs: int) -> Iterator[SnapshotPool]:
    """Sessions on the snapshot of the exporter's transaction, for as long as the block runs."""
    pool = SnapshotPool(exporter, jobs)
    try:
        pool.open()
        yield pool
    finally:
        pool.close()
