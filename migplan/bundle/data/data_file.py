"""Data files: header, session settings, then the steps, with the byte positions of every block."""

from __future__ import annotations

import os
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Self

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
    _large: int = 0  # how many large blocks there were

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
        direct = _Direct(self.readers, first, self.on_progress) if self.style is None else None
        if direct and (self.jobs == 1 or not self._large):
            self._large += 1
            return [direct]
        self._large += 1
        part = self.path.with_name(f".{self.path.name}.{self._large}.rows")
        return [_Aside(part, self.readers.submit(first, lambda: part.open("wb")), direct)]

    def _rows(self, rows: RowBlock, sink: BinaryIO, ahead: _Ahead) -> Block:
        if self.style is None:
            sink.write(copy_line(rows.into, rows.columns).encode())
        start = sink.tell()
        if direct := ahead.direct:
            amount = direct.into(sink)
        else:
            assert not isinstance(ahead, _Direct)
            with ahead.opened() as (amount, source):
                self.on_progress(amount.rows, amount.bytes)
                if self.style is not None:
                    inserts.write(rows, source, sink, self.style)
                elif isinstance(source, BytesIO):
                    sink.write(source.getbuffer())
                else:
                    _append(source, sink)
        end = sink.tell()
        if self.style is None:
            sink.write(b"\\.\n")
        return Block(table=rows.into, columns=rows.columns, rows=amount.rows, start=start, end=end)


@dataclass(frozen=True, slots=True)
class _Direct:
    """A large block, read directly into the file: nobody has begun to read it when its turn comes."""

    readers: Readers
    rows: RowBlock
    on_progress: Callable[[int, int], None]

    @property
    def direct(self) -> Self:
        return self

    def into(self, sink: BinaryIO) -> Amount:
        return self.readers.read(self.rows, sink, self.on_progress)


@dataclass(frozen=True, slots=True)
class _Aside:
    """A large block that is read into a file of its own in the background, if that begins before its turn."""

    path: Path
    reading: Future[Amount]
    otherwise: _Direct | None

    @property
    def direct(self) -> _Direct | None:
        return self.otherwise if self.otherwise and self.reading.cancel() else None

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
    direct: None = None

    @contextmanager
    def opened(self) -> Iterator[tuple[Amount, BinaryIO]]:
        text = self.answers.result()[self.number]
        yield Amount(text.count(b"\n"), len(text)), BytesIO(text)


_Ahead = _Direct | _Aside | _Held


def _append(source: BinaryIO, sink: BinaryIO) -> None:
    """Copy a file behind what is written, in the kernel where it can do that."""
    sink.flush()
    done, start = 0, sink.tell()
    with suppress(OSError, AttributeError):  # other systems, and some file systems, cannot
        while moved := os.copy_file_range(source.fileno(), sink.fileno(), 1 << 30, done, start + done):
            done += moved
    source.seek(done)
    sink.seek(start + done)
    shutil.copyfileobj(source, sink, 1 << 20)
