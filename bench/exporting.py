"""From a live database to a bundle, against pg_dump as plain SQL and as a directory."""

from __future__ import annotations

from pathlib import Path

from bench import databases
from bench.applying import Work
from bench.stopwatch import Contender
from migplan.postgres.server import ThrowawayServer

TITLE = "export"
PEER = "pg_dump -Fp"
SIZES = (*databases.SHAPES, 2000)


def contenders(server: ThrowawayServer, size: int | str, folder: Path) -> tuple[Contender, ...]:
    """What is measured on rows of a shape, or on many small tables."""
    work = Work(server, databases.of_size(server, size), folder)
    bundle, plain, directory = folder / "bundle", folder / "plain.sql", folder / "directory"
    export = work.migplan("export", "--no-plan", "--source", work.url, "--out", str(bundle), "--jobs")
    return (
        work.contender(
            "migplan export --jobs 1",
            "python -m migplan export --source URL --out DIR --jobs 1: plan made on the spot, whole process",
            [[*export, "1"]],
            clear=bundle,
        ),
        work.contender(
            "migplan export --jobs 2", "the same with two readers", [[*export, "2"]], clear=bundle
        ),
        work.contender(
            PEER, "pg_dump -Fp -f FILE -d URL of the same installation", [work.script(str(plain))]
        ),
        work.contender(
            "pg_dump -Fd -j2",
            "pg_dump -Fd -Z0 -j2 -f DIR -d URL: not compressed",
            [work.dump(str(directory))],
            clear=directory,
        ),
    )
