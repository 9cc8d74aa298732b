"""The story: one short function a verb. Each turns one value into the next; none of them prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import psycopg
import sqlalchemy as sa

from migplan import advise
from migplan.bundle import folder
from migplan.bundle.carrying import Carrying, looked_for
from migplan.bundle.export import Export
from migplan.bundle.manifest import Manifest
from migplan.bundle.options import Options, Source
from migplan.bundle.reading import lock, readers, search_path_of
from migplan.bundle.sealed import Sealed
from migplan.bundle.surroundings import refuse_large_objects, settings_of_the_database
from migplan.catalog import digests, orphans, read, selection
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.config import Config, Layout, Strategy
from migplan.errors import PlanError, SelectionError
from migplan.graph import ForeignKeyGraph, build
from migplan.names import QualifiedName, parse
from migplan.plan import file as plan_file
from migplan.plan import merge, seen
from migplan.plan.drift import drift
from migplan.plan.grouping import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.seen import Seen
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.postgres.connect import export_snapshot, reading
from migplan.report.analysis import Analysis
from migplan.report.tree import tree
from migplan.verify import verifying
from migplan.verify.verification import Verification
from migplan.run.apply import Applying, Done, apply
from migplan.run.derive import steps_of
from migplan.run.events import Told as RunTold
from migplan.run.execute import Ways
from migplan.run.status import status_of
from migplan.run.steps import Step, predecessors

Told = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much of it is done, and how much there is."""


def silence(_what: str, _done: int, _total: int) -> None:
    """For callers that want no progress."""


def catalog_of(address: Address, exactness: Exactness = Exactness.AUTO, told: Told = silence) -> Catalog:
    """The database's own account of itself, at one moment."""
    with reading(address) as connection:
        return read.read(connection, address, Counting(exactness, lambda *at: told("counting rows", *at)))


def analysis_of(catalog: Catalog, wanted: selection.Selection) -> Analysis:
    """What depends on what in the selected part, and what is to be said about it."""
    selected = selection.select(catalog, wanted)
    _refuse_nothing(selected)
    graph = build(selected.catalog)
    return Analysis(selected, graph, advise.advise(selected.catalog, graph))


def analysis_with_orphans(
    address: Address, exactness: Exactness, wanted: selection.Selection, told: Told = silence
) -> Analysis:
    """The analysis, and the rows that refer to nothing, all at the same moment."""
    with reading(address) as connection:
        counting = Counting(exactness, lambda *at: told("counting rows", *at))
        analysis = analysis_of(read.read(connection, address, counting), wanted)
        keys = (*analysis.graph.all_keys, *analysis.graph.leaving)
        found = orphans.find_orphans(connection, address, keys, lambda *at: told("looking for orphans", *at))
    return replace(analysis, orphans=found)


@dataclass(frozen=True, slots=True)
class Planned:
    """A new plan, what it was made from, and how it differs from an earlier one."""

    plan: Plan
    seen: Seen
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def planned(catalog: Catalog, config: Config, request: Request, before: Path | None = None) -> Planned:
    """A plan for the catalog. ``before`` is the file of an earlier one, whose decisions by hand stay."""
    selected = selection.select(catalog, as_selection(config))
    _refuse_nothing(selected)
    graph = build(selected.catalog)
    if before is None:
        plan = make(selected, graph, request)
        return Planned(plan, Seen(selected.catalog, plan))
    written, _ = plan_file.load(before)
    then = seen.load(before)
    again = merge.again(selected, graph, request, written, then.proposal if then else None)
    return Planned(again.plan, Seen(selected.catalog, again.plan), again.kept, again.changed)


def write_plan(result: Planned, file: Path) -> None:
    """Write the plan, and beside it what migplan saw and proposed."""
    seen.save(result.seen, file)
    plan_file.save(result.plan, file)


def drift_of(file: Path, catalog: Catalog) -> tuple[str, ...]:
    """Every way in which the database has gone away from the plan in a file."""
    plan, _ = plan_file.load(file)
    wanted = plan.selection
    try:
        selected = selection.select(
            catalog, selection.Selection(wanted.schemas, wanted.tables, wanted.exclude)
        )
    except SelectionError as error:  # what a pattern meant is not there any more
        return (f"dropped: {error}",)
    return drift(plan, seen.load(file), selected, build(selected.catalog))


def as_selection(config: Config) -> selection.Selection:
    """The configuration's selection, as the catalog understands it."""
    wanted = config.selection
    return selection.Selection(wanted.schemas, wanted.tables, wanted.exclude)


def request_of(config: Config, catalog: Catalog) -> Request:
    """What the configuration wants of a plan."""
    return Request(
        name=config.plan.name,
        layout=config.plan.constraints,
        selection=config.selection,
        groups=tuple(Wish(group.name, group.tables, group.number, group.purpose) for group in config.groups),
        strategies={_table(text, catalog): strategy for text, strategy in config.strategies.items()},
    )


def _refuse_nothing(selected: selection.Selected) -> None:
    catalog = selected.catalog
    if catalog.tables:
        return
    if selected.left_out:
        raise SelectionError(
            "the selection leaves no table", do="; ".join(map(str, selected.left_out)) + " left out"
        )
    raise SelectionError(
        f"{catalog.server.address} has no table that is not the system's or an extension's",
        do=f"check the database's name, and what the role {catalog.server.role} may see",
    )


def _table(text: str, catalog: Catalog) -> QualifiedName:
    """The table that a person means: with its schema, or without where only one schema has it."""
    try:
        named = parse(text)
    except ValueError as error:
        raise PlanError(str(error)) from None
    if named in catalog.by_name or "." in text:
        return named
    found = [table.name for table in catalog.tables if table.name.name == named.name]
    return found[0] if len(found) == 1 else named


@dataclass(frozen=True, slots=True)
class Exporting:
    """What people want of an export, beside the configuration."""

    out: Path | None = None  # migrations/NAME, by the plan's name
    options: Options = field(default_factory=Options)
    exactness: Exactness = Exactness.AUTO
    force: bool = False
    check_orphans: bool = False
    carry_orphans: bool = False  # which looks for them, too
    plan_file: Path | None = None

    def folder(self, plan: Plan) -> Path:
        """Where the bundle goes."""
        return self.out or Path("migrations") / plan.name


def foreseen(
    address: Address, config: Config, wanted: Exporting, told: Told = silence
) -> tuple[Plan, ForeignKeyGraph, Path]:
    """What an export would write, without writing it."""
    catalog = catalog_of(address, wanted.exactness, told)
    plan, selected = _plan_for(catalog, config, wanted)
    return plan, build(selected.catalog), wanted.folder(plan)


def exported(
    address: Address, config: Config, wanted: Exporting, told: Told = silence
) -> tuple[Path, Manifest]:
    """Write a bundle: catalog, definitions and rows all of one moment of the source."""
    with reading(address) as connection:
        snapshot = export_snapshot(connection)
        counting = Counting(wanted.exactness, lambda *at: told("counting rows", *at))
        catalog = read.read(connection, address, counting)
        plan, selected = _plan_for(catalog, config, wanted)
        out = wanted.folder(plan)
        folder.refuse_what_is_not_ours(out, force=wanted.force)
        folder.refuse_too_small(out, sum(table.table_bytes or 0 for table in selected.catalog.tables))
        carrying = _carrying(connection, address, selected.catalog, wanted, told)
        source = _source(connection, address, selected.catalog, snapshot, wanted.options, told, carrying)
        source = replace(source, digests=_digests(source, plan, snapshot, wanted.options, told))
        with (
            folder.written_aside(out, force=wanted.force) as aside,
            readers(address, snapshot, wanted.options.jobs) as pool,
        ):
            return out, Export(source, plan, pool, wanted.options, aside, told).write()


def _carrying(
    connection: sa.Connection, address: Address, catalog: Catalog, wanted: Exporting, told: Told
) -> Carrying:
    """The keys that rows break, where people want to know; nothing is written before."""
    if not (wanted.check_orphans or wanted.carry_orphans):
        return Carrying()
    return looked_for(
        connection,
        address,
        catalog,
        lambda *at: told("looking for orphans", *at),
        carry=wanted.carry_orphans,
    )


def verified(
    address: Address,
    bundle_folder: Path,
    source: Address | None = None,
    jobs: int = 2,
    told: Told = silence,
) -> Verification:
    """Whether a target is what its bundle says; and its source, where one is named."""
    return verifying.verify(address, bundle_folder, source, jobs, told)


def _source(
    connection: sa.Connection,
    address: Address,
    catalog: Catalog,
    snapshot: str,
    options: Options,
    told: Told,
    carrying: Carrying,
) -> Source:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    lock(driver, address, catalog)
    notes = (
        *refuse_large_objects(driver, address, left_behind=options.without_large_objects),
        *settings_of_the_database(driver, address),
        *carrying.notes,
    )
    told("reading definitions", 0, 0)
    program = pg_dump.suitable(catalog.server.version, encrypted=driver.pgconn.ssl_in_use)
    archive = carrying.archive(pg_dump.schema_of(address, program, snapshot))
    catalog = carrying.catalog(catalog)
    graph = build(catalog)
    shown = tuple(
        "  ".join(filter(None, (line.branches + line.text, line.rows, line.mark))) for line in tree(graph)
    )
    path = search_path_of(address)
    return Source(address, driver, catalog, graph, archive, path, notes, shown, carrying.record)


def _digests(source: Source, plan: Plan, snapshot: str, options: Options, told: Told) -> dict[str, str]:
    """What the target's content is to be, table by table, for the proof afterwards."""
    if not options.digests or options.contents == "schema":
        return {}
    groups = [group for group in plan.groups if not options.groups or group.name in options.groups]
    planned = {
        table.table
        for group in groups
        for table in group.tables
        if table.strategy is not Strategy.SCHEMA_ONLY
    }
    names = [name for name in source.graph.tables if str(name) in planned]
    with digests.digesting(source.address, snapshot, options.jobs) as workers:
        found = workers.each(
            digests.wanted(source.catalog, names),
            workers.method,
            lambda *at: told("computing digests", *at),
        )
    return {str(name): digest.value for name, digest in found.items()}


def _plan_for(catalog: Catalog, config: Config, wanted: Exporting) -> tuple[Plan, selection.Selected]:
    """The plan in a file, if it still fits; else one made on the spot."""
    if wanted.plan_file is None:
        plan = planned(catalog, config, request_of(config, catalog)).plan
        selected = selection.select(catalog, as_selection(config))
    else:
        plan, _ = plan_file.load(wanted.plan_file)
        drifted = drift_of(wanted.plan_file, catalog)
        if drifted:
            raise PlanError(
                f"{wanted.plan_file} no longer fits {catalog.server.address}:\n  "
                + "\n  ".join(drifted[:10]),
                do=f"plan again with: migplan plan --out {wanted.plan_file}",
            )
        said = plan.selection
        selected = selection.select(catalog, selection.Selection(said.schemas, said.tables, said.exclude))
    if wanted.options.contents == "data" and plan.constraints is not Layout.WITH_SCHEMA:
        raise PlanError(
            "rows alone go into live constraints, and this plan is made for constraints after the rows",
            do="plan again with: migplan plan --constraints with-schema",
        )
    unknown = set(wanted.options.groups) - {group.name for group in plan.groups}
    if unknown:
        raise PlanError(
            f"the plan has no group {', '.join(sorted(unknown))}",
            do="its groups are: " + ", ".join(group.name for group in plan.groups),
        )
    return plan, selected


def applied(bundle: Sealed, address: Address, ways: Ways, told: RunTold) -> Done:
    """Run what of a bundle has not been run on a target."""
    return apply(bundle, address, Applying(ways), told)


def steps_foreseen(
    bundle: Sealed, address: Address
) -> tuple[tuple[Step, ...], set[int], list[frozenset[int]]]:
    """The steps of a bundle, those that a target has already, and what each has to wait for."""
    steps = steps_of(bundle)
    runs = [each for each in status_of(address).runs if each.run.kind == "apply"]
    entries = next((each.entries for each in reversed(runs) if each.run.digest == bundle.digest), ())
    return steps, {entry.step for entry in entries if entry.state == "done"}, predecessors(steps)
