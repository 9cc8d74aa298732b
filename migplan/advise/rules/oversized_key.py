"""MP404: a long text in a key makes every index large, and one that is too long cannot be written at all.

### What fires

A text without a limit (`text`, `character varying`, `character` and `bytea` without a length, `citext`, and
domains over these) that is a key part of a valid B-tree, such as a primary or unique key's, when its values
take on average

- 512 bytes or more: a **warning**, for the longest of them may be near the 2704 bytes (a third of a page)
  that an entry of a B-tree has room for, and the insert of a longer one fails;
- 128 bytes or more: a **note**.

The average is what ANALYZE saw of what is stored, after compression; what a row of more than 2 kB stores
apart (TOAST) counts as a pointer there, and so is not noticed. Columns of which nothing is known although
their table has rows are said as not judged.

What does not: a text with a length; hash indexes, which hold four bytes of each value, and GIN and GiST;
parts that are expressions, such as `md5(url)`; included columns.

### Why

Upper levels of the tree hold fewer entries, so the tree is deeper; every foreign key repeats the text in its
own table and index; and "index row size exceeds btree version 4 maximum 2704" comes on the day of the first
long one.

### How to fix it

For a primary key, a number or a UUID beside the text. For uniqueness alone, a unique index on `md5(column)`
or `sha256(...)`; for equality alone, a hash index. Which one, only people know; there is no SQL.
"""

from collections.abc import Iterator

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Need, Rule, Subject
from migplan.catalog.model import Table
from migplan.level import Level
from migplan.names import QualifiedName, quoted

RULE = Rule("MP404", "oversized text key", Level.NOTE, (Need.VITALS,), observed=True)

LONG, TOO_LONG = 128, 512

_UNLIMITED = frozenset({"text", "character varying", "bpchar", "bytea"})


def find(context: Context) -> Iterator[Finding | Blind]:
    """Yield a finding for each column, and one Blind for all that cannot be judged."""
    widths = {(width.table, width.column): width.average for width in context.vitals.widths}
    unknown = []
    for table in context.catalog.tables:
        if table.partition_of:
            continue
        for name, index in _key_parts(table):
            type_ = table.column(name).type
            if not _is_unlimited(context.base_type(type_)):
                continue
            average = widths.get((table.name, name))
            if average is None:
                unknown += [f"{table.name}.{quoted(name)}"] * bool(table.rows or table.partition_key)
            elif average >= LONG:
                yield RULE.finding(
                    Subject.column(table.name, name),
                    f"takes {average} bytes on average, in each entry of {index}",
                    level=Level.WARNING if average >= TOO_LONG else Level.NOTE,
                )
    if unknown:
        named = ", ".join(unknown[:5]) + ", ..." * (len(unknown) > 5)
        why = "never analysed, or the role may not see their statistics"
        yield RULE.blind(f"{len(unknown)} columns", f"{why}: {named}")


def _key_parts(table: Table) -> Iterator[tuple[str, QualifiedName]]:
    """Each column that is a key part of a B-tree, with the first such index."""
    columns = {column.name for column in table.columns}
    told = set()
    for index in table.indexes:
        if index.method == "btree" and index.valid:
            for part in index.columns:
                if part in columns and part not in told:
                    told.add(part)
                    yield part, QualifiedName(table.name.schema, index.name)


def _is_unlimited(type_: str) -> bool:
    return type_ in _UNLIMITED or type_.endswith(".citext")
