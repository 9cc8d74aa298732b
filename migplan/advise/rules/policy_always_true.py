"""MP304: a policy that lets everybody change every row.

### What fires

A permissive policy for INSERT, UPDATE, DELETE or ALL, on a table with row-level security on, that is for
everybody (PUBLIC) or for a role of the API, and in which

- `USING` is always true (UPDATE, DELETE, ALL), or
- `WITH CHECK` is always true, or is not there and `USING`, which then stands in for it, is (INSERT, UPDATE,
  ALL).

Always true is what constants alone make true: `true`, `1 = 1`, `true OR x`, `NOT false`, `(SELECT true)`.

What does not: `FOR SELECT USING (true)`, which is how rows are made public deliberately; a restrictive
policy; a policy beside which stands a restrictive one for the same action and roles that is not always
true; a policy for roles that are none of the API's; a policy without the expression that its command needs
(`USING` of UPDATE and DELETE, `WITH CHECK` of INSERT), which lets nothing through: the server reads it as
false. A policy `TO` named roles cannot be judged where nobody set `api_roles`: that is said.

### Why

Row-level security is on, looks as if somebody had thought about it, and holds nobody back.

### How to fix it

Say whose rows they are. No SQL is offered: the catalog does not know. Where it is meant, as in a form that
everybody may send, put the reason into the ignore list.

### Compared with splinter (0024)

- splinter takes a policy without an expression for always true; the server lets nothing through by it, so it
  does not fire here.
- splinter knows `true` and `1=1`; other constants fire only here.
- splinter does not look at restrictive policies beside it.
- splinter does not see roles that inherit from a role that the policy names, and leaves partitioned tables
  out.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.expressions import always_true, judge_policies
from migplan.advise.finding import Blind, Finding, Rule, Subject
from migplan.catalog.model import Policy, Table
from migplan.level import Level
from migplan.names import quoted_list

RULE = Rule("MP304", "policy always true", Level.WARNING)

_CHANGES = ("INSERT", "UPDATE", "DELETE", "ALL")


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each policy."""

    def judge(table: Table, policy: Policy) -> Iterator[Finding | Blind]:
        if not (table.row_security and policy.permissive and policy.command in _CHANGES):
            return
        lets = _lets(policy)
        if not lets or _is_restricted(table, policy):
            return
        name, who = Subject.policy(table, policy), _who(context, policy)
        if who is None:
            yield RULE.blind(
                name, f"always true for {', '.join(policy.roles)}, and nobody said which roles an API takes"
            )
        elif who:
            clause, action = lets
            yield RULE.finding(name, f"{clause} is always true: {who} may {action}")

    return judge_policies(RULE, context, judge)


def _lets(policy: Policy) -> tuple[str, str] | None:
    """The clause that is always true, and what it lets people do."""
    if always_true(policy.using):
        return "USING", "change any row" if policy.command == "ALL" else f"{policy.command} any row"
    if not always_true(policy.check):
        return None
    if policy.command == "UPDATE":
        # Without USING no row can be seen to be updated, whatever may become of it.
        return ("WITH CHECK", "UPDATE what they see into anything") if policy.using else None
    return "WITH CHECK", "INSERT any row"


def _is_restricted(table: Table, policy: Policy) -> bool:
    """Whether a restrictive policy stands beside it, for the same action and at least the same roles."""
    return any(
        not other.permissive
        and other.command in {"ALL", policy.command}
        and ("PUBLIC" in other.roles or set(policy.roles) <= set(other.roles))
        and not (always_true(other.using) or always_true(other.check))
        for other in table.policies
    )


def _who(context: Context, policy: Policy) -> str | None:
    """Those of the API, or everybody, that it is for; None where nobody knows."""
    if "PUBLIC" in policy.roles:
        return "everybody"
    if context.catalog.vitals is None or not context.settings.api_roles:
        return None
    roles = (r for r in context.api_roles if context.holds_for(policy, r) and not context.bypasses(r))
    return quoted_list(roles)
