"""``constraint-later``: when nothing gentler works."""

from __future__ import annotations

import pytest

from migplan.errors import PlanError
from tests.catalogs import catalog
from tests.plan.making import broken, planned, table_of, ways


def test_a_circle_of_not_null_keys_that_cannot_wait_is_cut_all_the_same() -> None:
    found = catalog({"a": ["b"], "b": ["a"]}, rows={"a": 5, "b": 90})
    plan = planned(found, live=True)
    assert broken(plan) == {"a_b_id_fkey": "constraint-later"}
    assert ways(plan) == {"a": "constraint-later"}
    assert "is NOT NULL and cannot be deferred" in table_of(plan, "a").reason
    assert plan.breaks[0].reason == "it can neither be deferred nor be NULL"


def test_one_key_created_later_is_dearer_than_any_number_of_rows() -> None:
    found = catalog({"a": ["b"], "b": ["a?"]}, rows={"a": 0, "b": 10**8})
    assert broken(planned(found, live=True)) == {"b_a_id_fkey": "null-then-update"}


def test_a_key_that_its_own_rows_may_break_is_created_after_them() -> None:
    table = table_of(planned({"a": [], "b": ["a~"]}, live=True), "b")
    assert table.strategy == "constraint-later"
    assert table.keys == ("b_a_id_fkey",)
    assert "b_a_id_fkey is NOT VALID" in table.reason


def test_a_circle_is_open_where_a_key_is_created_later_anyhow() -> None:
    plan = planned({"a": ["b~"], "b": ["a?"]}, live=True)
    assert broken(plan) == {"a_b_id_fkey": "constraint-later"}
    assert plan.breaks[0].reason == "it is NOT VALID, and created after the rows in any case"
    assert ways(plan) == {"a": "constraint-later"}


def test_a_key_that_is_not_valid_does_not_hide_a_cut_of_another_kind() -> None:
    plan = planned({"a": ["b?", "c~"], "b": ["a"], "c": []}, live=True)
    table = table_of(plan, "a")
    assert table.strategy == "constraint-later"
    assert table.keys == ("a_c_id_fkey",)
    assert "; b_id -> public.b may be NULL and is set in a second pass" in table.reason
    assert broken(plan) == {"a_b_id_fkey": "null-then-update"}


def test_a_key_that_is_not_valid_does_not_hide_a_hierarchy() -> None:
    table = table_of(planned({"a": ["a?", "c~"], "c": []}, live=True), "a")
    assert table.reason.endswith("; parents before children by parent_id -> id")


def test_by_hand_it_takes_a_foreign_key() -> None:
    plan = planned({"a": ["b", "a?"], "b": []}, live=True, strategies={"a": "constraint-later"})
    assert table_of(plan, "a").keys == ("a_b_id_fkey", "a_parent_id_fkey")
    with pytest.raises(PlanError, match="it has no foreign key that could be created later"):
        planned({"a": []}, live=True, strategies={"a": "constraint-later"})


def test_by_hand_the_other_key_of_the_circle_is_kept() -> None:
    plan = planned({"a": ["b?"], "b": ["a"]}, live=True, strategies={"b": "constraint-later"})
    assert broken(plan) == {"b_a_id_fkey": "constraint-later"}
    assert ways(plan) == {"b": "constraint-later"}
    assert plan.breaks[0].reason == "set by hand"
