"""Whatever happens to a copy from server to server: the same command ends in the same target."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import StepError
from migplan.run.engine import events
from migplan.run.engine.events import Event
from tests.run.faults.breaking import SCRIPT, count_of, reaches
from tests.run.running import (
    LAYOUTS,
    assert_all_done,
    assert_copied,
    assert_same,
    bundle_of,
    command,
    contents,
    empty,
    options,
    the_run,
    until,
)
from tests.run.test_live_bundle import killed_at, live
from tests.servers import Own, Server, connect, own_of, own_server

pytestmark = pytest.mark.slow


def bundle(server: Server, source: str, layout: str = "after-data") -> VerifiedBundle:
    return load_verified(bundle_of(server, source, "--rows", "live", "--constraints", layout))


@pytest.mark.parametrize("jobs", [1, 3])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_client_that_is_killed_at_every_step(
    newest: Server, source: str, target: str, layout: str, jobs: int
) -> None:
    """The moments differ each time, and the rows do not."""
    verified, origin, where = bundle(newest, source, layout), newest.address(source), newest.address(target)
    killed = 0
    while True:
        seen = count_of(events.Finished)  # the values of sequences are asked for again each time
        if not killed_at(verified, origin, where, reaches(seen, 2), options(jobs)):
            break
        killed += 1
        assert the_run(where).run.state == "running"
    assert killed > 1
    assert_all_done(where)
    assert_copied(newest, target, source, layout=layout)


@pytest.fixture(scope="module")
def fragile() -> Iterator[Server]:
    """A server that may be stopped."""
    with own_server(Own("own")) as server:
        yield server


@pytest.mark.parametrize("mode", ["fast", "immediate"])
@pytest.mark.parametrize("at", [events.Began, events.Finished, events.Moved])
def test_a_source_that_goes_away_takes_its_moment_along(
    newest: Server, fragile: Server, target: str, at: type[Event], mode: Literal["fast", "immediate"]
) -> None:
    name = fragile.create_database(SCRIPT)
    verified, origin, where = bundle(fragile, name), fragile.address(name), newest.address(target)
    seen, guard = count_of(at), threading.Lock()

    def outage(event: Event) -> None:
        with guard:
            if seen(event) == (2 if at is events.Began else 1):
                own_of(fragile).restart(mode)

    with pytest.raises(StepError) as caught:
        live(verified, origin, where, options(2, retries=2), outage)
    assert caught.value.of_source
    assert "is lost: every session that kept it has ended" in caught.value.what
    assert the_run(where).run.state == "failed"
    with connect(origin) as other:
        other.execute("UPDATE log SET said = 'changed' WHERE at % 3 = 0; DELETE FROM log WHERE at = 7")
    live(verified, origin, where)
    assert_all_done(where)
    assert_same(contents(newest, target), contents(fragile, name), ordered=False)


@pytest.mark.parametrize("at", [events.Began, events.Finished, events.Moved])
def test_a_copy_outlives_its_target(newest: Server, source: str, fragile: Server, at: type[Event]) -> None:
    verified, origin = bundle(newest, source), newest.address(source)
    with empty(fragile) as name:
        seen, guard = count_of(at), threading.Lock()

        def outage(event: Event) -> None:
            with guard:
                if seen(event) == 3:
                    own_of(fragile).restart("immediate")

        where = fragile.address(name)
        live(verified, origin, where, options(2, retries=5), outage)
        assert_all_done(where)
        assert_same(contents(fragile, name), contents(newest, source), ordered=False)


@pytest.mark.parametrize("changes", [False, True])
def test_rows_are_compared_only_where_somebody_wrote(
    newest: Server, fragile: Server, target: str, changes: bool
) -> None:
    name = fragile.create_database(SCRIPT)
    verified, origin, where = bundle(fragile, name), fragile.address(name), newest.address(target)

    def died(event: Event) -> bool:
        return isinstance(event, events.Finished) and event.rows > 0

    assert killed_at(verified, origin, where, died)
    if changes:
        with connect(origin) as other:
            other.execute("UPDATE log SET said = 'changed' WHERE at = 1")
    told: list[Event] = []
    live(verified, origin, where, options(2), told.append)
    said = [event.text for event in told if isinstance(event, events.Warned)]
    assert any(text.startswith("the moment of the source is another one") for text in said) == changes
    assert_all_done(where)
    assert_same(contents(newest, target), contents(fragile, name), ordered=False)


LARGE = """
CREATE TABLE large (n int PRIMARY KEY, said text);
INSERT INTO large SELECT n, repeat('x', 300) FROM generate_series(1, 200000) n;
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_people_stop_it(newest: Server, target: str, tmp_path: Path, number: signal.Signals) -> None:
    name = newest.create_database(LARGE)
    out = str(tmp_path / "bundle")
    words = ("--source", newest.url(name), "--target", newest.url(target), "--out", out, "--no-plan")
    process = command("copy", *words)
    where = newest.address(target)
    with connect(where) as other:
        copying = "SELECT FROM pg_stat_activity WHERE query LIKE 'COPY public.large%' AND state = 'active'"
        until(lambda: other.execute(copying).rowcount, "rows are on their way")
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "stopped; what was not committed is rolled back" in said
    assert "-> go on:   migplan copy --source" in said
    assert f"--out {out}" in said
    with connect(newest.address(name)) as other:  # nobody holds the snapshot any more
        others = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        until(lambda: not other.execute(others).rowcount, "all sessions of the source have ended")
    again = command("copy", *words)
    shown, said = again.communicate(timeout=60)
    assert again.returncode == 0, said
    assert "which was begun" in shown
    sums = []
    for each in (target, name):  # its parts come in any order
        with newest.connect(dbname=each) as other:
            sums.append(other.execute("SELECT count(*), sum(hashtext(l::text)) FROM large l").fetchall())
    assert sums[0] == sums[1]
    newest.drop_database(name)
