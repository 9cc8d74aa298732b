"""Roll a run of a bundle back: its files in reverse order, by the bundle's own rollback files.

A rollback is a run of its own in the journal. While it is under way the run that it undoes is 'undoing', and
nothing can be applied; the same command goes on with it, wherever it was interrupted. When a file has been
rolled back, its steps in that run become 'undone' in the same transaction, so that `apply` can do them again.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any

from psycopg import sql

from migplan.bundle.schema import role_file
from migplan.bundle.undo.rollback_files import unlinking
from migplan.bundle.verified import VerifiedBundle
from migplan.errors import BundleError, JournalError, RefusedError
from migplan.names import QualifiedName, quoted
from migplan.postgres.address import Address
from migplan.run.bundle.constraints import left_indexes
from migplan.run.bundle.initial_state import InitialState
from migplan.run.bundle.keeping import Keeping
from migplan.run.bundle.kept import LocalBundle, as_applied, difference
from migplan.run.bundle.steps import undoing_steps
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.journal import Beginning, Entry, Journal, Run, Target, digest_of, journal_reader
from migplan.run.engine.options import RunOptions
from migplan.run.engine.status import RunStatus
from migplan.run.engine.steps import Statements, Step
from migplan.run.engine.target import LockedTarget, locked
from migplan.run.undo.delete_rows import SETTINGS, refuse_kept, row_deletion
from migplan.run.undo.dependents import refuse_dependents
from migplan.run.undo.losses import (
    Losses,
    TableRows,
    before_rows,
    count_rows,
    made_after_rows,
    objects_of,
    tables_of,
    transactions_of,
)
from migplan.run.undo.preexisting import Preexisting, restoration


@dataclass(frozen=True)
class RollbackOptions:
    """The choices of people who roll a run back."""

    to: str = ""  # a file: it stays, and what came after it goes
    data_only: bool = False
    also_changed: bool = False  # rows that the run did not bring go, too
    drop_journal: bool = False
    options: RunOptions = field(default_factory=RunOptions)
    # Is shown what would be lost, before the first change, and raises if people do not want it.
    agreed: Callable[[Losses], None] = lambda _losses: None


@dataclass(frozen=True, slots=True)
class RollbackResult:
    """The result of a rollback."""

    run: Run | None  # that was rolled back; None: there was none
    steps: int = 0
    seconds: float = 0.0
    resumed: bool = False
    journal_dropped: bool = False
    losses: Losses | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing of the run is left."""
        return self.run is not None and self.run.state == "undone"


def rollback(
    beside: LocalBundle, address: Address, wanted: RollbackOptions, on_event: OnEvent = ignore
) -> RollbackResult:
    """Roll back the last run of a bundle that is not rolled back yet. StepError says where it stopped."""
    with locked(address, replace(wanted.options, jobs=1), on_event) as target:
        if wanted.drop_journal:
            _refuse_half(wanted)
        with _work(beside, target, wanted) as work:
            result = RollbackResult(None) if work is None else _rolled_back(work, target, wanted)
        if wanted.drop_journal and target.journal.exists:
            _drop(target.journal)
            result = replace(result, journal_dropped=True)
        return result


def _rolled_back(work: Work, target: LockedTarget, wanted: RollbackOptions) -> RollbackResult:
    losses = work.losses()
    work.refuse_dependents()
    if not work.begun:
        wanted.agreed(losses)
    steps = work.steps()
    if work.begun:
        work.refuse_other_steps(steps)
        run = target.resume(work.begun)
    else:
        run = target.begin(work.beginning(steps))
    done = target.execute(run, steps, work.bundle.files)
    return RollbackResult(
        target.journal.run(work.run.run),
        done.steps,
        done.seconds,
        resumed=work.begun is not None,
        losses=losses,
    )


def foreseen(
    beside: LocalBundle, address: Address, wanted: RollbackOptions
) -> tuple[Losses, Sequence[Step]] | None:
    """Return what would be lost, and the steps of the rollback; None if there is nothing to roll back.

    RefusedError when something stands in the way that can be looked for.
    """
    with journal_reader(address) as reader, _work(beside, reader, wanted) as work:
        if work is None:
            return None
        losses = work.losses()
        work.refuse_dependents()
        return losses, work.steps()


@contextmanager
def _work(beside: LocalBundle, target: Target, wanted: RollbackOptions) -> Iterator[Work | None]:
    """Return the rollback to do: the one that was begun, or of the last run that is not rolled back."""
    journal = target.journal
    runs = journal.runs() if journal.exists else []
    run = next((run for run in reversed(runs) if run.stands), None)
    if run is None:
        yield None
        return
    begun = next((each for each in reversed(runs) if each.undoes == run.run and each.is_open), None)
    entries = journal.entries(run.run)
    with as_applied(journal, run, beside) as bundle:
        asked: Mapping[str, Any]
        files = {file.file for file in bundle.manifest.files}
        named = {entry.file for entry in entries} | {*(begun.before[ASKED]["files"] if begun else ())}
        if strange := sorted(named - files):
            raise journal.was_altered(
                f"it names {strange[0]!r}, which is no file of run {run.run} ({run.bundle})"
            )
        if begun is None:
            back = chosen(bundle, entries, to=wanted.to, data_only=wanted.data_only)
            asked = {"files": back, "to": wanted.to, "data_only": wanted.data_only}
            asked = {**asked, "also_changed": wanted.also_changed}
        else:
            asked = dict(begun.before[ASKED])
            _refuse_otherwise(begun, asked, wanted)
        differs = difference(journal, run, beside)
        yield Work(bundle, target, run, begun, entries, asked, differs)


@dataclass(frozen=True)
class Abandoned:
    """A run that was ended by hand, and what stays of it."""

    run: Run
    stays: str


def abandon(address: Address, options: RunOptions, agreed: Callable[[Run, str], None]) -> Abandoned | None:
    """End the run that has come to no end, as it stands; None when there is none. Nothing else is changed.

    A run that is done can be abandoned only where the journal no longer tells how to roll it back.
    """
    with locked(address, options) as target:
        journal = target.journal
        runs = journal.runs(whole=False) if journal.exists else []
        begun = [run for run in runs if run.is_open] or _beyond_help(journal, runs)
        if not begun:
            return None
        run = next((run for run in reversed(begun) if run.kind == "apply"), begun[-1])
        stays = RunStatus(run, journal.entries(run.run)).stays
        agreed(run, stays)
        journal.prepare(options.protected_as)
        who = f"abandoned {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC by {journal.caller}; stays: {stays}"
        with journal.together():
            for each in begun:
                journal.note(each.run, [who])
                journal.end(each.run, "abandoned")
        return Abandoned(journal.run(run.run), stays)


def _refuse_otherwise(begun: Run, asked: Mapping[str, Any], wanted: RollbackOptions) -> None:
    """Raise RefusedError if a rollback with other options was begun; without any it is just resumed."""
    said = {"to": wanted.to, "data_only": wanted.data_only, "also_changed": wanted.also_changed}
    if any(said.values()) and any(asked[name] != value for name, value in said.items()):
        words = [f"--to {asked['to']}"] if asked["to"] else []
        words += ["--data-only"] if asked["data_only"] else []
        words += ["--also-changed"] if asked["also_changed"] else []
        how = f"with {' '.join(words)}" if words else "of the whole run"
        raise RefusedError(
            f"a rollback {how} was begun as run {begun.run} and has not ended; nothing was changed",
            do=f"finish it first: {' '.join(['migplan rollback --target TARGET', *words])}",
        )


def _refuse_half(wanted: RollbackOptions) -> None:
    if wanted.to or wanted.data_only:
        raise RefusedError(
            "the journal is needed as long as a part of the run stays; nothing was changed",
            do="--drop-journal goes with a rollback of the whole run",
        )


def _drop(journal: Journal) -> None:
    """Drop the journal; raise JournalError if a run is not rolled back."""
    runs = journal.runs()
    left = [run for run in runs if run.stands]
    if left:
        raise JournalError(
            f"the journal in {journal.address} stays: run {left[-1].run} of {left[-1].bundle} is not undone",
            do="roll that back, too: migplan rollback --target TARGET",
            address=str(journal.address),
            during="dropping the journal",
        )
    journal.drop(schema=not runs or "migplan" not in runs[0].before.get("schemas", {}))


def _beyond_help(journal: Journal, runs: Sequence[Run]) -> list[Run]:
    """Return the last run, if it cannot be rolled back: the journal was changed, or keeps nothing of it."""
    run = next((run for run in reversed(runs) if run.stands), None)
    if run is None:
        return []
    try:
        journal.refuse_altered(runs)
        with as_applied(journal, run, LocalBundle(named=False)):
            return []
    except (JournalError, BundleError):
        return [run]


ASKED = "asked"
"""Under which name a rollback's run remembers what people wanted."""


def chosen(bundle: VerifiedBundle, entries: Sequence[Entry], *, to: str, data_only: bool) -> list[str]:
    """Return the files to roll back, in the order in which they ran.

    Those that were never begun are left out.
    """
    files = [file for file in bundle.manifest.files if not data_only or file.phase == "data"]
    if to:
        stays = _file(bundle, to)
        names = [file.file for file in bundle.manifest.files]
        files = [file for file in files if names.index(file.file) > names.index(stays)]
    done = {entry.file for entry in entries if entry.state == "done"}
    return [file.file for file in files if file.file in done]


def _file(bundle: VerifiedBundle, text: str) -> str:
    """Return a file by its name, with or without its ending, or by its number.

    RefusedError if there is none.
    """
    names = [file.file for file in bundle.manifest.files]
    wanted = PurePath(text).name
    for name in names:
        number = re.match(r"\d+", name)
        if wanted in {name, PurePath(name).stem} or (
            number and wanted.isdecimal() and int(wanted) == int(number[0])
        ):
            return name
    raise RefusedError(
        f"the bundle {bundle.name} has no file {text}; nothing was changed. Its files:\n  "
        + "\n  ".join(names),
        do="name the last file that is to stay, or its number: --to 10",
    )


@dataclass
class Work:
    """A rollback that is being prepared: what it rolls back, what would be lost, and its steps."""

    bundle: VerifiedBundle
    target: Target
    run: Run
    begun: Run | None
    entries: Sequence[Entry]
    asked: Mapping[str, Any]
    differs: str = ""  # in which way the folder beside is not what was applied

    @cached_property
    def _keeping(self) -> Keeping:
        """What was there before the run, just as the bundle brings it."""
        return Keeping.of(self.run.before)

    @cached_property
    def _made(self) -> VerifiedBundle:
        """The bundle with nothing but the objects that the run made."""
        kept = set(self._keeping.entries(self.bundle))
        objects = tuple(each for each in self.bundle.manifest.objects if each not in kept)
        return replace(self.bundle, manifest=self.bundle.manifest.model_copy(update={"objects": objects}))

    def losses(self) -> Losses:
        """Return what would be lost."""
        done = {entry.file for entry in self.entries if entry.state == "done"}
        files = tuple(file for file in reversed(self._files) if file in done)
        preexisting = self._preexisting
        made = {(moved.kind, moved.name) for moved in self.bundle.manifest.objects if moved.file in files}
        names = tables_of(self.bundle, files)
        stay = tuple(
            name for name in dict.fromkeys(each.file for each in self.entries) if name in done - {*files}
        )
        return Losses(
            self.target.address,
            self.run,
            files,
            stay,
            self._counted(names),
            {} if self._data_only else objects_of(self._made, files, preexisting),
            () if self._data_only else self._stays(made),
            self._data_only,
            bool(self.asked["also_changed"]),
            not self.asked["to"] and not self.asked["data_only"],
            before_rows(self.bundle, stay, files if self._data_only else ()),
            self.differs,
            sum(len(made) for file in files for _, made in self._brought(file)),
        )

    def _stays(self, made: Collection[tuple[str, str]]) -> tuple[str, ...]:
        """Return what of the bundle was there before, as people are told of it."""
        known = [f"{kind.lower()} {quoted(name)}" for kind, name in self._preexisting if (kind, name) in made]
        return tuple(dict.fromkeys([*known, *map(str, self._keeping.objects)]))

    def refuse_dependents(self) -> None:
        """Raise RefusedError if objects of others depend on what would be dropped."""
        if self._data_only:
            return  # no table goes; what refers to rows is looked at when they are
        truncated = {*self._files} - self._by_deletion
        data = [file.file for file in self.bundle.manifest.files if file.phase == "data"]
        tables = [name for file in data if file in truncated for name in self._filled(file)]
        kept = self._keeping.entries(self.bundle)
        refuse_dependents(self.target.session, self.bundle, self._files, self._preexisting, tables, kept)

    @property
    def _preexisting(self) -> list[tuple[str, str]]:
        """Schemas, extensions and roles that were there before."""
        before = InitialState.of(self.run.before)
        found = [("SCHEMA", name) for name in before.schemas]
        roles = (moved.name for moved in self.bundle.manifest.objects if moved.kind == role_file.KIND)
        found += [(role_file.KIND, name) for name in roles if name not in before.made_roles]
        return [*found, *(("EXTENSION", name) for name in before.extensions)]

    def steps(self) -> tuple[Step, ...]:
        """Return the steps, numbered; the last one of each file marks the file as undone."""
        found: list[Step] = []
        empty = self._by_deletion
        emptied = self._emptied([file for file in self._files if file in empty]) if empty else {}
        for file in reversed(self._files):  # with the keys, triggers and rules that there are as yet
            found += emptied.get(file, ())
        for file in reversed(self._files):
            if self.bundle.manifest.file(file).large_objects:
                found += self._unlinking(file)
            elif file not in empty or (not self._data_only and file in self._kept_filled):
                found += self._steps_of_file(file, marking=file not in empty)
        return tuple(replace(step, number=number) for number, step in enumerate(found, 1))

    def beginning(self, steps: Sequence[Step]) -> Beginning:
        """Return the journal's record of the rollback."""
        return Beginning(
            "rollback",
            self.bundle.name,
            self.bundle.digest,
            steps,
            {each.file: each.sha256 for each in self.bundle.manifest.companions},
            undoes=self.run.run,
            before={ASKED: dict(self.asked)},
            notes=self._notes(),
        )

    def refuse_other_steps(self, steps: Sequence[Step]) -> None:
        """Raise BundleError if it was begun by a version of migplan that divides the files otherwise."""
        if self.begun is not None and self.begun.steps_digest != digest_of(steps):
            raise BundleError(
                f"run {self.begun.run}, a rollback, was begun by {self.begun.program}, which divides the "
                "files into other steps",
                do=f"finish it with {self.begun.program}",
            )

    def _notes(self) -> list[str]:
        found = [f"to {self.asked['to']}, which stays"] if self.asked["to"] else []
        found += ["rows alone: the schema stays"] if self._data_only else []
        found += ["with rows that the run did not bring, on demand"] if self.asked["also_changed"] else []
        return found

    @property
    def _files(self) -> Sequence[str]:
        return list(self.asked["files"])

    @property
    def _data_only(self) -> bool:
        return bool(self.asked["data_only"])

    @property
    def _by_deletion(self) -> set[str]:
        """Data files whose tables stay: their rows are deleted."""
        if not self._data_only and self.bundle.manifest.contents != "data":
            return self._kept_filled
        files = self.bundle.manifest.files
        return {file.file for file in files if file.phase == "data" and not file.large_objects}

    @cached_property
    def _kept_filled(self) -> set[str]:
        """The data files, where tables that they filled were there before, and so stay."""
        kept = self._keeping.tables
        data = [file.file for file in self.bundle.manifest.files if file.phase == "data"]
        return {*data} if any(kept & {*self._filled(file)} for file in data) else set()

    def _transactions(self) -> list[str]:
        return transactions_of(self.target.session, (entry.transaction for entry in self.entries))

    def _counted(self, names: Sequence[QualifiedName]) -> list[TableRows]:
        with self.target.session.translate_errors("reading the journal"):
            transactions = self._transactions()
        return count_rows(self.target.session, names, transactions)

    def _emptied(self, files: Sequence[str]) -> dict[str, list[Step]]:
        """Return the steps that delete rows, by the first file of those that are emptied together."""
        also_changed = bool(self.asked["also_changed"])
        tables = {file: self._counted(self._filled(file)) for file in files}
        transactions = self._transactions()
        if not transactions and not also_changed:
            raise RefusedError(
                f"the journal in {self.target.address} cannot tell which rows the run brought: it was copied "
                "from another server, or the run lies too far back; nothing was changed",
                do="--also-changed empties the tables of all their rows",
            )
        session = self.target.session
        plan = row_deletion(session, tables, also_changed=also_changed)
        refuse_kept(plan.kept(session), self.target.address)
        found: dict[str, list[Step]] = defaultdict(list)
        for file, text, emptied in plan.steps():
            found[file].append(self._deleting(file, text, emptied))
        if self.bundle.manifest.refreshed and found:
            last = [*found][-1]
            still, again = [off for off, _ in plan.events], [on for _, on in plan.events]
            found[last].append(self._step(last, "materialised views", [*still, *self._refreshes(), *again]))
        return found

    def _refreshes(self) -> Iterator[str]:
        """Yield statements that refresh materialised views, or empty those that were empty before the run."""
        with self.target.session.translate_errors("looking for materialised views"):
            there = self.target.session.execute(
                "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
                "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm'"
            ).fetchall()
        views = [(schema, name) for schema, name in self.bundle.manifest.refreshed if (schema, name) in there]
        for schema, name in views:
            yield f"REFRESH MATERIALIZED VIEW {QualifiedName(schema, name)};"
        stay = self.bundle.manifest.contents == "data" or self._keeping.parts
        if stay and "filled" in self.run.before:
            filled = {(schema, name) for schema, name in self.run.before["filled"]}
            for schema, name in reversed(views):
                if (schema, name) not in filled:
                    yield f"REFRESH MATERIALIZED VIEW {QualifiedName(schema, name)} WITH NO DATA;"

    def _filled(self, file: str) -> list[QualifiedName]:
        return [table.name for table in self.bundle.manifest.filled_by(file)]

    def _deleting(self, file: str, text: str, emptied: Sequence[str]) -> Step:
        name = "empties what the run filled"
        name += f", with {', '.join(emptied[1:])}" if len(emptied) > 1 else ""
        return self._step(file, name, [*([text] if text else []), *map(self._marking, emptied)])

    def _brought(self, file: str) -> Iterator[tuple[str, list[int]]]:
        """Yield the steps of a file that were done, with the large objects that each of them made."""
        done = {entry.name for entry in self.entries if entry.file == file and entry.state == "done"}
        seen: set[int] = set()
        for step in self.bundle.manifest.file(file).steps:
            made = [number for number in step.large_objects if number not in seen]
            seen.update(made)
            if step.name in done and made:
                yield step.name, made

    def _unlinking(self, file: str) -> list[Step]:
        """Return the steps that unlink the large objects that the run made, and no others."""
        steps = [
            self._step(file, f"unlinks {name}", [unlinking(made)]) for name, made in self._brought(file)
        ][::-1]
        return [*steps, self._step(file, "marks the file", [self._marking(file)])]

    def _steps_of_file(self, file: str, *, marking: bool = True) -> list[Step]:
        """Return the steps of a rollback file; what existed before the run is left alone, or restored."""
        order = self._keeping.order.get(file, ())
        places = {part: place for place, part in reversed([*enumerate(order, 1)])}
        pending = [*self._keeping.undo.get(file, ())]
        preexisting = Preexisting(InitialState.of(self.run.before), self._keeping.parts, pending, places)
        steps = [
            preexisting.step(step, self.bundle.files)
            for step in undoing_steps(self.bundle, f"rollback/{file}")
        ]
        if self.bundle.manifest.file(file).phase == "roles":
            made = role_file.setting_of_made(preexisting.before.made_roles)
            name = "roles that the run made"
            steps = [replace(step, name=name, settings=f"{step.settings}\n{made}") for step in steps]
        for text in self._keeping.defaults.get(file, ()):
            preexisting.note_default(text)
        if left := [text for _, text in preexisting.pending]:
            steps.append(self._step(file, "what was added to objects that stay", left))
        done = {entry.name for entry in self.entries if entry.file == file and entry.state == "done"}
        texts = [f"DROP INDEX IF EXISTS {index};" for index in left_indexes(done)]
        texts += [*self._put_back(preexisting), *([self._marking(file)] if marking else [])]
        if not steps:
            return [self._step(file, "nothing to roll back", texts)] if texts else []
        last = steps[-1]
        closing_pieces = tuple(Statements(0, 0, last.line, text) for text in texts)
        return [*steps[:-1], replace(last, segments=(*last.segments, *closing_pieces))]

    def _put_back(self, preexisting: Preexisting) -> Iterator[str]:
        defaults = list(preexisting.defaults)
        back = restoration(self.target.session, preexisting.before, defaults)
        for name in preexisting.schemas:
            yield from back.schema(name)
        for name in preexisting.extensions:
            yield from back.extension(name)
        for which in defaults:
            yield from back.default(which)

    def _marking(self, file: str) -> str:
        """Return the statement that marks a file as undone in the journal."""
        update = sql.SQL(
            "UPDATE migplan.step SET state = 'undone' "
            "WHERE run = {} AND file = {} AND state = 'done' AND name <> ALL ({}::text[]);"
        )
        stay = made_after_rows(self.bundle, file) if self._data_only else []
        return update.format(self.run.run, file, stay).as_string(self.target.session)

    def _step(self, file: str, name: str, texts: Sequence[str]) -> Step:
        pieces = tuple(Statements(0, 0, 1, text) for text in texts)
        return Step(0, f"rollback/{file}", name, "rollback", 1, SETTINGS, pieces)
