"""Applying a bundle: the target locked, what is in the way found, the run begun or gone on with."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from migplan.bundle.verified import VerifiedBundle
from migplan.errors import BundleError, JournalError, LockedError, MigplanError, RefusedError
from migplan.postgres.address import Address
from migplan.run.bundle.derive import steps_of
from migplan.run.bundle.kept import FOLDER, changed, of_bundle
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.execution import Execution, RunOptions
from migplan.run.engine.journal import Beginning, Journal, Run, digest_of
from migplan.run.engine.lock import Lock
from migplan.run.engine.steps import Step, predecessors
from migplan.run.undo.initial_state import read_initial_state

CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class ApplyResult:
    """How a run ended."""

    run: Run
    steps: int
    rows: int
    seconds: float
    went_on: bool = False  # an earlier try had done a part of it
    nothing_to_do: bool = False


@dataclass(frozen=True)
class ApplyOptions:
    """What people want of an apply."""

    options: RunOptions = field(default_factory=RunOptions)
    carried: Collection[str] = ()  # keys that rows break: they are added NOT VALID, and stay so
    rehearsal: str = ""  # what is known of one, for the journal


@contextmanager
def locked(address: Address, options: RunOptions) -> Iterator[Lock]:
    """The right to change a target, for a block; of one that is protected, if its name was typed."""
    lock = Lock(address)
    try:
        names = Journal(lock, address).protections
        if names and options.protected_as not in names:
            raise RefusedError(
                f"{address} is protected, as {names[-1]}, says its journal; nothing was changed",
                do=f"say its name with --confirm {names[-1]}",
            )
        yield lock
    finally:
        lock.release()


def apply(
    bundle: VerifiedBundle,
    address: Address,
    wanted: ApplyOptions,
    on_event: OnEvent = ignore,
    preflight: Callable[[Lock, bool], None] = lambda _lock, _resuming: None,
) -> ApplyResult:
    """Run what of a bundle has not been run on a target. StepError says where it stopped.

    ``preflight`` looks at the target before the first change, with the lock held, and raises if anything is
    in the way; its second argument says whether a run that was begun is resumed.
    """
    with locked(address, wanted.options) as lock:
        journal = Journal(lock, address)
        earlier = _earlier(journal, bundle)
        carried = earlier.before.get(CARRIED, ()) if earlier else wanted.carried
        steps = steps_of(bundle, carried)
        if earlier and earlier.state == "done":
            return ApplyResult(earlier, 0, 0, 0.0, nothing_to_do=True)
        if earlier:
            _refuse_another(journal, earlier, bundle, steps)
        preflight(lock, earlier is not None)
        if earlier:
            _refuse_hole(bundle, steps, journal.done(earlier.run))
        go_on = _gone_on(journal, earlier, bundle, wanted) if earlier else None
        run = go_on or _begun(lock, journal, bundle, steps, wanted)
        done = {entry.step for entry in journal.entries(run.run) if entry.state == "done"}
        started = time.monotonic()
        execution = Execution(address, bundle.files, journal, lock, wanted.options, on_event)
        with ending(journal, run):
            execution.run(run.run, steps, done)
        left = [step for step in steps if step.number not in done]
        return ApplyResult(
            journal.run(run.run),
            len(left),
            sum(step.rows for step in left),
            time.monotonic() - started,
            went_on=bool(done),
        )


def _refuse_hole(bundle: VerifiedBundle, steps: Sequence[Step], done: Collection[int]) -> None:
    """After a rollback of rows alone, keys and triggers are there that the files create behind the rows."""
    for step, needs in zip(steps, predecessors(steps), strict=True):
        missing = [steps[need] for need in needs if steps[need].number not in done]
        if step.number in done and missing:
            last = [file.file for file in bundle.manifest.files if file.phase == "schema"][-1:]
            raise RefusedError(
                f"{step} is done, and {missing[0]}, which comes before it, was rolled back: its rows would "
                "meet keys and triggers that this bundle creates behind them",
                do=f"roll those back, too: migplan rollback --to {(last or [step.file])[0]}; then apply",
            )


@contextmanager
def ending(journal: Journal, run: Run) -> Iterator[None]:
    """Write down how a run ends, however it does."""
    try:
        yield
    except (LockedError, JournalError):
        raise  # it is somebody else's by now
    except MigplanError:
        _ended(journal, run, "failed")
        raise
    except BaseException:
        _ended(journal, run, "stopped")
        raise
    journal.end(run.run, "done")


def _ended(journal: Journal, run: Run, state: str) -> None:
    try:
        journal.end(run.run, "failed" if state == "failed" else "stopped")
    except MigplanError:
        return  # the server is gone: the journal says 'running', and that nobody holds the lock


def _earlier(journal: Journal, bundle: VerifiedBundle) -> Run | None:
    """The run to go on with, or the one that has done it all."""
    applied = [run for run in journal.runs() if run.kind == "apply"] if journal.exists else []
    unfinished = [run for run in applied if run.is_open]
    if unfinished:
        return unfinished[-1]
    last = next((run for run in reversed(applied) if run.digest == bundle.digest), None)
    return last if last and last.state == "done" else None


def _refuse_another(journal: Journal, earlier: Run, bundle: VerifiedBundle, steps: Sequence[Step]) -> None:
    """What was begun is gone on with as it was begun, or rolled back: never half of this and half of that."""
    if earlier.state == "undoing":
        raise BundleError(
            f"a rollback of {earlier.bundle} was begun in this target and has not ended",
            do="finish it with: migplan rollback",
        )
    if earlier.digest != bundle.digest:
        do = "go on with the bundle as it was, or roll the run back with: migplan rollback"
        raise another_bundle(journal, earlier, bundle, do)
    if earlier.steps_digest != digest_of(steps):
        raise BundleError(
            f"run {earlier.run} was begun by {earlier.program}, which divides the bundle into other steps",
            do=f"go on with {earlier.program}, or roll the run back with: migplan rollback",
        )


def another_bundle(journal: Journal, earlier: Run, bundle: VerifiedBundle, do: str) -> BundleError:
    """That a bundle is not the one of a run, and where they differ."""
    return BundleError(
        f"{bundle.paths.folder} is not the bundle that was begun here as run {earlier.run} "
        f"({earlier.bundle}, {earlier.started_at:%Y-%m-%d %H:%M}, {earlier.state}):\n  "
        + "\n  ".join(changed(journal, earlier, bundle)),
        do=do,
    )


def _begun(
    lock: Lock, journal: Journal, bundle: VerifiedBundle, steps: Sequence[Step], wanted: ApplyOptions
) -> Run:
    before = read_initial_state(lock.connection, journal.address)
    journal.prepare(wanted.options.protected_as)
    digests = {file.file: file.sha256 for file in bundle.manifest.files}
    with journal.together():
        run = journal.begin(_beginning(bundle, steps, digests, before, wanted))
        journal.keep(run.run, of_bundle(bundle))
    return run


def _beginning(
    bundle: VerifiedBundle,
    steps: Sequence[Step],
    digests: Mapping[str, str],
    before: Mapping[str, Any],
    wanted: ApplyOptions,
) -> Beginning:
    carried = {CARRIED: sorted(wanted.carried)} if wanted.carried else {}
    return Beginning(
        "apply",
        bundle.name,
        bundle.digest,
        steps,
        digests,
        rehearsal=wanted.rehearsal,
        before={**before, **carried, FOLDER: bundle.paths.folder.resolve().name},
        notes=[f"key {key} is NOT VALID: rows break it" for key in sorted(wanted.carried)],
    )


def _gone_on(journal: Journal, earlier: Run, bundle: VerifiedBundle, wanted: ApplyOptions) -> Run:
    journal.prepare(wanted.options.protected_as)
    journal.keep(earlier.run, of_bundle(bundle))  # of a run that an earlier migplan began nothing is kept yet
    journal.go_on(earlier.run)
    return journal.run(earlier.run)
