"""MP306: a function that runs with its owner's rights, and that an API lets people call.

### What fires

A function or procedure with SECURITY DEFINER in an exposed schema, that a role of the API may EXECUTE, with
USAGE on the schema. Everybody may execute a new function, unless somebody took that away.

What does not: trigger functions, which cannot be called by themselves; a function for the role that owns
it; functions whose EXECUTE was revoked from PUBLIC and not granted to the API's roles. The rule does not
run, and says so, where nobody set `exposed_schemas` and `api_roles`.

### Why

Whoever calls it does what its owner may do, past row-level security. That may be the very point of it; then
it must check who calls, and what with.

### How to fix it

Take EXECUTE away (from PUBLIC as well, where that is where the API's roles have it from: grant it again to
those who need it), make it SECURITY INVOKER, or move it to a schema that is not exposed.

### Compared with splinter (0028, 0029)

- splinter has a finding for `anon` and one for `authenticated`; here it is one finding that names the roles.
- splinter fires for trigger functions, which no API can call.
- splinter does not ask for USAGE on the schema, and fires for functions that extensions brought.
- Roles and schemas are settings here.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Need, Rule, Subject
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP306", "exposed function with its owner's rights", Level.WARNING, (Need.SCHEMAS, Need.ROLES))

_NOT_CALLED = ("trigger", "event_trigger")


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each function."""
    for function in context.catalog.functions:
        if not function.security_definer or function.returns in _NOT_CALLED:
            continue
        roles = [role for role in context.reached_by(function, "EXECUTE") if role != function.owner]
        if roles:
            yield RULE.finding(
                Subject.routine(function),
                f"{quoted_list(roles)} may call it, and it runs with the rights of {quoted(function.owner)}",
                context.revoke(function, roles, "EXECUTE"),
            )
