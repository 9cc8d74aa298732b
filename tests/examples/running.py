"""The folders of ``migrations/`` that people wrote, run with psql alone on databases made for tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from migplan.demo.database import scripts
from migplan.postgres.address import Address
from tests.bundle.built import psql
from tests.servers import Server

CHECKOUT = Path(__file__).parents[2]
PUBLIC_CHAT = CHECKOUT / "migrations" / "public-chat"
RESOURCE_BOOKING = CHECKOUT / "migrations" / "resource-booking"

ROLES = ("anon", "authenticated")
"""Roles of the platform on which the public chat runs; a server has them for all of its databases."""

WITHOUT_PUBLIC_CHAT = """
SET client_min_messages = warning;
DROP TABLE public.prospective_sessions, public.accommodation_units_public CASCADE;
"""


def before_public_chat() -> str:
    """The demo's tables but for what the public chat brings, and the few rows that it leans on."""
    schema = [text for name, text in scripts() if name < "10"]
    return "\n".join([*schema, WITHOUT_PUBLIC_CHAT, (Path(__file__).parent / "rows.sql").read_text()])


def make_roles(server: Server) -> None:
    """The roles of the platform that are not there yet."""
    server.make_roles(ROLES)


@dataclass(frozen=True)
class Folder:
    """A folder on a database."""

    path: Path
    target: Address

    @property
    def names(self) -> list[str]:
        return sorted(
            file.name.removesuffix(".sql") for file in self.path.glob("*.sql") if file.stem.count(".") == 0
        )

    def up(self) -> None:
        for name in self.names:
            self.run(f"{name}.sql")

    def down(self) -> None:
        for name in reversed(self.names):
            self.run(f"{name}.down.sql")

    def verify(self) -> list[list[str]]:
        """The rows of all verify files; nothing can be written while they are read."""
        return [row for name in self.names for row in self.rows(f"{name}.verify.sql", "-c", READ_ONLY)]

    def seed(self) -> None:
        for file in sorted((self.path / "seeds").glob("*.sql")):
            self.run(str(file.relative_to(self.path)))

    def rows(self, file: str, *first: str) -> list[list[str]]:
        return [line.split("|") for line in self.run(file, *first, "-A", "-t").splitlines()]

    def run(self, file: str, *options: str) -> str:
        return psql(self.target, *options, "-1", "-f", str(self.path / file))


READ_ONLY = "SET TRANSACTION READ ONLY"


def differing(rows: list[list[str]]) -> list[str]:
    """Names of what a verify file does not find as it should be."""
    assert {row[-1] for row in rows} <= {"ok", "DIFFERS"}
    return [row[1] for row in rows if row[-1] == "DIFFERS"]


def contents(connection: psycopg.Connection, *tables: str) -> list[list[tuple[Any, ...]]]:
    return [connection.execute(f"SELECT * FROM {table} ORDER BY 1".encode()).fetchall() for table in tables]
