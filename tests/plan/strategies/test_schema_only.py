"""``schema-only``: tables that stay empty."""

from __future__ import annotations

from tests.catalogs import catalog
from tests.plan.making import broken, planned, table_of


def test_rows_of_a_foreign_table_stay_where_they_live() -> None:
    plan = planned(catalog({"f": [], "a": []}, foreign=["f"]))
    assert table_of(plan, "f").strategy == "schema-only"
    assert table_of(plan, "f").reason == "a foreign table: its rows live on another server, and stay there"
    assert plan.rows == 10


def test_by_hand_the_rows_are_left_behind_and_not_expected() -> None:
    plan = planned({"a": [], "log": []}, strategies={"log": "schema-only"})
    assert table_of(plan, "log").reason == "set by hand: the table is created, and its rows are left behind"
    assert plan.rows == 10


def test_who_refers_to_a_table_that_stays_empty_is_named() -> None:
    plan = planned({"a": [], "b": ["a"]}, strategies={"a": "schema-only"})
    assert "rows that refer to it will find nothing: public.b" in table_of(plan, "a").reason


def test_a_table_that_stays_empty_opens_its_circle() -> None:
    plan = planned({"a": ["b"], "b": ["a"]}, live=True, strategies={"a": "schema-only"})
    assert broken(plan) == {"a_b_id_fkey": "schema-only"}
    assert plan.breaks[0].reason == "set by hand; its table stays empty"
