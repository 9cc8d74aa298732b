"""Planning again while the database goes on: tables come, go, get other names and keys; no other moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.catalog.model import Catalog, Column, ForeignKey, Schema, Table
from migplan.catalog.selection import Selected
from migplan.config import Strategy
from migplan.errors import GroupingError
from migplan.graph import build
from migplan.names import QualifiedName
from migplan.plan.baseline import Baseline
from migplan.plan.drift import drift
from migplan.plan.file import dumps
from migplan.plan.groups import Wish, accommodated, bonds
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.renames import renames_between
from migplan.plan.replan import Before, Replanned, replan
from tests.catalogs import catalog, name
from tests.plan.making import in_groups, request, table_of
from tests.strategies import catalogs

SHOP = {
    "guests": [],
    "hotels": [],
    "rooms": ["hotels"],
    "bookings": ["guests", "rooms"],
    "invoices": ["bookings"],
    "payments": ["invoices"],
    "logs": [],
}
GROUPS = {
    "base": ["guests", "hotels", "logs"],
    "stays": ["rooms", "bookings"],
    "money": ["invoices", "payments"],
}


@dataclass(frozen=True)
class Planning:
    """A plan that was committed, and the catalog that it was made from."""

    catalog: Catalog
    plan: Plan
    asked: Request

    @classmethod
    def of(cls, found: Catalog, asked: Request | None = None) -> Planning:
        wanted = asked or request()
        return cls(found, make(Selected(found), build(found), wanted), wanted)

    def again(self, now: Catalog, wanted: Request | None = None, plan: Plan | None = None) -> Replanned:
        """Plan again, and once more: the second time nothing may change."""
        before = Before(self.plan, self.catalog, self.asked)
        wanted = wanted or self.asked
        result = replan(Selected(now), build(now), wanted, plan or self.plan, before)
        second = replan(Selected(now), build(now), wanted, result.plan, Before(result.plan, now, wanted))
        assert dumps(second.plan) == dumps(result.plan)
        assert second.changed == ()
        assert drift(result.plan, Baseline(now, result.plan), Selected(now), build(now)) == ()
        return result


STAYS = Planning.of(catalog(SHOP), request(groups=GROUPS))
FREE = Planning(STAYS.catalog, STAYS.plan, request())  # the groups are in the plan alone


def renamed(found: Catalog, old: str, new: str) -> Catalog:
    """The catalog with a table under another name, as ALTER TABLE leaves it: constraints keep their names."""
    here, there = name(old), name(new)

    def key(each: ForeignKey) -> ForeignKey:
        return replace(
            each,
            table=there if each.table == here else each.table,
            referenced=there if each.referenced == here else each.referenced,
        )

    tables = [
        replace(
            table,
            name=there if table.name == here else table.name,
            foreign_keys=tuple(map(key, table.foreign_keys)),
        )
        for table in found.tables
    ]
    return with_tables(found, tables)


def with_tables(found: Catalog, tables: list[Table]) -> Catalog:
    tables = sorted(tables, key=lambda table: table.name)
    schemas = sorted({table.name.schema for table in tables})
    return replace(found, tables=tuple(tables), schemas=tuple(map(Schema, schemas)))


def files(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {group.name: group.files for group in plan.groups}


def test_one_new_leaf_table_moves_nothing() -> None:
    result = FREE.again(catalog({**SHOP, "reviews": ["bookings"]}))
    assert result.changed == ("new: public.reviews, in group stays, beside public.bookings, by copy",)
    assert in_groups(result.plan) == {**GROUPS, "stays": ["rooms", "bookings", "reviews"]}
    assert files(result.plan) == files(FREE.plan)


def test_a_table_in_between_goes_where_both_sides_allow() -> None:
    now = catalog({**SHOP, "stages": ["bookings"], "invoices": ["bookings", "stages"]})
    result = FREE.again(now)
    assert result.plan.group_of["public.stages"] in ("stays", "money")
    assert {line.partition(":")[0] for line in result.changed} == {"new", "altered"}


def test_what_nothing_ties_goes_to_its_schema_or_to_a_group_of_its_own() -> None:
    result = FREE.again(
        catalog({**SHOP, "countries": [], "audit.entries": [], "audit.lines": ["audit.entries"]})
    )
    assert result.plan.group_of["public.countries"] == "base"
    assert in_groups(result.plan)["audit"] == ["audit.entries", "audit.lines"]
    assert files(result.plan) == {
        **files(FREE.plan),
        "audit": (
            "04-schema-audit.sql",
            "13-data-audit.sql",
            "23-constraints-audit.sql",
        ),
    }


def test_a_gone_table_leaves_its_group_and_the_last_one_takes_it_along() -> None:
    left = {table: keys for table, keys in SHOP.items() if table not in ("invoices", "payments", "logs")}
    result = FREE.again(catalog(left))
    assert files(result.plan) == {group: files(FREE.plan)[group] for group in ("base", "stays")}
    assert "group: money is gone" in result.changed
    without = {
        table: [key for key in keys if key not in ("rooms", "bookings")]
        for table, keys in SHOP.items()
        if table not in ("rooms", "bookings")
    }
    result = FREE.again(catalog(without))
    assert [group.number for group in result.plan.groups] == [1, 3]
    assert files(result.plan)["money"] == files(FREE.plan)["money"]


def test_a_renamed_table_keeps_its_place_and_what_was_set() -> None:
    groups = tuple(
        group.model_copy(
            update={
                "tables": tuple(
                    table.model_copy(update={"strategy": Strategy.SCHEMA_ONLY})
                    if table.table == "public.logs"
                    else table
                    for table in group.tables
                )
            }
        )
        for group in FREE.plan.groups
    )
    edited = FREE.plan.model_copy(update={"groups": groups})
    now = renamed(renamed(FREE.catalog, "guests", "visitors"), "logs", "journal")
    result = FREE.again(now, plan=edited)
    assert result.changed == (
        "renamed: public.guests is public.visitors now",
        "renamed: public.logs is public.journal now",
    )
    assert in_groups(result.plan)["base"] == ["visitors", "hotels", "journal"]
    assert table_of(result.plan, "journal").strategy is Strategy.SCHEMA_ONLY
    assert result.kept == ("kept: public.journal by schema-only",)


def test_a_renamed_schema_keeps_everything() -> None:
    then = Planning.of(
        catalog({f"shop.{table}": [f"shop.{key}" for key in keys] for table, keys in SHOP.items()})
    )
    now = then.catalog
    for table in SHOP:
        now = renamed(now, f"shop.{table}", f"store.{table}")
    result = then.again(now)
    assert result.changed == ("renamed: schema shop is store now",)
    assert files(result.plan) == files(then.plan)
    assert drift(then.plan, Baseline(then.catalog, then.plan), Selected(now), build(now)) == (
        "renamed: schema shop is store now",
    )


def test_a_renamed_table_with_another_column_is_still_that_table() -> None:
    now = renamed(FREE.catalog, "bookings", "reservations")
    tables = [
        replace(table, columns=(*table.columns, Column("note", "text")))
        if table.name == name("reservations")
        else table
        for table in now.tables
    ]
    assert renames_between(FREE.catalog, with_tables(now, tables)).tables == {
        name("bookings"): name("reservations")
    }


def test_two_candidates_that_are_equally_alike_are_not_guessed() -> None:
    then = catalog({"a": [], "b": ["a"]})
    extra = (Column("id", "integer", not_null=True), Column("x", "text"))
    first = with_tables(then, [*then.tables, replace(catalog({"old": []}).tables[0], columns=extra)])
    new = [replace(catalog({each: []}).tables[0], columns=extra) for each in ("one", "two")]
    assert renames_between(first, with_tables(then, [*then.tables, *new])).tables == {}
    assert renames_between(first, with_tables(then, [*then.tables, new[0]])).tables == {
        name("old"): name("one")
    }


def test_a_table_that_only_looks_new_is_not_taken_for_another() -> None:
    then = catalog({"a": [], "b": ["a"]})
    assert renames_between(then, catalog({"a": [], "c": []})).tables == {}


def test_the_configuration_may_still_name_what_was_renamed() -> None:
    result = STAYS.again(renamed(STAYS.catalog, "guests", "visitors"))
    assert "visitors" in in_groups(result.plan)["base"]
    without = catalog({table: keys for table, keys in SHOP.items() if table != "logs"})
    result = STAYS.again(without, request(groups=GROUPS, strategies={}))
    assert result.changed == (
        "migplan.yaml: it still names logs, which is gone",
        "gone: public.logs, which was in group base",
    )


def test_a_new_key_against_the_groups_makes_the_fewest_moves_and_says_why() -> None:
    result = FREE.again(catalog({**SHOP, "hotels": ["payments"]} | {"rooms": [], "bookings": ["guests"]}))
    (moved,) = [line for line in result.changed if line.startswith("moved:")]
    assert moved.startswith(
        "moved: public.hotels from group base to money, because of hotels_payments_id_fkey"
    )


def test_groups_that_people_set_against_the_keys_are_refused_still() -> None:
    backwards = FREE.plan.model_copy(update={"groups": FREE.plan.groups[::-1]})
    with pytest.raises(GroupingError, match="needs group stays before group money"):
        FREE.again(FREE.catalog, plan=backwards)
    result = FREE.again(FREE.catalog, replace(request(), reorder=True), backwards)
    assert list(in_groups(result.plan)) == ["base", "stays", "money"]


def test_a_strategy_in_the_configuration_counts_when_it_was_edited_since() -> None:
    by_hand = Planning.of(FREE.catalog)
    groups = tuple(
        group.model_copy(
            update={
                "tables": tuple(t.model_copy(update={"strategy": Strategy.SCHEMA_ONLY}) for t in group.tables)
            }
        )
        for group in by_hand.plan.groups
    )
    plan = by_hand.plan.model_copy(update={"groups": groups})
    wanted = request(strategies={"logs": "copy"})
    assert table_of(by_hand.again(FREE.catalog, wanted, plan).plan, "logs").strategy is Strategy.COPY
    asked = replace(by_hand, asked=wanted)
    assert table_of(asked.again(FREE.catalog, wanted, plan).plan, "logs").strategy is Strategy.SCHEMA_ONLY


def test_an_edited_group_of_the_configuration_wins() -> None:
    wanted = request(
        groups={**GROUPS, "base": ["guests", "hotels"], "money": ["invoices", "payments", "logs"]}
    )
    result = STAYS.again(STAYS.catalog, wanted)
    assert result.changed == ("moved: public.logs from group base to money, migplan.yaml says so",)
    numbered = request(
        groups=[Wish(each, tuple(texts), 7 if each == "money" else None) for each, texts in GROUPS.items()]
    )
    assert [group.number for group in STAYS.again(STAYS.catalog, numbered).plan.groups] == [1, 2, 7]


def test_a_plan_whose_tables_are_all_gone_is_made_anew() -> None:
    result = FREE.again(catalog({"other.a": [], "other.b": ["other.a"]}))
    assert sorted(result.plan.group_of) == ["other.a", "other.b"]


# --- any schema, any change


CHANGES = ("leaf", "between", "lone", "drop", "rename", "key", "unkey", "column")


def changed(found: Catalog, kind: str, data: st.DataObject) -> Catalog:
    """The catalog after one change of that kind."""
    tables = list(found.tables)
    at = data.draw(st.integers(0, len(tables) - 1))
    chosen, other = tables[at], tables[data.draw(st.integers(0, len(tables) - 1))]
    taken = {table.name.name for table in tables}
    new = QualifiedName(
        chosen.name.schema, next(n for n in map("new_{}".format, range(99)) if n not in taken)
    )
    if kind in ("leaf", "between", "lone"):
        made = catalog({str(new): [] if kind == "lone" else [str(chosen.name)]}).tables[0]
        made = replace(made, columns=(*made.columns, Column("only_here", "uuid")))
        if kind == "between" and other.name != chosen.name:
            tables[tables.index(other)] = with_key(other, new)
        return with_tables(found, [*tables, made])
    if kind == "drop" and len(tables) > 2:
        left = [table for table in tables if table.name != chosen.name]
        return with_tables(found, [without_keys(table, chosen.name) for table in left])
    if kind == "rename":
        return renamed(found, str(chosen.name), str(new))
    if kind == "key":
        tables[at] = with_key(chosen, other.name)
    elif kind == "unkey":
        tables[at] = replace(chosen, foreign_keys=())
    elif kind == "column":
        tables[at] = replace(chosen, columns=(*chosen.columns, Column(f"c{len(chosen.columns)}", "text")))
    return with_tables(found, tables)


def with_key(table: Table, to: QualifiedName) -> Table:
    column = f"extra_{len(table.columns)}"
    key = ForeignKey(f"{table.name.name}_{column}", table.name, (column,), to, ("id",), "pkey")
    return replace(
        table,
        columns=(*table.columns, Column(column, "integer")),
        foreign_keys=tuple(sorted((*table.foreign_keys, key), key=lambda each: each.name)),
    )


def without_keys(table: Table, to: QualifiedName) -> Table:
    return replace(table, foreign_keys=tuple(key for key in table.foreign_keys if key.referenced != to))


@given(catalogs(), st.data())
def test_whatever_changes_only_what_keys_force_is_moved(found: Catalog, data: st.DataObject) -> None:
    then = Planning.of(found)
    kinds = data.draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))
    now = found
    for kind in kinds:
        now = changed(now, kind, data)
    result = then.again(now)
    names = renames_between(found, now).tables
    before = {str(names.get(name(table), name(table))): home for table, home in then.plan.group_of.items()}
    after = result.plan.group_of
    assert sorted(after) == sorted(map(str, now.by_name))
    old = files(then.plan)
    assert {group: files(result.plan)[group] for group in old if group in files(result.plan)} == {
        group: old[group] for group in old if group in files(result.plan)
    }
    moved = {table for table in before.keys() & after.keys() if before[table] != after[table]}
    assert {line.split()[1] for line in result.changed if line.startswith("moved:")} == moved
    order = {group.name: at for at, group in enumerate(then.plan.groups)}
    graph = build(now)
    against = [
        (table, need)
        for table in graph.tables
        for need in reachable(table, graph)
        if order.get(before.get(str(need), ""), 0) > order.get(before.get(str(table), ""), 99)
    ]
    if not against:
        assert moved == set()


@given(catalogs(most_tables=7), st.data())
def test_no_fewer_moves_would_do(found: Catalog, data: st.DataObject) -> None:
    """Against every choice of tables that stay."""
    graph = build(found)
    place = {each: data.draw(st.integers(0, 3)) for each in graph.tables}
    result = accommodated(place, graph)
    assert all(result[bond.needs] <= result[bond.table] for bond in bonds(graph))
    moves = sum(result[each] != place[each] for each in place)
    needs = {each: reachable(each, graph) for each in place}
    names = list(place)
    best = min(
        len(names) - bin(mask).count("1")
        for mask in range(2 ** len(names))
        if all(
            place[other] <= place[each]
            for at, each in enumerate(names)
            if mask >> at & 1
            for to, other in enumerate(names)
            if mask >> to & 1 and other in needs[each]
        )
    )
    assert moves == best


def reachable(start: QualifiedName, graph: object) -> set[QualifiedName]:
    found, line = set(), [start]
    while line:
        here = line.pop()
        for bond in bonds(graph):  # type: ignore[arg-type]
            if bond.table == here and bond.needs not in found:
                found.add(bond.needs)
                line.append(bond.needs)
    return found
