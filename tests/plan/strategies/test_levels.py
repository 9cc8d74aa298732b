"""``levels``: rows that refer to rows of the same table."""

from __future__ import annotations

import pytest

from migplan.errors import PlanError
from tests.catalogs import catalog
from tests.plan.making import planned, table_of


def test_a_hierarchy_is_loaded_parents_first() -> None:
    table = table_of(planned({"staff": ["staff?"]}, live=True), "staff")
    assert table.strategy == "levels"
    assert table.keys == ("staff_parent_id_fkey",)
    assert "by 1 key (parent_id -> id): first those that refer to none" in table.reason


def test_several_keys_of_a_table_to_itself_count_together() -> None:
    table = table_of(planned({"events": ["events?", "events(merged_into)"]}, live=True), "events")
    assert table.strategy == "levels"
    assert "by 2 keys (merged_into -> id, parent_id -> id)" in table.reason


def test_a_composite_key_is_one_key() -> None:
    table = table_of(planned({"parts": ["parts(tenant, parent?)"]}, live=True), "parts")
    assert table.strategy == "levels"
    assert table.keys == ("parts_tenant_parent_fkey",)
    assert "by 1 key (tenant, parent -> id, id2)" in table.reason


def test_one_deferrable_key_beside_another_that_is_not_does_not_help() -> None:
    assert table_of(planned({"a": ["a?!", "a(other)"]}, live=True), "a").strategy == "levels"


def test_keys_between_partitions_name_the_partition_that_has_them() -> None:
    events = catalog({"e": [], "e_1": ["e?"], "e_2": ["e_1?"]}, partitions={"e": ["e_1", "e_2"]})
    table = table_of(planned(events, live=True), "e")
    assert table.strategy == "levels"
    assert table.keys == ("e_1_e_id_fkey on public.e_1", "e_2_e_1_id_fkey on public.e_2")
    assert table.reason.endswith("; loaded with its 2 partitions")


def test_by_hand_it_takes_a_key_of_the_table_to_itself() -> None:
    plan = planned({"a": ["a?!"]}, live=True, strategies={"a": "levels"})
    assert table_of(plan, "a").reason == "set by hand: parents before children by parent_id -> id"
    with pytest.raises(PlanError, match="none of its rows refers to another row of the table"):
        planned({"a": [], "b": ["a"]}, live=True, strategies={"b": "levels"})
