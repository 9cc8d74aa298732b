"""How far a run is: estimates are never exceeded, rates are those of late, tables are told by themselves."""

from __future__ import annotations

import pytest

from migplan.report.run_progress import RunProgress
from migplan.run.engine import events
from migplan.run.engine.steps import CopyBlock, LiveRows, Step


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def live(number: int, table: str, rows: int, size: int) -> Step:
    piece = LiveRows(table, ("a",), f"SELECT a FROM {table}", "text", False, rows, size, 1)
    return Step(number, "10-data.sql", table, "data", 1, segments=(piece,), rows=rows, bytes=size)


def written(number: int, table: str, rows: int, size: int) -> Step:
    piece = CopyBlock(table, ("a",), rows, 0, size, 1)
    return Step(number, "10-data.sql", table, "data", 1, segments=(piece,), rows=rows, bytes=size)


def other(number: int) -> Step:
    return Step(number, "20-constraints.sql", "PRIMARY KEY of t", "constraints", 1, bytes=500)


def begun(clock: Clock, *steps: Step, done: frozenset[int] = frozenset()) -> RunProgress:
    found = RunProgress(clock)
    found.see(events.planned(steps, done))
    return found


def test_what_was_estimated_too_low_is_never_exceeded() -> None:
    clock = Clock()
    step, rest = live(1, "public.a", 3500, 1_000_000), live(2, "public.b", 100, 100_000)
    found = begun(clock, step, rest)
    found.see(events.Began(step))
    for _ in range(5):
        clock.now += 1
        found.see(events.Moved(step, 500_000))
        value = found.value
        assert value["done_bytes"] <= value["bytes"]
        assert found.share <= 1
    assert "0 of about 3,600 rows  2.5 MB of about 2.6 MB  500.0 kB/s" in str(found)
    found.see(events.Finished(step, 7500, 5.0))
    assert "7,500 of about 7,600 rows" in str(found)
    found.see(events.Began(rest))
    found.see(events.Finished(rest, 7, 0.1))  # and one that was estimated too high
    value = found.value
    assert (value["rows"], value["done_rows"]) == (7507, 7507)
    assert (value["bytes"], value["done_bytes"]) == (2_500_000, 2_500_000)
    assert found.share == 1


def test_what_files_hold_is_known() -> None:
    clock = Clock()
    steps = written(1, "public.a", 10, 1000), other(2)
    found = begun(clock, *steps)
    assert str(found).startswith("  0%  0/2 steps  0/10 rows  0 B")
    assert not found.value["estimated"]
    found.see(events.Began(steps[0]))
    found.see(events.Finished(steps[0], 10, 0.1))
    assert "1/2 steps  10/10 rows  1.0 kB" in str(found)
    assert found.share == pytest.approx(0.75)


def test_each_table_has_its_pace_and_its_time_left() -> None:
    clock = Clock()
    first, second, small = (
        live(1, "public.a", 10, 100_000_000),
        live(2, "public.a", 10, 100_000_000),
        live(3, "public.b", 1, 40_000_000),
    )
    found = begun(clock, first, second, small, other(4))
    for step in (first, small):
        found.see(events.Began(step))
    for _ in range(5):
        clock.now += 1
        found.see(events.Moved(first, 10_000_000))
        found.see(events.Moved(small, 1_000_000))
    assert found.running == [
        "public.a 25%, 10.0 MB/s, about 15 s",
        "public.b 12%, 1.0 MB/s, about 35 s",
    ]
    assert "rows in about 17 s" in str(found)
    tables = {each["table"]: each for each in found.value["tables"]}
    assert tables["public.a"]["bytes_per_second"] == 10_000_000
    assert tables["public.a"]["bytes"] == 200_000_000
    assert tables["public.b"]["seconds_left"] == 35.0


def test_the_rate_is_that_of_late() -> None:
    clock = Clock()
    step = live(1, "public.a", 10, 10_000_000_000)
    found = begun(clock, step)
    found.see(events.Began(step))
    for rate in (100_000_000, 1_000_000):
        for _ in range(60):
            clock.now += 1
            found.see(events.Moved(step, rate))
    assert found.value["bytes_per_second"] == pytest.approx(1_000_000, rel=0.05)
    assert "rows in about 1 h 6 min" in str(found)
    clock.now += 300  # nothing came since
    assert found.value["bytes_per_second"] < 60_000


def test_definitions_have_no_pace() -> None:
    clock = Clock()
    first, step = other(1), live(2, "public.a", 10, 100_000_000)
    found = begun(clock, first, step)
    found.see(events.Began(first))
    found.see(events.Finished(first, 0, 0.1))
    found.see(events.Began(step))
    clock.now += 10  # nothing comes
    assert str(found) == " 25%  1/2 steps  0 of about 10 rows  0 B of about 100.0 MB"
    assert found.running == ["public.a 0%"]


def test_what_is_tried_again_is_taken_back() -> None:
    clock = Clock()
    step = live(1, "public.a", 10, 1000)
    found = begun(clock, step, other(2))
    for _ in range(3):
        found.see(events.Began(step))
        clock.now += 1
        found.see(events.Moved(step, 900))
        found.see(events.Retrying(step, 1, "lost", 0.5))
    assert found.value["done_bytes"] == 0
    found.see(events.Began(step))
    found.see(events.Moved(step, 900))
    found.see(events.Finished(step, 9, 1.0))
    assert (found.value["done_bytes"], found.value["bytes"]) == (900, 900)


def test_what_was_done_before_counts_as_done() -> None:
    steps = live(1, "public.a", 10, 1000), live(2, "public.b", 10, 1000)
    found = begun(Clock(), *steps, done=frozenset({1}))
    assert "1/2 steps  10 of about 20 rows  1.0 kB of about 2.0 kB" in str(found)
    assert found.share == pytest.approx(0.5)
