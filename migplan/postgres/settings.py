"""What every session of ours begins with: what libpq is told, and the settings that are pinned in the server.

Pinned, whatever the role, the database or the environment say, are time-outs, because a run is not to be cut
off half-way by what was meant for an application; what changes the meaning of our own statements; and
formats, because what the server prints is read by programs. What people set on purpose to protect a database
(``default_transaction_read_only``) is left as it is.
"""

from collections.abc import Collection, Mapping
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from migplan.postgres.address import Address

Settings = tuple[tuple[str, str], ...]

_TIMEOUTS: Settings = (
    ("statement_timeout", "0"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "0"),
)
_LATER = ((140000, "idle_session_timeout", "0"), (170000, "transaction_timeout", "0"))
_MEANINGS: Settings = (
    ("standard_conforming_strings", "on"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_deferrable", "off"),
    ("exit_on_error", "off"),
)
_FORMATS: Settings = (
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("bytea_output", "hex"),
    ("extra_float_digits", "3"),
    ("quote_all_identifiers", "off"),
    ("client_min_messages", "notice"),
)

ALWAYS: Settings = (*_TIMEOUTS, *_MEANINGS)
"""What must hold from the first packet on, also in steps that people wrote; every server knows it."""

# What a transaction that reads needs beside, so that the server prints alike everywhere, hides nothing, and
# waits for nobody's lock for ever. None of it takes a snapshot, which would fix the moment before anything is
# locked.
_READING: Settings = (
    ("search_path", ""),
    ("row_security", "off"),
    ("lock_timeout", "2s"),
    ("timezone", "GMT"),  # known even to a server without time zone files, which UTC is not
    ("lc_monetary", "C"),
    ("synchronize_seqscans", "off"),
    ("jit", "off"),  # to compile a question takes longer than most answers
)

# Who holds locks and waits for one longer than deadlock_timeout (a second) can cost others their transaction:
# https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-DEADLOCKS. Tables are locked at once
# or not at all; this is for what a question waits for nevertheless: a sequence that is altered, a refresh.
HOLDING = b"SET LOCAL lock_timeout = '50ms'"

# A network that is cut without a word would otherwise be noticed in two hours, or never.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_CAREFUL = {
    "connect_timeout": "15",  # seconds
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # milliseconds
}
# A file is not a folder of sockets: an attempt to connect there fails at once, without the network.
_NOWHERE = {"host": "/dev/null", "hostaddr": ""}


def timeouts(version: int) -> Settings:
    """The time-outs that a server of that ``server_version_num`` knows."""
    return (*_TIMEOUTS, *((name, value) for since, name, value in _LATER if version >= since))


def always(version: int) -> Settings:
    """What must always hold on a server of that ``server_version_num``."""
    return (*timeouts(version), *_MEANINGS)


def pinned(version: int) -> Settings:
    """The same, and the formats in which the server prints what we read."""
    return (*always(version), *_FORMATS)


def statements(word: str, wanted: Settings) -> str:
    """``SET`` or ``SET LOCAL`` for each of these."""
    return ";\n".join(f"{word} {name} = '{value}'" for name, value in wanted)


def reading(version: int) -> bytes:
    """What a transaction that reads sets on a server of that ``server_version_num``: all of it SET LOCAL."""
    return statements("SET LOCAL", (*pinned(version), *_READING)).encode()


def parameters(address: Address) -> dict[str, Any]:
    """What libpq is told of an address, but for the settings."""
    return {
        "fallback_application_name": "migplan",
        **careful(address),
        **address.params,
        # In a database that declares no encoding, text would arrive as bytes; and our files are UTF-8.
        "client_encoding": "UTF8",
    }


def careful(address: Address) -> dict[str, str]:
    """Time-outs and keepalives, as far as the address, its service and the environment say none."""
    said = _effective(address)
    return {name: value for name, value in _CAREFUL.items() if not said.get(name)}


def options(address: Address, settings: Collection[tuple[str, str]]) -> str:
    """The parameter ``options``: settings that hold from the first moment, behind those that people set."""
    words = [f"-c {name}={_escaped(value)}" for name, value in settings]
    return " ".join(filter(None, [_effective(address).get("options", ""), *words]))


def _effective(address: Address) -> Mapping[str, str]:
    """Each parameter as libpq finds it in the address, else in the service file, else in the environment.

    Only libpq knows its own rules, so it is asked: it fills in everything before it connects. Host and port
    are left out of the answer, and passwords.
    """
    try:
        asked = pq.PGconn.connect_start(make_conninfo(**{**address.params, **_NOWHERE}).encode())
        found = {
            option.keyword.decode(): (option.val or b"").decode("utf-8", "replace") for option in asked.info
        }
        asked.finish()
    except (psycopg.Error, ValueError):
        return {}  # whoever connects will hear of it
    return {
        name: value for name, value in found.items() if value and name not in {*_NOWHERE, "port", "password"}
    }


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
