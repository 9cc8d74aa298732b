"""MP103: a key of another type than what it refers to compares slowly, or not with an index."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level, Rule
from migplan.advise.seen import Seen
from migplan.names import quoted

RULE = Rule("MP103", "foreign key of another type than what it refers to", Level.NOTE)


def find(seen: Seen) -> Iterator[Finding]:
    """A finding a pair of columns."""
    for key in seen.catalog.foreign_keys:
        referenced = seen.catalog.by_name.get(key.referenced)
        if referenced is None:
            continue
        table = seen.catalog.by_name[key.table]
        for own, other in zip(key.columns, key.referenced_columns, strict=True):
            here, there = table.column(own).type, referenced.column(other).type
            if here != there:
                yield RULE.finding(
                    f"{key.table}.{quoted(own)}",
                    f"is {here}, and refers to {key.referenced}.{quoted(other)}, which is {there}",
                    f"ALTER TABLE {key.table} ALTER COLUMN {quoted(own)} TYPE {there};",
                )
