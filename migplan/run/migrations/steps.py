"""The steps of migrations, and how they run: one transaction a file, as far as that is allowed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import Folder, Part
from migplan.migrations.source_files import reopened
from migplan.migrations.transactions import NonTransactional
from migplan.run.data.step import DataSteps
from migplan.run.engine.footprints import EVERYTHING
from migplan.run.engine.journal import Beginning, Kind
from migplan.run.engine.steps import PROGRAM, CopyBlock, Segment, Statements, Step
from migplan.run.engine.target import LockedTarget, RunResult
from migplan.sealed_files import SealedFiles
from migplan.sql.split import CopyRows, Statement, pieces
from migplan.sql.statements import beginning

_FRAME = frozenset({"begin", "start", "commit", "end"})


def steps_of(folder: Folder, analysis: FileAnalysis) -> tuple[Step, ...]:
    """What a migration does; the numbers come later. Those of one migration have its name."""
    migration = analysis.migration
    if migration.kind == "python":
        return (_step(folder, migration.name, PROGRAM, migration.up, migration.up.line, ()),)
    return steps_of_part(
        folder,
        migration.name,
        "migration",
        migration.up,
        analysis.non_transactional,
        together=migration.in_transaction,
    )


def steps_of_part(
    folder: Folder, name: str, phase: str, part: Part, outside: Sequence[NonTransactional], *, together: bool
) -> tuple[Step, ...]:
    """The steps of a part of a file: one, unless it says otherwise or its statements cannot be in one."""
    if together and not outside:
        found = tuple(_pieces(part))
        return (_step(folder, name, phase, part, found[0].line if found else part.line, found),)
    return tuple(_one_by_one(folder, name, phase, part, {each.line: each for each in outside}))


def file_of(folder: Folder, part: Part) -> str:
    """What the journal calls the file of a part: its way from the folder on."""
    try:
        return str(part.file.relative_to(folder.path))
    except ValueError:  # a plan may name another folder for its scripts
        return str(part.file.resolve().relative_to(folder.path.resolve()))


def _pieces(part: Part) -> Iterator[Segment]:
    """What goes into one transaction; BEGIN and COMMIT around it all are what we say ourselves."""
    for piece in pieces(reopened(part), part.file):
        if isinstance(piece, Statement):
            if piece.word not in _FRAME:
                yield Statements(piece.start, piece.end, piece.line)
        else:
            yield _rows(piece)


def _one_by_one(
    folder: Folder, name: str, phase: str, part: Part, outside: dict[int, NonTransactional]
) -> Iterator[Step]:
    """A step a statement; what one sets for the session holds for those that follow."""
    settings: list[str] = []
    for piece in pieces(reopened(part), part.file):
        if not isinstance(piece, Statement):
            rows = _rows(piece)
            yield _step(folder, name, phase, part, rows.line, (rows,), "\n".join(settings))
        elif piece.word == "set":
            settings.append(piece.text)
        elif piece.word not in _FRAME:
            found = outside.get(piece.line)
            yield _step(
                folder,
                name,
                phase,
                part,
                piece.line,
                (Statements(piece.start, piece.end, piece.line),),
                "\n".join(settings),
                non_transactional=beginning(piece.text) if found else "",
                leaves=found.index.name if found and found.index else "",
            )


def _rows(copied: CopyRows) -> CopyBlock:
    for _ in copied:
        pass
    return CopyBlock(copied.table, copied.columns, copied.rows, copied.start, copied.end, copied.line)


def _step(
    folder: Folder,
    name: str,
    phase: str,
    part: Part,
    line: int,
    found: tuple[Segment, ...],
    settings: str = "",
    *,
    non_transactional: str = "",
    leaves: str = "",
) -> Step:
    return Step(
        number=0,
        file=file_of(folder, part),
        name=name,
        phase=phase,
        line=line,
        settings=settings,
        segments=found,
        footprint=EVERYTHING,
        rows=sum(piece.rows for piece in found if isinstance(piece, CopyBlock)),
        bytes=sum(piece.end - piece.start for piece in found),
        non_transactional=non_transactional,
        leaves=leaves,
    )


def files_of(folder: Folder) -> SealedFiles:
    """The files of a folder, as they were when they were read."""
    parts = (part for each in folder.migrations for part in (each.up, each.down) if part)
    seals = {file_of(folder, part): part.seal for part in parts if part.seal}
    return SealedFiles(folder.path.resolve(), seals)


def run_steps(
    target: LockedTarget,
    kind: Kind,
    folder: Folder,
    digests: Mapping[str, str],
    steps: Sequence[Step],
    *,
    rehearsal: str = "",
    kept: Mapping[str, bytes] | None = None,
    data_steps: DataSteps | None = None,
    answered: Callable[[Step, str], None] | None = None,
) -> RunResult:
    """Do steps of migrations, each of which has the name of its migration. StepError says where it stopped.

    ``digests`` are those of the migrations by name, ``kept`` is what the journal keeps for a rollback;
    ``answered`` is told what statements return. What came before a failure stays.
    """
    steps = numbered(steps)
    beginning = Beginning(
        kind,
        folder.name,
        digest_of(digests),
        steps,
        {step.file: digests[step.name] for step in steps},
        rehearsal=rehearsal,
    )
    return target.execute(target.begin(beginning, kept), steps, files_of(folder), data_steps, answered)


def numbered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with their numbers in the journal."""
    return tuple(replace(step, number=number) for number, step in enumerate(steps, 1))


def digest_of(digests: Mapping[str, str]) -> str:
    """What tells these contents, by their names, from any others."""
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
