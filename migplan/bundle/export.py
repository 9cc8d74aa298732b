"""Writing a bundle: from a plan and one moment of its database to numbered files and their manifest."""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, LiteralString

from migplan import __version__
from migplan.bundle.check import originals, validation_queries
from migplan.bundle.data import binary, large_objects, sequences
from migplan.bundle.data.data_file import DataFile
from migplan.bundle.data.live_file import GUARD, LiveFile, sequences_line
from migplan.bundle.data.readers import Readers
from migplan.bundle.data.referred import referring_keys, write_referred
from migplan.bundle.data.row_steps import LoadSteps, suspendable, trigger_states
from migplan.bundle.data.steps import DataStep, RowBlock, Sql
from migplan.bundle.manifest import (
    TEMPORARY,
    BundleFile,
    LeftObject,
    LoadedTable,
    Manifest,
    MovedObject,
    NamedObject,
    NeededExtension,
    Origin,
    ProvidedObject,
    ReferredKey,
    SequenceValue,
    Step,
    SupportFile,
    digest,
    save,
)
from migplan.bundle.options import Options, Source
from migplan.bundle.order_page import order_page
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema import ddl, role_file
from migplan.bundle.schema.assign_files import AT_THE_END, Phase, Slot, assign_files
from migplan.bundle.schema.default_privileges import revocations
from migplan.bundle.schema.expectation import attributes_in_target, catalog_in_target, gone
from migplan.bundle.schema.ownership import ownership_of
from migplan.bundle.schema.provided import provided_needs
from migplan.bundle.schema.requirements import oldest_target, requirements
from migplan.bundle.schema.role_file import NeededRoles, needed_roles
from migplan.bundle.schema.sort_entries import sort_entries
from migplan.bundle.schema.stubs import stubs, stubs_for_rows
from migplan.bundle.undo.rollback_files import (
    rollback_of_data,
    rollback_of_large_objects,
    rollback_of_schema,
)
from migplan.catalog.attributes import as_json as attributes_as_json
from migplan.catalog.layout import as_text
from migplan.catalog.model import Sequence as CatalogSequence
from migplan.catalog.model import Table
from migplan.catalog.provided import as_section
from migplan.catalog.store import as_json
from migplan.config import Layout
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedGroup
from migplan.postgres.archive import Entry
from migplan.postgres.identity import identity_of, place_of
from migplan.progress import Progress
from migplan.sql.text import one_line

log = logging.getLogger(__name__)

_PHASES = {
    "all": (Phase.SCHEMA, Phase.DATA, Phase.CONSTRAINTS),
    "schema": (Phase.SCHEMA, Phase.CONSTRAINTS),
    "data": (Phase.DATA,),
}

_RUNS_LIVE = "migplan apply BUNDLE --source SOURCE runs it; psql alone cannot."

_WIDE = 15  # room for any number of rows: they are known when the file is written, and set in place then


class Export:
    """Writes a bundle into a folder that gets its name when the bundle is whole."""

    def __init__(
        self,
        source: Source,
        plan: Plan,
        readers: Readers,
        options: Options,
        folder: Path,
        on_progress: Progress,
    ) -> None:
        self._source = source
        self._plan = plan
        self._readers = readers
        self._options = options
        self._paths = BundlePaths(folder)
        self._on_progress = on_progress
        self._ownership = ownership_of(source.archive.entries, source.whole)
        self._slots_of = assign_files(
            self._ownership, plan, source.graph, source.chosen, with_rows=options.contents == "all"
        )
        self._rows_written = self._bytes_written = 0
        self._orders: dict[str, list[int]] = {}  # the entries of each file
        self._sequences: list[SequenceValue] = []
        self._notes: list[str] = []
        self._needed = NeededRoles()
        self._brought = 0  # bytes of large objects
        self._types: dict[str, tuple[str, ...]] = {}  # of the columns of each table that is filled live

    def write(self) -> Manifest:
        """Write every file, the manifest last, and return the manifest."""
        files: list[BundleFile] = []
        for slot in self._slots():
            if slot[0] is Phase.DATA and self._source.large_objects and not self._brought:
                files.append(self._large_objects([done.file for done in files]))
            file = self._file(slot, [done.file for done in files])
            if file is not None:
                files.append(file)
                log.info("wrote %s, %d bytes", file.file, file.bytes)
        self._needed = self._needed_roles({file.file for file in files})
        if self._options.with_roles and self._needed.roles:
            files.insert(0, self._roles())
        manifest = self._write_support_files(self._with_provided(self._build_manifest(files)))
        save(manifest, self._paths)
        return manifest

    def _slots(self) -> list[Slot]:
        """Return phase and group of each file, in the order in which the files run."""
        groups = range(len(self._plan.groups))
        return [(phase, group) for phase in _PHASES[self._options.contents] for group in groups]

    def _file(self, slot: Slot, before: Sequence[str]) -> BundleFile | None:
        phase, number = slot
        group = self._plan.groups[number]
        entries = [entry for entry, where in self._slots_of.items() if where == slot]
        refreshes = phase is self._refresh_phase and self._is_last(group) and bool(self._refreshes())
        if not file_of(group, phase) or (phase is Phase.CONSTRAINTS and not entries and not refreshes):
            return None
        if phase is Phase.DATA:
            return self._data(group, entries, before)
        return self._definitions(phase, group, entries, before)

    def _definitions(
        self, phase: Phase, group: PlannedGroup, entries: Sequence[int], before: Sequence[str]
    ) -> BundleFile:
        path = self._paths.step(file_of(group, phase))
        what = {Phase.CONSTRAINTS: "indexes, keys, triggers and policies"}.get(phase, "definitions")
        watchers = [number for number in entries if self._watches(number)]
        parts = [
            self._schema_header(path.name, what, group, before) + ddl.SESSION + ddl.DEFINING,
            *self._statements(path.name, [number for number in entries if number not in watchers]),
        ]
        if phase is self._refresh_phase and self._is_last(group):
            parts += ["", *self._refreshes()]
        parts += self._statements(path.name, watchers)
        path.write_text("\n".join(parts) + "\n", encoding="utf-8")
        return describe_file(path, phase, group, ())

    def _large_objects(self, before: Sequence[str]) -> BundleFile:
        objects, options = self._source.large_objects, self._options
        path = self._paths.step(large_objects.file_name(self._plan))
        settings = ddl.SESSION + ddl.DATA + ddl.EMPTY_PATH
        steps = list(
            large_objects.large_object_steps(objects, options.owners, options.choice, live=options.live)
        )
        if options.live:
            self._brought = 1
            lines = ["-- Large objects of the source, under their own numbers."]
            header = self._header(path.name, "large objects", None, lines, before, live=True)
            found = LiveFile(path, self._binary).write(header + GUARD + settings, steps, tuple)
            return describe_file(path, Phase.DATA, None, found)
        self._brought = 1

        def count(_rows: int, size: int) -> None:
            self._brought += size
            self._on_progress(f"writing large objects ({self._brought / 1e6:,.1f} MB)", 0, 0)

        file = DataFile(path, self._readers, options.jobs, count, options.inserts)
        lines = [f"-- Expected after it: {large_objects.described(objects)}, under their own numbers."]
        header = self._header(path.name, "large objects", None, lines, before)
        written = file.write(header + settings, steps, tuple)
        return describe_file(path, Phase.DATA, None, written)

    def _needed_roles(self, files: Collection[str]) -> NeededRoles:
        """Return the roles that the files name."""
        placed = self._slots_of.items() if self._options.contents != "data" else ()
        entries = (
            self._ownership.entries[number]
            for number, (phase, place) in placed
            if file_of(self._plan.groups[place], phase) in files
        )
        options, source = self._options, self._source
        named = large_objects.roles_of(source.large_objects, options.owners, options.choice)
        return needed_roles(source.session, entries, options.owners, named, source.provided.role)

    def _notes_of_roles(self) -> Iterator[str]:
        if not self._needed.roles:
            yield f"there is no {role_file.FILE}: the files name no roles"
        yield from self._needed.notes

    def _roles(self) -> BundleFile:
        path = self._paths.step(role_file.FILE)
        names = ", ".join(one_line(role.name) for role in self._needed.roles)
        lines = [
            f"-- Roles: {names}",
            "-- Made where they are missing, without passwords; one that is there stays as it is.",
        ]
        header = self._header(path.name, "roles", None, lines, ())
        path.write_text(role_file.role_file(header, self._needed), encoding="utf-8")
        return describe_file(path, None, None, ())

    def _statements(self, file: str, entries: Sequence[int]) -> list[str]:
        order = sort_entries(entries, self._ownership, self._positions)
        self._orders.setdefault(file, []).extend(order)
        found = [self._ownership.entries[number] for number in order]
        return list(ddl.statements(found, self._ownership.owner, self._options.owners, self._revoked))

    @cached_property
    def _revoked(self) -> Mapping[int, str]:
        """What the default privileges of a target that provides something give, and is taken back."""
        if not (self._source.provided and self._options.choice.privileges):
            return {}
        entries = (self._ownership.entries[number] for number in self._slots_of)
        return revocations(entries, self._source.whole, self._source.provided, self._options.owners)

    def _data(self, group: PlannedGroup, entries: Sequence[int], before: Sequence[str]) -> BundleFile:
        path = self._paths.step(group.data_file)
        if self._options.live:
            return self._live_data(path, group, entries, before)
        file = DataFile(path, self._readers, self._options.jobs, self._count, self._options.inserts)
        settings = ddl.SESSION + ddl.DATA + f"SET search_path = {self._source.search_path};\n"
        nothing = [0] * len(group.tables)
        written = file.write(
            self._data_header(path.name, group, before, nothing) + settings,
            list(self._loading.steps(group)),
            lambda: self._closing(group, entries),
        )
        found = rows_by_table(self._source, written)
        rows = [found[table.table] for table in group.tables]
        # Its length does not depend on the numbers, so they can be set in place.
        file.rewrite_header(self._data_header(path.name, group, before, rows) + settings)
        return describe_file(path, Phase.DATA, group, written)

    def _live_data(
        self, path: Path, group: PlannedGroup, entries: Sequence[int], before: Sequence[str]
    ) -> BundleFile:
        """Write a data file whose rows come from the source when it runs."""
        steps = list(self._loading.steps(group))
        settings = ddl.SESSION + ddl.DATA + f"SET search_path = {self._source.search_path};\n"
        header = self._live_header(path.name, group, before)
        written = LiveFile(path, self._binary).write(
            header + GUARD + settings, steps, lambda: self._closing(group, entries)
        )
        for part in (part for step in steps for part in step.parts if isinstance(part, RowBlock)):
            self._types.setdefault(part.into, part.types)
        return describe_file(path, Phase.DATA, group, written)

    @property
    def _binary(self) -> bool:
        """Whether live rows may travel in binary: not into tables that are there, of perhaps other types."""
        return self._options.contents != "data"

    def _notes_of_formats(self) -> list[str]:
        if not self._options.live:
            return []
        if not self._binary:
            return ["rows travel as text: the tables are the target's, and their types may be others"]
        types = {table: found for table, found in self._types.items() if not table.startswith(TEMPORARY)}
        return binary.notes(types)

    def _closing(self, group: PlannedGroup, entries: Sequence[int]) -> list[DataStep]:
        """Return the steps behind a file's rows: sequences, keys that had to wait, materialised views.

        What concerns no rows may run beside any other. The source's own session is asked for these, so nobody
        else may be at work.
        """
        log.info("computed %d digests", len(self._digests))
        live = self._live_sequences(group) if self._options.live else ()
        text = sequences_line(live) if live else "\n".join(self._sequence_values(group))
        values = DataStep("sequences", ("sequences",), (Sql(text),), sequences=live)
        texts = self._closing_texts(group, entries)
        return [
            *([values] if text else []),
            *(DataStep(name, (name,), (Sql(text),), alone=True) for name, text in texts.items() if text),
        ]

    @cached_property
    def _digests(self) -> Mapping[str, str]:
        """The digest of each table's content: they are computed while files are written, and waited for."""
        return self._source.digests()

    def _closing_texts(self, group: PlannedGroup, entries: Sequence[int]) -> dict[str, str]:
        """Return the SQL of the steps that run beside no other."""
        watchers = [number for number in entries if self._watches(number)]
        keys = [number for number in entries if number not in watchers]
        closing = {
            "keys created after the rows": "\n".join([ddl.LOCALLY, *self._statements(group.data_file, keys)])
            if keys
            else "",
        }
        if self._is_last(group) and self._refresh_phase is Phase.DATA:
            closing["materialised views"] = "\n".join(self._refreshes())
        if watchers:
            closing["event triggers and settings"] = "\n".join(
                [ddl.LOCALLY, *self._statements(group.data_file, watchers)]
            )
        return closing

    def _watches(self, number: int) -> bool:
        """Return whether an entry belongs at the very end: event triggers would fire for REFRESH, too."""
        entries = self._ownership.entries
        return any(entries[each].kind in AT_THE_END for each in (number, *self._ownership.needs[number]))

    def _count(self, rows: int, size: int) -> None:
        self._rows_written += rows
        self._bytes_written += size
        what = f"writing rows ({self._bytes_written / 1e6:,.1f} MB)"
        self._on_progress(what, self._rows_written, max(self._plan.rows, self._rows_written))

    @property
    def _loading(self) -> LoadSteps:
        data_only = self._options.contents == "data"
        kinds = {"FK CONSTRAINT"} if data_only else set()
        if self._options.inserts is not None:
            kinds.add("RULE")  # which COPY does not look at
        live = data_only or self._plan.constraints is Layout.WITH_SCHEMA
        return LoadSteps(
            self._source.graph,
            self._plan,
            live,
            suspendable(self._ownership, kinds),
            trigger_states(self._ownership),
            from_source=self._options.live,
            # Before 14 a range of ctid is looked for in the whole table.
            whole=self._options.live and self._source.catalog.server.major < 14,
        )

    def _wanted_sequences(self, group: PlannedGroup) -> list[CatalogSequence]:
        # A sequence of a table whose rows stay at home is left where CREATE SEQUENCE begins.
        here = {self._source.graph.by_text[table.table] for table in group.tables if table.brings_rows}
        home = self._source.graph.home

        def is_set(owner: QualifiedName | None) -> bool:
            return home[owner] in here if owner is not None and owner in home else self._is_last(group)

        return [each for each in self._source.catalog.sequences if is_set(each.owned_by)]

    def _note_hidden(self, names: Iterable[QualifiedName]) -> None:
        self._notes += [
            f"the value of sequence {name} is not set: the role may not read it" for name in names
        ]

    def _live_sequences(self, group: PlannedGroup) -> tuple[str, ...]:
        """Return the names of the sequences whose values are asked for when the file runs."""
        names = [each.name for each in self._wanted_sequences(group)]
        hidden = sequences.hidden(self._source.session, names)
        self._note_hidden(hidden)
        found = tuple(str(name) for name in names if name not in hidden)
        self._sequences += [
            SequenceValue(sequence=name, called=False, file=group.data_file) for name in found
        ]
        return found

    def _sequence_values(self, group: PlannedGroup) -> list[str]:
        if self._options.live:
            return []
        wanted, source = self._wanted_sequences(group), self._source
        found, hidden = sequences.values(source.session, wanted, source.catalog)
        self._note_hidden(hidden)
        self._sequences += [
            SequenceValue(
                sequence=str(value.sequence), value=value.value, called=value.called, file=group.data_file
            )
            for value in found
        ]
        return [value.statement for value in found]

    def _is_last(self, group: PlannedGroup) -> bool:
        return group is self._plan.groups[-1]

    @property
    def _refresh_phase(self) -> Phase | None:
        """The phase in which materialised views are filled: all rows, and the views, are there then."""
        if self._options.contents == "schema":
            return None
        after = self._plan.constraints is Layout.AFTER_DATA and self._options.contents == "all"
        return Phase.CONSTRAINTS if after else Phase.DATA

    def _refreshes(self) -> list[str]:
        return [f"REFRESH MATERIALIZED VIEW {name};" for name in self._refreshed]

    @property
    def _refreshed(self) -> list[QualifiedName]:
        """The materialised views that are filled, in an order that works."""
        if self._refresh_phase is None:
            return []
        populated = {view.name for view in self._source.catalog.views if view.materialized and view.populated}
        entries = (self._ownership.entries[number] for number in self._slots_of)
        return [
            name
            for entry in entries
            if entry.kind == "MATERIALIZED VIEW"
            and (name := QualifiedName(entry.schema, entry.tag)) in populated
        ]

    @cached_property
    def _positions(self) -> Mapping[QualifiedName, int]:
        """The place of each table in the plan, partitions right after their table."""
        where = {table.table: number for number, table in enumerate(self._plan.tables)}
        homes = self._source.graph.home.items()
        return {name: 2 * where[str(home)] + (name != home) for name, home in homes if str(home) in where}

    # --- the comment on top of every file: what it is, from where, what comes before, what is expected after.
    # Nothing in it differs between two exports of the same: moments and versions are the manifest's.

    def _schema_header(self, file: str, what: str, group: PlannedGroup, before: Sequence[str]) -> str:
        tables = ", ".join(one_line(table.table) for table in group.tables)
        return self._header(file, what, group, [f"-- Tables: {tables}"], before)

    def _data_header(self, file: str, group: PlannedGroup, before: Sequence[str], rows: Sequence[int]) -> str:
        """The header of a data file; its length does not depend on the numbers."""
        width = max(len(one_line(table.table)) for table in group.tables)
        lines = [
            "-- Expected after it:",
            *(
                f"--   {one_line(table.table):{width}} {number:>{_WIDE},} rows  depth {table.depth:<3} "
                f"{table.strategy.value}"
                for table, number in zip(group.tables, rows, strict=True)
            ),
            f"--   {'in all':{width}} {sum(rows):>{_WIDE},} rows",
        ]
        return self._header(file, "rows", group, lines, before)

    def _live_header(self, file: str, group: PlannedGroup, before: Sequence[str]) -> str:
        """The header where rows come from the source, as many as there are then."""
        width = max(len(one_line(table.table)) for table in group.tables)
        lines = [
            "-- Filled from the source, as it is when the file runs:",
            *(
                f"--   {one_line(table.table):{width}}  depth {table.depth:<3} {table.strategy.value}"
                for table in group.tables
            ),
        ]
        return self._header(file, "rows", group, lines, before, live=True)

    def _header(
        self,
        file: str,
        what: str,
        group: PlannedGroup | None,
        lines: Sequence[str],
        before: Sequence[str],
        *,
        live: bool = False,
    ) -> str:
        title = f"{what} of group {group.name}" if group else what
        opening = [
            f"-- {one_line(file)}: {one_line(title)}",
            "--",
            f"-- From the database {one_line(self._plan.database)}, "
            f"PostgreSQL {self._source.catalog.server.major}.",
            f"-- Part of the bundle {one_line(self._plan.name)}, made by migplan. "
            + (_RUNS_LIVE if live else "psql -v ON_ERROR_STOP=1 -f runs it, too."),
            "--",
            *([f"-- {one_line(group.purpose)}", "--"] if group and group.purpose else []),
        ]
        needed = f"Must have run before: {', '.join(before)}" if before else "Nothing must have run before."
        return "\n".join([*opening, *lines, f"-- {needed}"]) + "\n\n"

    # --- the manifest: where everything went, what stayed behind, and what it takes

    def _build_manifest(self, files: Sequence[BundleFile]) -> Manifest:
        source, plan, options = self._source, self._plan, self._options
        server = source.catalog.server
        inside = {str(name) for name in (*source.catalog.by_name, *source.catalog.provided_by_name)}
        rows = rows_by_table(source, (step for file in files for step in file.steps))
        entries, left_out = self._ownership.entries, source.chosen.left_out
        return Manifest(
            name=plan.name,
            database=plan.database,
            postgresql=server.major,
            needs_postgresql=oldest_target(source.catalog),
            origin=Origin(
                source=str(source.session.address).partition("?")[0],
                server=server.version_text,
                snapshot_at=_epoch() or server.read_at,
                pg_dump=source.archive.pg_dump_version,
                migplan=__version__,
                encoding=server.encoding,
                collation=server.collation,
                **self._identity(),
            ),
            catalog=plan.catalog,
            plan=source.plan_digest or (plan.without_rows if options.live else plan).digest,
            constraints=plan.constraints,
            contents=options.contents,
            data_format="copy" if options.inserts is None else "insert",
            rows_are="live" if options.live else "written",
            keeps_owners=options.owners.kept,
            roles=dict(options.owners.roles),
            rows=sum(rows.values()),
            files=tuple(files),
            tables=() if options.contents == "schema" else tuple(self._loaded_tables(rows, files)),
            sequences=tuple(self._sequences),
            foreign_keys=tuple(
                key.label for key in source.catalog.foreign_keys if str(key.referenced) in inside
            ),
            carried=source.carried,
            extensions=() if options.contents == "data" else tuple(self._extensions()),
            objects=tuple(self._moved({file.file for file in files})),
            left_out=tuple(LeftObject(**_named(entries[n]), why=why) for n, why in left_out.items()),
            taken_along=tuple(NamedObject(**_named(entries[n])) for n in sorted(source.chosen.added)),
            needed_roles=self._needed.roles,
            memberships=self._needed.memberships,
            notes=(
                *map(str, requirements(source.catalog)),
                *source.notes,
                *self._notes,
                *self._notes_of_formats(),
                *(self._notes_of_roles() if options.with_roles else ()),
                *_out_of_order([file.file for file in files]),
            ),
            refreshed=tuple((name.schema, name.name) for name in self._refreshed),
        )

    def _with_provided(self, manifest: Manifest) -> Manifest:
        """Return the manifest with what the target is to bring by itself."""
        source = self._source
        if not source.provided:
            return manifest
        needed: tuple[ProvidedObject, ...] = ()
        if manifest.contents != "data":
            here = self._slots_of
            found = provided_needs(self._ownership, here, source.brought, source.catalog, self._ask)
            needed = tuple(found)
        loaded = {
            part.name for table in manifest.tables if table.brings_rows for part in self._family(table.table)
        }
        referred: tuple[ReferredKey, ...] = ()
        if groups := referring_keys(source.catalog, loaded):
            referred = tuple(
                each.model_copy(update={"together": self._together_with(each.table)})
                for each in write_referred(source.catalog, groups, self._readers, self._paths.keys)
            )
        provides = as_section(source.provided)
        return manifest.model_copy(update={"provides": provides, "provided": needed, "referred": referred})

    def _together_with(self, table: str) -> tuple[str, ...]:
        names = next((names for names in self._source.together if table in names), ())
        return tuple(name for name in names if name != table)

    def _ask(self, question: LiteralString, values: Sequence[Any]) -> list[Any]:
        return self._source.session.ask(question, values, during="looking at what the target is to provide")

    def _identity(self) -> dict[str, str]:
        """Return what identifies the source database, by which the one that rows come from is known.

        Nothing if they are in the files, and the bundle is to be reproducible.
        """
        if os.environ.get("SOURCE_DATE_EPOCH") and not self._options.live:
            return {}
        session = self._source.session
        return {"place": place_of(session), "identity": identity_of(session)}

    def _extensions(self) -> Iterator[NeededExtension]:
        moved = {self._ownership.entries[number].tag for number in self._slots_of}
        for each in self._source.catalog.extensions:
            if each.name in moved:
                yield NeededExtension(name=each.name, version=each.version, in_schema=each.schema)

    def _loaded_tables(self, rows: Counter[str], files: Sequence[BundleFile]) -> Iterator[LoadedTable]:
        source, written = self._source, {file.group for file in files}
        for group in self._plan.groups:
            for table in group.tables if group.name in written else ():
                name = source.graph.by_text[table.table]
                shape = source.shapes.get(name)
                yield LoadedTable(
                    table=table.table,
                    group=group.name,
                    depth=table.depth,
                    rows=rows[table.table],
                    strategy=table.strategy,
                    reason=table.reason,
                    self_keys=tuple(key.columns for key in source.graph.self_keys.get(name, ())),
                    digest=self._digests.get(table.table, ""),
                    roots=shape.roots if shape else None,
                    self_references=shape.references if shape else (),
                )

    def _moved(self, files: Collection[str]) -> Iterator[MovedObject]:
        slots = self._slots_of if self._options.contents != "data" else {}
        for number, (phase, place) in slots.items():
            file = file_of(self._plan.groups[place], phase)
            if file in files:
                yield MovedObject(**_named(self._ownership.entries[number]), file=file)
        if role_file.FILE in files:
            for role in self._needed.roles:
                yield MovedObject(kind=role_file.KIND, name=role.name, file=role_file.FILE)

    # --- the files beside those that run: how to roll them back, how to validate, what is to come out, a page

    def _write_support_files(self, manifest: Manifest) -> Manifest:
        """Write them, and return the manifest that names them."""
        texts = dict(self._support_files(manifest))
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        folder = self._paths.folder
        originals_text = as_text(originals.as_value(manifest, self._paths))
        self._paths.originals.write_text(originals_text, encoding="utf-8")
        paths = [*texts, self._paths.originals, *([self._paths.keys] if manifest.referred else [])]
        companions = tuple(
            SupportFile(file=path.relative_to(folder).as_posix(), sha256=digest(path)) for path in paths
        )
        return manifest.model_copy(update={"companions": companions})

    def _support_files(self, manifest: Manifest) -> Iterator[tuple[Path, str]]:
        paths, source, owners = self._paths, self._source, self._options.owners
        for file in manifest.files:
            order = self._orders.get(file.file, ())
            if file.phase == "roles":
                text = role_file.rollback_of_roles(manifest.name, manifest.needed_roles)
            elif file.large_objects:
                text = rollback_of_large_objects(manifest, file.file)
            elif file.phase == "data":
                text = rollback_of_data(manifest, file.file, source.catalog, order, self._ownership, owners)
            else:
                text = rollback_of_schema(manifest, file.file, order, self._ownership, owners)
            yield paths.rollback(file.file), text
        if manifest.contents != "schema":
            yield paths.row_counts, validation_queries.row_counts(manifest, source.catalog)
            yield paths.self_references, validation_queries.self_references(manifest, source.catalog)
        yield paths.foreign_keys, validation_queries.foreign_keys(manifest, source.catalog)
        yield paths.order, order_page(manifest, self._plan, source.tree)
        if text := self._stand_ins(manifest):
            yield paths.stubs, text
        missing = gone(manifest, self._ownership.entries.values())
        expected = catalog_in_target(source.catalog, missing, owners)
        yield paths.catalog, as_text(as_json(expected, observations=False))
        if source.large_objects:
            digests, choice = source.large_object_digests, self._options.choice
            values = large_objects.expected(
                source.large_objects, digests, owners, choice, live=self._options.live
            )
            yield paths.large_objects, as_text({"large_objects": values})
            yield paths.validated_objects, validation_queries.large_objects(manifest, source.catalog, values)
        if manifest.contents != "data":
            moved = [each.named for each in manifest.objects]
            found = attributes_in_target(source.attributes, expected, moved, owners)
            yield paths.attributes, as_text(attributes_as_json(found))

    def _family(self, table: str) -> tuple[Table, ...]:
        graph = self._source.graph
        return graph.families[graph.by_text[table]]

    def _stand_ins(self, manifest: Manifest) -> str:
        keys = self._source.catalog.foreign_keys
        if manifest.contents == "data":
            names = {str(part.name) for table in manifest.tables for part in self._family(table.table)}
            names.update(each.sequence for each in manifest.sequences)
            names.update(key.table for key in manifest.referred)
            return stubs_for_rows(self._ownership, names, keys, self._ask)
        if manifest.provided:
            return stubs(self._ownership, self._slots_of, self._source.brought, keys, self._ask)
        return ""


def _out_of_order(names: Sequence[str]) -> Iterator[str]:
    """Yield a note if a shell would run the files in another order, or pass some of them over."""
    if list(names) != sorted(names) or not all(name[:1].isdigit() for name in names):
        yield "the names of the files do not sort in the order in which they run: go by MIGRATION_ORDER.md"


def _epoch() -> str:
    """Return the moment that SOURCE_DATE_EPOCH sets, for reproducible bundles; else nothing."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(said), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if said.isdecimal() else ""


def describe_file(
    path: Path, phase: Phase | None, group: PlannedGroup | None, steps: tuple[Step, ...]
) -> BundleFile:
    """Return the manifest's entry for a file that has been written; roles have no phase of the plan's."""
    return BundleFile(
        file=path.name,
        phase=phase.word if phase is not None else "roles",
        group=group.name if group else "",
        sha256=digest(path),
        bytes=path.stat().st_size,
        rows=sum(step.rows for step in steps),
        steps=steps,
    )


def rows_by_table(source: Source, steps: Iterable[Step]) -> Counter[str]:
    """Return the rows of each planned table, partitions included; a second pass brings none."""
    home = {str(name): str(home) for name, home in source.graph.home.items()}
    rows: Counter[str] = Counter()
    for step in steps:
        for block in step.blocks:
            if not block.is_temporary:
                rows[home.get(block.table, block.table)] += block.rows
    return rows


def file_of(group: PlannedGroup, phase: Phase) -> str:
    """Return the name of a group's file for a phase; empty if the layout has none."""
    return {
        Phase.SCHEMA: group.schema_file,
        Phase.DATA: group.data_file,
        Phase.CONSTRAINTS: group.constraints_file or "",
    }[phase]


def _named(entry: Entry) -> dict[str, str]:
    return {"kind": entry.kind, "in_schema": entry.schema, "name": entry.tag}
