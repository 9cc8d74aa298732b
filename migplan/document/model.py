"""The documentation of a database as values, before it takes a shape.

What is *observed* (rows, sizes, counters, samples) can be taken out of it: what is left changes only when
somebody alters the database, and that is what makes a document stale.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from migplan.advise import Advice, Finding
from migplan.catalog.model import Catalog, ForeignKey, Index, Policy, Table, Trigger
from migplan.config import Strategy
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.model import Plan


def title(name: QualifiedName) -> str:
    """Return how documents call a table: in ``public`` without it, whatever other schemas there are."""
    return name.seen_from("public")


class Frequency(StrEnum):
    """How often something happens, in classes that do not change with every look."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"


class Growth(StrEnum):
    """How a table grows."""

    STATIC = "static"
    SLOW = "slow"
    FAST = "fast"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class DescribedIndex:
    """An index, and what it is good for."""

    index: Index
    definition: str  # as SQL, also where the catalog holds no definition
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DescribedPolicy:
    """A policy as SQL, and what it comes to in a sentence."""

    policy: Policy
    definition: str
    purpose: str


@dataclass(frozen=True, slots=True)
class DescribedTrigger:
    """A trigger, and what it does in a sentence."""

    trigger: Trigger
    purpose: str


@dataclass(frozen=True, slots=True)
class Samples:
    """Rows that may be shown: every value is anonymised already."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    replaced: tuple[tuple[str, str], ...] = ()  # columns whose values are stand-ins, and why
    unread: str = ""  # why there are none


@dataclass(frozen=True, slots=True)
class Pattern:
    """A query that the table's keys, indexes and policies suggest. It runs as it stands, with $1, $2, ..."""

    title: str
    sql: str
    performance: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that the server has counted; it holds no literals and no comments."""

    text: str
    calls: int
    mean_milliseconds: float
    rows: int


@dataclass(frozen=True, slots=True)
class Performance:
    """What the server's statistics say, and what follows from the indexes."""

    reads: Frequency = Frequency.UNKNOWN
    writes: Frequency = Frequency.UNKNOWN
    growth: Growth = Growth.UNKNOWN
    notes: tuple[str, ...] = ()  # observed: index use, dead rows, bloat, volume
    indexing: tuple[str, ...] = ()  # structural: which ways of asking are served


@dataclass(frozen=True, slots=True)
class MigrationNotes:
    """What a move has to mind, each with its reason."""

    before: tuple[QualifiedName, ...] = ()  # what must be loaded before
    do: tuple[str, ...] = ()
    dont: tuple[str, ...] = ()
    handling: tuple[str, ...] = ()
    volume: tuple[str, ...] = ()  # observed: what follows from the number of rows


@dataclass(frozen=True, slots=True)
class Integration:
    """What ties a table to another system."""

    platform: str  # by the table's prefix; Generic where there is none
    external_ids: tuple[str, ...] = ()
    sync_fields: tuple[tuple[str, str], ...] = ()  # column, and what it says
    credentials: tuple[str, ...] = ()
    queries: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class TableDocument:
    """A table's section."""

    table: Table
    group: str
    depth: int
    strategy: Strategy
    reason: str
    incoming: tuple[ForeignKey, ...] = ()
    partitions: tuple[Table, ...] = ()
    rows: int | None = None
    rows_exact: bool = False
    indexes: tuple[DescribedIndex, ...] = ()
    policies: tuple[DescribedPolicy, ...] = ()
    triggers: tuple[DescribedTrigger, ...] = ()
    samples: Samples | None = None  # None: nobody asked
    patterns: tuple[Pattern, ...] = ()
    statements: tuple[Statement, ...] = ()
    performance: Performance = Performance()
    migration: MigrationNotes = MigrationNotes()
    integration: Integration | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> QualifiedName:
        """The table's name."""
        return self.table.name

    @property
    def bytes(self) -> tuple[int | None, int | None]:
        """The size of the table and of its indexes, with partitions; None where the server says nothing."""
        family = (self.table, *self.partitions)
        tables = [part.table_bytes for part in family if part.table_bytes is not None]
        indexes = [part.index_bytes for part in family if part.index_bytes is not None]
        return sum(tables) if tables else None, sum(indexes) if indexes else None


@dataclass(frozen=True, slots=True)
class GroupDocument:
    """A group's file."""

    name: str
    purpose: str
    number: int
    tables: tuple[TableDocument, ...]


@dataclass(frozen=True)
class Documentation:
    """All of it."""

    catalog: Catalog
    graph: ForeignKeyGraph
    plan: Plan
    advice: Advice
    groups: tuple[GroupDocument, ...]

    @property
    def tables(self) -> Iterator[TableDocument]:
        """Every table's section, in the order of loading."""
        for group in self.groups:
            yield from group.tables

    @cached_property
    def group_of(self) -> Mapping[QualifiedName, str]:
        """Each documented table's group."""
        return {document.name: group.name for group in self.groups for document in group.tables}

    @cached_property
    def keys_between_groups(self) -> Counter[tuple[str, str]]:
        """How many keys lead from the tables of one group to those of another."""
        found = Counter[tuple[str, str]]()
        for table, needed, _ in self.graph.hops:
            one, other = self.group_of.get(table), self.group_of.get(needed)
            if one and other and one != other:
                found[one, other] += 1
        return found
