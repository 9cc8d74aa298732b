"""From a bundle to the steps of its run.

* A schema file is cut into transactions of a hundred statements: all in one would need a lock for each
  object, and more memory for locks than servers have.
* A data file says its own steps. Where a step is only the blocks of one large table, each block is one.
* In a constraints file whatever has to go through many rows is a step of its own; a key of a large table is
  added without looking at the rows, and validated in a second step, which blocks nobody.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import postgast

from migplan.bundle.manifest import BundleFile
from migplan.bundle.sealed import Sealed
from migplan.bundle.splitting import Statement, pieces
from migplan.config import Layout
from migplan.names import quoted
from migplan.run import concerns
from migplan.run.concerns import EVERYTHING, Concern, Key
from migplan.run.datafile import DataFile
from migplan.run.steps import Statements, Step

STATEMENTS = 100
LARGE_BYTES = 1 << 20
"""What goes through a table with more than this is a step of its own."""

LARGE_ROWS = 100_000
"""Keys of tables with more rows than this are added first and validated later."""

_SETTING = re.compile(
    r"\s*SET\s+(?!SESSION\s+AUTHORIZATION|ROLE\b|CONSTRAINTS)(?:SESSION\s+)?(\w+)"
    r"|\s*SELECT\s+pg_catalog\.set_config\('(\w+)'",
    re.IGNORECASE,
)
_IMPERSONATION = re.compile(r"\s*(SET|RESET)\s+(?:SESSION\s+AUTHORIZATION|ROLE)\b", re.IGNORECASE)


def steps_of(bundle: Sealed) -> tuple[Step, ...]:
    """Every step, in the order of the files."""
    deriving = _Deriving(bundle)
    found = [step for file in bundle.manifest.files for step in deriving.steps(file)]
    return tuple(replace(step, number=number) for number, step in enumerate(found, 1))


def undoing_steps(folder: Path, file: str) -> tuple[Step, ...]:
    """The steps of a file that takes another one back; all of them alone."""
    return tuple(_chunked(_Reader(folder / file, file), "rollback"))


@dataclass
class _Reader:
    """A file of statements being read, with the session's settings as they come."""

    path: Path
    name: str

    def __post_init__(self) -> None:
        self._settings: dict[str, str] = {}

    def statements(self) -> Iterator[tuple[Statement, str]]:
        """Each statement that does something, with the settings under which it runs."""
        with self.path.open("rb") as stream:
            for piece in pieces(stream, self.path):
                assert isinstance(piece, Statement), "rows stand in data files only"
                if found := _SETTING.match(piece.text):
                    self._settings[(found[1] or found[2]).lower()] = piece.text
                else:
                    yield piece, self.settings

    @property
    def settings(self) -> str:
        """What was set so far."""
        return "\n".join(self._settings.values())


class _Deriving:
    """Steps in the making; what the tables weigh is known from the data files."""

    def __init__(self, bundle: Sealed) -> None:
        self._bundle = bundle
        self._manifest = bundle.manifest

    def steps(self, file: BundleFile) -> Iterator[Step]:
        """The steps of a file; their numbers come later."""
        path = self._bundle.paths.step(file.file)
        if file.phase == "data":
            yield from DataFile(self._manifest, file, path, self._live).steps()
        elif file.phase == "schema":
            yield from _chunked(_Reader(path, file.file), file.phase)
        else:
            yield from self._constraints(_Reader(path, file.file), file.phase)

    @property
    def _live(self) -> bool:
        manifest = self._manifest
        return manifest.constraints is Layout.WITH_SCHEMA or manifest.contents == "data"

    @cached_property
    def _bytes(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for file in self._manifest.files:
            for step in file.steps:
                for block in step.blocks:
                    for name in {block.table, *step.tables}:
                        found[name] += block.end - block.start
        return found

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {table.table: table.rows for table in self._manifest.tables}

    def _constraints(self, reader: _Reader, phase: str) -> Iterator[Step]:
        light: list[tuple[Statement, str, Concern]] = []
        for statement, settings in reader.statements():
            tree = postgast.parse(statement.text)
            reading = concerns.read(tree.stmts[0].stmt)
            weight = self._bytes.get(reading.builds or "", 0)
            if light and (
                weight > LARGE_BYTES
                or len(light) == STATEMENTS
                or settings != light[-1][1]
                or reading.concern.everything != light[-1][2].everything
            ):
                yield _chunk(reader.name, phase, light)
                light = []
            if weight <= LARGE_BYTES:
                light.append((statement, settings, reading.concern))
                continue
            step = replace(
                _chunk(reader.name, phase, [(statement, settings, reading.concern)]),
                name=_first_words(statement.text),
                weight=weight,
            )
            key = reading.key
            if key and key.can_wait and self._rows.get(key.table, 0) > LARGE_ROWS:
                yield from _in_two(step, statement, key)
            else:
                yield step
        if light:
            yield _chunk(reader.name, phase, light)


def _in_two(step: Step, statement: Statement, key: Key) -> Iterator[Step]:
    body = statement.text.rstrip().removesuffix(";")
    adding = Statements(statement.start, statement.end, statement.line, f"{body} NOT VALID;")
    name = f"key {key.name} of {key.table}"
    yield replace(step, name=f"{name}, added", pieces=(adding,), weight=0)
    validate = f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};"
    checking = replace(adding, text=validate)
    yield replace(step, name=f"{name}, validated", pieces=(checking,), concern=concerns.checking(key))


def _chunked(reader: _Reader, phase: str) -> Iterator[Step]:
    """Statements by the hundred, in their order; what runs as another role is not cut in two."""
    chunk: list[tuple[Statement, str, Concern]] = []
    impersonating = False
    for statement, settings in reader.statements():
        if chunk and not impersonating and (len(chunk) >= STATEMENTS or settings != chunk[-1][1]):
            yield _chunk(reader.name, phase, chunk)
            chunk = []
        chunk.append((statement, settings, EVERYTHING))
        if found := _IMPERSONATION.match(statement.text):
            impersonating = found[1].upper() == "SET"
    if chunk:
        yield _chunk(reader.name, phase, chunk)


def _chunk(file: str, phase: str, chunk: Sequence[tuple[Statement, str, Concern]]) -> Step:
    first, last = chunk[0][0], chunk[-1][0]
    name = _first_words(first.text)
    if len(chunk) > 1:
        end = last.line + last.text.count("\n")
        name = f"lines {first.line} to {end}, {len(chunk)} statements"
    return Step(
        number=0,
        file=file,
        name=name,
        phase=phase,
        line=first.line,
        settings=chunk[0][1],
        pieces=(Statements(first.start, last.end, first.line),),
        concern=concerns.joined(concern for _, _, concern in chunk),
        bytes=last.end - first.start,
    )


def _first_words(text: str) -> str:
    """A statement's beginning, on one line: CREATE INDEX rooms_hotel_idx ON public.rooms ..."""
    line = " ".join(text.split())
    return line if len(line) <= 90 else f"{line[:87]}..."
