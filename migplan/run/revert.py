"""Taking hand-written migrations back: the last one, all after one, or a single one that nothing needs."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from psycopg import sql

from migplan.errors import RefusedError
from migplan.handwritten.account import part_alone
from migplan.handwritten.analysis import Analysis
from migplan.handwritten.model import Thing
from migplan.handwritten.reversal import Reversal, derive
from migplan.postgres.address import Address
from migplan.run.apply import locked
from migplan.run.concerns import EVERYTHING
from migplan.run.events import Told, silence
from migplan.run.execute import Ways
from migplan.run.journal import Journal, Run
from migplan.run.migration_steps import file_of, steps_of_part
from migplan.run.of_folder import Work, work_off
from migplan.run.standing import Standing, State, standing_in, standings
from migplan.run.steps import Statements, Step

_CONCURRENTLY = re.compile(r"DROP INDEX CONCURRENTLY\b")


@dataclass(frozen=True, slots=True)
class WayBack:
    """How one migration is taken back: by its down part, or by what was derived from its statements."""

    name: str
    derived: Reversal | None = None


@dataclass(frozen=True)
class Reverting:
    """What people want of it: one migration, all after one, or the last one."""

    only: str = ""
    to: str = ""
    ways: Ways = field(default_factory=Ways)
    agreed: Callable[[Sequence[WayBack]], None] = lambda _ways: None  # raises to refuse


@dataclass(frozen=True, slots=True)
class Reverted:
    """What came of it."""

    run: Run | None
    names: tuple[str, ...] = ()
    seconds: float = 0.0


def foreseen(analysis: Analysis, address: Address, wanted: Reverting) -> tuple[WayBack, ...]:
    """What would be taken back, in that order, and how."""
    known = standing_in(analysis, address)
    return _ways_back(analysis, _names(analysis, known, wanted), known)


def revert(analysis: Analysis, address: Address, wanted: Reverting, told: Told = silence) -> Reverted:
    """Take migrations back, the last one first; StepError says where it stopped."""
    with locked(address, wanted.ways) as lock:
        journal = Journal(lock, address)
        if not journal.exists:
            return Reverted(None)
        known = standings(analysis, journal)
        names = _names(analysis, known, wanted)
        if not names:
            return Reverted(None)
        ways = _ways_back(analysis, names, known)
        wanted.agreed(ways)
        migrations = [analysis.by_name[name].migration for name in names]
        steps = [step for way in ways for step in _steps(analysis, way)]
        work = Work("revert", analysis.folder, migrations, steps, wanted.ways)
        done = work_off(work, address, lock, journal, told)
        return Reverted(done.run, tuple(names), done.seconds)


def _names(analysis: Analysis, known: Sequence[Standing], wanted: Reverting) -> list[str]:
    """What is to go, in the order in which it goes."""
    applied = [
        each for each in known if each.state.is_there and (not each.is_seed or each.name == wanted.only)
    ]
    there = {each.name for each in applied}
    for name in filter(None, (wanted.only, wanted.to)):
        if name not in there:
            raise RefusedError(
                f"{name} is not applied; nothing was changed", do="see what is with: migplan status"
            )
    # In the order in which they were applied; sorted() keeps that of the files within a run.
    names = [each.name for each in sorted(applied, key=lambda each: each.run or 0)]
    if wanted.only:
        names = [wanted.only]
    elif wanted.to:
        names = names[names.index(wanted.to) + 1 :]
    else:
        names = names[-1:]
    _refuse_needed(analysis, names, there)
    return names[::-1]


def _refuse_needed(analysis: Analysis, names: Sequence[str], there: set[str]) -> None:
    going = set(names)
    lines = [
        f"{because.migration}, line {because.need.line}, needs {because.made.thing} of {name}"
        for name in names
        for because in analysis.order.dependents.get(name, ())
        if because.migration in there and because.migration not in going
    ]
    if lines:
        raise RefusedError(
            f"{', '.join(names)} cannot be taken back alone, for others need it:\n  " + "\n  ".join(lines),
            do="take those back first, or all after one with: migplan rollback --to NAME",
        )


def _ways_back(analysis: Analysis, names: Sequence[str], known: Sequence[Standing]) -> tuple[WayBack, ...]:
    standing = {each.name: each for each in known}
    earlier = _Earlier(analysis)
    found, impossible = [], []
    for name in names:
        if standing[name].state is State.MISSING:
            impossible.append(f"{name}: its file is not there any more")
            continue
        migration = analysis.by_name[name].migration
        if migration.down is not None:
            found.append(WayBack(name))
        elif migration.kind == "python":
            impossible.append(f"{name}: a program has no way back, unless {name}.down.sql is written")
        else:
            derived = derive(migration.up, before=earlier.of(name))
            impossible += [
                f"{name}, line {each.line}: {each.statement}: {each.why}" for each in derived.cannot
            ]
            found.append(WayBack(name, derived))
    if impossible:
        raise RefusedError(
            "there is no way back that could be derived; nothing was changed:\n  " + "\n  ".join(impossible),
            do="write it, as NAME.down.sql beside the file, or as a section -- migplan: down",
        )
    return tuple(found)


class _Earlier:
    """What was there before a migration, because one before it makes it."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._places = {name: place for place, name in enumerate(analysis.order.order)}
        self._first: dict[Thing, int] = {}  # where each thing is made first
        for name, place in self._places.items():
            for use in analysis.by_name[name].uses:
                if use.how == "creates":
                    self._first.setdefault(use.thing, place)

    def of(self, name: str) -> frozenset[Thing]:
        """As far as the migration itself has to do with it."""
        place = self._places[name]
        things = (use.thing for use in self._analysis.by_name[name].uses)
        return frozenset(thing for thing in things if self._first.get(thing, place) < place)


def _steps(analysis: Analysis, way: WayBack) -> list[Step]:
    """The statements of the way back; the last of them says in the same transaction that it is gone."""
    found = _written(analysis, way) if way.derived is None else _derived(analysis, way)
    up = analysis.by_name[way.name].migration.up
    last = found[-1] if found and not found[-1].alone else None
    said = Statements(0, 0, last.line if last else up.line, _gone(analysis, way.name))
    if last is not None:
        return [*found[:-1], replace(last, pieces=(*last.pieces, said))]
    return [*found, _step(analysis, way.name, said)]


def _written(analysis: Analysis, way: WayBack) -> Sequence[Step]:
    """What the down part says."""
    migration = analysis.by_name[way.name].migration
    assert migration.down is not None
    lonely = part_alone(migration.down)
    together = migration.in_transaction
    return steps_of_part(analysis.folder, way.name, "revert", migration.down, lonely, together=together)


def _derived(analysis: Analysis, way: WayBack) -> Sequence[Step]:
    """The statements that were derived: one step, unless one of them cannot be in a transaction."""
    assert way.derived is not None
    part = analysis.by_name[way.name].migration.up
    texts = [f"{each};" for each in way.derived.statements]
    lonely = {text for text in texts if _CONCURRENTLY.match(text)}
    return [
        _step(
            analysis,
            way.name,
            Statements(part.start, part.end, part.line, text),
            alone=text if text in lonely else "",
        )
        for text in (texts if lonely else ["\n".join(texts)])
    ]


def _step(analysis: Analysis, name: str, piece: Statements, *, alone: str = "") -> Step:
    """A step of what is not in the file, under the name of the file that it takes back."""
    part = analysis.by_name[name].migration.up
    file = file_of(analysis.folder, part)
    return Step(0, file, name, "revert", part.line, "", (piece,), EVERYTHING, alone=alone)


def _gone(analysis: Analysis, name: str) -> str:
    """What says in the journal that a migration is taken back."""
    needing = (because.migration for because in analysis.order.dependents.get(name, ()))
    seeds = [each for each in needing if analysis.by_name[each].migration.kind == "seed"]
    return (
        sql.SQL(
            "UPDATE migplan.step s SET state = 'undone' FROM migplan.run r WHERE r.run = s.run "
            "AND r.kind = 'migrate' AND r.bundle = {} AND s.name = ANY ({}) AND s.state = 'done';"
        )
        .format(analysis.folder.name, sql.Literal([name, *seeds]))  # the rows of its seeds go with its tables
        .as_string()
    )
