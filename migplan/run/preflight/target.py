"""The target as preflight sees it: a session that only asks, and survives every refusal."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row

from migplan import platforms
from migplan.config import Platform
from migplan.postgres.address import Address
from migplan.postgres.binaries import VARIABLE
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.postgres.session import Session
from migplan.run.preflight.obstacle import Obstacle, warn

# A question that a server cannot or may not answer; all else is a failure that people have to see.
_REFUSALS = (
    psycopg.errors.InsufficientPrivilege,
    psycopg.errors.UndefinedFunction,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.UndefinedTable,
    psycopg.errors.FeatureNotSupported,
    psycopg.errors.LockNotAvailable,
)

# Some hosts have no superuser to give; members of these may do more than a plain role.
_HOSTS_OWN = ("rds_superuser", "cloudsqlsuperuser", "azure_pg_admin", "alloydbsuperuser", "neon_superuser")

_ROLE = """
SELECT current_user::text, r.rolsuper, r.rolconnlimit, r.oid,
       EXISTS (SELECT FROM pg_catalog.pg_roles h
               WHERE h.rolname = ANY (%s) AND pg_catalog.pg_has_role(r.oid, h.oid, 'MEMBER'))
FROM pg_catalog.pg_roles r WHERE r.rolname = current_user
"""


_SIGNS = """
SELECT 'schema', n.nspname::text FROM pg_catalog.pg_namespace n
UNION ALL SELECT 'role', r.rolname::text FROM pg_catalog.pg_roles r
UNION ALL SELECT 'setting', s.name FROM pg_catalog.pg_settings s WHERE s.name LIKE '%.%'
"""


@dataclass(frozen=True, slots=True)
class Role:
    """The role that will run the files."""

    name: str
    superuser: bool
    connection_limit: int
    oid: int
    hosted: bool  # it may do more than a plain role, and only the host knows what


@dataclass
class Target:
    """A session with the target, in a read-only transaction."""

    session: Session
    said: Platform | None = None  # the managed host where it is, as people say
    unread: list[Obstacle] = field(default_factory=list)

    @property
    def address(self) -> Address:
        """The address of the target."""
        return self.session.address

    def with_library(self, name: str) -> str:
        """Return what to do where the server was built without a library."""
        if self.address.name == SCRATCH:
            return (
                f"no server on this machine that fits is built with {name}: let {VARIABLE} name the "
                "programs of one, or name one that runs with --target URL"
            )
        return f"use a server that is built with {name}"

    @property
    def version(self) -> int:
        """As ``server_version_num``."""
        return self.session.info.server_version

    @property
    def major(self) -> int:
        """18 for 18.6."""
        return self.version // 10000

    @cached_property
    def role(self) -> Role:
        """The role of the session."""
        (found,) = self.ask("role", _ROLE, [list(_HOSTS_OWN)])
        return Role(*found)

    @cached_property
    def platform(self) -> Platform:
        """The managed host where it is: as people say, else by its signs; else one that says nothing."""
        if self.said is not None:
            return self.said
        signs: dict[str, list[str]] = {"schema": [], "role": [], "setting": []}
        for kind, name in self.ask("platform", _SIGNS):
            signs[kind].append(name)
        every = platforms.presets()
        found = platforms.recognise(every, signs["schema"], signs["role"], signs["setting"])
        return every[found[0]] if found else Platform()

    @cached_property
    def database(self) -> str:
        """The name of the database."""
        ((name,),) = self.ask("database", "SELECT pg_catalog.current_database()")
        return str(name)

    @cached_property
    def may_create_schemas(self) -> bool:
        """Whether the role may create schemas in the database."""
        question = "SELECT pg_catalog.has_database_privilege(current_database(), 'CREATE')"
        return self.ask("role", question) == [(True,)]

    def ask(self, subject: str, question: LiteralString | sql.Composed, values: Any = ()) -> list[Any]:
        """Return the rows of the answer; none if the role may not ask, which becomes an obstacle.

        Each question has a sub-transaction that is rolled back, which also gives its locks back.
        """
        with self.session.translate_errors(f"looking at the target ({subject})"):
            try:
                with self.session.transaction(force_rollback=True):
                    cursor = self.session.cursor(row_factory=tuple_row)
                    return cursor.execute(question, values or None).fetchall()
            except _REFUSALS as error:
                said = self.address.without_secrets(error.diag.message_primary or str(error))
                self.unread.append(warn(subject, f"this could not be looked at: {said}"))
                return []

    def setting(self, name: str) -> str:
        """Return a setting of this role in this database; '' if the server does not know it."""
        found = self.ask("settings", "SELECT pg_catalog.current_setting(%s, true)", [name])
        return str(found[0][0] or "") if found else ""


@contextmanager
def looking_at(session: Session, said: Platform | None = None) -> Iterator[Target]:
    """Ask a session in a read-only transaction, for a block; ``said`` is the managed host where it is."""
    with (
        session.translate_errors("looking at the target"),
        session.transaction(force_rollback=True),
    ):
        session.execute("SET TRANSACTION READ ONLY")
        session.execute("SET LOCAL client_encoding = 'UTF8'")  # or text could come as bytes
        session.execute("SET LOCAL search_path = ''")
        session.execute("SET LOCAL lock_timeout = '5s'")
        session.execute("SET LOCAL statement_timeout = '60s'")
        yield Target(session, said)
