"""``deferred``: keys that were made so that they can wait."""

from __future__ import annotations

import pytest

from migplan.errors import CycleError, PlanError
from tests.plan.making import broken, planned, table_of, ways


def test_a_table_whose_own_keys_can_all_wait_is_deferred() -> None:
    table = table_of(planned({"a": ["a!"]}, live=True), "a")
    assert table.strategy == "deferred"
    assert "the key is DEFERRABLE" in table.reason


def test_a_circle_of_not_null_keys_is_cut_at_the_deferrable_one() -> None:
    plan = planned({"a": ["b"], "b": ["c"], "c": ["a!"]}, live=True)
    assert broken(plan) == {"c_a_id_fkey": "deferred"}
    assert ways(plan) == {"c": "deferred"}
    assert "a_id -> public.a closes a circle and is DEFERRABLE" in table_of(plan, "c").reason
    assert [each.table for each in plan.tables] == ["public.c", "public.b", "public.a"]


def test_deferring_is_cheaper_than_writing_rows_twice() -> None:
    assert broken(planned({"a": ["b!"], "b": ["a?"]}, live=True)) == {"a_b_id_fkey": "deferred"}


def test_several_keys_of_one_table_are_counted_in_the_sentence() -> None:
    plan = planned({"a": ["b!", "b(other)!"], "b": ["a"]}, live=True)
    assert (
        "b_id -> public.b, other -> public.b close circles and are DEFERRABLE" in table_of(plan, "a").reason
    )


def test_a_key_of_the_table_to_itself_that_cannot_wait_is_said_beside() -> None:
    plan = planned({"a": ["b!", "a"], "b": ["a"]}, live=True)
    table = table_of(plan, "a")
    assert table.strategy == "deferred"
    assert table.keys == ("a_b_id_fkey",)
    assert table.reason.endswith("; parents before children by parent_id -> id")


def test_by_hand_it_takes_a_deferrable_key() -> None:
    plan = planned({"a": ["b!"], "b": []}, live=True, strategies={"a": "deferred"})
    assert "set by hand" in table_of(plan, "a").reason
    with pytest.raises(PlanError, match="none of its foreign keys is DEFERRABLE"):
        planned({"a": ["b"], "b": []}, live=True, strategies={"a": "deferred"})


def test_by_hand_a_deferrable_key_elsewhere_does_not_open_the_circle() -> None:
    with pytest.raises(CycleError):
        planned(
            {"a": ["b", "c!"], "b": ["a!"], "c": []}, live=True, strategies={"a": "deferred", "b": "copy"}
        )
