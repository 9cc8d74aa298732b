"""MP202: an index that is the beginning of another one does nothing that the other could not.

### What fires

A B-tree that is not unique, when another valid B-tree of the same table begins with all of its key parts, in
the same order and each with the same operator class, collation and direction. The other one is longer, or has
the same parts and is unique; both are whole, or have the very same predicate; and it holds, as key or
included, what the first one includes.

What does not: unique indexes and those of constraints, which forbid something; the one by which replication
knows rows; a partial index beside a whole one, which is smaller on purpose; equal indexes (MP201); invalid
indexes; the parts of partitioned indexes, which go with their parent; another direction, although a B-tree of
one column can be read backwards.

### Why

Every insert and most updates write both. A search for the leading columns finds what it wants in the longer
one. The shorter one is smaller, and so faster by a little where it is used very often: hence a note.

### How to fix it

Drop it, while others write. Where it is used very often and the other one is much wider, measure first.
"""

from collections import Counter
from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule, Subject
from migplan.advise.index_shape import Shape, drop, is_constraint, shape
from migplan.catalog.model import Index, Table
from migplan.level import Level
from migplan.names import quoted

RULE = Rule("MP202", "redundant index", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each index that another one stands in for."""
    for table in context.catalog.tables:
        yield from _among(table)
    for view in context.catalog.views:
        yield from _among(Table(view.name, indexes=view.indexes))


def _among(table: Table) -> Iterator[Finding]:
    trees = [index for index in table.indexes if index.method == "btree" and index.valid]
    beginnings = Counter(index.columns[0] for index in trees)
    shapes = [(index, shape(index)) for index in trees if beginnings[index.columns[0]] > 1]
    for index, short in shapes:
        if index.unique or index.inherited or is_constraint(index, table):
            continue
        other = next((other for other, long in shapes if _stands_in(long, short)), None)
        if other is not None:
            yield _finding(table, index, other)


def _stands_in(long: Shape, short: Shape) -> bool:
    longer = len(long.parts) > len(short.parts) or (long.unique and len(long.parts) == len(short.parts))
    return (
        longer
        and long.parts[: len(short.parts)] == short.parts
        and long.predicate == short.predicate
        and {*long.included, *(part.of for part in long.parts)}.issuperset(short.included)
    )


def _finding(table: Table, index: Index, other: Index) -> Finding:
    return RULE.finding(
        Subject.index(table.name, index.name),
        f"{quoted(other.name)} begins with all that it has",
        drop(table.name, index, table.kind),
    )
