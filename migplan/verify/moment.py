"""One moment of a database: its catalog, and the sessions that read it side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from migplan.catalog import read
from migplan.catalog.changes import one_moment, refuse_changes
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.digests import Digester
from migplan.catalog.model import Catalog
from migplan.postgres.address import Address
from migplan.postgres.session import Session, reading
from migplan.postgres.snapshot_pool import SnapshotPool, snapshot_pool


@dataclass(frozen=True)
class Moment:
    """What is seen of a database: its catalog, one session, and workers, all on one snapshot."""

    session: Session
    catalog: Catalog
    workers: Digester
    pool: SnapshotPool


@contextmanager
def moment(address: Address, jobs: int) -> Iterator[Moment]:
    """A moment that lasts as long as the block; ChangedError where others changed what was read at it."""
    with reading(address) as session:
        session.export_snapshot()
        with one_moment(session, aside=False):
            # Rows are counted together with their digests, by the workers.
            counting = Counting(Exactness.ESTIMATE)
            catalog = read.read(session, counting, lambda: refuse_changes(session))
        with one_moment(session, aside=False), snapshot_pool(session, jobs) as pool:
            yield Moment(session, catalog, Digester(pool), pool)
