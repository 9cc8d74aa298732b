"""MP103: a key of another type than what it refers to compares slowly, or not with an index.

### What fires

A column of a foreign key whose type is not the type of the column that it refers to, as the server prints
them: `integer` beside `bigint`, `character varying(20)` beside `text`, `numeric` beside `integer`.

What does not: a domain over the very type on the other side, which is stored and compared as that type.

### Why

The server checks such a key by an operator between two types. Between integers it has one, and the narrower
side is the one that overflows first; between other types it casts, and an index on the side that is cast is
not used. Lengths that differ let one side hold what the other cannot.

### How to fix it

Give both the same type; of two integers the narrower gives way. Changing a type may write the table anew,
under a lock that keeps everybody out, and does not go where a view reads the column.
"""

from collections.abc import Iterator

from migplan.advise.context import INTEGERS, Context, can_be_altered
from migplan.advise.finding import Finding, Rule, Subject
from migplan.catalog.model import Table
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP103", "foreign key of another type than what it refers to", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each pair of columns."""
    for key in context.catalog.foreign_keys:
        referenced = context.catalog.by_name.get(key.referenced)
        if referenced is None:
            continue
        table = context.catalog.by_name[key.table]
        for own, other in zip(key.columns, key.referenced_columns, strict=True):
            here, there = table.column(own).type, referenced.column(other).type
            if context.base_type(here) != context.base_type(there):
                widened = INTEGERS.get(here, 0) > INTEGERS.get(there, 2**64)
                fix = _altered(referenced, other, here) if widened else _altered(table, own, there)
                yield RULE.finding(
                    Subject.column(key.table, own),
                    f"is {here}, and refers to {key.referenced}.{quoted(other)}, which is {there}",
                    fix,
                )


def _altered(table: Table, column: str, type_: str) -> str:
    if not can_be_altered(table, column):
        return ""
    return f"ALTER TABLE {table.name} ALTER COLUMN {quoted(column)} TYPE {type_};"
