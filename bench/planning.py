"""From a live database to a plan, against pg_dump, which reads the same, and SQLAlchemy's reflection."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa

from bench import databases
from bench.stopwatch import Contender, Laps
from migplan.catalog import selection
from migplan.catalog.counts import Exactness
from migplan.config import Config
from migplan.graph import build
from migplan.pipeline.analyze import read_catalog
from migplan.pipeline.plan import Planned, request_of, write_plan
from migplan.plan.baseline import Baseline
from migplan.plan.make import make
from migplan.postgres import address
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect

TITLE = "planning"
PEER = "pg_dump -s"

TOGETHER = "migplan: catalog + graph + plan"
UNCOUNTED = "migplan: the same, rows estimated"


def contenders(server: ThrowawayServer, tables: int, folder: Path) -> tuple[Contender, ...]:
    """What is measured on a database of so many tables."""
    url = databases.generated(server, tables)
    pg_dump = str(server.installation.program("pg_dump"))
    plan_file = folder / "plan.yaml"
    command = [sys.executable, "-m", "migplan", "plan", "--source", url, "--out", str(plan_file), "--fresh"]

    def in_process(laps: Laps) -> None:
        _plan(url, folder / "in-process.yaml", laps)

    def uncounted(laps: Laps) -> None:
        with laps.lap(UNCOUNTED):
            catalog = read_catalog(address.parse(url), Exactness.ESTIMATE)
            selected = selection.select(catalog, selection.Selection())
            make(selected, build(selected.catalog), request_of(Config(), catalog))

    def whole(laps: Laps) -> None:
        with laps.lap("migplan plan, whole process"):
            _program(command, folder)

    def dump(laps: Laps) -> None:
        with laps.lap(PEER):
            _program([pg_dump, "-s", "-d", url], folder)

    def reflect(laps: Laps) -> None:
        with laps.lap("SQLAlchemy reflect"):
            _reflect(url)

    return (
        Contender(
            TOGETHER,
            "in process, from connecting to the finished Plan: read_catalog (rows of all tables "
            "counted); selection and graph.build; plan.make. Writing the two files is timed apart.",
            in_process,
        ),
        Contender(
            UNCOUNTED,
            "the same with --counts estimate: like pg_dump -s, it opens no table to count its rows",
            uncounted,
        ),
        Contender("migplan plan", "python -m migplan plan --source URL --out FILE --fresh", whole),
        Contender(PEER, "pg_dump -s -d URL of the same installation, to /dev/null", dump),
        Contender(
            "SQLAlchemy reflect",
            "in process: MetaData().reflect(engine), connecting included",
            reflect,
        ),
    )


def _plan(url: str, file: Path, laps: Laps) -> None:
    with laps.lap("  catalog"):
        catalog = read_catalog(address.parse(url))
    with laps.lap("  graph"):
        selected = selection.select(catalog, selection.Selection())
        graph = build(selected.catalog)
    with laps.lap("  plan"):
        plan = make(selected, graph, request_of(Config(), catalog))
    laps.together(TOGETHER, "  catalog", "  graph", "  plan")
    with laps.lap("  (writing both files)"):
        write_plan(Planned(plan, Baseline(selected.catalog, plan)), file)


def _program(command: list[str], folder: Path) -> None:
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _reflect(url: str) -> None:
    reader = sa.create_engine("postgresql+psycopg://", creator=lambda: connect(address.parse(url)))
    try:
        sa.MetaData().reflect(reader)
    finally:
        reader.dispose()
