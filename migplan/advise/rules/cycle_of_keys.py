"""MP101: tables that need each other cannot be loaded by order alone.

### What fires

Each way round in a circle of tables, of which each has a foreign key to the next and the last one to the
first; the shortest ways of each circle, ten at the most. A partitioned table and its partitions are one table
here.

What does not: a key of a table to itself, which is a matter of the order of rows, not of tables.

### Why

Whichever of the tables comes first, its rows refer to rows that are not there yet. A load in the order of the
keys has to leave one of them open: by creating it later, by deferring it, or by writing NULL first. Deletes
and truncation meet the same wall from the other side.

### How to fix it

`migplan plan` cuts the circle where it costs the least, and says where. To be rid of it, drop the key that
says least, or make it `DEFERRABLE`, so that one transaction can write both sides. Which one that is, only
people know; so there is no SQL.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level

RULE = Rule("MP101", "cycle of foreign keys", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each cycle."""
    for cycle in context.graph.cycles:
        names = ", ".join(key.name for hop in cycle.keys for key in hop)
        yield RULE.finding(
            str(cycle),
            f"by the keys {names}: no order alone loads them",
            table=cycle.tables[0],
        )
