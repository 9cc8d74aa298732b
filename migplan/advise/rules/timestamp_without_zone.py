"""MP402: a timestamp without time zone does not say which moment it means.

### What fires

A column of type `timestamp without time zone`, of whatever precision, or of a domain over it.

What does not: `timestamp with time zone`; `date`, `time`; arrays; columns of views and foreign tables. Once
for a partitioned table, not again for its partitions.

### Why

The server stores what the clock on some wall showed, not where the wall was. `now()` is cut to the session's
time zone when it is stored, so two clients with different settings store the same moment as two; hours are
lost or said twice when clocks change; and a move to a server with another `timezone` shifts what `now()`
writes from then on.

### How to fix it

`timestamp with time zone` takes the same eight bytes. The SQL takes what is there for UTC: **put the zone
that the application writes** in its place. It writes the table anew under a lock. A column that is meant to
be local time (an opening hour, a date of birth with a time) is right as it is: ignore the finding with that
reason.
"""

from collections.abc import Iterator

from migplan.advise.context import Context, retype
from migplan.advise.finding import Finding, Rule, Subject
from migplan.level import Level

RULE = Rule("MP402", "timestamp without time zone", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each column."""
    for table, column in context.stored_columns:
        type_ = context.base_type(column.type)
        if not (type_.startswith("timestamp") and type_.endswith(" without time zone")):
            continue
        zoned = type_.replace("without", "with")
        fix = retype(table, column, zoned, " AT TIME ZONE 'UTC'") if column.type == type_ else ""
        yield RULE.finding(
            Subject.column(table.name, column.name),
            "it does not say which moment it means; the SQL takes it for UTC",
            fix,
        )
