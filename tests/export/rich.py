"""The rich database of ``rich.sql``, cut to the measure of a server, and made there once."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from tests.catalog.nasty import extensions
from tests.servers import Server

ROLES = ("migplan_rich_reader", "migplan_rich_writer")

_PART = re.compile(r"^--\[ (.*?) \]$", re.MULTILINE)
_made: dict[str, str] = {}


def script(*servers: Server, superuser: bool = True) -> str:
    """What makes the database on each of them; the roles that it grants to must exist."""
    first, *rest = _PART.split((Path(__file__).parent / "rich.sql").read_text("utf-8"))
    chosen = [first]
    for condition, part in zip(rest[::2], rest[1::2], strict=True):
        match condition.split():
            case ["since", version]:
                wanted = all(server.major >= int(version) for server in servers)
            case ["with", extension]:
                wanted = all(extension in extensions(server) for server in servers)
            case ["superuser"]:
                wanted = superuser
            case ["xml"]:
                wanted = all(map(_knows_xml, servers))
            case _:
                wanted = True
        chosen.append(part if wanted else "")
    return "".join(chosen)


def make_roles(server: Server) -> None:
    """The roles that the database mentions."""
    server.make_roles(ROLES)


def database(server: Server) -> str:
    """The name of the rich database on the server; nobody may change it."""
    name = _made.get(server.origin.name)
    if name is None:
        name = _made[server.origin.name] = create(server)
        server.stack.callback(server.drop_database, name)
    return name


def create(server: Server) -> str:
    """Another one, for a test that changes it."""
    make_roles(server)
    return server.create_database(script(server))


def _knows_xml(server: Server) -> bool:
    with server.connect() as connection:
        try:
            connection.execute("SELECT '<a/>'::xml")
        except psycopg.errors.FeatureNotSupported:
            return False
        return True
