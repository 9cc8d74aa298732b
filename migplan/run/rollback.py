"""Taking a run back: its files in reverse order, by the bundle's own rollback files, journaled like a run.

A rollback is a run of its own in the journal. While it is under way the run that it undoes is 'undoing', and
nothing can be applied; the same command goes on with it, wherever it was interrupted. When a file has been
taken back, its steps in that run become 'undone' in the same transaction, so that `apply` can do them again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from psycopg import sql

from migplan.bundle.sealed import Sealed
from migplan.config import Strategy
from migplan.errors import BundleError, JournalError, LockedError, MigplanError, RefusedError
from migplan.names import QualifiedName, quoted
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.run import counting
from migplan.run.apply import another_bundle, locked
from migplan.run.before import Before, putting_back
from migplan.run.concerns import EVERYTHING
from migplan.run.derive import undoing_steps
from migplan.run.emptying import SETTINGS, emptying, refuse_kept
from migplan.run.events import Told, silence
from migplan.run.execute import Execution, Ways
from migplan.run.journal import Beginning, Connected, Entry, Journal, Run, digest_of
from migplan.run.looking import looking
from migplan.run.losses import Losses, before_rows, made_after_rows, objects_of, tables_of
from migplan.run.sparing import Spared
from migplan.run.steps import Statements, Step

_ASKED = "asked"


@dataclass(frozen=True)
class Undoing:
    """What people want of a rollback."""

    to: str = ""  # a file: it stays, and what came after it goes
    data_only: bool = False
    also_changed: bool = False  # rows that the run did not bring go, too
    drop_journal: bool = False
    ways: Ways = field(default_factory=Ways)
    # Is shown what would be lost, before the first change, and raises if people do not want it.
    agreed: Callable[[Losses], None] = lambda _losses: None


@dataclass(frozen=True, slots=True)
class Undone:
    """How a rollback ended."""

    run: Run | None  # that was taken back; None: there was none
    steps: int = 0
    seconds: float = 0.0
    went_on: bool = False
    journal_dropped: bool = False
    losses: Losses | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing of the run is left."""
        return self.run is not None and self.run.state == "undone"


def rollback(bundle: Sealed, address: Address, wanted: Undoing, told: Told = silence) -> Undone:
    """Take back the last run of a bundle that is not taken back yet. StepError says where it stopped."""
    with locked(address) as lock:
        journal = Journal(lock, address)
        if wanted.drop_journal:
            _refuse_half(wanted)
        work = _work(bundle, address, lock, journal, wanted)
        if work is None:
            dropped = wanted.drop_journal and journal.exists
            if dropped:
                _drop(journal)
            return Undone(None, journal_dropped=dropped)
        losses = work.losses()
        if not work.begun:
            wanted.agreed(losses)
        steps = work.steps()
        run = work.begin(steps)
        done = {entry.step for entry in journal.entries(run.run) if entry.state == "done"}
        started = time.monotonic()
        execution = Execution(address, bundle.paths.folder, journal, lock, replace(wanted.ways, jobs=1), told)
        with _ending(journal, work.run, run):
            execution.run(run.run, steps, done)
        undone = Undone(
            journal.run(work.run.run),
            len(steps) - len(done),
            time.monotonic() - started,
            went_on=work.begun is not None,
            losses=losses,
        )
        if wanted.drop_journal:
            _drop(journal)
            undone = replace(undone, journal_dropped=True)
        return undone


def foreseen(bundle: Sealed, address: Address, wanted: Undoing) -> tuple[Losses, Sequence[Step]] | None:
    """What a rollback would do, and what would be lost; None when there is nothing to take back."""
    with looking(address) as look:
        work = _work(bundle, address, look, look.journal, wanted)
        return (work.losses(), work.steps()) if work else None


def _work(
    bundle: Sealed, address: Address, holder: Connected, journal: Journal, wanted: Undoing
) -> _Work | None:
    """What there is to do: what was begun, or the last run that is not taken back."""
    runs = journal.runs() if journal.exists else []
    left = [run for run in runs if run.kind == "apply" and run.state != "undone"]
    if not left:
        return None
    run = left[-1]
    if run.digest != bundle.digest:
        raise another_bundle(journal, run, bundle, "name the folder of the bundle that was applied")
    begun = next((each for each in reversed(runs) if each.undoes == run.run and each.is_open), None)
    entries = journal.entries(run.run)
    if begun is None:
        asked: dict[str, Any] = {"files": _chosen(bundle, entries, wanted), "to": wanted.to}
        asked |= {"data_only": wanted.data_only, "also_changed": wanted.also_changed}
    else:
        asked = dict(begun.before[_ASKED])
        _refuse_otherwise(begun, asked, wanted)
    return _Work(bundle, address, holder, journal, run, begun, entries, asked)


def _chosen(bundle: Sealed, entries: Sequence[Entry], wanted: Undoing) -> list[str]:
    """The files to take back, in the order in which they ran; what was never begun needs nothing."""
    files = [file for file in bundle.manifest.files if not wanted.data_only or file.phase == "data"]
    if wanted.to:
        stays = _file(bundle, wanted.to)
        names = [file.file for file in bundle.manifest.files]
        files = [file for file in files if names.index(file.file) > names.index(stays)]
    done = {entry.file for entry in entries if entry.state == "done"}
    return [file.file for file in files if file.file in done]


def _file(bundle: Sealed, text: str) -> str:
    """The file that a person means: by its name, with or without its ending, or by its number."""
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


def _refuse_otherwise(begun: Run, asked: Mapping[str, Any], wanted: Undoing) -> None:
    """A rollback that was begun is finished as it was begun; without any options it just goes on."""
    said = {"to": wanted.to, "data_only": wanted.data_only, "also_changed": wanted.also_changed}
    if any(said.values()) and any(asked[name] != value for name, value in said.items()):
        words = [f"--to {asked['to']}"] if asked["to"] else []
        words += ["--data-only"] if asked["data_only"] else []
        words += ["--also-changed"] if asked["also_changed"] else []
        how = f"with {' '.join(words)}" if words else "of the whole run"
        raise RefusedError(
            f"a rollback {how} was begun as run {begun.run} and has not ended; nothing was changed",
            do=f"finish it first: {' '.join(['migplan rollback', *words])}",
        )


def _refuse_half(wanted: Undoing) -> None:
    if wanted.to or wanted.data_only:
        raise RefusedError(
            "the journal is needed as long as a part of the run stays; nothing was changed",
            do="--drop-journal goes with a rollback of the whole run",
        )


def _drop(journal: Journal) -> None:
    """Take the journal away, if it has nothing to tell any more."""
    runs = journal.runs()
    left = [run for run in runs if run.kind == "apply" and run.state != "undone"]
    if left:
        raise JournalError(
            f"the journal in {journal.address} stays: run {left[-1].run} of {left[-1].bundle} is not undone",
            do="take that back, too, with its own bundle",
            address=str(journal.address),
            during="dropping the journal",
        )
    journal.drop(schema=not runs or "migplan" not in runs[0].before.get("schemas", {}))


@dataclass
class _Work:
    """A rollback, from what it takes back to the steps that do it."""

    bundle: Sealed
    address: Address
    holder: Connected
    journal: Journal
    run: Run
    begun: Run | None
    entries: Sequence[Entry]
    asked: Mapping[str, Any]

    def losses(self) -> Losses:
        """Count what would go."""
        before = Before.of(self.run.before)
        done = {entry.file for entry in self.entries if entry.state == "done"}
        files = tuple(file for file in reversed(self._files) if file in done)
        spared = [
            *(("SCHEMA", name) for name in before.schemas),
            *(("EXTENSION", name) for name in before.extensions),
        ]
        made = {(moved.kind, moved.name) for moved in self.bundle.manifest.objects if moved.file in files}
        names = tables_of(self.bundle, files)
        stay = tuple(
            name for name in dict.fromkeys(each.file for each in self.entries) if name in done - {*files}
        )
        return Losses(
            self.address,
            self.run,
            files,
            stay,
            self._counted(names),
            {} if self._data_only else objects_of(self.bundle, files, spared),
            () if self._data_only else tuple(f"{kind.lower()} {quoted(name)}" for kind, name in spared if (kind, name) in made),
            self._data_only,
            bool(self.asked["also_changed"]),
            not self.asked["to"] and not self.asked["data_only"],
            before_rows(self.bundle, stay, files if self._data_only else ()),
        )

    def steps(self) -> tuple[Step, ...]:
        """The steps, numbered; each last one of a file marks what it has undone."""
        found: list[Step] = []
        empty = self._by_deletion
        emptied = self._emptied([file for file in self._files if file in empty]) if empty else {}
        for file in reversed(self._files):
            if file not in empty:
                found += self._taken_back(file)
            elif file in emptied:
                found.append(emptied[file])
        return tuple(replace(step, number=number) for number, step in enumerate(found, 1))

    def begin(self, steps: Sequence[Step]) -> Run:
        """Enter the rollback into the journal, or take it up again."""
        if self.begun is not None:
            if self.begun.steps_digest != digest_of(steps):
                raise BundleError(
                    f"run {self.begun.run}, a rollback, was begun by {self.begun.program}, which divides the "
                    "files into other steps",
                    do=f"finish it with {self.begun.program}",
                )
            self.journal.go_on(self.begun.run)
            return self.begun
        digests = {each.file: each.sha256 for each in self.bundle.manifest.companions}
        with self.journal.together():
            run = self.journal.begin(
                Beginning(
                    "rollback",
                    self.bundle.name,
                    self.bundle.digest,
                    steps,
                    digests,
                    undoes=self.run.run,
                    before={_ASKED: dict(self.asked)},
                    notes=self._notes(),
                )
            )
            self.journal.end(self.run.run, "undoing")
        return run

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
        """Data files whose tables stay, and may have had rows before: these are emptied row by row."""
        if not self._data_only and self.bundle.manifest.contents != "data":
            return set()
        return {file.file for file in self.bundle.manifest.files if file.phase == "data"}

    def _transactions(self) -> list[str]:
        return counting.low(self.holder.connection, (entry.transaction for entry in self.entries))

    def _counted(self, names: Sequence[QualifiedName]) -> list[counting.TableRows]:
        with explained(self.address, "reading the journal"):
            transactions = self._transactions()
        return counting.counted(self.holder.connection, self.address, names, transactions)

    def _emptied(self, files: Sequence[str]) -> dict[str, Step]:
        """A step for the files that are emptied together, by the first of them that comes to its turn."""
        also_changed = bool(self.asked["also_changed"])
        tables = {file: self._counted(self._filled(file)) for file in files}
        transactions = self._transactions()
        if not transactions and not also_changed:
            raise RefusedError(
                f"the journal in {self.address} cannot tell which rows the run brought: it was copied from "
                "another server, or the run lies too far back; nothing was changed",
                do="--also-changed empties the tables of all their rows",
            )
        connection = self.holder.connection
        plan = emptying(connection, self.address, tables, transactions, also_changed=also_changed)
        refuse_kept(plan.kept(connection, self.address), self.address)
        return {group[0]: self._emptying(group, text) for group, text in plan.groups()}

    def _filled(self, file: str) -> list[QualifiedName]:
        manifest = self.bundle.manifest
        group = next(each.group for each in manifest.files if each.file == file)
        return [
            table.name
            for table in manifest.tables
            if table.group == group and table.strategy is not Strategy.SCHEMA_ONLY
        ]

    def _emptying(self, files: Sequence[str], text: str) -> Step:
        name = "empties what the run filled"
        name += f", with {', '.join(files[1:])}" if len(files) > 1 else ""
        return self._step(files[0], name, [*([text] if text else []), *map(self._marking, files)])

    def _taken_back(self, file: str) -> list[Step]:
        """The file's own statements; what was there before is left out of them, and put back at their end."""
        spared = Spared(Before.of(self.run.before))
        folder = self.bundle.paths.folder
        steps = [spared.step(step, folder) for step in undoing_steps(folder, f"rollback/{file}")]
        texts = [*self._put_back(spared), self._marking(file)]
        if not steps:
            return [self._step(file, "nothing to take back", texts)]
        last = steps[-1]
        closing_pieces = tuple(Statements(0, 0, last.line, text) for text in texts)
        return [*steps[:-1], replace(last, pieces=(*last.pieces, *closing_pieces))]

    def _put_back(self, spared: Spared) -> Iterator[str]:
        defaults = list(spared.defaults)
        back = putting_back(self.holder.connection, self.address, spared.before, defaults)
        for name in spared.schemas:
            yield from back.schema(name)
        for name in spared.extensions:
            yield from back.extension(name)
        for which in defaults:
            yield from back.default(which)

    def _marking(self, file: str) -> str:
        """What says in the journal that a file is undone."""
        update = sql.SQL(
            "UPDATE migplan.step SET state = 'undone' "
            "WHERE run = {} AND file = {} AND state = 'done' AND name <> ALL ({}::text[]);"
        )
        stay = made_after_rows(self.bundle, file) if self._data_only else []
        return update.format(self.run.run, file, stay).as_string(self.holder.connection)

    def _step(self, file: str, name: str, texts: Sequence[str]) -> Step:
        pieces = tuple(Statements(0, 0, 1, text) for text in texts)
        return Step(0, f"rollback/{file}", name, "rollback", 1, SETTINGS, pieces, EVERYTHING)


@contextmanager
def _ending(journal: Journal, undone: Run, run: Run) -> Iterator[None]:
    """Write down how a rollback ends, and what has become of the run that it takes back."""
    try:
        yield
    except (LockedError, JournalError):
        raise  # it is somebody else's by now
    except BaseException as error:
        with suppress(MigplanError):  # the server is gone: the journal says 'running', and nobody is at work
            journal.end(run.run, "failed" if isinstance(error, MigplanError) else "stopped")
        raise
    left = any(entry.state == "done" for entry in journal.entries(undone.run))
    with journal.together():
        journal.end(undone.run, "stopped" if left else "undone")
        journal.end(run.run, "done")
