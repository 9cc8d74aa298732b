"""Taking hand-written migrations back: the last one, all after one, or a single one that nothing needs."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace

from psycopg import sql

from migplan.errors import RefusedError
from migplan.handwritten.account import part_alone
from migplan.handwritten.analysis import Analysis
from migplan.handwritten.model import Thing
from migplan.handwritten.reversal import Reversal, derive
from migplan.postgres.address import Address
from migplan.postgres.connect import connect
from migplan.run.apply import ending, locked
from migplan.run.concerns import EVERYTHING
from migplan.run.events import Told, silence
from migplan.run.execute import Execution, Ways
from migplan.run.journal import Beginning, Journal, Run
from migplan.run.migration_steps import steps_of_part
from migplan.run.standing import Standing, State, standings
from migplan.run.status import Connected
from migplan.run.steps import Statements, Step

_CONCURRENTLY = re.compile(r"DROP INDEX CONCURRENTLY\b")
_THERE = frozenset({State.APPLIED, State.HALF, State.CHANGED, State.AGAIN, State.MISSING})


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
    with closing(connect(address)) as connection:
        connection.autocommit = True
        journal = Journal(Connected(connection), address)
        known = standings(analysis, journal if journal.exists else None)
    return _ways_back(analysis, _names(analysis, known, wanted), known)


def revert(analysis: Analysis, address: Address, wanted: Reverting, told: Told = silence) -> Reverted:
    """Take migrations back, the last one first; StepError says where it stopped."""
    with locked(address) as lock:
        journal = Journal(lock, address)
        if not journal.exists:
            return Reverted(None)
        known = standings(analysis, journal)
        names = _names(analysis, known, wanted)
        if not names:
            return Reverted(None)
        ways = _ways_back(analysis, names, known)
        wanted.agreed(ways)
        folder = analysis.folder.path.resolve().name
        found = [step for way in ways for step in _steps(analysis, way, folder)]
        steps = [replace(step, number=number) for number, step in enumerate(found, 1)]
        digests = {name: analysis.by_name[name].migration.digest for name in names}
        run = journal.begin(
            Beginning(
                "revert",
                folder,
                hashlib.sha256(json.dumps(digests).encode()).hexdigest(),
                steps,
                {step.file: digests[step.name] for step in steps},
            )
        )
        started = time.monotonic()
        jobs = replace(wanted.ways, jobs=1)
        execution = Execution(address, analysis.folder.path.resolve(), journal, lock, jobs, told)
        with ending(journal, run):
            execution.run(run.run, steps, set())
        return Reverted(journal.run(run.run), tuple(names), time.monotonic() - started)


def _names(analysis: Analysis, known: Sequence[Standing], wanted: Reverting) -> list[str]:
    """What is to go, in the order in which it goes."""
    applied = [
        each for each in known if each.state in _THERE and (not each.is_seed or each.name == wanted.only)
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
    lines = [
        f"{because.migration}, line {because.need.line}, needs {because.made.thing} of {name}"
        for name in names
        for because in analysis.order.dependents.get(name, ())
        if because.migration in there and because.migration not in names
    ]
    if lines:
        raise RefusedError(
            f"{', '.join(names)} cannot be taken back alone, for others need it:\n  " + "\n  ".join(lines),
            do="take those back first, or all after one with: migplan rollback --to NAME",
        )


def _ways_back(analysis: Analysis, names: Sequence[str], known: Sequence[Standing]) -> tuple[WayBack, ...]:
    standing = {each.name: each for each in known}
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
            derived = derive(migration.up, before=_before(analysis, name))
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


def _before(analysis: Analysis, name: str) -> frozenset[Thing]:
    names = analysis.order.order
    earlier = names[: names.index(name)]
    return frozenset(
        use.thing for each in earlier for use in analysis.by_name[each].uses if use.how == "creates"
    )


def _steps(analysis: Analysis, way: WayBack, folder: str) -> list[Step]:
    """The statements of the way back; the last of them says in the same transaction that it is gone."""
    migration = analysis.by_name[way.name].migration
    if way.derived is None:
        assert migration.down is not None
        lonely = part_alone(migration.down)
        found = list(
            steps_of_part(
                analysis.folder, way.name, "revert", migration.down, lonely, together=migration.in_transaction
            )
        )
    else:
        part = migration.up
        file = str(part.file.resolve().relative_to(analysis.folder.path.resolve()))
        texts = [f"{each};" for each in way.derived.statements]
        lonely_texts = {text for text in texts if _CONCURRENTLY.match(text)}
        if not lonely_texts:
            texts = ["\n".join(texts)]
        found = [
            Step(
                0,
                file,
                way.name,
                "revert",
                part.line,
                "",
                (Statements(part.start, part.end, part.line, text),),
                EVERYTHING,
                alone=text if text in lonely_texts else "",
            )
            for text in texts
        ]
    needing = (because.migration for because in analysis.order.dependents.get(way.name, ()))
    seeds = [name for name in needing if analysis.by_name[name].migration.kind == "seed"]
    gone = (
        sql.SQL(
            "UPDATE migplan.step s SET state = 'undone' FROM migplan.run r WHERE r.run = s.run "
            "AND r.kind = 'migrate' AND r.bundle = {} AND s.name = ANY ({}) AND s.state = 'done';"
        )
        .format(folder, sql.Literal([way.name, *seeds]))  # the rows of its seeds go with its tables
        .as_string()
    )
    last = found[-1] if found and not found[-1].alone else None
    line = last.line if last else migration.up.line
    said = Statements(0, 0, line, gone)
    if last is not None:
        return [*found[:-1], replace(last, pieces=(*last.pieces, said))]
    file = str(migration.up.file.resolve().relative_to(analysis.folder.path.resolve()))
    return [*found, Step(0, file, way.name, "revert", line, "", (said,), EVERYTHING)]
