"""``migplan document``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.files import Access, write_chunks

if TYPE_CHECKING:
    from migplan.config import Config
    from migplan.document.model import Documentation
    from migplan.pipeline.document import DocumentOptions


@click.command()
@named.arguments("source")
@options.reading()
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Groups, order and strategies of this plan. Default: plans/NAME.yaml, by the name in migplan.yaml; "
    "without one, what `migplan plan` would propose.",
)
@options.with_plan
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write to. Default: document.out of migplan.yaml, else docs/database.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["markdown", "html", "json"]),
    default="markdown",
    show_default=True,
    help="markdown: pages for a repository, a wiki, MkDocs. html: one page that needs nothing else. "
    "json: everything, for programs.",
)
@click.option(
    "--samples", type=click.IntRange(0, 20), help="Sample rows a table. Default: anonymise.rows, 3."
)
@click.option("--check", is_flag=True, help="Write nothing; end with exit code 1 when the pages are stale.")
@click.option("--strict", is_flag=True, help="With --check: rows, sizes and samples count, too.")
@click.option(
    "--overwrite", is_flag=True, help="Write over what people changed outside of the marked regions."
)
@options.access
def document(
    reading: options.Reading,
    counts: str,
    plan_file: Path | None,
    plan_wish: options.PlanWish,
    out: Path | None,
    format_: str,
    samples: int | None,
    check: bool,
    strict: bool,
    overwrite: bool,
    access: str | None,
) -> None:
    """Write the documentation of a database: a section a table, an index, the order, the advice.

    Everything is of one moment of the database, and nothing is written to it. Sample rows are anonymised
    before anything is written: ids and keys stay, what is not known to be harmless gets a stand-in, the same
    one wherever the value stands. Rules of your own go under anonymise in migplan.yaml.

    What people write between the marks of a page stays there:

    \b
      <!-- migplan:keep notes public.rooms -->
      Ask the front desk before renaming a room.
      <!-- migplan:end notes public.rooms -->

    --check compares what the pages say of the structure with the database; numbers may have moved.
    """
    from migplan.catalog.counts import Exactness
    from migplan.document import summary as report
    from migplan.pipeline import document as documenting
    from migplan.pipeline.document import DocumentOptions
    from migplan.pipeline.plan import Part

    if (check or strict) and format_ != "markdown":
        raise click.UsageError("--check is about Markdown pages")
    if strict and not check:
        raise click.UsageError("--strict says how --check compares")
    settings = options.with_access(reading.settings, access)
    if samples is not None:
        settings = settings.model_copy(
            update={"anonymise": settings.anonymise.model_copy(update={"rows": samples})}
        )
    folder = out or Path(settings.document.out)
    chosen = plan_wish.chosen(plan_file, reading.configured, reading.catalog, part=Part(reading.patterns))
    notes: dict[str, None] = {}
    wanted = DocumentOptions(chosen, Exactness(counts), notes.setdefault)
    found = _documentation(reading, settings, wanted)
    screen.show(f"Note: {note}" for note in notes)
    if check:
        old = documenting.find_stale(folder, found, strict=strict)
        screen.show(report.staleness(old, folder))
        sys.exit(1 if old else 0)
    if format_ == "markdown":
        pages, changed = documenting.write_pages(found, folder, overwrite=overwrite, access=settings.access)
        screen.show(report.pages_written(found, folder, pages, changed))
    else:
        _one_file(found, folder, format_, settings.access)


def _documentation(reading: options.Reading, settings: Config, wanted: DocumentOptions) -> Documentation:
    from migplan.catalog import store
    from migplan.pipeline import document as documenting

    if reading.from_catalog:
        return documenting.document_catalog(store.load(reading.from_catalog), settings, wanted)
    with screen.progress("reading the catalog") as on_progress:
        return documenting.document_database(reading.address, settings, wanted, on_progress)


def _one_file(found: Documentation, folder: Path, format_: str, access: Access) -> None:
    """Everything in one file, with what people wrote in the pages beside it."""
    from migplan.document import summary as report
    from migplan.document.html import as_html
    from migplan.document.json import as_json
    from migplan.pipeline import document as documenting

    name, shape = {"html": ("database.html", as_html), "json": ("database.json", as_json)}[format_]
    file = folder / name
    write_chunks(file, shape(found, documenting.read_kept(folder, found)), access)
    screen.show(report.one_file(found, file))
