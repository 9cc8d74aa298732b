"""``migplan document``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from migplan import config as configuration
from migplan.catalog import store
from migplan.catalog.counts import Exactness
from migplan.cli import options, screen
from migplan.config import Config
from migplan.document import summary as report
from migplan.document.html import as_html
from migplan.document.json import as_json
from migplan.document.model import Documentation
from migplan.files import Access, write_chunks
from migplan.pipeline import document as documenting
from migplan.pipeline.document import Documenting

# One file that holds everything: its name, and what makes it.
FILES: Mapping[str, tuple[str, Callable[[Documentation, Mapping[str, str]], Iterator[str]]]] = {
    "html": ("database.html", as_html),
    "json": ("database.json", as_json),
}


@click.command()
@options.arguments("source")
@options.source
@options.from_catalog
@options.config
@options.selection
@options.counts
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Groups, order and strategies of this plan. Default: those that `migplan plan` would propose.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write to. Default: document.out of migplan.yaml, else docs/database.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["markdown", *FILES]),
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
    source: str | None,
    from_catalog: Path | None,
    config_file: Path | None,
    schemas: tuple[str, ...],
    tables: tuple[str, ...],
    exclude: tuple[str, ...],
    counts: str,
    plan_file: Path | None,
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
    if (check or strict) and format_ != "markdown":
        raise click.UsageError("--check is about Markdown pages")
    if strict and not check:
        raise click.UsageError("--strict says how --check compares")
    settings = options.with_selection(configuration.find(config_file), schemas, tables, exclude)
    settings = options.with_access(settings, access)
    if samples is not None:
        settings = settings.model_copy(
            update={"anonymise": settings.anonymise.model_copy(update={"rows": samples})}
        )
    folder = out or Path(settings.document.out)
    found = _documentation(settings, source, from_catalog, Documenting(plan_file, Exactness(counts)))
    if check:
        old = documenting.stale_in(folder, found, strict=strict)
        screen.show(report.staleness(old, folder))
        sys.exit(1 if old else 0)
    if format_ == "markdown":
        pages, changed = documenting.write_pages(found, folder, overwrite=overwrite, access=settings.access)
        screen.show(report.pages_written(found, folder, pages, changed))
    else:
        _one_file(found, folder, format_, settings.access)


def _documentation(
    settings: Config, source: str | None, from_catalog: Path | None, wanted: Documenting
) -> Documentation:
    if from_catalog:
        return documenting.documentation_from(store.load(from_catalog), settings, wanted)
    address = options.resolved(source, settings)
    with screen.progress("reading the catalog") as on_progress:
        return documenting.documentation_of(address, settings, wanted, on_progress)


def _one_file(found: Documentation, folder: Path, format_: str, access: Access) -> None:
    """Everything in one file, with what people wrote in the pages beside it."""
    name, shape = FILES[format_]
    file = folder / name
    write_chunks(file, shape(found, documenting.kept_in(folder, found)), access)
    screen.show(report.one_file(found, file))
