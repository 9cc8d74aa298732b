"""Whole and partial rollbacks of runs that came to any point; all as it was before, and on again."""

from __future__ import annotations

from types import ModuleType

import pytest

from migplan.errors import BundleError, RefusedError
from migplan.run.bundle import chunks
from migplan.run.bundle.steps import steps_of
from migplan.run.engine.status import status_of
from migplan.run.undo.losses import Losses
from tests.catalog import nasty
from tests.export import rich
from tests.export.loading import Contents, assert_same, contents, remembered
from tests.run.rolling import KilledError, applied, ask, lost, schema, stopping, taken_back, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

LAYOUTS = ["after-data", "with-schema"]


@pytest.mark.in_turn
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_whole_run_leaves_nothing(server: Server, layout: str, database: MakeDatabase) -> None:
    bundle = verified(server, server.demo, "--constraints", layout)
    address = database("")
    name = address.params["dbname"]
    before = schema(server, name)
    applied(bundle, address, jobs=4)
    rows = bundle.manifest.rows
    undone = taken_back(bundle, address)
    assert undone.whole
    assert lost(undone).rows == lost(undone).own == rows
    assert schema(server, name) == before
    assert [run.run.state for run in status_of(address).runs] == ["undone", "done"]
    applied(bundle, address)
    assert_same(_without_journal(server, name), remembered(server, server.demo), ordered=False)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_from_every_file_of_the_demo(newest: Server, layout: str, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo, "--constraints", layout)
    address = newest_database("")
    name = address.params["dbname"]
    before = schema(newest, name)
    begins = {step.file: step.number for step in reversed(steps_of(bundle))}.values()
    stops = sorted({*begins, *(step + 1 for step in begins), len(steps_of(bundle))})
    for number, step in enumerate(stops[:: 1 if layout == "after-data" else 2]):
        applied(bundle, address, until=step)
        assert taken_back(bundle, address).whole
        if number % 4 == 0:  # asking pg_dump each time would take most of the test
            assert schema(newest, name) == before, f"stopped before step {step}"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("which", [nasty, rich], ids=["nasty", "rich"])
def test_from_any_statement(
    newest: Server,
    which: ModuleType,
    layout: str,
    newest_database: MakeDatabase,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(chunks, "STATEMENTS", 1)
    bundle = verified(newest, which.database(newest), "--constraints", layout)
    address = newest_database("")
    before = schema(newest, address.params["dbname"])
    steps = len(steps_of(bundle))
    for step in [*range(7, steps, 97), steps]:
        applied(bundle, address, until=step)
        assert taken_back(bundle, address).whole
        assert schema(newest, address.params["dbname"]) == before, f"stopped before step {step}"


def test_a_rollback_goes_on_where_it_was_interrupted(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    before = schema(newest, address.params["dbname"])
    applied(bundle, address)
    for step in range(1, 13):
        with stopping(step, "rollback"), pytest.raises(KilledError):
            taken_back(bundle, address)
        with pytest.raises(BundleError, match=r"rollback .* was begun"):
            applied(bundle, address)
    with pytest.raises(RefusedError, match="was begun as run 2"):
        taken_back(bundle, address, data_only=True)
    assert taken_back(bundle, address).resumed
    assert schema(newest, address.params["dbname"]) == before
    assert taken_back(bundle, address).run is None


def test_a_file_stays_and_what_came_before_it(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    name = address.params["dbname"]
    applied(bundle, address)
    for wanted in ("04-schema-guest", "4", "04"):
        with pytest.raises(KilledError, match=r"^04-schema-guest\.sql stays$"):
            taken_back(bundle, address, to=wanted, agreed=_refuse)
    undone = taken_back(bundle, address, to="04-schema-guest.sql")
    assert undone.run
    assert undone.run.state == "stopped"
    assert lost(undone).stay[-1] == "04-schema-guest.sql"
    assert ask(newest, name, "SELECT count(*) FROM public.guest_reservations") == [(0,)]
    applied(bundle, address, jobs=4)
    assert_same(_without_journal(newest, name), remembered(newest, newest.demo), ordered=False)


def _refuse(losses: Losses) -> None:
    raise KilledError(f"{losses.stay[-1]} stays")


def test_a_file_that_is_not_there_is_refused_with_those_that_are(
    newest: Server, newest_database: MakeDatabase
) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=3)
    with pytest.raises(RefusedError, match=r"no file 99; nothing was changed. Its files:\n  01-schema"):
        taken_back(bundle, address, to="99")


def test_the_journal_goes_only_when_asked(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    applied(bundle, address, until=5)
    with pytest.raises(RefusedError, match="the journal is needed"):
        taken_back(bundle, address, drop_journal=True, data_only=True)
    assert taken_back(bundle, address, drop_journal=True).journal_dropped
    query = "SELECT FROM pg_namespace WHERE nspname = 'migplan'"
    assert ask(newest, address.params["dbname"], query) == []
    applied(bundle, address, until=2)


def test_what_others_made_of_it_stops_the_rollback(newest: Server, newest_database: MakeDatabase) -> None:
    bundle = verified(newest, newest.demo)
    address = newest_database("")
    name = address.params["dbname"]
    applied(bundle, address)
    with newest.connect(dbname=name) as connection:
        connection.execute("CREATE VIEW theirs AS SELECT id FROM guest_reservations")
    with pytest.raises(RefusedError, match=r"view public.theirs depends on table public.guest_reservations"):
        taken_back(bundle, address)
    assert [run.run.kind for run in status_of(address).runs] == ["apply"], "it was seen before it began"
    with newest.connect(dbname=name) as connection:
        connection.execute("DROP VIEW theirs")
    assert taken_back(bundle, address).whole


def _without_journal(server: Server, name: str) -> Contents:
    with server.connect(dbname=name) as connection:
        connection.execute("DROP SCHEMA migplan CASCADE")
    return contents(server, name)
