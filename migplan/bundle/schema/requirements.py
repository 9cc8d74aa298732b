"""What a target must be able to do: the features that the source uses and older servers lack."""

from collections.abc import Iterator
from dataclasses import dataclass

from migplan.catalog.model import Catalog, Table

OLDEST = 13


@dataclass(frozen=True, slots=True)
class Requirement:
    """A feature, the object that uses it, and the first major version that has it."""

    major: int
    what: str

    def __str__(self) -> str:
        return f"{self.what} needs PostgreSQL {self.major} or newer"


def requirements(catalog: Catalog) -> tuple[Requirement, ...]:
    """Return the features that need more than the oldest server, the newest first."""
    found = [need for table in catalog.tables for need in _of_table(table)]
    found += [
        Requirement(14, f"multirange type {type_.name}")
        for type_ in catalog.types
        if type_.kind == "range" and catalog.server.major >= 14
    ]
    return tuple(sorted(found, key=lambda need: (-need.major, need.what)))


def oldest_target(catalog: Catalog) -> int:
    """Return the oldest major version that can have the catalog's objects."""
    return max((need.major for need in requirements(catalog)), default=OLDEST)


def _of_table(table: Table) -> Iterator[Requirement]:
    of = f"of {table.name}"
    features = (
        *(
            (18, f.enforced and not f.validated and table.partition_key, f"key {f.name} NOT VALID {of}")
            for f in table.foreign_keys
        ),
        *((18, c.generated == "virtual", f"virtual column {c.name} {of}") for c in table.columns),
        *((18, k.without_overlaps, f"key {k.name} WITHOUT OVERLAPS {of}") for k in table.keys),
        *((15, k.nulls_not_distinct, f"key {k.name} NULLS NOT DISTINCT {of}") for k in table.keys),
        *((18, f.period, f"PERIOD key {f.name} {of}") for f in table.foreign_keys),
        *((18, not f.enforced, f"key {f.name} NOT ENFORCED {of}") for f in table.foreign_keys),
        *(
            (15, f.on_delete_columns, f"ON DELETE with columns of key {f.name} {of}")
            for f in table.foreign_keys
        ),
        *((18, not c.enforced, f"check {c.name} NOT ENFORCED {of}") for c in table.checks),
        *(
            (15, "NULLS NOT DISTINCT" in (i.definition or ""), f"index {i.name} NULLS NOT DISTINCT {of}")
            for i in table.indexes
        ),
    )
    return (Requirement(major, what) for major, used, what in features if used)
