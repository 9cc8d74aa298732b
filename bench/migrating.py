"""Many small hand-written migrations: reading and ordering them, saying how they stand, applying them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.program import timed
from bench.stopwatch import Contender, Laps
from migplan.postgres.server import ThrowawayServer

TITLE = "hand-written migrations"
PEER = "psql -f, a file each"
SIZES = (1000, 10000)
UNIT = "migrations"
TARGET = "migrations"
BY_PSQL = "migrations_by_psql"


def contenders(server: ThrowawayServer, number: int, folder: Path) -> tuple[Contender, ...]:
    """What is measured with so many files."""
    files = folder / f"migrations-{number}"
    _write(files, number)
    psql = [str(server.installation.program("psql")), "-qX", "-v", "ON_ERROR_STOP=1"]
    url = server.conninfo(TARGET)
    ours = [sys.executable, "-m", "migplan"]

    def renewed(name: str) -> None:
        drop = f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"
        make = f"CREATE DATABASE {name} TEMPLATE template0"
        subprocess.run(
            [*psql, "-d", server.conninfo(), "-c", drop, "-c", make], check=True, capture_output=True
        )

    def analyze(laps: Laps) -> None:
        timed("migplan analyze FOLDER", [[*ours, "analyze", str(files)]], laps)

    def apply(laps: Laps) -> None:
        renewed(TARGET)
        timed("migplan apply FOLDER", [[*ours, "apply", str(files), "--target", url]], laps)

    def status(laps: Laps) -> None:
        timed("migplan status FOLDER", [[*ours, "status", str(files), "--target", url]], laps)

    def by_psql(laps: Laps) -> None:
        renewed(BY_PSQL)  # status looks at what apply has left
        words = [word for file in sorted(files.glob("*.sql")) for word in ("-f", str(file))]
        timed(PEER, [[*psql, "-d", server.conninfo(BY_PSQL), *words]], laps)

    return (
        Contender(
            "migplan analyze FOLDER", "dependencies, order and lint of all files: whole process", analyze
        ),
        Contender(
            "migplan apply FOLDER", "all of them on an empty database, each with its journal entry", apply
        ),
        Contender("migplan status FOLDER", "how each of them stands, behind the apply before it", status),
        Contender(PEER, "psql -f FILE -f FILE ...: one process, no journal", by_psql),
    )


def _write(files: Path, number: int) -> None:
    """Every tenth file makes a table, the others change it."""
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir(parents=True)
    for at in range(number):
        table = f"public.t{at // 10:05}"
        text = (
            f"CREATE TABLE {table} (id int PRIMARY KEY);\n"
            if at % 10 == 0
            else f"ALTER TABLE {table} ADD COLUMN c{at % 10} text;\n"
        )
        (files / f"{at + 1:06}_step.sql").write_text(text)
