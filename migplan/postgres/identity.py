"""Which database it is, whatever it is called: so that nobody moves a database into itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from migplan.postgres.session import Session

_MAY_ASK = "SELECT pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')"
_WHICH = """
SELECT c.system_identifier, d.oid
FROM pg_catalog.pg_control_system() c, pg_catalog.pg_database d
WHERE d.datname = current_database()
"""
_RUNNING = """
SELECT pg_catalog.pg_postmaster_start_time()::text, d.oid
FROM pg_catalog.pg_database d WHERE d.datname = current_database()
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """A database, by digests of what only it has."""

    lasting: str  # empty where the role may not ask for it
    running: str  # until the server starts anew

    def is_that_of(self, other: Identity) -> bool:
        """Whether the two are the same database, both asked now."""
        if self.lasting and other.lasting:
            return self.lasting == other.lasting
        return self.running == other.running


def identity_of(session: Session) -> str:
    """A digest of the server's own number and the database's; empty where the role may not ask for it.

    Every role may, unless somebody took that away. A copy of the server's files has the same numbers as the
    server that it was copied from.
    """
    return who_is(session).lasting


def who_is(session: Session) -> Identity:
    """What tells a database from all others."""
    during = "asking which database it is"
    allowed = session.ask(_MAY_ASK, during=during) == [(True,)]
    lasting = _digest(session.ask(_WHICH, during=during)) if allowed else ""
    return Identity(lasting, _digest(session.ask(_RUNNING, during=during)))


def place_of(session: Session) -> str:
    """Host, port and name of the database, as libpq has them: what is left where the role may not ask."""
    info = session.info
    return f"{info.host or info.hostaddr}:{info.port}/{info.dbname}"


def _digest(found: list[Any]) -> str:
    ((server, database),) = found or [("", "")]
    return hashlib.sha256(f"{server}/{database}".encode()).hexdigest()
