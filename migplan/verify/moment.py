"""One moment of a database, with the connections that look at it side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from migplan.catalog import read
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.digests import Digesting, digesting
from migplan.catalog.model import Catalog
from migplan.postgres.address import Address
from migplan.postgres.connect import export_snapshot, reading


@dataclass(frozen=True)
class Moment:
    """What is seen of a database: its catalog, one connection, and workers, all on one snapshot."""

    address: Address
    connection: sa.Connection
    catalog: Catalog
    workers: Digesting

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The connection as psycopg knows it."""
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        return driver


@contextmanager
def moment(address: Address, jobs: int) -> Iterator[Moment]:
    """A moment that lasts as long as the block."""
    with reading(address) as connection:
        snapshot = export_snapshot(connection)
        # Rows are counted together with their digests, by the workers.
        catalog = read.read(connection, address, Counting(Exactness.ESTIMATE))
        with digesting(address, snapshot, jobs) as workers:
            yield Moment(address, connection, catalog, workers)
