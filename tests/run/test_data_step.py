"""Data steps: every row once, whatever happens to the process, the connection or a row."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migplan.errors import DatabaseError, LockedError, RefusedError, StepError
from migplan.postgres.address import Address
from migplan.run.data import step as data_step
from migplan.run.data.events import Counts, Opened, Progressed, Rejected, TriedAgain
from migplan.run.data.transform import Pace
from migplan.run.data.write import Writing
from migplan.run.engine.options import Limits
from migplan.run.engine.worker import AlreadyDoneError, StoppedError
from tests.run.running import in_a_process
from tests.run.stepping import COPY, UNITS, Stepping
from tests.servers import connect

pytestmark = pytest.mark.slow

New = Callable[..., Stepping]


@pytest.fixture
def new(newest_database: Callable[[str], Address], tmp_path: Path) -> New:
    """Make a step in a database of its own."""

    def make(text: str = COPY.format(more=""), script: str = UNITS) -> Stepping:
        made = Stepping(newest_database(script), tmp_path / "001_fill.py")
        made.write(text)
        made.begin()
        return made

    return make


# --- all of it, once --------------------------------------------------------------------------------------


def test_every_version(database: Callable[[str], Address], tmp_path: Path) -> None:
    step = Stepping(database(UNITS), tmp_path / "001_fill.py")
    step.write(COPY.format(more=""))
    step.begin()
    summary = step()
    assert summary.counts == Counts(done=25, written=25)
    assert (summary.reasons, summary.went_on, summary.nothing_to_do) == ((), False, False)
    assert step.asked("SELECT count(*), min(title), sum(times) FROM shown") == [(25, "UNIT 1", 25)]
    assert step.checkpoint == (["25"], 25, 0, 0, 25, True)
    opened, *batches = step.events
    assert isinstance(opened, Opened)
    assert opened.before == Counts()
    assert [each.counts.done for each in batches if isinstance(each, Progressed)] == [10, 20, 25]
    assert all(each.rate > 0 for each in batches if isinstance(each, Progressed))
    # Done in the journal, with its rows, in the transaction of the last batch.
    assert step.asked("SELECT state, rows, started_at < finished_at FROM migplan.step") == [
        ("done", 25, True)
    ]
    same = "SELECT DISTINCT s.xmin = j.transaction::xid FROM shown s, migplan.step j WHERE unit > 20"
    assert step.asked(same) == [(True,)]


def test_a_second_run_does_nothing(new: New) -> None:
    step = new()
    step()
    step.asked("UPDATE shown SET title = 'mine'")
    again = step()
    assert again.nothing_to_do
    assert again.counts == Counts(done=25, written=25)
    assert step.asked("SELECT DISTINCT title FROM shown") == [("mine",)]


def test_a_new_run_of_what_was_done_begins_at_the_beginning_and_updates(new: New) -> None:
    step = new(COPY.format(more='conflict=("unit",)'))
    step()
    step.asked("UPDATE shown SET title = 'old', times = 7 WHERE unit < 4; DELETE FROM shown WHERE unit = 9")
    step.begin()
    assert step().counts == Counts(done=25, written=25)
    assert step.asked("SELECT count(*), count(*) FILTER (WHERE times = 7), min(title) FROM shown") == [
        (25, 3, "UNIT 1")
    ]


def test_no_rows_at_all(new: New) -> None:
    step = new(script=UNITS + "DELETE FROM units;")
    assert step().counts == Counts()
    assert (step.state, step.checkpoint) == ("done", (None, 0, 0, 0, 0, True))


def test_keys_of_several_columns_in_the_order_of_the_server(new: New) -> None:
    script = """
    CREATE TYPE kind AS ENUM ('z', 'a');
    CREATE TABLE nights ("Room" text, night date, kind kind, PRIMARY KEY ("Room", night, kind));
    CREATE TABLE seen (at int GENERATED ALWAYS AS IDENTITY, room text, night date, kind kind);
    INSERT INTO nights SELECT 'r''%s {}' || r, date '2025-01-01' + n, k::kind
        FROM generate_series(1, 5) r, generate_series(0, 9) n, unnest('{z,a}'::text[]) k;
    """
    step = new(
        """
        STEP = DataStep(
            read='SELECT *, 100 % 7 AS rest FROM nights -- %s {} ; a comment\\n  ;',
            key=("Room", "night", "kind"), into="public.seen", batch=7,
            transform=lambda row: Row(room=row["Room"], night=row["night"], kind=row["kind"]),
        )
        """,
        script,
    )
    assert step().counts == Counts(done=100, written=100)
    rows = step.asked("SELECT room, night, kind::text FROM seen ORDER BY at")
    assert rows == step.asked('SELECT "Room", night, kind::text FROM nights n ORDER BY "Room", night, n.kind')


def test_one_row_becomes_several_or_none(new: New) -> None:
    step = new(
        """
        def change(row):
            for number in range(row["id"] % 3):
                yield Row(unit=row["id"] * 10 + number, title=row["name"])

        STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=4)
        """
    )
    written = sum(n % 3 for n in range(1, 26))
    assert step().counts == Counts(done=25, written=written)
    assert step.asked("SELECT count(*) FROM shown") == [(written,)]


def test_values_as_the_columns_want_them(new: New) -> None:
    script = """
    CREATE DOMAIN facts AS jsonb;
    CREATE TABLE src (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), price numeric, tags text[]);
    CREATE TABLE "Odd ""Table" (id uuid, data jsonb, "more ""data" facts, tags text[], ids uuid[], n numeric);
    INSERT INTO src (price, tags) VALUES (1.5, '{a,NULL}'), (2, '{}'), (NULL, NULL);
    """
    step = new(
        r"""
        def change(row):
            return Row({"id": row["id"], "data": {"price": row["price"], "id": row["id"]},
                        'more "data': [row["tags"], "text", None], "tags": row["tags"],
                        "ids": [str(row["id"])], "n": 1 if row["price"] is None else row["price"]})

        STEP = DataStep(read="TABLE src", key=("id",), transform=change, into='public."Odd ""Table"')
        """,
        script,
    )
    step()
    assert step.asked(
        """SELECT data->'price', "more ""data", tags, n FROM "Odd ""Table" WHERE ids = ARRAY[id] ORDER BY n"""
    ) == [
        (None, [None, "text", None], None, 1),
        (1.5, [["a", None], "text", None], ["a", None], 1.5),
        (2, [[], "text", None], [], 2),
    ]


def test_a_function_of_its_own_writes(new: New) -> None:
    step = new(
        """
        def write(connection, rows):
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO shown VALUES (%(id)s, %(name)s)", rows)
            connection.execute("UPDATE shown SET times = times + 1 WHERE unit = 1")

        STEP = DataStep(read="SELECT * FROM units", key=("id",), write=write, batch=10)
        """
    )
    assert step().counts == Counts(done=25, written=25)
    assert step.asked("SELECT times FROM shown WHERE unit = 1") == [(4,)]


@pytest.mark.parametrize("ending", ["connection.commit()", 'connection.execute("COMMIT")',
                                    'connection.execute("COMMIT; BEGIN")'])  # fmt: skip
def test_it_may_not_end_the_transaction(new: New, ending: str) -> None:
    step = new(
        f"""
        def write(connection, rows):
            {ending}

        STEP = DataStep(read="SELECT * FROM units", key=("id",), write=write, batch=10, retries=0)
        """
    )
    with pytest.raises(StepError):
        step()
    assert step.state == "pending"


# --- rows that are left out, and rows that fail -----------------------------------------------------------

PICKY = """
def change(row):
    if row["id"] % 5 == 0:
        raise Skip("a multiple of five")
    if row["id"] in (7, 13):
        return 1 / 0
    return Row(unit=row["id"], title="bad" if row["id"] in (8, 21) else row["name"])

STEP = DataStep(read="SELECT id, name FROM units", key=("id",), transform=change, into="shown", batch=10,
                {more})
"""


def test_rows_that_are_skipped_and_rows_that_fail_are_recorded(new: New) -> None:
    step = new(PICKY.format(more='on_error="skip"'))
    summary = step()
    assert summary.counts == Counts(done=16, skipped=5, failed=4, written=16)
    assert summary.reasons[0] == Rejected(("7",), "failed", "ZeroDivisionError: division by zero")
    assert len(summary.reasons) == 9
    assert [(key, kind) for key, kind, _ in step.rejected] == [
        ([str(n)], "skipped" if n % 5 == 0 else "failed") for n in (5, 7, 8, 10, 13, 15, 20, 21, 25)
    ]
    reasons = {key[0]: reason for key, _, reason in step.rejected}
    assert reasons["5"] == "a multiple of five"
    assert 'violates check constraint "shown_title_check"' in reasons["8"]
    assert step.state == "done"
    assert step.asked("SELECT count(*) FROM shown") == [(16,)]


def test_more_than_the_limit_stops_and_what_came_before_stays(new: New) -> None:
    step = new(PICKY.format(more='on_error="skip", skip_limit=3'))
    with pytest.raises(StepError) as caught:
        step()
    assert "id = 21" in caught.value.what
    assert "3 rows had failed before, and skip_limit is 3" in caught.value.what
    assert step.checkpoint == (["20"], 13, 4, 3, 13, False)
    step.write(PICKY.format(more='on_error="skip", skip_limit=4'))
    assert step().counts == Counts(done=16, skipped=5, failed=4, written=16)


def test_a_row_that_fails_stops_with_its_key_and_line(new: New) -> None:
    step = new(PICKY.format(more=""))
    with pytest.raises(StepError) as caught:
        step()
    error = caught.value
    assert error.what == "the row with id = 7: ZeroDivisionError: division by zero"
    assert error.place == f"001_fill.py:{step.line('1 / 0')}"
    assert error.do.startswith("6 rows are dealt with and stay so; fix")
    assert step.checkpoint == (["6"], 5, 1, 0, 5, False)
    assert (step.state, step.asked("SELECT count(*) FROM shown")) == ("pending", [(5,)])
    # Fixed, it goes on with that row; then the server refuses one in the midst of a batch.
    step.write(PICKY.format(more="").replace("1 / 0", "[]"))
    with pytest.raises(StepError, match=r"id = 8: .*violates check constraint") as caught:
        step()
    assert caught.value.line == step.line("into=")
    assert step.checkpoint[:2] == (["7"], 6)


def test_what_a_row_lacks_is_said(new: New) -> None:
    step = new(COPY.format(more="").replace('row["name"]', 'row["nmae"]'))
    with pytest.raises(StepError, match=r"id = 1: .*there is no column nmae in the row; it has id, name"):
        step()


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (
            "None",
            'returned None, and has to return a row or several; to leave one out: raise Skip\\("why"\\)',
        ),
        ("[1]", "returned a int among its rows"),
        ("{}", "a row without columns"),
        ("Row(unit=1, colour=2)", "public.shown has no column colour"),
        ("Row(unit={'a': 1})", "cannot adapt type 'dict'"),
        ("Row(unit=1, title='\\0')", "NUL"),
        ("__import__('sys').exit('enough')", "SystemExit: enough"),
    ],
)
def test_a_mistake_is_told_with_its_line(new: New, returned: str, said: str) -> None:
    step = new(COPY.format(more="").replace('Row(unit=row["id"], title=row["name"].upper())', returned))
    with pytest.raises(StepError, match=said) as caught:
        step()
    assert caught.value.place in {f"001_fill.py:{step.line(text)}" for text in ("return", "STEP =")}
    assert step.asked("SELECT count(*) FROM shown") == [(0,)]


def test_a_mistake_in_the_statement_is_no_fault_of_rows(new: New) -> None:
    step = new(COPY.format(more='on_error="skip", conflict=("title",)'))
    with pytest.raises(StepError, match="no unique or exclusion constraint matching"):
        step()
    assert step.rejected == []


@pytest.mark.parametrize(
    ("read", "said"),
    [
        ("SELECT id, name FROM nothing", 'relation "nothing" does not exist'),
        ("SELECT name FROM units", "source.id does not exist"),
        ("SELECT id, name, name FROM units", "two columns name"),
        ("SELECT id / 10 AS id, name FROM units", "two rows have id = 0: the key must be unique"),
        ("SELECT nullif(id, 20) AS id, name FROM units", "a row has no id"),
        ("DELETE FROM units RETURNING *", "syntax error"),
    ],
)
def test_queries_that_cannot_be_read(new: New, read: str, said: str) -> None:
    step = new(COPY.format(more="").replace("SELECT id, name FROM units", read))
    with pytest.raises(StepError, match=said) as caught:
        step()
    assert caught.value.line == step.line("read=")
    assert step.asked("SELECT count(*) FROM units") == [(25,)]


# --- what happens to the process and to the connection ----------------------------------------------------


def test_killed_at_any_moment_it_goes_on(new: New) -> None:
    """No key: a row that is written twice would be there twice."""
    script = UNITS.replace("unit int PRIMARY KEY", "unit int")
    text = """
    import os, signal
    def change(row):
        if row["id"] in (4, 10, 11, 25) and not os.path.exists(f"{FOLDER}/{row['id']}"):
            open(f"{FOLDER}/{row['id']}", "w").close()
            os.kill(os.getpid(), signal.SIGKILL)
        return Row(unit=row["id"], title=row["name"])

    STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=5)
    """
    step = new(script=script)
    step.write(text.replace("{FOLDER}", str(step.file.parent)))
    kept = []
    while in_a_process(step):
        kept.append(step.checkpoint[1])
    assert kept == [0, 5, 10, 20]
    assert step.asked("SELECT count(*), count(DISTINCT unit) FROM shown") == [(25, 25)]
    assert step.checkpoint == (["25"], 25, 0, 0, 25, True)


def test_killed_behind_each_commit(new: New) -> None:
    step = new()

    def dies() -> None:
        def told(event: object) -> None:
            if isinstance(event, Progressed):
                os.kill(os.getpid(), signal.SIGKILL)

        step(told)

    assert [in_a_process(dies) for _ in range(4)] == [True, True, True, False]
    assert step().nothing_to_do
    assert step.asked("SELECT count(*) FROM shown") == [(25,)]


def test_a_later_run_takes_over(new: New) -> None:
    step = new(PICKY.format(more='on_error="skip", skip_limit=1'))
    with pytest.raises(StepError):
        step()
    step.write(PICKY.format(more='on_error="skip"'))
    first, second = step.run, step.begin()
    assert second > first
    summary = step()
    assert summary.went_on
    assert summary.counts == Counts(done=16, skipped=5, failed=4, written=16)
    assert step.asked("SELECT DISTINCT run FROM migplan.rejected NATURAL JOIN migplan.checkpoint") == [
        (second,)
    ]
    opened = [event for event in step.events if isinstance(event, Opened)]
    assert [each.before.rows for each in opened] == [0, 7]


def test_another_key_does_not_take_over(new: New) -> None:
    step = new(PICKY.format(more=""))
    with pytest.raises(StepError):
        step()
    step.write(PICKY.format(more="").replace('("id",)', '("name",)'))
    with pytest.raises(RefusedError, match="in the order of id, and its file now has the key name"):
        step()


def test_a_connection_that_is_cut_is_made_again(new: New) -> None:
    step = new(
        COPY.format(more="wait=0.01").replace(
            "    return",
            '    if row["id"] in CUT:\n        cut(CUT.pop(row["id"]))\n    return',
        )
    )
    text = step.file.read_text().replace("def change", "CUT = {3: 1, 25: 1}\ndef change")
    cut = f"""
import psycopg
def cut(_):
    with psycopg.connect({psycopg.conninfo.make_conninfo(**step.where.params)!r}, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
                      "current_database() AND pid <> pg_backend_pid() AND application_name = 'migplan'")
"""
    step.file.write_text(text.replace("CUT =", f"{cut}\nCUT ="))
    assert step().counts == Counts(done=25, written=25)
    again = [event for event in step.events if isinstance(event, TriedAgain)]
    assert len(again) == 2
    assert "lost" in again[0].why


@pytest.mark.parametrize("arrived", [True, False])
def test_a_commit_without_an_answer(new: New, arrived: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    step = new(COPY.format(more="wait=0.01"))
    written: list[int] = []
    write = Writing.write

    def deaf(self: Writing, connection: Any, at: Any, outcomes: Any, *, last: bool) -> Any:
        written.append(len(outcomes))
        if len(written) == 2:
            if arrived:
                write(self, connection, at, outcomes, last=last)
            connection.close()
            raise psycopg.OperationalError("the connection was lost")
        return write(self, connection, at, outcomes, last=last)

    monkeypatch.setattr(Writing, "write", deaf)
    assert step().counts == Counts(done=25, written=25)
    assert step.asked("SELECT count(*) FROM shown") == [(25,)]


def test_what_passes_is_tried_again_and_what_does_not_ends(new: New) -> None:
    step = new(
        """
        class Busy(Exception):
            pass

        calls = []
        def change(row):
            calls.append(row["id"])
            if calls.count(row["id"]) < TRIES and row["id"] == 12:
                raise Busy("the service is busy")
            return Row(unit=row["id"], title=row["name"])

        TRIES = 3
        STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=10,
                        transient=(Busy,), retries=2, wait=0.01, on_error="skip")
        """
    )
    text = step.file.read_text()
    step.file.write_text(text.replace("TRIES = 3", "TRIES = 9"))
    with pytest.raises(StepError, match=r"id = 12: Busy: the service is busy \(3 tries\)"):
        step()
    assert step.checkpoint[:2] == (["11"], 11)  # not even skipped: it was not the row's fault
    step.file.write_text(text)
    step.events.clear()
    assert step().counts == Counts(done=25, written=25)
    assert [event.attempt for event in step.events if isinstance(event, TriedAgain)] == [1, 2]


def test_a_lock_is_waited_for_as_long_as_the_limits_allow(new: New) -> None:
    step = new(COPY.format(more="retries=1, wait=0.01"))
    with connect(step.where, autocommit=False) as other:
        other.execute("LOCK TABLE shown")
        with pytest.raises(StepError, match="held a lock") as caught:
            step(limits=Limits(lock_seconds=0.1))
        assert caught.value.sqlstate == "55P03"
        assert len([event for event in step.events if isinstance(event, TriedAgain)]) == 1
    assert step().counts.done == 25


def test_a_statement_may_not_take_longer_than_the_limits_allow(new: New) -> None:
    step = new(COPY.format(more="").replace("FROM units", "FROM units, pg_sleep(5)"))
    with pytest.raises(StepError, match="statement timeout"):
        step(limits=Limits(statement_seconds=0.1))


def test_two_clients_do_not_meet(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_step, "_PATIENCE", 0.3)
    step, inside, go_on = new(), threading.Event(), threading.Event()

    def told(event: object) -> None:
        inside.set()
        go_on.wait(20)

    first = threading.Thread(target=step, args=(told,))
    first.start()
    assert inside.wait(20)
    try:
        with pytest.raises(LockedError, match="another client is doing 001_fill"):
            step()
    finally:
        go_on.set()
        first.join()
    assert step.asked("SELECT count(*), sum(times) FROM shown") == [(25, 25)]


def test_a_step_that_was_done_meanwhile_is_not_done_again(new: New) -> None:
    step = new()

    def told(event: object) -> None:
        if isinstance(event, Progressed):
            step.asked("UPDATE migplan.step SET state = 'done', finished_at = now(), transaction = '1'")

    with pytest.raises(AlreadyDoneError):
        step(told)
    assert step.asked("SELECT count(*) FROM shown") == [(20,)]


# --- pace, stopping, memory -------------------------------------------------------------------------------


def test_no_more_rows_a_second_than_wanted() -> None:
    now, waited = [100.0], []

    def wait(seconds: float) -> None:
        waited.append(round(seconds, 6))
        now[0] += seconds

    pace = Pace(4.0, threading.Event(), lambda: now[0], wait)
    for _ in range(3):
        pace.row()
    assert waited == [0.25, 0.25]
    now[0] += 60  # no time is saved up
    for _ in range(3):
        pace.row()
    assert waited == [0.25] * 4


def test_the_pace_is_that_of_the_step(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Pace, "pause", lambda self, seconds: waited.append(seconds))
    new(COPY.format(more="rate=1000.0"))()
    assert waited
    assert max(waited) <= 0.001 * 25


@pytest.mark.parametrize("more", ["rate=0.1", "wait=60, transient=(AttributeError,)"])
def test_stopped_while_it_waits(new: New, more: str) -> None:
    step = new(COPY.format(more=more))
    if "wait" in more:
        step.asked("UPDATE units SET name = NULL WHERE id = 2")
    timer = threading.Timer(0.6, step.stopping.set)
    timer.start()
    with pytest.raises(StoppedError):
        step()
    timer.join()
    assert step.checkpoint[:2] == (["1"], 1)  # what was changed by then is not lost
    assert step.state == "pending"


def test_stopped_in_a_statement(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_step, "_GRACE", 0.1)
    step = new()
    with connect(step.where, autocommit=False) as other:
        other.execute("LOCK TABLE shown")
        threading.Timer(0.5, step.stopping.set).start()
        with pytest.raises(StoppedError):
            step()


def test_many_rows_take_no_more_memory_than_few(new: New) -> None:
    script = """
    CREATE TABLE units AS SELECT n AS id, repeat('x', 300) AS name FROM generate_series(1, 100000) n;
    ALTER TABLE units ADD PRIMARY KEY (id);
    CREATE TABLE shown (unit int, title text);
    ANALYZE;
    """
    step = new(COPY.format(more="").replace("batch=10", "batch=1000"), script)

    def measured() -> None:
        sizes: list[int] = []

        def told(event: object) -> None:
            if isinstance(event, Progressed):
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                sizes.append(pages * os.sysconf("SC_PAGE_SIZE"))

        assert step(told).counts.done == 100_000
        assert max(sizes) - sizes[5] < 8_000_000, sizes

    assert not in_a_process(measured)
    assert step.asked("SELECT count(*) FROM shown") == [(100_000,)]


def test_secrets_do_not_get_out(new: New) -> None:
    step = new(COPY.format(more=""))
    if "password" in step.where.params:
        pytest.skip("the server has a password of its own")
    address = Address({**step.where.params, "password": "hunter2"})
    step.write(COPY.format(more="").replace("return", "raise ValueError('hunter2')\n    return"))
    step.where = address
    with pytest.raises(DatabaseError) as caught:
        step()
    assert "hunter2" not in f"{caught.value} {caught.value.detail} {caught.value.do}"
    step.write(step.file.read_text().replace("batch=10,", 'on_error="skip",'))
    step()
    assert {reason for _, _, reason in step.rejected} == {"ValueError: ********"}


# --- what a failure says ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "then", ["pass", "raise ValueError('after all')", "connection.execute('SELECT 1/0')"]
)
@pytest.mark.parametrize("ending", ['execute("COMMIT")', 'execute("COMMIT; BEGIN")'])
def test_what_a_function_committed_by_itself_is_said_to_stay(new: New, ending: str, then: str) -> None:
    step = new(
        f"""
        def write(connection, rows):
            for row in rows:
                connection.execute("INSERT INTO shown VALUES (%s, 'x')", [row["id"]])
            connection.{ending}
            {then}

        STEP = DataStep(read="SELECT * FROM units", key=("id",), write=write, batch=10, retries=0)
        """
    )
    with pytest.raises(StepError, match="has ended the transaction") as caught:
        step()
    assert "what the function committed by itself stays" in caught.value.do
    assert "nothing was changed" not in caught.value.do + caught.value.left
    assert step.asked("SELECT count(*) FROM shown") == [(10,)], "once, and no more"
    assert step.state == "pending"


def test_of_a_lost_session_nobody_says_that_nothing_was_changed(new: New) -> None:
    step = new(
        """
        def write(connection, rows):
            connection.execute("SELECT pg_terminate_backend(pg_backend_pid())")

        STEP = DataStep(read="SELECT * FROM units", key=("id",), write=write, batch=10, retries=0)
        """
    )
    with pytest.raises(StepError) as caught:
        step()
    assert "whether its commit arrived is not known" in caught.value.left


def test_a_keyboard_interrupt_in_the_code_stops_behind_what_is_done(new: New) -> None:
    step = new(
        """
        def change(row):
            if row["id"] == 14:
                raise KeyboardInterrupt
            return Row(unit=row["id"])

        STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=10)
        """
    )
    with pytest.raises(KeyboardInterrupt):
        step()
    assert step.checkpoint == (["13"], 13, 0, 0, 13, False)


# --- code that does not end, or would end everything ------------------------------------------------------


@pytest.mark.parametrize(
    "endless",
    ["while True: pass", "yield from ({} for _ in iter(int, 1) if _)"],
    ids=["a loop", "a generator that yields nothing"],
)
def test_code_that_never_ends_is_interrupted(new: New, endless: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_step, "_GRACE", 0.2)
    step = new(
        f"""
        def change(row):
            if row["id"] == 14:
                {endless}
            yield Row(unit=row["id"])

        STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=10)
        """
    )
    threading.Timer(0.3, step.stopping.set).start()
    with pytest.raises((StoppedError, KeyboardInterrupt)):
        step()
    assert step.checkpoint == (["13"], 13, 0, 0, 13, False)


def test_a_write_that_never_ends_is_interrupted(new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_step, "_GRACE", 0.2)
    step = new(
        """
        def write(connection, rows):
            connection.execute("INSERT INTO shown VALUES (1)")
            while True:
                pass

        STEP = DataStep(read="SELECT * FROM units", key=("id",), write=write)
        """
    )
    threading.Timer(0.3, step.stopping.set).start()
    with pytest.raises((StoppedError, KeyboardInterrupt)):
        step()
    assert step.asked("SELECT count(*) FROM shown") == [(0,)]


def test_a_row_that_becomes_rows_for_ever_fails(new: New) -> None:
    step = new(
        """
        def change(row):
            number = row["id"]
            while True:
                yield Row(unit=number)
                if row["id"] != 14:
                    return
                number += 1000

        STEP = DataStep(
            read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=10, max_rows=500
        )
        """
    )
    with pytest.raises(StepError, match="id = 14: transform made more than 500 rows of it") as caught:
        step()
    assert caught.value.line == step.line("transform=change")
    assert step.checkpoint == (["13"], 13, 0, 0, 13, False)


def test_a_batch_that_becomes_too_many_rows_is_cut(new: New) -> None:
    step = new(
        """
        def change(row):
            return [Row(unit=row["id"] + 1000 * n) for n in range(row["id"] % 5 + 1)]

        STEP = DataStep(
            read="SELECT * FROM units", key=("id",), transform=change, into="shown", batch=10, max_rows=6
        )
        """
    )
    assert step().counts == Counts(done=25, written=75)
    written = [each.counts.written for each in step.events if isinstance(each, Progressed)]
    assert all(then - before <= 6 for before, then in pairwise([0, *written]))


@pytest.mark.parametrize("how", ["os._exit(0)", "_exit(0)"])
def test_it_may_not_end_the_process(new: New, how: str) -> None:
    step = new(
        f"""
        import os
        from os import _exit

        def change(row):
            if row["id"] == 3:
                {how}
            return Row(unit=row["id"])

        STEP = DataStep(read="SELECT * FROM units", key=("id",), transform=change, into="shown")
        """
    )
    with pytest.raises(StepError, match=r"id = 3: SystemExit: os\._exit\(0\) was called") as caught:
        step()
    assert caught.value.line == step.line(how)
    assert step.checkpoint[:2] == (["2"], 2)


def test_dates_that_python_does_not_have_pass_through(new: New) -> None:
    step = new(
        """
        STEP = DataStep(read="TABLE old", key=("d", "ts"), into="public.new")
        """,
        """
        CREATE TABLE old (
            d date, t time, tz timetz, ts timestamp, tstz timestamptz, r daterange, many date[], i interval
        );
        CREATE TABLE new (LIKE old);
        INSERT INTO old VALUES
            ('infinity', '24:00', '24:00+02', '-infinity', 'infinity', '[-infinity,infinity]', '{infinity}',
             '1 day'),
            ('0044-03-15 BC', '12:00', '12:00+00', '4713-01-01 BC', '0001-01-01 BC', '(,infinity)', NULL,
             '9999999 years'),
            ('12024-02-29', NULL, NULL, '294276-12-31 23:59:59.999999', '10000-01-01', 'empty',
             '{{2024-01-01,NULL},{0044-03-15 BC,2024-01-01}}', '-178000000 years'),
            ('2024-02-29', '12:00:00.000001', '12:00-11:30', '2024-02-29 12:00', '2024-02-29 12:00+05',
             '[2024-01-01,2024-02-01)', '{2024-01-01}', '1 mon 2 days 03:04:05.6');
        """,
    )
    assert step().counts == Counts(done=4, written=4)
    assert step.asked("SELECT new::text FROM new EXCEPT ALL SELECT old::text FROM old") == []
    assert step.asked("SELECT count(*) FROM new") == [(4,)]
