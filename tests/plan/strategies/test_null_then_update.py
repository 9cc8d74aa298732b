"""``null-then-update``: circles cut open where a column may be NULL."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.catalog.model import Catalog, Check, Column, Index, Key, Type
from migplan.errors import PlanError
from tests.catalogs import altered, catalog, name
from tests.plan.making import broken, planned, table_of, ways

PAIR = {"a": ["b?"], "b": ["a"]}


def test_a_circle_is_cut_where_a_column_may_be_null() -> None:
    plan = planned(PAIR, live=True)
    assert broken(plan) == {"a_b_id_fkey": "null-then-update"}
    assert ways(plan) == {"a": "null-then-update"}
    assert "b_id -> public.b closes a circle and may be NULL" in table_of(plan, "a").reason
    assert "10 rows set in a second pass" in table_of(plan, "a").reason
    assert plan.breaks[0].reason == "it may be NULL; about 10 rows are written twice: the fewest"


def test_of_two_ways_the_one_with_fewer_rows_is_taken() -> None:
    found = catalog({"a": ["b?"], "b": ["a?"]}, rows={"a": 500, "b": 7})
    assert broken(planned(found, live=True)) == {"b_a_id_fkey": "null-then-update"}


def test_rows_that_are_null_anyway_are_not_written_twice() -> None:
    found = catalog(
        {"a": ["b?"], "b": ["a?"]}, rows={"a": 500, "b": 7}, null_fractions={"a_b_id_fkey": 0.998}
    )
    plan = planned(found, live=True)
    assert broken(plan) == {"a_b_id_fkey": "null-then-update"}
    assert "1 row set in a second pass" in table_of(plan, "a").reason


def test_rows_that_nobody_counted_are_said_to_be_unknown() -> None:
    plan = planned(catalog(PAIR, rows=None), live=True)
    assert plan.breaks[0].reason == "it may be NULL; an unknown number of rows are written twice"
    assert "its rows set in a second pass" in table_of(plan, "a").reason


def test_three_tables_and_three_schemas_are_one_circle_all_the_same() -> None:
    plan = planned({"x.a": ["y.b"], "y.b": ["z.c?"], "z.c": ["x.a"]}, live=True)
    assert broken(plan) == {"b_c_id_fkey": "null-then-update"}
    assert [each.table for each in plan.tables] == ["y.b", "x.a", "z.c"]


def test_overlapping_cycles_are_cut_where_they_meet() -> None:
    plan = planned({"a": ["b?"], "b": ["c"], "c": ["a", "b(back)?"]}, live=True)
    assert broken(plan) == {"a_b_id_fkey": "null-then-update", "c_back_fkey": "null-then-update"}
    plan = planned({"a": ["b", "c"], "b": ["hub"], "c": ["hub"], "hub": ["a?"]}, live=True)
    assert broken(plan) == {"hub_a_id_fkey": "null-then-update"}


def test_of_a_composite_key_one_column_that_may_be_null_is_enough() -> None:
    assert ways(planned({"a": ["b(tenant, b_id?)"], "b": ["a"]}, live=True)) == {"a": "null-then-update"}


def test_with_match_full_every_column_must_be_nullable() -> None:
    half = planned({"a": ["b(tenant, b_id?)="], "b": ["a"]}, live=True)
    assert set(ways(half).values()) == {"constraint-later"}
    whole = planned({"a": ["b(tenant?, b_id?)="], "b": ["a"]}, live=True)
    assert ways(whole) == {"a": "null-then-update"}


def test_keys_of_the_table_to_itself_go_the_same_way() -> None:
    table = table_of(planned({"a": ["b?", "a?"], "b": ["a"]}, live=True), "a")
    assert table.keys == ("a_b_id_fkey", "a_parent_id_fkey")


def test_a_key_to_itself_that_cannot_be_null_is_said_beside() -> None:
    table = table_of(planned({"a": ["b?", "a"], "b": ["a"]}, live=True), "a")
    assert table.keys == ("a_b_id_fkey",)
    assert table.reason.endswith("; parents before children by parent_id -> id")


def test_a_table_with_one_key_of_each_kind_says_both() -> None:
    plan = planned({"a": ["b?", "c!"], "b": ["a"], "c": ["a"]}, live=True)
    assert broken(plan) == {"a_b_id_fkey": "null-then-update", "a_c_id_fkey": "deferred"}
    table = table_of(plan, "a")
    assert table.strategy == "null-then-update"
    assert "; c_id -> public.c is DEFERRABLE and is checked at the end of the transaction" in table.reason


def refusing(**fields: object) -> Catalog:
    return altered(catalog(PAIR), "a", **fields)


ID = Column("id", "integer", not_null=True)
B_ID = Column("b_id", "integer")


@pytest.mark.parametrize(
    "found",
    [
        refusing(columns=(ID, replace(B_ID, generated="stored"))),
        refusing(checks=(Check("c", "CHECK ((b_id IS NOT NULL))"),)),
        refusing(checks=(Check("c", "CHECK ((num_nonnulls(b_id, other) = 1))"),)),
        refusing(unique_keys=(Key("u", ("b_id",), nulls_not_distinct=True),)),
        refusing(
            indexes=(
                Index("u", "CREATE UNIQUE INDEX u ON a (b_id) NULLS NOT DISTINCT", ("b_id",), unique=True),
            )
        ),
        replace(
            refusing(columns=(ID, replace(B_ID, type="public.some_id"))),
            types=(Type(name("some_id"), "domain", ("integer", "NOT NULL")),),
        ),
        catalog({"a": ["b(b_id?)"], "a_1": [], "b": ["a"]}, partitions={"a": ["a_1"]}),
    ],
    ids=["generated", "check", "check by function", "unique", "unique index", "domain", "partition"],
)
def test_a_column_that_something_else_keeps_from_being_null_is_no_way_out(found: Catalog) -> None:
    if "public.a_1" in map(str, found.by_name):
        strict = (ID, Column("b_id", "integer", not_null=True))
        found = altered(found, "a_1", columns=strict)
    assert set(ways(planned(found, live=True)).values()) == {"constraint-later"}


def test_checks_that_are_content_with_null_do_not_matter() -> None:
    checks = (Check("c", "CHECK ((b_id > 0))"), Check("d", "CHECK ((other IS NOT NULL))"))
    assert ways(planned(refusing(checks=checks), live=True)) == {"a": "null-then-update"}


def test_a_column_that_other_rows_refer_to_stays_as_it_is() -> None:
    found = catalog({"a": ["b(id2?)"], "b": ["a(one, two)"]})
    assert found.by_name[name("b")].foreign_keys[0].referenced_columns == ("id", "id2")
    assert set(ways(planned(found, live=True)).values()) == {"constraint-later"}


def test_by_hand_it_takes_a_column_that_may_be_null() -> None:
    plan = planned({"a": ["b?"], "b": []}, live=True, strategies={"a": "null-then-update"})
    assert table_of(plan, "a").keys == ("a_b_id_fkey",)
    with pytest.raises(PlanError, match="none of its foreign keys has a column that may be NULL"):
        planned({"a": ["b"], "b": []}, live=True, strategies={"a": "null-then-update"})


def test_by_hand_the_dearer_cut_is_taken_and_said_to_be_someones() -> None:
    found = catalog({"a": ["b?"], "b": ["a?"]}, rows={"a": 500, "b": 7})
    plan = planned(found, live=True, strategies={"a": "null-then-update"})
    assert broken(plan) == {"a_b_id_fkey": "null-then-update"}
    assert plan.breaks[0].reason == "set by hand; it may be NULL; about 500 rows are written twice"
