"""The Catalog: all that a database says of itself, at one moment, as plain frozen values.

Everything is a tuple, sorted, and composite keys are tuples of column names, always: two equal
databases give two equal catalogs. A field marked *observed* (row counts, sizes, the moment itself)
belongs to the catalog but not to the structure, so it is left out of fingerprints and comparisons.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from migplan.catalog.attributes import Attributes
from migplan.catalog.vitals import Vitals
from migplan.names import QualifiedName, quoted, split

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Known = TypeVar("Known", bound=DataclassInstance)

_FIRING = frozenset({"origin", "always"})
_NEXTVAL = re.compile(r"nextval\('((?:[^']|'')+)'::regclass\)")


PAGE = 8192
"""Bytes of a page, as nearly all servers have them."""

OBSERVED = {"observed": True}


def observed(default: Any = None) -> Any:
    """Return a field that is not structure: it changes without anybody altering the database."""
    return field(default=default, metadata=OBSERVED, kw_only=True)


def unobserved(thing: "Known") -> "Known":
    """Return a thing of the catalog as if nobody had looked at what is merely observed of it."""
    found = {each.name: each.default for each in fields(thing) if each.metadata.get("observed")}
    return replace(thing, **found)


def printed(syntax: str) -> dict[str, str]:
    """The metadata of a field that the server prints from a tree of its own.

    Reading such a text and printing it again may give another one, so that two texts that differ may still be
    one definition: only a server can tell. ``syntax`` says what the text is: ``expression``, ``statement``,
    ``constraint``, ``partition key``, ``partition bound``, ``domain``; or ``digest`` of such texts. In a
    ``name``, of a type say, only quotes can differ: each version has its own words that need them.
    """
    return {"printed": syntax}


def added(default: Any) -> Any:
    """A field that the first catalogs did not have: while it says nothing, their fingerprints stay true."""
    return field(default=default, metadata={"added": True}, kw_only=True)


class TableKind(StrEnum):
    """Kinds of tables."""

    TABLE = "table"
    PARTITIONED = "partitioned table"
    FOREIGN = "foreign table"


@dataclass(frozen=True, slots=True)
class Column:
    """A column, with its type as ``format_type`` prints it under an empty search path."""

    name: str
    type: str = field(metadata=printed("name"))
    not_null: bool = False
    default: str | None = field(default=None, metadata=printed("expression"))
    identity: str | None = None  # 'always' or 'by default'
    generated: str | None = None  # 'stored' or 'virtual'
    collation: str | None = field(default=None, metadata=printed("name"))
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A primary key or a unique constraint."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    nulls_not_distinct: bool = False
    without_overlaps: bool = False
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A check or an exclusion constraint, with its definition in SQL.

    A NOT NULL that rows may violate still (NOT VALID) is held as a check, too.
    """

    name: str
    definition: str = field(metadata=printed("constraint"))
    validated: bool = True
    enforced: bool = True
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key as declared. Those that partitions inherit follow from it and are not repeated."""

    name: str
    table: QualifiedName
    columns: tuple[str, ...]
    referenced: QualifiedName
    referenced_columns: tuple[str, ...]
    referenced_key: str  # the unique index it leans on, which is not always the primary key's
    on_delete: str = "NO ACTION"
    on_delete_columns: tuple[str, ...] = ()  # ON DELETE SET NULL (column, ...)
    on_update: str = "NO ACTION"
    match: str = "SIMPLE"
    deferrable: bool = False
    initially_deferred: bool = False
    validated: bool = True
    enforced: bool = True
    period: bool = False
    comment: str | None = None
    triggers: tuple[str, ...] = added(())  # those that somebody altered: 'disabled on shop.orders'
    null_fraction: float | None = observed()  # of its rows, those that refer to nothing

    @property
    def refers_to_itself(self) -> bool:
        """Whether rows of a table refer to rows of the same table."""
        return self.table == self.referenced

    @property
    def switched_off_on(self) -> tuple[str, ...]:
        """The tables whose writes are not checked: the triggers behind the key do not fire there."""
        states = (state.partition(" on ") for state in self.triggers)
        return tuple(table for state, _, table in states if state != "always")

    @property
    def label(self) -> str:
        """``NAME: public.rooms (hotel_id) -> public.hotels (id)``, as plans and manifests name it."""
        return f"{self.name}: {self}"

    def __str__(self) -> str:
        """``public.rooms (hotel_id) -> public.hotels (id)``, the way messages name a key."""
        return (
            f"{self.table} ({', '.join(self.columns)}) -> "
            f"{self.referenced} ({', '.join(self.referenced_columns)})"
        )


@dataclass(frozen=True, slots=True)
class Index:
    """An index; ``columns`` are its key parts, an expression standing as SQL.

    ``definition`` is there when it says more than that: expressions, a predicate, included columns,
    operator classes, an order, options.
    """

    name: str
    definition: str | None = field(metadata=printed("statement"))
    columns: tuple[str, ...] = field(metadata=printed("expression"))
    method: str = "btree"
    unique: bool = False
    valid: bool = True
    predicate: str | None = field(default=None, metadata=printed("expression"))
    constraint: str | None = None  # the constraint that owns it
    inherited: bool = False  # it is the part of a partitioned index
    comment: str | None = None
    bytes: int | None = observed()
    scans: int | None = observed()

    @property
    def is_partial(self) -> bool:
        """Whether it leaves rows out."""
        return self.predicate is not None


@dataclass(frozen=True, slots=True)
class Policy:
    """A row-level security policy."""

    name: str
    command: str
    roles: tuple[str, ...]
    permissive: bool = True
    using: str | None = field(default=None, metadata=printed("expression"))
    check: str | None = field(default=None, metadata=printed("expression"))
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that someone made; those behind foreign keys and in partitions are left out."""

    name: str
    function: QualifiedName
    definition: str = field(metadata=printed("statement"))
    timing: str
    events: tuple[str, ...]
    level: str
    enabled: str = "origin"  # or 'disabled', 'replica', 'always'
    constraint: bool = False
    comment: str | None = None

    @property
    def fires(self) -> bool:
        """Whether it fires in sessions like ours, whose role is not ``replica``.

        https://www.postgresql.org/docs/current/sql-altertable.html#SQL-ALTERTABLE-DESC-DISABLE-ENABLE-TRIGGER
        """
        return self.enabled in _FIRING


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite rule that someone made; those that views consist of are left out."""

    name: str
    definition: str = field(metadata=printed("statement"))
    enabled: str = "origin"  # or 'disabled', 'replica', 'always'
    comment: str | None = None

    @property
    def fires(self) -> bool:
        """Whether it rewrites queries of sessions like ours, whose role is not ``replica``."""
        return self.enabled in _FIRING


@dataclass(frozen=True, slots=True)
class Use:
    """What the server counted since its statistics were last reset."""

    sequential_scans: int = 0
    index_scans: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    dead_rows: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table and all that belongs to it."""

    name: QualifiedName
    kind: TableKind = TableKind.TABLE
    owner: str = ""
    columns: tuple[Column, ...] = ()
    primary_key: Key | None = None
    unique_keys: tuple[Key, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[Check, ...] = ()
    exclusions: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    policies: tuple[Policy, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    row_security: bool = False
    force_row_security: bool = False
    persistence: str = "permanent"  # or 'unlogged'
    access_method: str | None = None
    partition_key: str | None = field(default=None, metadata=printed("partition key"))
    partition_of: QualifiedName | None = None
    partition_bound: str | None = field(default=None, metadata=printed("partition bound"))
    inherits: tuple[QualifiedName, ...] = ()
    of_type: QualifiedName | None = None
    # 'default', 'nothing', 'full', or 'index NAME'
    replica_identity: str = field(default="default", metadata=printed("name"))
    options: tuple[str, ...] = ()
    comment: str | None = None
    readable: bool = observed(True)  # whether the role that looked may SELECT from it
    rows: int | None = observed()  # None: nobody knows, it was never analysed
    rows_exact: bool = observed(False)  # counted at this moment, not estimated
    heap_bytes: int | None = observed()  # the rows themselves, without TOAST
    table_bytes: int | None = observed()  # with TOAST
    index_bytes: int | None = observed()
    use: Use = observed(Use())

    def parts(self, size: int) -> list[int]:
        """The pages of its heap at which parts begin that have at most so many bytes, TOAST included."""
        whole = self.table_bytes or 0
        pages = (whole if self.heap_bytes is None else self.heap_bytes) // PAGE
        number = min(-(-whole // size), pages)
        return [pages * part // number for part in range(number)] or [0]

    @property
    def total_bytes(self) -> int | None:
        """Table, TOAST and indexes together, where the server would say."""
        if self.table_bytes is None or self.index_bytes is None:
            return None
        return self.table_bytes + self.index_bytes

    @property
    def keys(self) -> tuple[Key, ...]:
        """The primary key, where there is one, and the unique constraints."""
        return self.unique_keys if self.primary_key is None else (self.primary_key, *self.unique_keys)

    @property
    def only(self) -> str:
        """``ONLY ``, if a statement needs it to mean the table's own rows.

        Without it, those of tables that inherit from the table count as well.
        https://www.postgresql.org/docs/current/ddl-inherit.html
        """
        return "ONLY " if self.kind is TableKind.TABLE else ""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError when there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Sequence:
    """A sequence, and the column that owns it where one does."""

    name: QualifiedName
    type: str
    start: int
    minimum: int
    maximum: int
    increment: int
    cycles: bool = False
    cache: int = 1
    owner: str = ""
    owned_by: QualifiedName | None = None
    owned_column: str | None = None
    identity: bool = False
    comment: str | None = None
    last_value: int | None = observed()  # None: never used, or the role may not see it


@dataclass(frozen=True, slots=True)
class View:
    """A view or a materialised view, and the relations that it reads."""

    name: QualifiedName
    definition: str = field(metadata=printed("statement"))
    materialized: bool = False
    populated: bool = True
    owner: str = ""
    options: tuple[str, ...] = ()
    reads: tuple[QualifiedName, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A function, procedure or aggregate.

    ``body`` is a digest of its source and of all that has no field here: enough to see that it changed.
    """

    name: QualifiedName
    arguments: str = field(metadata=printed("name"))
    kind: str
    returns: str = field(metadata=printed("name"))
    language: str
    body: str = field(metadata=printed("digest"))
    volatility: str = "volatile"
    security_definer: bool = False
    settings: tuple[str, ...] = ()
    owner: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Type:
    """An enum, domain, composite or range type; ``definition`` says what it is made of."""

    name: QualifiedName
    kind: str
    definition: tuple[str, ...] = field(metadata=printed("domain"))
    owner: str = ""
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Extension:
    """An installed extension."""

    name: str
    version: str
    schema: str


@dataclass(frozen=True, slots=True)
class Schema:
    """A schema of the users' own."""

    name: str
    owner: str = ""
    comment: str | None = None
    usable: bool = observed(True)  # whether the role that looked has USAGE on it


@dataclass(frozen=True, slots=True)
class Grant:
    """What one grantee may do with an object beyond, or short of, what everybody may by default.

    The owner stands as ``(owner)``, whoever that is, and what an owner may do anyhow is not repeated:
    an object in other hands is one difference, not many.
    """

    kind: str  # table, view, column, sequence, function, type, schema or default privileges
    schema: str  # empty for default privileges that hold everywhere
    object: str  # empty for a schema; of default privileges, the kind of objects
    part: str = field(metadata={"printed": "name"})  # a column's name, a function's arguments
    grantee: str  # public, (owner), or a role
    privileges: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()  # of the default ones: EXECUTE of public, say
    of_role: str = ""  # of default privileges, whose new objects get them

    @property
    def name(self) -> str:
        """``on table public.rooms to reader``, the way messages name it."""
        return f"on {self.on} to {self.grantee}"

    @property
    def on(self) -> str:
        """``column public.rooms.price``, ``default privileges of keeper for tables``."""
        if self.kind == "default privileges":
            where = f" in schema {quoted(self.schema)}" if self.schema else ""
            return f"default privileges of {self.of_role}{where} for {self.object}"
        if self.kind == "schema":
            return f"schema {quoted(self.schema)}"
        part = {"column": f".{quoted(self.part)}" if self.part else "", "function": f"({self.part})"}
        return f"{self.kind} {QualifiedName(self.schema, self.object)}{part.get(self.kind, '')}"


@dataclass(frozen=True, slots=True)
class Server:
    """Where and when the catalog was read, and as whom. Never a password."""

    address: str
    database: str
    version: int  # as server_version_num: 180006
    version_text: str
    encoding: str
    collation: str
    role: str
    superuser: bool
    read_at: str  # ISO 8601, the moment of the snapshot

    @property
    def major(self) -> int:
        """18 for 18.6."""
        return self.version // 10000


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read, and why. It is always reported."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Signs:
    """By what a managed host may be recognised, whatever of it is selected: names, and nothing else."""

    schemas: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()  # those with a prefix
    others: tuple[str, ...] = ()  # event triggers and publications


@dataclass(frozen=True)
class Catalog:
    """Everything that was read of a database."""

    server: Server = observed()
    schemas: tuple[Schema, ...] = ()
    tables: tuple[Table, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    views: tuple[View, ...] = ()
    functions: tuple[Function, ...] = ()
    types: tuple[Type, ...] = ()
    extensions: tuple[Extension, ...] = ()
    grants: tuple[Grant, ...] = ()
    provided: tuple[Table, ...] = added(())  # what of the target's own tables ours refers to, and has on them
    unread: tuple[Unread, ...] = observed(())
    vitals: Vitals | None = observed()  # None: nobody asked
    signs: Signs = observed(Signs())
    attributes: Attributes | None = observed()  # None: nobody asked, or an earlier migplan saved it

    @cached_property
    def by_name(self) -> dict[QualifiedName, Table]:
        """Each table under its name."""
        return {table.name: table for table in self.tables}

    @cached_property
    def provided_by_name(self) -> dict[QualifiedName, Table]:
        """Each table that the target brings and something of ours needs, under its name."""
        return {table.name: table for table in self.provided}

    @cached_property
    def by_text(self) -> dict[str, QualifiedName]:
        """Each table's name, under its text."""
        return {str(name): name for name in self.by_name}

    @cached_property
    def tops(self) -> dict[QualifiedName, QualifiedName]:
        """Of each table the one whose rows its rows are: of a partition the topmost table, else itself."""

        def top(table: Table) -> QualifiedName:
            while table.partition_of in self.by_name:
                table = self.by_name[table.partition_of]
            return table.name

        return {table.name: top(table) for table in self.tables}

    def rows_of(self, name: QualifiedName) -> str:
        """Return a table as FROM has it for the rows that a foreign key sees: none of tables that inherit."""
        table = self.by_name.get(name)
        return f"{table.only if table else ''}{name}"

    @property
    def foreign_keys(self) -> Iterator[ForeignKey]:
        """Every foreign key of every table, in the order of the tables."""
        for table in self.tables:
            yield from table.foreign_keys

    @cached_property
    def filled_columns(self) -> Mapping[QualifiedName, tuple[tuple[Table, str], ...]]:
        """Of each sequence the columns that it fills: the one that owns it, those whose default it is."""
        found: dict[QualifiedName, set[tuple[QualifiedName, str]]] = defaultdict(set)
        for sequence in self.sequences:
            if sequence.owned_by in self.by_name and sequence.owned_column:
                found[sequence.name].add((sequence.owned_by, sequence.owned_column))
        for table in self.tables:
            for column in table.columns if table.partition_of is None else ():
                for text in _NEXTVAL.findall(column.default or ""):
                    parts = split(text.replace("''", "'"))
                    if len(parts) == 2:
                        found[QualifiedName(*parts)].add((table.name, column.name))
        return {
            name: tuple((self.by_name[table], column) for table, column in sorted(columns))
            for name, columns in found.items()
        }

    def hides(self, sequence: Sequence) -> bool:
        """Whether a sequence has no value here only because the role may not see it."""
        return any(gap.what == f"value of sequence {sequence.name}" for gap in self.unread)
