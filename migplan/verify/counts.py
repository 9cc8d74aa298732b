"""How many there are of what: the numbers that teams put into their reports."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from migplan.catalog.model import Catalog, Table
from migplan.names import QualifiedName


@dataclass(frozen=True, slots=True)
class Counts:
    """The numbers of a table, or of several."""

    columns: int = 0
    not_null: int = 0  # columns
    not_null_in_primary_keys: int = 0  # of these
    indexes: int = 0  # made by CREATE INDEX
    indexes_of_unique_constraints: int = 0
    indexes_of_primary_keys: int = 0
    indexes_of_exclusions: int = 0
    triggers: int = 0
    policies: int = 0
    primary_keys: int = 0
    foreign_keys: int = 0
    unique_constraints: int = 0
    checks: int = 0
    exclusions: int = 0

    @property
    def all_indexes(self) -> int:
        """With those behind constraints."""
        behind = self.indexes_of_unique_constraints + self.indexes_of_exclusions
        return self.indexes + behind + self.indexes_of_primary_keys

    @property
    def constraints(self) -> int:
        """As ``pg_constraint`` has them on every version: without NOT NULL."""
        keys = self.primary_keys + self.foreign_keys + self.unique_constraints
        return keys + self.checks + self.exclusions

    @property
    def constraints_as_listed(self) -> int:
        """As ``information_schema.table_constraints`` lists them: each NOT NULL is a CHECK there."""
        return self.constraints - self.exclusions + self.not_null

    @property
    def constraints_less_primary_keys(self) -> int:
        """With NOT NULL, without primary keys and the NOT NULL that these bring."""
        return self.constraints - self.primary_keys + self.not_null - self.not_null_in_primary_keys

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


@dataclass(frozen=True, slots=True)
class TableCounts:
    """The numbers of a table as it is to be, and as it is: None where it is not there."""

    name: QualifiedName
    expected: Counts
    found: Counts | None
    rows: int | None = None  # None: they could not be counted


def counts_of(table: Table) -> Counts:
    """Return the numbers of a table."""
    behind = {index.constraint for index in table.indexes if index.constraint}
    unique = {key.name for key in table.unique_keys}
    primary = set(table.primary_key.columns) if table.primary_key else set()
    return Counts(
        columns=len(table.columns),
        not_null=sum(column.not_null for column in table.columns),
        not_null_in_primary_keys=sum(column.not_null for column in table.columns if column.name in primary),
        indexes=sum(not index.constraint for index in table.indexes),
        indexes_of_unique_constraints=len(behind & unique),
        indexes_of_primary_keys=int(table.primary_key is not None),
        indexes_of_exclusions=len(behind & {each.name for each in table.exclusions}),
        triggers=len(table.triggers),
        policies=len(table.policies),
        primary_keys=int(table.primary_key is not None),
        foreign_keys=len(table.foreign_keys),
        unique_constraints=len(table.unique_keys),
        checks=len(table.checks),
        exclusions=len(table.exclusions),
    )


def total_of(counts: Iterable[Counts]) -> Counts:
    """Return the sum."""
    return sum(counts, Counts())


def prefix_of(catalog: Catalog) -> str:
    """Return what most names of indexes made by CREATE INDEX begin with, up to ``_``; '' if there is no such.

    Teams count their indexes by name, one behind a constraint that has such a name included.
    """
    names = [index.name for table in catalog.tables for index in table.indexes if not index.constraint]
    begins = [name.partition("_")[0] for name in names if "_" in name]
    most = max(sorted(set(begins)), key=begins.count, default="")
    return f"{most}_" if begins.count(most) > len(names) / 2 and begins.count(most) > 1 else ""
