"""MP301: policies hold only where row-level security is on, and here it is off.

### What fires

A table, partitioned or not, that has policies and `row_security` off. One finding a table.

What does not: a table without policies (MP303 looks at those that an API exposes).

### Why

Somebody wrote down who may see which rows, and the server does not ask. Whoever has a privilege on the table
sees and changes all of it.

### How to fix it

Turn it on. Before that, see that the policies cover all that the application does: what no permissive policy
lets through is refused.

### Compared with splinter (0007)

- splinter leaves partitioned tables out, whose policies hold for whoever asks them rather than their parts.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP301", "policies, but row-level security is off", Level.ERROR)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    for table in context.catalog.tables:
        if table.policies and not table.row_security:
            names = ", ".join(quoted(policy.name) for policy in table.policies)
            yield RULE.finding(
                table,
                f"nobody asks its policies: {names}",
                f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;",
            )
