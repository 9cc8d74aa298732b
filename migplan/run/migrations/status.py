"""The status of the migrations of a folder in a target, from its journal."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Migration
from migplan.postgres.address import Address
from migplan.run.engine.journal import Journal, Past, journal_reader
from migplan.run.migrations.steps import digest_up_to, steps_of


class State(StrEnum):
    """The state of a migration in a target."""

    APPLIED = "applied"
    PENDING = "pending"
    HALF = "half done"  # some of its statements: they could not be in one transaction
    CHANGED = "changed"  # the file is another one than the one that was applied
    AGAIN = "to be repeated"  # a repeatable one that has changed
    MISSING = "missing"  # it was applied, and its file is not there any more

    @property
    def is_left(self) -> bool:
        """Whether an apply would run it."""
        return self in {State.PENDING, State.HALF, State.AGAIN}

    @property
    def is_there(self) -> bool:
        """Whether anything of it was applied."""
        return self is not State.PENDING


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The status of a migration in a target."""

    name: str
    state: State
    migration: Migration | None = None
    at: datetime | None = None
    by: str = ""
    digest: str = ""  # of what was applied
    run: int | None = None
    done: frozenset[int] = frozenset()  # the lines of the statements that are done
    error: str = ""  # of the last try that failed
    is_whole: bool = True  # whether all statements of what was applied are done
    moved: Mapping[int, int] = field(default_factory=dict)  # of a half that goes on with another file: lines

    @property
    def is_seed(self) -> bool:
        """Whether it brings rows to begin with: it runs when that is asked for, and may run again."""
        return self.migration is not None and self.migration.kind == "seed"

    @property
    def is_repeated(self) -> bool:
        """Whether all of it runs, although it ran before."""
        return self.is_seed or self.state is State.AGAIN


def statuses_in(analysis: Analysis, address: Address) -> tuple[MigrationStatus, ...]:
    """Return the status of each migration of a folder; nothing is changed, and nobody is kept waiting."""
    with journal_reader(address) as reader:
        return statuses_of(analysis, reader.journal)


def statuses_of(analysis: Analysis | None, journal: Journal, folder: str = "") -> tuple[MigrationStatus, ...]:
    """Return the status of each migration in an order that works, then of those whose files are gone.

    Without an analysis, of a folder that is known by its name alone, all are.
    """
    past: dict[str, list[Past]] = defaultdict(list)
    for each in journal.migrated(analysis.folder.name if analysis else folder) if journal.exists else ():
        past[each.name].append(each)
    order = analysis.order.order if analysis else ()
    here = [_standing(analysis, name, past.pop(name, ())) for name in order if analysis]
    here = [_going_on(analysis, each, journal) if analysis else each for each in here]
    gone = [_gone(name, entries) for name, entries in past.items()]
    return (*here, *(each for each in gone if each is not None))


def by_state(found: Sequence[MigrationStatus]) -> Mapping[State, list[MigrationStatus]]:
    """Return the migrations by their state."""
    sorted_out: dict[State, list[MigrationStatus]] = defaultdict(list)
    for each in found:
        sorted_out[each.state].append(each)
    return sorted_out


def _standing(analysis: Analysis, name: str, past: Sequence[Past]) -> MigrationStatus:
    migration = analysis.by_name[name].migration
    now = _latest(past, migration.digests)
    done = [each for each in now if each.state == "done"]
    failed = next((each.error or "" for each in now if each.state == "failed"), "")
    if not done:
        return MigrationStatus(name, State.PENDING, migration, error=failed)
    last = max(done, key=lambda each: (each.run, each.line))
    whole = len(done) == len(now)
    if last.digest in migration.digests:
        state = State.APPLIED if whole else State.HALF
        if state is State.HALF and not _at_its_lines(analysis, name, now):
            state = State.CHANGED
    elif whole and (migration.repeatable or migration.kind == "seed"):
        state = State.AGAIN
    else:
        state = State.CHANGED
    lines = frozenset(each.line for each in done)
    return MigrationStatus(
        name, state, migration, last.at, last.who, last.digest, last.run, lines, failed, whole
    )


def _gone(name: str, past: Sequence[Past]) -> MigrationStatus | None:
    done = [each for each in _latest(past) if each.state == "done"]
    if not done:
        return None
    last = done[-1]
    return MigrationStatus(name, State.MISSING, None, last.at, last.who, last.digest, last.run)


def _going_on(analysis: Analysis, status: MigrationStatus, journal: Journal) -> MigrationStatus:
    """Return how it stands: a half goes on with a changed file in which what is done is as it was."""
    if status.state is not State.CHANGED or status.is_whole or status.run is None:
        return status
    analysed = analysis.by_name[status.name]
    if analysed.migration.kind == "python":
        return status
    then = ""
    with suppress(ValueError, KeyError, TypeError):
        then = json.loads(journal.kept(status.run)[status.name])["begun"]["text"]
    steps = steps_of(analysis.folder, analysed, apart=True)[: len(status.done)]
    if not then or len(steps) < len(status.done) or digest_up_to(analysed.migration.up, steps[-1]) != then:
        return status
    moved = dict(zip(sorted(status.done), (step.line for step in steps), strict=True))
    return replace(status, state=State.HALF, done=frozenset(moved.values()), moved=moved)


def _at_its_lines(analysis: Analysis, name: str, past: Sequence[Past]) -> bool:
    """Whether statements of which some are done are on the same lines as then: by these they are known."""
    lines = {step.line for step in steps_of(analysis.folder, analysis.by_name[name])}
    return lines >= {each.line for each in past}


def _latest(past: Sequence[Past], digests: Collection[str] = ()) -> list[Past]:
    """Return the last entry of each statement: a run after a failed one has only what was left.

    ``digests`` are those of the same content.
    """
    done = [each.digest for each in past if each.state == "done"]
    same = {done[-1], *(digests if done[-1] in digests else ())} if done else ()
    every = [each for each in past if not done or each.digest in same]
    last = max((each.run for each in every), default=0)
    latest = {
        each.line: each for each in every if each.state == "done" or each.run == last
    }  # the oldest first
    return list(latest.values())
