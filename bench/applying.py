"""From a bundle to a target, and the whole way from database to database, against PostgreSQL's own tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import databases
from bench.program import timed
from bench.stopwatch import Contender, Laps
from migplan.postgres.server import ThrowawayServer

TITLE = "apply"
PEER = "pg_restore -j2"
SIZES = (*databases.SHAPES, 2000)
TARGET = "target"


def contenders(server: ThrowawayServer, size: int | str, folder: Path) -> tuple[Contender, ...]:
    """What is measured on rows of a shape, or on many small tables."""
    url = databases.of_size(server, size)
    work = Work(server, url, folder)
    migplan = work.migplan
    bundle, directory, plain = (str(folder / each) for each in ("applied", "restored", "plain.sql"))
    subprocess.run(
        migplan("export", "--no-plan", "--source", url, "--out", bundle), check=True, capture_output=True
    )
    subprocess.run(work.dump(directory), check=True)
    subprocess.run(work.script(plain), check=True)
    target = work.target
    return (
        work.contender(
            "migplan apply",
            "migplan apply BUNDLE --jobs 2 --no-analyze: whole process",
            [migplan("apply", bundle, "--target", target, "--no-analyze")],
        ),
        work.contender(PEER, "pg_restore -j2 of an uncompressed directory", [work.restore(directory)]),
        work.contender("psql", "psql -f of a plain pg_dump", [work.psql(plain)]),
        work.contender(
            "migplan verify",
            "migplan verify BUNDLE --jobs 2 of the target that was applied last: its cost beside it",
            [migplan("verify", bundle, "--target", target)],
            before=[migplan("apply", bundle, "--target", target)],
        ),
        work.contender(
            "export, apply, verify",
            "migplan export, apply and verify, --jobs 2 each",
            [
                migplan("export", "--no-plan", "--source", url, "--out", str(folder / "whole")),
                migplan("apply", str(folder / "whole"), "--target", target),
                migplan("verify", str(folder / "whole"), "--target", target),
            ],
            clear=folder / "whole",
        ),
        *work.peers(),
    )


class Work:
    """Commands with a fresh target before each."""

    def __init__(self, server: ThrowawayServer, url: str, folder: Path) -> None:
        self.server = server
        self.url = url
        self.folder = folder
        self.target = server.conninfo(TARGET)

    def contender(
        self,
        name: str,
        definition: str,
        commands: Sequence[list[str]],
        *,
        before: Sequence[list[str]] = (),
        clear: Path | None = None,
    ) -> Contender:
        """Commands that are timed as one, behind others that are not."""

        def run(laps: Laps) -> None:
            self.renew()
            if clear is not None:
                shutil.rmtree(clear, ignore_errors=True)
            for command in before:
                subprocess.run(command, check=True, capture_output=True)
            timed(name, commands, laps, self.server.pid)

        return Contender(name, definition, run)

    @staticmethod
    def migplan(*words: str) -> list[str]:
        """A command of ours, as a process of its own."""
        return [sys.executable, "-m", "migplan", *words]

    def peers(self) -> Iterator[Contender]:
        """What others do from database to database; nothing is verified."""
        dumped = self.folder / "dumped"
        yield self.contender(
            "pg_dump -Fd, pg_restore",
            "pg_dump -Fd -Z0 -j2, then pg_restore -j2; nothing is verified",
            [self.dump(str(dumped)), self.restore(str(dumped))],
            clear=dumped,
        )
        yield self.contender("pg_dump | psql", "pg_dump -Fp | psql; nothing is verified", [self.piped()])
        if pgcopydb := shutil.which("pgcopydb"):
            yield self.contender(
                "pgcopydb clone",
                "pgcopydb clone --table-jobs 2 --index-jobs 2 --not-consistent; tables are analyzed, "
                "nothing is verified",
                [self.copydb(pgcopydb)],
                clear=self.folder / "pgcopydb",
            )

    def dump(self, directory: str) -> list[str]:
        """pg_dump into a directory, not compressed."""
        return [self.program("pg_dump"), "-Fd", "-Z0", "-j2", "-f", directory, "-d", self.url]

    def script(self, file: str) -> list[str]:
        """pg_dump into a file of plain SQL."""
        return [self.program("pg_dump"), "-Fp", "-f", file, "-d", self.url]

    def restore(self, directory: str) -> list[str]:
        """pg_restore from a directory."""
        return [self.program("pg_restore"), "-j2", "-d", self.target, directory]

    def psql(self, script: str) -> list[str]:
        """psql on a script."""
        return [self.program("psql"), "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.target, "-f", script]

    def piped(self) -> list[str]:
        """The oldest way."""
        script = '"$1" -d "$2" | "$3" -qX -v ON_ERROR_STOP=1 -d "$4" >/dev/null'
        programs = (self.program("pg_dump"), self.url, self.program("psql"), self.target)
        return ["bash", "-o", "pipefail", "-c", script, "bash", *programs]

    def copydb(self, program: str) -> list[str]:
        """pgcopydb, with the programs of the same installation."""
        place = str(self.folder / "pgcopydb")
        ways = ["--table-jobs", "2", "--index-jobs", "2", "--not-consistent", "--dir", place]
        path = f"PATH={self.server.installation.bin}:/usr/bin:/bin"
        return ["env", path, program, "clone", "--source", self.url, "--target", self.target, *ways]

    def program(self, name: str) -> str:
        return str(self.server.installation.program(name))

    def renew(self) -> None:
        """An empty target."""
        psql = [self.program("psql"), "-qX", "-d", self.server.conninfo()]
        drop = f"DROP DATABASE IF EXISTS {TARGET} WITH (FORCE)"
        subprocess.run([*psql, "-c", drop, "-c", f"CREATE DATABASE {TARGET} TEMPLATE template0"], check=True)
