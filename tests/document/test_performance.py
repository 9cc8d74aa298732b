"""Classes of frequency and growth, what is noted, and which questions indexes serve."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.advise import Advice, Finding
from migplan.advise.rules import key_without_index
from migplan.catalog.model import Index, Policy, Table, Use
from migplan.catalog.vitals import Bloat, Vitals
from migplan.document.model import Frequency, Growth, Performance
from migplan.level import Level
from tests import catalogs
from tests.catalogs import SERVER, altered, name
from tests.document.documenting import database, of, section, table

MONTH_AGO = "2024-12-02T00:00:00+00:00"  # thirty days before the moment of SERVER


SINCE_A_MONTH = Vitals(MONTH_AGO)


def _performance(found: Table, vitals: Vitals | None = SINCE_A_MONTH) -> Performance:
    return section(of(replace(database(found), vitals=vitals)), found.name.name).performance


def _used(**counters: int) -> Performance:
    return _performance(replace(table("t"), use=Use(**counters)))


@pytest.mark.parametrize(
    ("counters", "reads", "writes", "growth"),
    [
        ({}, Frequency.LOW, Frequency.NONE, Growth.STATIC),
        ({"sequential_scans": 14_000}, Frequency.LOW, Frequency.NONE, Growth.STATIC),
        ({"sequential_scans": 8_000, "index_scans": 7_000}, Frequency.MEDIUM, Frequency.NONE, Growth.STATIC),
        ({"index_scans": 300_000}, Frequency.HIGH, Frequency.NONE, Growth.STATIC),
        ({"inserted": 1}, Frequency.LOW, Frequency.LOW, Growth.SLOW),
        ({"inserted": 600, "deleted": 600}, Frequency.LOW, Frequency.MEDIUM, Growth.STATIC),
        ({"inserted": 3_000}, Frequency.LOW, Frequency.MEDIUM, Growth.FAST),
        ({"updated": 30_000}, Frequency.LOW, Frequency.HIGH, Growth.STATIC),
    ],
)
def test_counters_become_classes(
    counters: dict[str, int], reads: Frequency, writes: Frequency, growth: Growth
) -> None:
    found = _used(**counters)
    assert (found.reads, found.writes, found.growth) == (reads, writes, growth)


def test_looking_does_not_change_a_class() -> None:
    assert _used(sequential_scans=100) == _used(sequential_scans=400)


def test_without_vitals_nothing_is_known() -> None:
    found = _performance(replace(table("t"), use=Use(inserted=10**6)), None)
    assert (found.reads, found.writes, found.growth) == (Frequency.UNKNOWN, Frequency.UNKNOWN, Growth.UNKNOWN)


def test_a_month_is_assumed_and_said_where_the_server_does_not_say() -> None:
    found = _performance(replace(table("t"), use=Use(inserted=3_000)), Vitals(None))
    assert found.growth is Growth.FAST
    assert "a month is assumed" in found.notes[-1]


def test_a_day_is_the_least() -> None:
    found = _performance(replace(table("t"), use=Use(inserted=99)), Vitals(SERVER.read_at))
    assert found.growth is Growth.SLOW


def test_partitions_count_together() -> None:
    found = catalogs.catalog({"a": [], "x": [], "y": []}, partitions={"a": ["x", "y"]})
    for part in ("x", "y"):
        found = altered(found, part, use=Use(inserted=1_500))
    assert section(of(replace(found, vitals=Vitals(MONTH_AGO))), "a").performance.growth is Growth.FAST


def test_notes_follow_from_counters() -> None:
    indexes = (Index("idle", None, ("a",), scans=0), Index("busy", None, ("b",), scans=5))
    there = table("t", "a text", "b text", indexes=indexes, rows=5_000)
    busy = replace(there, use=Use(sequential_scans=900, index_scans=100, dead_rows=2_000))
    wasted = Vitals(MONTH_AGO, bloat=(Bloat(name("t"), 10_000_000, 4_200_000),))
    notes = _performance(busy, wasted).notes
    assert "Most reads go through the whole table." in notes
    assert "About 30 % of its rows are dead: VACUUM does not keep up." in notes
    assert "About 40 % of public.t is empty space." in notes
    assert "Not used since the server began to count: idle." in notes
    assert _performance(replace(there, use=Use(index_scans=1_000))).notes[0].startswith("Nearly all reads")
    assert not _performance(replace(busy, use=Use(sequential_scans=90, dead_rows=900))).notes


def test_indexing_says_what_is_served() -> None:
    policy = Policy("p", "ALL", ("PUBLIC",), using="(tenant_id = current_setting('app.t'::text)::uuid)")
    there = table(
        "t",
        "tenant_id uuid",
        "check_in date",
        "check_out date",
        "status text",
        "external_id text",
        indexes=(Index("i", None, ("tenant_id", "check_in", "check_out")),),
        policies=(policy,),
    )
    assert _performance(there).indexing == (
        "Isolation by tenant_id, which the policies compare: index i begins with it.",
        "Dates, check_in to check_out: index i.",
        "State, status: no index.",
        "Ids of other systems, external_id: no index.",
    )
    assert _performance(table("t", key=())).indexing == (
        "There is no index: every question reads the whole table.",
    )


def test_a_key_without_index_names_its_finding() -> None:
    found = altered(catalogs.catalog({"a": [], "b": ["a"]}), "b", indexes=(Index("b_pkey", None, ("id",)),))
    code = key_without_index.RULE.code
    finding = Finding(code, Level.NOTE, "", "public.b (a_id)", "", table=name("b"))
    with_code = section(of(found, Advice((finding,))), "b")
    assert with_code.performance.indexing == (f"Foreign keys: no index begins with (a_id) ({code}).",)
    assert with_code.findings == (finding,)
    assert f"({code})" in with_code.patterns[1].performance
    assert f"({code})" not in section(of(found, Advice()), "b").patterns[1].performance
