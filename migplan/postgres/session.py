"""Sessions with a database: the one way to open one, and all that is asked through it.

The time-outs are sent with the very first packet, since a role's own may strike before any statement: they
become what RESET ALL goes back to. Everything is then set once more by a statement, for the environment
(PGDATESTYLE) has the last word in that packet, and poolers refuse settings in it, or swallow them. By the
same statement the server says which process it is: libpq knows another one when a pooler stands between.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from itertools import count
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg.abc import Params, QueryNoTemplate
from psycopg.rows import RowFactory, tuple_row
from psycopg.sql import Composable

from migplan.errors import AddressError, MigplanError, OldServerError
from migplan.postgres import settings, stall
from migplan.postgres.address import Address
from migplan.postgres.failures import of_connection, translate_errors
from migplan.postgres.locking import Wanted, every, lock_and_fix_moment
from migplan.postgres.stall import SOON, Silence, StalledError, UnansweredError, seconds
from migplan.postgres.versions import OLDEST, dotted
from migplan.text import redaction

log = logging.getLogger(__name__)

# psycopg warns on stderr of sessions that were lost or cancelled; our own errors say what came of it.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

# In words like these PgBouncer, RDS Proxy and their kind refuse settings in the first packet.
_REFUSED = re.compile(r"startup (parameter|option)|command.line option", re.IGNORECASE)
_UNKNOWN = re.compile(r'"(idle_session_timeout|transaction_timeout)"')
# idle_session_timeout, transaction_timeout, or what is left of their words when the session is gone already.
_STRUCK = frozenset({"57P05", "25P04", None})
_TRIES = 3
_LOOKS = "ABAABABB"  # in an order that two sessions dealt out in turn cannot keep pace with

_PIN = """
    SELECT pg_catalog.pg_backend_pid(),
           (SELECT encrypted FROM pg_catalog.pg_stat_gssapi WHERE pid = pg_catalog.pg_backend_pid()),
           (SELECT pg_catalog.count(pg_catalog.set_config(name, value, false))
            FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)
            WHERE pg_catalog.pg_backend_pid() = %s)
"""

_first_packets: dict[frozenset[tuple[str, str]], settings.Settings] = {}
"""Of each address that was connected to: the settings that its server takes in the first packet."""

_Found = TypeVar("_Found")


class _TimedCursor(psycopg.Cursor[tuple[Any, ...]]):
    """Says how long its statements took, and leaves out what they say of rows."""

    def execute(self, query: Any, *arguments: Any, **more: Any) -> Any:
        """As psycopg does."""
        process = getattr(self.connection, "process", 0)
        text = query.as_string(self) if isinstance(query, Composable) else query
        log.debug("session %d begins %s", process, redaction.statement_for_log(text))
        started = time.monotonic()
        try:
            return super().execute(query, *arguments, **more)
        finally:
            log.debug("session %d took %.1f ms", process, (time.monotonic() - started) * 1000)


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A session with a database, opened by :func:`connect` or :func:`reading`.

    It is psycopg's connection that knows where it is, asks questions whose failures are migplan's own errors,
    and gives up when the connection is cut: see ``stall.py``.
    """

    address: Address
    process = 0  # the server's own number of it: behind a pooler another one than libpq knows
    pooled = False  # a pooler stands between, and the session is ours alone
    shared = False  # a pooler stands between, and gives each transaction another session
    encrypted = True  # by TLS or GSSAPI; also where that cannot be known
    snapshot = ""  # of its transaction, once it is exported
    holds_locks = False  # on the tables that it reads
    versions: frozenset[tuple[str, int, int]] | None = None  # of its moment's catalog, once they were summed
    silence_limit = 0.0  # seconds without a word after which the server is asked; 0: never
    told_open = False  # whether the log knows of it
    deadline = 0.0  # of what is to end soon, by time.monotonic(); 0: none

    @property
    def version(self) -> int:
        """The server's, as ``server_version_num``."""
        return self.info.server_version

    def ask(
        self,
        query: QueryNoTemplate,
        params: Params | None = None,
        *,
        during: str,
        row_factory: RowFactory[Any] = tuple_row,
    ) -> list[Any]:
        """Run a statement, and return its rows; raise a DatabaseError that says ``during`` what it failed.

        ``execute`` does the same by psycopg's own rules: its errors are for who looks at their SQLSTATE.
        """
        with self.translate_errors(during), self.cursor(row_factory=row_factory) as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def translate_errors(self, during: str) -> AbstractContextManager[None]:
        """Raise what psycopg raises in a block as errors of migplan's."""
        return translate_errors(self.address, during)

    @contextmanager
    def given_up(self, during: str) -> Iterator[None]:
        """A transaction, or a savepoint, of which nothing stays; its errors say ``during`` what they came."""
        with self.translate_errors(during), self.transaction(force_rollback=True):
            yield

    def begin_pinned(self) -> None:
        """Begin a transaction with everything pinned in it, also where a pooler shares the session."""
        self.execute(settings.statements("SET LOCAL", settings.pinned(self.version)).encode())

    def export_snapshot(self) -> str:
        """Let others see this transaction's moment while it lasts; its name. Not in a savepoint."""
        question: LiteralString = "SELECT pg_catalog.pg_export_snapshot()"
        ((self.snapshot,),) = self.ask(question, during="exporting the snapshot")
        log.info("session %d exports its snapshot %s", self.process, self.snapshot)
        return self.snapshot

    def hear(self, said: psycopg.errors.Diagnostic) -> None:
        """Tell a notice to those who listen, as psycopg does with what libpq receives."""
        for handler in self._notice_handlers:
            handler(said)

    def watcher(self) -> Session:
        """Another session with the same server, for a look at this one; it does not wait long."""
        said = settings.parameters(self.address)
        said["connect_timeout"] = min(str(said.get("connect_timeout", SOON)), f"{SOON:.0f}", key=float)
        found = Session.connect(**said, autocommit=True, prepare_threshold=None)
        found.deadline = time.monotonic() + SOON
        return found

    def wait(self, gen: Any, *arguments: Any, **more: Any) -> Any:
        """Consume one of psycopg's generators, as it does itself, but not for ever."""
        try:
            wanted = next(gen)  # most of what is asked for is here already
        except StopIteration as end:
            return end.value
        return super().wait(self._watched(gen, wanted), *arguments, **more)

    def close(self) -> None:
        """End it, if it has not ended by itself."""
        if self.told_open:
            self.told_open = False
            log.info(
                "session %d at %s is %s", self.process, self.address, "lost" if self.closed else "closed"
            )
        super().close()

    def cancel_safe(self, *, timeout: float = 30.0) -> None:
        """Cancel what is going on; when no answer comes to that either, the connection is cut."""
        self.deadline = self.deadline or time.monotonic() + SOON
        super().cancel_safe(timeout=timeout)

    @contextmanager
    def first_answers(self) -> Iterator[None]:
        """Raise UnansweredError where the statements of a block, the first ones, find nobody behind."""
        self.deadline = time.monotonic() + stall.FIRST if self.silence_limit else 0.0
        try:
            yield
        except StalledError:
            raise UnansweredError from None
        finally:
            self.deadline = 0.0

    def _watched(self, gen: Generator[Any, Any, _Found], wanted: Any) -> Generator[Any, Any, _Found]:
        silence = Silence(self)
        while True:
            if ready := (yield wanted):
                silence.broken()
            else:
                silence.lasts()
            try:
                wanted = gen.send(ready)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]  # what the generator returns


@contextmanager
def reading(address: Address, locking: tuple[str, ...] = (), which: Wanted = every) -> Iterator[Session]:
    """A session in a repeatable-read, read-only transaction: one moment of a database, set up for reading.

    ``locking`` names the kinds of relations (``locking.TABLES``) that are locked against change as long as it
    lasts, as far as ``which`` wants them, before the moment is fixed; BlockedError or ChangedError where they
    cannot be.
    """
    with connect(address) as session, session.translate_errors("reading"):
        begin_reading(session, locking, which)
        yield session
        session.rollback()


def begin_reading(session: Session, locking: tuple[str, ...], which: Wanted) -> None:
    """Begin the transaction of :func:`reading` in a session."""
    address = session.address
    if session.version < OLDEST:
        raise OldServerError(
            f"{address} is PostgreSQL {dotted(session.version)}, and migplan needs {dotted(OLDEST)} or newer",
            do="upgrade that server first; pg_upgrade and pg_dump understand older ones",
            address=str(address),
        )
    session.isolation_level, session.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
    session.versions = None
    if locking:
        begin = b"; ".join((settings.reading(session.version), settings.HOLDING))
        lock_and_fix_moment(session, begin, locking, which)
        session.holds_locks = True
    else:
        session.execute(settings.reading(session.version) + b"; SELECT")  # which fixes the moment
    log.info("session %d reads one moment of %s", session.process, address)


def connect(address: Address) -> Session:
    """A session, or a ConnectError that says why not. Its formats and time-outs are pinned (``settings.py``).

    Where a pooler shares sessions (``shared``) nothing can be pinned but for one transaction: SET LOCAL.
    """
    try:
        found = _opened(address)
        redaction.remember((found.info.password,), beside=(found.info.user, found.info.dbname))
        behind = " behind a pooler" if found.pooled or found.shared else ""
        server = f"PostgreSQL {dotted(found.version)}{behind}"
        log.info("session %d at %s is open, as %s: %s", found.process, address, found.info.user, server)
        found.told_open = True
        return found
    except (psycopg.ProgrammingError, ValueError):  # ValueError: a host that no resolver can be asked for
        refusal: MigplanError = AddressError(
            f"{address} cannot be used as a PostgreSQL address",
            do="a setting in it is misspelt or not known to libpq; its manual lists the parameters",
        )
    except psycopg.Error as error:
        refusal = of_connection(error, address)
    log.info("no session at %s: %s", address, refusal.what)
    # Raised out here, because psycopg's error holds the password, and would stay with ours as its context.
    raise refusal


def first_packet(address: Address) -> settings.Settings:
    """The settings that the server of an address takes with the first packet, as far as that is known."""
    return _first_packets.get(frozenset(address.params.items()), settings.ALWAYS)


def _opened(address: Address) -> Session:
    """A session with everything pinned; what psycopg raises when there is none."""
    known = frozenset(address.params.items())
    for attempt in count(1):
        early = first_packet(address)
        version = 0
        try:
            session = _connected(address, early)
            version = session.version
            _pin(session)
        except psycopg.Error as error:
            other = _otherwise(error, early, version)
            if other == early or attempt > _TRIES:
                raise
            _first_packets[known] = other
        else:
            if early:
                _first_packets[known] = settings.always(version)
            return session
    raise AssertionError


def _connected(address: Address, early: settings.Settings) -> Session:
    said = settings.parameters(address)
    if early:
        said["options"] = settings.options(address, early)
    # No prepared statements: they do not live through a pooler that shares sessions.
    session = Session.connect(**said, prepare_threshold=None, row_factory=tuple_row)
    session.address, session.silence_limit = address, seconds()
    if log.isEnabledFor(logging.DEBUG):
        session.cursor_factory = _TimedCursor
    return session


def _otherwise(error: psycopg.Error, early: settings.Settings, version: int) -> settings.Settings:
    """What to send with the first packet instead, after a failure that has to do with it."""
    if isinstance(error, UnansweredError):
        return early
    if version:
        return settings.always(version) if error.sqlstate in _STRUCK else early
    if _UNKNOWN.search(str(error)):
        return settings.ALWAYS  # another server answers at this address now
    return () if _REFUSED.search(str(error)) else early


def _pin(session: Session) -> None:
    """Set everything, if the session is ours alone, and learn what stands between; closed on failure."""
    try:
        session.autocommit = True
        libpq = session.info.backend_pid
        with session.first_answers():
            session.process, by_gssapi = _set(session, libpq)
        session.encrypted = bool(session.pgconn.ssl_in_use) or by_gssapi
        if session.process != libpq:
            session.encrypted = True  # nobody knows how, on the way to the pooler
            session.shared = _is_shared(session)
            session.pooled = not session.shared
            if session.pooled:
                _set(session, session.process)
        session.autocommit = False
    except BaseException:
        session.close()
        raise


def _set(session: Session, process: int) -> tuple[int, bool]:
    """Pin the settings where the server's process is the expected one; which it is, and whether by GSSAPI."""
    names, values = map(list, zip(*settings.pinned(session.version), strict=True))
    for attempt in count(1):
        try:
            found = session.execute(_PIN, [names, values, process]).fetchone() or (0, False)
            return found[0], bool(found[1])
        except psycopg.errors.QueryCanceled:
            if attempt > _TRIES:
                raise
    raise AssertionError


def _is_shared(session: Session) -> bool:
    """Whether two clients of a pooler, both of them connected, are ever given the same session."""
    with closing(_connected(session.address, ())) as other:
        other.autocommit = True
        seen: Mapping[str, set[int]] = {"A": {session.process}, "B": set()}
        for which in _LOOKS:
            client = session if which == "A" else other
            with client.first_answers():
                answer = client.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
            seen[which].add(answer[0] if answer else 0)
        return len(seen["A"]) > 1 or not seen["A"].isdisjoint(seen["B"])
