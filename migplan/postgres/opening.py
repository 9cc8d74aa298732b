"""Opening a session: what libpq is told, what is pinned, and whether a pooler stands between.

The time-outs are sent with the very first packet, since a role's own may strike before any statement: they
become what RESET ALL goes back to. Everything is then set once more by a statement, for the environment
(PGDATESTYLE) has the last word in that packet, and poolers refuse settings in it, or swallow them. By the
same statement the server says which process it is: libpq knows another one when a pooler stands between.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import closing
from itertools import count
from typing import Any

import psycopg
from psycopg.rows import tuple_row

from migplan.postgres import pinned
from migplan.postgres.address import Address
from migplan.postgres.parameters import careful, with_settings
from migplan.postgres.stall import Connection, seconds

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

_first_packets: dict[frozenset[tuple[str, str]], pinned.Settings] = {}
"""Of each address that was connected to: the settings that its server takes in the first packet."""


def opened(address: Address) -> Connection:
    """A session with everything pinned; what psycopg raises when there is none."""
    known = frozenset(address.params.items())
    for attempt in count(1):
        early = first_packet(address)
        version = 0
        try:
            connection = _connected(address, early)
            version = connection.info.server_version
            _pin(connection, version)
        except psycopg.Error as error:
            other = _otherwise(error, early, version)
            if other == early or attempt > _TRIES:
                raise
            _first_packets[known] = other
        else:
            if early:
                _first_packets[known] = pinned.always(version)
            return connection
    raise AssertionError


def first_packet(address: Address) -> pinned.Settings:
    """The settings that the server of an address takes with the first packet, as far as that is known."""
    return _first_packets.get(frozenset(address.params.items()), pinned.ALWAYS)


def parameters(address: Address) -> dict[str, Any]:
    """What psycopg is told of an address, but for the settings."""
    return {
        "fallback_application_name": "migplan",
        **careful(address),
        **address.params,
        # In a database that declares no encoding, text would arrive as bytes; and our files are UTF-8.
        "client_encoding": "UTF8",
    }


def _connected(address: Address, early: pinned.Settings) -> Connection:
    said = parameters(address)
    if early:
        said["options"] = with_settings(address, early)
    # No prepared statements: they do not live through a pooler that shares sessions.
    connection = Connection.connect(**said, prepare_threshold=None, row_factory=tuple_row)
    connection.address, connection.limit = address, seconds()
    return connection


def _otherwise(error: psycopg.Error, early: pinned.Settings, version: int) -> pinned.Settings:
    """What to send with the first packet instead, after a failure that has to do with it."""
    if version:
        return pinned.always(version) if error.sqlstate in _STRUCK else early
    if _UNKNOWN.search(str(error)):
        return pinned.ALWAYS  # another server answers at this address now
    return () if _REFUSED.search(str(error)) else early


def _pin(connection: Connection, version: int) -> None:
    """Set everything, if the session is ours alone, and learn what stands between; closed on failure."""
    try:
        connection.autocommit = True
        libpq = connection.info.backend_pid
        connection.process, by_gssapi = _set(connection, version, libpq)
        connection.encrypted = bool(connection.pgconn.ssl_in_use) or by_gssapi
        if connection.process != libpq:
            connection.encrypted = True  # nobody knows how, on the way to the pooler
            connection.shared = _is_shared(connection)
            connection.pooled = not connection.shared
            if connection.pooled:
                _set(connection, version, connection.process)
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise


def _set(connection: Connection, version: int, process: int) -> tuple[int, bool]:
    """Pin the settings where the server's process is the expected one; which it is, and whether by GSSAPI."""
    names, values = map(list, zip(*pinned.settings(version), strict=True))
    for attempt in count(1):
        try:
            found = connection.execute(_PIN, [names, values, process]).fetchone() or (0, False)
            return found[0], bool(found[1])
        except psycopg.errors.QueryCanceled:
            if attempt > _TRIES:
                raise
    raise AssertionError


def _is_shared(connection: Connection) -> bool:
    """Whether two clients of a pooler, both of them connected, are ever given the same session."""
    with closing(_connected(connection.address, ())) as other:
        other.autocommit = True
        seen: Mapping[str, set[int]] = {"A": {connection.process}, "B": set()}
        for which in _LOOKS:
            client = connection if which == "A" else other
            answer = client.execute("SELECT pg_catalog.pg_backend_pid()").fetchone()
            seen[which].add(answer[0] if answer else 0)
        return len(seen["A"]) > 1 or not seen["A"].isdisjoint(seen["B"])
