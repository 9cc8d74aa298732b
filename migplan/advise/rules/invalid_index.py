"""MP105: an index whose building failed costs every write and serves no read.

### What fires

An index of a table or a materialised view that the server has marked invalid: `CREATE INDEX CONCURRENTLY` or
`REINDEX CONCURRENTLY` was interrupted, or found rows that a unique index forbids. Also the index of a
partitioned table of which not every partition has its part.

What does not: an index that is being built by another session looks the same; wait for it.

### Why

No query uses it, and the server still writes to it. A unique one that is invalid has found duplicates, or has
not looked at all rows. A foreign key that leans on such an index for speed (MP106) has none.

### How to fix it

What `REINDEX` left behind (`_ccnew`, `_ccold` at the end of its name) is dropped; others are built again,
which fails again while a unique index finds the same rows twice. On a partitioned table: create the index on
the partitions that lack it, and attach it; which ones these are changes from table to table, so there is no
SQL.
"""

import re
from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule, Subject
from migplan.advise.index_shape import drop
from migplan.catalog.model import Index, TableKind
from migplan.level import Level
from migplan.names import QualifiedName

RULE = Rule("MP105", "invalid index", Level.WARNING)

_LEFT_BEHIND = re.compile(r"_cc(new|old)\d*$")


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each index."""
    for table in context.catalog.tables:
        for index in table.indexes:
            if not index.valid:
                yield _finding(table.name, index, table.kind)
    for view in context.catalog.views:
        for index in view.indexes:
            if not index.valid:
                yield _finding(view.name, index, TableKind.TABLE)


def _finding(of: QualifiedName, index: Index, kind: TableKind) -> Finding:
    name = QualifiedName(of.schema, index.name)
    why = "it was never finished, and no query uses it"
    fix = f"REINDEX INDEX CONCURRENTLY {name};"
    if kind is TableKind.PARTITIONED:
        why, fix = "not every partition has its part of it", ""
    elif _LEFT_BEHIND.search(index.name):
        why, fix = "REINDEX left it behind, and no query uses it", drop(of, index)
    return RULE.finding(Subject.index(of, index.name), why, fix)
