"""MP106: without an index on the referring side, each delete above reads the whole table below."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen
from migplan.catalog.model import ForeignKey, Table
from migplan.names import quoted

RULE = Rule("MP106", "foreign key without an index", Level.NOTE)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a key."""
    for table in seen.catalog.tables:
        for key in table.foreign_keys:
            if not is_covered(key, table):
                columns = ", ".join(map(quoted, key.columns))
                yield RULE.finding(
                    f"{table.name} ({columns})",
                    f"{key.name}: each delete from {key.referenced} reads all of it",
                    f"CREATE INDEX CONCURRENTLY ON {table.name} ({columns});",
                )


def is_covered(key: ForeignKey, table: Table) -> bool:
    """Whether a whole, valid index begins with the key's columns, in whatever order."""
    wanted = set(key.columns)
    return any(
        index.valid and not index.is_partial and set(index.columns[: len(wanted)]) == wanted
        for index in table.indexes
    )
