"""MP106: without an index on the referring side, each delete above reads the whole table below.

### What fires

A foreign key whose table has no index that serves it. An index serves a key when

- it is valid;
- its leading parts are the key's columns, all of them and nothing between, **in any order**: the server looks
  for rows that are equal in all of them, so `(b, a)` is as good as `(a, b)`. Expressions are no columns. Of a
  PERIOD key, the columns before the last one count;
- it is a B-tree or a GiST index; or a hash or SP-GiST index of that one column. GIN and BRIN lead to more
  rows than those that are meant, and other methods do not look for what is equal;
- it is not partial, or its predicate asks for no more than that columns of the key are NOT NULL: rows that
  refer to something always fulfil that;
- it has the collation of the columns. Another operator class, such as `text_pattern_ops`, finds what is
  equal, too.

On a partitioned table, an index on the parent serves, or one on every partition. Keys that partitions inherit
are the parent's.

What does not: a key that is NOT ENFORCED, for which nothing is ever looked up.

### Why

Each delete from the referenced table, and each update of its key, looks for rows that refer to it. Without an
index it reads the referring table from beginning to end, for each deleted row, with a lock held. Joins along
the key, and policies that follow it, do the same. For a table that stays small, or above which nothing is
ever deleted, that is nothing: hence a note.

### How to fix it

`CREATE INDEX CONCURRENTLY` lets others write meanwhile, and cannot be in a transaction. A partitioned table
does not know it: there the SQL locks out writers while it runs. For a large one, create the index `ON ONLY`
the parent, concurrently on each partition, and attach those.

### Compared with splinter (0001)

- splinter compares the columns in the key's own order; here any order of the leading columns serves.
- splinter wants an index on the last column of a PERIOD key as well; here those before it are enough.
- splinter counts a partial index whatever it leaves out, an index of any method (BRIN, GIN), and one of
  another collation, which the check cannot use; here these hide nothing.
- splinter reports a key that partitions inherit once more for each partition; here it is one finding.
- splinter reports a partitioned table whose partitions each have an index of their own; here they serve.
- splinter reports keys that are not enforced.
- splinter leaves out the schemas of Supabase's platform (`auth`, `storage` and others); here a selection does
  that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.advise.index_shape import equal_columns, serves
from migplan.catalog.model import ForeignKey, Table, TableKind
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP106", "foreign key without an index", Level.NOTE)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each key."""
    for table in context.catalog.tables:
        for key in table.foreign_keys:
            if key.enforced and not is_covered(key, table, context.leaves(table)):
                columns = quoted_list(equal_columns(key))
                concurrently = "" if table.kind is TableKind.PARTITIONED else "CONCURRENTLY "
                yield RULE.finding(
                    f"{table.name} ({quoted_list(key.columns)})",
                    f"{quoted(key.name)}: each delete from {key.referenced} reads all of it",
                    f"CREATE INDEX {concurrently}ON {table.name} ({columns});",
                    table=table.name,
                )


def is_covered(key: ForeignKey, table: Table, parts: tuple[Table, ...] = ()) -> bool:
    """Whether an index of the table, or of each partition, finds the rows that refer to a given one."""
    if any(serves(index, key) for index in table.indexes):
        return True
    return bool(parts) and all(any(serves(index, key) for index in part.indexes) for part in parts)
