"""Trying migrations on a scratch server: their files are run there as an apply runs them on a target.

The same steps are done by the same engine, in a database that is made for it: file by file, a file in a
transaction as far as it can be one. What the server says and does is noted: where it fails, how long it
takes, which locks are held on what was there before, which tables are written anew.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import LiteralString, Protocol

from migplan.catalog.provided import Provided
from migplan.catalog.state import StateReader
from migplan.config import Platform
from migplan.errors import StepError
from migplan.migrations.analysis import Analysis
from migplan.migrations.model import Migration, Thing, ThingKind
from migplan.migrations.source_files import reopened, statements_of
from migplan.names import QualifiedName, quoted, split
from migplan.platforms import presets
from migplan.postgres.address import Address
from migplan.postgres.scratch import EMPTY, Judge, judge
from migplan.postgres.session import Session, connect, reading
from migplan.run.engine.events import Began, Event, Finished, OnEvent, ignore
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.options import Limits, RunOptions
from migplan.run.engine.steps import Step
from migplan.run.engine.target import locked
from migplan.run.engine.worker import Observer, Observers
from migplan.run.migrations.base import (
    KEPT_AS,
    NOTHING,
    Base,
    of_bundle,
    of_platform,
    of_target,
    stand_ins_in,
    unpacked,
)
from migplan.run.migrations.down_migrations import down_migrations_of, packed
from migplan.run.migrations.extensions import Extensions, wanted_by
from migplan.run.migrations.recording import Recorder
from migplan.run.migrations.steps import run_steps, steps_of
from migplan.sql.statements import Parsed, beginning
from migplan.text.wording import listed

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
# Undefined: a schema, table, column, function, object, or a type's operator class.
_UNDEFINED = frozenset({"3F000", "42P01", "42703", "42704", "42883", "42P02"})
_BROUGHT = {"3F000": ThingKind.SCHEMA, "42704": ThingKind.ROLE}
_NAMED = re.compile(r'"([^"]+)"')
# What the rows of a database decide: cardinality, data, constraints, and what a file raises by itself.
_OF_ROWS = frozenset({"21", "22", "23", "P0"})
_NOT_OF_ROWS = frozenset({"22P02", "22007", "22008"})  # texts that no row would make right
# What a scratch server has not, whatever stands in its database.
_ONLY_ELSEWHERE = tuple(
    (re.compile(pattern), why)
    for pattern, why in (
        (
            r"extension .* is not available|could not open extension control file",
            "the scratch server lacks it",
        ),
        (
            r"collation .* does not exist|could not (create|open) (a )?(locale|collator)",
            "it has other collations",
        ),
        (r'language ".*" does not exist', "the scratch server lacks this language"),
        (r'tablespace ".*" does not exist', "the scratch server has no tablespaces"),
        (r'database ".*" does not exist', "the scratch server has no other databases"),
        (r"could not (access|open|load|connect|establish)", "it reaches for what is outside of the database"),
        (r"must be loaded via|shared_preload_libraries|wal_level", "the scratch server is set up otherwise"),
    )
)
# What reaches out to other servers; and what changes the server as a whole, where others use it, too.
_TO_OTHERS = frozenset({"create_subscription_stmt", "alter_subscription_stmt", "drop_subscription_stmt"})
_OF_THE_SERVER = frozenset(
    {
        *("alter_system_stmt", "createdb_stmt", "dropdb_stmt", "alter_database_stmt"),
        *("alter_database_set_stmt", "create_table_space_stmt", "drop_table_space_stmt"),
        *("alter_role_stmt", "alter_role_set_stmt", "drop_role_stmt", "grant_role_stmt", "drop_owned_stmt"),
    }
)
_BODIES = frozenset({"create_function_stmt", "view_stmt", "comment_stmt", "create_extension_stmt"})
_REACHING = re.compile(
    r"\bdblink(_\w+)?\s*\(|\b(to|from)\s+program\s+[$'E]|\bpg_(terminate|cancel)_backend\s*\("
    r"|\blo_(im|ex)port\s*\(|\bpg_reload_conf\s*\(",
    re.IGNORECASE,
)
_MADE_BY = rb"(?i)\bcreate\s+(?:role|user|group)\s+\"?"  # in a DO block, for example
_LOOKS_FOR = rb"\b(?:(?:rol|use|gro)name\s*(?:=\s*|in\s*\([^)]*)|to_regrole\s*\(\s*)"
_ROLES: LiteralString = "SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_'"
_TRUNCATE = re.compile(rb"\btruncate\b", re.IGNORECASE)
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

    @property
    def place(self) -> str:
        """``002_orders.sql:3``."""
        return f"{self.file}:{self.line}" if self.line else self.file

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
            error.hint or error.do,
            error.context,
        )


@dataclass(frozen=True, slots=True)
class TriedFile:
    """What came of a migration on the scratch server."""

    name: str
    state: str = "ok"  # ok, failed, not judged, not tried, left out
    seconds: float = 0.0
    failure: Failure | None = None
    locks: tuple[HeldLock, ...] = ()  # the strongest first
    rewritten: tuple[
        QualifiedName, ...
    ] = ()  # tables that were there before, and whose rows are written anew
    emptied: tuple[QualifiedName, ...] = ()  # by TRUNCATE
    back: tuple[str, ...] = ()  # in what its way back does not lead to the state before it, or how it fails
    out_of_place: tuple[str, ...] = ()  # columns that come back behind others that they stood before
    no_way_back: tuple[str, ...] = ()  # why there is none
    why: str = ""  # it was not judged, not tried, or left out; of one that failed, what may be meant


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
    def not_judged(self) -> tuple[TriedFile, ...]:
        """The files that failed for what the scratch server lacks."""
        return tuple(each for each in self.files if each.state == "not judged")

    @property
    def holds(self) -> bool:
        """Whether every file that was tried ran."""
        return not self.failed and not self.not_judged


@dataclass(frozen=True, slots=True)
class TrialOptions:
    """The choices of a trial."""

    seeds: bool = False  # run the seeds, too
    keep_going: bool = False  # after a failure, try the files that do not need the one that failed
    watching: Watching | None = None
    observer: Observer | None = None  # looks from within the transactions, as on a target
    on_event: OnEvent = ignore
    records: bool = False  # keep the way back of each migration, as an apply does
    states: StateReader = field(default_factory=StateReader)  # one for all who look at the database


@dataclass
class Trials:
    """A scratch server for the migrations of a folder: each :meth:`build` is a new database there.

    What stands before the first migration is made once, and copied for each of them.
    """

    judge: Judge
    analysis: Analysis
    base: Base
    notes: tuple[str, ...] = ()  # what people should know of the server and of the base
    failed_in_base: bool = False  # something of the base could not be made
    _builds: int = 0
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
        before = self._prepared()
        try:
            with self._database() as address:
                self.base.set_path(address)
                yield Built(address, tuple(_Trying(self, address, wanted).all(every)), self.notes)
        finally:
            # Roles belong to the whole server: without this the next build would find them there.
            self.judge.drop_roles(roles_made(self.analysis) - before)

    def run(self, address: Address, names: Sequence[str], options: TrialOptions) -> tuple[TriedFile, ...]:
        """Run migrations in a database that was built, once more or in addition; what came of each."""
        return tuple(_Trying(self, address, options).all(names))

    def _prepared(self) -> frozenset[str]:
        """The roles that are there when a build begins; those that are needed are made for the first one."""
        if not self._builds:
            made, missed = self.judge.make_roles(self.base.roles | self._roles_needed())
            self._stack.callback(self.judge.drop_roles, made)
            self.notes = (
                *self.judge.notes,
                *self.extensions.notes,
                *([missed] if missed else ()),
                *self.base.notes,
            )
        self._builds += 1
        return self.judge.roles()

    @contextmanager
    def _database(self) -> Iterator[Address]:
        """A database with the base in it; what the second one copies is made for it."""
        template = ""
        if self.base.is_empty:
            template = EMPTY
        elif self._builds > 1:
            template = self._template = self._template or self._made_template()
        with self.judge.database(self.base.database, template or EMPTY) as address:
            if not template:
                self._load(address)
            yield address

    def _made_template(self) -> str:
        address = self._stack.enter_context(self.judge.database())
        self._load(address)
        return address.params["dbname"]

    def _load(self, address: Address) -> None:
        failed = self.base.load(address, self.extensions)
        self.failed_in_base = bool(failed)
        self.notes = (*(note for note in self.notes if note not in failed), *failed)

    def close(self) -> None:
        """Drop what was made."""
        self._stack.close()

    def _roles_needed(self) -> frozenset[str]:
        """The roles that nobody makes, less those that files look for before they use them."""
        things = [each.thing for each in self.analysis.order.missing if each.thing.kind is ThingKind.ROLE]
        return frozenset(split(thing.name)[0] for thing in things if not self._is_looked_for(thing))

    def _is_looked_for(self, role: Thing) -> bool:
        using = (
            each.migration
            for each in self.analysis.file_analyses
            if any(use.thing == role for use in each.uses)
        )
        name = re.escape(split(role.name)[0].encode())
        looks = re.compile(_LOOKS_FOR + rb"'\"?" + name + rb"\"?'", re.IGNORECASE)
        return all(each.kind != "python" and looks.search(reopened(each.up).getvalue()) for each in using)


def roles_made(analysis: Analysis) -> frozenset[str]:
    """The roles that the files of a folder make."""
    uses = (use for each in analysis.file_analyses for use in each.uses if use.how == "creates")
    return frozenset(split(use.thing.name)[0] for use in uses if use.thing.kind is ThingKind.ROLE)


@contextmanager
def trials(
    analysis: Analysis,
    *,
    target: Address | None = None,
    on: Path | None = None,
    lent: Address | None = None,
    platform: Platform | None = None,
    base: Base | None = None,
) -> Iterator[Trials]:
    """A scratch server for the migrations of a folder, for a block.

    What stands before the first of them is ``base``, where that is known, else ``on``, a bundle, else what
    the target had before the first of them was applied to it, else stand-ins for what the platform brings
    along. ``lent`` is a server on which databases may be made and dropped. LaunchError where there is no
    server to try them on.
    """
    base = base or base_of(analysis, target=target, on=on, platform=platform)
    with opened(analysis, base, major=major_of(target) if target else None, lent=lent) as found:
        yield found


@contextmanager
def opened(
    analysis: Analysis, base: Base, *, major: int | None = None, lent: Address | None = None
) -> Iterator[Trials]:
    """The same, where the base is known; ``major`` is the target's version."""
    extensions = base.extensions | wanted_by(analysis.file_analyses)
    with judge(lent, major=major, extensions=extensions, superuser=base.superuser) as server:
        found = Trials(server, analysis, base)
        with closing(found):
            yield found


def major_of(target: Address) -> int:
    """Return the major version of a server."""
    with connect(target) as session:
        return session.version // 10000


def base_of(
    analysis: Analysis,
    *,
    target: Address | None = None,
    on: Path | None = None,
    platform: Platform | None = None,
) -> Base:
    """Return what stands before the first migration: see :func:`trials`."""
    if on is not None:
        return of_bundle(on)
    if target is not None:
        base = before_first(analysis, target)
        return replace(base, roles=base.roles | _roles_named(analysis, target))
    return of_platform(platform) if platform is not None and platform.stand_ins else NOTHING


def _roles_named(analysis: Analysis, target: Address) -> frozenset[str]:
    """The roles of a target that the files name anywhere, in dynamic SQL, too, and none of them makes."""
    with reading(target) as session:
        there = {name for (name,) in session.ask(_ROLES, during="looking for roles")} - roles_made(analysis)
    texts = [
        reopened(each.migration.up).getvalue()
        for each in analysis.file_analyses
        if each.migration.kind != "python"
    ]
    return frozenset(
        name
        for name in there
        if any(name.encode() in text for text in texts)
        and not any(re.search(_MADE_BY + re.escape(name.encode()) + rb"\b", text) for text in texts)
    )


def before_first(analysis: Analysis, target: Address) -> Base:
    """Return what a target had before the first migration of a folder was applied to it.

    If none is applied, that is what it has now.
    """
    needed = {each.thing for each in analysis.order.missing}
    content = None
    with journal_reader(target) as reader:
        journal = reader.journal
        for run in journal.runs() if journal.exists else ():
            if run.kind != "migrate" or run.bundle != analysis.folder.name:
                continue
            content = journal.kept(run.run).get(KEPT_AS, content)
            if not any(each.state == "done" for each in journal.entries(run.run)):
                continue
            if content is None:
                why = f"run {run.run}, the first of this folder, kept nothing of what was there before it"
                return stand_ins_in(target, needed, why)
            try:
                return unpacked(content)
            except ValueError:
                what = f"what it keeps of run {run.run}, {KEPT_AS}, is no schema"
                raise journal.was_altered(what) from None
    return of_target(target, needed)


def before_adopting(analysis: Analysis, target: Address, platform: Platform | None) -> Base:
    """Return what may have stood before the first migration of a target that others have migrated.

    That is what a managed host brings along, else bare things of the target that the files need.
    """
    needed = {each.thing for each in analysis.order.missing}
    base = stand_ins_in(target, needed, "")
    if platform is not None and platform.stand_ins:
        found = of_platform(platform)
        base = replace(found, database=base.database, superuser=base.superuser)
    return replace(base, notes=(), roles=base.roles | _roles_named(analysis, target))


def reaching(statements: Iterable[Parsed], *, is_lent: bool) -> str:
    """Return why a file is not run where it is only tried: it reaches out of the database; else ''.

    What stands in the body of a function that the file makes does not run with the file. On a server that
    others use, too, what changes all of it is left out.
    """
    kinds = _TO_OTHERS | _OF_THE_SERVER if is_lent else _TO_OTHERS
    for each in statements:
        if each.kind in kinds or (each.kind not in _BODIES and _REACHING.search(each.text)):
            shown = re.split(r"['$]", each.beginning)[0].rstrip()  # addresses may hold passwords
            return f"line {each.line} reaches out of the database: {shown}"
    return ""


class _Trying:
    """One build."""

    def __init__(self, trials: Trials, address: Address, wanted: TrialOptions) -> None:
        self._analysis = trials.analysis
        self._extensions = trials.extensions
        self._base = trials.base
        self._is_lent = trials.judge.is_lent
        self._failed_in_base = trials.failed_in_base
        self._address = address
        self._wanted = wanted
        self._found: dict[str, TriedFile] = {}

    def all(self, names: Sequence[str]) -> list[TriedFile]:
        """Run the files, and return what came of each, in their order.

        After a failure the rest is not tried, or with ``keep_going``, and where the server could not judge,
        only what needs the file.
        """
        left = [name for name in names if self._is_run(name)]
        while left and (failed := self._run(left)):
            left = left[left.index(failed) + 1 :]
            goes_on = self._wanted.keep_going or self._found[failed].state == "not judged"
            without = self._dependents(failed) if goes_on else frozenset(left)
            why = f"it needs {failed}" if goes_on else f"{failed} failed before it"
            self._found |= {name: TriedFile(name, "not tried", why=why) for name in left if name in without}
            left = [name for name in left if name not in without]
        return [self._told_apart(self._found[name]) for name in names]

    def _told_apart(self, tried: TriedFile) -> TriedFile:
        """Tell tables that TRUNCATE emptied from those that were written anew: both have new files."""
        if not tried.rewritten:
            return tried
        migration = self._analysis.by_name[tried.name].migration
        if not _TRUNCATE.search(reopened(migration.up).getvalue()):
            return tried
        altered = {
            each.node.alter_table_stmt.relation.relname
            for each in statements_of(migration.up)
            if each.kind == "alter_table_stmt"
        }
        emptied = tuple(each for each in tried.rewritten if each.name not in altered)
        rewritten = tuple(each for each in tried.rewritten if each not in emptied)
        return replace(tried, rewritten=rewritten, emptied=emptied)

    def _is_run(self, name: str) -> bool:
        migration = self._analysis.by_name[name].migration
        why = {
            "python": "it is a program, and the scratch database has no rows for it",
            "seed": "" if self._wanted.seeds else "it is a seed",
        }.get(migration.kind, "")
        why = why or self._reaching(migration)
        if why:
            self._found[name] = TriedFile(name, "left out", why=why)
        return not why

    def _reaching(self, migration: Migration) -> str:
        if migration.kind == "python":
            return ""
        if found := self._analysis.by_name[migration.name].outside_effects:
            return f"line {found[0].line} reaches out of the database: {found[0].why}"
        return reaching(statements_of(migration.up), is_lent=self._is_lent)

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
            noting = Noting(self._wanted, steps, session)
            digests = {name: analysis.by_name[name].migration.digest for name in names}
            try:
                with locked(self._address, RunOptions(limits=Limits(0, 0), retries=0), noting.hear) as target:
                    run_steps(
                        *(target, "migrate", analysis.folder, digests, steps),
                        kept=self._kept(names),
                        observer=Observers((noting, Recorder(analysis, steps, {}, self._wanted.states)))
                        if self._wanted.records
                        else noting,
                    )
            except StepError as error:
                self._found |= noting.found
                self._found[error.step] = self._failed(noting.of(error.step), Failure.of(error))
                return error.step
            self._found |= noting.found
        return ""

    def _kept(self, names: Sequence[str]) -> dict[str, bytes]:
        """What an apply writes into the journal of ways back before the first file."""
        if not self._wanted.records:
            return {}
        ways = down_migrations_of(self._analysis, names)
        return {name: packed(way) for name, way in ways.items() if way.down is not None or way.cannot}

    def _failed(self, noted: TriedFile, failure: Failure) -> TriedFile:
        """What is said of a file that failed: whether that counts, and what may be meant."""
        if why := self._why_not_judged(noted.name, failure):
            return replace(noted, state="not judged", failure=failure, why=why)
        missing = failure.sqlstate in _UNDEFINED and self._base.is_nothing
        named = self._needed_by(failure.what) if missing else ""
        why = f"no file makes {named}: if a target has it, say so with --target or --on" if named else ""
        is_open = missing and not self._base.is_of_said_host
        why = (self._brought_along(failure) if is_open else "") or why
        return replace(noted, state="failed", failure=failure, why=why)

    def _brought_along(self, failure: Failure) -> str:
        """Return which platform brings a schema or a role that no file makes, and how one says so."""
        name, kind = _NAMED.search(failure.what), _BROUGHT.get(failure.sqlstate)
        if name is None or kind is None:
            return ""
        thing = Thing(kind, quoted(name[1]))
        uses = (use for each in self._analysis.file_analyses for use in each.uses)
        if any(use.thing == thing and use.how == "creates" for use in uses):
            return ""
        for key, platform in presets().items():
            provided = Provided.of(platform.provided)
            has = provided.schema if kind is ThingKind.SCHEMA else provided.role
            if platform.stand_ins and has(name[1]):
                return f"no file makes {thing}, which {platform.title} brings along: say --platform {key}"
        return ""

    def _why_not_judged(self, name: str, failure: Failure) -> str:
        """Why a failure may come of what a scratch server, or the base, lacks; empty if it cannot."""
        state = failure.sqlstate
        if found := next((why for pattern, why in _ONLY_ELSEWHERE if pattern.search(failure.what)), ""):
            return found
        if state in _UNDEFINED:
            return self._why_undefined(name, failure.what)
        if state[:2] in _OF_ROWS and state not in _NOT_OF_ROWS:
            return self._why_rows()
        return ""

    def _why_undefined(self, name: str, what: str) -> str:
        if left_out := self._needs_left_out(name):
            return f"it needs {left_out}, which is left out"
        if lacking := self._extensions.without_stand_in:
            return f"the scratch server lacks the extension {listed(sorted(lacking))}"
        if self._failed_in_base:
            return f"{self._base.said} could not be made there as a whole"
        named = self._needed_by(what) if self._base.statements and not self._base.is_whole else ""
        return f"no file makes {named}, and {self._base.said} have none" if named else ""

    def _why_rows(self) -> str:
        if self._base.statements:
            return "the scratch database has the definitions of the target, and none of its rows"
        left_out = [each.name for each in self._found.values() if each.state == "left out"]
        return f"the rows that {left_out[0]} brings are not there" if left_out else ""

    def _needs_left_out(self, name: str) -> str:
        """A migration that was left out, and that one needs, directly or by way of others."""
        left_out = [each.name for each in self._found.values() if each.state == "left out"]
        return next((each for each in left_out if name in self._dependents(each)), "")

    def _needed_by(self, what: str) -> str:
        """What nobody in the folder makes, and the server says is not there."""
        for each in self._analysis.order.missing:
            if each.thing.kind is not ThingKind.OTHER:
                last = split(each.thing.name)[-1]
                if re.search(rf"(?<![\w]){re.escape(last)}(?![\w])", what):
                    return str(each.thing)
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


class Noting:
    """Notes what each file does, from within its transaction, and calls who watches between the files."""

    def __init__(self, wanted: TrialOptions, steps: Iterable[Step], session: Session) -> None:
        self._watching = wanted.watching
        self._observer = wanted.observer
        self._on_event = wanted.on_event
        self._left = Counter(step.name for step in steps)
        self._session = session
        self._begun: set[str] = set()
        self._since = 0.0
        self._before: dict[int, tuple[QualifiedName, str, int | None]] = {}
        self.found: dict[str, TriedFile] = {}

    def of(self, name: str) -> TriedFile:
        """What is noted of a file up to now."""
        return self.found.get(name) or TriedFile(name)

    def hear(self, event: Event) -> None:
        """Hear that a step begins, or is committed."""
        self._on_event(event)
        if isinstance(event, Began) and event.step.name not in self._begun:
            self._begun.add(event.step.name)
            if self._watching:
                self._watching.before(event.step.name, self._session)
        if isinstance(event, Began):
            self._since = time.monotonic()  # who watches takes no time of the file's
        elif isinstance(event, Finished):
            name = event.step.name
            noted = self.of(name)
            self.found[name] = replace(noted, seconds=noted.seconds + time.monotonic() - self._since)
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
