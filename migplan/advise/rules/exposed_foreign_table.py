"""MP313: a foreign table that an API exposes.

### What fires

A foreign table in an exposed schema that a role of the API reaches: USAGE on the schema, and SELECT (on all
of it, or on a column), INSERT, UPDATE or DELETE.

What does not: one that no role of the API has a privilege on. The rule does not run, and says so, where
nobody set `exposed_schemas` and `api_roles`.

### Why

Row-level security does not exist for foreign tables, and the other server knows only the user of the
mapping, not the person who asks.

### How to fix it

Take the privileges away, or move it to a schema that is not exposed, with a function or a view in front of
it that decides who sees what.

### Compared with splinter (0017)

- splinter looks at SELECT on the whole table only, and does not ask for USAGE on the schema.
- Roles and schemas are settings here.
"""

from collections.abc import Iterator

from migplan.advise.context import READ_OR_WRITE, Context
from migplan.advise.finding import Finding, Need, Rule
from migplan.catalog.model import TableKind
from migplan.level import Level
from migplan.names import quoted_list

RULE = Rule("MP313", "exposed foreign table", Level.WARNING, (Need.SCHEMAS, Need.ROLES))


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    for table in context.catalog.tables:
        if table.kind is TableKind.FOREIGN and (roles := context.reached_by(table, *READ_OR_WRITE)):
            yield RULE.finding(
                table,
                f"{quoted_list(roles)} reach all of it: it has no row-level security",
                context.revoke(table, roles, *READ_OR_WRITE),
            )
