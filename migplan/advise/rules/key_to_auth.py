"""MP315: a foreign key that leans on a unique constraint of the platform's accounts.

### What fires

A foreign key to a table of the schema `auth` that refers to a unique index other than its primary key.

What does not: keys to the primary key of such a table, as to `auth.users (id)`; keys between tables of
`auth`; unique constraints of other schemas.

### Why

The tables of `auth` belong to the platform, which keeps their primary keys and changes the rest: an update
that drops or replaces the unique constraint fails at the key, or would have to take it along.

### How to fix it

Refer to the primary key. The SQL drops the key; the column that refers to the other one has to be filled
first.

### Compared with splinter (0021)

- splinter fires for keys between tables of `auth`, too, which are the platform's own affair.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP315", "foreign key to another key of auth than the primary one", Level.WARNING)

_PLATFORM = "auth"


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each key."""
    for key in context.catalog.foreign_keys:
        referenced = context.catalog.by_name.get(key.referenced)
        if key.referenced.schema != _PLATFORM or key.table.schema == _PLATFORM or referenced is None:
            continue
        if referenced.primary_key is None or key.referenced_key != referenced.primary_key.name:
            yield RULE.finding(
                key,
                f"it leans on {quoted(key.referenced_key)}, which the platform may change",
                f"ALTER TABLE {key.table} DROP CONSTRAINT {quoted(key.name)};",
            )
