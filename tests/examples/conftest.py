"""Connections to a database that has been migrated; whatever a test does there is rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.examples.running import PUBLIC_CHAT, RESOURCE_BOOKING, Folder, before_public_chat, make_roles
from tests.servers import Server


@pytest.fixture(scope="module")
def chat_database(servers: dict[str, Server]) -> Iterator[tuple[Server, str]]:
    """A database with the public chat, on the newest server that has pgvector."""
    able = next((server for server in reversed(servers.values()) if server.has_vectors), None)
    if able is None:
        pytest.skip("no server at hand has pgvector")
    make_roles(able)
    yield from _migrated(able, PUBLIC_CHAT, before_public_chat())


@pytest.fixture(scope="module")
def booking_database(newest: Server) -> Iterator[tuple[Server, str]]:
    yield from _migrated(newest, RESOURCE_BOOKING, "")


def _migrated(server: Server, path: Path, script: str) -> Iterator[tuple[Server, str]]:
    name = server.create_database(script)
    folder = Folder(path, server.address(name))
    folder.up()
    folder.seed()
    yield server, name
    server.drop_database(name)


@pytest.fixture
def chat(chat_database: tuple[Server, str]) -> Iterator[psycopg.Connection]:
    yield from _taken_back(*chat_database)


@pytest.fixture
def booking(booking_database: tuple[Server, str]) -> Iterator[psycopg.Connection]:
    yield from _taken_back(*booking_database)


def _taken_back(server: Server, name: str) -> Iterator[psycopg.Connection]:
    with server.connect(dbname=name) as connection, connection.transaction(force_rollback=True):
        yield connection
