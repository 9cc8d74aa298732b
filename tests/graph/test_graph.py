"""The graph's answers: on small catalogs, where they can be seen; on random ones, against the obvious way."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph, build
from migplan.names import QualifiedName
from tests.catalogs import catalog, name
from tests.strategies import catalogs

SHOP = {
    "customers": [],
    "countries": [],
    "settings": [],
    "categories": ["categories?"],
    "addresses": ["customers", "countries"],
    "orders": ["customers", "addresses?"],
    "items": ["orders", "categories"],
}


def short(names: object) -> list[str]:
    return [each.name for each in names]  # type: ignore[attr-defined]


@pytest.fixture
def shop() -> ForeignKeyGraph:
    return build(catalog(SHOP))


def test_depth_is_the_longest_way_down(shop: ForeignKeyGraph) -> None:
    assert {each.name: depth for each, depth in shop.depth.items()} == {
        "customers": 0,
        "countries": 0,
        "settings": 0,
        "categories": 0,
        "addresses": 1,
        "orders": 2,
        "items": 3,
    }


def test_roots_need_nothing_and_leaves_are_needed_by_nothing(shop: ForeignKeyGraph) -> None:
    assert short(shop.roots) == ["categories", "countries", "customers", "settings"]
    assert short(shop.leaves) == ["items", "settings"]


def test_isolated_tables_have_no_key_at_all(shop: ForeignKeyGraph) -> None:
    assert short(shop.isolated) == ["settings"]
    tree = build(catalog({"tree": ["tree?"], "alone": [], "outside": ["elsewhere"]}))
    assert short(tree.isolated) == ["alone"]


def test_a_partition_whose_key_leaves_the_selection_ties_its_table() -> None:
    graph = build(catalog({"events": [], "events_1": ["elsewhere"]}, partitions={"events": ["events_1"]}))
    assert graph.isolated == ()
    assert [str(key.referenced) for key in graph.leaving] == ["public.elsewhere"]


def test_hubs_count_what_waits_for_them_at_any_distance(shop: ForeignKeyGraph) -> None:
    assert [(hub.table.name, hub.direct, hub.transitive) for hub in shop.hubs] == [
        ("customers", 2, 3),
        ("countries", 1, 3),
        ("addresses", 1, 2),
        ("categories", 1, 1),
        ("orders", 1, 1),
    ]


def test_the_critical_chain_is_the_longest_root_first(shop: ForeignKeyGraph) -> None:
    assert short(shop.critical_chain) == ["countries", "addresses", "orders", "items"]
    assert build(catalog({})).critical_chain == ()


def test_the_critical_chain_leads_through_a_circle() -> None:
    graph = build(catalog({"a": [], "b": ["a", "c"], "c": ["b?"], "d": ["c"]}))
    assert short(graph.critical_chain) == ["a", "c", "d"]


def test_components_hang_together_and_the_largest_comes_first(shop: ForeignKeyGraph) -> None:
    assert [len(component) for component in shop.components] == [6, 1]


def test_a_key_of_a_table_to_itself_makes_no_edge(shop: ForeignKeyGraph) -> None:
    assert short(shop.self_keys) == ["categories"]
    assert shop.depth[name("categories")] == 0
    assert len(shop.all_keys) == len(shop.keys) + 1


def test_two_keys_between_the_same_tables_are_two_edges() -> None:
    graph = build(catalog({"a": [], "b": ["a(one)", "a(two)"]}))
    assert [key.columns for key in graph.keys] == [("one",), ("two",)]
    assert graph.needs[name("b")] == (name("a"),)


def test_a_cycle_names_the_keys_of_every_hop() -> None:
    graph = build(catalog({"a": ["b(one)", "b(two)"], "b": ["c"], "c": ["a"]}))
    (cycle,) = graph.cycles
    assert str(cycle) == "public.a -> public.b -> public.c -> public.a"
    assert [[key.name for key in keys] for keys in cycle.keys] == [
        ["a_one_fkey", "a_two_fkey"],
        ["b_c_id_fkey"],
        ["c_a_id_fkey"],
    ]


def test_tables_of_a_circle_share_their_depth() -> None:
    graph = build(catalog({"z": [], "a": ["b", "z"], "b": ["a"], "c": ["b"]}))
    assert [graph.depth[name(each)] for each in "zabc"] == [0, 1, 1, 2]
    assert graph.circles == (frozenset({name("a"), name("b")}),)


def test_overlapping_cycles_are_each_listed() -> None:
    graph = build(catalog({"a": ["b", "c"], "b": ["a"], "c": ["a"]}))
    assert [short(cycle.tables) for cycle in graph.cycles] == [["a", "b"], ["a", "c"]]


def test_a_cycle_may_lead_through_schemas() -> None:
    graph = build(
        catalog({"sales.orders": ["hr.people"], "hr.people": ["crm.teams"], "crm.teams": ["sales.orders"]})
    )
    assert str(graph.cycles[0]) == "crm.teams -> sales.orders -> hr.people -> crm.teams"


def test_of_a_large_circle_the_shortest_ways_round_are_shown() -> None:
    ring = {f"t{n:03}": [f"t{(n + 1) % 200:03}", f"t{(n * 7 + 5) % 200:03}"] for n in range(200)}
    lengths = [len(cycle.tables) for cycle in build(catalog(ring)).cycles]
    assert lengths == sorted(lengths)
    assert len(lengths) == 10
    assert lengths[-1] <= 8


def test_a_long_ring_is_found_although_it_is_long() -> None:
    graph = build(catalog({f"t{n:03}": [f"t{(n + 1) % 150:03}"] for n in range(150)}))
    assert [len(cycle.tables) for cycle in graph.cycles] == [150]


def test_partitions_are_folded_into_their_table() -> None:
    graph = build(
        catalog(
            {
                "people": [],
                "events": [],
                "events_1": ["people"],
                "events_2": [],
                "events_2a": [],
                "notes": ["events_2a"],
            },
            partitions={"events": ["events_1", "events_2"], "events_2": ["events_2a"]},
            rows={"events": 0, "events_1": 3, "events_2": 0, "events_2a": 4},
        )
    )
    assert short(graph.tables) == ["events", "notes", "people"]
    assert short(graph.partitions[name("events")]) == ["events_1", "events_2", "events_2a"]
    assert graph.needs[name("events")] == (name("people"),)
    assert graph.needs[name("notes")] == (name("events"),)
    assert graph.rows[name("events")].count == 7


def test_a_key_from_one_partition_to_another_is_a_key_of_the_table_to_itself() -> None:
    graph = build(
        catalog({"e": [], "e_1": ["e_2?"], "e_2": []}, partitions={"e": ["e_1", "e_2"]}),
    )
    assert [key.name for key in graph.self_keys[name("e")]] == ["e_1_e_2_id_fkey"]
    assert graph.keys == ()


def test_rows_of_a_partitioned_table_are_unknown_when_those_of_a_partition_are() -> None:
    graph = build(catalog({"e": [], "e_1": []}, partitions={"e": ["e_1"]}, rows={"e_1": None}))
    assert graph.rows[name("e")].count is None


def test_keys_that_leave_the_selection_are_said() -> None:
    graph = build(catalog({"a": ["gone"], "b": ["a"]}))
    assert [str(key) for key in graph.leaving] == ["public.a (gone_id) -> public.gone (id)"]
    assert graph.depth[name("a")] == 0


def test_parents_by_inheritance_are_known() -> None:
    graph = build(catalog({"base": [], "child": []}, inherits={"child": ["base", "outside"]}))
    assert graph.inherits == {name("child"): (name("base"),)}


def test_domains_that_refuse_null_are_known() -> None:
    from migplan.catalog.model import Type  # noqa: PLC0415

    types = (
        Type(name("code"), "domain", ("text", "NOT NULL")),
        Type(name("maybe"), "domain", ("text",)),
        Type(name("mood"), "enum", ("NOT NULL",)),
    )
    assert build(replace(catalog({"a": []}), types=types)).not_null_domains == {"public.code"}


# What random graphs must obey, said in the most obvious way.


def naive_reach(graph: ForeignKeyGraph) -> dict[QualifiedName, set[QualifiedName]]:
    """Of each table, all that it needs at any distance, itself only if it stands in a circle."""
    reach: dict[QualifiedName, set[QualifiedName]] = {}
    for start in graph.tables:
        border, seen = list(graph.needs[start]), set(graph.needs[start])
        while border:
            new = set(graph.needs[border.pop()]) - seen
            seen |= new
            border += new
        reach[start] = seen
    return reach


@given(catalogs())
def test_depth_agrees_with_brute_force(found: Catalog) -> None:
    graph = build(found)
    reach = naive_reach(graph)
    for table, depth in graph.depth.items():
        circle = {other for other in reach[table] if table in reach[other]} | {table}
        below = [graph.depth[need] for member in circle for need in graph.needs[member] if need not in circle]
        assert depth == max(below, default=-1) + 1


@given(catalogs())
def test_what_a_table_blocks_agrees_with_a_search(found: Catalog) -> None:
    graph = build(found)
    reach = naive_reach(graph)
    for table in graph.tables:
        assert graph.blocked[table] == sum(table in reach[other] for other in graph.tables if other != table)


@given(catalogs())
def test_circles_and_cycles_agree_with_a_search(found: Catalog) -> None:
    graph = build(found)
    reach = naive_reach(graph)
    assert set().union(*graph.circles) == {table for table in graph.tables if table in reach[table]}
    for cycle in graph.cycles:
        for table, referenced, keys in zip(
            cycle.tables, (*cycle.tables[1:], cycle.tables[0]), cycle.keys, strict=True
        ):
            assert keys
            assert all((key.table, key.referenced) == (table, referenced) for key in keys)


@given(catalogs(most_tables=5, most_keys=9))
def test_every_way_round_is_listed_when_there_are_few(found: Catalog) -> None:
    graph = build(found)
    rounds = {
        way
        for size in range(2, 6)
        for way in permutations(sorted(graph.tables), size)
        if way[0] == min(way)
        and all(there in graph.needs[here] for here, there in zip(way, (*way[1:], way[0]), strict=True))
    }
    found_ways = {cycle.tables for cycle in graph.cycles}
    assert found_ways <= rounds
    if len(graph.circles) <= 1:
        assert len(found_ways) == min(10, len(rounds))


@given(catalogs())
def test_the_critical_chain_falls_by_one_level_each(found: Catalog) -> None:
    graph = build(found)
    chain = graph.critical_chain
    assert [graph.depth[table] for table in chain] == list(range(max(graph.depth.values()) + 1))


@given(catalogs(), st.randoms())
def test_the_order_of_tables_in_a_catalog_does_not_matter(found: Catalog, random: object) -> None:
    tables = list(found.tables)
    random.shuffle(tables)  # type: ignore[attr-defined]
    assert answers(build(replace(found, tables=tuple(tables)))) == answers(build(found))


def answers(graph: ForeignKeyGraph) -> str:
    return repr([list(graph.tables), graph.depth, graph.blocked, graph.hubs, graph.components, graph.cycles,
                 graph.critical_chain, graph.hops, graph.rows, graph.self_keys])  # fmt: skip


@pytest.mark.slow
def test_the_answers_do_not_change_with_the_seed_of_hashes() -> None:
    code = (
        "from tests.graph.test_graph import *\n"
        "from tests.plan.making import RING, planned\n"
        "from migplan.plan.file import dumps\n"
        "print(answers(build(catalog(RING))), dumps(planned(RING)))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "77")
    }
    assert len(said) == 1
