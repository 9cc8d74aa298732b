"""Trying migrations on a scratch server: their files are run there as an apply runs them on a target.

The same steps are done by the same engine, in a database that is made for it: file by file, a file in a
transaction as far as it can be one. What the server says and does is noted: where it fails, how long it
takes, which locks are held on what was there before, which tables are written anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import LiteralString, Protocol

from migplan.errors import StepError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import ThingKind
from migplan.names import QualifiedName, split
from migplan.postgres.address import Address
from migplan.postgres.scratch import Judge, judge
from migplan.postgres.session import Session, connect
from migplan.run.engine.events import Began, Event, Finished
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.options import Limits, RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import locked
from migplan.run.engine.worker import Observer
from migplan.run.migrations.base import KEPT_AS, NOTHING, Base, of_bundle, of_target, unpacked, where
from migplan.run.migrations.extensions import Extensions, wanted_by
from migplan.run.migrations.steps import run_steps, steps_of
from migplan.sql.statements import beginning

_MODES = (
    "AccessShareLock",
    "RowShareLock",
    "RowExclusiveLock",
    "ShareUpdateExclusiveLock",
    "ShareLock",
    "ShareRowExclusiveLock",
    "ExclusiveLock",
    "AccessExclusiveLock",
)
BLOCKS: Mapping[str, str] = {
    "AccessShareLock": "blocks DROP and most of ALTER",
    "RowShareLock": "blocks DROP and most of ALTER",
    "RowExclusiveLock": "blocks CREATE INDEX and most of ALTER; reads and writes go on",
    "ShareUpdateExclusiveLock": "blocks VACUUM and other changes of the table; reads and writes go on",
    "ShareLock": "blocks writes; reads go on",
    "ShareRowExclusiveLock": "blocks writes; reads go on",
    "ExclusiveLock": "blocks writes and SELECT FOR UPDATE; other reads go on",
    "AccessExclusiveLock": "blocks reads and writes",
}
"""What a lock on a table keeps others from, until the transaction ends."""

_RELATIONS: LiteralString = """
    SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text,
           pg_catalog.pg_relation_filenode(c.oid)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.oid >= 16384 AND c.relpersistence <> 't'
      AND n.nspname <> 'migplan'
"""
_LOCKS: LiteralString = """
    SELECT l.relation, l.mode FROM pg_catalog.pg_locks l
    WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
      AND l.relation >= 16384
"""
_DURING = "looking at what a migration does on the scratch server"


class Watching(Protocol):
    """Looks at the scratch database between two files, when nothing else is going on there.

    ``session`` is one of its own, in autocommit mode; it is the same one from the first file to the last.
    """

    def before(self, name: str, session: Session) -> None:
        """Look before the first statement of a migration."""

    def after(self, name: str, session: Session) -> None:
        """Look when all of a migration is committed."""


@dataclass(frozen=True, slots=True)
class HeldLock:
    """The strongest lock that a file holds on a relation that was there before it."""

    relation: QualifiedName
    mode: str  # as pg_locks has it

    @property
    def blocks(self) -> str:
        """What others cannot do until the file is done."""
        return BLOCKS.get(self.mode, "")

    @property
    def rank(self) -> int:
        """How strong it is."""
        return _MODES.index(self.mode) if self.mode in _MODES else 0


@dataclass(frozen=True, slots=True)
class Failure:
    """Where a file failed, and what the server said."""

    what: str
    sqlstate: str
    file: str
    line: int
    statement: str = ""
    detail: str = ""
    hint: str = ""
    context: str = ""

    @classmethod
    def of(cls, error: StepError) -> Failure:
        """Return the failure of a step."""
        return cls(
            error.what,
            error.sqlstate or "",
            error.file,
            error.line or 0,
            beginning(error.statement),
            error.detail,
            error.hint,
            error.context,
        )


@dataclass(frozen=True, slots=True)
class TriedFile:
    """What came of a migration on the scratch server."""

    name: str
    state: str = "ok"  # ok, failed, not tried, left out
    seconds: float = 0.0
    failure: Failure | None = None
    locks: tuple[HeldLock, ...] = ()  # the strongest first
    rewritten: tuple[
        QualifiedName, ...
    ] = ()  # tables that were there before, and whose rows are written anew
    why: str = ""  # it was not tried, or was left out


@dataclass(frozen=True, slots=True)
class Built:
    """A scratch database with a base and migrations, and what came of each."""

    address: Address
    files: tuple[TriedFile, ...]
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[TriedFile, ...]:
        """The files that failed."""
        return tuple(each for each in self.files if each.state == "failed")

    @property
    def holds(self) -> bool:
        """Whether every file that was tried ran."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """The choices of a trial."""

    seeds: bool = False  # run the seeds, too
    keep_going: bool = False  # after a failure, try the files that do not need the one that failed
    watching: Watching | None = None
    observer: Observer | None = None  # looks from within the transactions, as on a target


@dataclass
class Trials:
    """A scratch server for the migrations of a folder: each :meth:`build` is a new database there.

    What stands before the first migration is made once, and copied for each of them.
    """

    judge: Judge
    analysis: Analysis
    base: Base
    notes: tuple[str, ...] = ()  # what people should know of the server and of the base
    _template: str = field(default="", repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, repr=False)

    @property
    def extensions(self) -> Extensions:
        """Those that the server lacks."""
        wanted = self.base.extensions | wanted_by(self.analysis.file_analyses)
        return Extensions.of(wanted, self.judge.extensions)

    @contextmanager
    def build(
        self, names: Sequence[str] | None = None, options: TrialOptions | None = None
    ) -> Iterator[Built]:
        """A database with the base and then the migrations of these names, in this order, for a block.

        Without names all are run, in an order that works. A failure is no exception: ``Built`` says it, and
        the files after it were not tried.
        """
        wanted = options or TrialOptions()
        every = list(self.analysis.order.order) if names is None else list(names)
        before = self.judge.roles()
        try:
            with self.judge.database(self.base.database, self._base()) as address:
                self.base.set_path(address)
                yield Built(address, tuple(_Trying(self, address, wanted).all(every)), self.notes)
        finally:
            # Roles belong to the whole server: without this the next build would find them there.
            self.judge.drop_roles(self._roles_made() - before)

    def _base(self) -> str:
        """The database to copy; it is made when the first one is wanted."""
        if not self._template:
            extensions = self.extensions
            address = self._stack.enter_context(self.judge.database())
            _, missed = self.judge.make_roles(self.base.roles | self._roles_needed())
            notes = [*self.judge.notes, *extensions.notes, *([missed] if missed else ())]
            self.notes = (*notes, *self.base.notes, *self.base.load(address, extensions))
            self._template = address.params["dbname"]
        return self._template

    def close(self) -> None:
        """Drop what was made."""
        self._stack.close()

    def _roles_made(self) -> frozenset[str]:
        uses = (use for each in self.analysis.file_analyses for use in each.uses if use.how == "creates")
        return frozenset(split(use.thing.name)[0] for use in uses if use.thing.kind is ThingKind.ROLE)

    def _roles_needed(self) -> frozenset[str]:
        things = (each.thing for each in self.analysis.order.missing)
        return frozenset(split(thing.name)[0] for thing in things if thing.kind is ThingKind.ROLE)


@contextmanager
def trials(
    analysis: Analysis, *, target: Address | None = None, on: Path | None = None, lent: Address | None = None
) -> Iterator[Trials]:
    """A scratch server for the migrations of a folder, for a block.

    What stands before the first of them is ``on``, a bundle, else what the target had before the first of
    them was applied to it, else nothing. ``lent`` is a server on which databases may be made and dropped.
    LaunchError where there is no server to try them on.
    """
    base = of_bundle(on) if on is not None else before_first(analysis, target) if target else NOTHING
    major = None
    if target is not None:
        with connect(target) as session:
            major = session.version // 10000
    extensions = base.extensions | wanted_by(analysis.file_analyses)
    with judge(lent, major=major, extensions=extensions, superuser=base.superuser) as server:
        found = Trials(server, analysis, base)
        with closing(found):
            yield found


def before_first(analysis: Analysis, target: Address) -> Base:
    """Return what a target had before the first migration of a folder was applied to it."""
    with journal_reader(target) as reader:
        journal = reader.journal
        runs = journal.runs() if journal.exists else []
        for run in (each for each in runs if each.kind == "migrate" and each.bundle == analysis.folder.name):
            kept = journal.kept(run.run).get(KEPT_AS)
            if kept is not None:
                try:
                    return unpacked(kept)
                except ValueError:
                    raise journal.was_altered(
                        f"what it keeps of run {run.run}, {KEPT_AS}, is no schema"
                    ) from None
            if any(each.state == "done" for each in journal.entries(run.run)):
                said = "nothing: what was there before the first migration is not known"
                note = f"run {run.run}, the first of this folder, kept no schema of what was there before it"
                return replace(where(target), said=said, notes=(note,))
    return of_target(target)


class _Trying:
    """One build."""

    def __init__(self, trials: Trials, address: Address, wanted: TrialOptions) -> None:
        self._analysis = trials.analysis
        self._extensions = trials.extensions
        self._address = address
        self._wanted = wanted
        self._found: dict[str, TriedFile] = {}

    def all(self, names: Sequence[str]) -> list[TriedFile]:
        """Run the files, and return what came of each, in their order."""
        left = [name for name in names if self._is_run(name)]
        while left:
            failed = self._run(left)
            if not failed:
                break
            left = left[left.index(failed) + 1 :]
            without = self._dependents(failed) if self._wanted.keep_going else frozenset(left)
            for name in left:
                if name in without:
                    why = f"it needs {failed}" if self._wanted.keep_going else f"{failed} failed before it"
                    self._found[name] = TriedFile(name, "not tried", why=why)
            left = [name for name in left if name not in without]
        return [self._found[name] for name in names]

    def _is_run(self, name: str) -> bool:
        migration = self._analysis.by_name[name].migration
        why = {
            "python": "it is a program, and the scratch database has no rows for it",
            "seed": "" if self._wanted.seeds else "it is a seed",
        }.get(migration.kind, "")
        if why:
            self._found[name] = TriedFile(name, "left out", why=why)
        return not why

    def _run(self, names: Sequence[str]) -> str:
        """Run the files up to the first that fails, and return its name."""
        analysis = self._analysis
        steps = [
            self._extensions.replaced(step, analysis.by_name[name])
            for name in names
            for step in steps_of(analysis.folder, analysis.by_name[name])
        ]
        with connect(self._address) as session:
            session.autocommit = True
            noting = _Noting(self._wanted, Counter(step.name for step in steps), session)
            digests = {name: analysis.by_name[name].migration.digest for name in names}
            try:
                with locked(self._address, RunOptions(limits=Limits(0, 0), retries=0), noting.hear) as target:
                    run_steps(target, "migrate", analysis.folder, digests, steps, observer=noting)
            except StepError as error:
                self._found |= noting.found
                noted = noting.of(error.step)
                self._found[error.step] = replace(noted, state="failed", failure=Failure.of(error))
                return error.step
            self._found |= noting.found
        return ""

    def _dependents(self, name: str) -> frozenset[str]:
        """The migrations that need one, directly or by way of others."""
        found, waiting = set[str](), [name]
        while waiting:
            for reason in self._analysis.order.dependents.get(waiting.pop(), ()):
                if reason.migration not in found:
                    found.add(reason.migration)
                    waiting.append(reason.migration)
        return frozenset(found)


class _Noting:
    """Notes what each file does, from within its transaction, and calls who watches between the files."""

    def __init__(self, wanted: TrialOptions, steps: Counter[str], session: Session) -> None:
        self._watching = wanted.watching
        self._observer = wanted.observer
        self._left = steps
        self._session = session
        self._begun: set[str] = set()
        self._before: dict[int, tuple[QualifiedName, str, int | None]] = {}
        self.found: dict[str, TriedFile] = {}

    def of(self, name: str) -> TriedFile:
        """What is noted of a file up to now."""
        return self.found.get(name) or TriedFile(name)

    def hear(self, event: Event) -> None:
        """Hear that a step begins, or is committed."""
        if isinstance(event, Began) and event.step.name not in self._begun:
            self._begun.add(event.step.name)
            if self._watching:
                self._watching.before(event.step.name, self._session)
        elif isinstance(event, Finished):
            name = event.step.name
            noted = self.of(name)
            self.found[name] = replace(noted, seconds=noted.seconds + event.seconds)
            self._left[name] -= 1
            if self._watching and not self._left[name]:
                self._watching.after(name, self._session)

    def begun(self, step: Step, session: Session) -> None:
        """Note what is there before a step."""
        self._before = {
            oid: (QualifiedName(schema, name), kind, file)
            for oid, schema, name, kind, file in session.ask(_RELATIONS, during=_DURING)
        }
        if self._observer:
            self._observer.begun(step, session)

    def ending(self, step: Step, session: Session) -> None:
        """Note which locks the step holds, and which tables have other files than before."""
        if self._observer:
            self._observer.ending(step, session)
        held: dict[QualifiedName, str] = {}
        for oid, mode in session.ask(_LOCKS, during=_DURING):
            if oid in self._before:
                name = self._before[oid][0]
                held[name] = max(held.get(name, mode), mode, key=_rank)
        after = {oid: file for oid, _, _, _, file in session.ask(_RELATIONS, during=_DURING)}
        rewritten = [
            name
            for oid, (name, kind, file) in self._before.items()
            if kind == "r" and oid in after and after[oid] != file
        ]
        noted = self.of(step.name)
        locks = {each.relation: each.mode for each in noted.locks}
        for name, mode in held.items():
            locks[name] = max(locks.get(name, mode), mode, key=_rank)
        found = sorted(
            (HeldLock(*each) for each in locks.items()), key=lambda each: (-each.rank, each.relation)
        )
        self.found[step.name] = replace(
            noted, locks=tuple(found), rewritten=tuple(sorted({*noted.rewritten, *rewritten}))
        )


def _rank(mode: str) -> int:
    return _MODES.index(mode) if mode in _MODES else 0
