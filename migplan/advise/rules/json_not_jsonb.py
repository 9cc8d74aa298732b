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

from collections.abc import Iterator

from migplan.advise.context import Context, retype
from migplan.advise.finding import Finding, Rule, Subject
from migplan.level import Level

RULE = Rule("MP403", "json rather than jsonb", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each column."""
    for table, column in context.stored_columns:
        if context.base_type(column.type) != "json":
            continue
        fix = retype(table, column, "jsonb", "::jsonb") if column.type == "json" else ""
        yield RULE.finding(
            Subject.column(table.name, column.name),
            "it cannot be compared or indexed, and is parsed each time it is read",
            fix,
        )
