"""The way back of a migration: what turns the state after it into the state before it; pure.

What the file did is the difference of the two states. Where an object was made, it is dropped; where it was
dropped, it is made again; what was altered is altered back. Nothing is dropped that was there before, unless
it is made again at once, and nothing with CASCADE. What held rows and is gone has no way back.

The statements come in this order: rows that the file inserted go, renamed objects get their names back, what
would be in the way of a DROP is taken off, the drops, what is made again, and at last owners, privileges,
comments and states.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any, NamedTuple

from migplan.catalog.state import CLASS, CONSTRAINT, TYPE, Item, Key, State
from migplan.names import QualifiedName, quoted
from migplan.run.migrations.restoring import (
    OF_TABLES,
    RELATIONS,
    ROUTINES,
    TABLES,
    AddedValuesError,
    CannotError,
    Restoring,
)
from migplan.sql.text import do_block, literal


@dataclass(frozen=True)
class Facts:
    """What the states do not tell: what of rows was there, and how values came to another type."""

    held: Mapping[int, bool] = field(default_factory=dict)  # of tables, whether rows stood in them before
    values: Mapping[Key, bool] = field(default_factory=dict)  # of columns, whether one was not null
    emptied: Collection[int] = ()  # tables that were rewritten and hold no row now
    plain: Collection[str] = ()  # columns that statements of the file give a type by a plain cast
    inserted: Sequence[tuple[int, int, int]] = ()  # table, 32 bits of the transaction, rows
    counters: Mapping[int, Any] = field(default_factory=dict)  # of all transactions of the file
    counts: bool = True
    own: Collection[int] | None = None  # transactions of the file; None: they are not all known
    unseen: Sequence[str] = ()  # statements of the file that commit by themselves


class Loss(NamedTuple):
    """What does not come back of an object, and need not where all of the object goes as well."""

    why: str  # as among the reasons why there is no way back
    what: str
    kind: str  # of the object
    keys: tuple[Key, ...]  # the object, and the parts of it that are gone
    names: tuple[str, ...]  # of the same, by identity


@dataclass(frozen=True)
class WayBack:
    """Statements that take back what a migration did, or why that cannot be done."""

    statements: tuple[str, ...] = ()
    cannot: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()  # of each reason, if what it concerns may go as a whole
    rest: tuple[str, ...] = ()  # statements that take back all but these
    made: tuple[Key, ...] = ()  # what the statements take away, or the rest of them


def way_back(before: State, after: State, facts: Facts) -> WayBack:
    """Return what turns the state after a migration into the one before it."""
    return _Deriving(before, after, facts).way_back()


# Objects of these kinds hold no rows: one that was dropped and made again by the same name is the same one.
_BY_NAME = (
    OF_TABLES
    | ROUTINES
    | {
        "index",
        "statistics",
        "view",
        "materialized view",
        "domain constraint",
        "default privileges",
        "setting",
    }
    | {"membership", "publication", "event trigger", "cast", "operator", "schema", "extension", "collation"}
    | {"text search configuration", "text search dictionary"}
)
# What of an object is its definition: it is dropped and made again when one of these differs.
_DEFINING: Mapping[str, tuple[str, ...]] = {
    "constraint": ("definition",),
    "trigger": ("definition",),
    "rule": ("definition",),
    "statistics": ("definition",),
    "index": ("definition",),
    "domain constraint": ("definition",),
    "policy": ("command", "permissive", "roles", "using", "check"),
    "aggregate": ("arguments", "result", "aggregate"),
    "materialized view": ("definition",),
    "cast": ("context", "method", "function"),
    "operator": (
        "left",
        "right",
        "function",
        "commutator",
        "negator",
        "restrict",
        "join",
        "hashes",
        "merges",
    ),
    "collation": ("provider", "deterministic", "collate", "ctype", "locale", "rules"),
    "event trigger": ("event", "tags", "function"),
    "membership": ("admin", "inherit", "set", "grantor"),
    "text search dictionary": ("template", "options"),
}
_TYPES = frozenset({"enum", "domain", "composite type", "range"})
_RETYPED_ALONG = frozenset({"index", "constraint", "statistics", "table", "column"})
"""What ALTER COLUMN ... TYPE takes care of itself."""
_RELATED = RELATIONS | {"composite type"}
# Catalogs whose rows the states do not have: what was written there is not known here.
_UNREAD = {
    "pg_largeobject": "large objects",
    "pg_largeobject_metadata": "large objects",
    "pg_am": "access methods",
    "pg_transform": "transforms",
    "pg_conversion": "conversions",
    "pg_user_mapping": "user mappings",
    "pg_subscription": "subscriptions",
    "pg_seclabel": "security labels",
    "pg_shseclabel": "security labels",
    "pg_tablespace": "tablespaces",
    "pg_parameter_acl": "privileges on parameters",
    "pg_ts_parser": "text search parsers",
    "pg_ts_template": "text search templates",
    "pg_replication_origin": "replication origins",
}
_OF_EXTENSIONS = frozenset(
    {"pg_am", "pg_transform", "pg_conversion", "pg_ts_parser", "pg_ts_template"}  # they come along
)
_OF_CLASSES = frozenset({"pg_amop", "pg_amproc"})
# In which order things are made, where nothing else tells.
_RANKS = (
    *("role", "schema", "extension", "collation", "enum", "domain", "composite type", "range", "type"),
    *("foreign data wrapper", "server", "sequence", "table", "foreign table", "column", "function"),
    *("procedure", "aggregate", "cast", "operator", "domain constraint", "index", "constraint"),
    *("view", "materialized view", "rule", "trigger", "policy", "statistics"),
    *("text search dictionary", "text search configuration", "publication", "event trigger"),
)
_RANK = {kind: rank for rank, kind in enumerate(_RANKS)}
_AS_THE_LAST = " /* it comes back as the last column, which it was not before */"
# Conversions that lose nothing: every value of the first comes back from the second.
_NUMBERS = ("smallint", "integer", "bigint", "numeric")
_FAITHFUL = frozenset(
    {
        *((one, other) for at, one in enumerate(_NUMBERS) for other in _NUMBERS[at:]),
        *(
            (one, other)
            for one in (*_NUMBERS, "uuid", "boolean", "date", "inet", "cidr", "json", "xml")
            for other in ("text", "character varying")
        ),
        *((one, other) for one in ("text", "character varying") for other in ("text", "character varying")),
        ("character", "text"),
        ("character", "character varying"),
        ("real", "double precision"),
        ("date", "timestamp without time zone"),
        ("timestamp without time zone", "timestamp with time zone"),
        ("timestamp with time zone", "timestamp without time zone"),
        ("jsonb", "json"),
        ("jsonb", "text"),
    }
)


class _Deriving:
    """The difference of two states, and what takes it back."""

    def __init__(self, before: State, after: State, facts: Facts) -> None:
        self._before, self._after, self._facts = before, after, facts
        self._write = Restoring(before, after)
        self._cannot: list[str] = []
        self._losses: list[Loss] = []
        self._left_out: set[Key] = set()  # lost parts of tables, which are not made again
        self._now: dict[Key, Item] = {}  # by the key before: what has become of it
        self._was: dict[Key, Item] = {}  # by the key after
        self._made: dict[Key, Item] = {}
        self._gone: dict[Key, Item] = {}
        self._pair()
        self._dropped: dict[Key, Item] = {}  # of the state after
        self._inside: dict[Key, list[Key]] = defaultdict(list)  # what is a part of the inner works of another
        for depend in after.dependencies:
            if depend.how == "i" and depend.dependent != depend.referenced:
                self._inside[depend.dependent].append(depend.referenced)
        self._remade: dict[Key, Item] = {}  # of the state before, still there and to be made again
        self._replaced: dict[Key, Item] = {}
        self._defaults: set[Key] = set()  # columns whose default is taken off, and comes back

    # --- what is what -------------------------------------------------------------------------------------

    def _pair(self) -> None:
        before, after = self._before.items, self._after.items
        gone = {}
        for key, item in before.items():
            now = after.get(key)
            if now is not None and now.kind == item.kind:
                self._now[key], self._was[now.key] = now, item
            else:
                gone[key] = item
        made = {key: item for key, item in after.items() if key not in self._was and self._is_own(item)}
        names = {self._name(self._after, item): item for item in made.values() if item.kind in _BY_NAME}
        for key, item in gone.items():
            now = names.get(self._name(self._before, item)) if item.kind in _BY_NAME else None
            if now is not None:
                self._now[key], self._was[now.key] = now, item
                del made[now.key]
            else:
                self._gone[key] = item
        self._made = made

    def _is_own(self, item: Item) -> bool:
        own = self._facts.own
        return own is None or not item.made or item.made in own

    @staticmethod
    def _name(_: State, item: Item) -> tuple[Any, ...]:
        signature = item.get("signature") or (item.get("left"), item.get("right"), item.get("grantor"))
        return item.kind, item.parent, item.schema, item.name, signature

    @cached_property
    def _unlike(self) -> Sequence[tuple[Item, Item]]:
        """What is not in all as it was: of the rest only that matters which goes along with something."""
        pairs = ((self._before.items[key], now) for key, now in self._now.items())
        return [(was, now) for was, now in pairs if was != now]

    def _changed(self) -> Iterator[tuple[Item, Item]]:
        """Yield what may have been altered itself; texts also differ where what they name was renamed."""
        for was, now in self._unlike:
            if was.version is None or was.version != now.version or was.key != now.key:
                yield was, now

    def way_back(self) -> WayBack:
        """Return the statements, or why there are none."""
        self._look_at_rows()
        self._look_at_catalogs()
        self._sort_out()
        self._close()
        statements = [*self._statements()]
        made = tuple(self._made)
        if not self._cannot:
            return WayBack(tuple(statements), made=made)
        cannot = tuple(dict.fromkeys(self._cannot))
        if {*cannot} > {loss.why for loss in self._losses}:
            return WayBack(cannot=cannot)
        return WayBack(cannot=cannot, losses=tuple(self._losses), rest=tuple(statements), made=made)

    def _refuse(self, item: Item, why: str, state: State | None = None) -> None:
        self._cannot.append(f"{(state or self._before).identity(item)}: {why}")

    def _lose(self, item: Item, what: str, parts: Sequence[Item] = ()) -> None:
        """Note that the last reason concerns only an object that may go as a whole, or these parts of it."""
        keys = (item.key, *(each.key for each in parts))
        names = tuple(map(self._before.identity, (item, *parts)))
        self._losses.append(Loss(self._cannot[-1], what, item.kind, keys, names))
        self._left_out.update(keys[1:])

    def _lose_column(self, item: Item) -> None:
        """Note a lost column of a table, with what of the table went along."""
        table = self._before.relations[item.parent]
        using = {each.dependent for each in self._before.dependencies if each.referenced == item.key}
        own = {
            key: each
            for key, each in self._gone.items()
            if key in using and each.parent == item.parent and each.kind in {"index", "constraint"}
            if each.get("type") != "f"  # a foreign key concerns another table, too
        }
        along = [
            each
            for key, each in self._gone.items()
            if key not in own and (Key(CONSTRAINT, each.get("constraint") or 0) in own or _owned(each, item))
        ]
        self._lose(table, f"what stood in {self._before.identity(item)}", [item, *own.values(), *along])

    # --- rows ---------------------------------------------------------------------------------------------

    def _look_at_rows(self) -> None:
        self._cannot += [
            f"it commits by itself, and what it did to rows is not known: {each}"
            for each in self._facts.unseen
        ]
        if not self._facts.counts:
            self._cannot.append(
                "the server does not count rows (track_counts is off): what became of them is not known"
            )
        for oid, counter in self._facts.counters.items():
            new = Key(CLASS, oid) in self._after.items and Key(CLASS, oid) not in self._before.items
            if counter.is_catalog or new:
                continue
            table = self._before.relations.get(oid)
            if counter.updated or counter.deleted:
                verbs = [
                    word
                    for word, rows in (("updated", counter.updated), ("deleted", counter.deleted))
                    if rows
                ]
                rows = max(counter.updated, counter.deleted)
                name = self._before.identity(table) if table else counter.name
                self._cannot.append(
                    f"rows of {name} were {' and '.join(verbs)} "
                    f"({rows:,}), and what they were before is not kept"
                )
                if table is not None and table.kind == "table":
                    self._lose(table, f"what rows of {name} were before")
            elif table is None:
                self._cannot.append(f"rows were inserted into {counter.name}, which is not the folder's")
        for was, now in self._unlike:
            if was.kind not in TABLES or was.get("file") == now.get("file"):
                continue
            if was.key.oid in self._facts.emptied and self._facts.held.get(was.key.oid, True):
                self._refuse(was, "its rows are gone, and they are not kept")
                self._lose(was, f"what stood in {self._before.identity(was)}")

    def _look_at_catalogs(self) -> None:
        """Refuse what was written to catalogs that no state has."""
        kinds = {item.kind for item in (*self._made.values(), *self._gone.values())}
        extended = "extension" in kinds
        for counter in self._facts.counters.values():
            if not counter.is_catalog:
                continue
            what = _UNREAD.get(counter.name)
            if counter.name in _OF_CLASSES and not kinds & {"operator class", "operator family"}:
                what = "operator families"
            if what and not (extended and counter.name in _OF_EXTENSIONS | _OF_CLASSES):
                self._cannot.append(f"{what} were changed, and how they were before was not read")
            roles = kinds & {"role"} or any(was.kind == "role" for was, _ in self._unlike)
            if counter.name == "pg_authid" and counter.updated and not roles:
                self._cannot.append("the password of a role was changed, and the former one cannot be read")

    # --- what is dropped and made -------------------------------------------------------------------------

    def _sort_out(self) -> None:
        """Find what is dropped, and whose definition makes it necessary to make it again."""
        self._dropped.update(self._made)
        for was, now in self._changed():
            if self._is_redefined(was, now):
                if self._is_replaceable(was, now):
                    self._replaced[was.key] = was
                else:
                    self._remake(was)
        tables = self._gone_tables
        for key, item in self._gone.items():
            if item.kind == "table" and self._facts.held.get(key.oid, True):
                held = "held rows" if key.oid in self._facts.held else "may have held rows"
                self._refuse(item, f"it {held}, which are gone")
            if item.kind != "column" or item.parent in tables or item.get("of") not in ("r", "p"):
                continue
            if not item.get("generated") and self._facts.values.get(key, self._had_rows(item.parent)):
                held = "held values" if key in self._facts.values else "may have held values"
                self._refuse(item, f"it {held}, which are gone")
                self._lose_column(item)

    @staticmethod
    def _is_redefined(was: Item, now: Item) -> bool:
        if was.kind in {"function", "procedure"}:
            return _shape(was) != _shape(now)
        if was.kind == "view":
            return bool(was.get("definition") != now.get("definition"))
        if was.get("inherited"):
            return False
        return any(_part(was, name) != _part(now, name) for name in _DEFINING.get(was.kind, ()))

    def _is_replaceable(self, was: Item, now: Item) -> bool:
        """Whether CREATE OR REPLACE takes it from one definition to the other."""
        if was.kind == "view":
            return self._columns(self._before, was) == self._columns(self._after, now)
        if was.kind not in {"function", "procedure"}:
            return False
        same = ("signature", "result", "names", "modes")
        fewer = (was.get("defaults") or 0) < (now.get("defaults") or 0)
        return all(was.get(name) == now.get(name) for name in same) and not fewer

    @property
    def _gone_tables(self) -> set[int]:
        return {key.oid for key, item in self._gone.items() if item.kind in RELATIONS | {"composite type"}}

    def _had_rows(self, oid: int) -> bool:
        return self._facts.held.get(oid, True)

    @staticmethod
    def _columns(state: State, view: Item) -> list[tuple[str, str]]:
        return [(each.name, each.get("type")) for each in state.columns(view)]

    def _remake(self, was: Item) -> None:
        self._remade[was.key] = was
        now = self._now[was.key]
        self._dropped[now.key] = now
        self._replaced.pop(was.key, None)

    def _close(self) -> None:
        """What depends on something that is dropped, and was there before, is dropped and made again, too."""
        typed = {
            now.key
            for was, now in self._unlike
            if was.kind == "column" and _is_retyped(was, now) and self._is_altered(was, now)
        }
        size: tuple[int, ...] | None = None
        while size != (size := (len(self._dropped), len(self._remade), len(self._defaults))):
            for depend in self._after.dependencies if self._dropped or typed else ():
                on = self._dropped_with(depend.referenced)
                if not on and depend.referenced not in typed:
                    continue
                item, was = self._after.items.get(depend.dependent), self._was.get(depend.dependent)
                if item is None or was is None or item.key in self._dropped:
                    continue
                typed_along = depend.referenced in typed and item.kind not in _RETYPED_ALONG
                if depend.referenced in typed and was.kind == "constraint" and was.get("type") == "f":
                    self._remake(was)  # both of its columns may get other types, one after the other
                elif on and depend.how != "n":
                    self._lost_along(was)
                elif depend.how == "n" and (on or typed_along):
                    self._depends(was, item, by_default=depend.by_default, on=depend.referenced)
            self._close_parts()

    def _close_parts(self) -> None:
        """What cannot be replaced any more is made again, and so are the parts of what is."""
        for item in [*self._replaced.values()]:
            if not self._stands(item):
                self._remake(item)
        for now in [*self._parts_of_dropped()]:
            was = self._was.get(now.key)
            if was is not None and now.key not in self._dropped and was.kind not in {"column", "sequence"}:
                self._remade[was.key] = was

    def _parts_of_dropped(self) -> Iterator[Item]:
        for key, item in self._dropped.items():
            if key.catalog in (CLASS, TYPE) and not key.sub:
                yield from self._after.parts.get(key.oid, ())
            index = self._after.items.get(Key(CLASS, item.get("index") or 0))
            if item.kind == "constraint" and index is not None and index.get("constraint") == key.oid:
                yield index

    @staticmethod
    def _is_altered(was: Item, now: Item) -> bool:
        return was.version is None or was.version != now.version

    def _dropped_with(self, key: Key) -> bool:
        if key in self._dropped:
            return True
        return bool(key.sub) and Key(key.catalog, key.oid) in self._dropped

    def _is_part_of_dropped(self, item: Item) -> bool:
        if item.parent and (
            Key(CLASS, item.parent) in self._dropped or Key(TYPE, item.parent) in self._dropped
        ):
            return True
        constraint = item.get("constraint") if item.kind == "index" else None
        return constraint is not None and Key(CONSTRAINT, constraint) in self._dropped

    def _lost_along(self, was: Item) -> None:
        """A DROP would take this along, although it was there before."""
        along = any(was.get(name) for name in ("constraint", "inherited", "parent_index"))
        if was.kind in {"index", "constraint", "trigger"} and not along:
            self._remade[was.key] = was

    def _depends(self, was: Item, now: Item, *, by_default: bool, on: Key) -> None:
        referenced = self._after.items.get(on) or self._after.items.get(Key(on.catalog, on.oid))
        if was.key in self._remade or was.key in self._replaced:
            return
        if referenced is not None and referenced.kind == "schema":
            return  # it gets its former schema back before
        if by_default and now.kind == "column" and not now.get("generated"):
            self._defaults.add(was.key)
        elif now.kind in {"column", "table", "foreign table", "composite type"}:
            if now.kind == "column" and _is_retyped(was, now):
                return  # it gets its former type before
            if now.kind in TABLES and referenced is not None and referenced.kind in TABLES:
                return  # it leaves that parent before
            what = self._after.identity(referenced) if referenced is not None else "what is to be dropped"
            self._refuse(was, f"it uses {what}")
        elif now.kind in {"domain", "publication", "sequence", "role", "server", "default privileges"}:
            return
        elif not was.get("inherited"):
            self._remake(was)

    def _stands(self, item: Item) -> bool:
        """Whether all that a definition needs is there before anything is dropped or made."""
        for depend in self._before.dependencies:
            if depend.dependent != item.key or depend.referenced == item.key:
                continue
            key = depend.referenced
            whole = Key(key.catalog, key.oid)
            for each in (key, whole):
                if each in self._gone or each in self._remade:
                    return False
            if key.sub and key in self._now:
                was, now = self._before.items[key], self._now[key]
                if _is_retyped(was, now):
                    return False
        return True

    # --- statements ---------------------------------------------------------------------------------------

    def _statements(self) -> Iterator[str]:
        yield from self._names_back()
        yield from self._rows_back()
        yield from self._loosened()
        for item in self._replaced.values():
            yield from self._written(item, self._replace(item))
        makes = self._makes()
        late = self._still_used()
        yield from self._drops(without=late)
        early = self._types_and_what_they_need(makes)
        for item in makes:
            if item.key in early:
                yield from self._written(item, self._make(item))
        yield from self._columns_back()
        for item in late.values():
            yield self._write.drop(item)
        for item in makes:
            if item.key not in early:
                yield from self._written(item, self._make(item))
        yield from self._last(makes)
        for item in self._made.values():
            if item.kind == "role":
                yield self._write.drop(item)

    def _written(self, item: Item, statements: Iterable[str]) -> Iterator[str]:
        try:
            yield from statements
        except CannotError as error:
            self._refuse(item, str(error))

    def _make(self, item: Item) -> Iterator[str]:
        """Yield what makes an object again; of a column that cannot get its place back, it says so."""
        said = _AS_THE_LAST if item.kind == "column" and self._is_displaced(item) else ""
        for statement in self._write.make(item):
            yield statement + said

    def _is_displaced(self, column: Item) -> bool:
        """Whether a column that is still there stood behind it."""
        table = self._before.parent_of(column)
        columns = self._before.columns(table) if table is not None else []
        return any(each.key in self._now for each in columns if each.key.sub > column.key.sub)

    def _replace(self, item: Item) -> Iterator[str]:
        if item.kind == "view":
            yield from self._write.replace_view(item)
        else:
            yield from self._write.make(item)

    def _rows_back(self) -> Iterator[str]:
        """Yield what deletes the rows that the file inserted, and fails if it does not find all of them."""
        found = []
        for oid, transaction, rows in self._facts.inserted:
            table = self._before.relations.get(oid)
            if table is not None and table.kind in TABLES and rows:
                found.append((table, transaction, rows))
        for table, transaction, rows in found:
            name = self._write.name(table)
            said = literal(
                f"of the {rows} rows that the migration inserted into {name}, % are as it left them: "
                "nothing was changed"
            )
            count = f"SELECT count(*) INTO n FROM ONLY {name} WHERE xmin = '{transaction}'::pg_catalog.xid"
            yield do_block(
                f"    DECLARE n bigint;\n    BEGIN\n        {count};\n"
                f"        IF n <> {rows} THEN\n            RAISE EXCEPTION {said}, n;\n        END IF;\n"
                "    END;"
            ).rstrip(";")
        quiet = [
            (self._write.name(table), each)
            for table, *_ in found
            for each in self._after.parts.get(table.key.oid, ())
            if each.kind in {"trigger", "rule"} and each.get("on_delete") and each.get("enabled") in "OA"
        ]
        for name, each in quiet:
            yield f"ALTER TABLE {name} DISABLE {each.kind.upper()} {self._write.own_name(each)}"
        parts = [
            f"deleted_{number} AS (DELETE FROM ONLY {self._write.name(table)} "
            f"WHERE xmin = '{transaction}'::pg_catalog.xid)"
            for number, (table, transaction, _) in enumerate(found)
        ]
        if parts:
            yield f"WITH {', '.join(parts)} SELECT"
        for name, each in quiet:
            always = " ALWAYS" if each.get("enabled") == "A" else ""
            yield f"ALTER TABLE {name} ENABLE{always} {each.kind.upper()} {self._write.own_name(each)}"

    def _names_back(self) -> Iterator[str]:
        for item in self._gone.values():
            if item.kind == "schema":
                yield from self._write.make(item)
        renaming = _Renaming(self._after)
        changed = [
            (was, now)
            for was, now in self._changed()
            if was.key == now.key
            and (was.schema, was.name) != (now.schema, now.name)
            and not self._became_a_keys(was, now)
        ]
        order = sorted(changed, key=lambda pair: (pair[0].kind != "schema", bool(pair[0].parent)))
        for was, now in order:
            if not self._follows(was, now):
                yield from renaming.back(was, now)
        gone = {(item.schema, item.name) for item in self._gone.values() if item.kind in _TYPES}
        for item in self._made.values():
            if item.kind in _TYPES and (item.schema, item.name) in gone:
                yield from renaming.out_of_the_way(item)
        self._write.renamed.update({now.key: (was.schema, was.name) for was, now in order})
        self._write.renamed.update(renaming.aside)
        self._write.types = {
            renaming.sql_name(now): self._write.name(was) for was, now in order if _space(was) == "relation"
        }

    def _became_a_keys(self, was: Item, now: Item) -> bool:
        """Whether it is an index that the file gave to a constraint, and that goes with it."""
        key = Key(CONSTRAINT, now.get("constraint") or 0)
        return was.kind == "index" and not was.get("constraint") and key in self._dropped

    @staticmethod
    def _follows(was: Item, now: Item) -> bool:
        """Whether it gets its name back with something else, or has none that could be altered."""
        if was.kind == "column":
            return not (now.get("inherited") or [0, True])[1]
        if was.kind == "index":
            return bool(now.get("constraint") and was.get("constraint"))
        nameless = {"default privileges", "setting", "membership", "cast", "extension", "database"}
        return was.kind in nameless or bool(now.get("inherited") and was.kind in {"trigger", "constraint"})

    def _loosened(self) -> Iterator[str]:
        """Yield what takes off what would be in the way of drops, or would be dropped along."""
        write = self._write
        for was, now in self._unlike_or_without_default():
            if self._is_part_of_dropped(now) or now.key in self._dropped:
                continue
            if was.kind == "column":
                yield from self._loosened_column(was, now)
            elif was.kind in TABLES:
                yield from write.leave(was, now)
            elif was.kind == "sequence":
                owner = now.get("owned_by")
                if owner and owner[0] == "a" and owner != was.get("owned_by"):
                    yield f"ALTER SEQUENCE {write.name(was)} OWNED BY NONE"
            elif was.kind == "domain":
                yield from self._written(was, write.alter(was, now))

    def _unlike_or_without_default(self) -> list[tuple[Item, Item]]:
        """Return what is not as it was, and columns whose defaults are taken off on the way."""
        unlike = {was.key for was, _ in self._unlike}
        columns = [key for key in self._now if key in self._defaults and key not in unlike]
        return [*self._unlike, *((self._before.items[key], self._now[key]) for key in columns)]

    def _loosened_column(self, was: Item, now: Item) -> Iterator[str]:
        if was.get("of") not in ("r", "p", "f", "v"):
            return
        start = f"{self._write.alter_table(was, only=False)} ALTER COLUMN {quoted(was.name)}"
        altered = self._is_altered(was, now)
        if now.get("default") is not None and now.get("identity") is None:
            retyped = altered and _is_retyped(was, now)
            if (altered and was.get("default") != now.get("default")) or was.key in self._defaults or retyped:
                self._defaults.add(was.key)
                yield f"{start} DROP DEFAULT"
        if now.get("identity") and not was.get("identity"):
            yield f"{start} DROP IDENTITY"

    def _still_used(self) -> dict[Key, Item]:
        """Return the types that columns have until they get their former ones back."""
        found = {}
        for depend in self._after.dependencies:
            item, column = self._dropped.get(depend.referenced), self._was.get(depend.dependent)
            if item is not None and item.kind in _TYPES and column is not None and column.kind == "column":
                found[item.key] = item
        return found

    def _drops(self, *, without: Collection[Key]) -> Iterator[str]:
        explicit = {
            key: item
            for key, item in self._dropped.items()
            if key not in without and item.kind != "role" and not self._goes_along(item)
        }
        yield from _Dropping(self._after, self._write, self._dropped, explicit).statements()

    def _goes_along(self, item: Item) -> bool:
        """Whether what it is a part of takes it along, or GRANT and REVOKE are what it takes."""
        if item.kind == "default privileges" or self._is_part_of_dropped(item):
            return True
        if any(map(self._dropped_with, self._inside[item.key])):
            return True
        if item.kind == "column":
            return item.get("of") in ("v", "m") or (item.get("inherited") or [0, True])[1] is False
        if item.kind == "index":
            parent = item.get("parent_index")
            along = parent and (Key(CLASS, parent) in self._dropped or self._is_partition(item))
            return bool(item.get("constraint") or along)
        owner = item.get("owned_by") if item.kind == "sequence" else None
        if owner:
            return owner[0] == "i" or self._dropped_with(Key(CLASS, owner[1], owner[2]))
        return bool(item.get("inherited")) and item.kind in {"constraint", "trigger"}

    def _is_partition(self, item: Item) -> bool:
        table = self._after.relations.get(item.parent)
        return table is not None and Key(CLASS, item.parent) in self._made

    # --- made again ---------------------------------------------------------------------------------------

    @property
    def _wanted(self) -> dict[Key, Item]:
        """Return what is to be there again."""
        every = {**self._gone, **self._remade}
        return {key: item for key, item in every.items() if key not in self._left_out}

    def _makes(self) -> list[Item]:
        """Return what is made again, in an order that works."""
        wanted = self._wanted
        whole = {key.oid for key, item in wanted.items() if item.kind in _RELATED}
        nodes = {}
        for key, item in wanted.items():
            if item.kind == "column" and (item.parent in whole or item.get("of") in ("v", "m")):
                continue
            if item.kind == "column" and not (item.get("inherited") or [0, True])[1]:
                continue
            if item.kind in {"schema", "default privileges", "database", "language"} or (
                item.get("inherited") and item.kind in {"constraint", "trigger"}
            ):
                continue
            if item.kind == "index" and item.get("constraint"):
                continue
            owner = item.get("owned_by") if item.kind == "sequence" else None
            if owner and owner[0] == "i":
                continue
            nodes[key] = item
        return _ordered(self._before, nodes)

    def _types_and_what_they_need(self, makes: Sequence[Item]) -> set[Key]:
        """Return what has to be there before columns get their former types back."""
        left, found = [item.key for item in makes if item.kind in _TYPES], set[Key]()
        needs = _needs(self._before, {item.key: item for item in makes}) if left else {}
        while left:
            key = left.pop()
            if key not in found:
                found.add(key)
                left += needs.get(key, ())
        return found

    def _columns_back(self) -> Iterator[str]:
        """Yield what gives columns their types back, and whether they may be null."""
        for was, now in self._changed():
            if was.kind != "column" or self._is_part_of_dropped(now) or now.key in self._dropped:
                continue
            yield from self._written(was, self._column_back(was, now))

    def _column_back(self, was: Item, now: Item) -> Iterator[str]:
        if (now.get("inherited") or [0, True])[1] is False:
            return
        of = was.get("of")
        start = self._write.alter_table(was, only=False)
        column = quoted(was.name)
        if of == "c":
            if _is_retyped(was, now) or was.get("collation") != now.get("collation"):
                yield f"{start} ALTER ATTRIBUTE {column} TYPE {was.get('type')}"
            return
        if of not in ("r", "p", "f"):
            return
        if _is_retyped(was, now) or was.get("collation") != now.get("collation"):
            yield from self._type_back(was, now)
        one, other = was.get("generated"), now.get("generated")
        if one != other:
            if not one or not other or self._before.version < 170000:
                raise CannotError("a column cannot be made generated again, or otherwise generated")
            yield f"{start} ALTER COLUMN {column} SET EXPRESSION AS ({one[1]})"
        yield from self._null_back(was, now, start, column)
        yield from self._identity_back(was, now, f"{start} ALTER COLUMN {column}")

    def _identity_back(self, was: Item, now: Item, start: str) -> Iterator[str]:
        one, other = was.get("identity"), now.get("identity")
        if one == other or not one:
            return
        if other:
            yield f"{start} SET GENERATED {'ALWAYS' if one == 'a' else 'BY DEFAULT'}"
            return
        definition = self._write.column(replace(was, attributes={**was.attributes, "not_null": None}))
        yield f"{start} ADD {definition[definition.index('GENERATED') :]}"

    @staticmethod
    def _null_back(was: Item, now: Item, start: str, column: str) -> Iterator[str]:
        one, other = was.get("not_null"), now.get("not_null")
        if one == other:
            return
        if isinstance(one, list) and isinstance(other, list) and one[1:] == other[1:]:
            yield f"{start} RENAME CONSTRAINT {quoted(other[0])} TO {quoted(one[0])}"
            return
        if other:
            yield f"{start} ALTER COLUMN {column} DROP NOT NULL"
        if isinstance(one, list):
            more = f"{' NO INHERIT' if one[1] else ''}{'' if one[2] else ' NOT VALID'}"
            yield f"{start} ADD CONSTRAINT {quoted(one[0])} NOT NULL {column}{more}"
        elif one:
            yield f"{start} ALTER COLUMN {column} SET NOT NULL"

    def _type_back(self, was: Item, now: Item) -> Iterator[str]:
        table = self._before.relations[was.parent]
        moved = self._now.get(table.key)
        rewritten = moved is not None and moved.get("file") != table.get("file")
        one, other = was.get("type"), now.get("type")
        bare = {one.partition("(")[0], other.partition("(")[0]}
        faithful = _is_faithful(one, other) or bool(
            {one, other} <= self._enums
            or ({one, other} & self._enums and {"text", "character varying"} & bare)
        )
        if rewritten and self._had_rows(was.parent) and not (now.name in self._facts.plain and faithful):
            raise CannotError(
                f"its values were converted from {one} to {other}, and what they were before is not kept"
            )
        name, column = self._write.name(table), quoted(was.name)
        by_text = bool(bare & {each.partition("(")[0] for each in self._enums})
        to_text = "::text" if by_text else ""
        there = f"{column}{to_text}::{one}"
        if one != other or by_text:
            said = literal(f"values of {name}.{column} are there that {one} cannot hold: nothing was changed")
            again = f"({there})::text" if by_text else f"(({there})::{other})::text"
            yield do_block(
                f"    IF EXISTS (SELECT FROM {name} WHERE {again} IS DISTINCT FROM {column}::text) THEN\n"
                f"        RAISE EXCEPTION '%', {said};\n    END IF;"
            ).rstrip(";")
        collation = f" COLLATE {was.get('collation')}" if was.get("collation") else ""
        yield (
            f"{self._write.alter_table(was, only=False)} ALTER COLUMN {column} TYPE {one}{collation} "
            f"USING {there}"
        )

    @property
    def _enums(self) -> set[str]:
        """Return the names of enums, before and after."""
        items = (*self._before.items.values(), *self._after.items.values())
        return {str(QualifiedName(each.schema, each.name)) for each in items if each.kind == "enum"}

    def _last(self, makes: Sequence[Item]) -> Iterator[str]:
        """Yield what gives everything its defaults, states, owners, privileges and comments."""
        fresh = [(item, self._write.fresh(item)) for item in self._wanted.values()]
        for whole in makes:
            if whole.kind in _RELATED:
                columns = self._before.columns(whole)
                fresh += [(each, self._write.fresh(each)) for each in columns if each.key not in self._gone]
        again = {item.key for item, _ in fresh} | self._made.keys()
        rest = [(was, now) for was, now in self._unlike_or_without_default() if was.key not in again]
        for was, now in [*self._privileges_as_made(), *fresh, *rest]:
            yield from self._written(was, self._last_of(was, now, again=was.key in again))

    def _privileges_as_made(self) -> Iterator[tuple[Item, Item]]:
        """Yield default privileges that the file made, with those before: none, or the usual ones."""
        schemas = {item.name for item in self._made.values() if item.kind == "schema"}
        for item in self._made.values():
            # Those of a schema go with it.
            if item.kind == "default privileges" and item.schema not in map(quoted, schemas):
                yield self._usual(item), item

    @staticmethod
    def _usual(item: Item) -> Item:
        usual = item.get("usual") or ()
        return replace(item, acl=tuple((who, what, grantable) for who, what, grantable in usual))

    def _last_of(self, was: Item, now: Item, *, again: bool) -> Iterator[str]:
        altered = again or self._is_altered(was, now)
        if was.kind == "default privileges" and was.key in self._gone:
            now = self._usual(was)
        if was.kind == "column":
            yield from self._default_back(was, now, altered=altered)
        if altered:
            if was.kind != "domain" or again:
                yield from self._altered_back(was, now)
            yield from self._write.owner(was, now)
            yield from self._write.privileges(was, now)
        else:  # what stands in other rows of the catalogs
            beside = {name: now.get(name) for name in ("parents", "bound", "owned_by")}
            if any(was.get(name) != value for name, value in beside.items()):
                as_now = {name: value for name, value in beside.items() if value is not None}
                kept = {name: value for name, value in was.attributes.items() if name not in beside}
                yield from self._write.alter(was, replace(now, attributes={**kept, **as_now}))
        yield from self._write.comment(was, now)

    def _altered_back(self, was: Item, now: Item) -> Iterator[str]:
        try:
            yield from self._write.alter(was, now)
        except AddedValuesError as error:
            self._refuse(was, str(error))
            self._lose(was, f"value {error.labels} of {self._before.identity(was)}")

    def _default_back(self, was: Item, now: Item, *, altered: bool) -> Iterator[str]:
        said = was.get("default")
        if was.get("of") not in ("r", "p", "f", "v") or said is None or was.get("identity"):
            return
        if was.key in self._defaults or (altered and now.get("default") != said):
            start = f"{self._write.alter_table(was, only=False)} ALTER COLUMN {quoted(was.name)}"
            yield f"{start} SET DEFAULT {said}"


class _Renaming:
    """Gives objects their former names back, one after the other, out of each other's way."""

    def __init__(self, after: State) -> None:
        self._after = after
        self._names = {key: (item.schema, item.name) for key, item in after.items.items()}
        self.aside: dict[Key, tuple[str, str]] = {}  # what had to be renamed, and is there no more at the end

    def back(self, was: Item, now: Item) -> Iterator[str]:
        """Yield what gives one object its former name back, and its schema."""
        key = now.key
        if now.kind == "schema":
            yield f"ALTER SCHEMA {quoted(now.name)} RENAME TO {quoted(was.name)}"
            for each, (schema, name) in [*self._names.items()]:
                if schema == now.name:
                    self._names[each] = was.name, name
                    if each not in self._after.items or self._after.items[each].schema != was.name:
                        self.aside[each] = was.name, name
            return
        schema, name = self._names[key]
        index = self._after.items.get(Key(CLASS, now.get("index") or 0))  # which a key has the name of
        for each in (now, *([index] if index is not None and now.kind == "constraint" else ())):
            if (other := self._occupant(each, (was.schema, was.name))) is not None:
                yield from self.out_of_the_way(other)
        schema, name = self._names[key]
        if schema != was.schema and not now.parent and now.kind not in {"index"}:
            yield f"{self._start(now)} SET SCHEMA {quoted(was.schema)}"
            self._move(now, schema, was.schema)
            schema = was.schema
        if name != was.name:
            yield f"{self._start(now)} {self._word(now)}{quoted(was.name)}"
        for one in (key, *self._of_same_name(now)):
            self._names[one] = was.schema, was.name
            self.aside.pop(one, None)

    def _of_same_name(self, item: Item) -> list[Key]:
        """Return what always has the name of an object: the index of a key, and the key of an index."""
        keys = [Key(CLASS, item.get("index") or 0)] if item.kind == "constraint" else []
        keys += [Key(CONSTRAINT, item.get("constraint") or 0)] if item.kind == "index" else []
        return [key for key in keys if key in self._names]

    def out_of_the_way(self, other: Item) -> Iterator[str]:
        """Yield what gives another name to what has the name that is needed."""
        at, name = self._names[other.key]
        yield f"{self._start(other)} {self._word(other)}{quoted(_free(name))}"
        for key in (other.key, *self._of_same_name(other)):
            self._names[key] = self.aside[key] = at, _free(name)

    def _move(self, item: Item, old: str, new: str) -> None:
        """What belongs to a table goes with it."""
        for key, each in self._after.items.items():
            owner = each.get("owned_by") if each.kind == "sequence" else None
            along = key == item.key or each.parent == item.key.oid or (owner and owner[1] == item.key.oid)
            if along and self._names[key][0] == old:
                self._names[key] = new, self._names[key][1]

    def _occupant(self, item: Item, name: tuple[str, str]) -> Item | None:
        """Return what has the name that an object is to get."""
        for key, at in self._names.items():
            other = self._after.items[key]
            if at != name or key == item.key or _space(other) != _space(item):
                continue
            if _is_part(item) and other.parent != item.parent:
                continue
            if item.kind not in ROUTINES or other.get("signature") == item.get("signature"):
                return other
        return None

    @staticmethod
    def sql_name(item: Item) -> str:
        """Return the name that an object has after the migration, as the server prints it."""
        return str(QualifiedName(item.schema, item.name))

    def _start(self, item: Item) -> str:
        write = Restoring(self._after, self._after, dict(self._names))
        if item.kind == "column":
            return write.alter_table(item, only=False)
        if item.kind == "constraint":
            return write.alter_table(item, only=False)
        if item.kind == "domain constraint":
            return f"ALTER DOMAIN {write.table(item.parent)}"
        return f"ALTER {write.identity(item)}"

    def _word(self, item: Item) -> str:
        name = quoted(self._names[item.key][1])
        if item.kind == "column":
            return f"RENAME {'ATTRIBUTE' if item.get('of') == 'c' else 'COLUMN'} {name} TO "
        if item.kind in {"constraint", "domain constraint"}:
            return f"RENAME CONSTRAINT {name} TO "
        return "RENAME TO "


def _space(item: Item) -> str:
    """Return among which names a name has to be the only one."""
    if item.kind in _RELATED | {"enum", "domain", "range", "type"}:
        return "relation"
    return "routine" if item.kind in ROUTINES else item.kind


def _is_part(item: Item) -> bool:
    return item.kind in OF_TABLES | {"column", "domain constraint"}


def _free(name: str) -> str:
    return f"{name[:48]}_aside"


class _Dropping:
    """Drops in an order that works: what depends goes first; where two depend on each other, a part does."""

    def __init__(
        self, state: State, write: Restoring, dropped: Mapping[Key, Item], explicit: Mapping[Key, Item]
    ) -> None:
        self._state, self._write = state, write
        self._dropped, self._left = dropped, dict(explicit)
        self._untied: set[Key] = set()

    def statements(self) -> Iterator[str]:
        """Yield the DROPs."""
        edges: dict[Key, dict[Key, list[Key]]] = defaultdict(lambda: defaultdict(list))
        node = cache(self._node)
        for depend in self._state.dependencies if len(self._left) > 1 else ():
            first, then = node(depend.dependent), node(depend.referenced)
            if first is not None and then is not None and first != then:
                edges[then][first].append(depend.dependent)
        while self._left:
            free = [key for key in self._left if not any(one in self._left for one in edges[key])]
            if not free:
                yield from self._cut(edges)
                continue
            for key in sorted(free, key=lambda key: (-_RANK.get(self._left[key].kind, 99), key)):
                yield self._write.drop(self._left.pop(key))

    def _node(self, key: Key) -> Key | None:
        """Return what is dropped when an object goes: itself, or what it is a part of."""
        if key in self._left:
            return key
        item = self._state.items.get(key) or self._state.items.get(Key(key.catalog, key.oid))
        if item is None or not self._is_dropped(item):
            return None
        for other in self._wholes(item):
            if other in self._left:
                return other
        return None

    def _is_dropped(self, item: Item) -> bool:
        return item.key in self._dropped or any(other in self._dropped for other in self._wholes(item))

    def _wholes(self, item: Item) -> Iterator[Key]:
        yield Key(item.key.catalog, item.key.oid)
        if item.parent:
            yield Key(CLASS, item.parent)
            yield Key(TYPE, item.parent)
        if item.kind == "index" and item.get("constraint"):
            yield Key(CONSTRAINT, item.get("constraint"))
        owner = item.get("owned_by") if item.kind == "sequence" else None
        if owner:
            yield Key(CLASS, owner[1], owner[2])
            yield Key(CLASS, owner[1])

    def _cut(self, edges: Mapping[Key, dict[Key, list[Key]]]) -> Iterator[str]:
        """Drop the parts that tie two together: constraints, policies, defaults of columns."""
        for key in self._left:
            for first in [each for each in edges[key] if each in self._left]:
                parts = [self._state.items.get(cause) for cause in dict.fromkeys(edges[key][first])]
                ties = [part for part in parts if part is not None and self._is_tie(part, first)]
                if len(ties) < len(parts):
                    continue
                del edges[key][first]
                for part in ties:
                    if part.key not in self._untied:
                        self._untied.add(part.key)
                        yield self._untie(part)
                return
        key = next(iter(self._left))  # nothing is left to cut: the server will say what is in the way
        yield self._write.drop(self._left.pop(key))

    @staticmethod
    def _is_tie(part: Item, whole: Key) -> bool:
        """Whether a part can be dropped before what it is a part of."""
        if part.key == whole:
            return False
        return part.kind in OF_TABLES or (part.kind == "column" and part.get("default") is not None)

    def _untie(self, part: Item) -> str:
        if part.kind in OF_TABLES:
            return self._write.drop(part)
        start = self._write.alter_table(part, only=False)
        return f"{start} ALTER COLUMN {self._write.own_name(part)} DROP DEFAULT"


def _made_with(state: State, nodes: Mapping[Key, Item]) -> Mapping[Key, Key]:
    """Return what has to be made for objects to be there: themselves, and constraints for their indexes."""
    constraints = {key.oid: key for key in nodes if key.catalog == CONSTRAINT}
    found = {
        key: constraints[item.get("constraint")]
        for key, item in (state.items.items() if constraints else ())
        if item.kind == "index" and item.get("constraint") in constraints
    }
    return found | {key: key for key in nodes}


def _needs(state: State, nodes: Mapping[Key, Item]) -> dict[Key, set[Key]]:
    """Return what each of them needs of the others to be made: no defaults, but for generated ones."""
    needs: dict[Key, set[Key]] = defaultdict(set)
    made_with = _made_with(state, nodes)

    def maker(key: Key) -> Key | None:
        return made_with.get(key) or (made_with.get(Key(key.catalog, key.oid)) if key.sub else None)

    for depend in state.dependencies if len(nodes) > 1 else ():
        one = maker(depend.dependent)
        other = maker(depend.referenced) if one is not None else None
        if one is None or other is None or one == other:
            continue
        column = state.items.get(depend.dependent) if depend.by_default else None
        if not depend.by_default or (column is not None and column.get("generated")):
            needs[one].add(other)
    for item in nodes.values():
        parent = item.get("parent_index") if item.kind == "index" else None
        if parent and Key(CLASS, parent) in nodes:
            needs[item.key].add(Key(CLASS, parent))
    return needs


def _ordered(state: State, nodes: Mapping[Key, Item]) -> list[Item]:
    """Return what is to be made in an order that works: what it needs comes before."""
    needs = _needs(state, nodes)
    left, found = dict(nodes), []

    def rank(key: Key) -> tuple[int, bool, Key]:
        return _RANK.get(nodes[key].kind, 99), nodes[key].get("type") == "f", key

    while left:
        free = [key for key in left if not needs[key] & left.keys()] or [*left]
        key = min(free, key=rank)
        found.append(left.pop(key))
    return found


def _is_retyped(was: Item, now: Item) -> bool:
    """Whether a column has another type: an enum that was made anew by its old name is another one, too."""
    names = ("type", "type_oid")
    return any(was.get(name) != now.get(name) for name in names)


def _owned(item: Item, column: Item) -> bool:
    """Whether it is a sequence that goes with a column."""
    owner = item.get("owned_by") if item.kind == "sequence" else None
    return bool(owner and (owner[1], owner[2]) == column.key[1:])


def _shape(item: Item) -> str:
    """Return the definition of a function without its name: it may have been renamed."""
    name = f"{QualifiedName(item.schema, item.name)}("
    return str(item.get("definition")).replace(name, "(", 1)


def _part(item: Item, name: str) -> Any:
    """Return what defines an object, without its own name."""
    value = item.get(name)
    if name != "definition":
        return value
    if item.kind == "index":
        unique = str(value).startswith("CREATE UNIQUE")
        return unique, str(value).partition(" USING ")[2]
    if item.kind == "trigger":
        return str(value).replace(f"TRIGGER {quoted(item.name)} ", "TRIGGER ", 1)
    if item.kind == "rule":
        return str(value).replace(f"RULE {quoted(item.name)} ", "RULE ", 1)
    if item.kind == "statistics":
        return str(value).replace(f"STATISTICS {QualifiedName(item.schema, item.name)} ", "STATISTICS ", 1)
    return value


def _is_faithful(one: str, other: str) -> bool:
    """Whether every value comes back from the other type."""
    first, _, size = one.partition("(")
    second, _, other_size = other.partition("(")
    if first == second:
        if first == "numeric":
            return _digits(size) <= _digits(other_size) if other_size else True
        return True  # longer, or it would have failed
    return (first, second) in _FAITHFUL


def _digits(size: str) -> int:
    parts = size.rstrip(")").split(",")
    return int(parts[1]) if len(parts) > 1 and parts[1].strip().lstrip("-").isdecimal() else 0
