"""MP109: a table without a key in or out says nothing about what its rows belong to.

### What fires

A table with no foreign key to another table or to itself, and none from another one. A partitioned table and
its partitions are one table here.

What does not: foreign tables, which cannot have keys; tables that inherit from others; a key to or from a
table that the selection leaves out, where that key is known.

### Why

Often it is as it should be: a log, settings, a table of some tool. Where the rows do belong to others (a
column such as `user_id` without a key), nothing keeps them from pointing at what is gone, and migplan can put
the table anywhere in the order, which may be wrong.

### How to fix it

Declare the keys that are meant. There is no SQL for what nobody has said.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.catalog.model import TableKind
from migplan.level import Level

RULE = Rule("MP109", "isolated table", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    for name in context.graph.isolated:
        table = context.graph.tables[name]
        if table.kind is not TableKind.FOREIGN and not table.inherits:
            yield RULE.finding(table, "no foreign key leads to it, or from it to others")
