"""Planning again: what people set in the plan's file stays, the rest is made anew, and both are said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from migplan.config import Strategy
from migplan.graph import ForeignKeyGraph
from migplan.plan.grouping import Wish
from migplan.plan.make import Request
from migplan.plan.model import Plan, PlannedGroup, PlannedTable


@dataclass(frozen=True, slots=True)
class ByHand:
    """What a plan's file says otherwise than migplan proposed."""

    groups: Mapping[str, str]  # of each table that was moved, its group
    strategies: Mapping[str, Strategy]
    order: Mapping[str, int]
    renumbered: bool  # the groups themselves: names, numbers, order, purposes

    def __bool__(self) -> bool:
        return bool(self.groups or self.strategies or self.order or self.renumbered)


def by_hand(written: Plan, proposed: Plan | None) -> ByHand:
    """The decisions of people in a file: its differences from what migplan proposed when it wrote it.

    Without the proposal only what the file itself marks as set by hand can be told.
    """
    tables = {table.table: table for table in written.tables}
    if proposed is None:
        return ByHand(
            groups={
                name: written.group_of[name] for name, table in tables.items() if "group" in table.by_hand
            },
            strategies={
                name: table.strategy for name, table in tables.items() if "strategy" in table.by_hand
            },
            order={},
            renumbered=False,
        )
    then = {table.table: table for table in proposed.tables}
    return ByHand(
        groups={
            name: written.group_of[name]
            for name in tables
            if name in then and written.group_of[name] != proposed.group_of[name]
        },
        strategies={
            name: table.strategy
            for name, table in tables.items()
            if name in then and table.strategy != then[name].strategy
        },
        order=_order(written) if _reordered(written, proposed) else {},
        renumbered=[_head(group) for group in written.groups] != [_head(group) for group in proposed.groups],
    )


def with_decisions(
    request: Request, decisions: ByHand, written: Plan, proposal: Plan, graph: ForeignKeyGraph
) -> Request:
    """The request again, with people's decisions in it, for the tables that are still there."""
    names = {str(name): name for name in graph.tables}
    groups = {
        table.table: decisions.groups.get(table.table, proposal.group_of[table.table])
        for table in proposal.tables
    }
    heads = list(written.groups) if decisions.renumbered or decisions.groups else list(proposal.groups)
    heads += [group for group in proposal.groups if group.name not in {head.name for head in heads}]
    wishes = []
    for head in heads:
        patterns = tuple(str(name) for text, name in names.items() if groups[text] == head.name)
        if patterns:
            wishes.append(Wish(head.name, patterns, head.number or None, head.purpose))
    return replace(
        request,
        groups=_renumbered(wishes),
        strategies={
            **request.strategies,
            **{names[name]: strategy for name, strategy in decisions.strategies.items() if name in names},
        },
        order={
            **request.order,
            **{names[name]: place for name, place in decisions.order.items() if name in names},
        },
    )


def marked(plan: Plan, decisions: ByHand, written: Plan) -> Plan:
    """The plan with people's decisions marked, and with the file names that they gave."""
    heads = {group.name: group for group in written.groups} if decisions.renumbered else {}
    return plan.model_copy(
        update={
            "groups": tuple(_marked_group(group, heads.get(group.name), decisions) for group in plan.groups)
        }
    )


def changes(before: Plan, after: Plan) -> Iterator[str]:
    """What is otherwise in the second plan than in the first, a line each."""
    old = {table.table: table for table in before.tables}
    new = {table.table: table for table in after.tables}
    for name in sorted(new.keys() - old.keys()):
        yield f"new: {name}, in group {after.group_of[name]}, by {new[name].strategy.value}"
    for name in sorted(old.keys() - new.keys()):
        yield f"gone: {name}, which was in group {before.group_of[name]}"
    for name in sorted(old.keys() & new.keys()):
        then, now = old[name], new[name]
        if then.structure != now.structure and then.structure:
            yield f"altered: {name}"
        if before.group_of[name] != after.group_of[name]:
            yield f"moved: {name} from group {before.group_of[name]} to {after.group_of[name]}"
        if then.strategy != now.strategy:
            yield f"strategy: {name} by {now.strategy.value} instead of {then.strategy.value}: {now.reason}"
        if then.rows != now.rows:
            yield f"rows: {name} has {_rows(now)} instead of {_rows(then)}"
    if before.constraints != after.constraints:
        yield f"layout: constraints {after.constraints.value} instead of {before.constraints.value}"


def kept(decisions: ByHand, plan: Plan) -> Iterator[str]:
    """What people set and the new plan keeps, a line each."""
    tables = plan.group_of
    for name, group in sorted(decisions.groups.items()):
        if name in tables:
            yield f"kept: {name} in group {group}"
    for name, strategy in sorted(decisions.strategies.items()):
        if name in tables:
            yield f"kept: {name} by {strategy.value}"
    if decisions.order:
        yield "kept: the order of tables, where the keys allow it"
    if decisions.renumbered:
        yield "kept: names, numbers and files of the groups"


def _head(group: PlannedGroup) -> tuple[str, str, str, str, str | None]:
    return (group.name, group.purpose, group.schema_file, group.data_file, group.constraints_file)


def _order(plan: Plan) -> dict[str, int]:
    return {table.table: place for place, table in enumerate(plan.tables)}


def _reordered(written: Plan, proposed: Plan) -> bool:
    """Whether tables that stayed in their group changed places there."""
    for group in written.groups:
        here = [table.table for table in group.tables if proposed.group_of.get(table.table) == group.name]
        there = [name for name, home in proposed.group_of.items() if home == group.name and name in here]
        if here != there:
            return True
    return False


def _marked_group(group: PlannedGroup, head: PlannedGroup | None, decisions: ByHand) -> PlannedGroup:
    update: dict[str, object] = {"tables": tuple(_marked_table(table, decisions) for table in group.tables)}
    if head is not None:
        update |= {
            "schema_file": head.schema_file,
            "data_file": head.data_file,
            "purpose": head.purpose,
        }
        if head.constraints_file and group.constraints_file:
            update["constraints_file"] = head.constraints_file
    return group.model_copy(update=update)


def _marked_table(table: PlannedTable, decisions: ByHand) -> PlannedTable:
    marks = [
        mark
        for mark, decided in (("group", decisions.groups), ("strategy", decisions.strategies))
        if table.table in decided or mark in table.by_hand
    ]
    return table.model_copy(update={"by_hand": tuple(marks)})


def _renumbered(wishes: list[Wish]) -> tuple[Wish, ...]:
    """Numbers as they stand while they rise; from the first that does not, they are counted on."""
    result: list[Wish] = []
    last = 0
    for wish in wishes:
        number = wish.number if wish.number and wish.number > last else last + 1
        result.append(replace(wish, number=number))
        last = number
    return tuple(result)


def _rows(table: PlannedTable) -> str:
    if table.rows is None:
        return "an unknown number"
    return f"{'about ' if table.estimated else ''}{table.rows:,}"
