"""Sessions that do not wait for ever: when nothing is heard for a while, the server is asked why.

A connection can be cut so that neither end notices, by a firewall that forgot it or a proxy that hangs.
Keepalives tell when the other machine is gone, but not when something between still answers for it. So who
hears nothing for a while has another session look at the first one: a server that works is waited for,
however long it takes; one that waits for us, while we wait for it, cannot be reached any more.
"""

from __future__ import annotations

import os
import time
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import psycopg

from migplan.postgres.address import Address

VARIABLE = "MIGPLAN_STALL_TIMEOUT"
"""The environment variable with the seconds of silence after which the server is asked; 0: never."""

_SECONDS = 60.0
_SURE = 5.0  # between the two looks that it takes to call a connection cut
_SOON = 10.0  # how long the answer to a cancellation, or to a look, may take
_NOBODY = "no other session can be opened either"
_Found = TypeVar("_Found")

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


def seconds() -> float:
    """How long silence is borne before the server is asked; 0: for ever."""
    try:
        return max(float(os.environ.get(VARIABLE) or _SECONDS), 0.0)
    except ValueError:
        return _SECONDS


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A session that gives up when the connection is cut; see :func:`migplan.postgres.connect.connect`."""

    address: Address
    process = 0  # the server's own number of it: behind a pooler another one than libpq knows
    pooled = False  # a pooler stands between, and the session is ours alone
    shared = False  # a pooler stands between, and gives each transaction another session
    encrypted = True  # by TLS or GSSAPI; also where that cannot be known
    limit = 0.0  # seconds; see VARIABLE
    deadline = 0.0  # of what is to end soon, by time.monotonic(); 0: none

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Consume one of psycopg's generators, as it does itself, but not for ever."""
        try:
            wanted = next(gen)  # most of what is asked for is here already
        except StopIteration as end:
            return end.value
        return super().wait(self._watched(gen, wanted), *arguments, **options)

    def cancel_safe(self, *, timeout: float = 30.0) -> None:
        """Cancel what is going on; when no answer comes to that either, the connection is cut."""
        self.deadline = self.deadline or time.monotonic() + _SOON
        super().cancel_safe(timeout=timeout)

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


class Silence:
    """How long nothing has been heard of a session."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.broken()

    def broken(self) -> None:
        """Something came."""
        self._since = self._asked = time.monotonic()
        self._suspicion = ""
        if self._connection.deadline:
            self._connection.deadline = self._since + _SOON

    def lasts(self) -> None:
        """Nothing came: StalledError, and the session is closed, if nothing will ever come."""
        now, connection = time.monotonic(), self._connection
        if connection.deadline and now > connection.deadline:
            connection.close()
            raise StalledError("no answer came, not even to a cancellation")
        wait = min(_SURE, connection.limit) if self._suspicion else connection.limit
        if not connection.limit or now - self._asked < wait:
            return
        before, self._suspicion = self._suspicion, _seen(connection)
        self._asked = time.monotonic()
        if before and self._suspicion:
            _end(connection, there=self._suspicion != _NOBODY)
            silence = self._asked - self._since
            raise StalledError(
                _cut(f"nothing came for {silence:.0f} s, and {self._suspicion}", connection.limit)
            )


def _seen(connection: Connection) -> str:
    """What another session sees that speaks against waiting on; empty: the server is at work."""
    if connection.shared:
        return ""
    try:
        with _watcher(connection) as watcher:
            found = watcher.execute(_LOOK, [connection.process]).fetchone()
            return verdict(*found) if found else "the server has no such session any more"
    except psycopg.Error as error:
        # A server that has no connection to spare is there, and may well be at work.
        return "" if "FATAL" in str(error) else _NOBODY


def _end(connection: Connection, *, there: bool) -> None:
    """Close it here, and there if that can be: its locks would be in the way of the one that comes next."""
    connection.close()
    if not there:
        return
    with suppress(psycopg.Error), _watcher(connection) as watcher:  # else the server's keepalives find out
        watcher.execute("SELECT pg_catalog.pg_terminate_backend(%s)", [connection.process])


def verdict(state: str, wait_type: str, wait: str) -> str:
    """What of a server's session, as pg_stat_activity has it, says that it waits for us; empty: nothing."""
    if state.startswith("idle"):
        return "the server has answered long ago"
    if wait_type == "Client" and wait == "ClientWrite":
        return "the server cannot get rid of its answer"
    if wait_type == "Client" and wait == "ClientRead":
        return "the server waits for what was sent"
    return ""


def _watcher(connection: Connection) -> Connection:
    """A session that looks, and does not wait long."""
    from migplan.postgres.opening import parameters  # noqa: PLC0415 - which opens sessions of this kind

    said = parameters(connection.address)
    said["connect_timeout"] = min(str(said.get("connect_timeout", _SOON)), f"{_SOON:.0f}", key=float)
    found = Connection.connect(**said, autocommit=True, prepare_threshold=None)
    found.deadline = time.monotonic() + _SOON
    return found


class Program:
    """A program with a session of its own, such as pg_dump, that is looked at now and then."""

    def __init__(self, process: int, name: str) -> None:
        self._process = process
        self._name = name  # its application_name
        self._limit = seconds()
        self._seen: tuple[str, ...] = ()
        self._since = time.monotonic()

    def look(self, watching: psycopg.Connection[Any]) -> str:
        """Why nothing will come of it any more; empty: it works, or its server does."""
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
