"""Whether a file holds what the manifest says: each step and its rows, at their place, all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from migplan.bundle.check.problem import Kind, Problem
from migplan.bundle.manifest import Block, BundleFile, Manifest, Step

SCRATCH = "pg_temp."
"""Rows of tables in this schema bring values to rows that are counted elsewhere."""


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a file: a statement, and the rows that it brings, if any."""

    start: int
    end: int
    line: int
    word: str
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a COPY, with the place of their bytes; or of an INSERT, which is a part of such a place."""

    table: str
    columns: tuple[str, ...]
    count: int
    place: tuple[int, int] | None = None


class Matching:
    """A file beside its steps: shown everything in it one by one, it notes what does not fit."""

    def __init__(self, file: BundleFile) -> None:
        self.problems: list[Problem] = []
        self._file = file.file
        self._steps = iter(file.steps)
        self._current = self._next_step()

    def see(self, found: Found) -> None:
        """The next thing in the file."""
        while self._current and found.start >= self._current.step.end:
            self._close(self._current)
            self._current = self._next_step()
        current = self._current
        if current is None or found.end <= current.step.start:
            if found.rows and found.rows.place:
                self._note(Kind.PLACE, found.line, f"rows of {found.rows.table} belong to no step")
            return
        if found.start < current.step.start or found.end > current.step.end:
            self._note(Kind.PLACE, found.line, f"step {current.step.name} cuts this in two")
            return
        for what in current.see(found):
            self._note(Kind.PLACE, found.line, what)

    def close(self) -> None:
        """There is nothing more in the file."""
        while self._current:
            self._close(self._current)
            self._current = self._next_step()

    def _next_step(self) -> _Current | None:
        step = next(self._steps, None)
        return _Current(step) if step else None

    def _close(self, current: _Current) -> None:
        if (current.first, current.last) != ("begin", "commit"):
            self._note(
                Kind.PLACE,
                current.line,
                f"step {current.step.name}: its bytes {current.step.start:,} to {current.step.end:,} "
                "are not one transaction",
            )
        for what in current.missing():
            self._note(Kind.ROWS, current.line, what)

    def _note(self, kind: Kind, line: int | None, what: str) -> None:
        self.problems.append(Problem(kind, self._file, line, what, "export the bundle anew"))


class _Current:
    """A step, and what was found of it so far."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.line: int | None = None
        self.first = self.last = ""
        self._starts = [block.start for block in step.blocks]
        self._counts: dict[int, int] = {}

    def see(self, found: Found) -> Iterator[str]:
        """Take something of the step; what does not fit."""
        if self.line is None:
            self.line, self.first = found.line, found.word
        self.last = found.word
        rows = found.rows
        if rows is None:
            return
        number = bisect_right(self._starts, rows.place[0] if rows.place else found.start) - 1
        block = self.step.blocks[number] if number >= 0 else None
        if rows.place and (block is None or block.start != rows.place[0]):
            yield f"rows of {rows.table} begin at byte {rows.place[0]:,}, and the manifest does not say so"
        elif block and (rows.place or found.start < block.end):
            self._counts[number] = self._counts.get(number, 0) + rows.count
            yield from _differences(found, rows, block)

    def missing(self) -> Iterator[str]:
        """Of which rows there are more or less than the manifest says."""
        for number, block in enumerate(self.step.blocks):
            count = self._counts.get(number)
            if count is None and block.start < block.end:
                yield f"no rows of {block.table} at byte {block.start:,}; the manifest says {block.rows:,}"
            elif (count or 0) != block.rows:
                yield f"{count or 0:,} rows of {block.table}; the manifest says {block.rows:,}"


def _differences(found: Found, rows: Rows, block: Block) -> Iterator[str]:
    if rows.table != block.table:
        yield f"rows of {rows.table}, where the manifest has rows of {block.table}"
    elif rows.columns != block.columns:
        said, says = ", ".join(rows.columns), ", ".join(block.columns)
        yield f"rows of {rows.table} ({said}); the manifest says ({says})"
    end = rows.place[1] if rows.place else found.end
    if end > block.end or (rows.place and end < block.end):
        yield f"rows of {rows.table} end at byte {end:,}; the manifest says {block.end:,}"


def contradictions(manifest: Manifest) -> Iterator[str]:
    """Where the manifest's own numbers do not add up."""
    for file in manifest.files:
        for step in file.steps:
            blocks = sum(block.rows for block in step.blocks if not block.table.startswith(SCRATCH))
            if step.rows != blocks:
                yield f"step {step.name} of {file.file} has {step.rows:,} rows, its blocks have {blocks:,}"
        steps = sum(step.rows for step in file.steps)
        if file.rows != steps:
            yield f"{file.file} has {file.rows:,} rows, its steps have {steps:,}"
    files = sum(file.rows for file in manifest.files)
    tables = sum(table.rows for table in manifest.tables)
    if not manifest.rows == files == tables:
        yield f"the bundle has {manifest.rows:,} rows, its files have {files:,}, its tables {tables:,}"
