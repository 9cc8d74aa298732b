"""Writing a data file: header, session settings, then the steps, with the place of every block."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from migplan.bundle import inserts
from migplan.bundle.inserts import InsertStyle
from migplan.bundle.manifest import Block
from migplan.bundle.manifest import Step as WrittenStep
from migplan.bundle.pieces import Rows, Sql, Step
from migplan.bundle.reading import Amount, Readers
from migplan.bundle.wording import one_line
from migplan.names import quoted

Told = Callable[[int, int], None]
"""Told of rows and bytes as they are written."""

BESIDE = frozenset({"sequences"})
"""What closes a file and may run beside anything: it concerns no rows."""


@dataclass
class DataFile:
    """A data file being written."""

    path: Path
    readers: Readers
    jobs: int
    told: Told
    style: InsertStyle | None = None  # None: COPY

    def write(
        self, header: str, steps: Sequence[Step], closing: Callable[[], Mapping[str, str]]
    ) -> tuple[WrittenStep, ...]:
        """Write everything, and say where it stands. Rows are read ahead, in parallel, into files aside.

        What closes the file is asked for when all rows are read: sequences are of no snapshot, and must not
        be older than the rows.
        """
        ahead = self._read_ahead(steps)
        with self.path.open("wb") as sink:
            sink.write(header.encode())
            written = [self._step(step, sink, ahead) for step in steps]
            for name, text in closing().items():
                start = sink.tell()
                sink.write(f"\n-- {name}\nBEGIN;\n{text}\nCOMMIT;\n".encode())
                alone = name not in BESIDE
                written.append(WrittenStep(name=name, alone=alone, start=start, end=sink.tell()))
        return tuple(written)

    def rewrite_header(self, header: str) -> None:
        """Put the header's final numbers into their places."""
        with self.path.open("r+b") as sink:
            sink.write(header.encode())

    def _read_ahead(self, steps: Sequence[Step]) -> Iterator[tuple[Path, Future[Amount]]] | None:
        """Blocks in their order, always a few of them under way; None when there is one reader only."""
        if self.jobs == 1 and self.style is None:
            return None
        blocks = [piece for step in steps for piece in step.pieces if isinstance(piece, Rows)]
        return self._under_way(blocks)

    def _under_way(self, blocks: Sequence[Rows]) -> Iterator[tuple[Path, Future[Amount]]]:
        waiting: list[tuple[Path, Future[Amount]]] = []
        for number, rows in enumerate(blocks):
            part = self.path.with_name(f".{self.path.name}.{number}.rows")
            waiting.append((part, self.readers.submit(rows, lambda part=part: part.open("wb"))))  # type: ignore[misc]
            if len(waiting) > 2 * self.jobs:
                yield waiting.pop(0)
        yield from waiting

    def _step(
        self, step: Step, sink: BinaryIO, ahead: Iterator[tuple[Path, Future[Amount]]] | None
    ) -> WrittenStep:
        start = sink.tell()
        for line in step.comment:
            sink.write(f"\n-- {one_line(line)}".encode())
        sink.write(b"\nBEGIN;\n")
        blocks = []
        counted = 0
        for piece in step.pieces:
            if isinstance(piece, Sql):
                sink.write(f"{piece.text}\n".encode())
                continue
            block = self._rows(piece, sink, ahead)
            blocks.append(block)
            counted += block.rows if piece.counted else 0
        sink.write(b"COMMIT;\n")
        return WrittenStep(
            name=step.name,
            tables=step.tables,
            needs=step.needs,
            rows=counted,
            start=start,
            end=sink.tell(),
            blocks=tuple(blocks),
        )

    def _rows(self, rows: Rows, sink: BinaryIO, ahead: Iterator[tuple[Path, Future[Amount]]] | None) -> Block:
        if self.style is None:
            columns = f" ({', '.join(map(quoted, rows.columns))})" if rows.columns else ""
            sink.write(f"COPY {rows.into}{columns} FROM stdin;\n".encode())
        start = sink.tell()
        if ahead is None:
            amount = self.readers.read(rows, sink, self.told)
        else:
            part, reading = next(ahead)
            try:
                amount = reading.result()
                self.told(amount.rows, amount.bytes)
                with part.open("rb") as source:
                    if self.style is None:
                        shutil.copyfileobj(source, sink, 1 << 20)
                    else:
                        inserts.write(rows, source, sink, self.style)
            finally:
                part.unlink(missing_ok=True)
        end = sink.tell()
        if self.style is None:
            sink.write(b"\\.\n")
        return Block(table=rows.into, columns=rows.columns, rows=amount.rows, start=start, end=end)
