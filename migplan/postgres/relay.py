"""Rows from server to server: what COPY TO sends is what COPY FROM takes, byte for byte.

Nobody looks into the rows; but every message is seen to be one of a row, or the source could speak to the
target, with the rights of whoever copies. Where a connection is encrypted, libpq takes that part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from typing import Any, NamedTuple, Protocol

import psycopg
from psycopg import pq

from migplan.postgres.copy_out import Row, rows_by_libpq
from migplan.postgres.frames import HEADER
from migplan.postgres.session import Session
from migplan.postgres.wire import Rows, Wire

Look = Callable[[], None]
"""Is called while nothing moves, and between blocks; what it raises ends the copy."""


class SourceFailedError(Exception):
    """The rows could not be read: the source's error, and what the target had to say beside it."""

    def __init__(self, error: psycopg.Error, beside: psycopg.Error | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.beside = beside


class Relayed(NamedTuple):
    """What went through, as both servers count it."""

    read: int
    written: int
    bytes: int
    digest: str  # SHA-256 of all rows with their lengths, in their order


def relay(
    source: Session, target: Session, reading: str, writing: str, look: Look, moved: Callable[[int], None]
) -> Relayed:
    """Do a COPY TO and the COPY FROM that takes its rows, both in transactions that were begun.

    SourceFailedError, or psycopg's error where the target failed. A session that cannot be used any more is
    closed by then.
    """
    assert target.info.transaction_status == pq.TransactionStatus.INTRANS, "nothing may be half done"
    digest = hashlib.sha256()
    size = 0
    with _answer(source, reading, look) as answer, _sink(target, writing, look) as sink:
        try:
            for rows in answer:
                sink.take(rows)
                digest.update(rows.messages)
                size += len(rows.messages)
                moved(len(rows.messages))
                look()
        except SourceFailedError as failed:
            failed.beside = sink.give_up(whole=answer.whole)
            raise
        return Relayed(answer.count, sink.taken(), size, digest.hexdigest())


def digest_of_rows(session: Session, reading: str, look: Look) -> tuple[int, str]:
    """How many rows a COPY TO sends, and their digest as :func:`relay` computes it."""
    digest = hashlib.sha256()
    with _answer(session, reading, look) as answer:
        try:
            for rows in answer:
                digest.update(rows.messages)
                look()
        except SourceFailedError as failed:
            raise failed.error from None
        return answer.count, digest.hexdigest()


class _Answer:
    """Iterates over the rows of a COPY TO; raises SourceFailedError."""

    def __init__(self, rows: Generator[Rows, None, int]) -> None:
        self._rows = rows
        self.count = 0
        self.whole = True  # the last row that was handed out is complete

    def __iter__(self) -> Iterator[Rows]:
        try:
            while True:
                rows = next(self._rows)
                self.whole = rows.whole
                yield rows
        except StopIteration as end:
            self.count = end.value
        except psycopg.Error as error:
            raise SourceFailedError(error) from None


@contextmanager
def _answer(session: Session, reading: str, look: Look) -> Iterator[_Answer]:
    if session.encrypted:
        with closing(_by_libpq(session, reading)) as rows:
            yield _Answer(rows)
        return
    with closing(Wire(session)) as wire:
        try:
            wire.ask(reading)
        except psycopg.Error as error:
            raise SourceFailedError(error) from None
        yield _Answer(wire.rows(look))


def _by_libpq(session: Session, reading: str) -> Generator[Rows, None, int]:
    """The rows that libpq receives, with the headers that it took away."""
    rows = rows_by_libpq(session, reading)
    while True:
        try:
            block = next(rows)
        except StopIteration as end:
            return int(end.value)
        yield _framed(block)


def _framed(rows: Sequence[Row]) -> Rows:
    parts = (part for row in rows for part in (b"d" + (len(row) + HEADER - 1).to_bytes(4, "big"), row))
    return Rows(b"".join(parts), lambda: b"".join(rows))


class _Sink(Protocol):
    """Takes rows into a table."""

    def take(self, rows: Rows) -> None:
        """Take some."""

    def taken(self) -> int:
        """End, and return how many there were."""

    def give_up(self, *, whole: bool) -> psycopg.Error | None:
        """End without success; return what it had failed with before, if it had."""


@contextmanager
def _sink(session: Session, writing: str, look: Look) -> Iterator[_Sink]:
    if session.encrypted:
        with session.cursor() as cursor, ExitStack() as end:
            yield _LibpqSink(cursor, writing, end)
        return
    with closing(Wire(session)) as wire:
        wire.ask(writing)
        yield _WireSink(wire, look)


class _WireSink:
    """Takes rows as they come, with their headers."""

    def __init__(self, wire: Wire, look: Look) -> None:
        self._wire = wire
        self._look = look

    def take(self, rows: Rows) -> None:
        self._wire.take(rows.messages, self._look)

    def taken(self) -> int:
        return self._wire.taken(self._look)

    def give_up(self, *, whole: bool) -> psycopg.Error | None:
        if not whole:  # within a message there is no way to say so: the session ends
            return None
        try:
            self._wire.give_up()
        except psycopg.Error as error:
            return error
        return None


class _LibpqSink:
    """Takes rows, and libpq gives them headers again."""

    def __init__(self, cursor: psycopg.Cursor[Any], writing: str, end: ExitStack) -> None:
        self._cursor = cursor
        self._end = end
        self._copy = end.enter_context(cursor.copy(writing.encode()))

    def take(self, rows: Rows) -> None:
        self._copy.write(rows.payload())

    def taken(self) -> int:
        self._end.close()
        return self._cursor.rowcount

    def give_up(self, *, whole: bool) -> psycopg.Error | None:  # noqa: ARG002 - libpq sends whole messages
        try:
            self._end.__exit__(_NotReadError, _NotReadError(), None)
        except psycopg.Error as error:
            return error
        return None


class _NotReadError(Exception):
    """The rows could not be read: what psycopg tells the target's server."""
