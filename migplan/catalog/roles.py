"""Roles of a server as everybody may see them: attributes and memberships, and never a password."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, LiteralString

from migplan.postgres.session import Session

PREDEFINED = "pg_"
"""How the names of roles begin that every server has."""

PRIVILEGED = ("CREATEDB", "CREATEROLE", "REPLICATION", "BYPASSRLS", "SUPERUSER")
"""Attributes that not everybody who may create roles may give."""

_ROLES: LiteralString = """
    SELECT r.rolname::text, r.rolcanlogin, r.rolinherit, r.rolconnlimit,
           CASE WHEN r.rolvaliduntil = 'infinity' OR r.rolvaliduntil IS NULL THEN ''
                ELSE pg_catalog.to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')
                     || '+00' END,
           coalesce(pg_catalog.shobj_description(r.oid, 'pg_authid'), ''),
           pg_catalog.array_remove(ARRAY[
               CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END,
               CASE WHEN r.rolreplication THEN 'REPLICATION' END,
               CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END,
               CASE WHEN r.rolsuper THEN 'SUPERUSER' END], NULL),
           ARRAY(SELECT pg_catalog.split_part(c, '=', 1) FROM unnest(r.rolconfig) c ORDER BY 1)
    FROM pg_catalog.pg_roles r WHERE r.rolname = ANY (%s) ORDER BY r.rolname
"""
# Since 16 there is one row for each grantor, and options beside ADMIN.
_MEMBERSHIPS: LiteralString = """
    SELECT g.rolname::text, m.rolname::text, bool_or(a.admin_option), {options}
    FROM pg_catalog.pg_auth_members a
    JOIN pg_catalog.pg_roles g ON g.oid = a.roleid
    JOIN pg_catalog.pg_roles m ON m.oid = a.member
    WHERE m.rolname = ANY (%s) OR g.rolname = ANY (%s)
    GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Role:
    """A role without its password."""

    name: str
    login: bool
    inherit: bool
    connection_limit: int = -1
    valid_until: str = ""  # empty: for ever
    comment: str = ""
    privileged: tuple[str, ...] = ()  # of PRIVILEGED
    settings: tuple[str, ...] = ()  # names of what ALTER ROLE SET has set; values may be secrets


@dataclass(frozen=True, slots=True)
class Membership:
    """A role that is a member of another, with the options of the grant (before 16 only ADMIN was one)."""

    of: str
    member: str
    admin: bool = False
    inherit: bool | None = None  # None: as the member's own attribute says
    set: bool = True

    def __str__(self) -> str:
        return f"{self.member} in {self.of}"


@dataclass(frozen=True, slots=True)
class Roles:
    """Some roles, and every membership that one of them takes part in."""

    roles: tuple[Role, ...] = ()
    memberships: tuple[Membership, ...] = ()

    @property
    def by_name(self) -> dict[str, Role]:
        """The roles by their names."""
        return {role.name: role for role in self.roles}


def question_of_memberships(version: int) -> LiteralString:
    """Return the question for memberships, by the server's version."""
    if version >= 160000:
        return _MEMBERSHIPS.replace("{options}", "bool_or(a.inherit_option), bool_or(a.set_option)")
    return _MEMBERSHIPS.replace("{options}", "NULL::bool, true")


def question_of_roles() -> LiteralString:
    """Return the question for roles of some names."""
    return _ROLES


def roles_of(rows: Iterable[Sequence[Any]], memberships: Iterable[Sequence[Any]]) -> Roles:
    """Return what the answers to the two questions say."""
    found = []
    for name, login, inherit, limit, until, comment, privileged, settings in rows:
        found.append(Role(name, login, inherit, limit, until, comment, tuple(privileged), tuple(settings)))
    return Roles(tuple(found), tuple(Membership(*row) for row in memberships))


def read_roles(session: Session, names: Iterable[str]) -> Roles:
    """Return those of the roles that are there."""
    wanted = sorted(set(names))
    question = question_of_memberships(session.info.server_version)
    return roles_of(
        session.ask(_ROLES, [wanted], during="reading roles"),
        session.ask(question, [wanted, wanted], during="reading memberships of roles"),
    )
