"""Whether a plan still fits its database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migplan.catalog.model import Catalog, Column, Extension
from migplan.catalog.selection import Selected
from migplan.graph import build
from migplan.plan.baseline import Baseline
from migplan.plan.drift import drift
from migplan.plan.model import Plan
from tests.catalogs import altered, catalog
from tests.plan.making import planned

SHOP = {"customers": [], "orders": ["customers"], "logs": []}
THEN = catalog(SHOP)
PLAN = planned(THEN, groups={"base": ["customers", "logs"], "sales": ["orders"]})


def drifted(now: Catalog, plan: Plan = PLAN, *, seen: bool = True) -> tuple[str, ...]:
    return drift(plan, Baseline(THEN, plan) if seen else None, Selected(now), build(now))


@pytest.mark.parametrize("seen", [True, False])
def test_the_same_structure_is_no_drift_however_many_rows_there_are(seen: bool) -> None:
    assert drifted(catalog(SHOP, rows=10**6), seen=seen) == ()


def test_with_what_was_seen_every_change_is_named() -> None:
    now = catalog({"customers": [], "orders": ["customers!"], "refunds": []})
    now = altered(now, "customers", columns=(Column("id", "bigint", not_null=True), Column("name", "text")))
    assert drifted(replace(now, extensions=(Extension("citext", "1.6", "public"),))) == (
        "changed: column id of table public.customers (type: integer -> bigint)",
        "added: column name of table public.customers",
        "dropped: table public.logs",
        "changed: foreign key orders_customers_id_fkey of table public.orders (deferrable: no -> yes)",
        "added: table public.refunds",
        "added: extension citext",
    )


def test_without_what_was_seen_the_tables_are_named() -> None:
    now = catalog({"customers": [], "orders": ["customers!"], "refunds": []})
    assert drifted(now, seen=False) == (
        "dropped: table public.logs is in the plan, and not in the database",
        "changed: table public.orders",
        "added: table public.refunds is in the database, and not in the plan",
    )


def test_without_what_was_seen_a_change_beside_the_tables_is_said_at_least() -> None:
    now = replace(THEN, extensions=(Extension("citext", "1.6", "public"),))
    assert "something beside the tables has changed" in drifted(now, seen=False)[0]


def test_without_what_was_seen_a_changed_partition_changes_its_table() -> None:
    then = catalog({"e": [], "e_1": []}, partitions={"e": ["e_1"]})
    now = altered(then, "e_1", comment="Another.")
    assert drifted(now, planned(then), seen=False) == ("changed: table public.e",)


@pytest.mark.parametrize("extra", [{}, {"refunds": []}])
def test_a_table_that_was_taken_out_of_the_file_is_missed(extra: dict[str, list[str]]) -> None:
    base, sales = PLAN.groups
    without = PLAN.model_copy(update={"groups": (base.model_copy(update={"tables": base.tables[:1]}), sales)})
    missing = base.tables[1].table
    said = f"added: table {missing} is in the database, and not in the plan"
    assert said in drifted(catalog({**SHOP, **extra}), without)


def test_a_plan_that_was_edited_against_the_keys_is_named_by_them() -> None:
    backwards = PLAN.model_copy(update={"groups": PLAN.groups[::-1]})
    assert drifted(THEN, backwards) == (
        "contradiction: orders_customers_id_fkey: public.orders (customers_id) -> public.customers (id) "
        "needs group base before group sales",
    )
