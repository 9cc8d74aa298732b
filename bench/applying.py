"""From a bundle to a target, and the whole way from database to database, against PostgreSQL's own tools."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import databases
from bench.program import timed
from bench.stopwatch import Contender, Laps
from migplan.postgres.server import ThrowawayServer

TITLE = "apply"
PEER = "pg_restore -j2"
SIZES = (databases.LARGE, 1000)
TARGET = "target"


def contenders(server: ThrowawayServer, tables: int, folder: Path) -> tuple[Contender, ...]:
    """What is measured on a database of so many tables; of so few they are large ones."""
    url = databases.large(server) if tables == databases.LARGE else databases.generated(server, tables)
    work = _Work(server, url, folder)
    migplan = work.migplan
    bundle, directory = str(folder / "applied"), str(folder / "restored")
    subprocess.run(migplan("export", "--source", url, "--out", bundle), check=True, capture_output=True)
    subprocess.run(work.dump(directory), check=True)
    target = work.target
    found = [
        work.contender(
            "migplan apply",
            "migplan apply BUNDLE --jobs 2: whole process",
            [migplan("apply", bundle, "--target", target)],
        ),
        work.contender(PEER, "pg_restore -j2 of an uncompressed directory", [work.restore(directory)]),
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
                migplan("export", "--source", url, "--out", str(folder / "whole")),
                migplan("apply", str(folder / "whole"), "--target", target),
                migplan("verify", str(folder / "whole"), "--target", target),
            ],
            clear=folder / "whole",
        ),
        work.contender(
            "pg_dump -Fd, pg_restore",
            "pg_dump -Fd -Z0 -j2, then pg_restore -j2; nothing is verified",
            [work.dump(str(folder / "dumped")), work.restore(str(folder / "dumped"))],
            clear=folder / "dumped",
        ),
        work.contender("pg_dump | psql", "pg_dump -Fp | psql; nothing is verified", [work.piped()]),
    ]
    if pgcopydb := shutil.which("pgcopydb"):
        found.append(
            work.contender(
                "pgcopydb clone",
                "pgcopydb clone --table-jobs 2 --index-jobs 2 --not-consistent; nothing is verified",
                [work.copydb(pgcopydb)],
                clear=folder / "pgcopydb",
            )
        )
    return tuple(found)


class _Work:
    """Commands with a fresh target before each."""

    def __init__(self, server: ThrowawayServer, url: str, folder: Path) -> None:
        self._server = server
        self._url = url
        self._folder = folder
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
            self._renew()
            if clear is not None:
                shutil.rmtree(clear, ignore_errors=True)
            for command in before:
                subprocess.run(command, check=True, capture_output=True)
            timed(name, commands, laps)

        return Contender(name, definition, run)

    @staticmethod
    def migplan(*words: str) -> list[str]:
        """A command of ours, as a process of its own."""
        return [sys.executable, "-m", "migplan", *words]

    def dump(self, directory: str) -> list[str]:
        """pg_dump into a directory, not compressed."""
        return [self._program("pg_dump"), "-Fd", "-Z0", "-j2", "-f", directory, "-d", self._url]

    def restore(self, directory: str) -> list[str]:
        """pg_restore from a directory."""
        return [self._program("pg_restore"), "-j2", "-d", self.target, directory]

    def piped(self) -> list[str]:
        """The oldest way."""
        script = '"$1" -d "$2" | "$3" -qX -v ON_ERROR_STOP=1 -d "$4" >/dev/null'
        programs = (self._program("pg_dump"), self._url, self._program("psql"), self.target)
        return ["bash", "-o", "pipefail", "-c", script, "bash", *programs]

    def copydb(self, program: str) -> list[str]:
        """pgcopydb, with the programs of the same installation."""
        place = str(self._folder / "pgcopydb")
        ways = ["--table-jobs", "2", "--index-jobs", "2", "--not-consistent", "--dir", place]
        path = f"PATH={self._server.installation.bin}:/usr/bin:/bin"
        return ["env", path, program, "clone", "--source", self._url, "--target", self.target, *ways]

    def _program(self, name: str) -> str:
        return str(self._server.installation.program(name))

    def _renew(self) -> None:
        """An empty target."""
        psql = [self._program("psql"), "-qX", "-d", self._server.conninfo()]
        drop = f"DROP DATABASE IF EXISTS {TARGET} WITH (FORCE)"
        subprocess.run([*psql, "-c", drop, "-c", f"CREATE DATABASE {TARGET} TEMPLATE template0"], check=True)
