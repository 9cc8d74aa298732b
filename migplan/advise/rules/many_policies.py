"""MP206: several permissive policies for one role and action are all evaluated, for every row.

### What fires

A table with row-level security on, and two or more *permissive* policies that hold for the same role and
the same action. A policy `FOR ALL` counts for `SELECT`, `INSERT`, `UPDATE` and `DELETE`; a policy `TO
PUBLIC`, or without `TO`, counts for every role. Looked at are everybody (PUBLIC), the roles that the
table's policies name, and the roles of the API where the settings say them; a role also has the policies of
every role that it inherits from. Left out are roles for which policies do not hold: superusers, those with
BYPASSRLS, the table's owner (unless row security is forced), and roles that have no more policies than
everybody has. One finding a table and set of policies, with the actions and roles.

What does not: restrictive policies, in whatever number; policies of different roles or actions; a table with
row-level security off, where no policy is evaluated (MP301 says so).

### Why

Permissive policies are joined by OR. The server evaluates one after the other until one is true, for each row
that is looked at; and people who read only one of them do not see what the others let through.

### How to fix it

Make one policy of them. Where all are for the same command and the same roles, the SQL does that; where one
is `FOR ALL` and another for one action, write one policy an action by hand.

### Compared with splinter (0006)

- splinter lists every role of the server for a policy `TO PUBLIC`, one finding a role and action; here that
  is one finding, for everybody.
- splinter looks at policies of tables whose row-level security is off; they are not evaluated.
- splinter does not see that a role inherits from another that a policy names; here both policies count.
- splinter leaves partitioned tables out, and the schemas of Supabase's platform; here a selection does
  that.
- splinter counts policies for a table's owner, who is above them.
"""

from collections import defaultdict
from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Need, Rule
from migplan.catalog.model import Policy, Table
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP206", "several permissive policies", Level.WARNING, (Need.VITALS,))

_ACTIONS = ("SELECT", "INSERT", "UPDATE", "DELETE")
_EVERYBODY = "PUBLIC"


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table and set of policies."""
    for table in context.catalog.tables:
        if not table.row_security or len(table.policies) < 2:
            continue
        for policies, held in _groups(context, table).items():
            names = ", ".join(quoted(policy.name) for policy in policies)
            yield RULE.finding(
                f"{table.name} ({names})",
                f"each of them is evaluated for {_said(held)}",
                _fix(table, policies),
                table=table.name,
            )


def _groups(context: Context, table: Table) -> dict[tuple[Policy, ...], dict[str, list[str]]]:
    """Sets of policies that hold together, each with its roles and their actions."""
    named = {role for policy in table.policies for role in policy.roles}
    roles = sorted({*named, *context.api_roles} - {_EVERYBODY})
    groups: dict[tuple[Policy, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for action in _ACTIONS:
        permissive = [p for p in table.policies if p.permissive and p.command in {"ALL", action}]
        everybody = tuple(p for p in permissive if _EVERYBODY in p.roles)
        if len(everybody) > 1:
            groups[everybody][_EVERYBODY].append(action)
        for role in roles:
            held = tuple(policy for policy in permissive if context.holds_for(policy, role))
            if len(held) > 1 and held != everybody and not context.is_above_policies(role, table):
                groups[held][role].append(action)
    return groups


def _said(held: dict[str, list[str]]) -> str:
    by_actions: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for role, actions in held.items():
        by_actions[tuple(actions)].append("everybody" if role == _EVERYBODY else quoted(role))
    return "; ".join(f"{', '.join(actions)} by {', '.join(roles)}" for actions, roles in by_actions.items())


def _fix(table: Table, policies: tuple[Policy, ...]) -> str:
    """One policy instead of several: only where their commands and roles are the same."""
    first, *others = policies
    if any((each.command, each.roles) != (first.command, first.roles) for each in others):
        return ""
    using = [policy.using for policy in policies]
    checks = [policy.check or policy.using for policy in policies]
    needed = checks if first.command == "INSERT" else using
    if None in needed or None in checks:
        return ""
    text = f"ALTER POLICY {quoted(first.name)} ON {table.name}"
    if first.command != "INSERT":
        text += f" USING ({' OR '.join(f'({each})' for each in using)})"
    if any(policy.check for policy in policies):
        text += f" WITH CHECK ({' OR '.join(f'({each})' for each in checks)})"
    drops = (f"DROP POLICY {quoted(policy.name)} ON {table.name};" for policy in others)
    return "\n".join([f"{text};", *drops])
