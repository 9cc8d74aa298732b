"""A moment of a database that outlives the sessions that read it.

A snapshot's name dies with the transaction that exported it. So two sessions, the keepers, are on the
snapshot and do nothing else; each exports it under a name of its own, and when one is lost, another joins by
the name of the one that lives. Both hold ACCESS SHARE locks on the tables that are read, as far as they can
be had: who has none of these does not see that a table was truncated, or rewritten, since the moment
(https://www.postgresql.org/docs/current/mvcc-caveats.html). Nobody else waits for us any longer than for an
export.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from migplan.catalog.changes import changes
from migplan.errors import DatabaseError, MigplanError, SourceError
from migplan.names import QualifiedName
from migplan.postgres import settings
from migplan.postgres.address import Address
from migplan.postgres.failures import CONNECTION_FAILURE, is_loss, of_database
from migplan.postgres.locking import TABLES, lock_as_well
from migplan.postgres.session import Session, begin_reading, connect
from migplan.postgres.tunnel import connected_for_rows

log = logging.getLogger(__name__)

KEEPERS = 2
HEARTBEAT = 20.0
"""Seconds between two looks at the keepers: poolers and firewalls end sessions that say nothing."""

_GONE = "22023", "42704", "55000"
"""What a server says of a snapshot whose exporter has ended."""

_MOMENT = "SELECT pg_catalog.to_char(pg_catalog.now(), 'YYYY-MM-DD HH24:MI:SS TZ')"
GO_ON = "run the same command again: it goes on with a new moment of the source"


@dataclass
class _Keeper:
    session: Session
    locks: bool
    turn: threading.Lock = field(default_factory=threading.Lock)  # who has it may use the session


class KeptSnapshot:
    """The moment, and the sessions that keep it."""

    def __init__(self, address: Address, tables: frozenset[QualifiedName]) -> None:
        self.address = address
        self._tables = tables
        self._guard = threading.RLock()
        self._keepers: list[_Keeper] = []
        self._failure: SourceError | None = None
        self._closing = threading.Event()
        self.taken_at = ""

    @contextmanager
    def kept(self) -> Iterator[Session]:
        """Take the snapshot and keep it for a block, which has the session that took it, until it looks away.

        BlockedError and ChangedError where the tables cannot be locked.
        """
        session = connect(self.address)
        try:
            refuse_shared(session)
            with session.translate_errors("reading"):
                begin_reading(session, TABLES, self._tables.__contains__)
            ((self.taken_at,),) = session.ask(_MOMENT, during="asking for the time")
            session.export_snapshot()
            self._keepers.append(_Keeper(session, locks=True))
            yield session
        finally:
            session.close()
            self.close()

    def tended(self) -> None:
        """Have the other keepers join, and see to them from now on."""
        self.tend()
        threading.Thread(target=self._tending, name="snapshot-keeper", daemon=True).start()

    def close(self) -> None:
        """Give the moment up."""
        self._closing.set()
        with self._guard:
            for keeper in self._keepers:
                keeper.session.close()
            self._keepers.clear()

    def join(self) -> Session:
        """Return another session on the snapshot; SourceError where that cannot be."""
        with self._guard:
            self.refuse_failed()
            for keeper in list(self._keepers):
                session = self._opened()
                try:
                    _import(session, keeper.session.snapshot)
                except psycopg.Error as error:
                    session.close()
                    if is_loss(error):
                        raise self.failed(error, "joining the snapshot") from None
                    if error.sqlstate not in _GONE:
                        raise self.failed(error, "joining the snapshot") from None
                    self._drop(keeper)
                else:
                    return session
            raise self._lost()

    @contextmanager
    def lent(self) -> Iterator[Session]:
        """Lend a keeper that holds locks: what it reads nobody can keep it from."""
        with self._guard:
            self.refuse_failed()
            keeper = next((each for each in self._keepers if each.locks), None)
        if keeper is None:
            raise self._broken("no session holds locks on its tables any more, since others wait for them")
        with keeper.turn:
            yield keeper.session

    def refuse_failed(self) -> None:
        """Raise SourceError where the moment is known to be lost, or the tables to be changed."""
        if self._failure is not None:
            raise self._failure

    def tend(self) -> None:
        """Replace keepers that were lost; SourceError if the moment is lost, or the tables were changed."""
        with self._guard:
            self.refuse_failed()
            if self._closing.is_set():
                return
            for keeper in list(self._keepers):
                if not _lives(keeper):
                    self._drop(keeper)
            if not self._keepers:
                raise self._lost()
            while len(self._keepers) < KEEPERS:
                self._join_as_keeper()

    @property
    def by_libpq(self) -> str:
        """Why rows are received by libpq, one at a time and more slowly; empty where they are not."""
        with self._guard:
            session = self._keepers[-1].session  # it joined as those do that read
        if not session.encrypted:
            return ""
        return "a pooler stands between" if session.pooled else "its sessions are encrypted as only libpq can"

    def failed(self, error: psycopg.Error | DatabaseError, during: str) -> SourceError:
        """Return the error that says with what the source failed."""
        found = error if isinstance(error, DatabaseError) else of_database(error, self.address, during)
        return SourceError(
            f"the source failed: {found.what}",
            do=found.do,
            address=str(self.address),
            during=during,
            sqlstate=found.sqlstate or "",
            detail=found.detail,
        )

    def _join_as_keeper(self) -> None:
        held = any(each.locks for each in self._keepers)
        session = self.join()
        try:
            with session.translate_errors("keeping the snapshot"):
                session.execute(settings.HOLDING)
                locks = lock_as_well(session, TABLES, self._tables.__contains__, beside=held)
                if not held:
                    self._refuse_changes(session, locks=locks)
                session.export_snapshot()
        except BaseException:
            session.close()
            raise
        self._keepers.append(_Keeper(session, locks))

    def _refuse_changes(self, session: Session, *, locks: bool) -> None:
        """For a while nobody held locks: look whether somebody used that."""
        if not locks:
            raise self._broken("no session holds locks on its tables any more, since others wait for them")
        schemas = {name.schema for name in self._tables}
        if found := changes(session, schemas.__contains__, aside=False):
            raise self._broken("others changed it: " + "; ".join(found[:5]))

    def _tending(self) -> None:
        while not self._closing.wait(HEARTBEAT):
            try:
                self.tend()
            except SourceError as error:
                log.error("%s", error.what)
            except MigplanError as error:  # it may be there again at the next look
                log.warning("the keepers of the snapshot were not seen to: %s", error.what)

    def _opened(self) -> Session:
        try:
            session = connected_for_rows(connect(self.address))
        except DatabaseError as error:
            found = self.failed(error, "opening another session on the snapshot")
            found.sqlstate = found.sqlstate or CONNECTION_FAILURE
            raise found from None
        session.isolation_level, session.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
        return session

    def _drop(self, keeper: _Keeper) -> None:
        log.warning("session %d, a keeper of the snapshot, was lost", keeper.session.process)
        self._keepers.remove(keeper)
        keeper.session.close()

    def _lost(self) -> SourceError:
        return self._given_up(
            f"the moment of {self.address} that all rows are of ({self.taken_at}) is lost: every session "
            "that kept it has ended"
        )

    def _broken(self, why: str) -> SourceError:
        return self._given_up(
            f"the rows of {self.address} can no longer be read as they were at {self.taken_at}: {why}"
        )

    def _given_up(self, what: str) -> SourceError:
        self._failure = SourceError(what, do=GO_ON, address=str(self.address), during="keeping the snapshot")
        return self._failure


def refuse_shared(session: Session) -> None:
    """Raise SourceError behind a pooler that shares sessions: a snapshot ends with its transaction there."""
    if session.shared:
        at = session.address.sessions_at
        raise SourceError(
            f"{session.address} is a pooler that shares sessions (transaction or statement mode): rows that "
            "come live need sessions of their own, for as long as the copy takes",
            do=f"connect to {at}"
            if at
            else "name the server itself as the source, or the pooler in session "
            "mode; or write the rows to files: migplan export",
            address=str(session.address),
        )


def _import(session: Session, snapshot: str) -> None:
    session.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
    session.execute(settings.reading(session.version))
    session.snapshot = snapshot


def _lives(keeper: _Keeper) -> bool:
    """Whether a keeper answers; one that reads for somebody does."""
    if not keeper.turn.acquire(blocking=False):
        return True
    try:
        keeper.session.execute("SELECT")
    except psycopg.Error:
        return False
    finally:
        keeper.turn.release()
    return True
