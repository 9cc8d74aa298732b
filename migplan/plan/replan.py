"""Planning again: what people set in the plan's file stays, the rest is made anew, and both are said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.catalog.selection import Selected
from migplan.config import Strategy
from migplan.errors import PlanError
from migplan.graph import ForeignKeyGraph
from migplan.plan.groups import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan, PlannedGroup, PlannedTable


@dataclass(frozen=True, slots=True)
class Replanned:
    """A plan made again, and what there is to say about it."""

    plan: Plan
    kept: tuple[str, ...]
    changed: tuple[str, ...]


def replan(
    selected: Selected, graph: ForeignKeyGraph, request: Request, written: Plan, before: Plan | None
) -> Replanned:
    """Plan again over a plan's file. ``before`` is what migplan last wrote there.

    When that is lost, all in which the file differs from migplan's own choice counts as set by hand.
    """
    today = make(selected, graph, request)
    decisions = by_hand(written, before or today, today)
    if not decisions:
        return Replanned(today, (), tuple(changes(written, today)))
    asked = with_decisions(request, decisions, written, today, graph)
    plan = marked(make(selected, graph, asked), decisions, written)
    return Replanned(plan, tuple(kept(decisions, plan)), tuple(changes(written, plan)))


def with_decisions(
    request: Request, decisions: ByHand, written: Plan, proposal: Plan, graph: ForeignKeyGraph
) -> Request:
    """Return the request with people's decisions added, for the tables that still exist."""
    tables = graph.by_text
    # A name of the file goes on only where people gave it, or have decided something about its group.
    named = {*decisions.heads, *(decisions.groups[table] for table in tables if table in decisions.groups)}
    names = {group.name: group.name for group in proposal.groups}
    names |= {own: name for own, name in names_in_file(written, proposal).items() if name in named}
    regrouped = decisions.groups or decisions.heads
    homes = {
        table: decisions.groups.get(table, names[own]) if regrouped else own
        for table, own in proposal.group_of.items()
    }
    return replace(
        request,
        groups=_wishes(decisions, written, proposal, names, homes) if regrouped else request.groups,
        strategies={
            **request.strategies,
            **{
                tables[table]: strategy for table, strategy in decisions.strategies.items() if table in tables
            },
        },
        order={
            tables[table]: place
            for table, place in decisions.order.items()
            if table in homes and "order" in decisions.heads.get(homes[table], ())
        },
    )


def _wishes(
    decisions: ByHand,
    written: Plan,
    proposal: Plan,
    names: Mapping[str, str],
    homes: Mapping[str, str],
) -> tuple[Wish, ...]:
    """Return the groups of the file and those that are new, each with its tables."""
    members: dict[str, list[str]] = {}
    for table, home in homes.items():
        members.setdefault(home, []).append(table)
    heads = {group.name: group for group in written.groups}
    planned = {names[group.name]: group for group in reversed(proposal.groups)}
    placed = any("place" in marks for marks in decisions.heads.values())
    lines = [list(heads), list(dict.fromkeys(names[group.name] for group in proposal.groups))]
    order = [name for name in _interleaved(*(lines if placed else reversed(lines))) if name in members]
    numbers: list[tuple[int, bool]] = []
    purposes: list[str] = []
    for name in order:
        mine = decisions.heads.get(name, ())
        head, plan = heads.get(name), planned.get(name)
        fixed = "number" in mine
        numbers.append((_of(head, plan, own=fixed).number, fixed))
        purposes.append(_of(head, plan, own="purpose" in mine).purpose)
    return tuple(
        Wish(name, tuple(members[name]), number, purpose)
        for name, number, purpose in zip(order, _rising(numbers), purposes, strict=True)
    )


def _of(head: PlannedGroup | None, plan: PlannedGroup | None, *, own: bool) -> PlannedGroup:
    """Return the file's group if people decided about it, or migplan has none; else migplan's."""
    found = head if head is not None and (own or plan is None) else plan
    assert found is not None
    return found


def _interleaved(line: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the first line, with what only the second has behind its neighbours there."""
    result = list(line)
    for place, name in enumerate(other):
        if name not in result:
            before = [result.index(each) for each in other[:place] if each in result]
            result.insert(max(before[-1:], default=-1) + 1, name)
    return result


def _rising(numbers: Sequence[tuple[int, bool]]) -> list[int | None]:
    """Numbers that rise with the groups: names move, numbers stay. ``True``: that one was set by hand."""
    bare = [number for number, _ in numbers]
    if any(own for _, own in numbers) and bare != sorted(set(bare)):
        return [number if own else None for number, own in numbers]
    result: list[int | None] = []
    last = 0
    for number in sorted(bare):
        last = max(number, last + 1)
        result.append(last)
    return result


def marked(plan: Plan, decisions: ByHand, written: Plan) -> Plan:
    """Return the plan with people's decisions marked, and with their file names."""
    heads = {group.name: group for group in written.groups}
    placed = any("place" in marks for marks in decisions.heads.values())
    groups = tuple(
        _marked_group(group, heads.get(group.name), decisions, placed=placed) for group in plan.groups
    )
    files = Counter(file for group in groups for file in group.files)
    twice = [file for file, count in files.items() if count > 1]
    if twice:
        raise PlanError(
            f"two groups would have the file {twice[0]}",
            do="give one of them another name in the plan, or let migplan name both with --fresh",
        )
    return plan.model_copy(update={"groups": groups})


def _marked_group(
    group: PlannedGroup, head: PlannedGroup | None, decisions: ByHand, *, placed: bool
) -> PlannedGroup:
    marks = tuple(mark for mark in decisions.heads.get(group.name, ()) if mark != "place")
    if placed:  # a place is one among others: the order of the groups is decided as a whole
        marks += ("place",)
    update: dict[str, object] = {
        "by_hand": marks,
        "tables": tuple(_marked_table(table, group.name, decisions) for table in group.tables),
    }
    if head is not None and "files" in marks:
        update |= {"schema_file": head.schema_file, "data_file": head.data_file}
        if head.constraints_file and group.constraints_file:
            update["constraints_file"] = head.constraints_file
    return group.model_copy(update=update)


def _marked_table(table: PlannedTable, group: str, decisions: ByHand) -> PlannedTable:
    marks = []
    if decisions.groups.get(table.table) == group:  # --reorder may have moved it on
        marks.append("group")
    if table.table in decisions.strategies:
        marks.append("strategy")
    return table.model_copy(update={"by_hand": tuple(marks)})


def kept(decisions: ByHand, plan: Plan) -> Iterator[str]:
    """Yield a line for each decision of people that the new plan keeps."""
    for table in sorted(plan.tables, key=lambda table: table.table):
        if "group" in table.by_hand:
            yield f"kept: {table.table} in group {decisions.groups[table.table]}"
    for table in sorted(plan.tables, key=lambda table: table.table):
        if "strategy" in table.by_hand:
            yield f"kept: {table.table} by {table.strategy.value}"
    for group in plan.groups:
        said = [_KEPT[mark] for mark in group.by_hand if mark in _KEPT]
        if said:
            yield f"kept: of group {group.name} {', '.join(said)}"
    if any("place" in group.by_hand for group in plan.groups):
        yield "kept: the order of the groups"


_KEPT = {
    "name": "its name",
    "purpose": "its purpose",
    "number": "its number",
    "files": "its files",
    "order": "the order of its tables, where the keys allow it",
}


def changes(before: Plan, after: Plan) -> Iterator[str]:
    """Yield a line for each difference between two plans."""
    old = {table.table: table for table in before.tables}
    new = {table.table: table for table in after.tables}
    homes, places = before.group_of, after.group_of
    for name in sorted(new.keys() - old.keys()):
        yield f"new: {name}, in group {places[name]}, by {new[name].strategy.value}"
    for name in sorted(old.keys() - new.keys()):
        yield f"gone: {name}, which was in group {homes[name]}"
    for name in sorted(old.keys() & new.keys()):
        yield from _changes_of(name, old[name], new[name], homes, places)
    if before.constraints != after.constraints:
        yield f"layout: constraints {after.constraints.value} instead of {before.constraints.value}"
    yield from _changes_of_groups(before, after)


def _changes_of(
    name: str, then: PlannedTable, now: PlannedTable, homes: Mapping[str, str], places: Mapping[str, str]
) -> Iterator[str]:
    if then.structure != now.structure and then.structure:
        yield f"altered: {name}"
    if homes[name] != places[name]:
        yield f"moved: {name} from group {homes[name]} to {places[name]}"
    if then.strategy != now.strategy:
        yield f"strategy: {name} by {now.strategy.value} instead of {then.strategy.value}: {now.reason}"
    elif then.keys != now.keys and then.structure == now.structure:
        keys, old = (", ".join(each.keys) or "none" for each in (now, then))
        yield f"keys: {name} by {now.strategy.value} for {keys} instead of {old}"
    if then.rows != now.rows:
        yield f"rows: {name} has {_rows(now)} instead of {_rows(then)}"


def _changes_of_groups(before: Plan, after: Plan) -> Iterator[str]:
    old = {group.name: group for group in before.groups}
    new = {group.name: group for group in after.groups}
    for name, group in new.items():
        if name not in old:
            yield f"group: {name} is new"
        elif group.files != old[name].files:
            yield f"files: group {name} has {', '.join(group.files)} instead of {', '.join(old[name].files)}"
    for name in old:
        if name not in new:
            yield f"group: {name} is gone"


def _rows(table: PlannedTable) -> str:
    if table.rows is None:
        return "an unknown number"
    return f"{'about ' if table.estimated else ''}{table.rows:,}"


# --- What people decided in a plan's file, told by comparing it with what migplan last wrote there.


@dataclass(frozen=True, slots=True)
class ByHand:
    """The decisions in a plan's file; groups go by the names that they have there."""

    groups: Mapping[str, str] = field(default_factory=dict)  # of each table that was moved, its group
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)  # of tables whose place in their group was chosen
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of each group, what is its own

    def __bool__(self) -> bool:
        return bool(self.groups or self.strategies or self.heads)


def by_hand(written: Plan, before: Plan | None, today: Plan) -> ByHand:
    """Return people's decisions in a plan's file. ``before`` is the plan as migplan last wrote it.

    ``today`` is what migplan would choose by itself now: what was set back to it is no decision any more.
    """
    heads = dict(_heads(written, before, today))
    places = {table.table: place for place, table in enumerate(written.tables)}
    return ByHand(
        groups=_following(_moved(written, before, today), written, today),
        strategies=_chosen(written, before, today),
        order={
            table.table: places[table.table]
            for group in written.groups
            if "order" in heads.get(group.name, ())
            for table in group.tables
        },
        heads=heads,
    )


def names_in_file(written: Plan, other: Plan | None) -> dict[str, str]:
    """Return, for each group of another plan, its name in the file, where it may have been renamed.

    A group has been renamed when most of its tables stand in one that the other plan does not know. What
    is not in the answer has no counterpart.
    """
    if other is None:
        return {group.name: group.name for group in written.groups}
    here = {group.name for group in written.groups}
    there = {group.name for group in other.groups}
    names = {name: name for name in here & there}
    home = written.group_of
    for group in other.groups:
        homes = Counter(home[table.table] for table in group.tables if table.table in home)
        for name, count in homes.items():
            free = name not in there and name not in names.values()
            if group.name not in names and free and count * 2 > homes.total():
                names[group.name] = name
    return names


def _decided(*, edited: bool, back: bool, marked: bool) -> bool:
    """Return whether a value in the file is a decision; ``back``: it is what migplan would choose now."""
    return not (marked and back) if edited else marked


def _moved(written: Plan, before: Plan | None, today: Plan | None) -> dict[str, str]:
    then, now = _groups_by_file(written, before), _groups_by_file(written, today)
    return {
        name: home
        for (name, home), table in zip(written.group_of.items(), written.tables, strict=True)
        if _decided(
            edited=then.get(name, home) != home,
            back=now.get(name) == home,
            marked="group" in table.by_hand,
        )
    }


def _following(moved: dict[str, str], written: Plan, today: Plan | None) -> dict[str, str]:
    """Return the moved tables, and new tables of dissolved groups, which follow most of the others."""
    there = {table.table for table in written.tables}
    names = names_in_file(written, today)
    following: dict[str, str] = {}
    for group in today.groups if today else ():
        known = [table.table for table in group.tables if table.table in there]
        homes = Counter(moved[table] for table in known if table in moved)
        if group.name not in names and known and homes.total() == len(known):
            heir = min(homes, key=lambda name: (-homes[name], name))
            following |= {table.table: heir for table in group.tables if table.table not in there}
    return {**moved, **following}


def _groups_by_file(written: Plan, other: Plan | None) -> dict[str, str]:
    names = names_in_file(written, other)
    return {table: names.get(name, name) for table, name in other.group_of.items()} if other else {}


def _chosen(written: Plan, before: Plan | None, today: Plan | None) -> dict[str, Strategy]:
    then = {table.table: table.strategy for table in before.tables} if before else {}
    now = {table.table: table.strategy for table in today.tables} if today else {}
    return {
        table.table: table.strategy
        for table in written.tables
        if _decided(
            edited=then.get(table.table, table.strategy) is not table.strategy,
            back=now.get(table.table) is table.strategy,
            marked="strategy" in table.by_hand,
        )
    }


def _heads(written: Plan, before: Plan | None, today: Plan | None) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield, for each group, which parts of it people have decided."""
    then, now = _counterparts(written, before), _counterparts(written, today)
    here = [group.name for group in written.groups]
    moved = _decided(
        edited=[name for name in here if name in then] != list(then),
        back=[name for name in here if name in now] == list(now),
        marked=any("place" in group.by_hand for group in written.groups),
    )
    for group in written.groups:
        was, would_be = then.get(group.name), now.get(group.name)
        mine = [mark for mark in _PARTS if _is_own(mark, group, was, would_be)]
        if before and was is None and group.tables and "name" not in mine:
            mine.insert(0, "name")
        if moved:
            mine.append("place")
        if mine:
            yield group.name, tuple(mine)


def _is_own(mark: str, group: PlannedGroup, was: PlannedGroup | None, would_be: PlannedGroup | None) -> bool:
    seen_beside = _PARTS[mark]

    def same(other: PlannedGroup) -> bool:
        return seen_beside(group, other) == seen_beside(other, group)

    return _decided(
        edited=was is not None and not same(was) and not (mark == "files" and _generated(group)),
        back=would_be is not None and same(would_be),
        marked=mark in group.by_hand,
    )


def _common_tables(group: PlannedGroup, other: PlannedGroup) -> list[str]:
    """Return the tables that both groups have, in the order of the first."""
    there = {table.table for table in other.tables}
    return [table.table for table in group.tables if table.table in there]


_PARTS: Mapping[str, Callable[[PlannedGroup, PlannedGroup], object]] = {
    "name": lambda group, _: group.name,
    "purpose": lambda group, _: group.purpose,
    "number": lambda group, _: group.number,
    "files": lambda group, _: group.files,
    "order": _common_tables,
}


def _counterparts(written: Plan, other: Plan | None) -> dict[str, PlannedGroup]:
    names = names_in_file(written, other)
    return {names[group.name]: group for group in other.groups if group.name in names} if other else {}


def _generated(group: PlannedGroup) -> bool:
    """Return whether a group's files have the names that migplan gives, whatever their number."""
    kinds = ("schema", "data", "constraints")
    return all(
        re.fullmatch(rf"\d+-{kind}-{re.escape(group.name)}\.sql", file)
        for kind, file in zip(kinds, group.files, strict=False)
    )
