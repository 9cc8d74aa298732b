"""From database to database in one go, against PostgreSQL's own tools, pgcopydb, and what servers can do."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from bench import databases
from bench.applying import TARGET, Work
from bench.records import LIMIT
from bench.stopwatch import Contender, Laps
from migplan.postgres import address
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import connect

TITLE = "copy"
PEER = "pg_dump -Fd, pg_restore"
UNPROVED = "migplan copy, unproved"
PROVED = "migplan copy, not analyzed"
TABLES = 2000
SIZES = (*databases.SHAPES, TABLES)


def contenders(server: ThrowawayServer, size: int | str, folder: Path) -> tuple[Contender, ...]:
    """What is measured on rows of a shape, or on many small tables."""
    url = databases.of_size(server, size)
    work = Work(server, url, folder)
    bundle = folder / "bundle"
    copy = work.migplan("copy", "--no-plan", "--source", url, "--target", work.target, "--out", str(bundle))
    copy += ["--jobs", "2"]
    limit = Contender(
        LIMIT,
        "what servers can do: their own COPY to files and from them, binary, FREEZE, two at a time; "
        "definitions, indexes and keys by pg_restore -j2",
        _Limit(work).run,
    )
    return (
        work.contender(
            UNPROVED,
            "migplan copy --jobs 2 --no-verify --no-analyze: whole process; nothing is verified",
            [[*copy, "--no-verify", "--no-analyze"]],
            clear=bundle,
        ),
        work.contender(
            PROVED,
            "migplan copy --jobs 2 --no-analyze: every row is proved, every object compared",
            [[*copy, "--no-analyze"]],
            clear=bundle,
        ),
        work.contender(
            "migplan copy",
            "migplan copy --jobs 2: the same, and tables are analyzed",
            [copy],
            clear=bundle,
        ),
        *work.peers(),
        *([limit] if isinstance(size, str) else []),
    )


class _Limit:
    """The servers' own way through files, two tables at a time."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._place = work.folder / "files"
        self._place.mkdir()
        self._place.chmod(0o777)  # the server writes there, perhaps as another user
        for parent in work.folder.parents:
            if parent == Path(work.folder.anchor) or parent.stat().st_mode & 0o1:
                continue
            parent.chmod(parent.stat().st_mode | 0o1)
        work.folder.chmod(0o755)

    def run(self, laps: Laps) -> None:
        """Copy everything once, timed."""
        self._work.renew()
        definitions = str(self._work.folder / "definitions")
        restore = [self._work.program("pg_restore"), "-d", self._work.target]
        dump = [self._work.program("pg_dump"), "-Fc", "-s", "-f", definitions, "-d", self._work.url]
        with laps.lap(LIMIT):
            subprocess.run(dump, check=True)
            subprocess.run([*restore, "--section=pre-data", definitions], check=True)
            self._rows()
            subprocess.run([*restore, "-j2", "--section=post-data", definitions], check=True)

    def _rows(self) -> None:
        with connect(address.parse(self._work.url)) as session:
            found = session.execute(
                "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = "
                "'public'::regnamespace ORDER BY pg_relation_size(oid) DESC"
            ).fetchall()
        left = [name for (name,) in reversed(found)]
        failed: list[BaseException] = []

        def work() -> None:
            try:
                self._some(left)
            except BaseException as error:
                failed.append(error)

        threads = [threading.Thread(target=work) for _ in range(2)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        if failed:
            raise failed[0]

    def _some(self, left: list[str]) -> None:
        """Take tables, the largest first, until none is left."""
        with (
            connect(address.parse(self._work.url)) as source,
            connect(address.parse(self._work.server.conninfo(TARGET))) as target,
        ):
            while left:
                name = left.pop()
                file = f"{self._place}/{name}"
                source.execute(f"COPY {name} TO '{file}' (FORMAT binary)".encode())
                load = f"TRUNCATE {name}; COPY {name} FROM '{file}' (FORMAT binary, FREEZE)"
                target.execute(load.encode())
                target.commit()
