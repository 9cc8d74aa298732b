"""Plans for tests, out of catalogs that can be seen at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selected
from migplan.config import Layout, Strategy
from migplan.graph import build
from migplan.plan.groups import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan, PlannedTable
from tests.catalogs import catalog, name

Tables = Mapping[str, Sequence[str]]

RING = {f"t{n}": [f"t{(n + 1) % 12}", f"t{(n * 5 + 3) % 12}?", f"t{n}?"] for n in range(12)}
"""Twelve tables in circles that overlap."""


def request(
    *,
    live: bool = False,
    groups: Mapping[str, Sequence[str]] | Sequence[Wish] = (),
    strategies: Mapping[str, str] | None = None,
    reorder: bool = False,
) -> Request:
    """What people want, in short: ``live`` keys, groups with their patterns, strategies of tables."""
    wishes = (
        [Wish(each, tuple(texts)) for each, texts in groups.items()]
        if isinstance(groups, Mapping)
        else groups
    )
    return Request(
        name="test",
        layout=Layout.WITH_SCHEMA if live else Layout.AFTER_DATA,
        groups=tuple(wishes),
        strategies={name(table): Strategy(way) for table, way in (strategies or {}).items()},
        reorder=reorder,
    )


def planned(tables: Tables | Catalog, wanted: Request | None = None, **options: object) -> Plan:
    """The plan for tables or a catalog."""
    found = tables if isinstance(tables, Catalog) else catalog(tables)
    return make(Selected(found), build(found), wanted or request(**options))  # type: ignore[arg-type]


def table_of(plan: Plan, table: str) -> PlannedTable:
    """One table of a plan."""
    return next(each for each in plan.tables if each.table == str(name(table)))


def ways(plan: Plan) -> dict[str, str]:
    """Of each table that is not simply copied, its strategy."""
    return {
        each.table.removeprefix("public."): each.strategy.value
        for each in plan.tables
        if each.strategy is not Strategy.COPY
    }


def broken(plan: Plan) -> dict[str, str]:
    """Of each key that is cut, how."""
    return {each.key.partition(":")[0]: each.how.value for each in plan.breaks}


def in_groups(plan: Plan) -> dict[str, list[str]]:
    """The tables of each group, in the order of loading."""
    return {
        group.name: [each.table.removeprefix("public.") for each in group.tables] for group in plan.groups
    }
