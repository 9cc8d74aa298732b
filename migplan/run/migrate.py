"""Applying a folder of hand-written migrations: those that a target does not have yet, each whole."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.errors import RefusedError
from migplan.handwritten.analysis import Analysis
from migplan.postgres.address import Address
from migplan.run.apply import ending, locked
from migplan.run.data_events import Summary
from migplan.run.events import Told, silence
from migplan.run.execute import Execution, Ways
from migplan.run.journal import Beginning, Journal, Run
from migplan.run.lock import Lock
from migplan.run.migration_steps import steps_of
from migplan.run.standing import Standing, State, by_state, standings
from migplan.run.steps import Step

_SHOWN = 10
_RUNS = frozenset({State.PENDING, State.HALF, State.AGAIN})


@dataclass(frozen=True)
class Migrating:
    """What people want of it."""

    to: str = ""  # the last migration to apply; those that it needs come before
    seeds: bool = False  # run the seeds as well, whether or not they ran before
    reorder: bool = False  # take the order that works where that of the names does not
    ways: Ways = field(default_factory=Ways)
    rehearsal: str = ""  # what is known of one, for the journal
    # Looks at the target before the first change, and raises if anything is in the way.
    preflight: Callable[[Lock, Sequence[str]], None] = lambda _lock, _names: None


@dataclass(frozen=True, slots=True)
class Migrated:
    """What came of it."""

    run: Run | None  # None: there was nothing to do
    names: tuple[str, ...] = ()
    seconds: float = 0.0
    before: tuple[Standing, ...] = ()
    summaries: Mapping[str, Summary] = field(default_factory=dict)  # of the steps in Python


def migrate(analysis: Analysis, address: Address, wanted: Migrating, told: Told = silence) -> Migrated:
    """Apply what is pending. StepError says where it stopped; what came before it stays applied."""
    refuse_order(analysis, reorder=wanted.reorder)
    with locked(address) as lock:
        journal = Journal(lock, address)
        known = standings(analysis, journal if journal.exists else None)
        refuse_changed(known)
        names = _wanted(analysis, known, wanted.to, seeds=wanted.seeds)
        if not names:
            return Migrated(None, before=known)
        wanted.preflight(lock, names)
        if not journal.exists:
            journal.create()
        steps = _steps(analysis, names, known)
        run = journal.begin(_beginning(analysis, names, steps, wanted.rehearsal))
        started = time.monotonic()
        ways = replace(wanted.ways, jobs=1)
        execution = Execution(address, analysis.folder.path.resolve(), journal, lock, ways, told)
        with ending(journal, run):
            execution.run(run.run, steps, set())
        seconds = time.monotonic() - started
        return Migrated(journal.run(run.run), tuple(names), seconds, known, execution.summaries)


def refuse_order(analysis: Analysis, *, reorder: bool) -> None:
    """Files that need each other, or that need what a later one makes, if that is not wanted."""
    order = analysis.order
    if order.cycles:
        rings = [" -> ".join((*cycle.migrations, cycle.migrations[0])) for cycle in order.cycles]
        raise RefusedError(
            "these migrations need each other, and no order works:\n  " + "\n  ".join(rings),
            do="move what one of them needs into a file of its own; migplan analyze shows the statements",
        )
    if order.contradictions and not reorder:
        found = [
            f"{each.migration}, line {each.need.line}: {each.need.statement}: {each.need.thing} is made by "
            f"{each.by}, line {each.made.line}"
            for each in order.contradictions
        ]
        raise RefusedError(
            "the order of the names contradicts what the files need:\n  " + "\n  ".join(found[:_SHOWN]),
            do="rename them, or take the order that works with --reorder",
        )


def refuse_changed(known: Sequence[Standing]) -> None:
    """What was applied stays as it was applied: nobody could say any more what is in the target."""
    changed = by_state(known)[State.CHANGED]
    if changed:
        lines = [f"{each.name}, applied {each.at:%Y-%m-%d %H:%M} by {each.by}" for each in changed]
        raise RefusedError(
            "these files were changed after they were applied:\n  " + "\n  ".join(lines[:_SHOWN]),
            do="put them back as they were and write the change as a new migration, or take them back first "
            "with: migplan rollback",
        )


def _wanted(analysis: Analysis, known: Sequence[Standing], to: str, *, seeds: bool) -> list[str]:
    """The migrations to run, in an order that works."""
    left = [each.name for each in known if (seeds if each.is_seed else each.state in _RUNS)]
    if not to:
        return left
    if to not in analysis.order.names:
        raise RefusedError(f"there is no migration {to} in {analysis.folder.path}")
    needed, waiting = {to}, [to]
    while waiting:
        for because in analysis.order.needs[waiting.pop()]:
            if because.by not in needed:
                needed.add(because.by)
                waiting.append(because.by)
    names = analysis.order.order
    return [name for name in left if name in needed or names.index(name) <= names.index(to)]


def _steps(analysis: Analysis, names: Sequence[str], known: Sequence[Standing]) -> tuple[Step, ...]:
    standing: Mapping[str, Standing] = {each.name: each for each in known}
    found = [
        step
        for name in names
        for step in steps_of(analysis.folder, analysis.by_name[name])
        if standing[name].state is State.AGAIN
        or standing[name].is_seed
        or step.line not in standing[name].done
    ]
    return tuple(replace(step, number=number) for number, step in enumerate(found, 1))


def _again(standing: Standing) -> bool:
    """Whether all of it runs, although it ran before."""
    return standing.is_seed or standing.state is State.AGAIN


def _beginning(analysis: Analysis, names: Sequence[str], steps: Sequence[Step], rehearsal: str) -> Beginning:
    digests = {name: analysis.by_name[name].migration.digest for name in names}
    return Beginning(
        "migrate",
        analysis.folder.path.resolve().name,
        hashlib.sha256(json.dumps(digests).encode()).hexdigest(),
        steps,
        {step.file: digests[step.name] for step in steps},
        rehearsal=rehearsal,
    )
