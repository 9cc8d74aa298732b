"""The steps that roll a run back, from what of it is done, and what would be lost by them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from psycopg import sql

from migplan.bundle.verified import VerifiedBundle
from migplan.errors import BundleError, RefusedError
from migplan.names import QualifiedName, quoted
from migplan.postgres.address import Address
from migplan.postgres.failures import explained
from migplan.run.bundle.derive import undoing_steps
from migplan.run.engine.footprints import EVERYTHING
from migplan.run.engine.journal import Beginning, Connected, Entry, Journal, Run, digest_of
from migplan.run.engine.steps import Statements, Step
from migplan.run.undo import row_counts
from migplan.run.undo.delete_rows import SETTINGS, refuse_kept, row_deletion
from migplan.run.undo.dependents import refuse_dependents
from migplan.run.undo.initial_state import InitialState, restoration
from migplan.run.undo.losses import Losses, before_rows, made_after_rows, objects_of, tables_of
from migplan.run.undo.preexisting import Preexisting

ASKED = "asked"
"""Under which name a rollback's run remembers what people wanted."""


def chosen(bundle: VerifiedBundle, entries: Sequence[Entry], *, to: str, data_only: bool) -> list[str]:
    """The files to roll back, in the order in which they ran; what was never begun needs nothing."""
    files = [file for file in bundle.manifest.files if not data_only or file.phase == "data"]
    if to:
        stays = _file(bundle, to)
        names = [file.file for file in bundle.manifest.files]
        files = [file for file in files if names.index(file.file) > names.index(stays)]
    done = {entry.file for entry in entries if entry.state == "done"}
    return [file.file for file in files if file.file in done]


def _file(bundle: VerifiedBundle, text: str) -> str:
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


@dataclass
class Work:
    """A rollback, from what it rolls back to the steps that do it."""

    bundle: VerifiedBundle
    address: Address
    holder: Connected
    journal: Journal
    run: Run
    begun: Run | None
    entries: Sequence[Entry]
    asked: Mapping[str, Any]
    differs: str = ""  # in which way the folder beside is not what was applied

    def losses(self) -> Losses:
        """Count what would go."""
        done = {entry.file for entry in self.entries if entry.state == "done"}
        files = tuple(file for file in reversed(self._files) if file in done)
        preexisting = self._preexisting
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
            {} if self._data_only else objects_of(self.bundle, files, preexisting),
            ()
            if self._data_only
            else tuple(
                f"{kind.lower()} {quoted(name)}" for kind, name in preexisting if (kind, name) in made
            ),
            self._data_only,
            bool(self.asked["also_changed"]),
            not self.asked["to"] and not self.asked["data_only"],
            before_rows(self.bundle, stay, files if self._data_only else ()),
            self.differs,
        )

    def refuse_dependents(self) -> None:
        """RefusedError when something of others needs what is to go: a rollback would not get past it."""
        if self._data_only:
            return  # no table goes; what refers to rows is looked at when they are
        truncated = {*self._files} - self._by_deletion
        data = [file.file for file in self.bundle.manifest.files if file.phase == "data"]
        tables = [name for file in data if file in truncated for name in self._filled(file)]
        refuse_dependents(
            self.holder.connection, self.address, self.bundle, self._files, self._preexisting, tables
        )

    @property
    def _preexisting(self) -> list[tuple[str, str]]:
        """Schemas and extensions that were there before."""
        before = InitialState.of(self.run.before)
        found = [("SCHEMA", name) for name in before.schemas]
        return [*found, *(("EXTENSION", name) for name in before.extensions)]

    def steps(self) -> tuple[Step, ...]:
        """The steps, numbered; each last one of a file marks what it has undone."""
        found: list[Step] = []
        empty = self._by_deletion
        emptied = self._emptied([file for file in self._files if file in empty]) if empty else {}
        for file in reversed(self._files):
            found += emptied.get(file, ()) if file in empty else self._taken_back(file)
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
                    before={ASKED: dict(self.asked)},
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
        return row_counts.low(self.holder.connection, (entry.transaction for entry in self.entries))

    def _counted(self, names: Sequence[QualifiedName]) -> list[row_counts.TableRows]:
        with explained(self.address, "reading the journal"):
            transactions = self._transactions()
        return row_counts.counted(self.holder.connection, self.address, names, transactions)

    def _emptied(self, files: Sequence[str]) -> dict[str, list[Step]]:
        """Steps for the files that are emptied together, by the first of them that comes to its turn."""
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
        plan = row_deletion(connection, self.address, tables, also_changed=also_changed)
        refuse_kept(plan.kept(connection, self.address), self.address)
        found: dict[str, list[Step]] = defaultdict(list)
        for file, text, emptied in plan.steps():
            found[file].append(self._deleting(file, text, emptied))
        if self.bundle.manifest.refreshed and found:
            last = [*found][-1]
            still, again = [off for off, _ in plan.events], [on for _, on in plan.events]
            found[last].append(self._step(last, "materialised views", [*still, *self._refreshes(), *again]))
        return found

    def _refreshes(self) -> Iterator[str]:
        """What was filled shows what is left; what was not filled before the run is as it was."""
        with explained(self.address, "looking for materialised views"):
            there = self.holder.connection.execute(
                "SELECT n.nspname, c.relname FROM pg_catalog.pg_class c "
                "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'm'"
            ).fetchall()
        views = [(schema, name) for schema, name in self.bundle.manifest.refreshed if (schema, name) in there]
        for schema, name in views:
            yield f"REFRESH MATERIALIZED VIEW {QualifiedName(schema, name)};"
        if self.bundle.manifest.contents == "data" and "filled" in self.run.before:
            filled = {(schema, name) for schema, name in self.run.before["filled"]}
            for schema, name in reversed(views):
                if (schema, name) not in filled:
                    yield f"REFRESH MATERIALIZED VIEW {QualifiedName(schema, name)} WITH NO DATA;"

    def _filled(self, file: str) -> list[QualifiedName]:
        manifest = self.bundle.manifest
        group = next(each.group for each in manifest.files if each.file == file)
        return [table.name for table in manifest.tables if table.group == group and table.brings_rows]

    def _deleting(self, file: str, text: str, emptied: Sequence[str]) -> Step:
        name = "empties what the run filled"
        name += f", with {', '.join(emptied[1:])}" if len(emptied) > 1 else ""
        return self._step(file, name, [*([text] if text else []), *map(self._marking, emptied)])

    def _taken_back(self, file: str) -> list[Step]:
        """The file's own statements; what was there before is left out of them, and put back at their end."""
        preexisting = Preexisting(InitialState.of(self.run.before))
        files = self.bundle.files
        steps = [preexisting.step(step, files) for step in undoing_steps(files, f"rollback/{file}")]
        texts = [*self._put_back(preexisting), self._marking(file)]
        if not steps:
            return [self._step(file, "nothing to roll back", texts)]
        last = steps[-1]
        closing_pieces = tuple(Statements(0, 0, last.line, text) for text in texts)
        return [*steps[:-1], replace(last, segments=(*last.segments, *closing_pieces))]

    def _put_back(self, preexisting: Preexisting) -> Iterator[str]:
        defaults = list(preexisting.defaults)
        back = restoration(self.holder.connection, self.address, preexisting.before, defaults)
        for name in preexisting.schemas:
            yield from back.schema(name)
        for name in preexisting.extensions:
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
