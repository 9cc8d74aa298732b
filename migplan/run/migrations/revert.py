"""Roll migrations back: the last one, all after one, all, or a single one that nothing needs.

The down migrations that people wrote come from the folder if it is as it was applied, else from the journal.
Those that were derived when a migration was applied come from the journal.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from migplan.catalog.state import Item, Key, is_as_digested, read_state
from migplan.errors import RefusedError
from migplan.migrations.analysis import Analysis
from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.journal import Journal, Run, Target, journal_reader
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import locked
from migplan.run.migrations.down_migrations import DownMigration, down_migrations_of, unpacked
from migplan.run.migrations.passing_over import in_transactions, passing_over
from migplan.run.migrations.recording import derive_begun
from migplan.run.migrations.rows_that_go import RowsThatGo, rows_that_go
from migplan.run.migrations.status import MigrationStatus, State, statuses_of
from migplan.run.migrations.steps import run_steps

_SHOWN = 10
_OTHERWISE = {State.CHANGED, State.MISSING}


@dataclass(frozen=True)
class AppliedFolder:
    """The folder whose migrations are to be rolled back: read, or by its name in the journal alone."""

    name: str
    analysis: Analysis | None = None


@dataclass(frozen=True)
class RevertOptions:
    """Which migrations to roll back: one, all after one, or the last one."""

    only: str = ""
    to: str = ""
    all: bool = False  # back to nothing
    also_changed: bool = False  # also what was changed by others since
    options: RunOptions = field(default_factory=RunOptions)
    agreed: Callable[[Foreseen], None] = lambda _found: None  # raises to refuse


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What a rollback would do."""

    ways: tuple[DownMigration, ...] = ()
    rows: tuple[RowsThatGo, ...] = ()
    changed: tuple[str, ...] = ()  # what others have changed since, and would go along


@dataclass(frozen=True, slots=True)
class RevertResult:
    """The result of rolling migrations back."""

    run: Run | None
    names: tuple[str, ...] = ()
    seconds: float = 0.0


def foreseen(given: AppliedFolder, address: Address, wanted: RevertOptions) -> Foreseen:
    """Return what would be rolled back, in that order, and which rows would go."""
    with journal_reader(address) as reader:
        if not reader.journal.exists:
            return Foreseen()
        with _reverted(given, reader, wanted) as (found, _):
            return _looked_at(found, reader.session)


def revert(
    given: AppliedFolder, address: Address, wanted: RevertOptions, on_event: OnEvent = ignore
) -> RevertResult:
    """Roll migrations back, the last one first; StepError says where it stopped."""
    with locked(address, replace(wanted.options, jobs=1), on_event) as target:
        if not target.journal.exists:
            return RevertResult(None)
        with _reverted(given, target, wanted) as (found, applied):
            if not found:
                return RevertResult(None)
            looked_at = _looked_at(found, target.session)
            _refuse_changed(looked_at, also_changed=wanted.also_changed)
            wanted.agreed(looked_at)
            steps = list(_steps(found, {each.name: _seeds(applied, each) for each in found}))
            digests = {each.name: applied.known[each.name].digest for each in found}
            done = run_steps(target, "revert", found[0].folder, digests, steps)
            return RevertResult(done.run, tuple(each.name for each in found), done.seconds)


def _steps(ways: Sequence[DownMigration], seeds: Mapping[str, Sequence[str]]) -> Iterator[Step]:
    for group in in_transactions(ways):
        *others, last = group
        yield from [last.step_with(others, seeds)] if others else last.steps(seeds[last.name])


def _looked_at(ways: Sequence[DownMigration], session: Session) -> Foreseen:
    """Look at what goes with these, and at what was changed since they were applied."""
    if not ways:
        return Foreseen()
    with session.given_up("looking at what would be rolled back"):
        rows = rows_that_go(ways, session)
        changed = _changed_since(ways, session)
    return Foreseen(tuple(ways), tuple(rows), tuple(changed))


def _changed_since(ways: Sequence[DownMigration], session: Session) -> Iterator[str]:
    """Yield what is not any more as the last of these migrations that touched it has left it."""
    if not any(way.left for way in ways):
        return
    now = read_state(session).described()
    seen: set[str] = set()
    for way in ways:
        for name, left in way.left.items():
            if name not in seen and left is not None:
                if name not in now:
                    yield f"{name}, which {way.name} has left, is not there any more"
                elif not is_as_digested(name, now[name], left):
                    yield f"{name} is not as {way.name} has left it"
        seen |= way.left.keys()


def _refuse_changed(found: Foreseen, *, also_changed: bool) -> None:
    if found.changed and not also_changed:
        more = len(found.changed) - _SHOWN
        raise RefusedError(
            "others have changed since what these migrations did, and a rollback would take that along; "
            "nothing was changed:\n  "
            + "\n  ".join(found.changed[:_SHOWN])
            + (f"\n  and {more:,} more" if more > 0 else ""),
            do="look at it with --dry-run; --also-changed rolls back all the same",
        )


def applied_last(journal: Journal) -> str:
    """Return the folder whose migration was applied last, if no bundle was applied after it; else ''."""
    for run in reversed(journal.runs() if journal.exists else []):
        if run.stands:
            return ""
        if run.kind == "migrate" and any(each.state == "done" for each in journal.entries(run.run)):
            return run.bundle
    return ""


@dataclass(frozen=True)
class _AppliedMigrations:
    """What of a folder is applied, and how each can be rolled back."""

    given: AppliedFolder
    target: Target
    place: Path
    known: Mapping[str, MigrationStatus]

    def kept(self, name: str) -> DownMigration | None:
        """Return the down migration that the journal keeps; None of runs of earlier versions of migplan."""
        run = self.known[name].run
        content = self.target.journal.kept(run).get(name) if run is not None else None
        if content is None:
            return None
        try:
            way = unpacked(name, content, self.given.name, self.place)
            if way.begun is not None and way.down is None:
                found = derive_begun(self.target.session, way.begun, "")
                way = replace(way, derived=found.statements, cannot=found.cannot)
            return way
        except (ValueError, KeyError, TypeError):
            raise self.target.journal.was_altered(
                f"what it keeps of run {run}, {name}, is no way back"
            ) from None

    def in_folder(self, name: str) -> DownMigration | None:
        """Return the down migration in the folder; None if its file is gone, or the folder."""
        analysis = self.given.analysis
        if analysis is None or name not in analysis.by_name:
            return None
        return down_migrations_of(analysis, [name])[name]

    def needs(self, name: str) -> Mapping[str, str]:
        """Return the migrations that one needs, each with a sentence."""
        way = self.in_folder(name) or self.kept(name)
        return (way.needs or {}) if way else {}

    def is_seed(self, name: str) -> bool:
        """Whether it only brings rows to begin with."""
        way = None if self.given.analysis else self.kept(name)
        return self.known[name].is_seed or bool(way and way.is_seed)

    def down_migrations(self, names: Sequence[str]) -> tuple[DownMigration, ...]:
        """Return their down migrations, all from one place; raise RefusedError if one has none."""
        otherwise = [name for name in names if self.known[name].state in _OTHERWISE]
        kept = {name: self.kept(name) for name in names} if otherwise or not self.given.analysis else {}
        here = {name: self.in_folder(name) for name in names}
        found = kept if kept and (None not in kept.values() or None in here.values()) else here
        found = passing_over({name: self._derived(way) for name, way in found.items()}, self._there)
        impossible = []
        for name, way in found.items():
            if way is None:
                impossible.append(f"{name}: its file is gone, and the journal keeps nothing of it")
            else:
                impossible += [why if why.startswith(name) else f"{name}: {why}" for why in way.cannot]
        if impossible:
            raise RefusedError(
                "there is no way back from what was done; nothing was changed:\n  " + "\n  ".join(impossible),
                do=self._where_to_write(),
            )
        return tuple(way for way in found.values() if way is not None)

    def _there(self) -> Mapping[Key, Item]:
        session = self.target.session
        with session.given_up("looking at what would be rolled back"):
            return read_state(session).items

    def _where_to_write(self) -> str:
        """Return how to write a way back that is missing, as the folder's style has it."""
        if self.given.analysis is None:
            return "write it into the folder, and name that: migplan rollback FOLDER --target TARGET"
        return f"write it, {self.given.analysis.folder.style.way_back}"

    def _derived(self, way: DownMigration | None) -> DownMigration | None:
        """Return the way that people wrote; where they wrote none, what was derived when it was applied."""
        if way is None or way.is_kept or way.cannot:
            return way
        kept = self.kept(way.name)
        if way.down is not None:
            return replace(way, left=kept.left if kept else {})
        if kept is not None:
            return kept if kept.down is None else replace(way, cannot=("its down part was taken out",))
        why = "an earlier version of migplan applied it, and kept no way back"
        return replace(way, cannot=(why,))


@contextmanager
def _reverted(
    given: AppliedFolder, target: Target, wanted: RevertOptions
) -> Iterator[tuple[tuple[DownMigration, ...], _AppliedMigrations]]:
    """Return what is to be rolled back, in that order, for a block in which its files exist."""
    known = statuses_of(given.analysis, target.journal, given.name)
    with tempfile.TemporaryDirectory(prefix="migplan-rollback-") as place:
        there = {each.name: each for each in known if each.state.is_there}
        applied = _AppliedMigrations(given, target, Path(place), there)
        names = _names(applied, wanted)
        yield applied.down_migrations(names), applied


def _names(applied: _AppliedMigrations, wanted: RevertOptions) -> list[str]:
    """Return the names to roll back, in that order."""
    known = applied.known
    there = [name for name in known if name == wanted.only or not applied.is_seed(name)]
    for name in filter(None, (wanted.only, wanted.to)):
        if name not in there:
            raise RefusedError(
                f"{name} is not applied; nothing was changed",
                do="see what is applied: migplan status FOLDER --target TARGET",
            )
    # In the order in which they were applied; sorted() keeps that of the files within a run.
    names = sorted(there, key=lambda name: known[name].run or 0)
    if wanted.only:
        names = [wanted.only]
    elif wanted.all:
        pass
    elif wanted.to:
        names = names[names.index(wanted.to) + 1 :]
    else:
        names = names[-1:]
    lines = [
        why
        for name in there
        if name not in names
        for need, why in applied.needs(name).items()
        if need in names
    ]
    if lines:
        raise RefusedError(
            f"{', '.join(names)} cannot be rolled back alone, for others need it:\n  " + "\n  ".join(lines),
            do="roll those back first, or all after one with: "
            "migplan rollback FOLDER --target TARGET --to NAME",
        )
    return names[::-1]


def _seeds(applied: _AppliedMigrations, way: DownMigration) -> list[str]:
    """Return the seeds whose rows go with what a migration created."""
    return [name for name in applied.known if applied.is_seed(name) and way.name in applied.needs(name)]
