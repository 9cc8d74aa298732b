"""Data files without rows: each block says the query that brings its rows from the source when the step runs.

Numbers of rows are estimates, which move while nobody alters anything: they stand in the manifest alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from migplan.bundle.data import binary
from migplan.bundle.data.data_file import copy_line, write_step
from migplan.bundle.data.steps import DataStep, RowBlock
from migplan.bundle.manifest import Block, Step
from migplan.sql.text import one_line

QUERY = "-- migplan: rows from the source: "
VALUES = "-- migplan: values from the source: "

GUARD = """\
DO $$BEGIN RAISE EXCEPTION 'rows of this bundle come live from its source: run it with: \
migplan apply BUNDLE --source SOURCE'; END$$;
"""
"""On top of the file, so that psql stops there instead of loading nothing."""


@dataclass
class LiveFile:
    """Writes one data file."""

    path: Path
    binary: bool  # rows travel so where their types allow it

    def write(
        self, header: str, steps: Sequence[DataStep], closing: Callable[[], Iterable[DataStep]]
    ) -> tuple[Step, ...]:
        """Write everything, and say where it stands."""
        with self.path.open("wb") as sink:
            sink.write(header.encode())
            return tuple(
                write_step(step, sink, lambda rows: self._rows(rows, sink)) for step in (*steps, *closing())
            )

    def _rows(self, rows: RowBlock, sink: BinaryIO) -> Block:
        sink.write(head_of(rows.into, rows.columns, rows.query))
        place = sink.tell()
        sink.write(b"\\.\n")
        fits = self.binary and all(map(binary.is_allowed, rows.types))
        return Block(
            table=rows.into,
            columns=rows.columns,
            rows=rows.rows or 0,
            start=place,
            end=place,
            query=rows.query,
            format="binary" if fits else "text",
            bytes=rows.bytes,
        )


def head_of(table: str, columns: Sequence[str], query: str) -> bytes:
    """Return the lines before the place of a block's rows; people read there what runs on the source."""
    return f"{QUERY}{one_line(query)}\n{copy_line(table, columns)}".encode()


def sequences_line(names: Sequence[str]) -> str:
    """Return the comment for sequences that are set to what the source says when the step runs."""
    return f"{VALUES}{', '.join(map(one_line, names))}"
