"""MP104: without a primary key rows cannot be told apart: not to compare them, not to replicate them.

### What fires

An ordinary or partitioned table without a primary key.

What does not: foreign tables, which have none anywhere; partitions, for which their parent speaks.

### Why

A row without a key cannot be changed or deleted by itself, logical replication refuses to, ORMs and APIs do
not see the table, and a comparison of two databases can say that rows differ but not which. A unique key
tells rows apart as long as its columns are not NULL; without NOT NULL, as many rows as you like have none.

### How to fix it

Where a unique key or a whole unique index has only columns that are NOT NULL, it can become the primary key.
The SQL builds an index beside it while others write, and takes that one: the lock is held for a moment only.
The key that was there is then one too many, and MP201 says so; drop it where no foreign key leans on it. A
unique index that belongs to no constraint is taken as it is. Partitioned tables cannot take an index: there
the key is built under a lock. Where no column tells rows apart, add one: `ADD COLUMN id bigint GENERATED
ALWAYS AS IDENTITY PRIMARY KEY` writes the table anew, and so is no SQL to be run unread.

### Compared with splinter (0004)

- splinter looks at partitions and not at their parents; here it is the other way round: one finding for the
  whole.
- splinter leaves out the schemas of Supabase's platform (`auth`, `storage` and others); here a selection does
  that.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.advise.index_shape import shape
from migplan.catalog.model import Index, Key, Table, TableKind
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP104", "table without primary key", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each table."""
    for table in context.catalog.tables:
        if table.primary_key or table.kind is TableKind.FOREIGN or table.partition_of:
            continue
        why, fix = "its rows cannot be told apart", ""
        if table.unique_keys:
            why = f"only the unique key {quoted(table.unique_keys[0].name)}, and a column of it may be NULL"
        if index := next((index for index in table.indexes if _can_be_taken(index, table)), None):
            why = f"only the unique index {quoted(index.name)}"
            fix = _key_of_index(table, index)
        if key := next((key for key in table.unique_keys if _tells_apart(key, table)), None):
            why = f"only the unique key {quoted(key.name)}"
            fix = _key_beside(table, key)
        yield RULE.finding(table, why, fix)


def _tells_apart(key: Key, table: Table) -> bool:
    return not key.without_overlaps and all(table.column(column).not_null for column in key.columns)


def _can_be_taken(index: Index, table: Table) -> bool:
    """Whether the server takes it for a primary key: whole, of columns only, in their usual order."""
    columns = {column.name for column in table.columns if column.not_null}
    usual = all(
        not (part.operators or part.collation or part.order) for part in shape(index, table.unique_keys).parts
    )
    return (
        index.unique
        and index.valid
        and index.constraint is None
        and index.method == "btree"
        and not index.is_partial
        and columns.issuperset(index.columns)
        and usual
    )


def _key_of_index(table: Table, index: Index) -> str:
    if table.kind is TableKind.PARTITIONED:
        return _key_built(table, index.columns)
    name = quoted(index.name)
    return f"ALTER TABLE {table.name} ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name};"


def _key_beside(table: Table, key: Key) -> str:
    if table.kind is TableKind.PARTITIONED:
        return _key_built(table, key.columns)
    # A name has 63 bytes at the most.
    name = quoted(f"{table.name.name.encode()[:58].decode(errors='ignore')}_pkey")
    return (
        f"CREATE UNIQUE INDEX CONCURRENTLY {name} ON {table.name} ({quoted_list(key.columns)});\n"
        f"ALTER TABLE {table.name} ADD CONSTRAINT {name} PRIMARY KEY USING INDEX {name};"
    )


def _key_built(table: Table, columns: tuple[str, ...]) -> str:
    return f"ALTER TABLE {table.name} ADD PRIMARY KEY ({quoted_list(columns)});"
