"""``migplan analyze``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen

if TYPE_CHECKING:
    from migplan.config import Config
    from migplan.migrations.analysis import Analysis


_OF_A_DATABASE = "is for a database, and the files of FOLDER are read whole"
_OF_DATABASES = dict.fromkeys(
    ("from_catalog", "schemas", "tables", "exclude", "provided", "counts", "depth", "check_orphans"),
    _OF_A_DATABASE,
)
"""Options that say nothing of a folder of migrations, and why."""
_OF_A_TRIAL = ("on", "after", "target", "scratch", "keep_going", "seed")


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
@click.option(
    "--try",
    "tries",
    is_flag=True,
    help="Of FOLDER: run its files on a scratch server, one by one, and say which fail. Exit code 1 if any.",
)
@options.on_bundle
@options.after
@click.option(
    "--target",
    metavar="URL|NAME",
    help="Of FOLDER: the database whose schema stands before the first file, as it was before that was "
    "applied; it is only read.",
)
@options.scratch
@click.option("--keep-going", is_flag=True, help="After a failure, try the files that do not need that one.")
@click.option("--seed", is_flag=True, help="Of FOLDER: try its seeds, too.")
def analyze(
    reading: options.Reading,
    folder: Path | None,
    counts: str,
    format_: str,
    depth: int | None,
    whole: bool,
    check_orphans: bool,
    tries: bool,
    on: Path | None,
    after: str,
    target: str | None,
    scratch: str | None,
    keep_going: bool,
    seed: bool,
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

    With --try a server judges: the files are run on a scratch server, from nothing, on a bundle (--on), or
    on what a target has (--target). Of each is said whether it runs, how long it takes, which tables it locks
    and what that blocks, and which it writes anew. Exit code 1: one fails; 2: one could not be judged there.
    """
    trying = Trying(tries, on, after, target, scratch, keep_going, seed)
    if folder is not None:
        options.refuse_given(_OF_DATABASES)
        _of_folder(folder, reading, format_, trying, whole=whole)
        return
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.analyze import analyze_catalog, analyze_with_orphans
    from migplan.report.analysis import FORMATS

    options.refuse_given(
        dict.fromkeys(("tries", *_OF_A_TRIAL), "is for a folder of migrations: migplan analyze FOLDER --try")
    )
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


@dataclass(frozen=True, slots=True)
class Trying:
    """What people said of a trial."""

    wanted: bool
    on: Path | None
    after: str
    target: str | None
    scratch: str | None
    keep_going: bool
    seeds: bool


def _of_folder(
    folder: Path,
    reading: options.Reading,
    format_: str,
    trying: Trying,
    *,
    whole: bool,
) -> None:
    from migplan.pipeline.analyze_folder import analyze_folder
    from migplan.pipeline.platforms import target_host
    from migplan.report import migrations as report

    shapes = {"tree", "json"} if trying.wanted else {"tree"}
    if reading.source is not None:
        raise click.UsageError("FOLDER is read from its files: a database on which to try them is --target")
    if format_ not in shapes:
        raise click.UsageError(f"--format {format_} is not for a folder of migrations; json goes with --try")
    if not trying.wanted:
        options.refuse_given(dict.fromkeys(_OF_A_TRIAL, "is for a trial of the folder: --try"))
    host = target_host(reading.settings)
    target = named.resolved(trying.target, reading.settings) if trying.target is not None else None
    with screen.progress("reading the migrations"):
        found = analyze_folder(folder, reading.settings, target, host.platform if host else None)
    if trying.wanted:
        _tried(found, reading.settings, trying, as_json=format_ == "json", whole=whole)
        return
    screen.show(report.as_tree(found, whole=whole))
    if found.contradicts:
        sys.exit(1)


def _tried(analysis: Analysis, settings: Config, trying: Trying, *, as_json: bool, whole: bool) -> None:
    """Show what came of a folder on a scratch server; the command ends with what that answers."""
    from migplan.cli.boundary import FAILED
    from migplan.pipeline import trial
    from migplan.report import migrations as analysis_report
    from migplan.report import trial as report
    from migplan.run.migrations.trial import TrialOptions

    target = named.resolved(trying.target, settings) if trying.target is not None else None
    lent = named.resolved(trying.scratch, settings) if trying.scratch is not None else None
    with screen.progress("trying the migrations"):
        base = trial.base_for(analysis, settings, trying.on, target)
        wanted = TrialOptions(seeds=trying.seeds, keep_going=trying.keep_going)
        found = trial.try_folder(analysis, base, target=target, lent=lent, wanted=wanted, after=trying.after)
    other = found.other
    if as_json:
        compared = (other.names, other.failed, other.differences) if other else None
        said = report.as_json(analysis.folder, found.server, base, found.notes, found.files, compared)
        screen.show([said])
    else:
        screen.show(analysis_report.as_tree(analysis, whole=whole))
        screen.show([""])
        if not found.is_judged:
            screen.show(report.inference(found.notes, trial.INFERENCE))
            sys.exit(FAILED)
        screen.show(report.heading(found.server, base, found.notes))
        screen.show(report.table(found.files))
        if other:
            screen.show(report.other_order(other.names, other.failed, other.differences))
    if found.of("failed"):
        sys.exit(1)
    if not found.is_judged or found.of("not judged"):
        sys.exit(FAILED)
