"""Locks on the tables that are read, taken before the moment that is read is fixed.

A snapshot that is older than the locks shows a table as empty that somebody else truncated, or rewrote by
ALTER TABLE, while we waited: neither is transactional for those who began before. So the order is: list the
tables, lock them ACCESS SHARE, and let the first query, which takes the snapshot, list them again
(https://www.postgresql.org/docs/current/mvcc-caveats.html). LOCK TABLE takes no snapshot.

Nothing is waited for: a session that waits can be the reason why the server ends somebody else's transaction
as the victim of a deadlock, and whoever queues behind us for ACCESS EXCLUSIVE stops everybody else.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import psycopg

from migplan.errors import BlockedError, ChangedError, DatabaseError
from migplan.names import QualifiedName

if TYPE_CHECKING:
    from migplan.postgres.session import Session

log = logging.getLogger(__name__)

TABLES = ("r", "p")
"""What COPY reads: tables and partitioned tables."""

Wanted = Callable[[QualifiedName], bool]
"""Tells which relations are to be locked."""


def every(name: QualifiedName) -> bool:  # noqa: ARG001 - it asks for nothing
    """All of them are."""
    return True


TABLES_AND_VIEWS = ("r", "p", "v")
"""Also views, whose definitions the server prints as they are now. What a view reads is locked with it."""

LISTINGS = 5
_LOCKING = "locking the tables against change"
_NOT_AS_LISTED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.WrongObjectType,
    psycopg.errors.InsufficientPrivilege,
)
_BATCH = 1_000  # tables of one statement

# Foreign tables and materialised views cannot be locked; tables of extensions are not carried. Privileges are
# NULL for what is gone already.
_LIST = """
SELECT c.oid::int8, n.nspname, c.relname, c.relkind = 'v'
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY (%s::"char"[])
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'migplan')
  AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend e
                  WHERE e.classid = 'pg_catalog.pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
ORDER BY c.oid
"""

# ACCESS SHARE waits for ACCESS EXCLUSIVE alone, held or waited for by somebody before us. Never the query: it
# may quote what stands in a row. What pg_stat_activity does not show the role is NULL.
_BLOCKERS = """
SELECT n.nspname, c.relname, l.pid,
       (SELECT p.gid FROM pg_catalog.pg_locks own JOIN pg_catalog.pg_prepared_xacts p
                            ON p.transaction = own.transactionid
        WHERE l.pid IS NULL AND own.pid IS NULL AND own.virtualtransaction = l.virtualtransaction
        LIMIT 1) AS prepared,
       l.granted, coalesce(a.usename::text, a.backend_type) AS role,
       a.application_name, pg_catalog.to_char(a.xact_start, 'HH24:MI:SS TZ') AS since
FROM pg_catalog.pg_locks l
JOIN pg_catalog.pg_class c ON c.oid = l.relation
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock'
  AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = current_database())
  AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname !~ '^pg_'
ORDER BY l.granted DESC, a.xact_start, n.nspname, c.relname
"""

_LOCK_TABLE = """
SELECT name, setting::int FROM pg_catalog.pg_settings
WHERE name IN ('max_locks_per_transaction', 'max_connections', 'max_prepared_transactions')
"""


class _Relation(NamedTuple):
    oid: int
    schema: str
    name: str
    is_view: bool

    @property
    def qualified(self) -> QualifiedName:
        """Schema and name, as one value."""
        return QualifiedName(self.schema, self.name)


def lock_and_fix_moment(
    session: Session, settings: bytes, kinds: tuple[str, ...], which: Wanted = every
) -> None:
    """Lock every relation of these kinds that the role may read; only then the transaction gets its snapshot.

    ``settings`` are made at the beginning of it, and must take no snapshot either.
    Raise BlockedError where somebody else's lock is in the way, ChangedError where relations come and go
    faster than they can be locked.
    """
    with session.translate_errors("listing the tables"):
        for _ in range(LISTINGS):
            session.execute(settings)
            wanted = _listed(session, kinds, which)
            session.rollback()
            session.execute(settings)
            if _locked(session, wanted):
                if _listed(session, kinds, which) == wanted:
                    log.info("session %d holds locks on %d relations", session.process, len(wanted))
                    return
                session.rollback()
    raise ChangedError(
        f"tables of {session.address} come and go faster than they can be locked",
        do="run the same command again when no tables are created and dropped",
        address=str(session.address),
        during="locking the tables",
    )


def lock_as_well(
    session: Session, kinds: tuple[str, ...], which: Wanted = every, *, beside: bool = False
) -> bool:
    """Lock the same in a transaction that has its snapshot already; whether it holds all of them now.

    Where somebody else waits for one of them, or the lock table is full, it holds none; nor where another
    session of ours holds them (``beside``), and both together would leave others less than half of it.
    """
    listed = _listed(session, kinds, which)
    if beside:
        size, sharing = _size_of_lock_table(session)
        if 4 * len(listed) > size * sharing:
            return False
    try:
        with session.transaction():
            for start in range(0, len(listed), _BATCH):
                session.execute(_statement(listed[start : start + _BATCH]))
    except (psycopg.errors.LockNotAvailable, psycopg.errors.OutOfMemory, *_NOT_AS_LISTED) as error:
        log.info("session %d holds no locks: %s", session.process, error)
        return False
    return True


def blockers(session: Session) -> tuple[str, ...]:
    """Who holds a lock that shuts out all readers, or waits for one: process, role, since when, on what."""
    found = session.ask(_BLOCKERS, during="asking who holds the locks")
    return tuple(dict.fromkeys(_sentence(*row) for row in found))


def blocked(session: Session, during: str) -> BlockedError:
    """The error that names who is in the way, asked of a session whose transaction may be used for it."""
    named = blockers(session)
    others = "; ".join(named[:3]) + (f"; and {len(named) - 3} more" if len(named) > 3 else "")
    return BlockedError(
        f"while {during}, a lock of others was in the way in {session.address}"
        + (f": {others}" if named else ", and was given up since"),
        do="run the same command again when that is done; a session that forgot its transaction "
        "is ended by: SELECT pg_terminate_backend(PROCESS), a prepared one by: ROLLBACK PREPARED 'NAME'"
        if named
        else "run the same command again",
        address=str(session.address),
        during=during,
        sqlstate="55P03",
        blockers=named,
    )


def _sentence(
    schema: str,
    name: str,
    pid: int | None,
    prepared: str | None,
    granted: bool,
    role: str | None,
    program: str,
    since: str | None,
) -> str:
    who = f"process {pid}"
    if pid is None:
        who = "a prepared transaction" + (f" ({prepared})" if prepared else "")
    if role:
        who += f" of {role}" + (f" ({program})" if program else "")
    does = "holds" if granted else "waits for"
    began = f", in a transaction since {since}" if since else ""
    return f"{who} {does} ACCESS EXCLUSIVE on {QualifiedName(schema, name)}{began}"


def _listed(session: Session, kinds: tuple[str, ...], which: Wanted) -> list[_Relation]:
    found = session.ask(_LIST, [list(kinds)], during="listing the tables")
    return [each for row in found if which((each := _Relation(*row)).qualified)]


def _locked(session: Session, wanted: list[_Relation]) -> bool:
    """Whether all of them could be locked; False where one is not what was listed any more."""
    tables = [relation for relation in wanted if not relation.is_view]
    views = [relation for relation in wanted if relation.is_view]
    with session.translate_errors(_LOCKING):
        try:
            for start in range(0, len(tables), _BATCH):
                session.execute(_statement(tables[start : start + _BATCH]))
            for start in range(0, len(views), _BATCH):
                _lock_views(session, views[start : start + _BATCH])
        except psycopg.errors.LockNotAvailable:
            session.rollback()
            raise blocked(session, _LOCKING) from None
        except psycopg.errors.OutOfMemory:
            session.rollback()
            raise lock_table_too_small(session, len(wanted)) from None
        except _NOT_AS_LISTED:
            session.rollback()
            return False
    return True


def _lock_views(session: Session, views: list[_Relation]) -> None:
    """Lock views. One whose owner may not read what it reads cannot be locked, nor read: it is left out."""
    try:
        with session.transaction():
            session.execute(_statement(views))
    except psycopg.errors.InsufficientPrivilege:
        if len(views) > 1:
            half = len(views) // 2
            _lock_views(session, views[:half])
            _lock_views(session, views[half:])


def _statement(relations: list[_Relation]) -> bytes:
    # ONLY: each partition and child is locked by its own name.
    names = ", ".join(f"ONLY {relation.qualified}" for relation in relations)
    return f"LOCK TABLE {names} IN ACCESS SHARE MODE NOWAIT".encode()


def _size_of_lock_table(session: Session) -> tuple[int, int]:
    """How many locks each transaction may take on an average, and of how many transactions."""
    settings = dict(session.ask(_LOCK_TABLE, during="asking for the size of the lock table"))
    sharing = settings["max_connections"] + settings["max_prepared_transactions"]
    return settings["max_locks_per_transaction"], sharing


def lock_table_too_small(session: Session, locks: int) -> DatabaseError:
    """The error of a server that cannot hold so many locks, with the setting that it needs."""
    now, sharing = _size_of_lock_table(session)
    # Room for those of others, and at least more than did not do.
    needed = max(math.ceil(1.25 * locks / sharing), now + 1, 64)
    wanted = math.ceil(needed / 64) * 64
    return DatabaseError(
        f"the lock table of {session.address} is too small for {locks:,} tables that are held while they are "
        "read",
        do=f"set max_locks_per_transaction = {wanted} (it is {now}) and restart the server: "
        f"ALTER SYSTEM SET max_locks_per_transaction = {wanted}",
        address=str(session.address),
        during=_LOCKING,
        sqlstate="53200",
    )
