"""From a live database to a bundle, against pg_dump as plain SQL and as a directory."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from bench import databases
from bench.program import timed
from bench.stopwatch import Contender, Laps
from migplan.postgres.server import ThrowawayServer

TITLE = "export"
PEER = "pg_dump -Fp"
SIZES = (*databases.SHAPES, 2000)


def contenders(server: ThrowawayServer, size: int | str, folder: Path) -> tuple[Contender, ...]:
    """What is measured on rows of a shape, or on many small tables."""
    url = databases.of_size(server, size)
    pg_dump = str(server.installation.program("pg_dump"))
    bundle, plain, directory = folder / "bundle", folder / "plain.sql", folder / "directory"
    export = [
        sys.executable,
        "-m",
        "migplan",
        "export",
        "--no-plan",
        "--source",
        url,
        "--out",
        str(bundle),
        "--jobs",
    ]

    def ours(jobs: int, laps: Laps) -> None:
        shutil.rmtree(bundle, ignore_errors=True)
        timed(f"migplan export --jobs {jobs}", [[*export, str(jobs)]], laps, server.pid)

    def as_text(laps: Laps) -> None:
        timed(PEER, [[pg_dump, "-Fp", "-f", str(plain), "-d", url]], laps, server.pid)

    def as_directory(laps: Laps) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        timed(
            "pg_dump -Fd -j2",
            [[pg_dump, "-Fd", "-Z0", "-j2", "-f", str(directory), "-d", url]],
            laps,
            server.pid,
        )

    return (
        Contender(
            "migplan export --jobs 1",
            "python -m migplan export --source URL --out DIR --jobs 1: plan made on the spot, whole process",
            lambda laps: ours(1, laps),
        ),
        Contender("migplan export --jobs 2", "the same with two readers", lambda laps: ours(2, laps)),
        Contender(PEER, "pg_dump -Fp -f FILE -d URL of the same installation", as_text),
        Contender("pg_dump -Fd -j2", "pg_dump -Fd -Z0 -j2 -f DIR -d URL: not compressed", as_directory),
    )
