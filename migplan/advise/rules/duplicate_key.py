"""MP107: two foreign keys that say the same are both checked, for every row.

### What fires

A foreign key of a table for which another key of the same table refers from the same columns to the same
columns, in whatever order they are listed. A key of a partition counts as another one beside those that its
parent declares.

What does not: keys that share some columns only; keys from the same columns to different tables, or to
different columns of the same table.

### Why

Each insert and update looks the referenced row up twice, each delete above looks for referring rows twice,
and a load validates both. Where they differ in what happens ON DELETE, one of them decides and the reader of
the other is wrong.

### How to fix it

Drop one: the SQL keeps the one that is enforced and validated, then the parent's, then the one whose name
comes first. Where the two do not agree on actions, MATCH or deferral, people have to say which is meant, and
there is no SQL.
"""

from collections import defaultdict
from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.catalog.model import ForeignKey
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP107", "foreign key said twice", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each key that is one too many."""
    for table in context.catalog.tables:
        alike: dict[object, list[ForeignKey]] = defaultdict(list)
        for each in (table, *context.partitioned(table)) if table.foreign_keys else ():
            for key in each.foreign_keys:
                pairs = frozenset(zip(key.columns, key.referenced_columns, strict=True))
                alike[key.referenced, pairs, key.period].append(key)
        for keys in alike.values():
            kept, *others = sorted(
                keys, key=lambda key: (not key.enforced, not key.validated, key.table == table.name, key.name)
            )
            yield from (_finding(other, kept) for other in others if other.table == table.name)


def _finding(key: ForeignKey, kept: ForeignKey) -> Finding:
    why = f"{quoted(kept.name)} says the same"
    if kept.table != key.table:
        why = f"{kept.table}, of which it is a partition, says the same by {quoted(kept.name)}"
    fix = f"ALTER TABLE {key.table} DROP CONSTRAINT {quoted(key.name)};"
    if _behaviour(key) != _behaviour(kept):
        why, fix = f"{why}, but for what happens on changes: {_told(key)} here, {_told(kept)} there", ""
    return RULE.finding(key, why, fix)


def _behaviour(key: ForeignKey) -> tuple[object, ...]:
    # With one column there is nothing that MATCH could differ in.
    match = key.match if len(key.columns) > 1 else ""
    return (
        key.on_delete,
        key.on_delete_columns,
        key.on_update,
        match,
        key.deferrable,
        key.initially_deferred,
    )


def _told(key: ForeignKey) -> str:
    deferral = " INITIALLY DEFERRED" if key.initially_deferred else " DEFERRABLE" if key.deferrable else ""
    match = " MATCH FULL" if key.match == "FULL" else ""
    only = f" ({quoted_list(key.on_delete_columns)})" if key.on_delete_columns else ""
    return f"ON DELETE {key.on_delete}{only} ON UPDATE {key.on_update}{match}{deferral}"
