"""MP314: a view through which an API gives away the accounts of its users.

### What fires

A view or materialised view in an exposed schema that a role of the API may SELECT from, all of it or a
column, with USAGE on the schema, and that reads `auth.users`, itself or by way of other views, so that
nothing holds rows back: it is materialised, or it reads with its owner's rights, or it is
`security_invoker`, the role may SELECT from `auth.users`, and that has no row-level security.

What does not: a `security_invoker` view where the role may not read `auth.users` or its row-level security
is on; a database without `auth.users`. The rule does not run, and says so, where nobody set
`exposed_schemas` and `api_roles`.

### Why

`auth.users` holds addresses, telephone numbers, password hashes and recovery tokens of everybody.

### How to fix it

Take SELECT away; keep what the API has to show in a table of one's own, filled by a trigger, with policies.

### Compared with splinter (0002)

- splinter looks only at views that read the table themselves; here a view over such a view fires, too.
- splinter fires for a `security_invoker` view without asking whether the role may read `auth.users`, and
  does not ask for USAGE on the schema.
- Roles and schemas are settings here.
"""

from collections.abc import Iterator

from migplan.advise.context import Context, is_invoker
from migplan.advise.finding import Finding, Need, Rule
from migplan.catalog.model import Table, View
from migplan.level import Level
from migplan.names import QualifiedName, quoted_list

RULE = Rule("MP314", "accounts exposed by a view", Level.ERROR, (Need.SCHEMAS, Need.ROLES))

ACCOUNTS = QualifiedName("auth", "users")


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each view."""
    for view in context.catalog.views:
        accounts = next((table for table in context.read_through(view) if table.name == ACCOUNTS), None)
        if accounts is None:
            continue
        roles = [
            role for role in context.reached_by(view, "SELECT") if _is_open(context, view, accounts, role)
        ]
        if roles:
            yield RULE.finding(
                view.name,
                f"{quoted_list(roles)} may read what it takes from {ACCOUNTS}",
                context.revoke(view, roles, "SELECT"),
            )


def _is_open(context: Context, view: View, accounts: Table, role: str) -> bool:
    """Whether a role gets at the accounts by the view, or by one that it reads in its turn."""
    if view.materialized or not is_invoker(view):
        return True
    if (
        ACCOUNTS in view.reads
        and not accounts.row_security
        and context.privileges.may_some(role, "SELECT", accounts)
    ):
        return True
    below = (context.views[name] for name in view.reads if name in context.views)
    return any(
        _is_open(context, each, accounts, role)
        for each in below
        if accounts in context.read_through(each) and context.privileges.may_some(role, "SELECT", each)
    )
