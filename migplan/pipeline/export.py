"""From a plan and one moment of its database to a bundle."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from migplan.bundle import signing
from migplan.bundle.data import large_objects
from migplan.bundle.data.orphan_keys import OrphanKeys, find_orphan_keys
from migplan.bundle.data.readers import Readers, search_path_of
from migplan.bundle.data.self_references import Shape, shapes
from migplan.bundle.export import Export
from migplan.bundle.folder import is_same, refuse_too_small, refuse_what_is_not_ours, written_aside
from migplan.bundle.manifest import Manifest, load
from migplan.bundle.manifest import digest as digest_of_file
from migplan.bundle.options import Options, Source
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema.chosen import LacksError
from migplan.bundle.schema.unsupported import (
    left_behind,
    settings_of_the_database,
    with_settings,
)
from migplan.catalog import digests
from migplan.catalog import large_objects as digests_of_large_objects
from migplan.catalog.attributes import Attributes
from migplan.catalog.changes import Concerns, State, everything, one_moment, state_of
from migplan.catalog.counts import Exactness
from migplan.catalog.large_objects import LargeObject
from migplan.catalog.model import Catalog
from migplan.config import Config
from migplan.errors import FileError, PlanError
from migplan.graph import ForeignKeyGraph, build
from migplan.names import QualifiedName, part_matches
from migplan.pipeline.analyze import advised, catalog_at
from migplan.pipeline.choose import Subject, notes_about, subject_of
from migplan.pipeline.plan import ChosenPlan
from migplan.pipeline.platforms import rows_together, settled, what_stays
from migplan.plan.model import Plan
from migplan.postgres import pg_dump
from migplan.postgres.address import Address
from migplan.postgres.archive import Archive
from migplan.postgres.locking import TABLES
from migplan.postgres.read_again import retry_if_disturbed
from migplan.postgres.session import Session, reading
from migplan.postgres.snapshot_pool import SnapshotPool, snapshot_pool
from migplan.progress import Progress, no_progress
from migplan.report.tree import tree
from migplan.run.bundle import receipt
from migplan.run.bundle.receipt import Uses

_NEWEST = 2  # attempts


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What people want of an export, beside the configuration."""

    out: Path | None = None  # migrations/NAME, by the plan's name
    options: Options = field(default_factory=Options)
    exactness: Exactness = Exactness.AUTO
    force: bool = False
    check_orphans: bool = False
    carry_orphans: bool = False  # which looks for them, too
    plan: ChosenPlan = field(default_factory=ChosenPlan)

    def folder(self, plan: Plan) -> Path:
        """Where the bundle goes."""
        return self.out or Path("migrations") / plan.name


def preview_export(
    address: Address, config: Config, wanted: ExportOptions, on_progress: Progress = no_progress
) -> tuple[Plan, ForeignKeyGraph, Path, tuple[str, ...]]:
    """What an export would write, without writing it; last what it would write beside the plan's files.

    What it would refuse is refused.
    """

    def attempt(_number: int) -> tuple[Subject, tuple[LargeObject, ...], tuple[str, ...]]:
        on_progress("locking the tables", 0, 0)
        with reading(address, TABLES) as exporter:
            archive, catalog = _looked_at(exporter, address, config, wanted, on_progress)
            subject = _subject(exporter, catalog, archive, config, wanted)
            return subject, *_large_objects(exporter, subject.plan, wanted.options)

    subject, large, said = retry_if_disturbed(attempt, on_progress)
    plan = subject.plan
    beside = (f"{large_objects.file_name(plan)}: {large_objects.described(large)}",) if large else ()
    return plan, build(subject.of_graph), wanted.folder(plan), (*beside, *said)


@dataclass(frozen=True, slots=True)
class Former:
    """The bundle that stood in the folder, and who needs it: targets, or receipts of throwaway servers."""

    digest: str
    uses: Uses
    kept: Path | None = None  # where it is now, if a target needs it
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    """A bundle that was written, and what became of the one before.

    Where nothing had changed since the one before, that one is there still, and ``stays`` says who needs it.
    """

    folder: Path
    manifest: Manifest
    former: Former | None = None
    stays: Former | None = None
    state: State = frozenset()  # of the source's catalog, where the rows are to come live


def export_bundle(
    address: Address, config: Config, wanted: ExportOptions, on_progress: Progress = no_progress
) -> Exported:
    """Write a bundle: catalog, definitions and rows all of one moment of the source.

    Where others change what was read before the bundle has its name, all of it begins again, a few times.
    """
    return retry_if_disturbed(
        lambda number: _exported(address, config, wanted, on_progress, number), on_progress
    )


def _exported(
    address: Address, config: Config, wanted: ExportOptions, on_progress: Progress, number: int
) -> Exported:
    """The nth attempt. All definitions are of the moment when they are read, or it ends there.

    What happens to views, and functions that nothing uses, while rows are read takes nothing from that: the
    first attempts would rather have the newer one, the others have it as it was.
    """
    on_progress("locking the tables", 0, 0)
    with reading(address, TABLES) as exporter:
        concerns = _concerns(config, wanted)
        archive, catalog = _looked_at(exporter, address, config, wanted, on_progress)
        subject = _subject(exporter, catalog, archive, config, wanted)
        rows_alone = wanted.options.contents == "data"
        if wanted.options.untouched:
            bare, of_graph = _untouched(subject.catalog), _untouched(subject.of_graph)
            subject = replace(subject, catalog=bare, of_graph=of_graph)
        plan = subject.plan
        advice = advised(replace(subject.catalog, vitals=catalog.vitals), build(subject.catalog), config)
        out = wanted.folder(plan)
        refuse_what_is_not_ours(out, force=wanted.force)
        list(_former(out))  # which raises where it cannot be kept
        large, said = _large_objects(exporter, plan, wanted.options)
        if not wanted.options.live:
            rows = _bytes_of(plan, subject.catalog, wanted.options)
            refuse_too_small(out, rows + 2 * sum(each.size or 0 for each in large))
        orphan_keys = _orphan_keys(exporter, subject.catalog, plan, wanted, on_progress)
        source = _source(exporter, catalog, archive, subject, wanted.options, orphan_keys)
        source = replace(
            source,
            attributes=catalog.attributes or Attributes(),
            provided=subject.selected.provides,
            brought=subject.provided,
        )
        before = _Before(out)
        with (
            written_aside(
                out, force=wanted.force, access=config.access, keep=before.keep, stays=before.stays
            ) as aside,
            one_moment(exporter, concerns, aside=number < _NEWEST),
            snapshot_pool(exporter, wanted.options.jobs) as pool,
        ):
            about = (*what_stays(config, catalog, subject.selected.catalog), *advice.in_short)
            source = replace(
                source,
                # Of rows alone, what their tables are like, and what else is there, was said before.
                notes=(*source.notes, *said, *subject.notes, *(about if not rows_alone else ())),
                together=rows_together(config, catalog),
                plan_digest=subject.digest,
                large_objects=large,
                large_object_digests=_large_object_digests(large, pool, wanted.options, on_progress),
                shapes=_shapes(source, plan, wanted.options, on_progress),
            )
            source = replace(source, digests=_digests(source, plan, pool, wanted.options, on_progress))
            manifest = Export(source, plan, Readers(pool), wanted.options, aside, on_progress).write()
        state = state_of(exporter) if wanted.options.live else frozenset()
        if before.same is not None:
            return Exported(out, load(out), stays=before.same, state=state)
        return Exported(out, manifest, next(iter(before.found), None), state=state)


@dataclass
class _Before:
    """The bundle of a folder, when another one takes its place."""

    out: Path
    found: list[Former] = field(default_factory=list)
    same: Former | None = None

    def stays(self, aside: Path) -> bool:
        """Return whether it is the new one already, so that receipts and signatures of it go on to count."""
        if not is_same(self.out, aside):
            return False
        manifest = BundlePaths(self.out).manifest
        digest = digest_of_file(manifest)
        signed = signing.signature_of(manifest).exists()
        self.same = Former(digest, receipt.uses_of(self.out, digest), signed=signed)
        return True

    def keep(self) -> Path | None:
        """Return the name under which it is kept, if somebody needs it and it is not kept already."""
        self.found.extend(_former(self.out))
        kept = self.found[0].kept if self.found else None
        return None if kept is None or kept.exists() else kept


def _former(out: Path) -> Iterator[Former]:
    """Yield the bundle that is about to be replaced, if somebody needs it; FileError if it cannot be kept."""
    try:
        digest = digest_of_file(BundlePaths(out).manifest)
    except OSError:
        return
    uses = receipt.uses_of(out, digest)
    if not uses.targets:
        if uses.rehearsals:
            yield Former(digest, uses)
        return
    kept = receipt.kept_name(out, digest)
    if kept.exists() and not receipt.find_kept(out, digest):
        raise FileError(
            f"{out} was applied to {', '.join(uses.targets)}, and cannot be kept: {kept} is there already",
            do="export to another folder with --out, or move that one elsewhere",
            file=kept,
        )
    yield Former(digest, uses, kept)


def _bytes_of(plan: Plan, catalog: Catalog, options: Options) -> int:
    """Return about how large the rows are that will be written."""
    bring = {table.table for table in plan.tables if table.brings_rows}
    tables = [table for table in catalog.tables if str(catalog.tops[table.name]) in bring]
    return 0 if options.contents == "schema" else sum(table.table_bytes or 0 for table in tables)


def _untouched(catalog: Catalog) -> Catalog:
    """The catalog as if nothing of its tables had to rest while rows come in: their triggers fire."""
    tables = (replace(table, triggers=(), rules=(), force_row_security=False) for table in catalog.tables)
    return replace(catalog, tables=tuple(tables))


def _looked_at(
    exporter: Session, address: Address, config: Config, wanted: ExportOptions, on_progress: Progress
) -> tuple[Archive, Catalog]:
    """Return definitions and catalog, both of the exporter's moment."""
    snapshot = exporter.export_snapshot()
    program = pg_dump.suitable(exporter.version, encrypted=exporter.pgconn.ssl_in_use)
    concerns = _concerns(config, wanted)
    # pg_dump takes locks of its own: it begins at once, before anybody queues behind the exporter's.
    with (
        pg_dump.dumping(address, program, snapshot) as dump,
        one_moment(exporter, concerns, aside=False),
    ):
        on_progress("reading definitions", 0, 0)
        archive = dump.archive()
        # What stands aside is compared in there, right behind: the shorter, the less can have happened.
        catalog = catalog_at(exporter, wanted.exactness, on_progress, vitals=True, concerns=concerns)
    settings = settings_of_the_database(exporter) if wanted.options.database_settings else ()
    return with_settings(archive, settings, wanted.options.owners.roles), catalog


def _subject(
    exporter: Session, catalog: Catalog, archive: Archive, config: Config, wanted: ExportOptions
) -> Subject:
    """Return what is exported; what people have to decide before that is said at once."""
    options, file = wanted.options, wanted.plan
    try:
        return subject_of(catalog, archive, config, options, file)
    except LacksError as lacks:
        said = file.plan.selection if file.plan else settled(config, catalog).selection
        selected = bool(file.part or options.groups or said.schemas or said.tables or said.exclude)
        with_rows = options.contents != "schema"
        if selected and with_rows and options.large_objects is None:
            try:
                large_objects.chosen(exporter, wanted=None, selected=True, with_rows=True)
            except PlanError as undecided:
                lacks.also(f"and {undecided.what}", undecided.do, "--with-large-objects")
        raise


def _concerns(config: Config, wanted: ExportOptions) -> Concerns:
    """Of which schemas a change matters: those that are selected, and all where others are taken along."""
    patterns = (wanted.plan.plan or config).selection.schemas
    if not patterns or wanted.options.choice.needed:
        return everything
    return lambda schema: any(part_matches(pattern, schema) for pattern in patterns)


def _orphan_keys(
    session: Session, catalog: Catalog, plan: Plan, wanted: ExportOptions, on_progress: Progress
) -> OrphanKeys:
    """The keys that rows break, where people want to know, or that refer to what the plan leaves at home.

    Nothing is written before.
    """
    options = wanted.options
    look = wanted.check_orphans or wanted.carry_orphans
    stay = {table.table for table in plan.tables if not table.brings_rows}
    # Rows alone go where rows may be already.
    binding = options.contents == "all" and "FK CONSTRAINT" not in options.choice.kinds
    empty = {name for name in catalog.tops.values() if str(name) in stay} if binding else set()
    if not (look or empty):
        return OrphanKeys()
    return find_orphan_keys(
        session,
        catalog,
        lambda *at: on_progress("looking for orphans", *at),
        carry=wanted.carry_orphans,
        look=look,
        empty=empty,
    )


def _source(
    session: Session,
    whole: Catalog,
    archive: Archive,
    subject: Subject,
    options: Options,
    orphan_keys: OrphanKeys,
) -> Source:
    settings = () if options.database_settings else settings_of_the_database(session)
    notes = (
        *left_behind(settings),
        *orphan_keys.notes,
        *(notes_about(subject.chosen) if options.contents != "data" else ()),
    )
    graph = build(orphan_keys.catalog(subject.of_graph))
    return Source(
        session,
        whole,
        orphan_keys.catalog(subject.catalog),
        graph,
        orphan_keys.archive(archive),
        subject.chosen,
        search_path_of(session.address),
        notes,
        tuple((replace(line, rows="") if options.live else line).plain for line in tree(graph)),
        orphan_keys.record,
    )


def _large_objects(
    session: Session, plan: Plan, options: Options
) -> tuple[tuple[LargeObject, ...], tuple[str, ...]]:
    """The large objects that travel, and what is to be said of them."""
    chosen = plan.selection
    selected = bool(chosen.schemas or chosen.tables or chosen.exclude or options.groups)
    return large_objects.chosen(
        session,
        wanted=options.large_objects,
        selected=selected,
        with_rows=options.contents != "schema",
    )


def _large_object_digests(
    objects: Sequence[LargeObject], pool: SnapshotPool, options: Options, on_progress: Progress
) -> dict[int, str]:
    """The digest of each, for the proof afterwards."""
    if options.live or not options.digests:
        return {}
    batches = list(digests_of_large_objects.batches(objects))
    reading = [
        pool.submit(
            pool.undisturbed, lambda session, some=batch: digests_of_large_objects.digests(session, some)
        )
        for batch in batches
    ]
    found: dict[int, str] = {}
    for each in reading:
        on_progress("computing digests of large objects", len(found), len(objects))
        found |= each.result()
    return found


def _digests(
    source: Source, plan: Plan, pool: SnapshotPool, options: Options, on_progress: Progress
) -> Callable[[], dict[str, str]]:
    """Begin to compute what the target's content is to be, table by table, for the proof afterwards."""
    if options.live or not options.digests or options.contents == "schema":
        return dict
    planned = {table.table for table in plan.tables if table.brings_rows}
    tables = [table for name, table in source.graph.tables.items() if str(name) in planned]
    digester = digests.Digester(pool)
    on_progress("computing digests", 0, 0)
    method = digester.table_method(same_types=options.contents != "data")
    finish = digester.begun(digests.wanted(source.catalog, tables), method)

    def waited() -> dict[str, str]:
        found = finish(lambda *at: on_progress("computing digests", *at))
        return {str(name): digest.value for name, digest in found.items()}

    return waited


def _shapes(
    source: Source, plan: Plan, options: Options, on_progress: Progress
) -> dict[QualifiedName, Shape]:
    """How rows of tables that refer to themselves hang together, for the proof likewise."""
    if options.live or options.contents == "schema":
        return {}
    loaded = {each.table for each in plan.tables if each.brings_rows}
    names = [name for name in source.graph.tables if str(name) in loaded]
    on_progress("counting the roots of hierarchies", 0, 0)
    return shapes(source.session, source.catalog, names)
