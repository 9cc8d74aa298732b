"""What people decided in a plan's file, told by comparing it with what migplan last wrote there."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from migplan.config import Strategy
from migplan.plan.model import Plan, PlannedCut, PlannedGroup

FILE_KINDS = ("schema", "data", "constraints")
FILE_FIELDS = tuple(f"{kind}_file" for kind in FILE_KINDS)


@dataclass(frozen=True, slots=True)
class ByHand:
    """The decisions in a plan's file; groups go by the names that they have there."""

    groups: Mapping[str, str] = field(default_factory=dict)  # of each table that was moved, its group
    strategies: Mapping[str, Strategy] = field(default_factory=dict)
    order: Mapping[str, int] = field(default_factory=dict)  # of tables whose place in their group was chosen
    heads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # of each group, what is its own
    cuts: tuple[PlannedCut, ...] = ()  # with a reason where people wrote one

    def __bool__(self) -> bool:
        return bool(self.groups or self.strategies or self.heads or self.cuts)


def by_hand(written: Plan, before: Plan | None, today: Plan | None) -> ByHand:
    """Return people's decisions in a plan's file. ``before`` is the plan as migplan last wrote it.

    ``today`` is what migplan would choose by itself now: what was set back to it is no decision any more.
    """
    heads = dict(_heads(written, before, today))
    places = {table.table: place for place, table in enumerate(written.tables)}
    return ByHand(
        groups=_moved(written, before, today),
        strategies=_chosen(written, before, today),
        order={
            table.table: places[table.table]
            for group in written.groups
            if "order" in heads.get(group.name, ())
            for table in group.tables
        },
        heads=heads,
        cuts=tuple(_cuts(written, before, today)),
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


def _cuts(written: Plan, before: Plan | None, today: Plan | None) -> Iterator[PlannedCut]:
    then, now = (
        {(cut.table, cut.key, cut.how): cut.reason for cut in plan.breaks} if plan else {}
        for plan in (before, today)
    )
    for cut in written.breaks:
        place = (cut.table, cut.key, cut.how)
        if _decided(edited=place not in then, back=place in now, marked=cut.by_hand):
            own = cut.by_hand or cut.reason not in then.values()
            yield cut if own else cut.model_copy(update={"reason": ""})


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
        edited=was is not None and not same(was) and not (mark == "files" and generated(group)),
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


def generated(group: PlannedGroup) -> bool:
    """Return whether a group's files have the names that migplan gives, whatever their number."""
    return all(
        is_generated(kind, group.name, file) for kind, file in zip(FILE_KINDS, group.files, strict=False)
    )


def is_generated(kind: str, group: str, file: str) -> bool:
    """Return whether migplan gives such a name to a group's file of a kind, whatever its number."""
    return re.fullmatch(rf"\d+-{kind}-{re.escape(group)}\.sql", file) is not None
