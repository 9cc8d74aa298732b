"""MP302: row-level security without a policy lets nothing through but to the owner.

### What fires

A table, partitioned or not, with row-level security on and no policy at all.

What does not: a partition. Queries by way of its parent are judged by the parent's policies, and security
without policies on the part is how the door at its side is closed.

### Why

It may well be meant: only the owner, superusers and roles with BYPASSRLS get at the rows. If it is not, all
others see an empty table, without an error.

### How to fix it

Write a policy, or put the reason into the ignore list. No SQL is offered: who may see what is not in the
catalog.

### Compared with splinter (0008)

- splinter fires for partitions, and leaves partitioned tables out.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level

RULE = Rule("MP302", "row-level security without a policy", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    for table in context.catalog.tables:
        if table.row_security and not table.policies and table.partition_of is None:
            yield RULE.finding(
                table,
                "whoever is not its owner, and does not bypass row-level security, sees no row of it",
            )
