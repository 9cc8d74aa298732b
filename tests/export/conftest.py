"""Fixtures for exports: an empty folder to work in, and roles that go when the test has gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg import sql

from tests.cli.conftest import nowhere, run
from tests.servers import Server

__all__ = ["nowhere", "run"]

MakeRole = Callable[..., str]
PASSWORD = "not a secret"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Where the bundle will be; its parent is empty."""
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports" / "bundle"


@pytest.fixture
def role() -> Iterator[MakeRole]:
    """Make a role that can log in, with a name of its own; it goes, and all that it may, after the test."""
    with ExitStack() as stack:

        def make(server: Server, name: str, also: str = "") -> str:
            with server.connect() as connection:
                _drop(server, name)
                connection.execute(
                    sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + also).format(
                        sql.Identifier(name), sql.Literal(PASSWORD)
                    )
                )
            stack.callback(_drop, server, name)
            return name

        yield make


def _drop(server: Server, name: str) -> None:
    """Its databases are dropped with it."""
    with server.connect() as connection:
        owned = connection.execute(
            "SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = %s", [name]
        ).fetchall()
        for (database,) in owned:
            server.drop_database(database)
        connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
