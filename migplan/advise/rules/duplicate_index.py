"""MP201: of two equal indexes, one does nothing but cost.

### What fires

An index of a table or a materialised view that is equal to another one of the same table: the same method,
the same key parts in the same order, each with the same operator class, collation and direction, the same
included columns and predicate, the same uniqueness (with what it makes of NULLs, and whether it can be
deferred). Names, storage options and the order of included columns do not matter.

What does not: invalid indexes (MP105); an index that belongs to an exclusion constraint, which may be the one
that is kept, but is never one too many; the parts of partitioned indexes, which go with their parent.

### Why

Both are written by every insert and by most updates, both are kept in memory and in backups, and the planner
uses one of them.

### How to fix it

Drop all but one. Kept is the primary key's, then the one that foreign keys lean on, that of a constraint, of
a partitioned index, the one by which replication knows rows, and then the first by name. Where a foreign key
leans on the other one as well, it would go with it: there is no SQL then.

### Compared with splinter (0009)

- splinter compares definitions as they are printed, so that other storage options, or another order of
  included columns, make two indexes different; not here.
- splinter takes an index's name out of its definition wherever it occurs there, which can make equal ones
  different, or different ones equal.
- splinter counts invalid indexes, counts a deferrable key's index as equal to one that is not, and counts two
  exclusion constraints as equal whatever their operators are.
- splinter leaves partitioned tables out; it compares their partitions one by one.
- splinter has one finding a group of equal indexes; here it is one for each that is too many, with its SQL.
- splinter leaves out the schemas of Supabase's platform (`auth`, `storage` and others); here a selection does
  that.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule, Subject
from migplan.advise.index_shape import Shape, drop, is_constraint, shape
from migplan.catalog.model import Index, Table
from migplan.level import Level
from migplan.names import QualifiedName, quoted

RULE = Rule("MP201", "duplicate index", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each index that is one too many."""
    leaning = leaned_on(context)
    for table in context.catalog.tables:
        yield from _among(table, leaning.get(table.name, frozenset()))
    for view in context.catalog.views:
        stand_in = Table(view.name, indexes=view.indexes)
        yield from _among(stand_in, frozenset())


def leaned_on(context: Context) -> Mapping[QualifiedName, frozenset[str]]:
    """Of each table, the indexes on which foreign keys lean."""
    found: dict[QualifiedName, set[str]] = defaultdict(set)
    for key in context.catalog.foreign_keys:
        found[key.referenced].add(key.referenced_key)
    return {table: frozenset(names) for table, names in found.items()}


def _among(table: Table, leaning: frozenset[str]) -> Iterator[Finding]:
    alike: dict[Shape, list[Index]] = defaultdict(list)
    keys = table.keys
    # Most indexes are alone with their columns: then nobody needs to know their shape.
    beginnings = Counter((index.method, index.columns) for index in table.indexes)
    for index in table.indexes:
        if index.valid and beginnings[index.method, index.columns] > 1:
            alike[shape(index, keys)].append(index)
    for indexes in alike.values():
        if len(indexes) > 1:
            yield from _findings(table, indexes, leaning)


def _findings(table: Table, indexes: Sequence[Index], leaning: frozenset[str]) -> Iterator[Finding]:
    primary = table.primary_key.name if table.primary_key else None
    excluding = {exclusion.name for exclusion in table.exclusions}
    kept, *others = sorted(
        indexes,
        key=lambda index: (
            index.constraint is None or index.constraint != primary,
            index.name not in leaning,
            index.constraint is None,
            not index.inherited,
            not is_constraint(index, table),
            index.name,
        ),
    )
    for index in others:
        if index.inherited or index.constraint in excluding:
            continue
        yield RULE.finding(
            Subject.index(table.name, index.name),
            f"{quoted(kept.name)} is the same",
            "" if index.name in leaning else _dropped(table, index),
        )


def _dropped(table: Table, index: Index) -> str:
    if index.constraint is not None:
        return f"ALTER TABLE {table.name} DROP CONSTRAINT {quoted(index.constraint)};"
    return drop(table.name, index, table.kind)
