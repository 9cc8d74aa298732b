"""``copy``: what order alone settles."""

from __future__ import annotations

from tests.catalogs import catalog
from tests.plan.making import planned, table_of, ways


def test_a_table_that_refers_to_nothing_says_so() -> None:
    assert table_of(planned({"a": []}), "a").reason == "refers to no other table"


def test_with_keys_after_the_rows_everything_is_copied() -> None:
    plan = planned({"a": ["b", "a?"], "b": ["a"], "c": ["b~"]})
    assert ways(plan) == {}
    assert plan.breaks == ()
    assert table_of(plan, "a").reason == "its 2 foreign keys are created after the rows"
    assert table_of(plan, "c").reason == "its 1 foreign key is created after the rows"


def test_with_live_keys_the_reason_names_what_is_loaded_before() -> None:
    plan = planned({"a": [], "b": [], "c": ["a", "b"]}, live=True)
    assert table_of(plan, "c").reason == "what it refers to is loaded before it: public.a, public.b"


def test_a_key_that_is_not_enforced_keeps_nobody_waiting() -> None:
    plan = planned({"a": ["b%"], "b": ["a"]}, live=True)
    assert ways(plan) == {}
    assert plan.breaks == ()
    assert [each.table for each in plan.tables] == ["public.a", "public.b"]
    assert table_of(plan, "a").reason == "no row is checked: its foreign keys are NOT ENFORCED"


def test_a_self_key_that_is_not_enforced_needs_no_levels() -> None:
    assert ways(planned({"a": ["a?%"]}, live=True)) == {}


def test_keys_that_leave_the_selection_are_said() -> None:
    plan = planned({"a": ["hr.people"]}, live=True)
    assert table_of(plan, "a").reason.endswith("; refers to hr.people, outside of the selection")


def test_a_partitioned_table_says_that_its_partitions_come_along() -> None:
    events = catalog({"e": [], "e_1": [], "e_2": []}, partitions={"e": ["e_1", "e_2"]})
    assert table_of(planned(events), "e").reason == "refers to no other table; loaded with its 2 partitions"


def test_by_hand_one_statement_checks_its_keys_to_itself_at_its_end() -> None:
    plan = planned({"a": ["a?"]}, live=True, strategies={"a": "copy"})
    assert table_of(plan, "a").reason.startswith("set by hand: one COPY statement")
