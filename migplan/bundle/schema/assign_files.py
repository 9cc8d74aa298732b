"""Which file each entry that a bundle brings goes to."""

from enum import IntEnum
from typing import Literal

from migplan.bundle.schema.chosen import Chosen
from migplan.bundle.schema.ownership import Ownership, is_unproven
from migplan.bundle.schema.unsupported import SETTING
from migplan.config import Layout, Strategy
from migplan.graph import ForeignKeyGraph
from migplan.plan.model import Plan
from migplan.plan.treatment import keys_treated
from migplan.postgres.archive import Entry, Section


class Phase(IntEnum):
    """When a file runs."""

    SCHEMA = 0
    DATA = 1
    CONSTRAINTS = 2

    @property
    def word(self) -> Literal["schema", "data", "constraints"]:
        """How the manifest says it."""
        words: tuple[Literal["schema"], Literal["data"], Literal["constraints"]] = (
            "schema",
            "data",
            "constraints",
        )
        return words[self.value]


Slot = tuple[Phase, int]
"""A file: its phase, and the place of its group."""

WATCHER = "EVENT TRIGGER"
"""Event triggers may refuse or log every definition, and REFRESH as well."""

AT_THE_END = frozenset({WATCHER, SETTING})
"""Kinds that come behind the rows in any layout: settings would change the sessions that load rows."""

# What watches or follows everything else, and must not see it being made.
_LAST = frozenset(
    {"DEFAULT ACL", *AT_THE_END, "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"}
)


def assign_files(
    ownership: Ownership, plan: Plan, graph: ForeignKeyGraph, chosen: Chosen, *, with_rows: bool = True
) -> dict[int, Slot]:
    """Return the file of every entry; without rows in the same bundle nothing has to wait for them."""
    homes = graph.home
    group_of = {table.table: number for number, group in enumerate(plan.groups) for table in group.tables}
    later = _later(ownership, plan, graph) if with_rows else set()
    last = len(plan.groups) - 1
    slots: dict[int, Slot] = {}
    for number, entry in ownership.entries.items():
        if number not in chosen.here:
            continue
        home = homes.get(ownership.owner[number]) if number in ownership.owner else None
        slot = _own_slot(entry, group_of[str(home)] if home else 0, plan.constraints, last, number in later)
        slots[number] = max([slot, *(slots[need] for need in ownership.needs[number] if need in slots)])
    return slots


def _own_slot(entry: Entry, group: int, layout: Layout, last: int, later: bool) -> Slot:
    """Return the file that an entry would go to if it needed no other."""
    after = layout is Layout.AFTER_DATA
    if later and entry.kind in AT_THE_END:
        return (Phase.DATA, last)
    if entry.kind in _LAST:
        return (Phase.CONSTRAINTS if after else Phase.SCHEMA, last)
    if later:
        return (Phase.DATA, group)
    if entry.section is Section.POST_DATA and after:
        return (Phase.CONSTRAINTS, group)
    return (Phase.SCHEMA, group)


def _later(ownership: Ownership, plan: Plan, graph: ForeignKeyGraph) -> set[int]:
    """Return the entries to be created behind the rows, in the layout that has keys before them."""
    if plan.constraints is Layout.AFTER_DATA:
        return set()
    wanted = {
        (key.table, key.name)
        for table in plan.tables
        for key in keys_treated(Strategy.CONSTRAINT_LATER, graph.by_text[table.table], table, plan, graph)
    }
    found = set()
    for number, entry in ownership.entries.items():
        owner = ownership.owner.get(number)
        if entry.kind == "FK CONSTRAINT" and owner is not None:
            if (owner, entry.tag.removeprefix(f"{owner.name} ")) in wanted:
                found.add(number)
        elif is_unproven(entry) or entry.kind in AT_THE_END:
            found.add(number)
    return found
