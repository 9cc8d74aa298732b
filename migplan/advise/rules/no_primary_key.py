"""MP104: without a primary key rows cannot be told apart: not to compare them, not to replicate them."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen
from migplan.catalog.model import TableKind

RULE = Rule("MP104", "table without primary key", Level.WARNING)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a table; foreign tables have none anywhere, and partitions follow their parent."""
    for table in seen.catalog.tables:
        if table.primary_key or table.kind is TableKind.FOREIGN or table.partition_of:
            continue
        why = "its rows cannot be told apart"
        if table.unique_keys:
            why = f"only the unique key {table.unique_keys[0].name}"
        yield RULE.finding(table.name, why, table=table.name)
