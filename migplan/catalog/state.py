"""The state of a database, object by object, as its catalogs have it.

What was made, altered or dropped between two moments is the difference of two states, by whatever statements
it came about.

Objects are known by their oids, so a renamed one is the same one. Objects of system schemas, of extensions
and of the journal are left out.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, LiteralString, NamedTuple

from migplan.catalog.questions import sql
from migplan.names import QualifiedName, quoted
from migplan.postgres.session import Session
from migplan.sql.definitions import same, tree_of

CLASS, CONSTRAINT, TYPE = 1259, 2606, 1247
"""Oids of pg_class, pg_constraint and pg_type, which are the same on every server."""

_DEPENDENCIES = """
    WITH other (class, oid, to_class, to_oid, to_sub) AS (
        SELECT 'pg_catalog.pg_attrdef'::regclass, d.oid,
               'pg_catalog.pg_class'::regclass, d.adrelid, d.adnum::int
        FROM pg_catalog.pg_attrdef d
        UNION ALL
        SELECT 'pg_catalog.pg_rewrite'::regclass, r.oid, 'pg_catalog.pg_class'::regclass, r.ev_class, 0
        FROM pg_catalog.pg_rewrite r WHERE r.rulename = '_RETURN'
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, t.oid, 'pg_catalog.pg_class'::regclass, t.typrelid, 0
        FROM pg_catalog.pg_type t WHERE t.typrelid <> 0
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, t.typarray,
               CASE WHEN t.typrelid <> 0 THEN 'pg_catalog.pg_class' ELSE 'pg_catalog.pg_type' END::regclass,
               CASE WHEN t.typrelid <> 0 THEN t.typrelid ELSE t.oid END, 0
        FROM pg_catalog.pg_type t WHERE t.typarray <> 0
        UNION ALL
        SELECT e.classid, e.objid, e.refclassid, e.refobjid, 0  -- what belongs to an extension
        FROM pg_catalog.pg_depend e
        WHERE e.deptype = 'e' AND e.refclassid = 'pg_catalog.pg_extension'::regclass
        UNION ALL
        SELECT i.classid, i.objid, i.refclassid, i.refobjid, 0  -- multiranges
        FROM pg_catalog.pg_depend i JOIN pg_catalog.pg_type t ON t.oid = i.objid AND t.typtype = 'm'
        WHERE i.classid = 'pg_catalog.pg_type'::regclass AND i.refclassid = i.classid AND i.deptype = 'i'
    )
    SELECT DISTINCT coalesce(a.to_class, d.classid)::oid::int8, coalesce(a.to_oid, d.objid)::int8,
           coalesce(a.to_sub, d.objsubid), coalesce(b.to_class, d.refclassid)::oid::int8,
           coalesce(b.to_oid, d.refobjid)::int8, coalesce(b.to_sub, d.refobjsubid), d.deptype::text,
           coalesce(d.classid = 'pg_catalog.pg_attrdef'::regclass, false)
    FROM pg_catalog.pg_depend d
    LEFT JOIN other a ON a.class = d.classid AND a.oid = d.objid
    LEFT JOIN other b ON b.class = d.refclassid AND b.oid = d.refobjid
    WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.deptype <> 'e'
"""
_COUNTERS = """
    SELECT relid::int8, schemaname = 'pg_catalog', relname::text, n_tup_ins, n_tup_upd, n_tup_del
    FROM pg_catalog.pg_stat_xact_all_tables
    WHERE n_tup_ins + n_tup_upd + n_tup_del > 0
      AND schemaname !~ '^pg_(toast|temp)' AND schemaname <> 'migplan'
"""
_MOMENT = """
    SELECT current_user::text, pg_catalog.pg_current_xact_id_if_assigned()::text,
           pg_catalog.current_setting('track_counts') = 'on'
"""
_PATH = "SET LOCAL search_path = ''"
_IS_PLANNED: LiteralString = "SELECT 1 FROM pg_catalog.pg_prepared_statements WHERE name = 'migplan_state'"
_HORIZON = """
    SELECT current_user::text, pg_catalog.pg_current_xact_id_if_assigned()::text,
           pg_catalog.pg_snapshot_xmax(s.now)::text,
           EXISTS (SELECT FROM pg_catalog.pg_snapshot_xip(s.now)),
           (SELECT d.oid::int8 FROM pg_catalog.pg_database d
            WHERE d.datname = pg_catalog.current_database())
    FROM pg_catalog.pg_current_snapshot() s (now)
"""
_IN_PROGRESS = """
    SELECT x.own FROM unnest(%s::bigint[], %s::text[]) x (own, whole)
    WHERE pg_catalog.pg_xact_status(x.whole::xid8) = 'in progress'
"""
_ALONE = frozenset({"file", "label_oids", "type_oid", "index", "last_value"})
"""Attributes that say nothing of what an object is: numbers of the server's own."""

_PRINTED = {
    "definition": "statement",
    **dict.fromkeys(("default", "generated", "using", "check"), "expression"),
    "partition_key": "partition key",
    "bound": "partition bound",
    "tables": "expression",  # of publications: their names, columns and conditions
}
"""Attributes that are definitions as the server prints them, and their syntax; of constraints see below."""


class Key(NamedTuple):
    """An object as pg_depend names it."""

    catalog: int
    oid: int
    sub: int = 0


class Dependency(NamedTuple):
    """One object that depends on another."""

    dependent: Key
    referenced: Key
    how: str  # as pg_depend.deptype has it
    by_default: bool  # it is the default of a column that does


class Counter(NamedTuple):
    """What a transaction did to the rows of a table."""

    name: str
    is_catalog: bool
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class Item:
    """An object, or a part of one."""

    kind: str
    key: Key
    parent: int  # oid of the table, index's table, or domain that it is a part of; 0: of none
    schema: str
    name: str
    made: int  # the 32 bits of the transaction that wrote its row
    version: str | None  # changes when its definition does; None: look at the attributes
    owner: str | None
    acl: tuple[tuple[str, str, bool], ...] | None  # grantee ('' is PUBLIC), privilege, grantable
    comment: str | None
    attributes: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """Return an attribute, None if it has none of that name."""
        return self.attributes.get(name)


@dataclass(frozen=True)
class Moment:
    """What a transaction has done to rows, up to a moment."""

    role: str
    transaction: int  # 0: none was assigned, so nothing was written
    counters: Mapping[int, Counter]
    own: frozenset[int]  # the transaction, as Item.made has it
    counts: bool  # the server counts rows that are written


@dataclass(frozen=True)
class State:
    """All objects of a database at a moment of a transaction."""

    items: Mapping[Key, Item]
    dependencies: Sequence[Dependency] = ()
    role: str = ""
    transaction: int = 0  # 0: none was assigned, so nothing was written
    own: frozenset[int] = frozenset()  # its transaction and those within it, as Item.made has them
    version: int = 0  # server_version_num

    @cached_property
    def relations(self) -> Mapping[int, Item]:
        """The relations by their oid."""
        return {key.oid: item for key, item in self.items.items() if key.catalog == CLASS and not key.sub}

    @cached_property
    def parts(self) -> Mapping[int, Sequence[Item]]:
        """The parts of each table or domain, by its oid."""
        found: dict[int, list[Item]] = {}
        for item in self.items.values():
            if item.parent:
                found.setdefault(item.parent, []).append(item)
        return found

    def parent_of(self, item: Item) -> Item | None:
        """Return the table, or domain, that an object is a part of."""
        if not item.parent:
            return None
        return self.relations.get(item.parent) or self.items.get(Key(TYPE, item.parent))

    def columns(self, table: Item) -> list[Item]:
        """Return the columns of a relation in their order."""
        parts = self.parts.get(table.key.oid, ())
        return sorted((each for each in parts if each.kind == "column"), key=lambda each: each.key.sub)

    def identity(self, item: Item) -> str:
        """Return what tells an object from all others: its kind and its name, with that of its table."""
        parent = self.parent_of(item)
        if item.kind == "column" and parent:
            return f"column {self._qualified(parent)}.{quoted(item.name)}"
        if item.kind in {"constraint", "domain constraint", "trigger", "rule", "policy"} and parent:
            return f"{item.kind} {quoted(item.name)} of {self._qualified(parent)}"
        if item.kind in {"cast", "membership", "setting", "default privileges"}:
            grantor = f" by {item.get('grantor')}" if item.kind == "membership" else ""
            return f"{item.kind} {item.name}{f' in {item.schema}' if item.schema else ''}{grantor}"
        return f"{item.kind} {self._qualified(item)}"

    @cached_property
    def _by_identity(self) -> Mapping[str, Item]:
        return {self.identity(item): item for item in self.items.values()}

    def named(self, identity: str) -> Item | None:
        """Return the object of an identity, None if there is none."""
        return self._by_identity.get(identity)

    @staticmethod
    def _qualified(item: Item) -> str:
        name = str(QualifiedName(item.schema, item.name)) if item.schema else quoted(item.name)
        if item.kind in {"function", "procedure", "aggregate"}:
            return f"{name}({item.get('arguments') or ''})"
        if item.kind == "operator":
            return f"{name} ({item.get('left') or 'NONE'}, {item.get('right')})"
        if item.kind in {"operator class", "operator family"}:
            return f"{name} using {item.get('method')}"
        return name

    def described(self) -> Mapping[str, Mapping[str, Any]]:
        """Return all that is said of each object, by its identity, without a number of the server's own."""
        return self._described

    @cached_property
    def _described(self) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for item in self.items.values():
            said = {name: value for name, value in item.attributes.items() if name not in _ALONE}
            for name in ("parents", "owned_by", "constraint", "parent_index"):
                if said.get(name):
                    said[name] = self._named(name, said[name])
            if said.get("inherited") and item.kind == "column":
                said["inherited"] = True  # whether it is local as well, no statement puts back
            acl = sorted(item.acl) if item.acl is not None else None
            said |= {"owner": item.owner, "privileges": acl, "comment": item.comment}
            found[self.identity(item)] = said
        return found

    def _named(self, name: str, value: Any) -> Any:
        """Return what an attribute that holds oids refers to, by name."""
        if name == "owned_by":
            how, table, column = value
            owner = self.items.get(Key(CLASS, table, column))
            return [how, self.identity(owner) if owner else None]
        if name == "parents":
            return [self.identity(self.relations[oid]) for oid in value if oid in self.relations]
        if name == "constraint":
            return True
        return self.identity(self.relations[value]) if value in self.relations else None

    def seen_by(self, role: str, transaction: int) -> State:
        """Return the same as another transaction sees it, which has changed nothing."""
        found = replace(self, role=role, transaction=transaction, own=frozenset())
        known = {name: value for name, value in vars(self).items() if name not in self.__dataclass_fields__}
        vars(found).update(known)  # what was found out about the same objects
        return found

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, from which :func:`from_json` makes it again."""
        items = [
            [
                *(each.kind, [*each.key], each.parent, each.schema, each.name, each.made, each.version),
                *(each.owner, each.acl, each.comment, each.attributes),
            ]
            for each in self.items.values()
        ]
        depend = [
            [*each.dependent, *each.referenced, each.how, each.by_default] for each in self.dependencies
        ]
        return {"items": items, "depend": depend, "role": self.role, "version": self.version}


def from_json(said: Mapping[str, Any]) -> State:
    """Read what :meth:`State.as_json` returned; raise KeyError, TypeError or ValueError for anything else."""
    items = {}
    for kind, key, parent, schema, name, made, version, owner, acl, comment, attributes in said["items"]:
        item = Item(
            kind, Key(*key), parent, schema, name, made, version, owner, _acl(acl), comment, attributes
        )
        items[item.key] = item
    depend = [Dependency(Key(*each[:3]), Key(*each[3:6]), each[6], bool(each[7])) for each in said["depend"]]
    return State(items, depend, said["role"], version=said["version"])


def read_moment(session: Session) -> Moment:
    """Return what the session's transaction has done to rows so far.

    The counters have earlier transactions of the session in them, too: compare with those of its beginning.
    """
    during = "reading what the transaction has written"
    ((role, transaction, counts),) = session.ask(_MOMENT, during=during)
    counters = {
        oid: Counter(name, of_catalog, *rows)
        for oid, of_catalog, name, *rows in session.ask(_COUNTERS, during=during)
    }
    number = int(transaction) if transaction else 0
    own = frozenset({number % (1 << 32)}) if number else frozenset[int]()
    return Moment(role, number, counters, own, counts)


def read_state(session: Session) -> State:
    """Return the state that the session's transaction sees.

    It changes search_path until the transaction ends.
    """
    during = "reading the state of the catalog"
    session.ask(f"{_PATH}; SET LOCAL jit = off; SET LOCAL quote_all_identifiers = off", during=during)
    moment = read_moment(session)
    items = {}
    for row in _rows(session, during):
        kind, catalog, oid, sub, parent, schema, name, made, version, owner, acl, comment, attributes = row
        key = Key(catalog, oid, sub)
        if kind == "setting":  # several stand in one row
            key = Key(catalog, oid, _number(name))
        if kind == "composite type":
            comment = attributes.pop("type_comment", None)
        items[key] = Item(
            kind, key, parent, schema, name, made, version, owner, _acl(acl), comment, attributes
        )
    depend = [
        Dependency(Key(*row[:3]), Key(*row[3:6]), row[6], row[7])
        for row in session.ask(_DEPENDENCIES, during=during)
    ]
    number = moment.transaction
    own = _own(session, number, {each.made for each in items.values()}) if number else frozenset()
    return State(items, depend, moment.role, number, own, session.version)


def _rows(session: Session, during: str) -> list[Any]:
    """Ask what there is; the question takes the server longer to plan than a small database to answer it.

    So it is planned once a session, and again where a file has said DEALLOCATE.
    """
    question = sql("state", session.version)
    if session.shared:
        return session.ask(question.encode(), during=during)
    if not session.ask(_IS_PLANNED, during=during):
        session.ask(f"PREPARE migplan_state AS {question}".encode(), during=during)
    return session.ask("EXECUTE migplan_state", during=during)


class StateReader:
    """Reads states one after the other, and not again where no transaction came in between.

    Whoever writes takes the next transaction number, and a snapshot says which is the first that is not known
    to have ended: as long as it is the same, and no earlier one is going on, everybody sees the same.
    """

    def __init__(self) -> None:
        self._last: State | None = None
        self._database = self._next = 0  # the number of the first transaction that may have changed it

    def read(self, session: Session) -> State:
        """Return the state, as :func:`read_state` does; nothing but the journal was written so far."""
        moment = self._look(session)
        session.ask(_PATH, during="reading the state of the catalog")
        if self._last is not None and moment.next == self._next and moment.database == self._database:
            return self._last.seen_by(moment.role, moment.own)
        found = read_state(session)
        self._last, self._next = (found, moment.next) if moment.next else (None, 0)
        self._database = moment.database
        return found

    def keep(self, session: Session, state: State) -> None:
        """Keep the state that the session's transaction has just read, which writes nothing more.

        Triggers that wait for its end may do more.
        """
        moment = self._look(session)
        waits = any(
            each.kind == "trigger" and " DEFERRABLE " in each.get("definition")
            for each in state.items.values()
        )
        is_next = moment.next == moment.own and not waits
        self._last, self._next = (state, moment.own + 1) if is_next else (None, 0)
        self._database = moment.database

    def given_up(self, session: Session) -> None:
        """Pass over the session's transaction, which is about to be rolled back."""
        moment = self._look(session)
        if moment.next == moment.own == self._next and moment.database == self._database:
            self._next += 1

    @staticmethod
    def _look(session: Session) -> _Horizon:
        during = "asking which transactions came in between"
        ((role, own, first, going_on, database),) = session.ask(_HORIZON, during=during)
        return _Horizon(role, int(own or 0), 0 if going_on else int(first), database)


class _Horizon(NamedTuple):
    role: str
    own: int  # the number of the session's transaction; 0: none yet
    next: int  # all before it have ended, but for one's own; 0: not all
    database: int


def _own(session: Session, top: int, candidates: Iterable[int]) -> frozenset[int]:
    """Return which of these are the transaction that is going on, or sub-transactions of it.

    What is visible, and still in progress, is one's own.
    """
    epoch, first = divmod(top, 1 << 32)
    later = [each for each in candidates if each and (each - first) % (1 << 32) < 1 << 31]
    whole = [str(((epoch + (each < first)) << 32) + each) for each in later]
    found = session.ask(_IN_PROGRESS, [later, whole], during="asking which objects are new")
    return frozenset(each for (each,) in found)


def _number(name: str) -> int:
    return int.from_bytes(name.encode(), "big") % (1 << 61)


def _acl(found: Iterable[Sequence[Any]] | None) -> tuple[tuple[str, str, bool], ...] | None:
    return None if found is None else tuple((who, what, grantable) for who, what, grantable in found)


def touched(before: State, after: State) -> dict[str, str | None]:
    """Return the objects in which two states differ, by identity: each with a digest of what it is after."""
    one, other = before.described(), after.described()
    return {
        name: digest(name, other[name]) if name in other else None
        for name in one.keys() | other.keys()
        if one.get(name) != other.get(name)
    }


def digest(name: str, described: Mapping[str, Any]) -> str:
    """Return a short digest of what is said of an object: of the words, and of what they mean."""
    meant = {part: _meaning(_syntax(name, part), value) for part, value in described.items()}
    return f"{_short(described)}:{_short(meant)}"


def is_as_digested(name: str, described: Mapping[str, Any], digested: str) -> bool:
    """Whether an object is what it was when its digest was taken, also where the server prints it otherwise.

    Digests of earlier versions of migplan are of the words alone.
    """
    words, _, meaning = digested.partition(":")
    now_words, _, now_meaning = digest(name, described).partition(":")
    return words == now_words or bool(meaning and meaning == now_meaning)


def _short(said: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]


def _meaning(syntax: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_meaning(syntax, each) for each in value]
    tree = tree_of(syntax, value) if syntax and isinstance(value, str) else None
    return value if tree is None else tree.hex()


class Difference(NamedTuple):
    """An object that is not in both states, or a part in which it differs."""

    name: str
    part: str = ""  # empty: it is missing, or it is there
    was: Any = None
    found: Any = None
    is_printed: bool = False  # the part is a definition, as the server prints it

    def __str__(self) -> str:
        if not self.part:
            return f"{self.name} is {'missing' if self.was else 'there'}"
        shown = f"is {_shown(self.found)}, and was {_shown(self.was)}"
        return f"{self.name}: {self.part.replace('_', ' ')} {shown}"


def differences(expected: State, found: State) -> Iterator[Difference]:
    """Yield in what two states differ; names count, not numbers. Other words for a definition are none."""
    one, other = expected.described(), found.described()
    for name in sorted(one.keys() | other.keys()):
        was, now = one.get(name), other.get(name)
        if was is None or now is None:
            yield Difference(name, was=was, found=now)
            continue
        for part in sorted(was.keys() | now.keys()) if was != now else ():
            syntax = _syntax(name, part)
            values = was.get(part), now.get(part)
            if not same(syntax, *map(_tuples, values)):
                yield Difference(name, part, *values, bool(syntax))


def displaced(expected: State, found: State) -> list[str]:
    """Return the columns that stand behind others that they stood before, by identity."""
    names = []
    for table in expected.relations.values():
        now = found.named(expected.identity(table))
        places = {each.name: at for at, each in enumerate(found.columns(now))} if now is not None else {}
        first = len(places)
        for column in reversed(expected.columns(table)):
            place = places.get(column.name, first)
            if place > first:
                names.append(expected.identity(column))
            first = min(first, place)
    return names[::-1]


def _tuples(value: Any) -> Any:
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _syntax(name: str, part: str) -> str:
    """Return the syntax of a part that is a definition; empty for others."""
    if part == "definition" and name.startswith(("constraint ", "domain constraint ")):
        return "constraint"
    return _PRINTED.get(part, "")


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(str(text).split())
    return text if len(text) <= 120 else f"{text[:120]}..."
