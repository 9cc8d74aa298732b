"""A run of files of a folder: entered into the journal, done one step after the other, and ended."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.migrations.model import Folder
from migplan.postgres.address import Address
from migplan.run.bundle.apply import ending
from migplan.run.data.events import Summary
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.execution import Execution, RunOptions
from migplan.run.engine.journal import Beginning, Journal, Kind, Run
from migplan.run.engine.lock import Lock
from migplan.run.engine.steps import Step
from migplan.run.migrations.steps import file_of
from migplan.sealed_files import SealedFiles


@dataclass(frozen=True)
class Work:
    """What is to be run, and what the journal is to say of it."""

    kind: Kind
    folder: Folder
    digests: Mapping[str, str]  # of what the run is of, by name
    steps: Sequence[Step]  # theirs, each under the name of its migration; numbers are given here
    options: RunOptions
    rehearsal: str = ""  # what is known of one
    kept: Mapping[str, bytes] = field(default_factory=dict)  # what the journal keeps for the way back

    @property
    def files(self) -> SealedFiles:
        """The files of the folder, as they were when they were read."""
        parts = (
            part for each in self.folder.migrations for part in (each.up, each.down) if part and part.seal
        )
        seals = {file_of(self.folder, part): part.seal for part in parts if part.seal}
        return SealedFiles(self.folder.path.resolve(), seals)


@dataclass(frozen=True, slots=True)
class Worked:
    """What came of it."""

    run: Run
    seconds: float
    summaries: Mapping[str, Summary]  # of the steps in Python


def work_off(
    work: Work,
    address: Address,
    lock: Lock,
    journal: Journal,
    on_event: OnEvent = ignore,
    answered: Callable[[Step, str], None] | None = None,
) -> Worked:
    """Do all of it. StepError says where it stopped; what came before it stays."""
    journal.prepare(work.options.protected_as)
    steps = numbered(work.steps)
    beginning = Beginning(
        work.kind,
        work.folder.name,
        digest_of(work.digests),
        steps,
        {step.file: work.digests[step.name] for step in steps},
        rehearsal=work.rehearsal,
    )
    with journal.together():
        run = journal.begin(beginning)
        journal.keep(run.run, work.kept)
    started = time.monotonic()
    options = replace(work.options, jobs=1)
    execution = Execution(address, work.files, journal, lock, options, on_event, answered)
    with ending(journal, run):
        execution.run(run.run, steps, set())
    return Worked(journal.run(run.run), time.monotonic() - started, execution.summaries)


def numbered(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with their numbers in the journal."""
    return tuple(replace(step, number=number) for number, step in enumerate(steps, 1))


def digest_of(digests: Mapping[str, str]) -> str:
    """What tells these contents, by their names, from any others."""
    return hashlib.sha256(json.dumps(digests).encode()).hexdigest()
