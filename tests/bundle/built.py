"""Bundles of small databases, built for tests, and psql to run their files."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from psycopg.conninfo import make_conninfo

from migplan.bundle.manifest import Manifest
from migplan.bundle.options import Contents, Options
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema.assign_files import Phase, assign_files
from migplan.bundle.schema.chosen import Choice, Scope, choose
from migplan.bundle.schema.ownership import ownership_of
from migplan.bundle.schema.roles import Owners
from migplan.bundle.schema.sort_entries import sort_entries
from migplan.bundle.undo.rollback_files import rollback_of_data, rollback_of_schema
from migplan.catalog.counts import Exactness
from migplan.catalog.model import Catalog
from migplan.config import Config, GroupSection, Layout, PlanSection
from migplan.graph import build as graph_of
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.export import ExportOptions, export_bundle
from migplan.pipeline.plan import make_plan, request_of
from migplan.plan.model import Plan
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.postgres.binaries import Installation, find_installations
from migplan.postgres.session import reading


@dataclass(frozen=True)
class Built:
    """A bundle on the disk, and what it was made from."""

    paths: BundlePaths
    manifest: Manifest
    catalog: Catalog
    plan: Plan
    rollbacks: Mapping[str, str]

    @property
    def files(self) -> list[Path]:
        """The files that run, in their order."""
        return [self.paths.step(file.file) for file in self.manifest.files]


def bundle_of(
    source: Address,
    folder: Path,
    layout: Layout = Layout.AFTER_DATA,
    contents: Contents = "all",
    groups: Mapping[str, tuple[str, ...]] | None = None,
) -> Built:
    """Export the database, and write a rollback for every file."""
    said = tuple(GroupSection(name=name, tables=tables) for name, tables in (groups or {}).items())
    config = Config(plan=PlanSection(constraints=layout), groups=said)
    wanted = ExportOptions(out=folder, options=Options(contents=contents))
    manifest = export_bundle(source, config, wanted).manifest
    catalog = read_catalog(source, Exactness.EXACT)
    plan = make_plan(catalog, config, request_of(config, catalog)).plan
    return Built(BundlePaths(folder), manifest, catalog, plan, _rollbacks(source, manifest, catalog, plan))


def _rollbacks(source: Address, manifest: Manifest, catalog: Catalog, plan: Plan) -> dict[str, str]:
    with reading(source) as connection:
        snapshot = connection.export_snapshot()
        dump = pg_dump.suitable(catalog.server.version, encrypted=False)
        with pg_dump.dumping(source, dump, snapshot) as dumping:
            entries = dumping.archive().entries
    found = ownership_of(entries, catalog)
    graph = graph_of(catalog)
    chosen = choose(found, Scope(frozenset(catalog.by_name)), Choice())
    slots = assign_files(found, plan, graph, chosen)
    where = {table.table: number for number, table in enumerate(plan.tables)}
    positions = {name: 2 * where[str(home)] + (name != home) for name, home in graph.home.items()}
    rollbacks = {}
    for file in manifest.files:
        number = next(n for n, group in enumerate(plan.groups) if group.name == file.group)
        slot = (Phase[file.phase.upper()], number)
        order = sort_entries([entry for entry, at in slots.items() if at == slot], found, positions)
        if file.phase == "data":
            rollbacks[file.file] = rollback_of_data(manifest, file.file, catalog, order, found)
        else:
            rollbacks[file.file] = rollback_of_schema(manifest, file.file, order, found, Owners())
    return rollbacks


def run(file: Path, target: Address, *options: str) -> str:
    """Run a file as people do, up to the first error; what psql printed."""
    return psql(target, "-f", str(file), *options)


def psql(target: Address, *options: str, check: bool = True) -> str:
    """What psql printed; an AssertionError with its complaint where it failed."""
    ran = subprocess.run(
        [
            str(_newest("psql").program("psql")),
            *("-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "-d", make_conninfo(**target.params)),
            *options,
        ],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert not (check and ran.returncode), ran.stderr
    return ran.stdout if check else ran.stdout + ran.stderr


def schema_text(database: Address) -> str:
    """All that pg_dump has to say of a database's structure; two texts can be compared."""
    ran = subprocess.run(
        [str(_newest("pg_dump").program("pg_dump")), "-s", "-w", "-d", make_conninfo(**database.params)],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert not ran.returncode, ran.stderr
    lines = ran.stdout.splitlines()
    return "\n".join(line for line in lines if not line.startswith(("\\restrict", "\\unrestrict")))


@cache
def _newest(program: str) -> Installation:
    return max((i for i in find_installations() if i.has(program)), key=lambda i: i.version)
