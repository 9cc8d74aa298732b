"""From a live database to a bundle, against pg_dump as plain SQL and as a directory."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench import databases
from bench.stopwatch import MEMORY, Contender, Laps
from migplan.postgres.server import ThrowawayServer

TITLE = "export"
PEER = "pg_dump -Fp"
SIZES = (databases.LARGE, 1000)


def contenders(server: ThrowawayServer, tables: int, folder: Path) -> tuple[Contender, ...]:
    """What is measured on a database of so many tables; of so few they are large ones."""
    url = databases.large(server) if tables == databases.LARGE else databases.generated(server, tables)
    pg_dump = str(server.installation.program("pg_dump"))
    bundle, plain, directory = folder / "bundle", folder / "plain.sql", folder / "directory"
    export = [sys.executable, "-m", "migplan", "export", "--source", url, "--out", str(bundle), "--jobs"]

    def ours(jobs: int, laps: Laps) -> None:
        shutil.rmtree(bundle, ignore_errors=True)
        _program(f"migplan export --jobs {jobs}", [*export, str(jobs)], laps)

    def as_text(laps: Laps) -> None:
        _program(PEER, [pg_dump, "-Fp", "-f", str(plain), "-d", url], laps)

    def as_directory(laps: Laps) -> None:
        shutil.rmtree(directory, ignore_errors=True)
        _program("pg_dump -Fd -j2", [pg_dump, "-Fd", "-Z0", "-j2", "-f", str(directory), "-d", url], laps)

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


def _program(name: str, command: list[str], laps: Laps) -> None:
    """Time a program, and note the memory of its own process; workers of pg_dump are not counted."""
    peak = 0.0
    with laps.lap(name):
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while process.poll() is None:
            peak = max(peak, _peak_memory(process.pid))
            time.sleep(0.01)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    laps.seconds[f"  {name}: {MEMORY}"] = peak


def _peak_memory(pid: int) -> float:
    """In MB, of the program that the process runs now; nothing where the kernel does not say (not Linux)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0
