"""Reading rows: COPY on one snapshot, by as many connections as are wanted, into whatever takes bytes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import psycopg

from migplan.bundle.data.steps import RowBlock
from migplan.postgres import copy_out
from migplan.postgres.address import Address
from migplan.postgres.failures import is_loss, of_database
from migplan.postgres.session import Session, connect

if TYPE_CHECKING:  # runs have no pool
    from migplan.postgres.snapshot_pool import SnapshotPool

SMALL = 1 << 16
MOST_TOGETHER = 100
LARGEST_TOGETHER = 1 << 20
"""Small tables are read many at a time, or each would cost as much as the way to the server."""

AS_THEY_LIE = b"""
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL enable_seqscan = on;
SET LOCAL enable_indexonlyscan = off
"""
"""Without these a planner may read a table in another order than that of its heap."""


@dataclass(frozen=True, slots=True)
class Amount:
    """How much was read."""

    rows: int
    bytes: int


class Readers:
    """What reads rows by the sessions on one snapshot, in the background or here."""

    def __init__(self, sessions: "SnapshotPool") -> None:
        self._sessions = sessions

    def submit(self, rows: RowBlock, into: Callable[[], BinaryIO]) -> Future[Amount]:
        """Read some rows in the background, into what ``into`` opens and the reader closes."""

        def work() -> Amount:
            with into() as sink:
                return self.read(rows, sink)

        return self._sessions.submit(work)

    def submit_small(self, rows: Sequence[RowBlock]) -> Future[list[bytes]]:
        """Read several small blocks in the background in one query, and return each one's text."""
        return self._sessions.submit(self._small, rows)

    def _small(self, rows: Sequence[RowBlock]) -> list[bytes]:
        with self._sessions.exporter.translate_errors(f"reading the rows of {rows[0].into}"):
            try:
                return self._sessions.undisturbed(
                    lambda session: copy_out.answers(
                        _reading_in_order(session), [_statement(each) for each in rows]
                    )
                )
            except psycopg.Error as error:
                if is_loss(error) or len(rows) == 1:
                    raise
        return [text for each in rows for text in self._small([each])]  # which tells the one to blame

    def read(
        self, rows: RowBlock, sink: BinaryIO, on_progress: Callable[[int, int], None] | None = None
    ) -> Amount:
        """Read some rows in COPY's text format; a newline in it can only be the end of a row."""
        with self._sessions.exporter.translate_errors(f"reading the rows of {rows.into}"):
            return self._sessions.undisturbed(lambda session: self._copy(session, rows, sink, on_progress))

    def _copy(
        self,
        session: Session,
        rows: RowBlock,
        sink: BinaryIO,
        on_progress: Callable[[int, int], None] | None,
    ) -> Amount:
        count = size = 0
        try:
            for block, rows_here in copy_out.counted_rows_of(_reading_in_order(session), _statement(rows)):
                sink.write(block)
                count += rows_here
                size += len(block)
                if on_progress is not None:
                    on_progress(rows_here, len(block))
        except psycopg.errors.LockNotAvailable as error:
            if size:  # half of them are written: nobody may begin again here
                raise of_database(error, session.address, f"reading the rows of {rows.into}") from None
            raise
        return Amount(count, size)


def _reading_in_order(session: Session) -> Session:
    session.execute(AS_THEY_LIE)
    return session


def _statement(rows: RowBlock) -> str:
    return copy_out.statement(rows.query)


def is_small(rows: RowBlock) -> bool:
    """Return whether a block may be held in memory, and read together with others."""
    return rows.bytes is not None and rows.bytes <= SMALL


def batches(blocks: Iterable[RowBlock]) -> Iterator[list[RowBlock]]:
    """Yield the blocks in their order, small ones in batches, each large one alone."""
    batch: list[RowBlock] = []
    size = 0
    for rows in blocks:
        small = rows.bytes if rows.bytes is not None and is_small(rows) else None
        if batch and (small is None or len(batch) == MOST_TOGETHER or size + small > LARGEST_TOGETHER):
            yield batch
            batch, size = [], 0
        batch.append(rows)
        if small is None:
            yield batch
            batch = []
        else:
            size += small
    if batch:
        yield batch


def search_path_of(address: Address) -> str:
    """Return the search path of new sessions, on which checks and defaults of tables may rely."""
    with connect(address) as session:
        ((found,),) = session.ask("SHOW search_path", during="reading the search path")
        return str(found) or "''"
