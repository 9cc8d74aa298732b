"""Rows from server to server: what COPY TO sends is what COPY FROM takes, byte for byte.

Nobody looks into the rows; but every message is seen to be one of a row, or the source could speak to the
target, with the rights of whoever copies. Where a connection is encrypted, libpq takes that part.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import accumulate
from typing import Any, NamedTuple, Protocol

import psycopg
from psycopg import pq

from migplan.postgres.copy_out import Row, rows_by_libpq
from migplan.postgres.frames import HEADER
from migplan.postgres.row_digests import Hashing, InOrder
from migplan.postgres.session import Session
from migplan.postgres.wire import NO_ROWS, Rows, Wire

Look = Callable[[], None]
"""Is called while nothing moves, and between blocks; what it raises ends the copy."""


class SourceFailedError(Exception):
    """The rows could not be read: the source's error, and what the target had to say beside it."""

    def __init__(self, error: psycopg.Error, beside: psycopg.Error | None = None, number: int = 0) -> None:
        super().__init__(str(error))
        self.error = error
        self.beside = beside
        self.number = number  # of the copy, where there are several


class TargetFailedError(Exception):
    """The rows could not be written."""

    def __init__(self, error: psycopg.Error, number: int = 0) -> None:
        super().__init__(str(error))
        self.error = error
        self.number = number  # of the copy, where there are several


class Copy(NamedTuple):
    """A COPY TO, and the COPY FROM that takes its rows."""

    reading: str
    writing: str
    hashing: Hashing = InOrder


class Relayed(NamedTuple):
    """What went through, as both servers count it."""

    read: int
    written: int
    bytes: int
    digest: str


def relay(
    source: Session,
    target: Session,
    copies: Sequence[Copy],
    look: Look,
    moved: Callable[[int], None],
) -> list[Relayed]:
    """Copy rows, both sessions in transactions that were begun; several copies cost one journey.

    SourceFailedError, or TargetFailedError. A session that cannot be used any more is closed by then.
    """
    assert target.info.transaction_status == pq.TransactionStatus.INTRANS, "nothing may be half done"
    if len(copies) > 1 and (source.encrypted or target.encrypted):  # libpq takes one at a time
        return [_alone(number, source, target, copy, look, moved) for number, copy in enumerate(copies)]
    digests = [copy.hashing() for copy in copies]
    sizes = [0] * len(copies)
    readings, writings = [copy.reading for copy in copies], [copy.writing for copy in copies]
    with _answer(source, readings, look) as answer, _sink(target, writings, look) as sink:
        try:
            for number, rows in answer:
                while number > sink.number:
                    sink.next_table()
                sink.take(rows)
                digests[number].add(rows)
                sizes[number] += len(rows.messages)
                moved(len(rows.messages))
                look()
        except SourceFailedError as failed:
            failed.beside = sink.give_up(whole=answer.whole)
            raise
        while sink.number < len(copies) - 1:
            sink.next_table()
        counts = zip(answer.counts, sink.end(), sizes, digests, strict=True)
        return [Relayed(read, written, size, digest.value) for read, written, size, digest in counts]


def _alone(
    number: int, source: Session, target: Session, copy: Copy, look: Look, moved: Callable[[int], None]
) -> Relayed:
    try:
        (done,) = relay(source, target, [copy], look, moved)
    except (SourceFailedError, TargetFailedError) as failed:
        failed.number = number
        raise
    return done


def digests_of_rows(
    session: Session, readings: Sequence[tuple[str, Hashing]], look: Look
) -> list[tuple[int, str]]:
    """How many rows each COPY TO sends, and their digests as :func:`relay` computes them."""
    if len(readings) > 1 and session.encrypted:
        return [found for each in readings for found in digests_of_rows(session, [each], look)]
    digests = [hashing() for _, hashing in readings]
    with _answer(session, [reading for reading, _ in readings], look) as answer:
        try:
            for number, rows in answer:
                digests[number].add(rows)
                look()
        except SourceFailedError as failed:
            raise failed.error from None
        return [(count, digest.value) for count, digest in zip(answer.counts, digests, strict=True)]


class _Answer:
    """Iterates over the rows of some COPY TO, each with the number of its COPY; raises SourceFailedError."""

    def __init__(self, rows: Generator[Rows, None, list[int]], copies: int) -> None:
        self._rows = rows
        self._copies = copies
        self.counts: list[int] = []
        self.whole = True  # the last row that was handed out is complete

    def __iter__(self) -> Iterator[tuple[int, Rows]]:
        number = 0
        try:
            while True:
                rows = next(self._rows)
                self.whole = rows.whole
                if rows is NO_ROWS:
                    number += 1
                    continue
                if number == self._copies:
                    raise psycopg.OperationalError("the server sends rows that nobody has asked for")
                yield number, rows
        except StopIteration as end:
            self.counts = end.value
        except psycopg.Error as error:
            raise SourceFailedError(error, number=min(number, self._copies - 1)) from None
        if len(self.counts) != self._copies:
            wrong = psycopg.OperationalError("the server answers other questions than were asked")
            raise SourceFailedError(wrong)


@contextmanager
def _answer(session: Session, readings: Sequence[str], look: Look) -> Iterator[_Answer]:
    if session.encrypted:
        (reading,) = readings
        with closing(_by_libpq(session, reading)) as rows:
            yield _Answer(rows, 1)
        return
    with closing(Wire(session)) as wire:
        try:
            wire.ask(";\n".join(readings))
        except psycopg.Error as error:
            raise SourceFailedError(error) from None
        yield _Answer(wire.rows(look), len(readings))


def _by_libpq(session: Session, reading: str) -> Generator[Rows, None, list[int]]:
    """The rows that libpq receives, with the headers that it took away."""
    rows = rows_by_libpq(session, reading)
    while True:
        try:
            block = next(rows)
        except StopIteration as end:
            return [int(end.value)]
        yield _framed(block)


def _framed(rows: Sequence[Row]) -> Rows:
    headers = [b"d" + (len(row) + HEADER - 1).to_bytes(4, "big") for row in rows]
    parts = (part for both in zip(headers, rows, strict=True) for part in both)
    starts = accumulate((HEADER + len(row) for row in rows[:-1]), initial=0)
    return Rows(b"".join(parts), lambda: b"".join(rows), True, list(starts) if rows else [])


class _Sink(Protocol):
    """Takes rows into tables, one after the other."""

    number: int  # of the table whose rows are taken

    def next_table(self) -> None:
        """Take those of the next one."""

    def take(self, rows: Rows) -> None:
        """Take some."""

    def end(self) -> list[int]:
        """End, and return how many there were of each."""

    def give_up(self, *, whole: bool) -> psycopg.Error | None:
        """End without success; return what it had failed with before, if it had."""


@contextmanager
def _sink(session: Session, writings: Sequence[str], look: Look) -> Iterator[_Sink]:
    try:
        if session.encrypted:
            with session.cursor() as cursor, ExitStack() as end:
                (writing,) = writings
                yield _LibpqSink(cursor, writing, end)
            return
        with closing(Wire(session)) as wire:
            try:
                wire.ask(";\n".join(writings))
                yield _WireSink(wire, look)
            except psycopg.Error as error:
                raise TargetFailedError(error, min(wire.taken, len(writings) - 1)) from None
    except psycopg.Error as error:
        raise TargetFailedError(error) from None


class _WireSink:
    """Takes rows as they come, with their headers."""

    def __init__(self, wire: Wire, look: Look) -> None:
        self._wire = wire
        self._look = look
        self.number = 0

    def next_table(self) -> None:
        self.number += 1
        self._wire.next_table(self._look)

    def take(self, rows: Rows) -> None:
        self._wire.take(rows.messages, self._look)

    def end(self) -> list[int]:
        return self._wire.end(self._look)

    def give_up(self, *, whole: bool) -> psycopg.Error | None:
        if not whole:  # within a message there is no way to say so: the session ends
            return None
        try:
            self._wire.give_up()
        except psycopg.Error as error:
            return error
        return None


class _LibpqSink:
    """Takes rows of one table, and libpq gives them headers again."""

    number = 0

    def __init__(self, cursor: psycopg.Cursor[Any], writing: str, end: ExitStack) -> None:
        self._cursor = cursor
        self._end = end
        self._copy = end.enter_context(cursor.copy(writing.encode()))

    def next_table(self) -> None:
        raise AssertionError("libpq takes one at a time")

    def take(self, rows: Rows) -> None:
        self._copy.write(rows.payload())

    def end(self) -> list[int]:
        self._end.close()
        return [self._cursor.rowcount]

    def give_up(self, *, whole: bool) -> psycopg.Error | None:  # noqa: ARG002 - libpq sends whole messages
        try:
            self._end.__exit__(_NotReadError, _NotReadError(), None)
        except psycopg.Error as error:
            return error
        return None


class _NotReadError(Exception):
    """The rows could not be read: what psycopg tells the target's server."""
