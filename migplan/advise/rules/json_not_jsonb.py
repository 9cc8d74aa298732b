"""MP403: json is a text that is parsed anew each time it is read.

### What fires

A column of type `json`, or of a domain over it.

What does not: `jsonb`; `text` that happens to hold JSON; arrays of `json`; columns of views and foreign
tables. Once for a partitioned table, not again for its partitions.

### Why

`json` has no equality, so DISTINCT, GROUP BY, unique indexes and comparisons of rows fail; it cannot be
indexed by its content; and each access parses the whole text.

### How to fix it

`jsonb` keeps the content, and not the text: white space and the order of keys are lost, and of equal keys the
last one stays. Where the exact text matters (a signature, a document that was received), it is right as it
is. The change writes the table anew under a lock.
"""

from __future__ import annotations

from collections.abc import Iterator

from migplan.advise.column_types import bases, can_be_altered, stored_columns
from migplan.advise.context import Seen
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP403", "json rather than jsonb", Level.NOTE)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a column."""
    base = bases(seen.catalog)
    for table, column in stored_columns(seen):
        if base.get(column.type, column.type) != "json":
            continue
        fix = ""
        if column.type == "json" and not column.generated and can_be_altered(table, column.name):
            name = quoted(column.name)
            fix = f"ALTER TABLE {table.name} ALTER COLUMN {name} TYPE jsonb USING {name}::jsonb;"
        yield RULE.finding(
            f"{table.name}.{quoted(column.name)}",
            "it cannot be compared or indexed, and is parsed each time it is read",
            fix,
            table=table.name,
        )
