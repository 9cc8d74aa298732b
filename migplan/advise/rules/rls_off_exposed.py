"""MP303: a table that an API exposes, without row-level security.

### What fires

A table, partitioned or not, or a partition, in an exposed schema, with row-level security off, that a role
of the API reaches: the role has USAGE on the schema, and SELECT (on all of it, or on a column), INSERT,
UPDATE or DELETE. Privileges count wherever they come from: PUBLIC, roles that the role inherits from,
ownership.

What does not: a table that no role of the API has a privilege on; a role that bypasses row-level security
anyway, such as `service_role`; foreign tables, which have none (MP313). The rule does not run, and says so,
where nobody set `exposed_schemas` and `api_roles`.

A partition with security off fires although its parent has it on: who asks the part is not asked by the
parent's policies.

### Why

Whoever can call the API can read or change every row.

### How to fix it

Turn it on and write policies; until there is one, the API sees no row. Or take the privileges from the API's
roles, or the table out of the exposed schema.

### Compared with splinter (0013)

- splinter looks at SELECT on the whole table only; here a table that the API may only write to, or of which
  it may read one column, fires, too.
- splinter does not ask for USAGE on the schema, without which no table in it can be reached.
- splinter knows the roles `anon` and `authenticated`, and takes the schemas from `pgrst.db_schemas`; here
  both are settings.
- splinter fires for tables that extensions brought (PostGIS' `spatial_ref_sys`), which are not in the
  catalog here, and leaves partitioned tables out.
- `0019` is the same for the queues of pgmq, which an extension makes: not looked at.
"""

from collections.abc import Iterator

from migplan.advise.context import READ_OR_WRITE, Context
from migplan.advise.finding import Finding, Need, Rule
from migplan.catalog.model import TableKind
from migplan.level import Level
from migplan.names import quoted_list

RULE = Rule("MP303", "exposed table without row-level security", Level.ERROR, (Need.SCHEMAS, Need.ROLES))


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    roles = [role for role in context.api_roles if not context.bypasses(role)]
    for table in context.catalog.tables:
        if table.row_security or table.kind is TableKind.FOREIGN:
            continue
        can = {
            action: reached
            for action in READ_OR_WRITE
            if (reached := context.reached_by(table, action, roles=roles))
        }
        if can:
            who = sorted({role for reached in can.values() for role in reached})
            yield RULE.finding(
                table,
                f"through the API, {quoted_list(who)} may {', '.join(can)}, whatever the row",
                f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY;",
            )
