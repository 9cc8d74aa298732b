"""A small model of a catalog: what statements make, rename and drop, and what goes along with it.

A table carries its columns, constraints, indexes, triggers and policies; a column the sequence that it owns;
a constraint its index. They go where their table goes: to another name, to another schema, or away. What
needs a thing (a view its tables, a key the table that it refers to) goes away with it by CASCADE.

A table is *open* where statements do not tell all of its parts: one that nobody made here, a view, a
partition, what inherits. Of such a table nothing is missing for certain.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from migplan.migrations.model import Thing, ThingKind, Use
from migplan.names import quoted, split
from migplan.sql.default_names import default_name

OF_TABLES = frozenset({ThingKind.COLUMN, ThingKind.CONSTRAINT, ThingKind.TRIGGER, ThingKind.POLICY})
"""What has its table's name before its own."""
RELATIONS = (ThingKind.TABLE, ThingKind.SEQUENCE, ThingKind.INDEX)
"""What shares its names with the others in a schema."""
_BARE = frozenset({ThingKind.SCHEMA, ThingKind.EXTENSION, ThingKind.ROLE, ThingKind.OTHER})
_BY_CASCADE = frozenset({ThingKind.POLICY, ThingKind.TRIGGER, ThingKind.COLUMN})
"""What uses a column and keeps it from being dropped without CASCADE."""
_INDEXED = frozenset("pux")
_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})


@lru_cache(maxsize=1 << 16)
def parts_of(name: str) -> tuple[str, ...]:
    """The parts of a thing's name, without quotes."""
    return tuple(name.split(".")) if '"' not in name else tuple(split(name))


def dotted(parts: Iterable[str]) -> str:
    """The name of a thing by its parts."""
    return ".".join(map(quoted, parts))


@dataclass(frozen=True, slots=True)
class Place:
    """A use, the number of the migration that it stands in, and how many uses come before it."""

    at: int
    use: Use
    step: int = 0


@dataclass(eq=False, slots=True)
class Entry:
    """Something that is there."""

    thing: Thing
    made: Place | None  # None: nobody in the folder made it
    home: Entry | None = None  # what it goes away with
    sure: bool = True  # False: whether it was made is not certain
    is_open: bool = False  # it may have parts that no statement tells
    detail: str = ""  # as Use has it
    columns: frozenset[str] = frozenset()
    signatures: set[str] = field(default_factory=set)  # of the functions of this name
    parts: dict[Entry, None] = field(default_factory=dict)
    dependents: dict[Entry, None] = field(default_factory=dict)
    users: list[Place] = field(default_factory=list)  # since it was made, or got its name
    altered: Place | None = None

    @property
    def is_ghost(self) -> bool:
        """Whether no statement made it so far, though some use it."""
        return self.made is None


class Catalog:
    """What there is at a place in the order of the statements."""

    def __init__(self) -> None:
        self._there: dict[Thing, Entry] = {}
        self._in_schema: dict[str, dict[Entry, None]] = {}
        self._constraints: Counter[tuple[str, str]] = Counter()
        self.gone: dict[Thing, Place] = {}  # who dropped or renamed what is not there any more

    # --- questions ---------------------------------------------------------------------------------------

    def get(self, thing: Thing) -> Entry | None:
        """What has a name now; ghosts, too."""
        return self._there.get(thing)

    def find(self, thing: Thing) -> Entry | None:
        """What a statement means by a name: names of tables, sequences and indexes are of one kind."""
        found = self._there.get(thing)
        if found is not None and not found.is_ghost:
            return found
        if thing.kind in RELATIONS:
            for kind in RELATIONS:
                other = self._there.get(Thing(kind, thing.name))
                if other is not None and not other.is_ghost:
                    return other
        elif thing.kind in OF_TABLES:
            return self._of_open_table(thing)
        elif thing.kind is ThingKind.TYPE and (row := self._there.get(Thing(ThingKind.TABLE, thing.name))):
            return None if row.is_ghost else row
        return None

    def _of_open_table(self, thing: Thing) -> Entry | None:
        """The table of a part that it may have without anybody saying so."""
        *table, own = parts_of(thing.name)
        home = self.find(Thing(ThingKind.TABLE, dotted(table)))
        if home is None:
            return None
        by_the_server = (
            own in _SYSTEM_COLUMNS if thing.kind is ThingKind.COLUMN else own.endswith("_not_null")
        )
        return home if home.is_open or by_the_server else None

    def has_no_table(self, thing: Thing) -> bool:
        """Whether a part of a table is meant, and the table is not known to be there."""
        if thing.kind not in OF_TABLES:
            return False
        home = self._there.get(Thing(ThingKind.TABLE, dotted(parts_of(thing.name)[:-1])))
        return home is None or home.is_ghost

    def things(self, *, sure: bool = True) -> Iterator[Thing]:
        """What is there, by the statements; with what may be there if ``sure`` is not asked for."""
        for entry in self._there.values():
            if not entry.is_ghost and (_is_sure(entry) or not sure):
                yield entry.thing

    def told(self) -> frozenset[tuple[object, ...]]:
        """What is there, with the statements that made it and altered it last, and with what needs it."""
        return frozenset(
            (
                entry.thing,
                (entry.made.use.statement, entry.made.use.digest),
                (entry.altered.use.statement, entry.altered.use.digest) if entry.altered else "",
                *sorted(each.thing for each in entry.dependents if self._there.get(each.thing) is each),
            )
            for entry in self._there.values()
            if entry.made is not None
        )

    def held_by(self, entry: Entry) -> Iterator[Place]:
        """Who made what is in the way of dropping something without CASCADE."""
        going = {entry, *entry.parts, *_of_column(entry)}
        for user in _using_column(entry):
            if user.made and _is_sure(user) and not _may_use(user):
                yield user.made
        for dependent in (each for one in going for each in one.dependents):
            is_there = self._there.get(dependent.thing) is dependent and dependent.sure
            apart = dependent.home is None or dependent.home not in (entry, entry.home)
            made = dependent.made
            if made and is_there and apart and dependent not in going and dependent.detail != "p":
                yield made

    def open_tables(self) -> frozenset[str]:
        """The names of tables that may have more parts than statements tell."""
        return frozenset(entry.thing.name for entry in self._there.values() if entry.is_open)

    # --- changes -----------------------------------------------------------------------------------------

    def make(self, use: Use, place: Place) -> tuple[Entry, Place | None]:
        """Make what a statement makes; with it, where it was made before if it is there already."""
        thing = self._named(use)
        entry = self._there.get(thing)
        first = entry.made if entry is not None else None
        if entry is not None and first is not None and not (entry.sure or use.tolerant or not use.sure):
            self._remove(entry, place, cascade=False)  # had it been there, the statement would have failed
            entry = None
        if entry is not None and not entry.is_ghost:
            if thing.kind is ThingKind.FUNCTION and _plain(use.signature) not in entry.signatures:
                entry.signatures.add(_plain(use.signature))
                return entry, None
            if not use.tolerant or thing.kind in {ThingKind.FUNCTION, ThingKind.TRIGGER} or use.detail == "v":
                entry.made = place
            if thing.kind is ThingKind.TRIGGER and use.sure:
                self._replaced(entry, use)
            entry.sure = entry.sure or use.sure
            return entry, first
        entry = entry or self._put(Entry(thing, None))
        entry.made, entry.sure, entry.detail = place, use.sure, use.detail
        entry.columns = frozenset(use.columns)
        entry.signatures = {_plain(use.signature)}
        entry.is_open = use.detail in {"v", "p"}
        self._hang(entry, self._home(use, thing))
        if thing.kind is ThingKind.CONSTRAINT and use.detail in _INDEXED:
            self._index_of(entry, place)
        elif thing.kind is ThingKind.CONSTRAINT and use.detail == "i":
            schema, *_, own = parts_of(thing.name)
            index = self._there.get(Thing(ThingKind.INDEX, dotted((schema, own))))
            if index is not None:
                self._hang(index, entry)
                entry.columns = index.columns
        return entry, first

    def _replaced(self, trigger: Entry, use: Use) -> None:
        """A trigger uses what it is replaced with, and no more what it used before."""
        trigger.columns = frozenset(use.columns)
        for entry in self._there.values():
            entry.dependents.pop(trigger, None)

    def _named(self, use: Use) -> Thing:
        """The thing that is made, with the number that the server adds to a name which is taken."""
        if use.chosen is None:
            return use.thing
        table, columns, ending = use.chosen
        *before, own = parts_of(use.thing.name)
        number = 0
        while self._is_taken(use.thing.kind, before[0], own, is_index=ending in {"pkey", "key", "excl"}):
            number += 1
            own = default_name(table, columns, f"{ending}{number}")
        return Thing(use.thing.kind, dotted((*before, own))) if number else use.thing

    def _is_taken(self, kind: ThingKind, schema: str, own: str, *, is_index: bool) -> bool:
        if kind is ThingKind.CONSTRAINT and self._constraints[schema, own]:
            return True
        if kind is not ThingKind.CONSTRAINT or is_index:
            found = (self._there.get(Thing(each, dotted((schema, own)))) for each in RELATIONS)
            return any(each is not None and each.sure for each in found)
        return False

    def _home(self, use: Use, thing: Thing) -> Entry | None:
        if use.of is not None:
            return self._owner(use.of)
        if thing.kind in OF_TABLES:
            return self.ghost(Thing(ThingKind.TABLE, dotted(parts_of(thing.name)[:-1])))
        return None

    def _index_of(self, constraint: Entry, place: Place) -> None:
        schema, *_, own = parts_of(constraint.thing.name)
        index = self._put(Entry(Thing(ThingKind.INDEX, dotted((schema, own))), place, sure=constraint.sure))
        index.columns = constraint.columns
        self._hang(index, constraint)

    def ghost(self, thing: Thing) -> Entry:
        """What statements use although none of them made it: it is thought of as being there."""
        found = self._there.get(thing)
        if found is None:
            found = self._put(Entry(thing, None, is_open=True))
            if thing.kind in OF_TABLES:
                self._hang(found, self.ghost(Thing(ThingKind.TABLE, dotted(parts_of(thing.name)[:-1]))))
        return found

    def own(self, sequence: Entry, column: Thing) -> None:
        """A column owns a sequence from now on: they go away together."""
        self._hang(sequence, self._owner(column) if column.name else None)

    def _owner(self, thing: Thing) -> Entry:
        """What has parts: of an open table, the column itself, so that they go away with it."""
        found = self.find(thing)
        is_table = found is not None and found.thing.kind in RELATIONS and thing.kind in OF_TABLES
        return self.ghost(thing) if found is None or is_table else found

    def attach(self, child: Entry, parent: Entry) -> None:
        """A table becomes a partition of another one, or inherits from it."""
        child.is_open, child.detail = True, "p"
        parent.dependents[child] = None

    def detach(self, child: Entry, parent: Entry) -> None:
        """It is one no more."""
        parent.dependents.pop(child, None)
        child.detail = "r"

    def drop(self, entry: Entry, place: Place) -> None:
        """Drop something with its parts, and by CASCADE with what needs it."""
        signature = _plain(place.use.signature)
        if entry.thing.kind is ThingKind.FUNCTION and signature:
            if signature not in entry.signatures and (place.use.tolerant or len(entry.signatures) > 1):
                return
            if len(entry.signatures) > 1:
                self._drop_one(entry, signature, place)
                return
        if not place.use.sure:
            entry.sure = False
            return
        self._remove(entry, place, cascade=place.use.cascade)

    def _drop_one(self, function: Entry, signature: str, place: Place) -> None:
        """Drop one of several functions of a name: what needs it may need another one."""
        function.signatures.discard(signature)
        for dependent in list(function.dependents) if place.use.cascade else ():
            if dependent.thing.kind is not ThingKind.TRIGGER:
                dependent.sure = False
            elif signature == "()":
                self._remove(dependent, place, cascade=True)

    def _remove(self, entry: Entry, place: Place, *, cascade: bool) -> None:
        if self._there.get(entry.thing) is not entry:
            return
        self._take(entry)
        self.gone[entry.thing] = place
        if entry.home is not None:
            entry.home.parts.pop(entry, None)
        if entry.thing.kind is ThingKind.SCHEMA:
            for inner in list(self._in_schema.get(parts_of(entry.thing.name)[0], ())):
                self._remove(inner, place, cascade=cascade)
        for part in (*entry.parts, *_of_column(entry)):
            self._remove(part, place, cascade=cascade)
        for dependent in list(entry.dependents):
            is_partition = dependent.thing.kind is ThingKind.TABLE and dependent.detail == "p"
            several = len(dependent.signatures) > 1  # of the functions of a name another one is left
            if (cascade or is_partition) and not several:
                self._remove(dependent, place, cascade=cascade)
        if cascade and entry.home is not None:
            self._drop_users(entry, entry.home, place)

    def _drop_users(self, part: Entry, table: Entry, place: Place) -> None:
        """What uses a part of a table goes with it by CASCADE; what queries the table may use it."""
        if part.thing.kind is ThingKind.COLUMN:
            for user in _using_column(part):
                if not _may_use(user):
                    self._remove(user, place, cascade=True)
            for each in (*table.parts, *table.dependents):
                each.sure = each.sure and not _may_use(each)
        elif part.thing.kind is ThingKind.CONSTRAINT and part.detail in {"p", "u", "i"}:
            for each in table.dependents:
                each.sure = each.sure and each.detail != "f"  # the key may rest upon it

    def rename(self, entry: Entry, to: Thing, place: Place) -> None:
        """Give something another name, or another schema, with all that goes by its name."""
        if entry.thing.kind is not to.kind:  # ALTER TABLE may rename a sequence or an index
            to = Thing(entry.thing.kind, to.name)
        other = self._there.get(to)
        if other is not None and other is not entry:
            self._take(other)
        if to.kind is ThingKind.SCHEMA:
            self._move_schema(entry, to, place)
            return
        new = parts_of(to.name)
        home = entry.home
        if to.kind is ThingKind.CONSTRAINT:
            for part in list(entry.parts):  # its index
                self._call(part, Thing(ThingKind.INDEX, dotted((new[0], new[-1]))), place)
        elif to.kind is ThingKind.COLUMN:
            for part in (*_of_column(entry), *_using_column(entry)):
                part.columns = part.columns - {parts_of(entry.thing.name)[-1]} | {new[-1]}
        elif to.kind is ThingKind.INDEX and home is not None and home.thing.kind is ThingKind.CONSTRAINT:
            *table, _ = parts_of(home.thing.name)
            self._call(home, Thing(ThingKind.CONSTRAINT, dotted((*table, new[-1]))), place)
        self._call(entry, to, place)
        if to.kind is ThingKind.TABLE:
            self._carry(entry, new, place)

    def _carry(self, table: Entry, name: tuple[str, ...], place: Place) -> None:
        """Move the parts of a table that has got another name or schema."""
        for part in list(table.parts):
            self._follow(part, name, place)

    def _follow(self, part: Entry, table: tuple[str, ...], place: Place) -> None:
        own = parts_of(part.thing.name)[-1]
        name = (*table, own) if part.thing.kind in OF_TABLES else (table[0], own)
        self._call(part, Thing(part.thing.kind, dotted(name)), place)
        for inner in list(part.parts):
            self._follow(inner, table, place)

    def _move_schema(self, entry: Entry, to: Thing, place: Place) -> None:
        old, new = parts_of(entry.thing.name)[0], parts_of(to.name)[0]
        for inner in list(self._in_schema.get(old, ())):
            self._call(inner, Thing(inner.thing.kind, dotted((new, *parts_of(inner.thing.name)[1:]))), place)
        self._call(entry, to, place)

    def _call(self, entry: Entry, to: Thing, place: Place) -> None:
        """Enter something under another name; who used it under the old one is of no more concern."""
        if entry.thing == to:
            return
        if self._there.get(entry.thing) is entry:
            self._take(entry)
        self.gone[entry.thing] = place
        self.gone.pop(to, None)
        entry.thing, entry.users = to, []
        if entry.made is not None:
            entry.made = place
        self._put(entry)

    # --- keeping the books -------------------------------------------------------------------------------

    def _put(self, entry: Entry) -> Entry:
        thing = entry.thing
        self._there[thing] = entry
        if thing.kind not in _BARE:
            schema = parts_of(thing.name)[0]
            self._in_schema.setdefault(schema, {})[entry] = None
            if thing.kind is ThingKind.CONSTRAINT:
                self._constraints[schema, parts_of(thing.name)[-1]] += 1
        return entry

    def _take(self, entry: Entry) -> None:
        thing = entry.thing
        del self._there[thing]
        if thing.kind not in _BARE:
            schema = parts_of(thing.name)[0]
            self._in_schema[schema].pop(entry, None)
            if thing.kind is ThingKind.CONSTRAINT:
                self._constraints[schema, parts_of(thing.name)[-1]] -= 1

    def _hang(self, entry: Entry, home: Entry | None) -> None:
        if entry.home is not None:
            entry.home.parts.pop(entry, None)
        entry.home = home
        if home is not None:
            home.parts[entry] = None


def _of_column(entry: Entry) -> list[Entry]:
    """The indexes and constraints of a table that stand and fall with a column of it."""
    return [part for part in _naming_column(entry) if part.thing.kind not in _BY_CASCADE]


def _using_column(entry: Entry) -> list[Entry]:
    """The policies, triggers and generated columns of a table that are in the way of dropping a column."""
    return [part for part in _naming_column(entry) if part.thing.kind in _BY_CASCADE]


def _naming_column(entry: Entry) -> list[Entry]:
    if entry.thing.kind is not ThingKind.COLUMN or entry.home is None:
        return []
    own = parts_of(entry.thing.name)[-1]
    return [part for part in entry.home.parts if own in part.columns]


def _may_use(entry: Entry) -> bool:
    """Whether it may use any column of its tables: it queries them, or may have got another expression."""
    kind, detail = entry.thing.kind, entry.detail
    queries = (kind is ThingKind.TABLE and detail not in {"p", "r"}) or detail == "q"
    has_expression = kind is ThingKind.POLICY or (kind is ThingKind.COLUMN and bool(entry.columns))
    return queries or (has_expression and entry.altered is not None)


def _is_sure(entry: Entry | None) -> bool:
    """Whether it is certainly there, and so is what it belongs to."""
    while entry is not None:
        if not entry.sure:
            return False
        entry = entry.home
    return True


def _plain(signature: str) -> str:
    return signature.replace("public.", "")
