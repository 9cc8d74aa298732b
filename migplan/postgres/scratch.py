"""Databases for a while: on a throwaway server, or on one that somebody lends.

A throwaway server lives as long as the command that started it. While one is kept running, a file of its
owner's says where it is, so that other commands find it by its name.
"""

import json
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import LiteralString

from psycopg import sql

from migplan.errors import AddressError, ConnectError, DatabaseError, LaunchError
from migplan.files import write_whole
from migplan.postgres import address, container
from migplan.postgres.address import Address
from migplan.postgres.binaries import LIBRARIES, Installation, find_server
from migplan.postgres.extension_stubs import STUBBED
from migplan.postgres.server import ThrowawayServer, first_superuser
from migplan.postgres.session import Session, connect
from migplan.postgres.versions import dotted

NAME = "scratch"
_OURS = "postgres"
_TAKEN = frozenset({"postgres", "template0", "template1"})
EMPTY = "template0"
"""The database to copy for one in which there is nothing."""
_CREATE = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
_C = sql.SQL(" ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
_DROP = sql.SQL("DROP DATABASE {} WITH (FORCE)")


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where it is, how to get there, and what was made in it so that the bundle can run."""

    address: Address
    url: str
    version: str
    roles: tuple[str, ...]
    notes: tuple[str, ...] = ()  # what people should know of it


@contextmanager
def scratch(
    database: str = NAME,
    *,
    extensions: Collection[str] = (),
    roles: Collection[str] = (),
    oldest: int = 0,
    major: int | None = None,
    libraries: Collection[str] = (),
    superuser: str = _OURS,
) -> Iterator[Scratch]:
    """A server with an empty database, for a block, and with roles, none of which can log in.

    ``superuser`` runs everything there. Of the servers on this machine, it is one that has the extensions,
    and is of that major version, or no older than ``oldest``; if there is one, it was built with the
    libraries, too.
    """
    installation = find_server(major, extensions=extensions, oldest=oldest, libraries=libraries)
    with ThrowawayServer(installation, superuser=superuser) as server:
        made = _make_roles(address.parse(server.conninfo()), roles, superuser)
        name = NAME if database in _TAKEN else database
        url = server.create_database(name, template="template0")
        where = address.parse(url, name=NAME)
        with connect(where) as session:
            version = dotted(session.version)
        yield Scratch(where, url, version, made)


@contextmanager
def findable(server: Scratch) -> Iterator[None]:
    """Let other commands of this user find the server by its name, for a block."""
    file = _whereabouts()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    said = json.dumps({"url": server.url, "pid": os.getpid()})
    write_whole(file, said)
    try:
        yield
    finally:
        if file.is_file() and file.read_text(encoding="utf-8") == said:
            file.unlink()


def kept() -> Address | None:
    """Return where the throwaway server is that another command keeps running; None if none does."""
    try:
        found = json.loads(_whereabouts().read_text(encoding="utf-8"))
        os.kill(found["pid"], 0)
        return address.parse(found["url"], name=NAME)
    except (OSError, ValueError, KeyError, TypeError, AddressError):
        return None


def _whereabouts() -> Path:
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "migplan" / "scratch.json"


@contextmanager
def lent_database(server: Address, name: str = "", template: str = EMPTY) -> Iterator[Address]:
    """A new database on a server that is running already; it is dropped after the block.

    It is a copy of the database ``template``, to which nobody may be connected. Raises DatabaseError where
    the role may not create databases.
    """
    name = name or f"migplan_scratch_{secrets.token_hex(6)}"
    create = _CREATE.format(sql.Identifier(name), sql.Identifier(template))
    if template == EMPTY:
        create += _C
    drop = _DROP.format(sql.Identifier(name))
    with connect(server) as session:
        session.autocommit = True
        session.ask(create, during=f"creating the database {name}")
        try:
            yield server.of_database(name)
        finally:
            session.ask(drop, during=f"dropping the database {name}")


@dataclass(frozen=True, slots=True)
class Judge:
    """A server on which something is tried, in databases that are made for it and dropped again."""

    address: Address
    version: int  # as server_version_num
    said: str  # what it is, in words
    extensions: frozenset[str]  # that can be created there
    notes: tuple[str, ...] = ()
    is_lent: bool = False  # others use it, too: roles are made only where they are missing, and said

    @property
    def major(self) -> int:
        """Its major version."""
        return self.version // 10000

    @contextmanager
    def database(self, name: str = "", template: str = EMPTY) -> Iterator[Address]:
        """A database for a block: empty, or a copy of another one; ``name`` is taken where it is free."""
        if self.is_lent or name in _TAKEN or name.startswith("pg_"):
            name = ""
        with connect(self.address) as session:
            taken = session.ask(
                "SELECT FROM pg_catalog.pg_database WHERE datname = %s", [name], during="looking for a name"
            )
        with lent_database(self.address, "" if taken else name, template) as made:
            yield replace(made, name=NAME)

    def make_roles(self, roles: Collection[str]) -> tuple[tuple[str, ...], str]:
        """Make those of the roles that are missing, none of which can log in.

        Return those that were made, and why the others could not be: empty, if nothing is missing.
        """
        made: list[str] = []
        with connect(self.address) as session:
            session.autocommit = True
            there = {name for (name,) in session.ask(_ROLES, during="looking for roles")}
            for role in sorted(role for role in set(roles) - there if not role.startswith("pg_")):
                create = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))
                try:
                    session.ask(create, during=f"making the role {role}")
                except DatabaseError as error:
                    return tuple(made), f"the role {role} cannot be made on {self.said}: {error.what}"
                made.append(role)
        return tuple(made), ""

    def roles(self) -> frozenset[str]:
        """The roles that are there now."""
        with connect(self.address) as session:
            return frozenset(name for (name,) in session.ask(_ROLES, during="looking for roles"))

    def drop_roles(self, roles: Collection[str]) -> None:
        """Drop roles on which nothing depends any more; one that something needs stays."""
        with connect(self.address) as session:
            session.autocommit = True
            for role in sorted(roles):
                with suppress(DatabaseError):
                    session.ask(
                        sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)),
                        during=f"dropping the role {role}",
                    )


_ROLES: LiteralString = "SELECT rolname::text FROM pg_catalog.pg_roles"
_EXTENSIONS: LiteralString = "SELECT name::text FROM pg_catalog.pg_available_extensions"


@contextmanager
def judge(
    lent: Address | None = None,
    *,
    major: int | None = None,
    extensions: Collection[str] = (),
    superuser: str = _OURS,
) -> Iterator[Judge]:
    """A server that judges, for a block: the one that is lent, else a throwaway one, else a container.

    ``major`` and ``extensions`` are those of the target. Of the servers on this machine one of that version
    is taken that has the extensions, but for those that can have stand-ins; then an image of that version,
    where an engine for containers answers; then a server of another version: its notes say that, and why no
    container was to be had. On one of our own ``superuser`` runs everything: what is made belongs to whom it
    belongs to in the target. LaunchError where there is none, ConnectError where it has ended meanwhile;
    DatabaseError where the lent one cannot be used.
    """
    if lent is not None:
        with connect(lent) as session:
            yield _judge_at(lent, session, str(lent), major, is_lent=True)
        return
    needed = frozenset(extensions) - STUBBED
    installation = _installation(major, extensions, needed)
    notes: tuple[str, ...] = ()
    with ExitStack() as stack:
        made = None
        if installation is None and major is not None:
            try:
                made = _in_container(stack, major, superuser)
            except LaunchError as error:
                do = f" ({error.do})" if error.do else ""
                notes = (f"no container of PostgreSQL {major}: {error.what}{do}",)
        if made is None:
            installation = installation or _any_installation(major, needed)
            server = stack.enter_context(ThrowawayServer(installation, superuser=superuser))
            made = _judging(server.conninfo(), "a throwaway server", major)
        try:
            yield replace(made, notes=(*made.notes, *notes))
        except ConnectError as error:
            _refuse_ended(made, error)
            raise


def _refuse_ended(judge: Judge, error: ConnectError) -> None:
    """Raise ConnectError that says so if it is the judge's own server that does not answer any more."""
    try:
        connect(judge.address).close()
    except ConnectError:
        raise ConnectError(
            f"{judge.said}, ended while migrations were tried on it; that changes no target",
            do="try again; or name a server to try them on: --scratch URL",
            address=error.address,
            during=error.during,
            detail=error.detail,
        ) from None


def _in_container(stack: ExitStack, major: int, superuser: str) -> Judge | None:
    """A server in a container, until the stack ends; None where there is no engine for containers."""
    image = container.image_of(major)
    if image is None:
        return None
    url = stack.enter_context(container.running(image, first_superuser(superuser)))
    return _judging(url, f"a container of {image}", major)


def _judging(url: str, what: str, major: int | None) -> Judge:
    where = address.parse(url, name=NAME)
    with connect(where) as session:
        return _judge_at(where, session, what, major)


def _installation(
    major: int | None, extensions: Collection[str], needed: Collection[str]
) -> Installation | None:
    """The server of that version on this machine that has all extensions, or those that are needed."""
    for wanted in (extensions, needed):
        with suppress(LaunchError):
            return find_server(major, extensions=wanted, libraries=() if major is None else LIBRARIES)
    return None


def _any_installation(major: int | None, needed: Collection[str]) -> Installation:
    """Any server on this machine, of another version with what is needed rather than one without."""
    for version, wanted in ((None, needed), (major, ())):
        with suppress(LaunchError):
            return find_server(version, extensions=wanted)
    return find_server()


def _judge_at(
    where: Address, session: Session, what: str, major: int | None, *, is_lent: bool = False
) -> Judge:
    there = frozenset(name for (name,) in session.ask(_EXTENSIONS, during="looking for extensions"))
    found = session.version // 10000
    notes = (
        (f"{what} is PostgreSQL {found}, and the target is {major}: what differs between them is not seen",)
        if major is not None and found != major
        else ()
    )
    session.commit()
    return Judge(
        where, session.version, f"{what}, PostgreSQL {dotted(session.version)}", there, notes, is_lent
    )


def _make_roles(where: Address, roles: Collection[str], superuser: str) -> tuple[str, ...]:
    wanted = sorted(role for role in set(roles) - {superuser} if not role.startswith("pg_"))
    with connect(where) as session:
        for role in wanted:
            # One superuser more, for what only a superuser may own.
            may = sql.SQL("SUPERUSER" if role == _OURS else "")
            statement = sql.SQL("CREATE ROLE {} NOLOGIN {}").format(sql.Identifier(role), may)
            session.ask(statement, during="making the roles that the bundle names")
    return tuple(wanted)
