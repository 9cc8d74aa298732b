"""Apply the migrations of a folder that a target does not have yet."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.postgres.address import Address
from migplan.run.data.events import Summary
from migplan.run.data.step import DataSteps
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.journal import Journal, Run
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import LockedTarget, locked
from migplan.run.engine.worker import Observer, Observers
from migplan.run.migrations.base import KEPT_AS, Base
from migplan.run.migrations.base import packed as packed_base
from migplan.run.migrations.down_migrations import down_migrations_of, packed
from migplan.run.migrations.objects import present
from migplan.run.migrations.recording import Recorder
from migplan.run.migrations.refusals import There, refuse_doubts, refuse_what_fails
from migplan.run.migrations.repair import go_on_with, refuse_changed_halves, texts_of
from migplan.run.migrations.status import MigrationStatus, State, by_state, statuses_of
from migplan.run.migrations.steps import files_of, is_one_transaction, run_steps, steps_of, verify_step

_SHOWN = 10


@dataclass(frozen=True)
class MigrateOptions:
    """The choices of people who apply migrations."""

    to: str = ""  # the last migration to apply; those that it needs come before
    seeds: bool = False  # run the seeds as well, whether or not they ran before
    reorder: bool = False  # take the order that works where that of the names does not
    tried: frozenset[str] = frozenset()  # those that ran on a scratch server: doubts do not stop them
    verify: bool = False  # run each one's verify part with it; who applies says how, by an observer
    options: RunOptions = field(default_factory=RunOptions)
    rehearsal: str = ""  # what is known of one, for the journal


@dataclass(frozen=True, slots=True)
class MigrateResult:
    """The result of an apply."""

    run: Run | None  # None: there was nothing to do
    names: tuple[str, ...] = ()
    seconds: float = 0.0
    before: tuple[MigrationStatus, ...] = ()
    summaries: Mapping[str, Summary] = field(default_factory=dict)  # of the steps in Python
    no_way_back: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of these, and why


def migrate(
    analysis: Analysis,
    address: Address,
    wanted: MigrateOptions,
    on_event: OnEvent = ignore,
    preflight: Callable[[LockedTarget, Sequence[str]], None] = lambda _target, _names: None,
    observer: Observer | None = None,
    base: Callable[[], Base] | None = None,
) -> MigrateResult:
    """Apply what is pending. StepError says where it stopped; what came before it stays applied.

    ``preflight`` looks at the target before the first change, with the lock held, and raises if anything is
    in the way of the migrations that it is given. ``observer`` looks from within each step's transaction.
    ``base`` gives what the target has before the first of the folder: the first run keeps it in the journal.
    """
    with locked(address, replace(wanted.options, jobs=1), on_event) as target:
        known = statuses_of(analysis, target.journal)
        names = foreseen(analysis, known, wanted, lambda: present(target.session))
        if not names:
            return MigrateResult(None, before=known)
        preflight(target, names)
        refuse_doubts(analysis, names, wanted.tried, there=lambda: present(target.session))
        data_steps = DataSteps(address, wanted.options.limits, files_of(analysis.folder))
        ways = down_migrations_of(analysis, names)
        # What is derived is kept by each migration's own transaction.
        kept = {name: packed(way) for name, way in ways.items() if way.down is not None or way.cannot}
        steps = _steps(analysis, names, known, verify=wanted.verify)
        recorder = Recorder(analysis, steps, _begun(target.journal, known))
        kept |= texts_of([analysis.by_name[name].migration for name in names])
        if base is not None and not any(each.state.is_there for each in known):
            found = base()
            kept |= {KEPT_AS: packed_base(found)} if found.is_whole else {}
        halves = [each for each in known if each.moved and each.name in names]
        done = run_steps(
            target,
            "migrate",
            analysis.folder,
            {name: analysis.by_name[name].migration.digest for name in names},
            steps,
            rehearsal=wanted.rehearsal,
            kept=kept,
            data_steps=data_steps,
            observer=Observers((recorder, *([observer] if observer else ()))),
            begun=lambda: go_on_with(target, analysis.folder.name, halves),
        )
        without = {name: way.cannot for name, way in recorder.ways.items() if ways[name].down is None}
        return MigrateResult(done.run, tuple(names), done.seconds, known, data_steps.summaries, without)


def _begun(journal: Journal, known: Sequence[MigrationStatus]) -> dict[str, Mapping[str, Any]]:
    """What the journal knows of the state before migrations of which only the first statements are done."""
    found: dict[str, Mapping[str, Any]] = {}
    for each in known:
        if each.state is State.HALF and each.run is not None:
            with suppress(ValueError, KeyError):
                said = json.loads(journal.kept(each.run)[each.name])
                found[each.name] = said["begun"]
    return found


def foreseen(
    analysis: Analysis, known: Sequence[MigrationStatus], wanted: MigrateOptions, there: There
) -> list[str]:
    """Return what is to be applied, in that order; raise RefusedError if nothing can be.

    ``there`` tells what the target has.
    """
    _refuse_changed(known)
    names = _wanted(analysis, known, wanted.to, seeds=wanted.seeds)
    refuse_what_fails(analysis, names, reorder=wanted.reorder, there=there)
    return names


def _refuse_changed(known: Sequence[MigrationStatus]) -> None:
    """Raise RefusedError if a file was changed after it was applied."""
    refuse_changed_halves(known)
    changed = by_state(known)[State.CHANGED]
    if changed:
        lines = [f"{each.name}, applied {each.at:%Y-%m-%d %H:%M} by {each.by}" for each in changed]
        raise RefusedError(
            "these files were changed after they were applied:\n  " + "\n  ".join(lines[:_SHOWN]),
            do="put them back as they were and write the change as a new migration; or take them over as "
            "they are, without running anything of them: the same command with --repair",
        )


def _wanted(analysis: Analysis, known: Sequence[MigrationStatus], to: str, *, seeds: bool) -> list[str]:
    """Return the migrations to run, in an order that works."""
    left = [each.name for each in known if (seeds if each.is_seed else each.state.is_left)]
    if not to:
        return left
    if to not in analysis.order.names:
        raise RefusedError(f"there is no migration {to} in {analysis.folder.path}")
    needed, waiting = {to}, [to]
    while waiting:
        for reason in analysis.order.needs[waiting.pop()]:
            if reason.by not in needed:
                needed.add(reason.by)
                waiting.append(reason.by)
    order = analysis.order.order
    needed.update(order[: order.index(to)])
    return [name for name in left if name in needed]


def _steps(
    analysis: Analysis, names: Sequence[str], known: Sequence[MigrationStatus], *, verify: bool
) -> list[Step]:
    """Return the steps of these that are not done yet; all steps of those that are to be repeated."""
    standing = {each.name: each for each in known}
    steps: list[Step] = []
    for name in names:
        analysed = analysis.by_name[name]
        steps += (
            step
            for step in steps_of(analysis.folder, analysed, apart=standing[name].state is State.HALF)
            if standing[name].is_repeated or step.line not in standing[name].done
        )
        if verify and analysed.migration.verify and not is_one_transaction(analysed):
            steps.append(verify_step(analysis.folder, analysed.migration))
    return steps
