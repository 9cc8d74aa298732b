"""MP204: a table or an index that is half empty is read, cached and backed up as if it were full.

### What fires

A table, or a B-tree of one, of more than 10 MB, of whose bytes at least half, and 10 MB or more, would not be
needed if it were written anew: a note; from 1 GB on a warning. TOAST does not count.

What it would need is an **estimate**: the number of rows, and the average width of each column, as ANALYZE
last saw them, with the headers and the fill factor that the server would use. The padding between values is
not known, which makes tables look emptier by some per cent; equal values that a B-tree stores once make it
look fuller. `pgstattuple` reads every page and knows.

What does not: indexes that are no B-trees; tables that do not lie in a heap. What was never analysed, or
whose statistics the role may not read, is said as not judged.

### Why

A scan reads the empty pages, too, and so do VACUUM and backups. Space that autovacuum has freed is used again
by new rows: a table that is emptied and filled by turns is best left as it is.

### How to fix it

An index is built again while others write. A table is written anew by `VACUUM FULL`, which keeps everybody
out until it is done, and needs as much space again; `pg_repack` does it without the lock. Then see why
autovacuum did not keep up: long transactions, unused replication slots, `autovacuum_vacuum_scale_factor` on a
large table.

### Compared with splinter (0020)

- splinter reports a table that is 70 times as large as it ought to be, which is hardly any; here half is
  enough.
- splinter estimates from the columns that have statistics, and takes those that have none for empty; here
  such a table is said as not judged.
- splinter does not know of fill factors, and rounds a row's data up by its own rule.
- splinter has no finding about indexes.
- splinter also looks at the tables of extensions and at those of the server itself (`pg_catalog`).
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Need, Rule, Subject
from migplan.level import Level
from migplan.names import QualifiedName

RULE = Rule("MP204", "bloat", Level.NOTE, (Need.VITALS,), observed=True)

MEGABYTE = 1024**2
SHARE = 0.5
LEAST = 10 * MEGABYTE
GRAVE = 1024 * MEGABYTE


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each table and each index."""
    selected = {"tables", "indexes", *_names(context)}
    for what, why in context.vitals.unread:
        if what.startswith("bloat of ") and what.removeprefix("bloat of ") in selected:
            yield RULE.blind(what.removeprefix("bloat of "), why)
    for bloat in context.vitals.bloat:
        if bloat.table not in context.catalog.by_name or bloat.wasted < max(bloat.bytes * SHARE, LEAST):
            continue
        subject, fix = Subject(str(bloat.table), bloat.table), f"VACUUM (FULL, ANALYZE) {bloat.table};"
        if bloat.index is not None:
            subject = Subject.index(bloat.table, bloat.index)
            fix = f"REINDEX INDEX CONCURRENTLY {QualifiedName(bloat.table.schema, bloat.index)};"
        yield RULE.finding(
            subject,
            f"about {bloat.wasted // MEGABYTE} MB of {bloat.bytes // MEGABYTE} MB hold nothing",
            fix,
            level=Level.WARNING if bloat.wasted >= GRAVE else Level.NOTE,
        )


def _names(context: Context) -> Iterator[str]:
    for table in context.catalog.tables:
        yield str(table.name)
        yield from (str(QualifiedName(table.name.schema, index.name)) for index in table.indexes)
