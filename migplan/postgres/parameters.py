"""What libpq is told of each connection: the address, and what must hold where nothing else is said."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from migplan.postgres.address import Address

# A network that is cut without a word would otherwise be noticed in two hours, or never.
# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_CAREFUL = {
    "connect_timeout": "15",  # seconds
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",  # milliseconds
}
# A file is no folder of sockets: an attempt to connect there fails at once, without the network.
_NOWHERE = {"host": "/dev/null", "hostaddr": ""}


def careful(address: Address) -> dict[str, str]:
    """Time-outs and keepalives, as far as the address, its service and the environment say none."""
    said = effective(address)
    return {name: value for name, value in _CAREFUL.items() if not said.get(name)}


def effective(address: Address) -> Mapping[str, str]:
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


def with_settings(address: Address, settings: Collection[tuple[str, str]]) -> str:
    """The parameter ``options``: settings that hold from the first moment, behind those that people set."""
    words = [f"-c {name}={_escaped(value)}" for name, value in settings]
    return " ".join(filter(None, [effective(address).get("options", ""), *words]))


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace(" ", "\\ ")
