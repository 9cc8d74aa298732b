"""Tables that a run has filled are analyzed when it is done; what is in the way of that does not stop it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.bundle.verified import load_verified
from migplan.postgres.address import parse
from migplan.run.bundle.apply import ApplyOptions, apply
from migplan.run.bundle.statistics import analyzed
from migplan.run.engine.events import Event, Warned
from migplan.run.engine.status import status_of
from tests.export.conftest import PASSWORD, role
from tests.export.loading import export
from tests.run.rolling import ask
from tests.run.running import options
from tests.servers import Server

__all__ = ["role"]

TABLES = """
CREATE TABLE "large; one" (n int, m int);
INSERT INTO "large; one" SELECT n, n % 7 FROM generate_series(1, 5000) n;
CREATE TABLE small (n int PRIMARY KEY);
INSERT INTO small VALUES (1), (2);
CREATE TABLE parts (n int) PARTITION BY RANGE (n);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts SELECT n % 10 FROM generate_series(1, 100) n;
CREATE FUNCTION odd(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
    $$BEGIN IF current_setting('test.odd', true) = 'fails' AND current_query() ~ '^ANALYZE' THEN
        RAISE 'it is odd'; END IF; RETURN n; END$$;
CREATE TABLE by_function (n int);
CREATE INDEX ON by_function (odd(n));
INSERT INTO by_function VALUES (1), (2);
"""
KNOWN = """
    SELECT DISTINCT tablename::text FROM pg_stats
    WHERE schemaname = 'public' AND tablename !~ 'idx' ORDER BY 1
"""
ALL = ["by_function", "large; one", "part_1", "parts", "small"]


@pytest.fixture(scope="module")
def bundle(newest: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = newest.create_database()
    with newest.connect(dbname=source) as connection:
        connection.execute(TABLES)
    folder = tmp_path_factory.mktemp("analyzed") / "bundle"
    export(newest.url(source), folder, "--without-digests")
    return folder


@pytest.mark.parametrize("jobs", [1, 3])
def test_what_was_filled_is_analyzed(newest: Server, bundle: Path, jobs: int) -> None:
    target = newest.create_database()
    told: list[Event] = []
    found = apply(load_verified(bundle), parse(newest.url(target)), ApplyOptions(options(jobs)), told.append)
    assert [name for (name,) in ask(newest, target, KNOWN)] == ALL
    said = [note for note in found.run.notes if "analyzed" in note]
    assert said[0].startswith("4 tables were analyzed in ")
    assert said[0] in status_of(parse(newest.url(target))).runs[-1].run.notes
    assert not [each for each in told if isinstance(each, Warned)]


def test_not_where_nobody_wants_it(newest: Server, bundle: Path) -> None:
    target = newest.create_database()
    apply(load_verified(bundle), parse(newest.url(target)), ApplyOptions(options(), analyzes=False))
    assert ask(newest, target, KNOWN) == []


def test_what_fails_is_said_and_the_others_are_analyzed(newest: Server, bundle: Path) -> None:
    target = newest.create_database()
    with newest.connect(dbname=target) as connection:
        connection.execute(f"ALTER DATABASE {target} SET test.odd = 'fails'".encode())
    told: list[Event] = []
    found = apply(load_verified(bundle), parse(newest.url(target)), ApplyOptions(options()), told.append)
    assert found.run.state == "done"
    assert [name for (name,) in ask(newest, target, KNOWN)] == [name for name in ALL if name != "by_function"]
    (warned,) = [each.text for each in told if isinstance(each, Warned)]
    assert warned == "not each of 4 tables was analyzed: public.by_function: it is odd"


def test_a_role_that_may_not_is_told_so(newest: Server, role: Callable[..., str], bundle: Path) -> None:
    """The server passes over tables of somebody else, and warns."""
    target = newest.create_database()
    apply(load_verified(bundle), parse(newest.url(target)), ApplyOptions(options(), analyzes=False))
    role(newest, "stranger")
    told: list[str] = []
    where = newest.address(target, user="stranger", password=PASSWORD)
    said = analyzed(load_verified(bundle).manifest, where, 2, told.append)
    assert told == [said]
    assert said.startswith('not each of 4 tables was analyzed: permission denied to analyze "')
    assert said.endswith("; and 4 more")
    assert ask(newest, target, KNOWN) == []


def test_people_stop_it(newest: Server, bundle: Path) -> None:
    """It ends at once, also where it waits for somebody."""
    target = newest.create_database()
    verified = load_verified(bundle)
    apply(verified, parse(newest.url(target)), ApplyOptions(options(), analyzes=False))
    with newest.connect(dbname=target) as other:
        other.execute("BEGIN; LOCK TABLE small, by_function IN ACCESS EXCLUSIVE MODE")
        started = time.monotonic()
        threading.Timer(1, lambda: signal.raise_signal(signal.SIGINT)).start()
        with pytest.raises(KeyboardInterrupt):
            analyzed(verified.manifest, parse(newest.url(target)), 2, lambda _: None)
        assert time.monotonic() - started < 8
