"""Sessions that do not wait for ever: when nothing is heard for a while, the server is asked why.

A connection can be cut so that neither end notices, by a firewall that forgot it or a proxy that hangs.
Keepalives tell when the other machine is gone, but not when something between still answers for it. So who
hears nothing for a while has another session look at the first one: a server that works is waited for,
however long it takes; one that waits for us, while we wait for it, cannot be reached any more.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from migplan.postgres.session import Session

VARIABLE = "MIGPLAN_STALL_TIMEOUT"
"""The environment variable with the seconds of silence after which the server is asked; 0: never."""

_SECONDS = 60.0
_SURE = 5.0  # between the two looks that it takes to call a connection cut
SOON = 10.0
"""Seconds that the answer to a cancellation, or to a look, may take."""
FIRST = 15.0
"""Seconds that the first answer to a new session may take; none comes where a pooler has none to give."""
_NOBODY = "no other session can be opened either"

_LOOK = """
    SELECT coalesce(state, ''), coalesce(wait_event_type, ''), coalesce(wait_event, '')
    FROM pg_catalog.pg_stat_activity WHERE pid = %s
"""

_LOOK_AT_PROGRAM = """
    SELECT coalesce(state, ''), coalesce(wait_event_type, ''), coalesce(wait_event, ''), state_change
    FROM pg_catalog.pg_stat_activity WHERE application_name = %s
"""


class StalledError(psycopg.OperationalError):
    """The connection is cut, although nobody has closed it."""


class UnansweredError(StalledError):
    """A session was let in, and nobody answers its first statement."""

    def __init__(self) -> None:
        super().__init__(f"let in, but the first statement had no answer within {FIRST:.0f} s")


def seconds() -> float:
    """Return after how many seconds of silence the server is asked; 0: never."""
    try:
        return max(float(os.environ.get(VARIABLE) or _SECONDS), 0.0)
    except ValueError:
        return _SECONDS


class Silence:
    """How long nothing has been heard of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._begin()

    def broken(self) -> None:
        """Something was received."""
        self._begin()
        if self._session.deadline:
            self._session.deadline = self._since + SOON

    def _begin(self) -> None:
        self._since = self._asked = time.monotonic()
        self._suspicion = ""

    def lasts(self) -> None:
        """Nothing was received: close the session and raise StalledError if nothing ever will be."""
        now, session = time.monotonic(), self._session
        if session.deadline and now > session.deadline:
            session.close()
            raise StalledError("no answer came, not even to a cancellation")
        wait = min(_SURE, session.silence_limit) if self._suspicion else session.silence_limit
        if not session.silence_limit or now - self._asked < wait:
            return
        before, self._suspicion = self._suspicion, _seen(session)
        self._asked = time.monotonic()
        if before and self._suspicion:
            _end(session, there=self._suspicion != _NOBODY)
            silence = self._asked - self._since
            raise StalledError(
                _cut(f"nothing came for {silence:.0f} s, and {self._suspicion}", session.silence_limit)
            )


def _seen(session: Session) -> str:
    """Ask by another session whether to go on waiting; return why not, or an empty text."""
    if session.shared:
        return ""
    try:
        with session.watcher() as watcher:
            found = watcher.execute(_LOOK, [session.process]).fetchone()
            return verdict(*found) if found else "the server has no such session any more"
    except psycopg.Error as error:
        # A server that has no connection to spare is there, and may well be at work.
        return "" if "FATAL" in str(error) else _NOBODY


def _end(session: Session, *, there: bool) -> None:
    """Close it here, and there if that can be: its locks would be in the way of the one that comes next."""
    session.close()
    if not there:
        return
    with suppress(psycopg.Error), session.watcher() as watcher:  # else the server's keepalives find out
        watcher.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [session.process])


def verdict(state: str, wait_type: str, wait: str) -> str:
    """Return why a session waits for its client, by pg_stat_activity; empty if it does not."""
    if state.startswith("idle"):
        return "the server has answered long ago"
    if wait_type == "Client" and wait == "ClientWrite":
        return "the server cannot get rid of its answer"
    if wait_type == "Client" and wait == "ClientRead":
        return "the server waits for what was sent"
    return ""


class Program:
    """A program with a session of its own, such as pg_dump, that is looked at now and then."""

    def __init__(self, process: int, name: str) -> None:
        self._process = process
        self._name = name  # its application_name
        self._limit = seconds()
        self._seen: tuple[str, ...] = ()
        self._since = time.monotonic()

    def look(self, watching: Session) -> str:
        """Return why the program is stuck; empty while it or its server works."""
        found = watching.execute(_LOOK_AT_PROGRAM, [self._name]).fetchone()
        seen = (*map(str, found or ()), _cpu_time(self._process))
        if seen != self._seen:
            self._seen, self._since = seen, time.monotonic()
        silence = time.monotonic() - self._since
        why = verdict(*seen[:3]) if found else ""
        if not self._limit or silence < self._limit or not why:
            return ""
        return _cut(f"nothing moved for {silence:.0f} s, and {why}", self._limit)


def _cut(why: str, limit: float) -> str:
    return f"{why}: the way between is cut ({VARIABLE}={limit:g})"


def _cpu_time(process: int) -> str:
    """What a process has used of the processor so far; empty where the system does not tell."""
    try:
        return " ".join(Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[11:13])
    except (OSError, UnicodeDecodeError):
        return ""
