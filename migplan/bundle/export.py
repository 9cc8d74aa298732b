"""Writing a bundle: from a plan and one moment of its database to numbered files and their manifest."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from migplan.bundle import headers
from migplan.bundle.build_manifest import described, file_of, manifest_of, rows_by_table
from migplan.bundle.data import sequences
from migplan.bundle.data.data_file import DataFile
from migplan.bundle.data.loading import Loading, takable, trigger_states
from migplan.bundle.data.reading import Readers
from migplan.bundle.headers import About
from migplan.bundle.manifest import BundleFile, Manifest, SequenceValue, save
from migplan.bundle.options import Options, Source
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema import ddl
from migplan.bundle.schema.assign_files import AT_THE_END, Phase, Slot, homes_of, place
from migplan.bundle.schema.ownership import belonging
from migplan.bundle.schema.sort_entries import arranged
from migplan.bundle.support_files import write_companions
from migplan.config import Layout
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedGroup
from migplan.postgres.versions import dotted
from migplan.progress import Progress

log = logging.getLogger(__name__)

_PHASES = {
    "all": (Phase.SCHEMA, Phase.DATA, Phase.CONSTRAINTS),
    "schema": (Phase.SCHEMA, Phase.CONSTRAINTS),
    "data": (Phase.DATA,),
}


class Export:
    """A bundle being written into a folder that nobody looks into yet."""

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
        self._names = {str(name): name for name in source.graph.tables}
        self._homes = homes_of(source.graph)
        self._belonging = belonging(source.archive.entries, source.catalog)
        self._placement = place(
            self._belonging, plan, source.graph, options.choice, with_rows=options.contents == "all"
        )
        self._snapshot_at = _epoch() or source.catalog.server.read_at
        version = dotted(source.catalog.server.version)
        self._about = About(plan.database, version, self._snapshot_at, plan.name)
        self._rows_written = self._bytes_written = 0
        self._orders: dict[str, list[int]] = {}  # the entries of each file
        self._sequences: list[SequenceValue] = []
        self._notes: list[str] = []

    def write(self) -> Manifest:
        """Write every file, and last the manifest."""
        files: list[BundleFile] = []
        for slot in self._slots():
            file = self._file(slot, [done.file for done in files])
            if file is not None:
                files.append(file)
                log.info("wrote %s, %d bytes", file.file, file.bytes)
        manifest = manifest_of(
            self._source,
            self._plan,
            self._options,
            self._snapshot_at,
            self._belonging,
            self._placement,
            files,
            self._sequences,
            self._notes,
        )
        refreshed = tuple((name.schema, name.name) for name in self._refreshed)
        manifest = manifest.model_copy(update={"refreshed": refreshed})
        manifest = write_companions(
            self._paths,
            manifest,
            self._plan,
            self._source,
            self._belonging,
            self._orders,
            self._options.owners,
        )
        save(manifest, self._paths)
        return manifest

    def _slots(self) -> list[Slot]:
        """The files in the order in which they run."""
        groups = [
            number
            for number, group in enumerate(self._plan.groups)
            if not self._options.groups or group.name in self._options.groups
        ]
        return [(phase, group) for phase in _PHASES[self._options.contents] for group in groups]

    def _file(self, slot: Slot, before: Sequence[str]) -> BundleFile | None:
        phase, number = slot
        group = self._plan.groups[number]
        entries = [entry for entry, where in self._placement.slots.items() if where == slot]
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
            headers.schema_header(path.name, what, group, self._about, before)
            + headers.SESSION
            + ddl.DEFINING,
            *self._statements(path.name, [number for number in entries if number not in watchers]),
        ]
        if phase is self._refresh_phase and self._is_last(group):
            parts += ["", *self._refreshes()]
        parts += self._statements(path.name, watchers)
        path.write_text("\n".join(parts) + "\n", encoding="utf-8")
        return described(path, phase, group, ())

    def _statements(self, file: str, entries: Sequence[int]) -> list[str]:
        order = arranged(entries, self._belonging, self._positions)
        self._orders.setdefault(file, []).extend(order)
        found = [self._belonging.entries[number] for number in order]
        return list(ddl.statements(found, self._belonging.owner, self._options.owners))

    def _data(self, group: PlannedGroup, entries: Sequence[int], before: Sequence[str]) -> BundleFile:
        path = self._paths.step(group.data_file)
        file = DataFile(path, self._readers, self._options.jobs, self._count, self._options.inserts)
        settings = headers.SESSION + headers.DATA + f"SET search_path = {self._source.search_path};\n"
        nothing = [0] * len(group.tables)
        written = file.write(
            headers.data_header(path.name, group, self._about, before, nothing) + settings,
            list(self._loading.steps(group)),
            lambda: self._closing(group, entries),
        )
        found = rows_by_table(self._source, written)
        rows = [found[table.table] for table in group.tables]
        # Its length does not depend on the numbers, so they can be set in place.
        file.rewrite_header(headers.data_header(path.name, group, self._about, before, rows) + settings)
        return described(path, Phase.DATA, group, written)

    def _closing(self, group: PlannedGroup, entries: Sequence[int]) -> dict[str, str]:
        """What follows the rows of a file: sequences, keys that had to wait, materialised views."""
        watchers = [number for number in entries if self._watches(number)]
        keys = [number for number in entries if number not in watchers]
        closing = {
            "sequences": "\n".join(self._sequence_values(group)),
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
        return {name: text for name, text in closing.items() if text}

    def _watches(self, number: int) -> bool:
        """Whether it, or what it is about, comes at the very end: event triggers also see views refreshed."""
        entries = self._belonging.entries
        return any(entries[each].kind in AT_THE_END for each in (number, *self._belonging.needs[number]))

    def _count(self, rows: int, size: int) -> None:
        self._rows_written += rows
        self._bytes_written += size
        what = f"writing rows ({self._bytes_written / 1e6:,.1f} MB)"
        self._on_progress(what, self._rows_written, max(self._plan.rows, self._rows_written))

    @property
    def _loading(self) -> Loading:
        data_only = self._options.contents == "data"
        kinds = {"FK CONSTRAINT"} if data_only else set()
        if self._options.inserts is not None:
            kinds.add("RULE")  # which COPY does not look at
        live = data_only or self._plan.constraints is Layout.WITH_SCHEMA
        return Loading(
            self._source.catalog,
            self._source.graph,
            self._plan,
            live,
            takable(self._belonging, kinds),
            trigger_states(self._belonging),
        )

    def _sequence_values(self, group: PlannedGroup) -> list[str]:
        here = {self._names[table.table] for table in group.tables}
        tables = self._source.catalog.by_name
        wanted = [
            sequence
            for sequence in self._source.catalog.sequences
            if (sequence.owned_by in here if sequence.owned_by in tables else self._is_last(group))
        ]
        source = self._source
        found, hidden = sequences.values(source.driver, source.address, wanted, source.catalog)
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

    def _is_last(self, group: PlannedGroup) -> bool:
        return group is self._plan.groups[-1]

    @property
    def _refresh_phase(self) -> Phase | None:
        """Materialised views are filled when all rows, and the views themselves, are there."""
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
        entries = (self._belonging.entries[number] for number in self._placement.slots)
        return [
            name
            for entry in entries
            if entry.kind == "MATERIALIZED VIEW"
            and (name := QualifiedName(entry.schema, entry.tag)) in populated
        ]

    @property
    def _positions(self) -> Mapping[QualifiedName, int]:
        """The place of each table in the plan, partitions right after their table."""
        where = {table.table: number for number, table in enumerate(self._plan.tables)}
        return {name: 2 * where[home] + (str(name) != home) for name, home in self._homes.items()}


def _epoch() -> str:
    """The moment that SOURCE_DATE_EPOCH names, for bundles that must come out the same on another day."""
    said = os.environ.get("SOURCE_DATE_EPOCH", "")
    return datetime.fromtimestamp(int(said), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if said.isdecimal() else ""
