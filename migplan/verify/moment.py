"""One moment of a database, with the connections that look at it side by side."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import sqlalchemy as sa

from migplan.catalog import read
from migplan.catalog.changes import one_moment, refuse_changes
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.digests import Digesting, digesting
from migplan.catalog.model import Catalog
from migplan.postgres.address import Address
from migplan.postgres.connect import driver_of, export_snapshot, reading


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
        return driver_of(self.connection)


@contextmanager
def moment(address: Address, jobs: int) -> Iterator[Moment]:
    """A moment that lasts as long as the block; ChangedError where others changed what was read at it."""
    with reading(address) as connection:
        driver = driver_of(connection)
        snapshot = export_snapshot(connection)
        with one_moment(driver, address, aside=False):
            # Rows are counted together with their digests, by the workers.
            counting = Counting(Exactness.ESTIMATE)
            catalog = read.read(connection, address, counting, lambda: refuse_changes(driver, address))
        with one_moment(driver, address, aside=False), digesting(address, snapshot, jobs) as workers:
            yield Moment(address, connection, catalog, workers)
