"""Where circles are cut, and the order of loading that follows."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.catalog.model import Catalog
from migplan.config import Strategy
from migplan.errors import CycleError
from migplan.graph import build
from migplan.plan.cuts import cuts
from migplan.plan.order import loading_order
from tests.catalogs import catalog, name
from tests.plan.making import planned, table_of
from tests.strategies import catalogs


def check(found: Catalog, wanted: dict[str, int]) -> None:
    graph = build(found)
    opened = cuts(graph)
    cut = {(each.node, each.key.name) for each in opened}
    circle_of = {table: circle for circle in graph.circles for table in circle}
    order = loading_order(graph, opened, {name(table): place for table, place in wanted.items()})
    place = {table: number for number, table in enumerate(order)}
    assert sorted(order) == sorted(graph.tables)
    for table, referenced, key in graph.hops:
        free = not key.enforced and referenced in circle_of.get(table, ())
        if (table, key.name) not in cut and not free:
            assert place[referenced] < place[table], key


@given(catalogs())
def test_every_table_comes_after_all_it_needs_but_over_cut_keys(found: Catalog) -> None:
    check(found, {})


@given(catalogs(), st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 12)))
def test_a_wished_order_never_breaks_a_key(found: Catalog, wanted: dict[str, int]) -> None:
    check(found, wanted)


@given(catalogs(), st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(0, 12)))
def test_an_order_that_came_out_comes_out_again(found: Catalog, wanted: dict[str, int]) -> None:
    graph = build(found)
    once = loading_order(graph, cuts(graph), {name(table): place for table, place in wanted.items()})
    again = loading_order(graph, cuts(graph), {table: place for place, table in enumerate(once)})
    assert again == once


def test_a_wished_order_is_kept_where_the_keys_allow_it() -> None:
    graph = build(catalog({"a": [], "b": ["a"], "c": [], "d": ["c"]}))
    wanted = {name(table): place for place, table in enumerate("dbca")}
    assert [table.name for table in loading_order(graph, (), wanted)] == ["c", "d", "a", "b"]


def test_a_chain_of_thousands_is_put_in_order() -> None:
    graph = build(catalog({f"t{n:04}": [f"t{n - 1:04}"] if n else [] for n in range(3000)}))
    wanted = {table: -place for place, table in enumerate(graph.tables)}
    assert loading_order(graph, (), wanted) == tuple(graph.tables)


def large_circle(tables: int, keys: int) -> Catalog:
    """Most keys are NOT NULL; one in three may be NULL, one in ten can be deferred."""
    chance = random.Random(7)
    found: dict[str, list[str]] = {f"t{n:03}": [] for n in range(tables)}
    for number in range(keys):
        tail = number % tables
        head = (
            (tail + 1) % tables if number < tables else chance.choice([n for n in range(tables) if n != tail])
        )
        mark = ("?" if chance.random() < 0.3 else "") + ("!" if chance.random() < 0.1 else "")
        found[f"t{tail:03}"].append(f"t{head:03}(c{number}){mark}")
    return catalog(found, rows={table: chance.randrange(1000) for table in found})


def test_a_circle_of_hundreds_is_settled_soon_and_said_not_to_be_proven() -> None:
    found = large_circle(300, 900)
    start = time.perf_counter()
    opened = cuts(build(found))
    assert time.perf_counter() - start < 3
    assert not any(cut.best for cut in opened)
    said = planned(found, live=True)
    nulled = next(table for table in said.tables if table.strategy is Strategy.NULL_THEN_UPDATE)
    assert "the best that was found" in nulled.reason
    written_twice = [each for each in said.breaks if each.how is Strategy.NULL_THEN_UPDATE]
    assert all(each.reason.endswith(": the fewest that were found") for each in written_twice)


def test_a_circle_of_two_dozen_keys_is_proven() -> None:
    assert all(cut.best for cut in cuts(build(large_circle(10, 24))))


def test_strategies_by_hand_that_leave_a_circle_closed_are_refused_by_its_keys() -> None:
    with pytest.raises(CycleError) as refused:
        planned(
            {"a": ["b?"], "b": ["c?"], "c": ["a"], "d": ["a"]},
            live=True,
            strategies={"a": "copy", "b": "copy", "c": "copy"},
        )
    assert refused.value.keys == (
        "a_b_id_fkey: public.a (b_id) -> public.b (id)",
        "b_c_id_fkey: public.b (c_id) -> public.c (id)",
        "c_a_id_fkey: public.c (a_id) -> public.a (id)",
    )
    assert "public.a -> public.b -> public.c -> public.a" in str(refused.value)
    assert "null-then-update" in refused.value.do


def test_in_a_large_circle_a_refusal_comes_at_once() -> None:
    found = large_circle(150, 450)
    start = time.perf_counter()
    with pytest.raises(CycleError):
        planned(found, live=True, strategies={f"t{n:03}": "copy" for n in range(150)})
    assert time.perf_counter() - start < 3


def test_a_copy_by_hand_moves_the_cut_elsewhere() -> None:
    plan = planned({"a": ["b?"], "b": ["a?"]}, live=True, strategies={"a": "copy"})
    assert table_of(plan, "a").strategy is Strategy.COPY
    assert table_of(plan, "b").strategy is Strategy.NULL_THEN_UPDATE
