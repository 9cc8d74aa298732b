"""A live bundle from its source to a target: the same database comes out, whoever dies on the way."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migplan.bundle.data import large_objects
from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import RefusedError
from migplan.pipeline.apply import LiveRowsFrom, apply_bundle
from migplan.postgres.address import Address
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.bundle.kept import LocalBundle
from migplan.run.bundle.steps import steps_of
from migplan.run.engine.events import Began, Event, Finished, Moved, OnEvent, ignore
from migplan.run.engine.options import RunOptions
from migplan.run.engine.status import status_of
from migplan.run.engine.target import RunResult
from migplan.run.undo.rollback import RollbackOptions, rollback
from tests.databases import DATABASES
from tests.export import rich
from tests.run.running import (
    LAYOUTS,
    assert_all_done,
    assert_copied,
    assert_same,
    bundle_of,
    contents,
    empty,
    export,
    in_a_process,
    options,
    the_run,
)
from tests.servers import Server, connect


def live(
    bundle: Path | VerifiedBundle,
    source: Address,
    target: Address,
    how: RunOptions | None = None,
    told: OnEvent = ignore,
) -> RunResult:
    """Run a live bundle in this process."""
    verified = load_verified(bundle) if isinstance(bundle, Path) else bundle
    return apply_bundle(verified, target, ApplyOptions(how or options(2)), told, LiveRowsFrom(source))


@pytest.mark.slow
@pytest.mark.in_turn
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["rich", "nasty"])
def test_the_same_database_comes_out(server: Server, name: str, layout: str) -> None:
    source = DATABASES[name](server)
    bundle = bundle_of(server, source, "--rows", "live", "--constraints", layout)
    with empty(server) as target:
        live(bundle, server.address(source), server.address(target), options(3))
        assert_all_done(server.address(target))
        assert_copied(server, target, source, layout=layout)


SHOP = """
CREATE TABLE guests (id int PRIMARY KEY, name text);
CREATE TABLE bookings (id int PRIMARY KEY, guest int REFERENCES guests, said text UNIQUE);
CREATE TABLE notes (id serial PRIMARY KEY, text text);
INSERT INTO guests SELECT n, 'guest ' || n FROM generate_series(1, 500) n;
INSERT INTO bookings
    SELECT n, 1 + n % 500, 'booking ' || n || repeat('.', 100) FROM generate_series(1, 20000) n;
INSERT INTO notes (text) SELECT 'note ' || n FROM generate_series(1, 300) n;
"""
CHANGES = """
DELETE FROM bookings WHERE id % 7 = 0;
UPDATE bookings SET said = 'changed ' || id WHERE id % 5 = 0;
UPDATE guests SET name = 'somebody' WHERE id = 17;
INSERT INTO notes (text) VALUES ('late');
"""


@contextmanager
def shop(server: Server, place: Path, *words: str) -> Iterator[tuple[Address, VerifiedBundle]]:
    """A source of its own, and its live bundle."""
    name = server.create_database(SHOP)
    try:
        with contextlib.chdir(place):
            export(server.url(name), place / "bundle", "--rows", "live", *words)
        yield server.address(name), load_verified(place / "bundle")
    finally:
        server.drop_database(name)


def killed_at(
    bundle: VerifiedBundle,
    source: Address,
    target: Address,
    dies: Callable[[Event], bool],
    how: RunOptions | None = None,
) -> bool:
    """Run it in a process that kills itself at the event of which ``dies`` is true; whether it did."""

    def told(event: Event) -> None:
        if dies(event):
            os.kill(os.getpid(), signal.SIGKILL)

    return in_a_process(lambda: live(bundle, source, target, how or options(), told))


def nth(kind: type[Event], number: int) -> Callable[[Event], bool]:
    """True of the nth event of a kind."""
    seen = 0

    def is_it(event: Event) -> bool:
        nonlocal seen
        seen += isinstance(event, kind)
        return isinstance(event, kind) and seen == number

    return is_it


def done_in(phase: str) -> Callable[[Event], bool]:
    """True of the first step of a phase that is done."""
    return lambda event: isinstance(event, Finished) and event.step.phase == phase


def assert_is_copy(server: Server, target: Address, source: Address) -> None:
    names = target.params["dbname"], source.params["dbname"]
    found, expected = (contents(server, name) for name in names)
    assert_same(found, expected, ordered=False)


@pytest.mark.parametrize("place", [(Finished, 2), (Finished, 3), (Finished, 4), (Moved, 1), (Moved, 3)])
def test_a_killed_client_goes_on_with_another_moment(
    newest: Server, tmp_path: Path, place: tuple[type[Event], int]
) -> None:
    with shop(newest, tmp_path) as (source, bundle), empty(newest) as name:
        target = newest.address(name)
        assert killed_at(bundle, source, target, nth(*place))
        with connect(source) as other:
            other.execute(CHANGES)
        live(bundle, source, target)
        assert_all_done(target)
        assert_is_copy(newest, target, source)


def test_what_keys_hang_on_is_not_taken_away(newest: Server, tmp_path: Path) -> None:
    def died(event: Event) -> bool:
        return isinstance(event, Finished) and "FOREIGN KEY" in event.step.name

    with shop(newest, tmp_path) as (source, bundle), empty(newest) as name:
        target = newest.address(name)
        assert killed_at(bundle, source, target, died)
        with connect(source) as other:
            other.execute(CHANGES)
        with pytest.raises(RefusedError, match="already: key bookings_guest_fkey") as refused:
            live(bundle, source, target)
        file = refused.value.do.partition(" --to ")[2]
        assert file.startswith("10-data")
        rollback(LocalBundle.of(bundle), target, RollbackOptions(to=file))
        live(bundle, source, target)
        assert {entry.state for entry in status_of(target).runs[0].entries} == {"done"}
        assert_is_copy(newest, target, source)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_client_that_is_killed_again_and_again(newest: Server, layout: str) -> None:
    """Also where rows come in two passes, and keys are created behind rows.

    The event trigger of the target logs what our steps define there. When a step is rolled back, its lines
    in the log are gone, and their numbers are not given back. Nobody can tell these numbers from such as
    somebody else drew and has not written yet, and giving one out twice would be worse than a gap: the
    sequence stays where it is.
    """
    name = rich.database(newest)
    bundle = load_verified(bundle_of(newest, name, "--rows", "live", "--constraints", layout))
    with empty(newest) as target:
        killed = 0
        while killed_at(bundle, newest.address(name), newest.address(target), nth(Finished, 4), options(2)):
            killed += 1
        assert killed > 2
        assert_all_done(newest.address(target))
        assert_copied(newest, target, name, layout=layout, used="app.log_id_seq")


def test_numbers_that_somebody_drew_meanwhile_are_not_given_out_again(newest: Server, tmp_path: Path) -> None:
    with shop(newest, tmp_path) as (source, bundle), empty(newest) as name:
        target = newest.address(name)
        assert killed_at(bundle, source, target, done_in("constraints"))
        with connect(target) as other:
            drawn = other.execute("SELECT setval('notes_id_seq', 1300)").fetchall()
        live(bundle, source, target)
        assert_all_done(target)
        with connect(target) as other:
            assert other.execute("SELECT last_value FROM notes_id_seq").fetchall() == drawn


def test_rows_that_changed_twice_come_again_behind_their_indexes(newest: Server, tmp_path: Path) -> None:
    with shop(newest, tmp_path) as (source, bundle), empty(newest) as name:
        target = newest.address(name)
        assert killed_at(bundle, source, target, done_in("constraints"))
        for change in (CHANGES, "UPDATE bookings SET said = 'again ' || id WHERE id % 3 = 0"):
            with connect(source) as other:
                other.execute(change)
            assert killed_at(bundle, source, target, nth(Began, 1))
        live(bundle, source, target)
        assert_all_done(target)
        assert_is_copy(newest, target, source)


def test_what_did_not_change_is_not_copied_again(newest: Server, tmp_path: Path) -> None:
    with shop(newest, tmp_path) as (source, bundle), empty(newest) as name:
        target = newest.address(name)
        assert killed_at(bundle, source, target, done_in("data"))
        before = {entry.step: entry.transaction for entry in the_run(target).entries if entry.rows}
        with connect(source) as other:
            other.execute("CREATE TABLE other (n int)")
        live(bundle, source, target)
        after = {entry.step: entry.transaction for entry in the_run(target).entries}
        assert before
        assert {step: after[step] for step in before} == before
        assert any("0 had other rows" in note for note in the_run(target).run.notes)
        assert_all_done(target)


LARGE_OBJECTS = """
CREATE TABLE docs (id int PRIMARY KEY, body oid);
SELECT lo_from_bytea(700001, '\\x00ff'), lo_create(700002);
SELECT lo_from_bytea(700003, decode(repeat('deadbeef', 300000), 'hex'));
INSERT INTO docs VALUES (1, 700001), (2, 700003);
"""
BYTES = "SELECT oid::bigint, md5(lo_get(oid)) FROM pg_largeobject_metadata ORDER BY 1"


def test_large_objects_come_as_they_are_then_and_again_where_they_changed(
    newest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_objects, "STEP_BYTES", 1 << 19)  # the last one comes in parts
    name = newest.create_database(LARGE_OBJECTS)
    source = newest.address(name)
    with contextlib.chdir(tmp_path):
        export(newest.url(name), tmp_path / "bundle", "--rows", "live")
    bundle = load_verified(tmp_path / "bundle")
    parts = [step.number for step in steps_of(bundle) if step.name.startswith("large object 700003, ")]
    assert len(parts) == 3

    def is_half_there(event: Event) -> bool:
        return isinstance(event, Finished) and event.step.number == parts[1]

    with connect(source) as other, empty(newest) as there:  # they have grown since the export
        target = newest.address(there)
        other.execute("SELECT lo_put(700001, 2, 'more'), lo_put(700002, 600000, 'far behind')")
        assert killed_at(bundle, source, target, is_half_there)
        other.execute("SELECT lo_put(700001, 0, 'changed'), lo_put(700003, 0, 'changed')")
        live(bundle, source, target)
        assert_all_done(target)
        with connect(target) as copied:
            assert copied.execute(BYTES).fetchall() == other.execute(BYTES).fetchall()
        other.execute("SELECT lo_create(700004), lo_unlink(700002)")
    with empty(newest) as there, pytest.raises(RefusedError) as refused:
        live(bundle, source, newest.address(there))
    assert "1 new one (700004) and 1 gone (700002)" in refused.value.what
    newest.drop_database(name)
