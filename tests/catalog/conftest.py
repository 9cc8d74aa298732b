"""The nasty database on the server under test, and its catalog, read once."""

from __future__ import annotations

import pytest

from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.catalog import nasty
from tests.servers import Server

_catalogs: dict[str, Catalog] = {}


def catalog_of(address: Address, exactness: Exactness = Exactness.EXACT) -> Catalog:
    """The catalog of a database as it is now."""
    with reading(address) as connection:
        return read(connection, Counting(exactness))


@pytest.fixture
def nasty_address(server: Server) -> Address:
    """Where the nasty database is; nobody may change it."""
    return server.address(nasty.database(server))


@pytest.fixture
def nasty_catalog(server: Server, nasty_address: Address) -> Catalog:
    """What it says of itself, with exact counts."""
    name = server.origin.name
    if name not in _catalogs:
        _catalogs[name] = catalog_of(nasty_address)
    return _catalogs[name]
