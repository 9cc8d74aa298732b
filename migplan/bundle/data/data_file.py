"""Data files: header, session settings, then the steps, with the byte positions of every block."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from migplan.bundle.data import inserts
from migplan.bundle.data.inserts import InsertStyle
from migplan.bundle.data.readers import Amount, Readers, batches, is_small
from migplan.bundle.data.steps import DataStep, RowBlock, Sql
from migplan.bundle.manifest import Block, Step
from migplan.names import quoted_list
from migplan.sql.text import one_line


def write_step(step: DataStep, sink: BinaryIO, rows: Callable[[RowBlock], Block]) -> Step:
    """Write a step, with its rows as ``rows`` writes them, and return where it stands."""
    start = sink.tell()
    for line in step.comment:
        sink.write(f"\n-- {one_line(line)}".encode())
    sink.write(b"\nBEGIN;\n")
    blocks = []
    counted = 0
    for part in step.parts:
        if isinstance(part, Sql):
            sink.write(f"{part.text}\n".encode())
            continue
        block = rows(part)
        blocks.append(block)
        counted += block.rows if part.counted else 0
    sink.write(b"COMMIT;\n")
    return Step(
        name=step.name,
        tables=step.tables,
        needs=step.needs,
        large_objects=step.large_objects,
        sequences=step.sequences,
        alone=step.alone,
        rows=counted,
        start=start,
        end=sink.tell(),
        blocks=tuple(blocks),
    )


def copy_line(into: str, columns: Sequence[str]) -> str:
    """Return the statement behind which rows stand, with the end of its line."""
    named = f" ({quoted_list(columns)})" if columns else ""
    return f"COPY {into}{named} FROM stdin;\n"


@dataclass
class DataFile:
    """Writes one data file."""

    path: Path
    readers: Readers
    jobs: int
    on_progress: Callable[[int, int], None]
    style: InsertStyle | None = None  # None: COPY
    _aside: int = 0  # how many blocks were read into files of their own

    def write(
        self, header: str, steps: Sequence[DataStep], closing: Callable[[], Iterable[DataStep]]
    ) -> tuple[Step, ...]:
        """Write everything, and say where it stands. Rows are read ahead, in parallel, into files aside.

        What closes the file is asked for when all rows are read: sequences are of no snapshot, and must not
        be older than the rows.
        """
        blocks = [part for step in steps for part in step.parts if isinstance(part, RowBlock)]
        ahead = self._read_ahead(blocks)
        with self.path.open("wb") as sink:
            sink.write(header.encode())

            def rows(block: RowBlock) -> Block:
                return self._rows(block, sink, next(ahead))

            written = [write_step(step, sink, rows) for step in steps]
            written += [write_step(step, sink, rows) for step in closing()]
        return tuple(written)

    def rewrite_header(self, header: str) -> None:
        """Put the header's final numbers into their places."""
        with self.path.open("r+b") as sink:
            sink.write(header.encode())

    def _read_ahead(self, blocks: Sequence[RowBlock]) -> Iterator[_Ahead]:
        """Yield the blocks in their order, with a few always being read in the background."""
        waiting: deque[list[_Ahead]] = deque()
        for rows in batches(blocks):
            waiting.append(self._begun(rows))
            if len(waiting) > 2 * self.jobs:
                yield from waiting.popleft()
        for begun in waiting:
            yield from begun

    def _begun(self, rows: Sequence[RowBlock]) -> list[_Ahead]:
        first = rows[0]
        if is_small(first):
            answers = self.readers.submit_small(rows)
            return [_Held(answers, number) for number in range(len(rows))]
        if self.jobs == 1 and self.style is None:
            return [_Direct(self.readers, first, self.on_progress)]
        self._aside += 1
        part = self.path.with_name(f".{self.path.name}.{self._aside}.rows")
        return [_Aside(part, self.readers.submit(first, lambda: part.open("wb")))]

    def _rows(self, rows: RowBlock, sink: BinaryIO, ahead: _Ahead) -> Block:
        if self.style is None:
            sink.write(copy_line(rows.into, rows.columns).encode())
        start = sink.tell()
        if isinstance(ahead, _Direct):
            amount = ahead.into(sink)
        else:
            with ahead.opened() as (amount, source):
                self.on_progress(amount.rows, amount.bytes)
                if self.style is None:
                    shutil.copyfileobj(source, sink, 1 << 20)
                else:
                    inserts.write(rows, source, sink, self.style)
        end = sink.tell()
        if self.style is None:
            sink.write(b"\\.\n")
        return Block(table=rows.into, columns=rows.columns, rows=amount.rows, start=start, end=end)


@dataclass(frozen=True, slots=True)
class _Direct:
    """A large block, read directly into the file: with one reader a file aside would gain nothing."""

    readers: Readers
    rows: RowBlock
    on_progress: Callable[[int, int], None]

    def into(self, sink: BinaryIO) -> Amount:
        return self.readers.read(self.rows, sink, self.on_progress)


@dataclass(frozen=True, slots=True)
class _Aside:
    """A large block that is read into a file of its own in the background."""

    path: Path
    reading: Future[Amount]

    @contextmanager
    def opened(self) -> Iterator[tuple[Amount, BinaryIO]]:
        try:
            amount = self.reading.result()
            with self.path.open("rb") as source:
                yield amount, source
        finally:
            self.path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Held:
    """One of many small blocks that are read together, and held in memory."""

    answers: Future[list[bytes]]
    number: int

    @contextmanager
    def opened(self) -> Iterator[tuple[Amount, BinaryIO]]:
        text = self.answers.result()[self.number]
        yield Amount(text.count(b"\n"), len(text)), BytesIO(text)


_Ahead = _Direct | _Aside | _Held
