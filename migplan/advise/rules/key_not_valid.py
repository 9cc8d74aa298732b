"""MP102: a key that was never checked promises nothing about the rows that are there.

### What fires

A foreign key that is `NOT VALID`, or `NOT ENFORCED` (PostgreSQL 18).

What does not: checks and NOT NULL constraints that are not validated; deferrable keys, which are checked,
only later.

### Why

`NOT VALID` keys are checked for rows that are written, not for those from before. Such rows may refer to
nothing: they fail when they are loaded elsewhere with the key in place, joins lose them, and the planner
cannot rely on the key. `NOT ENFORCED` keys are never checked at all.

### How to fix it

`VALIDATE CONSTRAINT` reads the table once and keeps nobody from writing. It fails at the first row that
refers to nothing; `migplan analyze --check-orphans` finds all of them before. A key that is not enforced is
so on purpose: there is no SQL for it.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP102", "foreign key not validated", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each key that is NOT VALID or NOT ENFORCED."""
    for key in context.catalog.foreign_keys:
        if not key.enforced:
            yield RULE.finding(key, "NOT ENFORCED: the server never checks it")
        elif not key.validated:
            yield RULE.finding(
                key,
                "NOT VALID: rows from before it was made may refer to nothing",
                f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};",
            )
