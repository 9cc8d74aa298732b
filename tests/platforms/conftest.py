"""Commands of these tests run like those of tests/cli, on a server that hosts projects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.conftest import nowhere, run
from tests.platforms.building import origin
from tests.servers import Server, own_server

__all__ = ["nowhere", "run"]


@pytest.fixture(scope="session")
def host() -> Iterator[Server]:
    """A server that hosts projects like Supabase's and databases like those of RDS."""
    with own_server(origin()) as server:
        yield server
