"""``migplan demo``."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.text import Text

from migplan.cli import screen
from migplan.cli.boundary import sentence
from migplan.errors import GroupingError
from migplan.files import write_whole

if TYPE_CHECKING:
    from migplan.catalog.model import Catalog
    from migplan.config import Config
    from migplan.postgres.address import Address


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write migplan.yaml, plans/, docs/ and migrations/ here. Default: a temporary folder, which goes.",
)
@click.option("--keep", is_flag=True, help="Leave the server running until Ctrl-C, and print how to connect.")
def demo(out: Path | None, keep: bool) -> None:
    """Show what migplan does, on an example database, with no server and no setup.

    Starts a throwaway PostgreSQL, builds the database of a hotel chat application in it, analyzes it, finds
    that the grouping its team had written down cannot be loaded, plans the move with one that can, writes
    the documentation and the bundle of SQL files, and rehearses it on a second server: applied, verified,
    rolled back, applied once more.
    Nothing is left behind but what --out asks for.
    """
    from migplan import demo as example
    from migplan.pipeline.analyze import read_catalog
    from migplan.postgres import address
    from migplan.postgres.binaries import find_server
    from migplan.postgres.server import ThrowawayServer

    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="migplan-demo-")))
        with _step("Starting a PostgreSQL server of our own"):
            server = stack.enter_context(ThrowawayServer(find_server(extensions=["vector"])))
        with _step(f"Building the database {example.DATABASE}"):
            url = server.create_database(example.DATABASE)
            source = address.parse(url)
            example.build(source)
        catalog = read_catalog(source, vitals=True)
        _analyze(catalog)
        _advised(catalog)
        _refused(catalog)
        _planned(catalog, folder, kept=out is not None)
        _documented(source, folder, kept=out is not None)
        _exported(source, folder, kept=out is not None)
        _rehearsed(folder)
        if keep:
            _wait(url, folder)


def _analyze(catalog: Catalog) -> None:
    from migplan.pipeline.analyze import analyze_catalog
    from migplan.report import analysis as analysis_report

    _said("migplan analyze --schema public")
    settings = _settings()
    screen.show(analysis_report.as_tree(analyze_catalog(catalog, settings)))


def _advised(catalog: Catalog) -> None:
    from migplan.pipeline.analyze import analyze_catalog
    from migplan.report import advice as advice_report

    _said("migplan advise --schema public")
    settings = _settings()
    analysis = analyze_catalog(catalog, settings)
    screen.show(advice_report.as_table(analysis.advice, catalog.server))


def _refused(catalog: Catalog) -> None:
    from migplan import config as configuration
    from migplan import demo as example
    from migplan.pipeline.plan import make_plan, request_of

    _said("migplan plan          (with the groups of the source documents)")
    settings = configuration.loads(example.settings_as_documented(), Path("documents.yaml"))
    try:
        make_plan(catalog, settings, request_of(settings, catalog))
    except GroupingError as error:
        screen.show([sentence(error)])


def _planned(catalog: Catalog, folder: Path, *, kept: bool) -> None:
    from migplan import demo as example
    from migplan.pipeline.plan import make_plan, request_of, write_plan
    from migplan.report import plan as plan_report

    _said("migplan plan          (with hotels moved to the group catalog)")
    settings = _settings()
    result = make_plan(catalog, settings, request_of(settings, catalog))
    file = folder / "plans" / f"{result.plan.name}.yaml"
    write_whole(folder / "migplan.yaml", example.settings())
    write_plan(result, file)
    shown = file if kept else Path("plans") / file.name
    screen.show(plan_report.as_text(result.plan, shown))


def _documented(source: Address, folder: Path, *, kept: bool) -> None:
    from migplan import demo as example
    from migplan.document import summary as documentation_report
    from migplan.pipeline import document as documenting
    from migplan.pipeline.plan import find_plan

    _said("migplan document --plan plans/muva.yaml")
    settings = _settings()
    wanted = documenting.DocumentOptions(find_plan(folder / "plans" / f"{example.DATABASE}.yaml", settings))
    found = documenting.document_database(source, settings, wanted)
    out = folder / settings.document.out
    pages, changed = documenting.write_pages(found, out, overwrite=False)
    shown = out if kept else Path(settings.document.out)
    screen.show(documentation_report.pages_written(found, shown, pages, changed))


def _exported(source: Address, folder: Path, *, kept: bool) -> None:
    from migplan import demo as example
    from migplan.bundle.options import Options
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.export import ExportOptions, export_bundle
    from migplan.pipeline.plan import find_plan
    from migplan.report import export as export_report

    _said("migplan export plans/muva.yaml")
    settings = _settings()
    plan = find_plan(folder / "plans" / f"{example.DATABASE}.yaml", settings)
    wanted = ExportOptions(
        out=folder / "migrations" / example.DATABASE,
        options=Options(jobs=2),
        exactness=Exactness.ESTIMATE,
        plan=plan,
    )
    found = export_bundle(source, settings, wanted)
    shown = found.folder if kept else Path("migrations") / found.folder.name
    screen.show(export_report.written(shown, found.manifest, stays=kept))


def _rehearsed(folder: Path) -> None:
    from migplan import demo as example
    from migplan.bundle.verified import load_verified
    from migplan.cli.commands import rehearse
    from migplan.postgres.scratch import NAME as SCRATCH

    _said("migplan rehearse          (the bundle that was just exported)")
    settings = _settings()
    bundle = load_verified(folder / "migrations" / example.DATABASE)
    if not rehearse.rehearsed(bundle, SCRATCH, settings, jobs=2, log_format="text"):
        sys.exit(1)


def _settings() -> Config:
    from migplan import config as configuration
    from migplan import demo as example

    return configuration.loads(example.settings(), Path("migplan.yaml"))


def _wait(url: str, folder: Path) -> None:
    screen.show(
        [
            "",
            Text("The server stays until Ctrl-C. In another terminal:", style="bold"),
            f"  cd {folder}",
            f"  export MUVA_URL='{url}'",
            "  migplan analyze",
            "  migplan plan --check",
        ]
    )
    while True:
        time.sleep(3600)


def _said(command: str) -> None:
    screen.show(["", Text(f"$ {command}", style="bold green"), ""])


@contextmanager
def _step(what: str) -> Iterator[None]:
    """Say what is being done, and how long it took."""
    started = time.monotonic()
    screen.out.print(f"{what} ... ", end="")
    yield
    screen.out.print(f"{time.monotonic() - started:.1f} s")
