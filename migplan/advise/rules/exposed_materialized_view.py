"""MP312: a materialised view that an API exposes.

### What fires

A materialised view in an exposed schema that a role of the API may SELECT from, all of it or a column, with
USAGE on the schema.

What does not: one that no role of the API may read. The rule does not run, and says so, where nobody set
`exposed_schemas` and `api_roles`.

### Why

Row-level security does not exist for materialised views. What is in there was read with the rights of its
owner, and everybody who may read it reads all of it.

### How to fix it

Take SELECT away, or move it to a schema that is not exposed, with a function or a view in front of it that
decides who sees what.

### Compared with splinter (0016)

- splinter looks at SELECT on the whole only, and does not ask for USAGE on the schema.
- Roles and schemas are settings here.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Need, Rule
from migplan.level import Level
from migplan.names import quoted_list

RULE = Rule("MP312", "exposed materialised view", Level.WARNING, (Need.SCHEMAS, Need.ROLES))


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each view."""
    for view in context.catalog.views:
        if view.materialized and (roles := context.reached_by(view, "SELECT")):
            yield RULE.finding(
                view.name,
                f"{quoted_list(roles)} may read all of it: it has no row-level security",
                context.revoke(view, roles, "SELECT"),
            )
