"""Whatever happens to a run: the same command ends in a target that is the source."""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import generators, sql

from migplan.bundle.sealed import Sealed, unseal
from migplan.errors import LockedError, StepError
from migplan.postgres.address import Address
from migplan.postgres.server import ThrowawayServer
from migplan.run import events, execute, journal, lock, session
from migplan.run.events import Event
from tests.run.running import (
    LAYOUTS,
    SLOW,
    applied,
    assert_all_done,
    assert_copied,
    bundle_of,
    command,
    dying,
    empty,
    in_a_process,
    nap,
    napping,
    the_run,
    until,
    ways,
)
from tests.servers import Server

# No primary keys where rows could come twice; keys, an index, levels, a trigger, a sequence, and what fails
# if it is done twice.
SCRIPT = """
CREATE TABLE hotels (id serial PRIMARY KEY, name text);
CREATE TABLE rooms (id int PRIMARY KEY, hotel int NOT NULL REFERENCES hotels, twin int REFERENCES rooms);
CREATE TABLE log (at int, said text);
CREATE TABLE nights (room int REFERENCES rooms, night date) PARTITION BY RANGE (night);
CREATE TABLE nights_1 PARTITION OF nights FOR VALUES FROM ('2025-01-01') TO ('2025-02-01');
CREATE TABLE nights_2 PARTITION OF nights DEFAULT;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN INSERT INTO public.log VALUES (0, 'fired'); RETURN NULL; END$$;
INSERT INTO hotels (name) SELECT 'hotel ' || n FROM generate_series(1, 50) n;
INSERT INTO rooms SELECT n, 1 + n % 50, CASE WHEN n % 4 = 0 THEN n - 1 END FROM generate_series(1, 500) n;
INSERT INTO log SELECT n, repeat('x', 40) FROM generate_series(1, 3000) n;
INSERT INTO nights SELECT 1 + n % 500, date '2025-01-01' + n % 60 FROM generate_series(1, 800) n;
CREATE TRIGGER rooms_note AFTER INSERT ON rooms FOR EACH ROW EXECUTE FUNCTION note();
CREATE INDEX log_at ON log (at);
CREATE INDEX nights_room ON nights (room);
CREATE VIEW full_hotels AS SELECT h.name, count(*) FROM hotels h JOIN rooms r ON r.hotel = h.id GROUP BY 1;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) FROM rooms;
"""


@pytest.fixture(scope="module")
def source(newest: Server) -> Iterator[str]:
    name = newest.create_database(SCRIPT)
    yield name
    newest.drop_database(name)


@pytest.fixture
def target(newest: Server) -> Iterator[str]:
    with empty(newest) as name:
        yield name


def bundle(server: Server, source: str, layout: str = "after-data") -> Sealed:
    return unseal(bundle_of(server, source, "--constraints", layout))


# --- the client is killed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("at", [events.Began, events.Finished])
def test_killed_at_every_boundary(
    newest: Server, source: str, target: str, layout: str, jobs: int, at: type[Event]
) -> None:
    sealed, where = bundle(newest, source, layout), newest.address(target)
    killed = 0
    while True:
        # Each process gets some step further than the one before, and no further.
        seen, last = count_of(at), 1 if at is events.Finished else 1 + jobs
        if not dying(sealed, where, ways(jobs), lambda e, seen=seen, last=last: seen(e) >= last):
            break
        killed += 1
        assert the_run(where).run.state == "running"
    assert killed >= len(the_run(where).entries) / (2 * jobs)
    assert_all_done(where)
    assert_copied(newest, target, source, layout=layout)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_killed_inside_of_rows(
    newest: Server, source: str, target: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BLOCK", 2000)
    sealed, where = bundle(newest, source, layout), newest.address(target)
    for blocks in (1, 2, 5, 9, 30, 31):
        seen = count_of(events.Moved)
        assert dying(sealed, where, ways(2), lambda event, seen=seen, blocks=blocks: seen(event) == blocks)
    applied(sealed, where, ways(2))
    assert_all_done(where)
    assert_copied(newest, target, source, layout=layout)


def test_killed_between_a_commit_and_its_answer(newest: Server, source: str, target: str) -> None:
    sealed, where = bundle(newest, source), newest.address(target)
    ambiguous = 0
    while in_a_process(lambda: without_answers(sealed, where)):
        ambiguous += 1
    assert ambiguous == len(the_run(where).entries)
    assert_all_done(where)
    assert_copied(newest, target, source)


def without_answers(sealed: Sealed, where: Address) -> None:
    """Run in this process, which dies when the first commit is on its way; the server reads on without it."""
    finish, committing = journal.finish, []

    def marked(*words: int) -> sql.Composed:
        committing.append(words)
        return finish(*words)

    class Deaf:
        @staticmethod
        def execute(pgconn: psycopg.pq.abc.PGconn) -> object:
            if committing:
                while pgconn.flush():
                    pass
                os.kill(os.getpid(), signal.SIGKILL)
            return generators.execute(pgconn)

    journal.finish, session.generators = marked, Deaf  # nobody else lives in this process
    applied(sealed, where)


def test_the_next_waits_for_what_a_dead_client_left_at_work(
    newest: Server, slow: Sealed, target: str
) -> None:
    where = newest.address(target)
    nap(newest, target, 1)
    assert in_a_process(lambda: in_the_middle(where, lambda: applied(slow, where, ways())))
    nap(newest, target, 0)
    applied(slow, where, ways())
    assert_all_done(where)


def test_a_client_that_died_and_a_statement_that_goes_on(
    newest: Server, slow: Sealed, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on servers that cannot see that their client is gone.
    monkeypatch.setattr(session, "_can_watch", lambda connection: False)
    monkeypatch.setattr(lock, "_PATIENCE", 0.5)
    where = newest.address(target)
    nap(newest, target, 1)
    assert in_a_process(lambda: in_the_middle(where, lambda: applied(slow, where, ways())))
    with pytest.raises(LockedError, match="whose client is gone, is still at work") as caught:
        applied(slow, where, ways())
    assert re.search(r"process \d+, since \d{4}-", caught.value.what)
    monkeypatch.setattr(lock, "_PATIENCE", 10)
    applied(slow, where, ways())
    assert_all_done(where)


def in_the_middle(where: Address, does: Callable[[], object]) -> None:
    """Do it in a process that dies when the server is busy with it."""
    threading.Thread(target=does, daemon=True).start()
    until(lambda: napping(where), "it never gets there")
    os.kill(os.getpid(), signal.SIGKILL)


# --- the server goes away, and comes back -----------------------------------------------------------------


class Own:
    """A server of this module's, which it may stop; what is committed last is lost in a crash."""

    name = "own"

    def start(self, stack: ExitStack) -> str:
        self.server = stack.enter_context(
            ThrowawayServer(settings={"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"})
        )
        return self.server.conninfo()


@pytest.fixture(scope="module")
def fragile() -> Iterator[Server]:
    with ExitStack() as stack:
        server = Server(Own(), stack)
        assert server.conninfo
        yield server


@pytest.fixture(scope="module")
def fragile_source(fragile: Server) -> str:
    return fragile.create_database(SCRIPT)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("at", [events.Began, events.Finished, events.Moved])
def test_the_run_outlives_the_server(
    fragile: Server, fragile_source: str, at: type[Event], mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BLOCK", 5000)
    sealed = bundle(fragile, fragile_source)
    with empty(fragile) as name:
        seen, guard = count_of(at), threading.Lock()
        told: list[Event] = []

        def outage(event: Event) -> None:
            told.append(event)
            with guard:
                if seen(event) == 4:
                    fragile.origin.server.restart(mode)

        where = fragile.address(name)
        done = applied(sealed, where, ways(2, retries=5), outage)
        assert not done.nothing_to_do
        assert_all_done(where)
        assert_copied(fragile, name, fragile_source)
        if mode == "immediate" and at is events.Finished:
            # What the crash took back was done a second time.
            finished = [event.step.number for event in told if isinstance(event, events.Finished)]
            assert len(finished) > len(set(finished))


def test_a_crash_after_the_last_step(fragile: Server) -> None:
    source = fragile.create_database("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 99)")
    with empty(fragile) as name:
        where, sealed, numbers = fragile.address(name), bundle(fragile, source), []

        def outage(event: Event) -> None:
            if isinstance(event, events.Finished):
                numbers.append(event.step.number)
                if len(numbers) == 2:
                    fragile.origin.server.restart("immediate")

        applied(sealed, where, ways(1), outage)
        assert numbers in ([1, 2, 2], [1, 2, 1, 2])  # nobody was at work any more to see that they are lost
        assert_all_done(where)
        assert_copied(fragile, name, source)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_stays_away(fragile: Server, fragile_source: str, mode: str) -> None:
    sealed, own = bundle(fragile, fragile_source), fragile.origin.server
    with empty(fragile) as name:
        where = fragile.address(name)
        seen = count_of(events.Finished)

        def outage(event: Event) -> None:
            if seen(event) == 6:
                own.halt(mode)

        try:
            with pytest.raises(StepError) as caught:
                applied(sealed, where, ways(2, retries=1), outage)
            assert "no server answers there" in caught.value.what
        finally:
            own.resume()
        assert the_run(where).run.state == "running"  # nobody could write that it has failed
        applied(sealed, where, ways(2))
        assert_all_done(where)
        assert_copied(fragile, name, fragile_source)


# --- connections are cut ----------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["a worker's", "the lock's", "everybody's"])
@pytest.mark.parametrize("at", [events.Began, events.Moved])
def test_connections_that_are_cut(
    newest: Server, source: str, target: str, whose: str, at: type[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "BLOCK", 5000)
    monkeypatch.setattr(execute, "_FIRST_WAIT", 0.1)
    where = newest.address(target)
    seen, guard, cut = count_of(at), threading.Lock(), []

    def told(event: Event) -> None:
        with guard:
            if seen(event) in {3, 7}:
                cut.append(terminated(newest, target, whose))

    applied(bundle(newest, source), where, ways(2, retries=3), told)
    assert len(cut) == 2
    assert cut[0]
    assert_all_done(where)
    assert_copied(newest, target, source)


def terminated(server: Server, target: str, whose: str) -> int:
    """Cut the connections of a run; how many."""
    which = {"a worker's": "= 'ShareLock' LIMIT 1", "the lock's": "= 'ExclusiveLock'", "everybody's": "<> ''"}
    query = (
        "SELECT count(pg_terminate_backend(pid, 2000)) FROM (SELECT DISTINCT pid FROM pg_locks"
        " JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND granted AND datname = %s AND mode "
    )
    with server.connect() as connection:
        return connection.execute(f"{query} {which[whose]}) found", [target]).fetchone()[0]


def test_cut_and_nobody_tries_again(newest: Server, source: str, target: str) -> None:
    where = newest.address(target)
    seen = count_of(events.Began)

    def told(event: Event) -> None:
        if seen(event) == 5:
            terminated(newest, target, "a worker's")

    with pytest.raises(StepError, match=r"administrator command|closed the connection") as caught:
        applied(bundle(newest, source), where, ways(), told)
    found = the_run(where)
    assert found.run.state == "failed"
    assert [entry.name for entry in found.failed] == [caught.value.step]
    applied(bundle(newest, source), where)
    assert_all_done(where)
    assert_copied(newest, target, source)


# --- others are in the way --------------------------------------------------------------------------------


@pytest.fixture
def blocked(newest: Server, source: str, target: str) -> Iterator[psycopg.Connection]:
    """A target half-way, and somebody who holds a lock there."""
    assert dying(
        bundle(newest, source), newest.address(target), ways(), lambda e: isinstance(e, events.Moved)
    )
    with psycopg.connect(newest.url(target)) as connection:
        connection.execute("LOCK TABLE rooms IN ACCESS EXCLUSIVE MODE")
        yield connection


def test_a_lock_that_is_released(
    newest: Server, source: str, target: str, blocked: psycopg.Connection
) -> None:
    where = newest.address(target)
    told: list[Event] = []

    def release(event: Event) -> None:
        told.append(event)
        if isinstance(event, events.Retrying):
            blocked.rollback()

    applied(bundle(newest, source), where, ways(2, retries=2, lock=0.7), release)
    waited = [
        event for event in told if isinstance(event, events.Noticed) and "waits for a lock" in event.text
    ]
    assert f"process {blocked.info.backend_pid} of " in waited[0].text
    assert any(isinstance(event, events.Retrying) for event in told)
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_a_lock_that_is_not(newest: Server, source: str, target: str, blocked: psycopg.Connection) -> None:
    where = newest.address(target)
    with pytest.raises(StepError, match="lock timeout") as caught:
        applied(bundle(newest, source), where, ways(2, lock=0.7))
    process = blocked.info.backend_pid
    holder = rf"process {process} of \S+ \(idle in transaction since \d{{4}}-.*\) holds the lock"
    assert re.search(holder, caught.value.what)
    (failed,) = the_run(where).failed
    assert f"process {process}" in failed.error
    blocked.rollback()
    applied(bundle(newest, source), where)
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_two_at_once(newest: Server, source: str, target: str) -> None:
    where = newest.address(target)
    half_way, go_on = threading.Event(), threading.Event()
    seen = count_of(events.Began)

    def told(event: Event) -> None:
        if seen(event) == 4:
            half_way.set()
            go_on.wait(20)

    first = threading.Thread(target=lambda: applied(bundle(newest, source), where, ways(), told))
    first.start()
    assert half_way.wait(20)
    with pytest.raises(LockedError, match=r"another run is in progress .* process \d+, since \d{4}-"):
        applied(bundle(newest, source), where)
    go_on.set()
    first.join(20)
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_a_statement_that_takes_too_long(newest: Server, slow: Sealed, target: str) -> None:
    where = newest.address(target)
    nap(newest, target, 5)
    with pytest.raises(StepError, match="statement timeout") as caught:
        applied(slow, where, ways(statement=0.4, retries=3))
    assert "CREATE INDEX" in caught.value.statement
    nap(newest, target, 0)
    applied(slow, where, ways(statement=0.4))
    assert_all_done(where)


# --- there is no room -------------------------------------------------------------------------------------


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """Some megabytes of disk that a server can reach."""
    place = Path(tempfile.mkdtemp())
    place.chmod(0o755)
    words = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(place)]
    if shutil.which("mount") is None or subprocess.run(words, capture_output=True, check=False).returncode:
        place.rmdir()
        pytest.skip("only root can mount a small disk, and not everywhere")
    yield place
    subprocess.run(["umount", str(place)], check=True)
    place.rmdir()


def test_a_disk_that_is_full(fragile: Server, small_disk: Path) -> None:
    data = fragile.origin.server.folder / "data"
    os.chown(small_disk, data.stat().st_uid, data.stat().st_gid)
    source = fragile.create_database(
        "CREATE TABLE heavy (n int, t text); CREATE TABLE heavier (n int, t text);"
        "INSERT INTO heavy SELECT n, md5(n::text) FROM generate_series(1, 30000) n;"
        "INSERT INTO heavier SELECT * FROM heavy UNION ALL SELECT * FROM heavy;"
    )
    name = fragile.create_database()
    with fragile.connect() as connection:
        connection.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
        connection.execute(f"ALTER DATABASE {name} SET TABLESPACE small")
    try:
        where, sealed = fragile.address(name), bundle(fragile, source)
        with pytest.raises(StepError, match="No space left on device") as caught:
            applied(sealed, where, ways(2))
        assert caught.value.sqlstate == "53100"
        subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
        applied(sealed, where, ways(2))
        assert_all_done(where)
        assert_copied(fragile, name, source)
    finally:
        fragile.drop_database(name)
        with fragile.connect() as connection:
            connection.execute("DROP TABLESPACE small")


# --- people stop it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_stopped_by_people(
    newest: Server, slow: Sealed, target: str, number: signal.Signals, jobs: str
) -> None:
    where = newest.address(target)
    nap(newest, target, 20)
    words = ("apply", str(slow.paths.folder), "--target", newest.url(target), "--jobs", jobs)
    running = command(*words)
    until(lambda: napping(where) or running.poll() is not None, "it never gets there")
    running.send_signal(number)
    out, said = running.communicate(timeout=10)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert "stopped; what was going on was rolled back" in said
    assert "-> go on:   migplan apply" in said
    assert "-> go back: migplan rollback" in said
    assert out == ""
    assert the_run(where).run.state == "stopped"
    assert not napping(where)
    nap(newest, target, 0)
    applied(slow, where)
    assert_all_done(where)


@pytest.fixture(scope="module")
def slow(newest: Server) -> Iterator[Sealed]:
    """A bundle with an index that takes as long to build as the target says."""
    name = newest.create_database(SLOW)
    yield bundle(newest, name)
    newest.drop_database(name)


def count_of(kind: type[Event]) -> Callable[[Event], int]:
    """Counts events of a kind; 0 for another one."""
    numbers = itertools.count(1)
    return lambda event: next(numbers) if isinstance(event, kind) else 0
