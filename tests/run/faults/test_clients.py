"""Whatever happens to those who run it: the same command ends in the same target."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg import generators, sql

from migplan.bundle.verified import VerifiedBundle
from migplan.errors import LockedError, StepError
from migplan.postgres.address import Address
from migplan.run.bundle import steps as bundle_steps
from migplan.run.engine import events, journal, lock, worker
from migplan.run.engine.events import Event
from tests.run.faults.breaking import bundle, count_of, reaches
from tests.run.running import (
    LAYOUTS,
    applied,
    assert_all_done,
    assert_copied,
    command,
    dying,
    in_a_process,
    nap,
    napping,
    options,
    the_run,
    until,
)
from tests.servers import Server

pytestmark = pytest.mark.slow

# --- the client is killed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("at", [events.Began, events.Finished])
def test_killed_at_every_boundary(
    newest: Server, source: str, target: str, layout: str, jobs: int, at: type[Event]
) -> None:
    verified, where = bundle(newest, source, layout), newest.address(target)
    killed = 0
    while True:
        # Each process gets some step further than the one before, and no further.
        seen, last = count_of(at), 1 if at is events.Finished else 1 + jobs
        if not dying(verified, where, options(jobs), reaches(seen, last)):
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
    monkeypatch.setattr(worker, "BLOCK", 2000)
    monkeypatch.setattr(bundle_steps, "SHARED_BLOCKS", 1)
    verified, where = bundle(newest, source, layout), newest.address(target)
    for blocks in (1, 2, 5, 9, 30, 31):
        assert dying(verified, where, options(2), reaches(count_of(events.Moved), blocks))
    applied(verified, where, options(2))
    assert_all_done(where)
    assert_copied(newest, target, source, layout=layout)


def test_killed_between_a_commit_and_its_answer(newest: Server, source: str, target: str) -> None:
    verified, where = bundle(newest, source), newest.address(target)
    ambiguous = 0
    while in_a_process(lambda: without_answers(verified, where)):
        ambiguous += 1
    assert ambiguous == len(the_run(where).entries)
    assert_all_done(where)
    assert_copied(newest, target, source)


def without_answers(verified: VerifiedBundle, where: Address) -> None:
    """Run in this process, which dies when the first commit is on its way; the server reads on without it."""
    finish = journal.finish
    committing: list[tuple[int, ...]] = []

    def marked(*words: int) -> sql.Composed:
        committing.append(words)
        return finish(*words)

    class Deaf:
        copy_to = staticmethod(generators.copy_to)
        send = staticmethod(generators.send)
        fetch_many = staticmethod(generators.fetch_many)

        @staticmethod
        def execute(pgconn: psycopg.pq.abc.PGconn) -> object:
            if committing:
                while pgconn.flush():
                    pass
                os.kill(os.getpid(), signal.SIGKILL)
            return generators.execute(pgconn)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(journal, "finish", marked)
        patch.setattr(worker, "generators", Deaf)
        applied(verified, where)


def test_the_next_waits_for_what_a_dead_client_left_at_work(
    newest: Server, slow: VerifiedBundle, target: str
) -> None:
    where = newest.address(target)
    nap(newest, target, 1)
    assert in_a_process(lambda: in_the_middle(where, lambda: applied(slow, where, options())))
    nap(newest, target, 0)
    applied(slow, where, options())
    assert_all_done(where)


def test_a_client_that_died_and_a_statement_that_goes_on(
    newest: Server, slow: VerifiedBundle, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As on servers that cannot see that their client is gone.
    monkeypatch.setattr(worker, "_can_watch", lambda connection: False)
    monkeypatch.setattr(lock, "_PATIENCE", 0.5)
    where = newest.address(target)
    nap(newest, target, 1)
    assert in_a_process(lambda: in_the_middle(where, lambda: applied(slow, where, options())))
    with pytest.raises(LockedError, match="whose client is gone, is still at work") as caught:
        applied(slow, where, options())
    assert re.search(r"process \d+, since \d{4}-", caught.value.what)
    monkeypatch.setattr(lock, "_PATIENCE", 10)
    applied(slow, where, options())
    assert_all_done(where)


def in_the_middle(where: Address, does: Callable[[], object]) -> None:
    """Do it in a process that dies when the server is busy with it."""
    threading.Thread(target=does, daemon=True).start()
    until(lambda: napping(where), "it never gets there")
    os.kill(os.getpid(), signal.SIGKILL)


# --- others are in the way --------------------------------------------------------------------------------


@pytest.fixture
def blocked(newest: Server, source: str, target: str) -> Iterator[psycopg.Connection]:
    """A target half-way, and somebody who holds a lock there."""
    assert dying(
        bundle(newest, source), newest.address(target), options(), lambda e: isinstance(e, events.Moved)
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

    applied(bundle(newest, source), where, options(2, retries=2, lock=0.7), release)
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
        applied(bundle(newest, source), where, options(2, lock=0.7))
    process = blocked.info.backend_pid
    holder = rf"process {process} of \S+ \(idle in transaction since \d{{4}}-.*\) holds the lock"
    assert re.search(holder, caught.value.what)
    (failed,) = the_run(where).failed
    assert failed.error
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

    first = threading.Thread(target=lambda: applied(bundle(newest, source), where, options(), told))
    first.start()
    assert half_way.wait(20)
    with pytest.raises(LockedError, match=r"another run is in progress .* process \d+, since \d{4}-"):
        applied(bundle(newest, source), where)
    go_on.set()
    first.join(20)
    assert_all_done(where)
    assert_copied(newest, target, source)


def test_a_statement_that_takes_too_long(newest: Server, slow: VerifiedBundle, target: str) -> None:
    where = newest.address(target)
    nap(newest, target, 5)
    with pytest.raises(StepError, match="statement timeout") as caught:
        applied(slow, where, options(statement=0.4, retries=3))
    assert "CREATE INDEX" in caught.value.statement
    nap(newest, target, 0)
    applied(slow, where, options(statement=0.4))
    assert_all_done(where)


# --- people stop it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", ["1", "3"])
def test_stopped_by_people(
    newest: Server, slow: VerifiedBundle, target: str, number: signal.Signals, jobs: str
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
    assert "stopped; what was not committed is rolled back" in said
    assert "-> go on:   migplan apply" in said
    assert "-> go back: migplan rollback" in said
    assert out == ""
    assert the_run(where).run.state == "stopped"
    assert not napping(where)
    nap(newest, target, 0)
    applied(slow, where)
    assert_all_done(where)
