"""``migplan analyze``."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from migplan.cli import named, options, screen


@click.command()
@named.arguments("source", "folder")
@options.reading()
@click.option(
    "--format",
    "format_",
    type=click.Choice(["tree", "levels", "json", "mermaid", "dot", "markdown"]),
    default="tree",
    show_default=True,
    help="tree: who stands on whom. levels: what can be loaded side by side. json: everything, for programs. "
    "mermaid, dot: diagrams. markdown: a page.",
)
@click.option("--depth", type=click.IntRange(min=0), help="Show the tree down to this level.")
@click.option("--all", "whole", is_flag=True, help="Fold nothing, however many tables there are.")
@click.option(
    "--check-orphans",
    is_flag=True,
    help="Also count rows that refer to nothing. Reads every table that has a key; exit code 1 if any.",
)
def analyze(
    reading: options.Reading,
    folder: Path | None,
    counts: str,
    format_: str,
    depth: int | None,
    whole: bool,
    check_orphans: bool,
) -> None:
    """Show what depends on what: the tree, the hubs, the cycles, the rows.

    The whole catalog is read in one transaction, at one moment, and nothing is written. Of more than about
    100 lines the tree is folded: levels are left out from the bottom, siblings are summed up, and both are
    said; --all shows everything, --depth N so many levels.

    \b
    Marks in the tree:
      ↻ column    the table refers to itself
      ⟲ cycle 1   the table is part of a cycle, explained below the tree
      ↗ names     tables that need this one too, and are shown elsewhere
      ⇢ names     tables that the target provides, and this one refers to
      ~           an estimate; ? where nobody knows

    FOLDER is one of migrations that people write. Then its files are read, and no database: which needs
    which, where their names contradict that (exit code 1), what the target must have, and what is risky.
    """
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.analyze import analyze_catalog, analyze_with_orphans
    from migplan.report.analysis import FORMATS

    if folder is not None:
        others = [reading.source, reading.from_catalog, format_ != "tree", depth, check_orphans]
        _of_folder(folder, others, reading, whole=whole)
        return
    if check_orphans and reading.from_catalog:
        raise click.UsageError("--check-orphans needs the database itself, and --from takes a file")
    if check_orphans:
        with screen.progress("reading the catalog") as on_progress:
            analysis = analyze_with_orphans(reading.address, Exactness(counts), reading.settings, on_progress)
    else:
        analysis = analyze_catalog(
            reading.catalog(Exactness(counts), vitals=True, attributes=False), reading.settings
        )
    screen.show(FORMATS[format_](analysis, depth=depth, whole=whole))
    if analysis.orphans:
        sys.exit(1)


def _of_folder(folder: Path, others: Sequence[object], reading: options.Reading, *, whole: bool) -> None:
    from migplan.pipeline.migrations import analyze_folder
    from migplan.pipeline.platforms import target_host
    from migplan.report import migrations as report

    if any(each not in {None, False} for each in others):
        raise click.UsageError("FOLDER is read from its files alone: --all and --platform go with it")
    host = target_host(reading.settings)
    with screen.progress("reading the migrations"):
        found = analyze_folder(folder, reading.settings, platform=host.platform if host else None)
    screen.show(report.as_tree(found, whole=whole))
    if found.contradicts:
        sys.exit(1)
