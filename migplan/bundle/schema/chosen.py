"""What a bundle brings: what was selected, what goes with it, what is left out and why, and what it lacks.

A table brings what belongs to it: its sequences, keys, indexes, triggers, policies, rules, statistics,
comments and privileges. A selected schema brings everything in it. Schemas, extensions, languages, servers
and the like come where something that is brought needs them, and everything else only on request.

What was left out on purpose takes along what stands by itself and cannot do without it, a view say, and that
is listed. A part of a selected table is not taken away in silence: what it needs is lacked then.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from migplan.bundle.schema.needs import KEY, Need, described, needs_of, unmet
from migplan.bundle.schema.ownership import FOLLOWERS, Ownership
from migplan.bundle.schema.provided import REASON
from migplan.catalog.model import Catalog
from migplan.errors import SelectionError
from migplan.names import QualifiedName, quoted
from migplan.postgres.archive import ROUTINES, TABLES, Entry
from migplan.text.wording import counted, listed

JOURNAL = "migplan"
"""The schema of the journal, which is in no catalog either."""

# What belongs to the target or to the session rather than to what is moved.
_NOT_MOVED: Mapping[str, str] = {
    "ENCODING": "each file sets it",
    "STDSTRINGS": "each file sets it",
    "SEARCHPATH": "each file sets it",
    "DATABASE": "the target's own database takes its place",
    "DATABASE PROPERTIES": "settings of the database are carried on request; see the notes of the manifest",
}

# These hold passwords in clear, and belong to the place where the database is, not to the database.
_HOLD_SECRETS = frozenset({"USER MAPPING", "SUBSCRIPTION"})

_LARGE_OBJECTS = frozenset({"BLOB", "BLOBS", "BLOB COMMENTS", "BLOB METADATA"})

_PRIVILEGES = frozenset({"ACL", "DEFAULT ACL"})

# What others stand in or stand on: it comes where it is needed.
_CARRIED = frozenset(
    {"SCHEMA", "EXTENSION", "PROCEDURAL LANGUAGE", "ACCESS METHOD", "FOREIGN DATA WRAPPER", "SERVER"}
)

_PUBLISHED = frozenset({"PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"})

# What says something about others, or joins two of them: without one of these it has no meaning.
_HALVES = frozenset({"INDEX ATTACH", "TABLE ATTACH"})
_TIES = FOLLOWERS | _PUBLISHED | _HALVES

# What views and domains have of their own.
_OF_OTHERS = frozenset(
    {"RULE", "TRIGGER", "INDEX", "DEFAULT", "CONSTRAINT", "CHECK CONSTRAINT", "STATISTICS"}
)
_HAVE_PARTS = frozenset({"VIEW", "MATERIALIZED VIEW", "DOMAIN"})

# What no schema holds, and belongs to what it needs: the function of an event trigger, the types of a cast.
_WITH_ITS_NEEDS = frozenset({"CAST", "TRANSFORM", "EVENT TRIGGER"})


_SAID, _USERS = 20, 3
_ADVICE = (
    "migplan export --with-needed takes them along, --provided NAME says that the target has them, and "
    "--without-dangling-keys leaves out keys that refer to what is not brought"
)

# Parts of tables that a kind of option leaves out, and without which all others can be made.
_CAN_GO = frozenset({"INDEX", "POLICY", "RULE", "STATISTICS", "TRIGGER"})


@dataclass(frozen=True, slots=True)
class Choice:
    """What people want left out, and what they want taken along."""

    privileges: bool = True
    kinds: frozenset[str] = frozenset()
    needed: bool = False  # take along whatever the selection needs
    dangling_keys: bool = True  # False: keys to tables that are left out are left out, too


@dataclass(frozen=True)
class Scope:
    """What was selected: tables with their partitions, and what of the rest."""

    tables: frozenset[QualifiedName]
    schemas: frozenset[str] | None = None  # whose other objects are meant; None: of every schema
    alone: bool = False  # tables were named: they bring what is theirs, and nothing else
    excluded: frozenset[QualifiedName] = frozenset()  # tables that nobody takes along
    provided: frozenset[QualifiedName] = (
        frozenset()
    )  # tables of the target, on which people may have put more
    elsewhere: Mapping[int, str] = field(default_factory=dict)  # entries that are not meant either, and why


@dataclass(frozen=True)
class Chosen:
    """The entries that a bundle brings, and all others."""

    here: frozenset[int]
    left_out: Mapping[int, str]  # and why
    lacks: tuple[Need, ...] = ()  # what the bundle cannot be loaded without
    named: tuple[Need, ...] = ()  # what bodies of functions name, and miss when they are called
    added: frozenset[int] = frozenset()  # what was taken along
    tables: frozenset[QualifiedName] = frozenset()  # those of it that are tables
    on_purpose: frozenset[int] = frozenset()  # what was left out whatever needs it
    owner: Mapping[int, QualifiedName] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lack:
    """An entry that a bundle cannot be loaded without, and who needs it."""

    what: Entry
    needs: tuple[Need, ...]
    can_come: bool  # it was not left out on purpose
    rows: int | None = None  # of a table, where they are known

    @property
    def name(self) -> str:
        """Return its name as a pattern that means it."""
        entry = self.what
        bare = entry.tag.partition("(")[0] if entry.kind in ROUTINES else entry.tag
        return str(QualifiedName(entry.schema, bare)) if entry.schema else quoted(bare)


@dataclass(eq=False)
class LacksError(SelectionError):
    """A bundle of what was selected could not be loaded: what it lacks, and who needs it."""

    lacks: tuple[Lack, ...] = field(default=(), kw_only=True)
    options: tuple[str, ...] = field(default=(), kw_only=True)  # that the same command needs as well
    more: str = field(default="", kw_only=True)  # about these

    @classmethod
    def of(cls, chosen: Chosen, catalog: Catalog) -> Self:
        """Return the refusal of what lacks something."""
        by_entry: dict[int, list[Need]] = {}
        for need in chosen.lacks:
            by_entry.setdefault(need.lacked, []).append(need)
        tables = {QualifiedName(n.what.schema, n.what.tag) for n in chosen.lacks if n.what.kind in TABLES}
        lacks = tuple(
            Lack(needs[0].what, tuple(needs), number not in chosen.on_purpose, _rows(needs[0].what, catalog))
            for number, needs in by_entry.items()
            if chosen.owner.get(number) not in tables or needs[0].what.kind in TABLES
        )
        lines = [f"  {line}" for lack in lacks[:_SAID] for line in _lines(lack)]
        if len(lacks) > _SAID:
            lines.append(f"  and {len(lacks) - _SAID:,} more")
        what = f"what is selected needs {counted(len(lacks), 'object')} that it does not bring"
        return cls("\n".join((f"{what}; nothing was written", *lines)), lacks=lacks, do=_ADVICE)

    def also(self, what: str, do: str, option: str) -> None:
        """Say what else would refuse the same command, what can be done, and the option that takes all."""
        self.what = f"{self.what}\n{what}"
        self.do = f"{self.do}; {do}"
        self.options, self.more = (*self.options, option), do

    @property
    def without(self) -> tuple[str, ...] | None:
        """Return the options that leave out whatever lacks something; None if no option does."""
        users = {need.by.kind for lack in self.lacks for need in lack.needs}
        if not users <= _CAN_GO | {KEY}:
            return None
        kinds = (word for kind in sorted(users - {KEY}) for word in ("--without", kind))
        return (*(["--without-dangling-keys"] if KEY in users else []), *kinds)


def _rows(entry: Entry, catalog: Catalog) -> int | None:
    table = catalog.by_name.get(QualifiedName(entry.schema, entry.tag)) if entry.kind in TABLES else None
    return table.rows if table else None


def _lines(lack: Lack) -> Iterator[str]:
    rows = f" ({counted(lack.rows, 'row')})" if lack.rows is not None else ""
    users: dict[str, list[str]] = {}
    for need in lack.needs:
        users.setdefault(need.how, []).append(described(need.by))
    for how, names in users.items():
        yield f"{described(lack.what)}{rows} {how}: {listed(names, _USERS)}"


def nothing(_entry: Entry) -> bool:
    """Return that the target provides no entry."""
    return False


def choose(
    ownership: Ownership, scope: Scope, choice: Choice, provided: Callable[[Entry], bool] = nothing
) -> Chosen:
    """Return what a bundle of this scope brings; what is ``provided`` is left out, and not lacked."""
    return _Choosing(ownership, scope, choice, provided).result()


@dataclass
class _Choosing:
    ownership: Ownership
    scope: Scope
    choice: Choice
    provided: Callable[[Entry], bool]
    left: dict[int, str] = field(default_factory=dict)  # on purpose: nothing takes it along
    aside: dict[int, str] = field(default_factory=dict)  # not selected
    here: set[int] = field(default_factory=set)
    added: set[int] = field(default_factory=set)

    def result(self) -> Chosen:
        """Divide the entries."""
        for number, entry in self._entries.items():
            if why := self._left_on_purpose(number, entry):
                self.left[number] = why
            elif why := self._not_selected(number, entry):
                self.aside[number] = why
            else:
                self.here.add(number)
        self._select_with_needs()
        if self.choice.needed:
            self._take_along(lambda need: need.by.kind != KEY or self.choice.dangling_keys)
        self._leave_out()
        self._take_along(lambda need: need.what.kind in _CARRIED)
        self._follow()
        return self._result()

    def _result(self) -> Chosen:
        missing = [
            need
            for need in unmet(self.ownership, self.here)
            if need.by.kind not in _TIES and not self.provided(need.what)
        ]
        added = frozenset(each for each in self.added & self.here if self._entries[each].kind not in _CARRIED)
        return Chosen(
            here=frozenset(self.here),
            left_out={
                number: self.left.get(number) or self.aside[number]
                for number in self._entries
                if number not in self.here
            },
            lacks=tuple(need for need in missing if not need.weak),
            named=tuple(need for need in missing if need.weak),
            added=added,
            tables=frozenset(
                self.ownership.owner[each] for each in added if self._entries[each].kind in TABLES
            ),
            on_purpose=frozenset(self.left),
            owner=self.ownership.owner,
        )

    # --- the first look, at each entry by itself

    def _left_on_purpose(self, number: int, entry: Entry) -> str:
        """Return why an entry is left out whatever needs it; empty for most."""
        if never := _never_moved(entry):
            return never
        if self.provided(entry):
            return REASON
        if entry.kind in self.choice.kinds:
            return f"{entry.kind} is left out by choice"
        if entry.kind in _PRIVILEGES and not self.choice.privileges:
            return "privileges are left out by choice"
        owner = self.ownership.owner.get(number)
        return f"table {owner} is excluded" if owner in self.scope.excluded else ""

    def _not_selected(self, number: int, entry: Entry) -> str:
        """Return why an entry is not among what was selected; empty if it is."""
        owner = self.ownership.owner.get(number)
        if owner is not None and owner not in self.scope.tables | self.scope.provided:
            return f"table {owner} is not selected"
        if entry.kind == "DATABASE SETTING" or (entry.kind in FOLLOWERS and self._declared(number)):
            return ""  # the one was asked for, the others follow what they are about
        return self.scope.elsewhere.get(number) or self._outside(entry, owner)

    def _outside(self, entry: Entry, owner: QualifiedName | None) -> str:
        scope = self.scope
        if scope.alone:
            belongs = owner in scope.tables and entry.kind not in _PUBLISHED
            return "" if belongs else "it belongs to no table that is selected, and none needs it"
        if owner is not None or scope.schemas is None:
            return ""
        return self._outside_of_schemas(entry, scope.schemas)

    def _outside_of_schemas(self, entry: Entry, schemas: Collection[str]) -> str:
        if entry.schema:
            return "" if entry.schema in schemas else f"schema {entry.schema} is not selected"
        if entry.kind == "SCHEMA" or entry.tag.startswith("SCHEMA "):
            name = entry.tag.removeprefix("SCHEMA ") if entry.kind in FOLLOWERS else entry.tag
            return "" if name in schemas else f"schema {name} is not selected"
        by_itself = entry.kind == "DEFAULT ACL" or (
            entry.kind == "PUBLICATION" and not self._users.get(entry.id)  # of all tables
        )
        return "" if by_itself else "it is in no schema, and nothing that is selected needs it"

    def _select_with_needs(self) -> None:
        """Select what stands in no schema and is about something that is selected."""
        if self.scope.alone or self.scope.schemas is None:
            return
        for number in list(self.aside):
            entry = self._entries[number]
            if entry.kind in _WITH_ITS_NEEDS:
                about = self.here.intersection(entry.needs)
            elif entry.kind == "PUBLICATION":
                about = self.here.intersection(self._users.get(number, ()))
            else:
                continue
            if about:
                del self.aside[number]
                self.here.add(number)

    # --- what is taken along, on request or because others stand in it

    def _take_along(self, wanted: Callable[[Need], bool]) -> None:
        """Take along what is needed in a way that is wanted, with what belongs to it."""
        waiting = sorted(number for number in self.here if self._entries[number].kind not in _TIES)
        while waiting:
            for need in needs_of(self.ownership, waiting.pop(), bodies=False):
                if need.lacked in self.aside and need.lacked not in self.here and wanted(need):
                    new = self._with_its_own(need.lacked)
                    self.here |= new
                    self.added |= new
                    waiting += sorted(new)

    def _with_its_own(self, number: int) -> set[int]:
        """Return an entry with the table, view or domain that it belongs to, and all that belongs to it."""
        owner = self.ownership.owner.get(number)
        if owner is None:
            whole = [number, *self._parts.get(number, ())]
        elif self._entries[number].kind == "SEQUENCE":
            whole = [number]
        else:
            whole = self._families[self.ownership.tops[owner]]
        return {
            each
            for each in whole
            if each in self.aside
            and each not in self.here
            and self._entries[each].kind not in _TIES - _HALVES
        }

    # --- what cannot do without something that is left out

    def _leave_out(self) -> None:
        """Leave out what stands by itself and needs what was left out on purpose, and keys that dangle."""
        changed = True
        while changed:
            changed = False
            for number in sorted(self.here, key=self.ownership.order.__getitem__):
                if self._entries[number].kind not in _TIES and (why := self._cannot_come(number)):
                    self.here.discard(number)
                    self.left[number] = why
                    changed = True

    def _cannot_come(self, number: int) -> str:
        missing = self._missing(number)
        if not missing:
            return ""
        if self._entries[number].kind == KEY and not self.choice.dangling_keys:
            other = next((need for need in missing if need.what.kind in TABLES), missing[0])
            return f"{described(other.what)}, to which it refers, is not brought"
        on_purpose = [need for need in missing if need.lacked in self.left]
        stands_by_itself = number not in self.ownership.owner and number not in self.added
        return _needs(on_purpose[0]) if on_purpose and stands_by_itself else ""

    def _missing(self, number: int) -> list[Need]:
        """Return what an entry needs that is neither here nor carried later."""
        return [
            need
            for need in needs_of(self.ownership, number, bodies=False)
            if need.lacked not in self.here
            and not (need.what.kind in _CARRIED and need.lacked in self.aside)
            and not self.provided(need.what)
        ]

    def _follow(self) -> None:
        """Let comments, privileges and the like go with what they are about."""
        for number, entry in self._entries.items():
            if entry.kind not in _TIES or number in self.left:
                continue
            subjects = self._declared(number)
            if entry.kind == "SEQUENCE OWNED BY":  # its needs are the sequence alone
                subjects += [each for each in (self._table_of(number),) if each is not None]
            missing = [each for each in subjects if each not in self.here]
            if number in self.here and missing and not self.provided(self._entries[missing[0]]):
                self.here.discard(number)
                self.left[number] = f"it needs {described(self._entries[missing[0]])}, which is left out"
            elif entry.kind in FOLLOWERS and subjects and not missing:
                self.here.add(number)

    def _declared(self, number: int) -> list[int]:
        return [need for need in self._entries[number].needs if need in self._entries]

    # --- looking things up

    @property
    def _entries(self) -> Mapping[int, Entry]:
        return self.ownership.entries

    def _table_of(self, number: int) -> int | None:
        """Return the entry of the table to which another one belongs."""
        owner = self.ownership.owner.get(number)
        family = self._families[self.ownership.tops[owner]] if owner is not None else ()
        return next(
            (
                each
                for each in family
                if self._entries[each].kind in TABLES and self.ownership.owner[each] == owner
            ),
            None,
        )

    @cached_property
    def _users(self) -> dict[int, list[int]]:
        """Of each publication, what is published by it."""
        found: dict[int, list[int]] = {}
        for number, entry in self._entries.items():
            for need in entry.needs if entry.kind in _PUBLISHED else ():
                found.setdefault(need, []).append(number)
        return found

    @cached_property
    def _families(self) -> dict[QualifiedName, list[int]]:
        """Everything that belongs to a table or to its partitions, by the topmost table."""
        found: dict[QualifiedName, list[int]] = {}
        for number, owner in self.ownership.owner.items():
            found.setdefault(self.ownership.tops[owner], []).append(number)
        return found

    @cached_property
    def _parts(self) -> dict[int, list[int]]:
        """What belongs to each view and domain: rules, triggers, indexes, checks."""
        found: dict[int, list[int]] = {}
        for number, entry in self._entries.items():
            if entry.kind in _OF_OTHERS and number not in self.ownership.owner:
                for need in self._declared(number):
                    if self._entries[need].kind in _HAVE_PARTS:
                        found.setdefault(need, []).append(number)
        return found


def _needs(need: Need) -> str:
    return f"it needs {described(need.what)}, which is left out"


def _never_moved(entry: Entry) -> str:
    """Return why an entry is left out whatever people choose; empty for most."""
    if JOURNAL in (entry.schema, entry.tag.removeprefix("SCHEMA ") if not entry.schema else ""):
        return "the schema migplan is the journal of what migplan has run here, not of the database"
    if entry.kind in _HOLD_SECRETS:
        return "it holds a password in clear, and belongs to the place rather than to the database"
    if entry.kind in _LARGE_OBJECTS or (not entry.schema and entry.tag.startswith("LARGE OBJECT")):
        return "large objects travel in a file of their own, if they do"
    return _NOT_MOVED.get(entry.kind, "")
