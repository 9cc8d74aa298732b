"""One run at a time, by advisory locks of the target, which end with the sessions that hold them.

The run holds one; each session that does its steps shares another. A client that was killed loses the
first at once, but a statement of its last session may go on for a while: who comes next waits for that.
"""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from migplan.errors import LockedError
from migplan.postgres.address import Address
from migplan.postgres.session import Session, connect

# 'migplan' as a number, and which of the two locks it is.
_SPACE = 0x6D706C6E
_RUN, _STEPS = 1, 2

_HOLDERS = """
    SELECT l.pid, coalesce(a.usename, '?'), a.backend_start, coalesce(a.client_addr::text, 'this machine')
    FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.classid = %s AND l.objid = %s AND l.objsubid = 2 AND l.granted
      AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
      AND l.pid <> ALL (pg_catalog.pg_backend_pid() || %s::int[])
    LIMIT 1
"""
_SERVER = """
    SELECT pg_catalog.host(pg_catalog.inet_server_addr()) || ':' || pg_catalog.inet_server_port()
"""
_PATIENCE = 10.0


class Lock:
    """The right to change a target, for as long as the session lives that holds it."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._guard = threading.Lock()
        self._ours: set[int] = set()  # the processes of our own sessions
        self.session = self._take()

    def shared_by(self, process: int) -> None:
        """Note that a session belongs to this run, so that the run does not wait for it."""
        self._ours.add(process)

    def ensure(self) -> None:
        """Make sure that we hold the lock, and take it again if its session was lost.

        LockedError if another run has it.
        """
        with self._guard:
            try:
                _refuse_another_process(self._address, self.session)
            except psycopg.Error:
                self.session.close()
                self.session = self._take()

    def release(self) -> None:
        """Let others run, now: a server takes a moment to notice that a session has ended."""
        with contextlib.suppress(psycopg.Error):
            self.session.execute("SELECT pg_catalog.pg_advisory_unlock(%s, %s)", [_SPACE, _RUN])
        self.session.close()

    def _take(self) -> Session:
        session = connect(self._address)
        session.autocommit = True
        try:
            with session.translate_errors("taking the lock of migplan"):
                refuse_shared(session)
                # Whatever functions other schemas have, the journal's statements mean the server's own.
                session.execute("SET search_path = ''")
                if not _tried(session, "pg_try_advisory_lock", _RUN):
                    raise self._locked(session, _RUN, "another run is in progress")
                self._wait_for_steps(session)
        except BaseException:
            session.close()
            raise
        return session

    def _wait_for_steps(self, session: Session) -> None:
        """Wait until no session of an earlier run is at work; LockedError if that takes too long."""
        deadline = time.monotonic() + _PATIENCE
        while self._holder(session, _STEPS):
            if time.monotonic() > deadline:
                raise self._locked(
                    session, _STEPS, "a session of an earlier run, whose client is gone, is still at work"
                )
            time.sleep(0.1)

    def _holder(self, session: Session, which: int) -> tuple[Any, ...] | None:
        return session.execute(_HOLDERS, [_SPACE, which, list(self._ours)]).fetchone()

    def _locked(self, session: Session, which: int, what: str) -> LockedError:
        holder = self._holder(session, which)
        said = ""
        if holder:
            pid, user, since, where = holder
            said = f": {user} from {where}, process {pid}" + (
                f", since {since:%Y-%m-%d %H:%M:%S %Z}" if since else ""
            )
        return LockedError(
            f"{what} in {self._address}{said}",
            do="wait for it (migplan status --target TARGET shows it)"
            + (f"; if it hangs: SELECT pg_terminate_backend({holder[0]})" if holder else ""),
            address=str(self._address),
            during="taking the lock of migplan",
        )


def refuse_shared(session: Session) -> None:
    """Raise LockedError behind a pooler that shares sessions: the lock would be lost, and steps mixed up."""
    if not session.shared:
        return
    found = session.execute(_SERVER).fetchone()
    where = f" (which it reaches at {found[0]})" if found and found[0] else ""
    raise _shares(session.address, where)


def _refuse_another_process(address: Address, session: Session) -> None:
    """Raise LockedError if the session's process has changed: only poolers that share sessions do that."""
    found = session.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
    if found != (session.process,):
        raise _shares(address, "")


def _shares(address: Address, where: str) -> LockedError:
    known = f"connect to {address.sessions_at}" if address.sessions_at else ""
    anywhere = (
        f"connect to the server itself{where}, or by the pooler in session mode: on Supabase to "
        "db.PROJECT.supabase.co or the pooler's port 5432, on RDS to the endpoint of the instance and not of "
        "the proxy; with PgBouncer to what its [databases] name, or set pool_mode = session"
    )
    return LockedError(
        f"{address} is a pooler that shares sessions (transaction or statement mode), and a run needs "
        "sessions of its own",
        do=known or anywhere,
        address=str(address),
        during="taking the lock of migplan",
    )


def share(session: Session) -> None:
    """Say that this session does steps; it ends with the session, or with :func:`leave`."""
    session.execute("SELECT pg_catalog.pg_advisory_lock_shared(%s, %s)", [_SPACE, _STEPS])


def leave(session: Session) -> None:
    """Say that this session does no more steps: behind a pooler it may outlive its client."""
    session.execute("SELECT pg_catalog.pg_advisory_unlock_shared(%s, %s)", [_SPACE, _STEPS])


def holder(session: Session) -> tuple[Any, ...] | None:
    """Return who holds the lock: process, user, since when, from where; None if nobody does."""
    return session.execute(_HOLDERS, [_SPACE, _RUN, []]).fetchone()


def _tried(session: Session, function: str, which: int) -> bool:
    found = session.execute(f"SELECT pg_catalog.{function}(%s, %s)", [_SPACE, which]).fetchone()
    return bool(found and found[0])


_EVERY = 0.3
_BLOCKERS = """
    SELECT DISTINCT ON (w.pid) w.pid,
           CASE WHEN b.pid IS NULL THEN 'a prepared transaction (see pg_prepared_xacts)'
                ELSE 'process ' || b.pid || coalesce(' of ' || b.usename, '') END
           || coalesce(' (' || nullif(concat_ws(' ',
                nullif(b.backend_type, 'client backend'),
                b.state,
                'since ' || pg_catalog.to_char(b.query_start, 'YYYY-MM-DD HH24:MI:SS TZ')), '') || ')', '')
    FROM pg_catalog.pg_stat_activity w
        CROSS JOIN LATERAL pg_catalog.unnest(pg_catalog.pg_blocking_pids(w.pid)) blocking(pid)
        LEFT JOIN pg_catalog.pg_stat_activity b ON b.pid = blocking.pid
    WHERE w.pid = ANY (%s) AND w.wait_event_type = 'Lock' AND blocking.pid <> ALL (%s)
    ORDER BY w.pid, blocking.pid
"""


@dataclass
class _Working:
    since: float
    waits: Callable[[str], None]  # told once, when it has to wait
    blocker: str = ""


class Watch:
    """The sessions that are doing a step, and who blocks them. One thread asks the server for all."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._working: dict[int, _Working] = {}
        self._looked = 0.0

    def begun(self, process: int, waits: Callable[[str], None]) -> None:
        """Note that a session begins a step."""
        self._working[process] = _Working(time.monotonic(), waits)

    def ended(self, process: int) -> str:
        """Note that a session has ended its step; return who blocked it last, if that was seen."""
        found = self._working.pop(process, None)
        return found.blocker if found else ""

    def look(self) -> None:
        """Ask the server who blocks the steps that take longer than a moment; not more often than needed."""
        now = time.monotonic()
        working = dict(self._working)
        long = [process for process, each in working.items() if now - each.since > _EVERY]
        if not long or now - self._looked < _EVERY:
            return
        self._looked = now
        try:
            found = self._lock.session.execute(_BLOCKERS, [long, list(working)]).fetchall()
        except psycopg.Error:
            return  # whoever needs the lock's session next sees that it is gone
        for process, blocker in found:
            each = working[process]
            if not each.blocker:
                each.waits(blocker)
            each.blocker = blocker
