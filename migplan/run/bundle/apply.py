"""Apply a bundle to a target: begin its run, or resume the one that was interrupted."""

import shlex
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from migplan.bundle.verified import VerifiedBundle
from migplan.config import Platform
from migplan.errors import BundleError, DatabaseError, RefusedError
from migplan.postgres.address import Address
from migplan.run.bundle import another_moment, receipt
from migplan.run.bundle.building import building_with
from migplan.run.bundle.initial_state import read_initial_state
from migplan.run.bundle.keeping import Keeping
from migplan.run.bundle.kept import FOLDER, changed, kept_in, of_bundle
from migplan.run.bundle.live import LiveSource
from migplan.run.bundle.no_rows import NoRows
from migplan.run.bundle.statistics import analyzed
from migplan.run.bundle.steps import carrying, steps_of
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.journal import Beginning, Journal, Run, digest_of
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Step, predecessors
from migplan.run.engine.target import LockedTarget, RunResult, locked

CARRIED = "carried"


@dataclass(frozen=True)
class ApplyOptions:
    """The choices of people who apply a bundle."""

    options: RunOptions = field(default_factory=RunOptions)
    carried: Collection[str] = ()  # keys that rows break: they are added NOT VALID, and stay so
    rehearsal: str = ""  # what is known of one, for the journal
    platform: Platform | None = None  # the managed host of the target, if people say one
    analyzes: bool = True  # the tables that came, once all is done


def apply(
    bundle: VerifiedBundle,
    address: Address,
    wanted: ApplyOptions,
    on_event: OnEvent = ignore,
    preflight: Callable[[LockedTarget, bool], Keeping] = lambda _target, _resuming: Keeping(),
    source: LiveSource | NoRows | None = None,
) -> RunResult:
    """Run what of a bundle has not been run on a target. StepError says where it stopped.

    ``source`` is where the rows of a live bundle come from.

    ``preflight`` looks at the target before the first change, with the lock held, and raises if anything is
    in the way; its second argument says whether a run that was begun is resumed. It returns what is there
    already and stays.
    """
    if bundle.manifest.is_live and source is None:
        raise BundleError(
            f"the rows of {bundle.paths.folder} come live from its source, and none was named; nothing was "
            "changed",
            do=f"migplan apply {shlex.quote(str(bundle.paths.folder))} --source SOURCE --target TARGET",
        )
    with locked(address, wanted.options, on_event) as target:
        journal = target.journal
        earlier = _earlier(journal, bundle)
        carried = earlier.before.get(CARRIED, ()) if earlier else wanted.carried
        if earlier and earlier.state == "done":
            return RunResult(earlier, nothing_to_do=True)
        if earlier:
            steps = steps_of(bundle, carried, Keeping.of(earlier.before).parts)
            _refuse_another(journal, earlier, bundle, steps)
            preflight(target, True)
            may_come = another_moment.may_come_again(bundle, target) if source is not None else _never
            _refuse_hole(bundle, steps, journal.done(earlier.run), may_come)
            run = target.resume(earlier, of_bundle(bundle))
            if isinstance(source, LiveSource):
                another_moment.go_on(target, earlier, bundle, steps, source, on_event)
            if late := sorted(set(wanted.carried).difference(carried)):
                target.journal.note(run.run, _carried_notes(late))
                steps = carrying(bundle, steps, late)
        else:
            kept = preflight(target, False)
            steps = steps_of(bundle, carried, kept.parts)
            noted = source.noted if source else {}
            run = target.begin(_beginning(target, bundle, steps, wanted, kept, noted), of_bundle(bundle))
        building = building_with(target.session, wanted.options.jobs)
        if building.note and building.note not in run.notes:
            journal.note(run.run, [building.note])
        done = target.execute(run, building.of(steps), bundle.files, rows=source)
        return _with_statistics(done, target, bundle, wanted, on_event) if wanted.analyzes else done


def _with_statistics(
    done: RunResult, target: LockedTarget, bundle: VerifiedBundle, wanted: ApplyOptions, on_event: OnEvent
) -> RunResult:
    """Analyze what a run that is done has filled; what is in the way of that is said, and stops nothing."""
    jobs = wanted.options.jobs
    said = analyzed(bundle.manifest, target.address, jobs, lambda text: on_event(events.Warned(text)))
    if not said:
        return done
    with suppress(DatabaseError):
        target.journal.note(done.run.run, [said])
    return replace(done, run=replace(done.run, notes=[*done.run.notes, said]))


def _never(_step: Step) -> bool:
    return False


def _refuse_hole(
    bundle: VerifiedBundle, steps: Sequence[Step], done: Collection[int], may_come: Callable[[Step], bool]
) -> None:
    """Raise RefusedError if rows would come in under keys and triggers that the bundle creates after them.

    That is so after a rollback of the rows alone. ``may_come`` tells of a step whether nothing is in its way.
    """
    for step, needs in zip(steps, predecessors(steps), strict=True):
        missing = [steps[need] for need in needs if steps[need].number not in done]
        if step.number in done and not all(map(may_come, missing)):
            missing = [each for each in missing if not may_come(each)]
            last = [file.file for file in bundle.manifest.files if file.phase == "schema"][-1:]
            raise RefusedError(
                f"{step} is done, and {missing[0]}, which comes before it, was rolled back: its rows would "
                "meet keys and triggers that this bundle creates behind them",
                do="roll those back, too: "
                f"migplan rollback --target TARGET --to {(last or [step.file])[0]}; then apply",
            )


def _earlier(journal: Journal, bundle: VerifiedBundle) -> Run | None:
    """Return the run to resume, or the one that has applied the whole bundle; None if there is neither."""
    applied = [run for run in journal.runs() if run.kind == "apply"] if journal.exists else []
    unfinished = [run for run in applied if run.is_open]
    if unfinished:
        return unfinished[-1]
    last = next((run for run in reversed(applied) if run.digest == bundle.digest), None)
    return last if last and last.state == "done" else None


def _refuse_another(journal: Journal, earlier: Run, bundle: VerifiedBundle, steps: Sequence[Step]) -> None:
    """Raise BundleError unless the run that was begun can be resumed with this bundle."""
    if earlier.state == "undoing":
        raise BundleError(
            f"a rollback of {earlier.bundle} was begun in this target and has not ended",
            do="finish it with: migplan rollback --target TARGET",
        )
    if earlier.digest != bundle.digest:
        kept = receipt.find_kept(bundle.paths.folder, earlier.digest)
        before = f"that one: migplan apply {shlex.quote(str(kept))}" if kept else "the bundle as it was"
        do = f"go on with {before}, or roll the run back with: migplan rollback --target TARGET"
        raise another_bundle(journal, earlier, bundle, do)
    if earlier.steps_digest != digest_of(steps):
        raise BundleError(
            f"run {earlier.run} was begun by {earlier.program}, which divides the bundle into other steps",
            do=f"go on with {earlier.program}, or roll the run back with: migplan rollback --target TARGET",
        )


def another_bundle(journal: Journal, earlier: Run, bundle: VerifiedBundle, do: str) -> BundleError:
    """Return the error that says where a bundle differs from the one of a run."""
    return BundleError(
        f"{bundle.paths.folder} is not the bundle that was begun here as run {earlier.run} "
        f"({earlier.bundle}, {earlier.started_at:%Y-%m-%d %H:%M}, {earlier.state})"
        f"{kept_in(bundle.paths.folder, earlier)}:\n  " + "\n  ".join(changed(journal, earlier, bundle)),
        do=do,
    )


def _beginning(
    target: LockedTarget,
    bundle: VerifiedBundle,
    steps: Sequence[Step],
    wanted: ApplyOptions,
    kept: Keeping,
    source: Mapping[str, Any],
) -> Beginning:
    """Return the journal's record of the run, with the state of the target before the first change."""
    carried = {CARRIED: sorted(wanted.carried)} if wanted.carried else {}
    return Beginning(
        "apply",
        bundle.name,
        bundle.digest,
        steps,
        {file.file: file.sha256 for file in bundle.manifest.files},
        rehearsal=wanted.rehearsal,
        before={
            **read_initial_state(target.session),
            **carried,
            **kept.noted,
            **source,
            FOLDER: bundle.paths.folder.resolve().name,
        },
        notes=[*_carried_notes(wanted.carried), *kept.notes],
    )


def _carried_notes(keys: Collection[str]) -> list[str]:
    return [f"key {key} is NOT VALID: rows break it" for key in sorted(keys)]
