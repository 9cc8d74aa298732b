"""Rolling a run back: its files in reverse order, by the bundle's own rollback files, journaled like a run.

A rollback is a run of its own in the journal. While it is under way the run that it undoes is 'undoing', and
nothing can be applied; the same command goes on with it, wherever it was interrupted. When a file has been
rolled back, its steps in that run become 'undone' in the same transaction, so that `apply` can do them again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from migplan.errors import BundleError, JournalError, LockedError, MigplanError, RefusedError
from migplan.postgres.address import Address
from migplan.run.bundle.apply import locked
from migplan.run.bundle.kept import LocalBundle, as_applied, difference
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.execution import Execution, RunOptions
from migplan.run.engine.journal import Connected, Journal, Run
from migplan.run.engine.journal_reader import journal_reader
from migplan.run.engine.lock import Lock
from migplan.run.engine.status import RunStatus
from migplan.run.engine.steps import Step
from migplan.run.undo.losses import Losses
from migplan.run.undo.steps import ASKED, Work, chosen


@dataclass(frozen=True)
class RollbackOptions:
    """What people want of a rollback."""

    to: str = ""  # a file: it stays, and what came after it goes
    data_only: bool = False
    also_changed: bool = False  # rows that the run did not bring go, too
    drop_journal: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    # Is shown what would be lost, before the first change, and raises if people do not want it.
    agreed: Callable[[Losses], None] = lambda _losses: None


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """How a rollback ended."""

    run: Run | None  # that was rolled back; None: there was none
    steps: int = 0
    seconds: float = 0.0
    went_on: bool = False
    journal_dropped: bool = False
    losses: Losses | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing of the run is left."""
        return self.run is not None and self.run.state == "undone"


def rollback(
    beside: LocalBundle, address: Address, wanted: RollbackOptions, on_event: OnEvent = ignore
) -> RollbackResult:
    """Roll back the last run of a bundle that is not rolled back yet. StepError says where it stopped."""
    with locked(address, wanted.options) as lock:
        journal = Journal(lock, address)
        if wanted.drop_journal:
            _refuse_half(wanted)
        with _work(beside, address, lock, journal, wanted) as work:
            undone = RollbackResult(None) if work is None else _taken_back(work, lock, wanted, on_event)
        if wanted.drop_journal and journal.exists:
            _drop(journal)
            undone = replace(undone, journal_dropped=True)
        return undone


def _taken_back(work: Work, lock: Lock, wanted: RollbackOptions, on_event: OnEvent) -> RollbackResult:
    journal, losses = work.journal, work.losses()
    work.refuse_dependents()
    if not work.begun:
        wanted.agreed(losses)
    steps = work.steps()
    journal.prepare(wanted.options.protected_as)
    run = work.begin(steps)
    done = {entry.step for entry in journal.entries(run.run) if entry.state == "done"}
    started = time.monotonic()
    options = replace(wanted.options, jobs=1)
    execution = Execution(work.address, work.bundle.files, journal, lock, options, on_event)
    with _ending(journal, work.run, run):
        execution.run(run.run, steps, done)
    return RollbackResult(
        journal.run(work.run.run),
        len(steps) - len(done),
        time.monotonic() - started,
        went_on=work.begun is not None,
        losses=losses,
    )


def foreseen(
    beside: LocalBundle, address: Address, wanted: RollbackOptions
) -> tuple[Losses, Sequence[Step]] | None:
    """What a rollback would do, and what would be lost; None when there is nothing to roll back.

    RefusedError when something stands in the way that can be looked for.
    """
    with journal_reader(address) as reader, _work(beside, address, reader, reader.journal, wanted) as work:
        if work is None:
            return None
        losses = work.losses()
        work.refuse_dependents()
        return losses, work.steps()


@contextmanager
def _work(
    beside: LocalBundle, address: Address, holder: Connected, journal: Journal, wanted: RollbackOptions
) -> Iterator[Work | None]:
    """What there is to do: what was begun, or the last run that is not rolled back."""
    runs = journal.runs() if journal.exists else []
    run = next((run for run in reversed(runs) if run.stands), None)
    if run is None:
        yield None
        return
    begun = next((each for each in reversed(runs) if each.undoes == run.run and each.is_open), None)
    entries = journal.entries(run.run)
    with as_applied(journal, run, beside) as bundle:
        asked: Mapping[str, Any]
        files = {file.file for file in bundle.manifest.files}
        named = {entry.file for entry in entries} | {*(begun.before[ASKED]["files"] if begun else ())}
        if strange := sorted(named - files):
            raise journal.was_altered(
                f"it names {strange[0]!r}, which is no file of run {run.run} ({run.bundle})"
            )
        if begun is None:
            back = chosen(bundle, entries, to=wanted.to, data_only=wanted.data_only)
            asked = {"files": back, "to": wanted.to, "data_only": wanted.data_only}
            asked = {**asked, "also_changed": wanted.also_changed}
        else:
            asked = dict(begun.before[ASKED])
            _refuse_otherwise(begun, asked, wanted)
        differs = difference(journal, run, beside)
        yield Work(bundle, address, holder, journal, run, begun, entries, asked, differs)


@dataclass(frozen=True)
class Abandoned:
    """A run that was ended by hand, and what stays of it."""

    run: Run
    stays: str


def abandon(address: Address, options: RunOptions, agreed: Callable[[Run, str], None]) -> Abandoned | None:
    """End the run that has come to no end, as it stands; None when there is none. Nothing else is changed.

    A run that is done can be abandoned only where the journal no longer tells how to roll it back.
    """
    with locked(address, options) as lock:
        journal = Journal(lock, address)
        runs = journal.runs(whole=False) if journal.exists else []
        begun = [run for run in runs if run.is_open] or _beyond_help(journal, runs)
        if not begun:
            return None
        run = next((run for run in reversed(begun) if run.kind == "apply"), begun[-1])
        stays = RunStatus(run, journal.entries(run.run)).stays
        agreed(run, stays)
        journal.prepare(options.protected_as)
        who = f"abandoned {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC by {journal.caller}; stays: {stays}"
        with journal.together():
            for each in begun:
                journal.note(each.run, [who])
                journal.end(each.run, "abandoned")
        return Abandoned(journal.run(run.run), stays)


def _refuse_otherwise(begun: Run, asked: Mapping[str, Any], wanted: RollbackOptions) -> None:
    """A rollback that was begun is finished as it was begun; without any options it just goes on."""
    said = {"to": wanted.to, "data_only": wanted.data_only, "also_changed": wanted.also_changed}
    if any(said.values()) and any(asked[name] != value for name, value in said.items()):
        words = [f"--to {asked['to']}"] if asked["to"] else []
        words += ["--data-only"] if asked["data_only"] else []
        words += ["--also-changed"] if asked["also_changed"] else []
        how = f"with {' '.join(words)}" if words else "of the whole run"
        raise RefusedError(
            f"a rollback {how} was begun as run {begun.run} and has not ended; nothing was changed",
            do=f"finish it first: {' '.join(['migplan rollback', *words])}",
        )


def _refuse_half(wanted: RollbackOptions) -> None:
    if wanted.to or wanted.data_only:
        raise RefusedError(
            "the journal is needed as long as a part of the run stays; nothing was changed",
            do="--drop-journal goes with a rollback of the whole run",
        )


def _drop(journal: Journal) -> None:
    """Take the journal away, if it has nothing to tell any more."""
    runs = journal.runs()
    left = [run for run in runs if run.stands]
    if left:
        raise JournalError(
            f"the journal in {journal.address} stays: run {left[-1].run} of {left[-1].bundle} is not undone",
            do="roll that back, too: migplan rollback --target TARGET",
            address=str(journal.address),
            during="dropping the journal",
        )
    journal.drop(schema=not runs or "migplan" not in runs[0].before.get("schemas", {}))


def _beyond_help(journal: Journal, runs: Sequence[Run]) -> list[Run]:
    """The last run, if nobody could roll it back: the journal was changed, or keeps nothing of it."""
    run = next((run for run in reversed(runs) if run.stands), None)
    if run is None:
        return []
    try:
        journal.refuse_altered(runs)
        with as_applied(journal, run, LocalBundle(named=False)):
            return []
    except (JournalError, BundleError):
        return [run]


@contextmanager
def _ending(journal: Journal, undone: Run, run: Run) -> Iterator[None]:
    """Write down how a rollback ends, and what has become of the run that it rolls back."""
    try:
        yield
    except (LockedError, JournalError):
        raise  # it is somebody else's by now
    except BaseException as error:
        with suppress(MigplanError):  # the server is gone: the journal says 'running', and nobody is at work
            journal.end(run.run, "failed" if isinstance(error, MigplanError) else "stopped")
        raise
    left = any(entry.state == "done" for entry in journal.entries(undone.run))
    with journal.together():
        journal.end(undone.run, "stopped" if left else "undone")
        journal.end(run.run, "done")
