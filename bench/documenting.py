"""From a live database to its documents; beside pg_dump -s, which reads the definitions and no more."""

from __future__ import annotations

import sys
from pathlib import Path

from bench import databases
from bench.program import timed
from bench.stopwatch import Contender, Laps
from migplan.catalog.counts import Exactness
from migplan.config import Config
from migplan.document.html import as_html
from migplan.pipeline import analyze, document
from migplan.postgres import address
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import reading
from migplan.progress import no_progress

TITLE = "documenting"
PEER = "pg_dump -s"
SIZES = (100, 1000, 5000)

TOGETHER = "migplan: documents, after the catalog is read"


def contenders(server: ThrowawayServer, tables: int, folder: Path) -> tuple[Contender, ...]:
    """What is measured on a database of so many tables."""
    url = databases.generated(server, tables)
    pages = folder / f"documents-{tables}"
    command = [sys.executable, "-m", "migplan", "document", "--source", url, "--out", str(pages)]
    pg_dump = [str(server.installation.program("pg_dump")), "-s", "-d", url]

    def in_process(laps: Laps) -> None:
        _document(url, folder / f"in-process-{tables}", laps)

    return (
        Contender(
            TOGETHER,
            "in process: samples and statements read, anonymised, everything derived, all pages written; the "
            "catalog, with rows estimated and vitals, is timed apart",
            in_process,
        ),
        Contender(
            "migplan document",
            "python -m migplan document --source URL --out DIR; from the second run on the pages are there",
            lambda laps: timed("migplan document", [command], laps),
        ),
        Contender(
            "migplan document, HTML",
            "the same with --format html",
            lambda laps: timed("migplan document, HTML", [[*command, "--format", "html"]], laps),
        ),
        Contender(PEER, "pg_dump -s -d URL, to /dev/null", lambda laps: timed(PEER, [pg_dump], laps)),
    )


def _document(url: str, out: Path, laps: Laps) -> None:
    where = address.parse(url)
    with reading(where) as connection:
        with laps.lap("  catalog and vitals"):
            catalog = analyze.catalog_at(connection, Exactness.ESTIMATE, no_progress, vitals=True)
        with laps.lap("  samples, and all that is derived"):
            found = document.documentation_at(connection, catalog, Config())
    with laps.lap("  pages"):
        document.write_pages(found, out, overwrite=False)
    laps.together(TOGETHER, "  samples, and all that is derived", "  pages")
    with laps.lap("  (HTML)"):
        for _ in as_html(found, {}):
            pass
