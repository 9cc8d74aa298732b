"""The steps of migrations, and how they run: one transaction per file, as far as PostgreSQL allows it."""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from migplan.errors import StepError
from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import Folder, Migration, Part
from migplan.migrations.source_files import reopened, words
from migplan.migrations.transaction_modes import (
    READ_ONLY,
    READ_ONLY_ENDS,
    as_one_transaction,
    statements_in_transactions,
)
from migplan.migrations.transactions import NonTransactional
from migplan.run.data.step import DataSteps
from migplan.run.engine.journal import Beginning, Kind
from migplan.run.engine.steps import PROGRAM, CopyBlock, Statements, Step, Written
from migplan.run.engine.target import LockedTarget, RunResult
from migplan.run.engine.worker import Observer
from migplan.sealed_files import SealedFiles
from migplan.sql.split import CopyRows, Piece
from migplan.sql.statements import beginning

VERIFY = "verify"
"""The phase of a step that only looks: at what a migration did that could not be one transaction."""

ALREADY_THERE = frozenset({"42P06", "42P07", "42701", "42710", "42723"})
"""What a server says of a schema, table, column, object or function that is to be made, and is there."""
ADOPTS = "if the target has it by psql or by another tool, --adopt takes it as applied; else "
"""How to go on with a target that others have migrated."""


def steps_of(folder: Folder, analysis: FileAnalysis, *, apart: bool = False) -> tuple[Step, ...]:
    """Return the steps of a migration, which have its name; their numbers come later.

    One whose first statements are done goes on statement by statement, ``apart``.
    """
    migration, part = analysis.migration, analysis.migration.up
    if migration.kind == "python":
        return (Step(0, file_of(folder, part), migration.name, PROGRAM, part.line),)
    outside = analysis.non_transactional
    return steps_of_part(
        *(folder, migration.name, "migration", part, outside),
        together=migration.in_transaction and not apart,
    )


def steps_of_part(
    folder: Folder, name: str, phase: str, part: Part, outside: Sequence[NonTransactional], *, together: bool
) -> tuple[Step, ...]:
    """Return the steps of a part of a file: one, if all of its statements can be in one transaction."""
    step = Step(0, file_of(folder, part), name, phase, part.line)
    if together and not outside:
        one = as_one_transaction(part)
        return (replace(_filled(step, tuple(map(_segment, one.sent))), settings=one.opening),)
    return tuple(_one_by_one(step, part, {each.line: each for each in outside}))


def is_one_transaction(analysed: FileAnalysis) -> bool:
    """Whether a migration is one step; a program has a transaction for each batch of rows."""
    return analysed.in_transaction and analysed.migration.kind != "python"


def digest_up_to(part: Part, step: Step) -> str:
    """Return a digest of the statements of a part from its first one to those of a step."""
    end = max((each.end for each in step.segments if isinstance(each, Statements | CopyBlock)), default=0)
    said = words(reopened(part).getvalue()[part.start : end], part.file)
    return hashlib.sha256(said).hexdigest() if said is not None else ""


def verify_step(folder: Folder, migration: Migration) -> Step:
    """Return the step in which an observer looks at a migration whose own steps are committed."""
    return Step(0, file_of(folder, migration.up), migration.name, VERIFY, migration.up.line)


def file_of(folder: Folder, part: Part) -> str:
    """Return the path of a part's file, relative to the folder: its name in the journal."""
    try:
        return str(part.file.relative_to(folder.path))
    except (
        ValueError
    ):  # a plan may name another folder for its scripts; Supabase's seed lies beside its folder
        return os.path.relpath(part.file.resolve(), folder.path.resolve())


def _one_by_one(step: Step, part: Part, outside: Mapping[int, NonTransactional]) -> Iterator[Step]:
    """Yield a step for each statement; what SET changes holds for the steps after it."""
    settings: list[str] = []
    for each in statements_in_transactions(part):
        statement = None if isinstance(each.piece, CopyRows) else each.piece
        if statement and statement.word == "set":
            settings.append(statement.text)
            continue
        segment = _segment(each.piece)
        if statement and (found := outside.get(segment.line)):
            one = replace(_filled(step, (segment,)), settings="\n".join(settings))
            leaves = found.index.name if found.index else ""
            text = beginning(statement.text)
            yield replace(one, non_transactional=text, leaves=leaves, commits=found.commits)
            continue
        frame = (READ_ONLY, READ_ONLY_ENDS) if each.modes.read_only else ()
        segments = (*map(_segment, frame[:1]), segment, *map(_segment, frame[1:]))
        opening = filter(None, (each.modes.opening, *settings))
        yield replace(_filled(step, segments), settings="\n".join(opening))


def _segment(piece: Piece | str) -> Written:
    """Return what is sent of a piece of a file, or of a text of ours."""
    if isinstance(piece, str):
        return Statements(0, 0, 1, piece)
    if isinstance(piece, CopyRows):
        return CopyBlock(piece.table, piece.columns, piece.rows, piece.start, piece.end, piece.line)
    return Statements(piece.start, piece.end, piece.line)


def _filled(step: Step, segments: tuple[Written, ...]) -> Step:
    lines = (each.line for each in segments if isinstance(each, CopyBlock) or each.text is None)
    return replace(
        step,
        line=next(lines, step.line),
        segments=segments,
        rows=sum(each.rows for each in segments if isinstance(each, CopyBlock)),
        bytes=sum(each.end - each.start for each in segments),
    )


def files_of(folder: Folder) -> SealedFiles:
    """Return the files of a folder, as they were when they were read."""
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
    observer: Observer | None = None,
    begun: Callable[[], None] = lambda: None,
) -> RunResult:
    """Do steps of migrations, each of which has the name of its migration. StepError says where it stopped.

    ``digests`` are those of the migrations by name, ``kept`` is what the journal keeps for a rollback;
    ``answered`` is told what statements return; ``observer`` looks from within each step's transaction;
    ``begun`` writes more into the journal with the beginning of the run. What came before a failure stays.
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
    with target.journal.together():
        run = target.begin(beginning, kept)
        begun()
    try:
        return target.execute(run, steps, files_of(folder), data_steps, answered, observer)
    except StepError as error:
        error.do = error.do or _way_on(error, kind)
        raise


_COMMITS = re.compile(r"\s*(?:call|do)\b", re.IGNORECASE)


def _way_on(error: StepError, kind: Kind) -> str:
    """Return what to do about a statement that wants to commit, and stands in the transaction of its file."""
    if kind == "migrate" and error.sqlstate in ALREADY_THERE and not error.left:
        return f"{ADOPTS}fix it, and go on with the same command"
    wants_to = error.sqlstate == "2D000" and _COMMITS.match(error.statement)
    if kind not in {"migrate", "revert"} or not wants_to or error.left:
        return ""
    if kind == "revert":
        return (
            "it commits by itself, and a down part is one transaction: let the file of the migration begin "
            "with -- migplan: no-transaction"
        )
    return (
        "it commits by itself, and a file is one transaction: put it into a file of its own that begins with "
        "-- migplan: no-transaction"
    )


def numbered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps with their numbers in the journal."""
    return tuple(replace(step, number=number) for number, step in enumerate(steps, 1))


def digest_of(digests: Mapping[str, str]) -> str:
    """Return a digest of digests by name."""
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
