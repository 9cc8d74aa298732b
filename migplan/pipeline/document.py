"""From a database to its documents: one moment of it, cleaned of secrets before anything looks at it."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from migplan.anonymise import Anonymiser, cleaned
from migplan.catalog import samples, statements
from migplan.catalog.changes import one_moment
from migplan.catalog.counts import Exactness
from migplan.catalog.model import Catalog, Unread
from migplan.catalog.statements import CountedStatement
from migplan.config import Config, key_of
from migplan.document.derive.documentation import documented
from migplan.document.markdown import Pages, marks, stale, written
from migplan.document.markdown.pages import ours
from migplan.document.model import Documentation, Samples, Statement
from migplan.errors import FileError
from migplan.files import Access, read_text, write_whole
from migplan.graph import ForeignKeyGraph, build
from migplan.names import QualifiedName
from migplan.pipeline.analyze import advised, catalog_at, refuse_nothing, relations_to_lock
from migplan.pipeline.plan import ChosenPlan, plan_that_fits
from migplan.plan.model import Plan
from migplan.postgres.address import Address
from migplan.postgres.read_again import retry_if_disturbed
from migplan.postgres.session import Session, connect, reading
from migplan.progress import Progress, no_progress

OnNote = Callable[[str], None]


def no_note(_: str) -> None:
    """Nobody wants to know."""


_STATEMENTS = 5  # of a table, at most


@dataclass(frozen=True, slots=True)
class DocumentOptions:
    """What people want of the documents, beside the configuration."""

    plan: ChosenPlan = field(default_factory=ChosenPlan)
    exactness: Exactness = Exactness.AUTO
    on_note: OnNote = no_note  # of a plan that has drifted


def document_database(
    address: Address, config: Config, wanted: DocumentOptions, on_progress: Progress = no_progress
) -> Documentation:
    """All that is to be said about a database, from one moment of it."""

    def attempt(number: int) -> Documentation:
        with (
            closing(connect(address)) as fresh,
            reading(address, relations_to_lock(number)) as session,
        ):
            with one_moment(session, aside=False, fresh=fresh):
                catalog = catalog_at(session, wanted.exactness, on_progress, vitals=True, fresh=fresh)
            with one_moment(session, aside=False, fresh=fresh):
                return documentation_at(session, catalog, config, wanted, on_progress)

    return retry_if_disturbed(attempt, on_progress)


def documentation_at(
    session: Session,
    catalog: Catalog,
    config: Config,
    wanted: DocumentOptions | None = None,
    on_progress: Progress = no_progress,
) -> Documentation:
    """The same, when the catalog of the session's moment is read already."""
    anonymiser, plan, part, clean = _cleaned(catalog, config, wanted or DocumentOptions())
    on_progress("reading statements", 0, 0)
    counted = statements.read_statements(session)
    if counted.unread:
        gap = Unread("which statements are asked most", counted.unread)
        clean = replace(clean, unread=(*clean.unread, gap))
    graph = build(clean)
    advice = advised(part, graph, config)
    shown = _samples(session, graph, anonymiser, config.anonymise.rows, on_progress)
    return documented(clean, graph, plan, advice, shown, _by_table(counted.counted, graph))


def document_catalog(catalog: Catalog, config: Config, wanted: DocumentOptions) -> Documentation:
    """The same from a saved catalog, which holds no rows."""
    _, plan, part, clean = _cleaned(catalog, config, wanted)
    graph = build(clean)
    return documented(clean, graph, plan, advised(part, graph, config))


def _cleaned(
    catalog: Catalog, config: Config, wanted: DocumentOptions
) -> tuple[Anonymiser, Plan, Catalog, Catalog]:
    """What may show rows, the plan, the selected part, and the same without what gives anybody away."""
    anonymiser = Anonymiser(catalog, config.anonymise, key_of(config))
    # Columns come and go, and what no pattern means is not shown unless it is known to be harmless: no error.
    for note in anonymiser.idle:
        wanted.on_note(note)
    used = plan_that_fits(catalog, config, wanted.plan)
    for note in used.notes:
        wanted.on_note(note)
    refuse_nothing(used.selected)
    return anonymiser, used.plan, used.selected.catalog, cleaned(used.selected.catalog, anonymiser)


def _samples(
    session: Session,
    graph: ForeignKeyGraph,
    anonymiser: Anonymiser,
    rows: int,
    on_progress: Progress,
) -> dict[QualifiedName, Samples]:
    """Rows to show, each anonymised as soon as it is read."""
    tables = [table for table in graph.tables.values() if rows]
    found: dict[QualifiedName, Samples] = {}
    read = samples.read_samples(session, tables, rows, lambda *at: on_progress("reading samples", *at))
    for name, sampled in read:
        table = graph.tables[name]
        found[name] = Samples(
            columns=tuple(column.name for column in table.columns),
            rows=tuple(anonymiser.row(table, row) for row in sampled.rows),
            replaced=anonymiser.replaced(table),
            unread=sampled.unread,
        )
    return found


def _by_table(
    counted: Iterable[CountedStatement], graph: ForeignKeyGraph
) -> dict[QualifiedName, tuple[Statement, ...]]:
    """The statements that take the longest in all, for each table that they name."""
    home = graph.home
    found: dict[QualifiedName, list[Statement]] = defaultdict(list)
    for each in counted:
        statement = Statement(each.text, each.calls, each.mean_milliseconds, each.rows)
        for name in dict.fromkeys(home[table] for table in each.tables if table in home):
            found[name].append(statement)
    return {name: tuple(statements[:_STATEMENTS]) for name, statements in found.items()}


def write_pages(
    documentation: Documentation, out: Path, *, overwrite: bool, access: Access = Access.OWNER
) -> tuple[Pages, tuple[str, ...]]:
    """Write what has changed, and take away pages that are not wanted any more; which ones were written."""
    existing = pages_in(out)
    pages = written(documentation, existing, overwrite=overwrite)
    changed = tuple(name for name, text in pages.files.items() if existing.get(name) != text)
    for name in changed:
        write_whole(out / name, pages.files[name], access)
    for name in pages.removed:
        (out / name).unlink(missing_ok=True)
    return pages, changed


def find_stale(out: Path, documentation: Documentation, *, strict: bool) -> tuple[str, ...]:
    """What the pages of a folder say that is not so any more, in sentences."""
    return stale(pages_in(out), documentation, strict=strict)


def read_kept(out: Path, documentation: Documentation) -> dict[str, str]:
    """What people wrote in the pages of a folder, by the keys of the regions."""
    regions = marks.bodies(ours(documentation, pages_in(out)))
    return {key: region.body for key, region in regions.items()}


def pages_in(out: Path) -> dict[str, str]:
    """The pages that a folder holds, ours and others."""
    found = {}
    for file in sorted(out.glob("*.md")):
        try:
            found[file.name] = read_text(file)
        except FileError as error:
            raise FileError(f"cannot read {file}: {error.what}", file=file) from None
    return found
