"""MP203: an index that no query has used costs every write.

### What fires

An index that the server has not scanned once since its statistics began, seven days ago or more. Of a
partitioned index, no part has been scanned.

What does not:

- unique indexes and those of constraints: they forbid something, whether they are read or not;
- the only index that serves a foreign key (MP106): it is read when rows above are deleted, which may be rare.
  Of several such, all unused, the smallest is left out;
- the one by which replication knows rows, and invalid indexes (MP105);
- indexes of less than 64 kB: on a table that small the server reads the whole table anyway, so that scans say
  nothing, and the index costs next to nothing;
- indexes of materialised views, whose use is not known here.

Where the statistics are younger than seven days, or nobody knows how old they are, the rule says that it
cannot judge. The same is said of tables of which, since they began, no row was written and none was found by
any index: their indexes have had no chance. That a table was read from beginning to end does not count: dumps
do that, and so does migplan when it counts rows.

Seven days see a week's jobs, and not the one that runs each quarter; and what is read on a standby is counted
there. The finding says since when the server has counted.

### Why

Every insert, and every update that moves a row, writes it; VACUUM reads it; backups and memory hold it.

### How to fix it

Ask who made it. Drop it while others write; keep its definition.

### Compared with splinter (0005)

- splinter does not ask how old the statistics are: after a reset, a crash or a restore it reports every
  index.
- splinter reports indexes of any size, of tables that nobody touches, and those without which a foreign key
  would have no index (which its 0001 then reports).
- splinter reports each part of a partitioned index by itself; parts cannot be dropped by themselves.
- splinter reports invalid indexes as unused, and indexes of exclusion constraints.
- splinter looks at materialised views; this rule does not.
- splinter leaves out the schemas of Supabase's platform (`auth`, `storage` and others); here a selection does
  that.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Need, Rule, Subject
from migplan.advise.index_shape import drop, is_constraint, serves
from migplan.catalog.model import Index, Table, TableKind
from migplan.level import Level

RULE = Rule("MP203", "unused index", Level.NOTE, (Need.VITALS,), observed=True)

LONG_ENOUGH = timedelta(days=7)
WORTH_IT = 64 * 1024
NAMED = 5


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each index."""
    since = context.vitals.statistics_since
    if since is None:
        yield RULE.blind("", "nobody knows since when the server has counted")
        return
    began = datetime.fromisoformat(since)
    counted = datetime.fromisoformat(context.catalog.server.read_at) - began
    if counted < LONG_ENOUGH:
        days = f"for {counted.days} days" if counted.days > 1 else "for less than two days"
        yield RULE.blind("", f"the server has counted {days}, and a week is needed")
        return
    idle = []
    for table in context.catalog.tables:
        unused = _unused(table, context.leaves(table))
        if unused and not any(_is_touched(each) for each in (table, *context.leaves(table))):
            idle.append(table)
            continue
        for index, size in unused:
            yield RULE.finding(
                Subject.index(table.name, index.name),
                f"no query has used its {_told(size)} since {began:%Y-%m-%d}",
                drop(table.name, index, table.kind),
            )
    if idle:
        names = ", ".join(str(table.name) for table in idle[:NAMED]) + ", ..." * (len(idle) > NAMED)
        yield RULE.blind(f"{len(idle)} tables", f"nothing but full reads since {began:%Y-%m-%d}: {names}")


def _unused(table: Table, parts: Sequence[Table]) -> list[tuple[Index, int]]:
    """The indexes that nothing has used and nothing depends on, with their sizes."""
    unused = {}
    for index in table.indexes:
        if index.unique or not index.valid or index.inherited or is_constraint(index, table):
            continue
        files = _files(index, table, parts)
        size = sum(file.bytes or 0 for file in files)
        if files and not any(file.scans for file in files) and size >= WORTH_IT:
            unused[index.name] = (index, size)
    for key in table.foreign_keys:
        serving = [index for index in table.indexes if serves(index, key)]
        if serving and all(index.name in unused for index in serving):
            del unused[min(serving, key=lambda index: (unused[index.name][1], index.name)).name]
    return list(unused.values())


def _files(index: Index, table: Table, parts: Sequence[Table]) -> list[Index]:
    """The index itself, or what it consists of in the partitions."""
    if table.kind is not TableKind.PARTITIONED:
        return [index]
    return [
        part_index
        for part in parts
        for part_index in part.indexes
        if part_index.inherited and _kind(part_index) == _kind(index)
    ]


def _kind(index: Index) -> tuple[object, ...]:
    return (index.method, index.columns, index.predicate, index.unique)


def _is_touched(table: Table) -> bool:
    """Whether it has been used in a way that its indexes could have had a part in, or had to follow."""
    use = table.use
    return bool(use.index_scans or use.inserted or use.updated or use.deleted)


def _told(size: int) -> str:
    amount = float(size)
    for unit in ("bytes", "kB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GB"
