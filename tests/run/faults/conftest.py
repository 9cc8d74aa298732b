"""What runs are broken on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migplan.bundle.verified import VerifiedBundle
from tests.run.faults.breaking import SCRIPT, bundle
from tests.run.running import SLOW, empty
from tests.servers import Server


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SCRIPT)
    yield name
    newest.drop_database(name)


@pytest.fixture
def target(newest: Server) -> Iterator[str]:
    with empty(newest) as name:
        yield name


@pytest.fixture(scope="module")
def slow(newest: Server) -> Iterator[VerifiedBundle]:
    """A bundle with an index that takes as long to build as the target says."""
    name = newest.create_database(SLOW)
    yield bundle(newest, name)
    newest.drop_database(name)
