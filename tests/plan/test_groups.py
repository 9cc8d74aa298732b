"""Groups that people ask for."""

from __future__ import annotations

import pytest

from migplan.errors import GroupingError, PlanError
from migplan.plan.groups import Wish
from tests.catalogs import catalog
from tests.plan.making import in_groups, planned, request

# The order that a well-known set of documents gave, and that cannot work: units need hotels.
HOTELS = {
    "tenants": [],
    "units": ["hotels"],
    "unit_photos": ["units"],
    "hotels": ["tenants"],
    "staff": ["tenants", "hotels"],
    "bookings": ["units", "staff?"],
    "logs": ["tenants"],
}
WISHES = (
    Wish("foundation", ("tenants",), 1),
    Wish("catalog", ("units", "unit_*"), 2),
    Wish("operations", ("hotels", "staff"), 3),
    Wish("bookings", ("bookings",), 4),
    Wish("logs", ("logs",), 6, "What happened."),
)


def test_a_group_that_needs_a_later_one_is_refused_by_its_keys() -> None:
    with pytest.raises(GroupingError) as refused:
        planned(HOTELS, groups=WISHES)
    assert refused.value.keys == (
        "units_hotels_id_fkey: public.units (hotels_id) -> public.hotels (id) "
        "needs group operations before group catalog",
    )
    assert "--reorder takes the order foundation, operations, catalog, bookings, logs" in refused.value.do
    assert "move public.hotels from operations to catalog" in refused.value.do


def test_reorder_moves_names_and_leaves_the_numbers_where_they_are() -> None:
    plan = planned(HOTELS, groups=WISHES, reorder=True)
    assert [(group.name, group.number) for group in plan.groups] == [
        ("foundation", 1),
        ("operations", 2),
        ("catalog", 3),
        ("bookings", 4),
        ("logs", 6),
    ]
    assert plan.groups[-1].files == ("06-schema-logs.sql", "15-data-logs.sql", "25-constraints-logs.sql")
    assert plan.groups[-1].purpose == "What happened."


def test_groups_that_need_each_other_can_only_be_fixed_by_moves() -> None:
    tables = {"a": [], "b": ["c"], "c": [], "d": ["a"]}
    groups = {"one": ["a", "b"], "two": ["c", "d"]}
    with pytest.raises(GroupingError) as refused:
        planned(tables, groups=groups)
    assert refused.value.do == "--reorder makes these moves: move public.c from two to one"
    assert in_groups(planned(tables, groups=groups, reorder=True)) == {"one": ["a", "c", "b"], "two": ["d"]}


def test_a_circle_stays_in_one_group() -> None:
    with pytest.raises(GroupingError) as refused:
        planned({"a": ["b?"], "b": ["a"]}, groups={"one": ["a"], "two": ["b"]})
    assert len(refused.value.keys) == 1


def test_a_group_that_loses_its_last_table_is_gone() -> None:
    plan = planned({"a": ["b?"], "b": ["a"]}, groups={"one": ["a"], "two": ["b"]}, reorder=True)
    assert list(in_groups(plan)) in (["one"], ["two"])


def test_inheritance_binds_groups_as_keys_do() -> None:
    found = catalog({"base": [], "child": []}, inherits={"child": ["base"]})
    with pytest.raises(GroupingError) as refused:
        planned(found, groups={"one": ["child"], "two": ["base"]})
    assert refused.value.keys == ("INHERITS: public.child -> public.base needs group two before group one",)


def test_a_table_named_outright_wins_over_a_glob() -> None:
    plan = planned({"a_1": [], "a_2": [], "b": []}, groups={"all": ["*"], "one": ["a_1"]})
    assert in_groups(plan) == {"all": ["a_2", "b"], "one": ["a_1"]}


@pytest.mark.parametrize("texts", [(["a_*"], ["*_1"]), (["a_1"], ["public.a_1"])])
def test_a_table_in_two_groups_is_refused(texts: tuple[list[str], list[str]]) -> None:
    with pytest.raises(PlanError, match=r"public\.a_1 is in more than one group: one \(.*\) and two \("):
        planned({"a_1": [], "a_2": []}, groups={"one": texts[0], "two": texts[1]})


def test_a_table_that_is_not_there_gets_a_suggestion() -> None:
    with pytest.raises(PlanError, match="group one names hotel, and no selected table") as refused:
        planned(HOTELS, groups={"one": ["hotel"]})
    assert refused.value.do == "did you mean public.hotels?"


def test_who_names_a_partition_is_told_its_table() -> None:
    found = catalog({"e": [], "e_1": []}, partitions={"e": ["e_1"]})
    for wanted in (request(groups={"one": ["e_1"]}), request(strategies={"e_1": "copy"})):
        with pytest.raises(PlanError) as refused:
            planned(found, wanted)
        assert refused.value.do == "partitions are loaded with their table: name public.e"


def test_a_strategy_for_a_table_that_is_not_there_gets_a_suggestion() -> None:
    with pytest.raises(PlanError, match=r"a strategy is set for public\.hotles") as refused:
        planned(HOTELS, strategies={"hotles": "copy"})
    assert refused.value.do == "did you mean public.hotels?"


def test_tables_that_nobody_named_go_where_their_keys_allow() -> None:
    plan = planned(HOTELS, groups={"base": ["hotels"], "top": ["bookings"]})
    assert in_groups(plan) == {
        "base": ["tenants", "hotels", "logs", "staff", "units", "unit_photos"],
        "top": ["bookings"],
    }


def test_what_a_claimed_table_needs_at_any_distance_comes_before_it() -> None:
    plan = planned({"a": [], "b": ["a"], "c": ["b"], "z": []}, groups={"one": ["c"], "two": ["z"]})
    assert in_groups(plan) == {"one": ["a", "b", "c"], "two": ["z"]}


def test_an_unclaimed_table_between_two_groups_pulls_what_it_needs_along() -> None:
    tables = {"base": [], "x": ["base", "shared"], "shared": [], "late": ["shared"]}
    plan = planned(tables, groups={"one": ["base"], "two": ["late"]})
    assert in_groups(plan) == {"one": ["base", "shared", "x"], "two": ["late"]}


def test_an_unclaimed_member_of_a_circle_goes_where_the_circle_is() -> None:
    tables = {"base": [], "a": ["b"], "b": ["c?", "base"], "c": ["a"]}
    plan = planned(tables, groups={"one": ["base"], "two": ["a"]})
    assert in_groups(plan) == {"one": ["base"], "two": ["b", "a", "c"]}


def test_an_unclaimed_child_follows_its_parent() -> None:
    found = catalog({"a": [], "base": ["a"], "child": []}, inherits={"child": ["base"]})
    plan = planned(found, groups={"one": ["a"], "two": ["base"]})
    assert in_groups(plan) == {"one": ["a"], "two": ["child", "base"]}


def test_tables_without_any_tie_make_a_group_of_their_own() -> None:
    plan = planned({"a": [], "z": []}, groups={"others": ["a"]})
    assert in_groups(plan) == {"others": ["a"], "others-2": ["z"]}


def test_numbers_must_rise() -> None:
    wishes = (Wish("one", ("a",), 4), Wish("two", ("b",), 2))
    with pytest.raises(PlanError, match="group two has number 2, and stands after one, number 4"):
        planned({"a": [], "b": []}, groups=wishes)


def test_more_than_nine_groups_take_three_digits() -> None:
    tables: dict[str, list[str]] = {f"t{number}": [] for number in range(11)}
    plan = planned(tables, groups={f"g{number}": [f"t{number}"] for number in range(11)})
    assert plan.groups[0].files == ("001-schema-g0.sql", "101-data-g0.sql", "201-constraints-g0.sql")
    assert plan.groups[10].files == ("011-schema-g10.sql", "111-data-g10.sql", "211-constraints-g10.sql")


def test_with_live_keys_there_is_no_constraints_file() -> None:
    plan = planned({"a": []}, groups={"one": ["a"]}, live=True)
    assert plan.groups[0].files == ("01-schema-one.sql", "10-data-one.sql")


def test_a_number_of_three_digits_is_refused() -> None:
    wishes = (Wish("one", ("a",), 99), Wish("two", ("b",)))
    with pytest.raises(PlanError, match="100 is too high"):
        planned({"a": [], "b": []}, groups=wishes)


def test_nothing_to_plan_is_said() -> None:
    with pytest.raises(PlanError, match="there is nothing to plan"):
        planned({})
