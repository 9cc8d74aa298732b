"""``migplan rollback`` as people and scripts run it; and cut off in the middle, as machines do it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from migplan.run.bundle.steps import steps_of
from tests.cli.conftest import Run, nowhere, run
from tests.run.rolling import applied, ask, schema, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

__all__ = ["nowhere", "run"]

Target = tuple[list[str], str]


@pytest.fixture
def target(newest: Server, newest_database: MakeDatabase) -> Target:
    """The demo in a target: the words for the command, and the target's name."""
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address)
    name = address.params["dbname"]
    return [str(bundle.paths.folder), "--target", newest.url(name)], name


def typed(words: list[str], text: str) -> subprocess.CompletedProcess[str]:
    """Run it with a terminal before which somebody types."""
    master, slave = pty.openpty()
    try:
        os.write(master, text.encode())
        command = [sys.executable, "-m", "migplan", "rollback", *words]
        return subprocess.run(command, stdin=slave, capture_output=True, text=True, check=False, timeout=60)
    finally:
        os.close(master)
        os.close(slave)


def test_nobody_is_there_to_be_asked(newest: Server, target: Target, run: Run) -> None:
    words, name = target
    result = run("rollback", *words, exit_code=2)
    assert "--yes rolls it back without asking" in result.stderr
    assert "Lost: 7,012 rows, 7,012 of them brought by the run" in result.stdout
    assert ask(newest, name, "SELECT count(*) FROM migplan.run") == [(1,)]


def test_a_dry_run_shows_everything_and_changes_nothing(newest: Server, target: Target, run: Run) -> None:
    words, name = target
    before = schema(newest, name)
    result = run("rollback", *words, "--dry-run")
    assert "42 table" in result.stdout
    assert "Nothing was changed." in result.stdout
    assert schema(newest, name) == before
    assert ask(newest, name, "SELECT kind, state FROM migplan.run") == [("apply", "done")]


def test_whole_or_not_at_all_by_word(newest: Server, target: Target, run: Run) -> None:
    words, name = target
    assert typed(words, "n\n").returncode == 130
    with newest.connect(dbname=name) as connection:
        connection.execute("UPDATE guest_reservations SET id = id")
    assert typed(words, "y\n").returncode == 130  # rows were changed since: it wants the name
    assert ask(newest, name, "SELECT count(*) FROM migplan.run") == [(1,)]
    done = typed(words, f"{name}\n")
    assert done.returncode == 0, done.stderr
    assert "before, or since" in done.stdout
    assert "is rolled back: 12 steps" in done.stdout
    assert "there is no run to roll back" in run("rollback", *words, "--yes").stdout
    assert "rollback of run 1" in run("status", *words[1:]).stdout
    assert "is dropped" in run("rollback", *words, "--yes", "--drop-journal").stdout


def test_a_part_says_what_stays_and_how_to_go_on(target: Target, run: Run) -> None:
    words, _ = target
    said = run("rollback", *words, "--to", "13", "--yes").stdout
    assert "Stays: 01-schema-foundation.sql" in said
    assert "Do it again with: migplan apply" in said
    assert "no file 77" in run("rollback", *words, "--to", "77", "--yes", exit_code=2).stderr
    assert "--also-changed goes with" in run("rollback", *words, "--also-changed", exit_code=2).stderr


@pytest.mark.parametrize("how", ["killed", "cut"])
def test_cut_off_in_the_middle(
    newest: Server, target: Target, run: Run, how: str, newest_database: MakeDatabase
) -> None:
    words, name = target
    with newest.connect(dbname=name) as other:
        other.execute("BEGIN; LOCK TABLE guest_reservations IN ACCESS SHARE MODE")
        command = [sys.executable, "-m", "migplan", "rollback", *words, "--yes"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as going:
            waiting = _waiting(newest, name)
            if how == "killed":
                going.kill()
            else:
                ask(newest, name, f"SELECT pg_terminate_backend({waiting})")
            other.execute("ROLLBACK")
            code = going.wait(60)
    if how == "killed":
        assert code == -9
        assert "interrupted while undoing" in run("status", *words[1:], exit_code=1).stdout
        assert "that were left" in run("rollback", *words, "--yes").stdout
    else:
        assert code == 0  # that step was tried again
    empty = newest_database("")
    assert schema(newest, name) == schema(newest, empty.params["dbname"])


def _waiting(server: Server, name: str) -> int:
    """The process that waits for our lock."""
    query = f"SELECT pid FROM pg_stat_activity WHERE datname = '{name}' AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + 30
    while not (found := ask(server, "postgres", query)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return int(found[0][0])


def test_a_run_is_ended_by_hand_and_what_is_in_the_way_is_said(
    newest: Server, run: Run, newest_database: MakeDatabase
) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=4)
    words = [str(bundle.paths.folder), "--target", newest.url(address.params["dbname"])]
    assert "nobody is there" in run("rollback", "--abandon", *words[1:], exit_code=2).stderr
    said = run("rollback", "--abandon", *words[1:], "--yes").stdout
    assert "Nobody can go on with it, nor roll it back" in said
    assert "is abandoned" in said
    assert "cannot be applied to" in run("apply", *words, exit_code=2).stderr
    status = run("status", *words[1:]).stdout
    steps = len(steps_of(bundle))
    assert f"abandoned; 3 of {steps} steps" in status
    assert f"stays: 3 of {steps} steps" in status
    assert "no run that has come to no end" in run("rollback", "--abandon", *words[1:], "--yes").stdout


def test_a_run_of_which_nothing_was_done(newest: Server, run: Run, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=1)
    said = run("rollback", "--target", newest.url(address.params["dbname"]), "--yes").stdout
    assert "is rolled back: nothing of it was done" in said
