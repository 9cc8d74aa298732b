"""MP207: a call that gives one value all through a statement, but is made for every row.

### What fires

A policy of a table with row-level security on, whose `USING` or `WITH CHECK` calls one of these outside of a
sub-select of its own:

- a function of the schema `auth`, such as `auth.uid()` or `auth.jwt()`;
- `current_setting(...)`;
- a function of the database's own that is `STABLE`, in all of its variants, and does not return a set;

with arguments that name no column, so that nothing about the call depends on the row. A call in a subquery
that reads tables fires as well: `EXISTS (SELECT ... WHERE m.user_id = auth.uid())` makes it for each row of
`m`.

What does not: `(SELECT auth.uid())`, also with more around it in the same sub-select, as long as that reads
no table and names no column; a call that has a column among its arguments; text that only looks like a
call; the cheap `CURRENT_USER`, `SESSION_USER` and `now()`; functions that are `VOLATILE` (another value
each time may be what is wanted) or `IMMUTABLE` (the planner computes them once) and not in the schema
`auth`.

### Why

The planner does not take such calls out of the loop by itself. In a sub-select of its own the call becomes
an InitPlan: it is made once a statement, and an index on the compared column serves as before. Counting
100,000 rows behind a policy with `auth.uid()` takes twenty times as long as with `(SELECT auth.uid())`.

### How to fix it

Write `(SELECT auth.uid())` for `auth.uid()`. The SQL does that with `ALTER POLICY`, and leaves the rest of
the expression as the server prints it.

### Compared with splinter (0003)

- splinter looks for the text of four functions of `auth` and of `current_setting`; here the expression is
  parsed. A string that holds `auth.uid()` does not fire here. A policy that has one call wrapped and
  another one not fires here and not there, since one `select auth.uid()` in it satisfies splinter.
- splinter takes `(select coalesce(auth.uid(), ...))` for unwrapped; it is evaluated once.
- Functions of `auth` besides `uid`, `jwt`, `role` and `email`, and `STABLE` functions of the database's
  own, fire only here.
- `current_setting(...)` with a column among its arguments fires only there.
- splinter leaves the schemas of Supabase's platform out; here a selection does that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.expressions import Wanted, judge_policies, per_row, tree, wrapped
from migplan.advise.finding import Blind, Finding, Rule, Subject
from migplan.catalog.model import Policy, Table
from migplan.level import Level
from migplan.names import quoted
from migplan.sql.tree import words

RULE = Rule("MP207", "call made for every row", Level.WARNING)


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each policy."""

    def wanted(name: tuple[str, ...]) -> bool:
        bare = name[-2:] if name[0] != "pg_catalog" else name[1:]
        return (
            (bare[0] == "auth" and len(bare) == 2)
            or bare == ("current_setting",)
            or (len(bare) == 2 and (bare[0], bare[1]) in context.stable_functions)
        )

    def judge(table: Table, policy: Policy) -> Iterator[Finding]:
        if table.row_security and (called := _called(policy, wanted)):
            yield RULE.finding(
                Subject.policy(table, policy),
                f"{' and '.join(called)} {'are' if len(called) > 1 else 'is'} called for each row, "
                "though the rows have no part in it",
                _fix(table, policy, wanted),
            )

    return judge_policies(RULE, context, judge)


def _called(policy: Policy, wanted: Wanted) -> list[str]:
    expressions = [each for each in (policy.using, policy.check) if each]
    found = (call for each in expressions for call in per_row(tree(each), wanted))
    return sorted({f"{'.'.join(map(quoted, words(call.funcname)))}()" for call in found})


def _fix(table: Table, policy: Policy, wanted: Wanted) -> str:
    text = f"ALTER POLICY {quoted(policy.name)} ON {table.name}"
    for clause, expression in (("USING", policy.using), ("WITH CHECK", policy.check)):
        if expression:
            better = wrapped(expression, wanted)
            if better is None:
                return ""
            text += f" {clause} ({better})" if better != expression else ""
    return f"{text};"
