"""Planning again over a file that people edited, while the database went on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.catalog.model import Catalog, Column
from migplan.catalog.selection import Selected
from migplan.config import Strategy
from migplan.errors import CycleError, GroupingError, PlanError
from migplan.graph import build
from migplan.plan.file import dumps
from migplan.plan.make import Request
from migplan.plan.model import Plan, PlannedGroup, PlannedTable
from migplan.plan.replan import Before, Replanned, replan
from tests.catalogs import altered, catalog, name
from tests.plan.making import broken, in_groups, planned, request, table_of, ways

SHOP = {
    "customers": [],
    "countries": [],
    "orders": ["customers"],
    "items": ["orders"],
    "logs": [],
    "staff": ["staff?"],
}
GROUPS = {"base": ["customers", "countries"], "sales": ["orders", "items"], "rest": ["logs", "staff"]}
LIVE = request(live=True, groups=GROUPS)
START = planned(SHOP, LIVE)

Edit = Callable[[PlannedGroup], PlannedGroup]


def replanned(
    written: Plan,
    tables: Mapping[str, Sequence[str]] | Catalog = SHOP,
    wanted: Request = LIVE,
    before: Plan | None = START,
    asked: Request | None = LIVE,
    then: Catalog | None = None,
) -> Replanned:
    """Plan again; whatever comes out must come out again when nothing has changed since."""
    found = tables if isinstance(tables, Catalog) else catalog(tables)
    then = catalog(SHOP) if before is START else then
    result = replan(
        Selected(found), build(found), wanted, written, Before(before, then, asked if before else None)
    )
    repeated = replan(Selected(found), build(found), wanted, result.plan, Before(result.plan, found, wanted))
    assert dumps(repeated.plan) == dumps(result.plan)
    assert repeated.changed == ()
    assert repeated.kept == result.kept
    return result


def edited(plan: Plan, group: str, **fields: object) -> Plan:
    """The plan with one group changed, the way an editor does it."""
    groups = tuple(each.model_copy(update=fields) if each.name == group else each for each in plan.groups)
    return plan.model_copy(update={"groups": groups})


def with_table(plan: Plan, table: str, **fields: object) -> Plan:
    """The plan with one table changed."""
    if "strategy" in fields:
        fields["strategy"] = Strategy(str(fields["strategy"]))
    groups = tuple(
        group.model_copy(
            update={
                "tables": tuple(
                    each.model_copy(update=fields) if each.table == str(name(table)) else each
                    for each in group.tables
                )
            }
        )
        for group in plan.groups
    )
    return plan.model_copy(update={"groups": groups})


def moved(plan: Plan, table: str, to: str) -> Plan:
    """The plan with a table cut out of one group and pasted into another."""
    taken = table_of(plan, table)
    groups = []
    for group in plan.groups:
        stay = tuple(each for each in group.tables if each is not taken)
        groups.append(group.model_copy(update={"tables": (*stay, taken) if group.name == to else stay}))
    return plan.model_copy(update={"groups": tuple(groups)})


def regrouped(plan: Plan, *groups: PlannedGroup) -> Plan:
    return plan.model_copy(update={"groups": groups})


def group_of(plan: Plan, group: str) -> PlannedGroup:
    return next(each for each in plan.groups if each.name == group)


def test_without_any_change_the_file_stays_as_it_is() -> None:
    result = replanned(START)
    assert dumps(result.plan) == dumps(START)
    assert (result.kept, result.changed) == ((), ())


def test_a_table_that_was_moved_stays_where_it_is() -> None:
    result = replanned(moved(START, "logs", "sales"))
    assert in_groups(result.plan)["sales"] == ["orders", "items", "logs"]  # where the file has it
    assert table_of(result.plan, "logs").by_hand == ("group",)
    assert table_of(result.plan, "orders").by_hand == ()
    assert result.kept == ("kept: public.logs in group sales",)


def test_a_table_that_was_moved_back_is_nobodys_decision_any_more() -> None:
    once = replanned(moved(START, "logs", "sales")).plan
    result = replanned(moved(once, "logs", "rest"), before=once)
    assert in_groups(result.plan) == {**in_groups(START), "rest": ["staff", "logs"]}
    assert (result.kept, result.changed) == ((), ())
    assert not any(table.by_hand for table in result.plan.tables)


def test_taking_the_mark_away_leaves_the_table_where_it_is() -> None:
    once = replanned(moved(START, "logs", "sales")).plan
    result = replanned(with_table(once, "logs", by_hand=()), before=once)
    assert in_groups(result.plan) == in_groups(once)
    assert table_of(result.plan, "logs").by_hand == ()
    assert result.kept == ()


def test_a_move_against_the_keys_is_refused_by_them() -> None:
    with pytest.raises(GroupingError, match=r"items_orders_id_fkey.* needs group sales before group base"):
        replanned(moved(START, "items", "base"))


def test_a_strategy_that_was_chosen_stays() -> None:
    result = replanned(with_table(START, "staff", strategy="copy"))
    assert ways(result.plan) == {}
    assert table_of(result.plan, "staff").by_hand == ("strategy",)
    assert "set by hand" in table_of(result.plan, "staff").reason
    assert result.kept == ("kept: public.staff by copy",)


def test_a_strategy_that_was_set_back_is_nobodys_decision_any_more() -> None:
    once = replanned(with_table(START, "staff", strategy="copy")).plan
    result = replanned(with_table(once, "staff", strategy="levels"), before=once)
    assert dumps(result.plan) == dumps(START)


def test_an_impossible_strategy_is_refused() -> None:
    with pytest.raises(PlanError, match=r"public\.staff cannot be loaded by deferred"):
        replanned(with_table(START, "staff", strategy="deferred"))


def test_a_strategy_that_became_impossible_is_refused() -> None:
    tables = {"a": ["a!"]}
    once = replanned(
        with_table(planned(tables, request(live=True)), "a", strategy="levels"),
        tables,
        request(live=True),
        planned(tables, request(live=True)),
    ).plan
    with pytest.raises(PlanError, match="none of its rows refers to another row"):
        replanned(once, {"a": []}, request(live=True), once)


def test_a_choice_that_leaves_a_cycle_closed_names_its_keys() -> None:
    tables, wanted = {"a": ["b?"], "b": ["a"]}, request(live=True)
    plan = planned(tables, wanted)
    both = with_table(with_table(plan, "a", strategy="copy"), "b", strategy="constraint-later")
    assert ways(replanned(both, tables, wanted, plan).plan) == {"b": "constraint-later"}
    only = with_table(plan, "a", strategy="copy")
    assert ways(replanned(only, tables, wanted, plan).plan) == {"b": "constraint-later"}
    closed = planned({"a": ["b?"], "b": ["a?"]}, wanted)
    closed = with_table(with_table(closed, "a", strategy="copy"), "b", strategy="copy", by_hand=("strategy",))
    with pytest.raises(CycleError) as refused:
        replanned(closed, {"a": ["b?"], "b": ["a?"]}, wanted, planned({"a": ["b?"], "b": ["a?"]}, wanted))
    assert [key.partition(":")[0] for key in refused.value.keys] == ["a_b_id_fkey", "b_a_id_fkey"]


def test_what_follows_from_a_decision_is_not_taken_for_another() -> None:
    tables, wanted = catalog({"a": ["b?"], "b": ["a?"]}, rows={"a": 5, "b": 500}), request(live=True)
    plan = planned(tables, wanted)
    assert ways(plan) == {"a": "null-then-update"}
    result = replanned(with_table(plan, "b", strategy="null-then-update"), tables, wanted, plan)
    assert ways(result.plan) == {"b": "null-then-update"}
    assert table_of(result.plan, "a").by_hand == ()
    assert table_of(result.plan, "b").by_hand == ("strategy",)


def test_a_renamed_group_keeps_its_name_and_takes_in_what_is_new() -> None:
    written = edited(START, "sales", name="orders-and-items")
    result = replanned(
        written,
        {**SHOP, "refunds": ["orders"]},
        request(live=True, groups={**GROUPS, "sales": ["orders", "items", "refunds"]}),
    )
    assert in_groups(result.plan)["orders-and-items"] == ["orders", "items", "refunds"]
    assert "sales" not in in_groups(result.plan)
    assert group_of(result.plan, "orders-and-items").files == (
        "02-schema-orders-and-items.sql",
        "11-data-orders-and-items.sql",
    )
    assert group_of(result.plan, "orders-and-items").by_hand == ("name",)
    assert not any(table.by_hand for table in result.plan.tables)
    assert "kept: of group orders-and-items its name" in result.kept


def test_a_group_whose_name_was_set_back_is_nobodys_decision_any_more() -> None:
    once = replanned(edited(START, "sales", name="orders")).plan
    assert dumps(replanned(edited(once, "orders", name="sales"), before=once).plan) == dumps(START)


def test_files_that_were_renamed_stay() -> None:
    result = replanned(edited(START, "sales", schema_file="02-tables-of-the-shop.sql"))
    assert group_of(result.plan, "sales").files == ("02-tables-of-the-shop.sql", "11-data-sales.sql")
    assert group_of(result.plan, "sales").by_hand == ("files",)
    assert group_of(result.plan, "base").files == group_of(START, "base").files


def test_a_number_that_was_set_stays_and_the_files_follow() -> None:
    result = replanned(edited(START, "rest", schema_file="06-schema-rest.sql"))
    assert group_of(result.plan, "rest").files == ("06-schema-rest.sql", "15-data-rest.sql")
    assert group_of(result.plan, "rest").by_hand == ("number",)


def test_numbers_after_one_that_was_set_are_counted_on() -> None:
    result = replanned(edited(START, "base", schema_file="07-schema-base.sql"))
    assert [group.number for group in result.plan.groups] == [7, 8, 9]


def test_a_purpose_that_was_written_stays() -> None:
    result = replanned(edited(START, "sales", purpose="What was sold: all of it."))
    assert group_of(result.plan, "sales").purpose == "What was sold: all of it."
    assert group_of(result.plan, "sales").by_hand == ("purpose",)


def test_groups_that_were_put_into_another_order_take_the_numbers_of_their_places() -> None:
    base, sales, rest = START.groups
    result = replanned(regrouped(START, rest, base, sales))
    assert [(group.name, group.number) for group in result.plan.groups] == [
        ("rest", 1),
        ("base", 2),
        ("sales", 3),
    ]
    assert result.kept == ("kept: the order of the groups",)
    back = replanned(
        regrouped(result.plan, *(result.plan.groups[place] for place in (1, 2, 0))), before=result.plan
    )
    assert dumps(back.plan) == dumps(START)


def test_tables_that_were_put_into_another_order_stay_so() -> None:
    rest = group_of(START, "rest")
    assert [table.table for table in rest.tables] == ["public.logs", "public.staff"]
    result = replanned(edited(START, "rest", tables=rest.tables[::-1]))
    assert in_groups(result.plan)["rest"] == ["staff", "logs"]
    assert group_of(result.plan, "rest").by_hand == ("order",)
    back = replanned(edited(result.plan, "rest", tables=rest.tables), before=result.plan)
    assert dumps(back.plan) == dumps(START)


def test_an_order_against_the_keys_gives_way_to_them() -> None:
    sales = group_of(START, "sales")
    result = replanned(edited(START, "sales", tables=sales.tables[::-1]))
    assert in_groups(result.plan)["sales"] == ["orders", "items"]


def test_a_group_that_was_dissolved_does_not_come_back_for_the_next_table() -> None:
    written = moved(moved(START, "logs", "base"), "staff", "base")
    written = regrouped(written, *written.groups[:2])
    result = replanned(
        written,
        {**SHOP, "metrics": []},
        request(live=True, groups={**GROUPS, "rest": ["logs", "staff", "metrics"]}),
    )
    assert list(in_groups(result.plan)) == ["base", "sales"]
    assert "metrics" in in_groups(result.plan)["base"]


def test_a_group_that_people_made_in_the_file_stays() -> None:
    extra = PlannedGroup(
        name="extra",
        schema_file="09-schema-extra.sql",
        data_file="18-data-extra.sql",
        tables=(table_of(START, "logs"),),
    )
    written = regrouped(moved(START, "logs", "nowhere"), *moved(START, "logs", "nowhere").groups, extra)
    result = replanned(written)
    assert in_groups(result.plan)["extra"] == ["logs"]
    assert group_of(result.plan, "extra").files == ("09-schema-extra.sql", "18-data-extra.sql")


def test_a_group_that_is_new_in_the_configuration_takes_its_place_there() -> None:
    wanted = request(
        live=True,
        groups={
            "base": ["customers"],
            "world": ["countries"],
            **{each: GROUPS[each] for each in ("sales", "rest")},
        },
    )
    result = replanned(moved(START, "logs", "sales"), wanted=wanted)
    assert list(in_groups(result.plan)) == ["base", "world", "sales", "rest"]
    assert "logs" in in_groups(result.plan)["sales"]
    assert [group.number for group in result.plan.groups] == [1, 2, 3, 4]
    assert "moved: public.countries from group base to world, migplan.yaml says so" in result.changed
    assert "group: world is new" in result.changed


def test_a_group_that_left_the_configuration_stays_for_what_was_moved_there() -> None:
    wanted = request(
        live=True, groups={"base": ["customers", "countries"], "all": ["orders", "items", "staff", "logs"]}
    )
    result = replanned(moved(START, "countries", "sales"), wanted=wanted)
    assert in_groups(result.plan)["sales"] == ["countries"]


def test_a_strategy_of_the_configuration_is_not_a_mark_in_the_file() -> None:
    wanted = request(live=True, groups=GROUPS, strategies={"staff": "copy"})
    plan = planned(SHOP, wanted)
    assert table_of(plan, "staff").by_hand == ()
    assert ways(replanned(plan, wanted=LIVE, before=plan).plan) == {"staff": "levels"}


def test_without_what_was_seen_all_that_differs_counts_as_set_by_hand() -> None:
    written = with_table(moved(START, "logs", "sales"), "staff", strategy="copy")
    result = replanned(edited(written, "base", name="ground"), before=None)
    assert "logs" in in_groups(result.plan)["sales"]
    assert table_of(result.plan, "staff").by_hand == ("strategy",)
    assert group_of(result.plan, "ground").by_hand == ("name",)
    assert dumps(replanned(START, before=None).plan) == dumps(START)


def test_every_change_of_the_database_is_said() -> None:
    found = catalog({**SHOP, "refunds": ["orders"], "staff": ["staff?!"]}, rows={"items": 99})
    found = replace(found, tables=tuple(table for table in found.tables if table.name.name != "countries"))
    found = altered(found, "logs", columns=(Column("id", "bigint", not_null=True),))
    wanted = request(live=True, groups={**GROUPS, "base": ["customers"]})
    result = replanned(with_table(START, "orders", strategy="schema-only"), found, wanted)
    assert result.changed == (
        "new: public.refunds, in group sales, beside public.orders, by copy",
        "gone: public.countries, which was in group base",
        "rows: public.items has 99 instead of 10",
        "altered: public.logs",
        "altered: public.staff",
        "strategy: public.staff by deferred instead of levels: rows refer to other rows of the table "
        "(parent_id -> id), and the key is DEFERRABLE: it is checked at the end of the transaction",
    )
    assert result.kept == ("kept: public.orders by schema-only",)


def test_an_altered_partition_alters_its_table() -> None:
    found = catalog({"e": [], "e_1": []}, partitions={"e": ["e_1"]})
    plan = planned(found)
    later = altered(found, "e_1", comment="Another.")
    assert replanned(plan, later, request(), plan).changed == ("altered: public.e",)


def test_another_layout_is_said_and_renames_files_only_where_nobody_did() -> None:
    plan = edited(START, "sales", schema_file="02-mine.sql")
    result = replanned(plan, wanted=request(groups=GROUPS))
    assert group_of(result.plan, "sales").files == (
        "02-mine.sql",
        "11-data-sales.sql",
        "21-constraints-sales.sql",
    )
    assert "layout: constraints after-data instead of with-schema" in result.changed


def test_two_groups_never_get_the_same_file() -> None:
    with pytest.raises(PlanError, match=r"two groups would have the file 12-data-rest\.sql"):
        replanned(edited(START, "base", data_file="12-data-rest.sql"))


RING = {"a": ["c?"], "b": ["a?"], "c": ["b?"], "d": ["a"]}
CHEAP = request(live=True)


def cut_at(plan: Plan, table: str, referenced: str, **fields: object) -> Plan:
    """The plan with its only cut moved to another key, by an editor."""
    key = f"{table}_{referenced}_id_fkey: public.{table} ({referenced}_id) -> public.{referenced} (id)"
    (cut,) = plan.breaks
    moved_cut = cut.model_copy(update={"table": str(name(table)), "key": key, **fields})
    return plan.model_copy(update={"breaks": (moved_cut,)})


def ring(**rows: int) -> Catalog:
    return catalog(RING, rows={"a": 1, "b": 500, "c": 500, **rows})


def replanned_ring(written: Plan, found: Catalog, then: Catalog | None = None) -> Replanned:
    then = then or ring()
    return replanned(written, found, CHEAP, planned(then, CHEAP), CHEAP, then)


def test_a_cut_that_was_set_by_hand_stays_where_another_would_be_cheaper() -> None:
    proposal = planned(ring(), CHEAP)
    assert broken(proposal) == {"a_c_id_fkey": "null-then-update"}
    result = replanned_ring(cut_at(proposal, "b", "a"), ring(a=2))
    assert broken(result.plan) == {"b_a_id_fkey": "null-then-update"}
    (cut,) = result.plan.breaks
    assert cut.by_hand
    assert cut.reason.startswith("set by hand")
    assert result.kept == (
        "kept: the cut at b_a_id_fkey: public.b (a_id) -> public.a (id) (null-then-update)",
    )
    assert ways(result.plan)["b"] == "null-then-update"
    own = replanned_ring(cut_at(proposal, "b", "a", reason="b is small at night"), ring())
    assert own.plan.breaks[0].reason == "b is small at night"


def test_a_cut_at_a_table_that_was_renamed_stays() -> None:
    then = catalog(RING, rows={"a": 1})
    now = catalog({"a": ["c?"], "bees": ["a?"], "c": ["bees(b_id)?"], "d": ["a"]}, rows={"a": 1})
    (key,) = now.by_name[name("bees")].foreign_keys
    now = altered(now, "bees", foreign_keys=(replace(key, name="b_a_id_fkey"),))
    result = replanned_ring(cut_at(planned(then, CHEAP), "b", "a"), now, then)
    assert broken(result.plan) == {"b_a_id_fkey": "null-then-update"}


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"b": []}, "the key is gone"),
        ({"c": []}, "no circle of keys goes through it any more"),
        ({"b": ["a"]}, "it cannot be cut so any more"),
    ],
)
def test_a_cut_that_is_none_any_more_is_said_with_the_reason(changed: dict[str, list[str]], why: str) -> None:
    result = replanned_ring(cut_at(planned(ring(), CHEAP), "b", "a"), catalog({**RING, **changed}))
    (line,) = [line for line in result.changed if line.startswith("cut: ")]
    assert line.startswith("cut: no longer at b_a_id_fkey: ")
    assert line.endswith(why)


@given(st.data())
def test_whatever_people_do_planning_again_settles(data: st.DataObject) -> None:
    plan = START
    for _ in range(data.draw(st.integers(1, 4))):
        plan = data.draw(st.sampled_from(EDITS))(plan)
    tables = data.draw(
        st.sampled_from([SHOP, {**SHOP, "refunds": ["items"]}, {"orders": [], "logs": ["orders?"]}])
    )
    wanted = (
        data.draw(st.sampled_from([LIVE, request(), request(live=True)])) if tables is SHOP else request()
    )
    try:
        result = replanned(plan, tables, wanted)
    except PlanError:
        return
    assert sorted(table.table for table in result.plan.tables) == sorted(str(name(each)) for each in tables)


def _swapped(plan: Plan) -> Plan:
    return regrouped(plan, *plan.groups[1:], plan.groups[0])


def _reversed(plan: Plan) -> Plan:
    return regrouped(
        plan, *(group.model_copy(update={"tables": group.tables[::-1]}) for group in plan.groups)
    )


def _moved_first(plan: Plan) -> Plan:
    table: PlannedTable = next(plan.tables)
    return moved(plan, table.table.removeprefix("public."), plan.groups[-1].name)


EDITS: list[Callable[[Plan], Plan]] = [
    _swapped,
    _reversed,
    _moved_first,
    lambda plan: moved(plan, "logs", plan.groups[0].name),
    lambda plan: with_table(plan, "staff", strategy="copy"),
    lambda plan: with_table(plan, "logs", strategy="schema-only"),
    lambda plan: edited(plan, "sales", name="sold"),
    lambda plan: edited(plan, "rest", name="remains", purpose="What is left."),
    lambda plan: edited(plan, "base", schema_file="05-schema-base.sql"),
    lambda plan: edited(plan, "rest", data_file="rows.sql"),
]
