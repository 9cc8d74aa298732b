"""Writing a bundle: from a plan and one moment of its database to numbered files and their manifest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from migplan import __version__
from migplan.bundle import ddl, headers, sequences
from migplan.bundle.arranging import arranged
from migplan.bundle.belonging import Belonging, belonging
from migplan.bundle.data import DataFile
from migplan.bundle.ddl import Owners
from migplan.bundle.headers import About
from migplan.bundle.inserts import InsertStyle
from migplan.bundle.loading import Loading
from migplan.bundle.manifest import (
    BundleFile,
    LeftObject,
    LoadedTable,
    Manifest,
    MovedObject,
    Origin,
    SequenceValue,
    Step,
    digest,
    save,
)
from migplan.bundle.paths import BundlePaths
from migplan.bundle.placing import Choice, Phase, Placement, Slot, place
from migplan.bundle.reading import Readers
from migplan.catalog.model import Catalog
from migplan.config import Layout
from migplan.errors import FileError
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedGroup
from migplan.postgres.address import Address
from migplan.postgres.archive import Archive
from migplan.postgres.versions import dotted

Told = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What people want of a bundle."""

    contents: str = "all"  # or 'schema', 'data'
    jobs: int = 1
    inserts: InsertStyle | None = None
    choice: Choice = field(default_factory=Choice)
    owners: Owners = field(default_factory=Owners)


@dataclass(frozen=True)
class Source:
    """One moment of a database, and all that was read of it."""

    address: Address
    driver: psycopg.Connection[Any]
    catalog: Catalog  # the selected part
    graph: ForeignKeyGraph
    archive: Archive
    search_path: str


class Export:
    """A bundle being written into a folder that nobody looks into yet."""

    def __init__(
        self, source: Source, plan: Plan, readers: Readers, options: Options, folder: Path, told: Told
    ) -> None:
        self._source = source
        self._plan = plan
        self._readers = readers
        self._options = options
        self._paths = BundlePaths(folder)
        self._told = told
        self._names = {str(name): name for name in source.graph.tables}
        self._homes = _homes(source.graph)
        self._belonging = belonging(source.archive.entries, source.catalog)
        self._placement = place(self._belonging, plan, self._homes, options.choice)
        self._about = About(
            plan.database, dotted(source.catalog.server.version), source.catalog.server.read_at, plan.name
        )
        self._written = 0
        self._sequences: list[SequenceValue] = []
        self._notes: list[str] = []

    def write(self) -> Manifest:
        """Write every file, and last the manifest."""
        files: list[BundleFile] = []
        for slot in self._slots():
            file = self._file(slot, [done.file for done in files])
            if file is not None:
                files.append(file)
        manifest = self._manifest(files)
        save(manifest, self._paths)
        return manifest

    def _slots(self) -> list[Slot]:
        """The files in the order in which they run."""
        groups = range(len(self._plan.groups))
        phases = {"all": tuple(Phase), "schema": (Phase.SCHEMA, Phase.CONSTRAINTS), "data": (Phase.DATA,)}
        return [(phase, group) for phase in phases[self._options.contents] for group in groups]

    def _file(self, slot: Slot, before: Sequence[str]) -> BundleFile | None:
        phase, number = slot
        group = self._plan.groups[number]
        entries = [entry for entry, place in self._placement.slots.items() if place == slot]
        if phase is Phase.DATA:
            return self._data(group, entries, before, last=number == len(self._plan.groups) - 1)
        name = group.schema_file if phase is Phase.SCHEMA else group.constraints_file
        if name is None or not (entries or phase is Phase.SCHEMA):
            return None
        return self._definitions(name, phase, group, entries, before)

    def _definitions(
        self, name: str, phase: Phase, group: PlannedGroup, entries: Sequence[int], before: Sequence[str]
    ) -> BundleFile:
        what = "types, functions, tables" if self._plan.constraints is Layout.AFTER_DATA else "schema"
        what = "indexes, keys, triggers and policies" if phase is Phase.CONSTRAINTS else what
        last = phase is self._refresh_phase and group is self._plan.groups[-1]
        text = (
            headers.schema_header(name, what, group, self._about, before)
            + headers.SESSION
            + ddl.DEFINING
            + "\n".join(self._statements(entries))
            + "\n"
            + ("\n" + "\n".join(self._refreshes()) + "\n" if last else "")
        )
        path = self._paths.step(name)
        path.write_text(text, encoding="utf-8")
        return _described(path, phase, group.name, ())

    def _statements(self, entries: Sequence[int]) -> Sequence[str]:
        order = arranged(entries, self._belonging, self._positions)
        found = [self._belonging.entries[number] for number in order]
        return list(ddl.statements(found, self._belonging.owner, self._options.owners))

    def _data(
        self, group: PlannedGroup, entries: Sequence[int], before: Sequence[str], *, last: bool
    ) -> BundleFile | None:
        steps = list(self._loading.steps(group))
        closing = ["\n".join(text) for text in (self._sequence_values(group, last=last),) if text]
        if entries:
            closing.append(
                f"SELECT pg_catalog.set_config('search_path', '', true);\n{chr(10).join(self._statements(entries))}"
            )
        if last and self._refresh_phase is Phase.DATA:
            closing += ["\n".join(self._refreshes())] if self._refreshes() else []
        path = self._paths.step(group.data_file)
        file = DataFile(path, self._readers, self._options.jobs, self._count, self._options.inserts)
        settings = headers.SESSION + headers.DATA + f"SET search_path = {self._source.search_path};\n"
        nothing = [0] * len(group.tables)
        header = headers.data_header(group.data_file, group, self._about, before, nothing) + settings
        written = file.write(header, steps, closing)
        rows = [self._rows_of(table.table, written) for table in group.tables]
        file.rewrite_header(headers.data_header(group.data_file, group, self._about, before, rows) + settings)
        return _described(path, Phase.DATA, group.name, written)

    def _rows_of(self, table: str, steps: Sequence[Step]) -> int:
        family = {table, *map(str, self._source.graph.partitions.get(self._names[table], ()))}
        return sum(block.rows for step in steps for block in step.blocks if block.table in family)

    def _count(self, rows: int, _bytes: int) -> None:
        self._written += rows
        self._told("writing rows", self._written, self._plan.rows)

    @property
    def _loading(self) -> Loading:
        entries = self._belonging.entries.values()
        definitions = {
            (owner, entry.tag.removeprefix(f"{owner.name} ")): (entry.drop, entry.definition)
            for entry in entries
            if entry.kind == "FK CONSTRAINT" and (owner := self._belonging.owner.get(entry.id))
        }
        data_only = self._options.contents == "data"
        live = data_only or self._plan.constraints is Layout.WITH_SCHEMA
        return Loading(self._source.catalog, self._source.graph, live, definitions if data_only else {})

    def _sequence_values(self, group: PlannedGroup, *, last: bool) -> list[str]:
        here = {self._names[table.table] for table in group.tables}
        wanted = [
            sequence
            for sequence in self._source.catalog.sequences
            if (sequence.owned_by in here if sequence.owned_by in self._source.catalog.by_name else last)
        ]
        found, hidden = sequences.values(
            self._source.driver, self._source.address, wanted, self._source.catalog
        )
        self._notes += [
            f"the value of sequence {name} is not set: the role may not read it" for name in hidden
        ]
        self._sequences += [
            SequenceValue(
                sequence=str(value.sequence), value=value.value, called=value.called, file=group.data_file
            )
            for value in found
        ]
        return [value.statement for value in found]

    @property
    def _refresh_phase(self) -> Phase:
        """Materialised views are filled when all rows, and the views themselves, are there."""
        if self._options.contents == "schema":
            return Phase.DATA  # which is not written
        after = self._plan.constraints is Layout.AFTER_DATA and self._options.contents == "all"
        return Phase.CONSTRAINTS if after else Phase.DATA

    def _refreshes(self) -> list[str]:
        populated = {view.name for view in self._source.catalog.views if view.materialized and view.populated}
        entries = (self._belonging.entries[number] for number in self._placement.slots)
        return [
            f"REFRESH MATERIALIZED VIEW {name};"
            for entry in entries
            if entry.kind == "MATERIALIZED VIEW"
            and (name := QualifiedName(entry.schema, entry.tag)) in populated
        ]

    @property
    def _positions(self) -> Mapping[QualifiedName, int]:
        """The place of each table in the plan, partitions right after their table."""
        place = {table.table: number for number, table in enumerate(self._plan.tables)}
        return {name: 2 * place[home] + (str(name) != home) for name, home in self._homes.items()}

    def _manifest(self, files: Sequence[BundleFile]) -> Manifest:
        server = self._source.catalog.server
        keys = [key for table in self._source.catalog.tables for key in table.foreign_keys]
        rows = {step_table: 0 for step_table in self._names}
        for file in files:
            for table in self._plan.tables:
                rows[table.table] += self._rows_of(table.table, file.steps)
        data = self._options.contents != "schema"
        return Manifest(
            name=self._plan.name,
            database=self._plan.database,
            postgresql=server.major,
            needs_postgresql=server.major,
            origin=Origin(
                source=str(self._source.address),
                server=server.version_text,
                snapshot_at=server.read_at,
                pg_dump=self._source.archive.pg_dump_version,
                migplan=__version__,
            ),
            catalog=self._plan.catalog,
            plan=_digest_of(self._plan),
            constraints=self._plan.constraints,
            contents=self._options.contents,  # type: ignore[arg-type]  # one of the three
            data_format="copy" if self._options.inserts is None else "insert",
            rows=sum(rows.values()),
            files=tuple(files),
            tables=tuple(
                LoadedTable(
                    table=table.table,
                    group=self._plan.group_of[table.table],
                    depth=table.depth,
                    rows=rows[table.table],
                    strategy=table.strategy,
                    reason=table.reason,
                    self_keys=tuple(
                        key.columns for key in self._source.graph.self_keys.get(self._names[table.table], ())
                    ),
                )
                for table in self._plan.tables
                if data
            ),
            sequences=tuple(self._sequences),
            foreign_keys=tuple(f"{key.name}: {key}" for key in keys if key.referenced in self._homes),
            objects=tuple(self._moved()),
            left_out=tuple(
                LeftObject(kind=left.entry.kind, name=_name(left.entry.schema, left.entry.tag), why=left.why)
                for left in self._placement.left_out
            ),
            notes=tuple(self._notes),
        )

    def _moved(self) -> list[MovedObject]:
        if self._options.contents == "data":
            return []
        found = []
        for number, (phase, group) in self._placement.slots.items():
            entry = self._belonging.entries[number]
            names = self._plan.groups[group]
            file = {Phase.SCHEMA: names.schema_file, Phase.DATA: names.data_file}.get(
                phase, names.constraints_file
            )
            found.append(MovedObject(kind=entry.kind, name=_name(entry.schema, entry.tag), file=file or ""))
        return found


def _described(path: Path, phase: Phase, group: str, steps: tuple[Step, ...]) -> BundleFile:
    return BundleFile(
        file=path.name,
        phase=phase.name.lower(),  # type: ignore[arg-type]  # the names of the phases
        group=group,
        sha256=digest(path),
        bytes=path.stat().st_size,
        rows=sum(step.rows for step in steps),
        steps=steps,
    )


def _homes(graph: ForeignKeyGraph) -> dict[QualifiedName, str]:
    homes = {name: str(name) for name in graph.tables}
    homes |= {part: str(owner) for owner, parts in graph.partitions.items() for part in parts}
    return homes


def _digest_of(plan: Plan) -> str:
    import hashlib  # noqa: PLC0415

    return hashlib.sha256(plan.model_dump_json().encode()).hexdigest()


def _name(schema: str, tag: str) -> str:
    return f"{schema}.{tag}" if schema else tag


__all__ = ["Belonging", "Export", "FileError", "Options", "Placement", "Source"]
