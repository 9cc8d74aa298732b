"""Which database it is, whatever it is called: so that nobody moves a database into itself."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg

from migplan.postgres.address import Address
from migplan.postgres.failures import explained

_MAY_ASK = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
_WHICH = """
SELECT c.system_identifier, d.oid
FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d
WHERE d.datname = current_database()
"""


def identity_of(driver: psycopg.Connection[Any], address: Address) -> str:
    """A digest of the server's own number and the database's; empty where the role may not ask for it.

    A copy of the server's files has the same numbers as the server that it was copied from.
    """
    with explained(address, "asking which database it is"):
        if driver.execute(_MAY_ASK).fetchone() != (True,):
            return ""
        server, database = driver.execute(_WHICH).fetchone() or ("", "")
    return hashlib.sha256(f"{server}/{database}".encode()).hexdigest()


def place_of(driver: psycopg.Connection[Any]) -> str:
    """Host, port and name of the database, as libpq has them: what is left where the role may not ask."""
    info = driver.info
    return f"{info.host or info.hostaddr}:{info.port}/{info.dbname}"
