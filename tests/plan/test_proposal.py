"""Groups that nobody asked for."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.catalog.model import Catalog
from migplan.graph import build
from migplan.pipeline.analyze import read_catalog
from migplan.plan.groups import contradictions
from migplan.plan.proposal import MOST_GROUPS, propose
from tests.catalogs import catalog
from tests.plan.making import in_groups, planned
from tests.servers import Server
from tests.strategies import catalogs, forests

pytestmark = pytest.mark.slow


@given(st.one_of(forests(), catalogs()))
def test_every_table_is_in_one_group_and_no_key_points_forward(found: Catalog) -> None:
    graph = build(found)
    groups = propose(graph)
    assert sorted(table for group in groups for table in group.tables) == sorted(graph.tables)
    assert contradictions(groups, graph) == ()
    assert 1 <= len(groups) <= MOST_GROUPS
    names = [group.name for group in groups]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", each) for each in names)


@given(forests(), st.randoms())
def test_the_same_tables_give_the_same_groups_in_whatever_order_they_come(
    found: Catalog, chance: object
) -> None:
    tables = list(found.tables)
    chance.shuffle(tables)  # type: ignore[attr-defined]
    assert propose(build(replace(found, tables=tuple(tables)))) == propose(build(found))


@given(st.one_of(forests(), catalogs()))
def test_what_migplan_proposes_it_also_accepts(found: Catalog) -> None:
    assert planned(found).groups


def test_few_tables_stay_together() -> None:
    assert list(in_groups(planned({each: [] for each in "abcde"}))) == ["all"]


def test_a_child_does_not_come_before_the_parent_it_inherits_from() -> None:
    tables = {f"t{number}": [f"t{number - 1}"] if number else [] for number in range(20)}
    found = catalog({**tables, "child": []}, inherits={"child": ["t19"]})
    assert list(in_groups(planned(found)).values())[-1].count("child") == 1


def test_where_everything_goes_round_there_is_no_foundation() -> None:
    pairs = {f"{here}{number}": [f"{there}{number}"] for number in range(8) for here, there in ("ab", "ba")}
    assert not [each for each in in_groups(planned(pairs)) if each.startswith("foundation")]


@pytest.mark.parametrize("shape", ["chain", "star", "layers"])
def test_thousands_of_tables_are_grouped_soon(shape: str) -> None:
    shapes: dict[str, Callable[[int], list[int]]] = {
        "chain": lambda n: [n - 1],
        "star": lambda n: [n % 7],
        "layers": lambda n: [n // 3, n // 5],
    }
    needs = shapes[shape]
    found = catalog(
        {
            f"t{n:04}": sorted({f"t{need:04}" for need in needs(n)} - {f"t{n:04}"}) if n > 6 else []
            for n in range(1500)
        }
    )
    graph = build(found)
    start = time.perf_counter()
    assert len(propose(graph)) <= MOST_GROUPS
    assert time.perf_counter() - start < 5


def test_the_groups_of_the_demo_make_sense(newest: Server) -> None:
    groups = in_groups(planned(read_catalog(newest.address(newest.demo))))
    assert 3 <= len(groups) <= MOST_GROUPS
    first, *rest = groups
    assert first == "foundation"
    assert {"tenant_registry", "hotels", "sire_countries"} <= set(groups["foundation"])
    assert not any(re.fullmatch(r"tables(-\d+)?", name) for name in rest)
    home = {table: name for name, tables in groups.items() for table in tables}
    assert home["chat_messages"] == home["guest_conversations"] == home["conversation_memory"]
