"""Whatever happens to the server, or on the way to it: the same command ends in the same target."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from migplan.errors import DatabaseError, StepError
from migplan.run.engine import events, execution, worker
from migplan.run.engine.events import Event
from tests.run.faults.breaking import SCRIPT, bundle, count_of
from tests.run.running import (
    applied,
    assert_all_done,
    assert_copied,
    assert_same,
    contents,
    empty,
    options,
    remembered,
    the_run,
)
from tests.servers import Own, Server, own_of, own_server

pytestmark = pytest.mark.slow

# --- the server goes away, and comes back -----------------------------------------------------------------


@pytest.fixture(scope="module")
def fragile() -> Iterator[Server]:
    """A server that may be stopped; what is committed last is lost in a crash."""
    late = {"wal_writer_delay": "10s", "wal_writer_flush_after": "1GB"}
    with own_server(Own("own", late)) as server:
        yield server


@pytest.fixture(scope="module")
def fragile_source(fragile: Server) -> str:
    return fragile.create_database(SCRIPT)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("at", [events.Began, events.Finished, events.Moved])
def test_the_run_outlives_the_server(
    fragile: Server,
    fragile_source: str,
    at: type[Event],
    mode: Literal["fast", "immediate"],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker, "BLOCK", 5000)
    verified = bundle(fragile, fragile_source)
    with empty(fragile) as name:
        seen, guard = count_of(at), threading.Lock()
        told: list[Event] = []

        def outage(event: Event) -> None:
            told.append(event)
            with guard:
                if seen(event) == 4:
                    own_of(fragile).restart(mode)

        where = fragile.address(name)
        done = applied(verified, where, options(2, retries=5), outage)
        assert not done.nothing_to_do
        assert_all_done(where)
        # A try that failed leaves pages behind, and the next one may fill the last of them first.
        assert_same(contents(fragile, name), remembered(fragile, fragile_source), ordered=False)
        if mode == "immediate" and at is events.Finished:
            # What the crash took back was done a second time.
            finished = [event.step.number for event in told if isinstance(event, events.Finished)]
            assert len(finished) > len(set(finished))


def test_a_crash_after_the_last_step(fragile: Server) -> None:
    source = fragile.create_database("CREATE TABLE t (n int); INSERT INTO t SELECT generate_series(1, 99)")
    with empty(fragile) as name:
        where, verified, numbers = fragile.address(name), bundle(fragile, source), []

        def outage(event: Event) -> None:
            if isinstance(event, events.Finished):
                numbers.append(event.step.number)
                if len(numbers) == 2:
                    own_of(fragile).restart("immediate")

        applied(verified, where, options(1), outage)
        assert numbers in ([1, 2, 2], [1, 2, 1, 2])  # nobody was at work any more to see that they are lost
        assert_all_done(where)
        assert_copied(fragile, name, source)


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_stays_away(
    fragile: Server, fragile_source: str, mode: Literal["fast", "immediate"]
) -> None:
    verified, own = bundle(fragile, fragile_source), own_of(fragile)
    with empty(fragile) as name:
        where = fragile.address(name)
        seen = count_of(events.Finished)

        def outage(event: Event) -> None:
            if seen(event) == 6:
                own.halt(mode)

        try:
            with pytest.raises(StepError) as caught:
                applied(verified, where, options(2, retries=1), outage)
            assert "no server answers there" in caught.value.what
        finally:
            own.resume()
        assert the_run(where).run.state == "running"  # nobody could write that it has failed
        applied(verified, where, options(2))
        assert_all_done(where)
        assert_copied(fragile, name, fragile_source)


# --- connections are cut ----------------------------------------------------------------------------------


@pytest.mark.parametrize("whose", ["a worker's", "the lock's", "everybody's"])
@pytest.mark.parametrize("at", [events.Began, events.Moved])
def test_connections_that_are_cut(
    newest: Server, source: str, target: str, whose: str, at: type[Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "BLOCK", 5000)
    monkeypatch.setattr(execution, "_FIRST_WAIT", 0.1)
    where = newest.address(target)
    seen, guard, cut = count_of(at), threading.Lock(), []

    def told(event: Event) -> None:
        with guard:
            if seen(event) in {3, 7}:
                cut.append(terminated(newest, target, whose))

    applied(bundle(newest, source), where, options(2, retries=3), told)
    assert len(cut) == 2
    assert cut[0]
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_the_lock_s_connection_is_cut_before_the_first_step(
    newest: Server, source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker compares with the journal before it begins, by the session that holds the lock."""
    monkeypatch.setattr(execution, "_FIRST_WAIT", 0.1)
    where, cut = newest.address(target), []

    def told(event: Event) -> None:
        if isinstance(event, events.Planned):
            cut.append(terminated(newest, target, "the lock's"))

    applied(bundle(newest, source), where, options(2, retries=1), told)
    assert cut == [1]
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_a_server_that_goes_while_sessions_are_opened(
    fragile: Server, fragile_source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution, "_FIRST_WAIT", 0.1)
    verified, own = bundle(fragile, fragile_source), own_of(fragile)
    with empty(fragile) as name:
        where, back = fragile.address(name), threading.Timer(0.3, own.resume)

        def told(event: Event) -> None:
            if isinstance(event, events.Planned) and back.ident is None:
                own.halt()
                back.start()

        try:
            applied(verified, where, options(2, retries=9), told)
        finally:
            back.join()
        assert_all_done(where)
        assert_copied(fragile, name, fragile_source)


def test_what_a_step_left_is_said_before_what_others_could_not_begin() -> None:
    opening = DatabaseError("the connection was lost", during="opening a session for the run")
    step = StepError("the connection was lost", left=worker.NOT_KNOWN)
    assert execution._most_telling([opening, step, opening]) is step
    assert execution._most_telling([opening]) is opening


def terminated(server: Server, target: str, whose: str) -> int:
    """Cut the connections of a run; how many."""
    which = {"a worker's": "= 'ShareLock' LIMIT 1", "the lock's": "= 'ExclusiveLock'", "everybody's": "<> ''"}
    query = (
        "SELECT count(pg_terminate_backend(pid, 2000)) FROM (SELECT DISTINCT pid FROM pg_locks"
        " JOIN pg_database d ON d.oid = database"
        " WHERE locktype = 'advisory' AND granted AND datname = %s AND mode "
    )
    with server.connect() as connection:
        ((number,),) = connection.execute(f"{query} {which[whose]}) found", [target]).fetchall()
        return int(number)


def test_cut_and_nobody_tries_again(newest: Server, source: str, target: str) -> None:
    where = newest.address(target)
    seen = count_of(events.Began)

    def told(event: Event) -> None:
        if seen(event) == 5:
            terminated(newest, target, "a worker's")

    with pytest.raises(StepError, match=r"administrator command|closed the connection") as caught:
        applied(bundle(newest, source), where, options(), told)
    found = the_run(where)
    assert found.run.state == "failed"
    assert [entry.name for entry in found.failed] == [caught.value.step]
    applied(bundle(newest, source), where)
    assert_all_done(where)
    assert_copied(newest, target, source)


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
    data = own_of(fragile).folder / "data"
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
        where, verified = fragile.address(name), bundle(fragile, source)
        with pytest.raises(StepError, match="No space left on device") as caught:
            applied(verified, where, options(2))
        assert caught.value.sqlstate == "53100"
        subprocess.run(["mount", "-o", "remount,size=60m", str(small_disk)], check=True)
        applied(verified, where, options(2))
        assert_all_done(where)
        assert_copied(fragile, name, source)
    finally:
        fragile.drop_database(name)
        with fragile.connect() as connection:
            connection.execute("DROP TABLESPACE small")
