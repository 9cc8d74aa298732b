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

from __future__ import annotations

from collections.abc import Iterator

from migplan.advise.context import Seen
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP102", "foreign key not validated", Level.WARNING)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a key that is NOT VALID or NOT ENFORCED."""
    for key in seen.catalog.foreign_keys:
        what = f"{key.table}.{quoted(key.name)}"
        if not key.enforced:
            yield RULE.finding(what, "NOT ENFORCED: the server never checks it", table=key.table)
        elif not key.validated:
            yield RULE.finding(
                what,
                "NOT VALID: rows from before it was made may refer to nothing",
                f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};",
                table=key.table,
            )
