"""Rows that come live from a source: one moment, kept by sessions that may be lost, read by many."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import BinaryIO, Literal

import pytest

from migplan.catalog.read import read
from migplan.errors import BlockedError, SourceError, StepError
from migplan.names import QualifiedName, parse
from migplan.postgres.address import Address
from migplan.run.bundle.live import LiveSource
from migplan.run.bundle.snapshot import KeptSnapshot
from migplan.run.engine.events import Began, Event, Finished, Moved, OnEvent, Retrying, ignore
from migplan.run.engine.footprints import EXCLUSIVE, LOADS, Footprint
from migplan.run.engine.journal import Beginning
from migplan.run.engine.options import RunOptions
from migplan.run.engine.steps import LiveRows, LiveSequences, Segment, Statements, Step
from migplan.run.engine.target import RunResult, locked
from tests.run.running import options, until
from tests.servers import MakeDatabase, Own, connect, own_server

TABLES = """
CREATE TABLE plain (id int PRIMARY KEY, said text);
CREATE TABLE large (n int, filler text);
CREATE TABLE nothing ();
CREATE SEQUENCE counting;
"""
ROWS = r"""
INSERT INTO plain VALUES (1, E'tab\tand\nline'), (2, NULL), (3, '\N'), (4, '');
INSERT INTO large SELECT n, repeat('x', 200) FROM generate_series(1, 20000) n;
INSERT INTO nothing SELECT FROM generate_series(1, 3);
SELECT setval('counting', 41);
"""


class Nothing:
    """Steps whose files hold nothing."""

    def open(self, _name: str, /) -> BinaryIO:
        return io.BytesIO()


def rows(
    table: str, columns: Sequence[str], form: Literal["text", "binary"] = "text", *, query: str = ""
) -> LiveRows:
    shown = ", ".join(columns)
    query = query or f"SELECT {shown} FROM ONLY public.{table}"
    return LiveRows(f"public.{table}", tuple(columns), query, form, freeze=False, rows=0, bytes=0, line=2)


def steps(*pieces: Segment) -> tuple[Step, ...]:
    """A step for each piece."""
    return tuple(
        Step(number, "data.sql", f"piece {number}", "data", 1, segments=(piece,), footprint=_uses(piece))
        for number, piece in enumerate(pieces, 1)
    )


def _uses(piece: Segment) -> Footprint:
    return Footprint(((piece.table, LOADS),)) if isinstance(piece, LiveRows) else Footprint()


PLAIN = rows("plain", ("id", "said"))
LARGE = rows("large", ("n", "filler"), "binary")


@contextmanager
def moment(where: Address, *tables: str) -> Iterator[LiveSource]:
    """A moment of a source, kept for its tables."""
    names = frozenset(parse(f"public.{table}") for table in tables or ("plain", "large", "nothing"))
    snapshot = KeptSnapshot(where, names)
    with snapshot.kept() as session:
        catalog = read(session)
        snapshot.tended()
        with closing(LiveSource(where, snapshot, catalog, {})) as source:
            yield source


def moved(
    source: LiveSource, target: Address, all_of_it: Sequence[Step], how: RunOptions, told: OnEvent = ignore
) -> RunResult:
    with locked(target, how, told) as there:
        run = there.begin(Beginning("apply", "live", "0" * 64, all_of_it, {"data.sql": "0" * 64}))
        return there.execute(run, all_of_it, Nothing(), rows=source)


def content(where: Address, table: str) -> list[tuple[object, ...]]:
    with connect(where) as connection:
        return connection.execute(f"TABLE {table}".encode()).fetchall()


def ended(where: Address, process: int) -> None:
    """End a session of the source's."""
    with connect(where) as connection:
        connection.execute("SELECT pg_terminate_backend(%s, 5000)", [process])


def keepers(source: LiveSource) -> list[int]:
    return [keeper.session.process for keeper in source.snapshot._keepers]


@pytest.mark.parametrize("readers", [1, 2])
def test_so_many_read_at_once_as_the_source_is_to_bear(database: MakeDatabase, readers: int) -> None:
    tables = "plain", "large", "nothing", *(f"more_{number}" for number in range(5))
    more = "".join(f"CREATE TABLE {name} (n int);" for name in tables[3:])
    filled = "".join(f"INSERT INTO {name} SELECT generate_series(1, 20000);" for name in tables[3:])
    origin, target = database(TABLES + ROWS + more + filled), database(TABLES + more)
    everything = steps(PLAIN, LARGE, *(rows(name, ("n",)) for name in tables[3:]))
    reading: set[int] = set()
    at_once: list[int] = []

    def told(event: Event) -> None:
        if isinstance(event, Began):
            reading.add(event.step.number)
            at_once.append(len(reading))
        if isinstance(event, Finished):
            reading.discard(event.step.number)

    with moment(origin, *tables) as source:
        limited = replace(source, readers=readers)
        moved(limited, target, everything, options(4), told)
        assert 1 <= len(limited.idle) <= readers
    assert len(at_once) == len(everything)
    assert max(at_once) <= readers
    assert content(origin, "more_4") == content(target, "more_4")


def test_rows_come_as_they_are_and_sequences_behind_them(database: MakeDatabase) -> None:
    origin, target = database(TABLES + ROWS), database(TABLES)
    everything = steps(
        PLAIN,
        LARGE,
        rows("nothing", (), query="SELECT FROM ONLY public.nothing"),
        LiveSequences((QualifiedName("public", "counting"),), 9),
    )
    with moment(origin) as source:
        with connect(origin) as other:  # what comes after the moment is not seen, but for sequences
            other.execute("INSERT INTO plain VALUES (5, 'late'); SELECT setval('counting', 77)")
        done = moved(source, target, everything, options(2))
    assert done.rows == 4 + 20_000 + 3
    assert content(target, "plain") == [(1, "tab\tand\nline"), (2, None), (3, "\\N"), (4, "")]
    assert content(target, "large") == content(origin, "large")
    assert content(target, "nothing") == [()] * 3
    assert content(target, "counting")[0][0] == 77


@pytest.mark.parametrize("form", ["text", "binary"])
def test_a_lost_session_is_replaced_and_the_step_done_again(
    newest_database: MakeDatabase, form: Literal["text", "binary"]
) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    events: list[Event] = []
    kept: list[int] = []

    def told(event: Event) -> None:
        events.append(event)
        if isinstance(event, Moved) and not any(isinstance(each, Retrying) for each in events):
            with connect(origin) as other:  # whoever reads, in the middle of it
                other.execute(
                    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
                    "current_database() AND backend_type = 'client backend' AND query LIKE 'COPY%%' "
                    "AND pid <> ALL (%s)",
                    [kept],
                )

    with connect(origin) as other:
        other.execute("INSERT INTO large SELECT n, repeat('y', 400) FROM generate_series(1, 100000) n")
    with moment(origin) as source:
        kept = keepers(source)
        done = moved(source, target, steps(replace(LARGE, format=form)), options(retries=2), told)
    assert [each.attempt for each in events if isinstance(each, Retrying)] == [1]
    assert done.rows == 120_000
    assert content(target, "large") == content(origin, "large")


def test_the_moment_lives_on_while_one_keeper_does(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with moment(origin) as source:
        for round_ in range(3):  # each time the older one
            before = keepers(source)
            ended(origin, before[0])
            with connect(origin) as other:
                other.execute("DELETE FROM plain WHERE id = %s", [round_ + 1])
            source.snapshot.tend()
            assert before[1] in keepers(source)
            assert len(keepers(source)) == 2
        moved(source, target, steps(PLAIN), options())
    assert len(content(target, "plain")) == 4


def test_a_moment_that_is_lost_for_good_ends_the_run(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with moment(origin) as source:
        for process in keepers(source):
            ended(origin, process)
        with pytest.raises(StepError, match=r"is lost: every session that kept it has ended") as failed:
            moved(source, target, steps(PLAIN), options(retries=3))
    assert failed.value.of_source
    assert "run the same command again" in failed.value.do
    assert content(target, "plain") == []


def test_the_tables_are_locked_and_nothing_else(newest_database: MakeDatabase) -> None:
    origin = newest_database(TABLES + ROWS)
    with moment(origin, "plain") as source, connect(origin) as other:
        ended(origin, keepers(source)[0])
        other.execute("SET lock_timeout = '100ms'; ALTER TABLE large ADD COLUMN more int")
        with pytest.raises(Exception, match="lock timeout"):
            other.execute("TRUNCATE plain")
        source.confirm()
    with connect(origin, autocommit=False) as other:
        other.execute("LOCK TABLE plain IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(BlockedError, match=r"holds ACCESS EXCLUSIVE on public\.plain"), moment(origin):
            pass


@pytest.mark.slow
def test_a_small_lock_table_is_not_filled_by_two_keepers() -> None:
    few = {"max_locks_per_transaction": "10", "max_connections": "20"}
    script = "".join(f"CREATE TABLE t{number} (n int);" for number in range(60))
    with own_server(Own("own", few)) as server:
        origin = server.address(server.create_database(script))
        with moment(origin, *(f"t{number}" for number in range(60))) as source:
            assert [keeper.locks for keeper in source.snapshot._keepers] == [True, False]
            ended(origin, keepers(source)[0])
            source.confirm()  # the next one has them, and nobody has used the time between
            assert [keeper.locks for keeper in source.snapshot._keepers] == [False, True]


def test_who_queues_for_a_table_does_not_stop_its_rows(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    events: list[Event] = []
    with moment(origin) as source, queueing(origin, "TRUNCATE large"):
        done = moved(source, target, steps(LARGE), options(retries=2), events.append)
        assert done.rows == 20_000
        assert [each.attempt for each in events if isinstance(each, Retrying)] == [1]


def test_what_slips_in_between_two_keepers_is_noticed(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    snapshot = KeptSnapshot(origin, frozenset({parse("public.plain"), parse("public.large")}))
    with snapshot.kept() as first, queueing(origin, "TRUNCATE large"):
        snapshot.tended()  # the second gets no locks, for somebody waits
        with closing(LiveSource(origin, snapshot, read(first), {})) as source:
            ended(origin, first.process)  # and now that one has them
            until(lambda: not content(origin, "large"), "the table is emptied")
            with pytest.raises(SourceError, match=r"others changed it: table public\.large was changed"):
                moved(source, target, steps(PLAIN), options())
            with pytest.raises(StepError, match="others changed it"):
                moved(source, newest_database(TABLES), steps(LARGE), options(retries=2))


@contextmanager
def queueing(where: Address, statement: str) -> Iterator[None]:
    """Somebody who waits for a lock, as long as the block takes."""

    def wait() -> None:
        with connect(where) as connection:
            connection.execute(statement.encode())

    thread = threading.Thread(target=wait)
    thread.start()
    with connect(where) as other:
        until(
            lambda: other.execute("SELECT FROM pg_locks WHERE NOT granted").rowcount,
            "somebody waits for the lock",
        )
    try:
        yield
    finally:
        thread.join(0)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 / (20000 - n), filler FROM ONLY public.large", "division by zero"),  # at its end
        ("SELECT n, filler FROM ONLY public.gone", 'relation "public.gone" does not exist'),
    ],
)
def test_a_failure_of_the_source_is_called_so(newest_database: MakeDatabase, query: str, said: str) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with moment(origin) as source:
        with pytest.raises(StepError, match=said) as failed:
            moved(source, target, steps(replace(LARGE, query=query), PLAIN), options())
        assert failed.value.of_source
        assert "the source failed" in failed.value.what
        assert failed.value.line == 2
    assert content(target, "large") == []


def test_rows_that_the_target_swallows_are_missed(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with connect(target) as other:
        other.execute(
            "CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS "
            "$$BEGIN RETURN CASE WHEN new.id <> 2 THEN new END; END$$;"
            "CREATE TRIGGER swallowing BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION swallow()"
        )
    with (
        moment(origin) as source,
        pytest.raises(StepError, match=r"3 of 4 rows went into public\.plain") as bad,
    ):
        moved(source, target, steps(PLAIN), options())
    assert not bad.value.of_source
    assert content(target, "plain") == []


def test_what_the_target_refuses_leaves_the_source_usable(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with connect(target) as other:
        other.execute("ALTER TABLE large ADD CHECK (n < 15000)")
    with moment(origin) as source:
        with pytest.raises(StepError, match="violates check constraint") as failed:
            moved(source, target, steps(LARGE), options())
        assert not failed.value.of_source
        done = moved(source, newest_database(TABLES), steps(PLAIN, LARGE), options())
        assert done.rows == 20_004


SORTED = "CREATE TABLE parts (id int, said text) PARTITION BY LIST (id);" + "".join(
    f"CREATE TABLE part{number} PARTITION OF parts FOR VALUES IN ({number});" for number in (2, 1)
)


@pytest.mark.parametrize("form", ["text", "binary"])
def test_what_came_is_proved_before_it_is_committed(
    database: MakeDatabase, form: Literal["text", "binary"]
) -> None:
    mixed = "INSERT INTO parts VALUES (1, 'a'), (2, 'b'), (1, 'c')"
    origin, target = database(TABLES + ROWS + SORTED + mixed), database(TABLES + SORTED)
    parts = rows("parts", ("id", "said"), form, query="SELECT t.id, t.said FROM public.parts t ORDER BY said")
    nothing = rows("nothing", (), form, query="SELECT FROM ONLY public.nothing")
    with moment(origin) as source:
        moved(source, target, steps(replace(PLAIN, format=form), parts, nothing), options())
    with locked(target, options()) as there:
        proofs = there.journal.proofs(1)
    assert [proof["rows"] for (proof,) in proofs.values()] == [4, 3, 3]
    ways = [proof["digest"].partition(":")[0] for (proof,) in proofs.values()]
    assert ways == ["stream", "lookup3", "stream"]


CHANGING = """
CREATE FUNCTION changing() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN new.said = new.said || '!'; RETURN new; END$$;
CREATE TRIGGER changing BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION changing()
"""


def test_rows_that_the_target_changes_are_not_committed(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES + CHANGING)
    with moment(origin) as source:
        said = r"the 4 rows that stand in public\.plain are not those that the source sent"
        with pytest.raises(StepError, match=said) as failed:
            moved(source, target, steps(PLAIN), options())
        assert not failed.value.of_source
        assert content(target, "plain") == []
        again = newest_database(TABLES + CHANGING)
        moved(replace(source, proves=False), again, steps(PLAIN), options())
    assert (4, "!") in content(again, "plain")


def test_rows_that_are_there_for_a_step_alone_are_proved_as_well(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES + CHANGING)
    made = "CREATE TEMPORARY TABLE plain (id int, said text) ON COMMIT DROP;"
    changing = (
        "CREATE TRIGGER changing BEFORE INSERT ON pg_temp.plain FOR EACH ROW "
        "EXECUTE FUNCTION public.changing();"
    )
    rows_there = replace(PLAIN, table="pg_temp.plain")
    with moment(origin) as source:
        for number, text in enumerate((made, f"{made} {changing}")):
            (step,) = steps(rows_there)
            before = tuple(Statements(0, 0, 1, f"{each};") for each in text.split(";") if each.strip())
            step = replace(step, segments=(*before, *step.segments))
            if number == 0:
                moved(source, target, (step,), options())
                continue
            said = r"the 4 rows that stand in pg_temp\.plain are not those that the source sent"
            with pytest.raises(StepError, match=said):
                moved(source, newest_database(TABLES + CHANGING), (step,), options())


def test_parts_of_a_table_are_proved_beside_each_other(newest_database: MakeDatabase) -> None:
    more = "INSERT INTO large SELECT n, repeat('y', 300) FROM generate_series(1, 60000) n"
    origin, target = newest_database(TABLES + ROWS + more), newest_database(TABLES)
    bounds = [(0, 800), (800, 1600), (1600, 100_000)]
    pieces = [
        replace(
            LARGE,
            query=f"{LARGE.query} WHERE ctid >= '({first},0)'::pg_catalog.tid"
            f" AND ctid < '({end},0)'::pg_catalog.tid",
        )
        for first, end in bounds
    ]
    with moment(origin) as source:
        done = moved(source, target, steps(*pieces), options(3))
    assert done.rows == 80_000
    with locked(target, options()) as there:
        proofs = there.journal.proofs(1)
    assert sum(proof["rows"] for (proof,) in proofs.values()) == 80_000
    assert {proof["digest"].partition(":")[0] for (proof,) in proofs.values()} == {"rows"}


SMALL = "CREATE TABLE small (n int, said text CHECK (said <> 'bad'));"


def together(*pieces: LiveRows) -> tuple[Step, ...]:
    """One step for all of them, each on a line of its own."""
    placed = [replace(piece, line=10 * number) for number, piece in enumerate(pieces, 1)]
    every = Footprint(tuple((piece.table, LOADS) for piece in pieces))
    return (Step(1, "data.sql", "all", "data", 1, segments=tuple(placed), footprint=every),)


def test_small_tables_come_together_and_each_is_proved(database: MakeDatabase) -> None:
    filled = "INSERT INTO small SELECT n, repeat(chr(97 + n), n * 100) FROM generate_series(1, 20) n"
    origin, target = database(TABLES + ROWS + SMALL + filled), database(TABLES + SMALL)
    small, nothing = (
        rows("small", ("n", "said")),
        rows("nothing", (), query="SELECT FROM ONLY public.nothing"),
    )
    with moment(origin, "plain", "nothing", "small") as source:
        done = moved(source, target, together(PLAIN, nothing, replace(small, format="binary")), options())
    assert done.rows == 4 + 3 + 20
    assert content(target, "small") == content(origin, "small")
    with locked(target, options()) as there:
        (proofs,) = there.journal.proofs(1).values()
    assert [(proof["table"], proof["rows"]) for proof in proofs] == [
        ("public.plain", 4),
        ("public.nothing", 3),
        ("public.small", 20),
    ]
    assert {proof["digest"].partition(":")[0] for proof in proofs} == {"stream"}


@pytest.mark.parametrize(
    ("origin_has", "target_has", "line", "said"),
    [
        ("", "ALTER TABLE small ADD CHECK (n > 1)", 20, "violates check constraint"),
        ("UPDATE plain SET id = 7 WHERE id = 1", CHANGING, 30, r"rows that stand in public\.plain are not"),
        ("ALTER TABLE small DROP said", "", 20, 'column "said" does not exist'),
    ],
)
def test_of_small_tables_the_one_that_failed_is_named(
    newest_database: MakeDatabase, origin_has: str, target_has: str, line: int, said: str
) -> None:
    nothing = rows("nothing", (), query="SELECT FROM ONLY public.nothing")
    pieces = [nothing, rows("small", ("n", "said")), PLAIN]
    origin = newest_database(f"{TABLES}{ROWS}{SMALL}INSERT INTO small VALUES (1, 'a');{origin_has}")
    target = newest_database(f"{TABLES}{SMALL}{target_has}")
    with moment(origin, "plain", "nothing", "small") as source:
        with pytest.raises(StepError, match=said) as failed:
            moved(source, target, together(*pieces), options())
        assert failed.value.line == line
        for table in ("plain", "small", "nothing"):
            assert content(target, table) == []
        moved(source, newest_database(TABLES + SMALL), steps(PLAIN), options())  # it can go on


def second_pass(how: str) -> tuple[Step, ...]:
    """Rows of ``plain`` without what they say, and a step that brings it."""
    scratch = "CREATE TEMPORARY TABLE plain ON COMMIT DROP AS SELECT id, said FROM public.plain WITH NO DATA;"
    values = replace(
        PLAIN,
        table="pg_temp.plain",
        query="SELECT id, said FROM ONLY public.plain WHERE said IS NOT NULL",
        updates="public.plain",
        line=12,
    )
    update = f"UPDATE public.plain t SET said = {how} FROM pg_temp.plain s WHERE t.id = s.id;"
    first = replace(PLAIN, query="SELECT id, NULL FROM ONLY public.plain")
    pieces = (Statements(0, 0, 10, scratch), values, Statements(0, 0, 15, update))
    uses = Footprint((("public.plain", EXCLUSIVE),))
    return (
        *steps(first),
        Step(2, "data.sql", "second pass", "data", 10, segments=pieces, footprint=uses, rows=4),
    )


def test_a_second_pass_is_proved_where_its_values_end(newest_database: MakeDatabase) -> None:
    origin, target = newest_database(TABLES + ROWS), newest_database(TABLES)
    with moment(origin) as source:
        moved(source, target, second_pass("s.said"), options())
        assert sorted(content(target, "plain")) == content(origin, "plain")
        with locked(target, options()) as there:
            (proof,) = there.journal.proofs(1)[2]
        assert (proof["updates"], proof["rows"]) == ("public.plain", 3)
        wrong = newest_database(TABLES)
        said = r"the 3 rows that stand in public\.plain are not those that the source sent"
        with pytest.raises(StepError, match=said) as failed:
            moved(source, wrong, second_pass("s.said || '!'"), options())
        assert failed.value.line == 12
        assert content(wrong, "plain") == [(number, None) for number in (1, 2, 3, 4)]
        less = newest_database(TABLES)
        with pytest.raises(StepError, match=r"2 rows stand in public\.plain, and the source sent 3"):
            moved(source, less, second_pass("s.said"), options(), lambda event: _gone(event, less))
        unproved = replace(source, proves=False)
        moved(unproved, newest_database(TABLES), second_pass("s.said || '!'"), options())


def _gone(event: Event, where: Address) -> None:
    """Take a row away between the two."""
    if isinstance(event, Finished) and event.step.number == 1:
        with connect(where) as other:
            other.execute("DELETE FROM plain WHERE id = 3")
