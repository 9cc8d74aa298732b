"""What the planner knows of the tables that a run has filled: ANALYZE, once the run is done.

It is no step: nothing depends on it, and nothing is wrong without it. What keeps a table from being analyzed,
such as a role that may not, is said and stops nothing; the server's autovacuum looks after it later.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, suppress
from dataclasses import dataclass, field

import psycopg

from migplan.bundle.manifest import Manifest
from migplan.errors import DatabaseError
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect
from migplan.text.wording import counted

TOGETHER = 50
"""So many small tables share a statement; each is a transaction of its own nevertheless."""

SMALL = 1000
"""Rows of tables that are small."""

_GLANCE = 0.2


def analyzed(manifest: Manifest, address: Address, jobs: int, warned: Callable[[str], None]) -> str:
    """Analyze the tables that a bundle fills, and say so in a sentence; of partitioned ones, all of each."""
    batches = deque(_batches(manifest))
    if not batches:
        return ""
    started = time.monotonic()
    tables = sum(map(len, batches))
    work = _Work(address, batches)
    work.all(min(jobs, len(batches)))
    if work.complaints:
        first, more = work.complaints[0], len(work.complaints) - 1
        said = f"not each of {counted(tables, 'table')} was analyzed: {first}"
        said += f"; and {more:,} more" if more else ""
        warned(said)
        return said
    were = "was" if tables == 1 else "were"
    return f"{counted(tables, 'table')} {were} analyzed in {time.monotonic() - started:.1f} s"


def _batches(manifest: Manifest) -> Iterator[Sequence[str]]:
    """Tables that share a statement, the largest first."""
    filled = [table for table in manifest.tables if table.brings_rows]
    filled.sort(key=lambda table: (-table.rows, table.table))
    small: list[str] = []
    for table in filled:
        if table.rows > SMALL:
            yield (table.table,)
            continue
        small.append(table.table)
        if len(small) == TOGETHER:
            yield small
            small = []
    if small:
        yield small


@dataclass
class _Work:
    """Sessions that take one batch after the other."""

    address: Address
    left: deque[Sequence[str]]
    complaints: list[str] = field(default_factory=list)
    stopped: bool = False
    _sessions: list[Session] = field(default_factory=list)

    def all(self, jobs: int) -> None:
        """Do everything, by so many sessions; what interrupts it ends what they do."""
        with ThreadPoolExecutor(jobs, thread_name_prefix="analyze") as pool:
            running: list[Future[None]] = [pool.submit(self._some) for _ in range(jobs)]
            try:
                while wait(running, _GLANCE).not_done:
                    pass
            except BaseException:
                self.stopped = True
                for session in list(self._sessions):
                    with suppress(psycopg.Error):
                        session.cancel_safe(timeout=5)
                raise
        for each in running:
            each.result()

    def _some(self) -> None:
        try:
            with closing(connect(self.address)) as session:
                session.autocommit = True
                session.execute("SET synchronous_commit = off")
                session.add_notice_handler(self._noticed)
                self._sessions.append(session)
                while self.left and not self.stopped:
                    with suppress(IndexError):  # somebody else took the last one
                        self._analyze(session, self.left.popleft())
        except (DatabaseError, psycopg.Error) as error:
            self.complaints.append(self.address.without_secrets(str(error).partition("\n")[0]))

    def _analyze(self, session: Session, tables: Sequence[str]) -> None:
        try:
            session.execute(f"ANALYZE {', '.join(tables)}".encode())
        except psycopg.Error as error:
            if self.stopped:
                return
            if session.closed:
                raise
            if len(tables) == 1:
                said = error.diag.message_primary or str(error)
                self.complaints.append(f"{tables[0]}: {self.address.without_secrets(said)}")
                return
            for table in tables:
                self._analyze(session, [table])

    def _noticed(self, said: psycopg.errors.Diagnostic) -> None:
        if said.severity_nonlocalized == "WARNING":
            self.complaints.append(self.address.without_secrets(said.message_primary or ""))
