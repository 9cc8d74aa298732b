"""What psycopg raises, turned into migplan's own errors: the one place that does it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from migplan.errors import BlockedError, ChangedError, ConnectError, DatabaseError, PrivilegeError
from migplan.postgres.address import Address
from migplan.postgres.stall import UnansweredError

# What a refused connection means, by what libpq or the server says of it, and what to do. Servers may speak
# another language; then the message stands alone, with the last line's general advice.
_REFUSALS: tuple[tuple[str, str, str], ...] = (
    (
        r"password authentication failed|no password supplied|SASL authentication failed",
        "the password was not accepted",
        "check user and password; PGPASSWORD, .pgpass and service files are read as libpq does",
    ),
    (
        r"Connection refused|No such file or directory",
        "no server answers there",
        "check host and port, and that the server runs and listens there",
    ),
    (
        r"failed to resolve host|could not translate host name",
        "the host's name is not known",
        "check the spelling of the host, and your network or VPN",
    ),
    (
        r"database .* does not exist",
        "there is no database of that name",
        "check the name after the last / of the URL",
    ),
    (r"role .* does not exist", "there is no role of that name", "check the user in the URL"),
    (
        r"permission denied for database|is not permitted to log in",
        "the role may not do that",
        "connect as another role, or have it granted: GRANT CONNECT ON DATABASE ... TO the role; "
        "ALTER ROLE ... LOGIN",
    ),
    (
        r"timeout expired|timed out",
        "the server did not answer in time",
        "check host, port and firewall; connect_timeout=SECONDS in the URL allows more time",
    ),
    (
        r"no pg_hba\.conf entry|pg_hba\.conf rejects",
        "the server does not admit this user from this machine",
        "ask for an entry in pg_hba.conf, or try sslmode=require in the URL",
    ),
    (
        r"\b(SSL|TLS)\b|certificate",
        "no encrypted connection could be agreed on",
        "check sslmode and the certificates",
    ),
    (
        r"too many (clients|connections)|remaining connection slots",
        "the server has no connection to spare",
        "try again later, or ask for a reserved role",
    ),
    (
        r"definition of service .* not found",
        "there is no service of that name",
        "check pg_service.conf and PGSERVICEFILE",
    ),
    (
        r"first statement had no answer|query_wait_timeout|max ?clients|no more connections allowed",
        "a pooler seems to stand there that has no session to spare",
        "connect to the server itself, by its own port; or have the pooler give more sessions to this user "
        "(in PgBouncer: pool_size, max_db_connections): one for each of --jobs, and four beside",
    ),
    (r"starting up|shutting down|in recovery", "the server is not ready", "try again in a moment"),
)


CONNECTION_FAILURE = "08006"
"""What a loss is called that only libpq noticed: there is no server left that would give it a SQLSTATE."""

NO_SESSION = "53300"
"""What a server says that has no session to spare; so we say it of a pooler, which only lets us wait."""

# What the server says of an object that went between two of its own look-ups. It never translates this.
VANISHED = re.compile(
    r"could not open relation with OID|cache lookup failed|could not find (tuple|attribute)"
)


_TOO_LARGE = re.compile(r"invalid memory alloc request size|string buffer")  # one may have 1 GB


@contextmanager
def translate_errors(address: Address, during: str) -> Iterator[None]:
    """Raise what psycopg raises in the block as an error of ours."""
    try:
        yield
    except psycopg.Error as error:
        raise of_database(error, address, during) from None
    except UnicodeDecodeError as error:
        # Only a database that declares no encoding (SQL_ASCII) can hold such text.
        raise DatabaseError(
            f"while {during}, {address} sent text that is not UTF-8: {error.object[:60]!r}",
            do="the encoding of that database is SQL_ASCII, and migplan reads UTF-8: convert those names and "
            "definitions first",
            address=str(address),
            during=during,
        ) from None


def of_connection(error: psycopg.Error, address: Address) -> ConnectError:
    """Return the error for a session that could not be opened."""
    said = _first_lines(address.without_secrets(str(error)))
    meaning, advice = "", "check the address; psql with the same one should say the same"
    for pattern, what, do in _REFUSALS:
        if re.search(pattern, said, re.IGNORECASE):
            meaning, advice = what, do
            break
    what = f"cannot connect to {address}" + (f": {meaning}" if meaning else "")
    state = NO_SESSION if isinstance(error, UnansweredError) else error.sqlstate
    return ConnectError(
        what, do=advice, address=str(address), during="connecting", detail=said, sqlstate=state
    )


def of_database(error: psycopg.Error, address: Address, during: str) -> DatabaseError:
    """Return the error for a statement that failed."""
    said = address.without_secrets(error.diag.message_primary or str(error).strip() or type(error).__name__)
    where = {
        "address": str(address),
        "during": during,
        "sqlstate": error.sqlstate,
        "detail": error.diag.message_detail or "",
        "said": said,
    }
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return PrivilegeError(
            f"while {during}, {address} said: {said}",
            do="connect as a role that may read it, or have it granted: GRANT USAGE ON SCHEMA ..., "
            "GRANT SELECT ON ... TO the role",
            **where,  # type: ignore[arg-type]  # the five keywords of DatabaseError
        )
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return BlockedError(
            f"while {during}, another session held a lock in {address} for too long: {said}",
            do="wait for it, or find it: SELECT pid, query FROM pg_stat_activity WHERE pid = ANY "
            "(SELECT unnest(pg_blocking_pids(pid)) FROM pg_stat_activity)",
            **where,  # type: ignore[arg-type]
        )
    if is_loss(error):
        where["sqlstate"] = error.sqlstate or CONNECTION_FAILURE
        return DatabaseError(
            f"while {during}, the connection to {address} was lost: {_first_lines(said)}",
            do="run the same command again; how far one came that changes the database: "
            "migplan status --target TARGET",
            **where,  # type: ignore[arg-type]
        )
    if isinstance(error, psycopg.errors.InternalError_) and VANISHED.search(said):
        # The server prints definitions as they are now, also in a transaction that began before.
        return ChangedError(
            f"while {during}, {address} said: {said}",
            do="something was dropped while it was being read: run the same command again",
            **where,  # type: ignore[arg-type]
        )
    hint = error.diag.message_hint or ""
    if _TOO_LARGE.search(f"{said} {where['detail']}"):
        hint = hint or (
            "a row as COPY prints it may have 1 GB, and each byte of a bytea takes two as text: leave the "
            "table out (--exclude), and bring such values in pieces: substring(value FROM start FOR length)"
        )
    return DatabaseError(f"while {during}, {address} said: {said}", do=hint, **where)  # type: ignore[arg-type]


def is_loss(error: psycopg.Error) -> bool:
    """Whether the session is gone: the network's doing, a restart, an administrator, or a time-out."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError)
    return error.sqlstate.startswith(("08", "57P")) or error.sqlstate in {"25P03", "25P04"}


def _first_lines(text: str) -> str:
    """Libpq's message on one line, without its advice to check whether the server runs."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("\t")]
    return " ".join(lines).removeprefix("connection failed: ").removeprefix("connection is bad: ")
