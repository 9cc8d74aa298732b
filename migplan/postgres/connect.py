"""Sessions with a database, and the one way to open them.

SQLAlchemy's engine gives pools and transactions to everything that reads; psycopg makes the
connections underneath, so libpq's environment, service files and ``.pgpass`` work as people expect.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg

from migplan.errors import AddressError, MigplanError, OldServerError
from migplan.postgres import pinned
from migplan.postgres.address import Address
from migplan.postgres.failures import explained, of_connection
from migplan.postgres.locking import lock_and_fix_moment
from migplan.postgres.opening import opened
from migplan.postgres.stall import Connection
from migplan.postgres.versions import OLDEST, dotted
from migplan.text import redaction

if TYPE_CHECKING:
    import sqlalchemy as sa

# What a reading session needs so that the server prints alike everywhere, hides nothing, waits for nobody's
# lock forever, and is not cut off half-way. SET LOCAL, because a pooler in front may share the session; and
# none of it takes a snapshot, which would fix the moment that is read before anything is locked.
_READING: tuple[LiteralString, ...] = (
    "SET LOCAL search_path = ''",
    "SET LOCAL row_security = off",
    "SET LOCAL lock_timeout = '2s'",
    "SET LOCAL statement_timeout = 0",
    "SET LOCAL idle_in_transaction_session_timeout = 0",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'postgres'",
    "SET LOCAL timezone = 'GMT'",  # known even to a server without time zone files, which UTC is not
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL lc_monetary = 'C'",
    "SET LOCAL synchronize_seqscans = off",
    "SET LOCAL quote_all_identifiers = off",
    "SET LOCAL standard_conforming_strings = on",
)
# Who holds locks and waits for one longer than deadlock_timeout (a second) can cost others their transaction:
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS. Tables are locked at once
# or not at all; this is for what a question waits for nevertheless: a sequence that is altered, a refresh.
_HOLDING: LiteralString = "SET LOCAL lock_timeout = '50ms'"
_READING_SINCE: tuple[tuple[int, LiteralString], ...] = ((170000, "SET LOCAL transaction_timeout = 0"),)


def connect(address: Address) -> Connection:
    """A session, or a ConnectError that says why not. Its formats and time-outs are pinned (``pinned.py``).

    Where a pooler shares sessions (``shared``) nothing can be pinned but for one transaction: SET LOCAL.
    """
    try:
        found = opened(address)
        redaction.remember((found.info.password,), beside=(found.info.user, found.info.dbname))
        return found
    except (psycopg.ProgrammingError, ValueError):  # ValueError: a host that no resolver can be asked for
        refusal: MigplanError = AddressError(
            f"{address} cannot be used as a PostgreSQL address",
            do="a setting in it is misspelt or not known to libpq; its manual lists the parameters",
        )
    except psycopg.Error as error:
        refusal = of_connection(error, address)
    # Raised out here, because psycopg's error holds the password, and would stay with ours as its context.
    raise refusal


def pin(connection: Connection) -> None:
    """Begin a transaction with everything pinned in it, also where a pooler shares the session."""
    connection.execute(
        pinned.statements("SET LOCAL", pinned.settings(connection.info.server_version)).encode()
    )


def engine(address: Address) -> sa.Engine:
    """An engine whose connections come from :func:`connect`."""
    import sqlalchemy as sa  # noqa: PLC0415 - a run has no need of it, and it takes a while to load

    return sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(address),
        use_native_hstore=False,
        isolation_level="REPEATABLE READ",
    )


@contextmanager
def reading(address: Address, locking: tuple[str, ...] = ()) -> Iterator[sa.Connection]:
    """One moment of a database: a repeatable-read, read-only transaction, set up for reading.

    ``locking`` names the kinds of relations (``locking.TABLES``) that are locked against change as long as it
    lasts, before the moment is fixed; BlockedError or ChangedError where they cannot be.
    """
    pool = engine(address)
    try:
        with explained(address, "reading"), pool.connect() as connection:
            connection.execution_options(postgresql_readonly=True)
            driver = driver_of(connection)
            _refuse_old(driver, address)
            settings = reading_settings(driver.info.server_version)
            if locking:
                lock_and_fix_moment(driver, address, b"; ".join((settings, _HOLDING.encode())), locking)
            else:
                driver.execute(settings + b"; SELECT")  # the first query fixes the moment
            try:
                yield connection
            except BaseException:
                # A lost session cannot be rolled back: trying to would hide why it was lost.
                if driver.closed:
                    connection.invalidate()
                raise
    finally:
        pool.dispose()


def reading_settings(version: int) -> bytes:
    """What :func:`reading` sets, and sessions that join it, on a server of that ``server_version_num``."""
    newer = [setting for since, setting in _READING_SINCE if version >= since]
    return "; ".join((*_READING, *newer)).encode()


def export_snapshot(connection: sa.Connection) -> str:
    """The name under which other sessions can see this transaction's moment, while it lasts."""
    return str(connection.exec_driver_sql("SELECT pg_catalog.pg_export_snapshot()").scalar_one())


def _refuse_old(driver: psycopg.Connection[Any], address: Address) -> None:
    if driver.info.server_version < OLDEST:
        raise OldServerError(
            f"{address} is PostgreSQL {dotted(driver.info.server_version)}, "
            f"and migplan needs {dotted(OLDEST)} or newer",
            do="upgrade that server first; pg_upgrade and pg_dump understand older ones",
            address=str(address),
        )


def driver_of(connection: sa.Connection) -> psycopg.Connection[Any]:
    """The session as psycopg knows it."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver
