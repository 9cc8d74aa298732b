"""The manifest of what was written: where everything went, what stayed behind, and what it takes."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from migplan import __version__
from migplan.bundle.identity import identity_of, place_of
from migplan.bundle.manifest import (
    BundleFile,
    LeftObject,
    LoadedTable,
    Manifest,
    MovedObject,
    NeededExtension,
    Origin,
    SequenceValue,
    Step,
    digest,
)
from migplan.bundle.options import Options, Source
from migplan.bundle.schema.assign_files import Phase, Placement
from migplan.bundle.schema.ownership import Ownership
from migplan.bundle.schema.requirements import oldest_target, requirements
from migplan.plan.model import Plan, PlannedGroup
from migplan.postgres.archive import Entry


def build_manifest(
    source: Source,
    plan: Plan,
    options: Options,
    snapshot_at: str,
    ownership: Ownership,
    placement: Placement,
    files: Sequence[BundleFile],
    sequences: Iterable[SequenceValue],
    notes: Iterable[str],
) -> Manifest:
    """Everything that there is to say of a bundle."""
    server = source.catalog.server
    inside = {str(name) for name in source.catalog.by_name}
    rows = rows_by_table(source, (step for file in files for step in file.steps))
    written = {file.group for file in files}
    return Manifest(
        name=plan.name,
        database=plan.database,
        postgresql=server.major,
        needs_postgresql=oldest_target(source.catalog),
        origin=Origin(
            source=str(source.session.address).partition("?")[0],
            server=server.version_text,
            snapshot_at=snapshot_at,
            pg_dump=source.archive.pg_dump_version,
            migplan=__version__,
            encoding=server.encoding,
            collation=server.collation,
            **_which(source),
        ),
        catalog=plan.catalog,
        plan=hashlib.sha256(plan.model_dump_json().encode()).hexdigest(),
        constraints=plan.constraints,
        contents=options.contents,
        data_format="copy" if options.inserts is None else "insert",
        keeps_owners=options.owners.kept,
        roles=dict(options.owners.roles),
        rows=sum(rows.values()),
        files=tuple(files),
        tables=() if options.contents == "schema" else tuple(_tables(source, plan, rows, written)),
        sequences=tuple(sequences),
        foreign_keys=tuple(key.label for key in source.catalog.foreign_keys if str(key.referenced) in inside),
        carried=source.carried,
        extensions=() if options.contents == "data" else tuple(_extensions(source, ownership, placement)),
        objects=tuple(_moved(plan, options, ownership, placement, {file.file for file in files})),
        left_out=tuple(LeftObject(**_named(left.entry), why=left.why) for left in placement.left_out),
        notes=(*map(str, requirements(source.catalog)), *source.notes, *notes),
    )


def _which(source: Source) -> dict[str, str]:
    """Which database it was; nothing where the bundle must come out the same from another server."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return {}
    return {"place": place_of(source.session), "identity": identity_of(source.session)}


def _extensions(source: Source, ownership: Ownership, placement: Placement) -> Iterable[NeededExtension]:
    moved = {ownership.entries[number].tag for number in placement.slots}
    for extension in source.catalog.extensions:
        if extension.name in moved:
            yield NeededExtension(name=extension.name, version=extension.version, in_schema=extension.schema)


def describe_file(path: Path, phase: Phase, group: PlannedGroup, steps: tuple[Step, ...]) -> BundleFile:
    """A file as it lies on the disk."""
    return BundleFile(
        file=path.name,
        phase=phase.word,
        group=group.name,
        sha256=digest(path),
        bytes=path.stat().st_size,
        rows=sum(step.rows for step in steps),
        steps=steps,
    )


def rows_by_table(source: Source, steps: Iterable[Step]) -> Counter[str]:
    """Rows by planned table, those of its partitions included; a second pass brings none."""
    home = {str(name): str(home) for name, home in source.graph.home.items()}
    rows: Counter[str] = Counter()
    for step in steps:
        for block in step.blocks:
            if not block.is_temporary:
                rows[home.get(block.table, block.table)] += block.rows
    return rows


def _tables(source: Source, plan: Plan, rows: Counter[str], written: set[str]) -> Iterable[LoadedTable]:
    names = source.graph.by_text
    for group in plan.groups:
        if group.name not in written:
            continue
        for table in group.tables:
            own = source.graph.self_keys.get(names[table.table], ())
            shape = source.shapes.get(names[table.table])
            yield LoadedTable(
                table=table.table,
                group=group.name,
                depth=table.depth,
                rows=rows[table.table],
                strategy=table.strategy,
                reason=table.reason,
                self_keys=tuple(key.columns for key in own),
                digest=source.digests.get(table.table, ""),
                roots=shape.roots if shape else None,
                self_references=shape.references if shape else (),
            )


def _moved(
    plan: Plan, options: Options, ownership: Ownership, placement: Placement, files: set[str]
) -> Iterable[MovedObject]:
    if options.contents == "data":
        return
    for number, (phase, place) in placement.slots.items():
        entry = ownership.entries[number]
        file = file_of(plan.groups[place], phase)
        if file in files:
            yield MovedObject(**_named(entry), file=file)


def file_of(group: PlannedGroup, phase: Phase) -> str:
    """The name of a group's file for a phase; empty where the layout has none."""
    return {
        Phase.SCHEMA: group.schema_file,
        Phase.DATA: group.data_file,
        Phase.CONSTRAINTS: group.constraints_file or "",
    }[phase]


def _named(entry: Entry) -> dict[str, str]:
    return {"kind": entry.kind, "in_schema": entry.schema, "name": entry.tag}
