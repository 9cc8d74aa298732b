"""The server and the database: whether they can take the bundle, and whether they are not its source."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.bundle.identity import identity_of, place_of
from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.requirements import OLDEST
from migplan.postgres.versions import dotted
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.text.wording import listed

_STATE = """
SELECT pg_catalog.pg_is_in_recovery(),
       pg_catalog.current_setting('default_transaction_read_only') = 'on',
       d.datallowconn, d.datconnlimit, pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate,
       current_database()::text
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
"""
# One of the sessions that are counted is this one, and it will stay.
_SLOTS = """
SELECT pg_catalog.current_setting('max_connections')::int
         - pg_catalog.current_setting('superuser_reserved_connections')::int * (NOT %(superuser)s)::int
         - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int
           * (NOT %(superuser)s)::int
         - (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datid IS NOT NULL),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database()),
       (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE usesysid = %(role)s AND datid IS NOT NULL)
"""
_WATCHERS = """
SELECT evtname::text FROM pg_catalog.pg_event_trigger WHERE evtenabled <> 'D' ORDER BY evtname
"""

# Settings of a role or a database that change what the files mean, with the value that they expect.
_EXPECTED = {
    "session_replication_role": ("origin", "triggers and keys are not looked at"),
    "default_tablespace": ("", "tables and indexes are made in it"),
    "default_table_access_method": ("heap", "tables are made with it"),
    "transform_null_equals": ("off", "x = NULL in checks and functions means x IS NULL"),
}


def server(target: Target, manifest: Manifest, jobs: int) -> Iterator[Obstacle]:
    """All that concerns the server and the database as a whole."""
    yield from _version(target, manifest)
    for recovery, read_only, open_, limit, encoding, collation, name in target.ask("database", _STATE):
        if recovery:
            yield stop("server", f"{target.address} is a standby, and takes no changes", "use its primary")
        if read_only:
            yield stop(
                "database",
                "sessions there are read-only from the start (default_transaction_read_only)",
                f"if you may: ALTER DATABASE {name} or ALTER ROLE ... RESET default_transaction_read_only",
            )
        if not open_:
            yield stop(
                "database",
                f"{name} allows no new connections",
                f"ALTER DATABASE {name} ALLOW_CONNECTIONS true",
            )
        yield from _slots(target, limit, jobs)
        yield from _texts(manifest, encoding, collation)
    yield from _settings(target)
    yield from _way(target)


def not_the_source(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """A bundle does not go where it came from."""
    known = manifest.origin.identity
    here = identity_of(target.connection) if known else ""
    same = here == known if here else manifest.origin.place == place_of(target.connection)
    if same and (known or manifest.origin.place):
        yield stop(
            "target",
            f"{target.address} is the database from which the bundle came"
            + (", or a copy of its server's files" if here else ""),
            "name another target",
        )


def _way(target: Target) -> Iterator[Obstacle]:
    """What stands between: poolers that share sessions were refused when the lock was taken."""
    if target.connection.pooled:
        yield warn(
            "connection",
            "a pooler in session mode stands between: its own time-outs end sessions, and it decides when "
            "the server hears that a client is gone",
            "if you can, connect to the server itself",
        )


def _version(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    needed = max(manifest.needs_postgresql, OLDEST)
    if target.major < needed:
        why = [note for note in manifest.notes if note.endswith(f"needs PostgreSQL {needed} or newer")]
        yield stop(
            "server",
            f"{target.address} is PostgreSQL {dotted(target.version)}, and the bundle needs {needed}"
            + (f": {listed(why, 3)}" if why else ""),
            f"use a server of version {needed} or newer",
        )
    elif target.major < manifest.postgresql:
        yield warn(
            "server",
            f"{target.address} is PostgreSQL {dotted(target.version)}, older than the source, which is "
            f"{manifest.postgresql}: functions and views may use what it does not know",
            "rehearse on a server of the target's version",
        )


def _slots(target: Target, database_limit: int, jobs: int) -> Iterator[Obstacle]:
    values = {"superuser": target.role.superuser, "role": target.role.oid}
    for free, in_database, of_role in target.ask("connections", _SLOTS, values):
        left = {"the server": free}
        if not target.role.superuser and database_limit >= 0:
            left["the database"] = database_limit - in_database
        if not target.role.superuser and target.role.connection_limit >= 0:
            left[f"the role {target.role.name}"] = target.role.connection_limit - of_role
        for where, number in left.items():
            if number < jobs:
                yield stop(
                    "connections",
                    f"{where} has {max(number, 0)} connections to spare, and {jobs} more are needed",
                    f"end some, or go on with fewer: --jobs {number}"
                    if number > 0
                    else "end some of the others",
                )


def _texts(manifest: Manifest, encoding: str, collation: str) -> Iterator[Obstacle]:
    if encoding == "SQL_ASCII":
        yield warn(
            "encoding",
            "the database takes bytes for text (SQL_ASCII): it neither checks nor converts what comes in",
            "create it anew with ENCODING 'UTF8'",
        )
    elif encoding not in {"UTF8", manifest.origin.encoding}:
        yield stop(
            "encoding",
            f"the database holds {encoding}, in which not every text of the files can be written",
            "create it anew: CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0",
        )
    expected = manifest.origin.collation
    if expected and _plain(expected) != _plain(collation):
        yield warn(
            "locale",
            f"text sorts by {collation}, in the source by {expected}: order, ranges and partitions of text "
            "may differ",
            f"if it matters, create the database with LOCALE '{expected}'",
        )


def _plain(locale: str) -> str:
    """``en_US.UTF-8`` and ``en_US.utf8`` are the same, and so are C and POSIX."""
    name = locale.lower().replace("-", "")
    return "c" if name == "posix" else name


def _settings(target: Target) -> Iterator[Obstacle]:
    for name, (expected, effect) in _EXPECTED.items():
        value = target.setting(name)
        if value and value != expected:
            yield warn(
                "settings",
                f"{name} is {value} there: {effect}",
                f"if that is not meant: ALTER ROLE {target.role.name} RESET {name}, or for the database",
            )
    watchers = [name for (name,) in target.ask("event triggers", _WATCHERS)]
    if watchers:
        yield warn(
            "event triggers",
            f"they see, and may refuse, what the files define: {listed(watchers, 10)}",
            "disable them for the run if they are in the way: ALTER EVENT TRIGGER ... DISABLE",
        )
