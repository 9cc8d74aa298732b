"""MP305: a view that an API exposes, and that reads with its owner's rights.

### What fires

A view (not a materialised one) in an exposed schema that a role of the API reaches (USAGE on the schema;
SELECT, of all or of a column, INSERT, UPDATE or DELETE on the view), and that is not `security_invoker`. It
is an error where that makes a difference: among the tables that it reads, itself or by way of other views,
is one with row-level security, or one that the role may not SELECT from. It is a note where it makes none
today.

What does not: a view for the role that owns it; a view with `security_invoker` on (`true`, `on`, `yes`,
`1`); a view that no role of the API reaches. Materialised views and foreign tables have rules of their own.
The rule does not run, and says so, where nobody set `exposed_schemas` and `api_roles`.

### Why

A view asks with the rights of its owner, who is often a superuser: policies of the tables below hold for that
owner, not for the person who asks.

### How to fix it

`ALTER VIEW ... SET (security_invoker = on)`, from PostgreSQL 15; the API's roles then need SELECT on what
the view reads. Older servers have no such option: the SQL takes the privilege away; moving the view into a
schema that is not exposed does as well.

### Compared with splinter (0010)

- splinter says nothing before PostgreSQL 15; here the view fires there, too, with another way to fix it.
- splinter gives every such view the same level; here it is a note where the rights of owner and role do not
  differ.
- splinter looks at SELECT on the whole view only, and does not ask for USAGE on the schema.
- Roles and schemas are settings here.
"""

from collections.abc import Iterator

from migplan.advise.context import READ_OR_WRITE, Context, is_invoker
from migplan.advise.finding import Finding, Need, Rule
from migplan.catalog.model import View
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP305", "exposed view with its owner's rights", Level.ERROR, (Need.SCHEMAS, Need.ROLES))

_SINCE = 15


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each view."""
    for view in context.catalog.views:
        if view.materialized or is_invoker(view):
            continue
        roles = tuple(role for role in context.reached_by(view, *READ_OR_WRITE) if role != view.owner)
        if not roles:
            continue
        guarded = _guarded(context, view, roles)
        why = f"{quoted_list(roles)} reach it, and it reads with the rights of {quoted(view.owner)}"
        why += (
            f", past what guards {', '.join(guarded)}" if guarded else "; today that gives them nothing more"
        )
        fix = f"ALTER VIEW {view.name} SET (security_invoker = on);"
        if context.catalog.server.major < _SINCE:
            fix = context.revoke(view, roles, *READ_OR_WRITE)
        yield RULE.finding(view.name, why, fix, level=RULE.level if guarded else Level.NOTE)


def _guarded(context: Context, view: View, roles: tuple[str, ...]) -> list[str]:
    """What it reads that holds back one of the roles."""
    return [
        str(table.name)
        for table in context.read_through(view)
        if (table.row_security and not all(context.is_above_policies(role, table) for role in roles))
        or not all(context.privileges.may_some(role, "SELECT", table) for role in roles)
    ]
