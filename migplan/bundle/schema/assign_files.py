"""Which file each entry goes to, what is left out, and why: nothing is lost in silence."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

from migplan.bundle.schema.ownership import FOLLOWERS, TABLES, Ownership, is_unproven
from migplan.bundle.schema.provided import REASON, ProvidedEntries
from migplan.bundle.schema.unsupported import SETTING
from migplan.config import Layout, Strategy
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
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

# What belongs to the target or to the session rather than to what is moved.
_NOT_MOVED: Mapping[str, str] = {
    "ENCODING": "each file sets it",
    "STDSTRINGS": "each file sets it",
    "SEARCHPATH": "each file sets it",
    "DATABASE": "the target's own database takes its place",
    "DATABASE PROPERTIES": "settings of the database are carried on request; see the notes of the manifest",
}

JOURNAL = "migplan"
"""The schema of the journal, which is in no catalog either."""

WATCHER = "EVENT TRIGGER"
"""Event triggers may refuse or log every definition, and REFRESH as well."""

AT_THE_END = frozenset({WATCHER, SETTING})
"""Kinds that come behind the rows in any layout: settings would change the sessions that load rows."""

# What watches or follows everything else, and must not see it being made.
_LAST = frozenset(
    {"DEFAULT ACL", *AT_THE_END, "PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"}
)

# These hold passwords in clear, and belong to the place where the database is, not to the database.
_HOLD_SECRETS = frozenset({"USER MAPPING", "SUBSCRIPTION"})

_LARGE_OBJECTS = frozenset({"BLOB", "BLOBS", "BLOB COMMENTS", "BLOB METADATA"})

_OWNER_ONLY = frozenset({"ACL", "DEFAULT ACL"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What people want left out."""

    privileges: bool = True
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An entry that is in no file, and why."""

    entry: Entry
    why: str


@dataclass(frozen=True)
class Placement:
    """The file of each entry that is moved, and the entries that are not."""

    slots: Mapping[int, Slot]
    left_out: tuple[LeftOut, ...]


def assign_files(
    ownership: Ownership,
    plan: Plan,
    graph: ForeignKeyGraph,
    choice: Choice,
    provided: ProvidedEntries,
    *,
    with_rows: bool = True,
) -> Placement:
    """Return the file of every entry; without rows in the same bundle nothing has to wait for them."""
    homes = graph.home
    left_out = _left_out(ownership, plan, homes, choice, provided)
    group_of = {table.table: number for number, group in enumerate(plan.groups) for table in group.tables}
    later = _later(ownership, plan, graph) if with_rows else set()
    last = len(plan.groups) - 1
    slots: dict[int, Slot] = {}
    for number, entry in ownership.entries.items():
        if number in left_out:
            continue
        home = homes.get(ownership.owner[number]) if number in ownership.owner else None
        slot = _own_slot(entry, group_of[str(home)] if home else 0, plan.constraints, last, number in later)
        slots[number] = max([slot, *(slots[need] for need in ownership.needs[number] if need in slots)])
    return Placement(slots, tuple(LeftOut(ownership.entries[n], why) for n, why in left_out.items()))


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


def _left_out(
    ownership: Ownership,
    plan: Plan,
    homes: Mapping[QualifiedName, QualifiedName],
    choice: Choice,
    provided: ProvidedEntries,
) -> dict[int, str]:
    """Return why entries are left out; so is everything that needs one of them."""
    wanted = _wanted(ownership, plan, homes)
    left: dict[int, str] = {}
    for number, entry in ownership.entries.items():
        owner = ownership.owner.get(number)
        declared = ownership.needs[number] - ownership.named.get(number, frozenset())
        lacked = (n for n in sorted(declared) if n in left and not provided(ownership.entries[n]))
        missing = next(lacked, None)
        if never := _never_moved(entry):
            left[number] = never
        elif provided(entry):
            left[number] = REASON
        elif owner is not None and owner not in homes:
            left[number] = f"table {owner} is not selected"
        elif entry.kind in choice.kinds:
            left[number] = f"{entry.kind} is left out by choice"
        elif entry.kind in _OWNER_ONLY and not choice.privileges:
            left[number] = "privileges are left out by choice"
        elif number not in wanted:
            left[number] = (
                f"schema {entry.schema or entry.tag} is not selected, and nothing selected needs it"
            )
        elif missing is not None:
            other = ownership.entries[missing]
            name = f"{other.schema}.{other.tag}" if other.schema else other.tag
            left[number] = f"it needs {other.kind} {name}, which is left out"
    return left


def _never_moved(entry: Entry) -> str:
    """Return why an entry is left out whatever people choose; empty for most."""
    if JOURNAL in (entry.schema, entry.tag.removeprefix("SCHEMA ") if not entry.schema else ""):
        return "the schema migplan is the journal of what migplan has run here, not of the database"
    if entry.kind in _HOLD_SECRETS:
        return "it holds a password in clear, and belongs to the place rather than to the database"
    if entry.kind in _LARGE_OBJECTS or (not entry.schema and entry.tag.startswith("LARGE OBJECT")):
        return "large objects travel in a file of their own, if they do"
    return _NOT_MOVED.get(entry.kind, "")


def _wanted(
    ownership: Ownership, plan: Plan, homes: Mapping[QualifiedName, QualifiedName]
) -> Collection[int]:
    """Return the entries that are selected, and all that they need."""
    schemas = {name.schema for name in homes}
    everything = not (plan.selection.schemas or plan.selection.tables or plan.selection.exclude)
    wanted: set[int] = set()
    for number, entry in reversed(list(ownership.entries.items())):
        if entry.kind in FOLLOWERS:
            continue
        own = ownership.owner.get(number)
        here = entry.schema in schemas or (entry.kind == "SCHEMA" and entry.tag in schemas)
        wide = not entry.schema and entry.kind != "SCHEMA"
        if number in wanted or everything or own in homes or (own is None and (here or wide)):
            wanted.add(number)
            if entry.kind not in TABLES or own in homes:
                wanted |= ownership.needs[number]
    for number, entry in ownership.entries.items():
        if entry.kind in FOLLOWERS and (
            everything or entry.tag.removeprefix("SCHEMA ") in schemas
            if not ownership.needs[number]  # about the schema public, say, which is in every database
            else any(need in wanted for need in ownership.needs[number])
        ):
            wanted.add(number)
    return wanted
