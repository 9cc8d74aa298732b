"""Bundles to run, exported once; runs of them, also in processes that die; and what came of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.postgres.address import Address, parse
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.engine.events import Event, OnEvent, ignore
from migplan.run.engine.options import Limits, RunOptions
from migplan.run.engine.status import RunStatus, status_of
from migplan.run.engine.target import RunResult
from tests.export.loading import Contents, assert_same, contents, export, remembered
from tests.servers import Server, connect

LAYOUTS = ("after-data", "with-schema")
SLOW = """
CREATE TABLE t (n int);
INSERT INTO t VALUES (1), (2);
CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN PERFORM pg_sleep(coalesce(current_setting('test.nap', true), '0')::float); RETURN $1; END$$;
CREATE INDEX t_slow ON t (slow(n)) WHERE n = 1;
"""
"""A database with an index that takes as long to build as the target says: see nap()."""

_bundles: dict[tuple[str, ...], Path] = {}


def bundle_of(server: Server, name: str, *words: str) -> Path:
    """The bundle of a database that nobody changes, exported once."""
    key = (server.origin.name, name, *words)
    if key not in _bundles:
        place = server.stack.enter_context(tempfile.TemporaryDirectory())
        _bundles[key] = Path(place, "bundle")
        with contextlib.chdir(place):  # where no plan is committed
            digests = () if "live" in words else ("--without-digests",)
            export(server.url(name), _bundles[key], *digests, *words)
    return _bundles[key]


def options(jobs: int = 1, retries: int = 0, lock: float = 60, statement: float = 0) -> RunOptions:
    """How a test wants a run; a failure is a failure, if nothing else is said."""
    return RunOptions(jobs, Limits(lock, statement), retries)


def applied(
    bundle: Path | VerifiedBundle, where: Address | str, how: RunOptions | None = None, told: OnEvent = ignore
) -> RunResult:
    """Run a bundle in this process."""
    verified = load_verified(bundle) if isinstance(bundle, Path) else bundle
    address = parse(where) if isinstance(where, str) else where
    return apply(verified, address, ApplyOptions(how or options(), analyzes=False), told)


@contextmanager
def empty(server: Server) -> Iterator[str]:
    """A database to fill."""
    name = server.create_database()
    try:
        yield name
    finally:
        server.drop_database(name)


def assert_copied(
    server: Server, target: str, source: str, *, layout: str = "after-data", used: str = ""
) -> None:
    """The target is the source: definitions, rows, sequences; that which is ``used`` may be further on."""
    found, expected = contents(server, target), remembered(server, source)
    found = found.but_for_numbers(used, expected) if used else found
    assert_same(found, expected, ordered=layout == "after-data")


def the_run(where: Address) -> RunStatus:
    """The only run of a target."""
    (found,) = status_of(where).runs
    return found


def assert_all_done(where: Address) -> None:
    """One run, that has ended; each step is done, and with the rows that it should have."""
    found = the_run(where)
    assert found.run.state == "done"
    assert {entry.state for entry in found.entries} == {"done"}


def dying(bundle: VerifiedBundle, where: Address, how: RunOptions, dies: Callable[[Event], bool]) -> bool:
    """Run a bundle in a process that kills itself at the event of which ``dies`` is true; whether it did."""

    def told(event: Event) -> None:
        if dies(event):
            os.kill(os.getpid(), signal.SIGKILL)

    return in_a_process(lambda: applied(bundle, where, how, told))


def in_a_process(does: Callable[[], object]) -> bool:
    """Do something in a process of its own; whether that was killed. It may not fail in another way."""
    child = os.fork()
    if not child:
        try:
            does()
        except BaseException as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def command(*words: str, **options: str) -> subprocess.Popen[str]:
    """The command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **options}
    return subprocess.Popen(
        [sys.executable, "-m", "migplan", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


def nap(server: Server, target: str, seconds: float) -> None:
    """How long the index of SLOW takes from now on."""
    with server.connect() as connection:
        connection.execute(f"ALTER DATABASE {target} SET test.nap = '{seconds}'")


def napping(where: Address) -> bool:
    """Whether somebody is at it."""
    with connect(where, autocommit=False) as connection:
        asked = connection.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'"
        )
        return bool(asked.rowcount)


def until(true: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


__all__ = ["Contents", "assert_same", "contents", "export", "remembered"]
