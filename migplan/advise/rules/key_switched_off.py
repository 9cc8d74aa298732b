"""MP112: a key whose triggers are disabled is there, says that it is valid, and checks nothing.

### What fires

A foreign key of which a trigger behind it does not fire in ordinary sessions, on either side: after
`ALTER TABLE ... DISABLE TRIGGER ALL` (on the table, or on one partition), or when such a trigger was enabled
for replicas only. The finding names each table on which the key is off.

What does not: triggers that people made (`DISABLE TRIGGER USER` leaves keys alone), keys whose triggers
always fire, `session_replication_role`, which ends with its session, and deferrable unique keys.

### Why

PostgreSQL checks foreign keys by triggers of its own. Whoever loads rows quickly disables all triggers of a
table, and when they are not enabled again the key goes on to be listed as valid, while rows that refer to
nothing come in, and rows that others refer to go. A move brings the key in force: such rows then do not
load. Only a superuser can have switched it off.

Near misses: a key that is `NOT VALID` or `NOT ENFORCED` says so itself; that is MP102.

### How to fix it

`ENABLE TRIGGER ALL`, after which triggers that were off for their own sake are put back as they were. It does
not look at the rows that are there: `migplan analyze --check-orphans` does.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.catalog.model import Table
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP112", "foreign key switched off", Level.ERROR)

_STATES = {"disabled": "DISABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def find(context: Context) -> Iterator[Finding]:
    """A finding for each key of which a trigger does not fire."""
    tables = {str(name): table for name, table in context.catalog.by_name.items()}
    for key in context.catalog.foreign_keys:
        off = key.switched_off_on
        if off:
            yield RULE.finding(
                key,
                f"the triggers behind it do not fire on {', '.join(off)}: rows may refer to nothing",
                "\n".join(statement for name in off for statement in _enabled(name, tables.get(name))),
            )


def _enabled(name: str, table: Table | None) -> Iterator[str]:
    """All triggers of a table in force, but those of people as they are now."""
    yield f"ALTER TABLE {name} ENABLE TRIGGER ALL;"
    for trigger in table.triggers if table else ():
        if trigger.enabled in _STATES:
            yield f"ALTER TABLE {name} {_STATES[trigger.enabled]} TRIGGER {quoted(trigger.name)};"
