"""The nasty database of ``nasty.sql``, cut to the measure of a server, and made there once."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import psycopg

from tests.servers import Server

ROLES = ("migplan_nasty_reader", "migplan_nasty_writer")
WIDTH = 1600

_PART = re.compile(r"^--\[ (.*?) \]$", re.MULTILINE)
_made: dict[str, str] = {}


def extensions(server: Server) -> set[str]:
    """The extensions that can be had on the server."""
    with server.connect() as connection:
        return {name for (name,) in connection.execute("SELECT name FROM pg_available_extensions")}


def script(server: Server) -> str:
    """What makes the database there; the roles that its policies name must exist."""
    text = (Path(__file__).parent / "nasty.sql").read_text("utf-8")
    major, at_hand = server.major, extensions(server)
    first, *rest = _PART.split(text)
    chosen = [first]
    for condition, part in zip(rest[::2], rest[1::2], strict=True):
        match condition.split():
            case ["since", version]:
                wanted = major >= int(version)
            case ["with", extension]:
                wanted = extension in at_hand
            case _:
                wanted = True
        if wanted:
            chosen.append(part)
    columns = ", ".join(f"c{number} int" for number in range(1, WIDTH + 1))
    return "".join(chosen) + f"\nCREATE TABLE kinds.widest ({columns});"


def make_roles(server: Server) -> None:
    """The roles that the database mentions."""
    server.make_roles(ROLES)


def database(server: Server) -> str:
    """The name of the nasty database on the server; nobody may change it."""
    name = _made.get(server.origin.name)
    if name is None:
        name = _made[server.origin.name] = create(server)
        server.stack.callback(server.drop_database, name)
    return name


def create(server: Server) -> str:
    """Another one, for a test that changes it."""
    make_roles(server)
    name = server.create_database(script(server))
    with server.connect(dbname=name) as connection, contextlib.suppress(psycopg.errors.UniqueViolation):
        # It fails half-way and leaves an invalid index behind.
        connection.execute("CREATE UNIQUE INDEX CONCURRENTLY ix_invalid ON kinds.indexed (note)")
    return name
