"""Databases for a while: on a throwaway server, or on one that somebody lends.

A throwaway server lives as long as the command that started it. While one is kept running, a file of its
owner's says where it is, so that other commands find it by its name.
"""

import json
import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from psycopg import sql

from migplan.errors import AddressError
from migplan.files import write_whole
from migplan.postgres import address
from migplan.postgres.address import Address
from migplan.postgres.binaries import find_server
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect
from migplan.postgres.versions import dotted

NAME = "scratch"
_OURS = "postgres"
_TAKEN = frozenset({"postgres", "template0", "template1"})
_CREATE = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'")
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
) -> Iterator[Scratch]:
    """A server with an empty database, for a block, and with roles, none of which can log in.

    Of the servers on this machine, it is one that has the extensions, and is of that major version, or no
    older than ``oldest``.
    """
    installation = find_server(major, extensions=extensions, oldest=oldest)
    with ThrowawayServer(installation) as server:
        made = _make_roles(address.parse(server.conninfo()), roles)
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
def lent_database(server: Address) -> Iterator[Address]:
    """A new database on a server that is running already; it is dropped after the block.

    Raises DatabaseError where the role may not create databases.
    """
    name = f"migplan_scratch_{secrets.token_hex(6)}"
    create, drop = (statement.format(sql.Identifier(name)) for statement in (_CREATE, _DROP))
    with connect(server) as session:
        session.autocommit = True
        session.ask(create, during=f"creating the database {name}")
        try:
            yield server.of_database(name)
        finally:
            session.ask(drop, during=f"dropping the database {name}")


def _make_roles(where: Address, roles: Collection[str]) -> tuple[str, ...]:
    wanted = sorted(role for role in set(roles) - {_OURS} if not role.startswith("pg_"))
    with connect(where) as session:
        for role in wanted:
            statement = sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(role))
            session.ask(statement, during="making the roles that the bundle names")
    return tuple(wanted)
