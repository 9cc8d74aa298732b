"""MP108: a NULL in one column of a composite key switches the whole check off.

### What fires

A foreign key of several columns that is MATCH SIMPLE, as keys are unless they say otherwise, and of which a
column may be NULL:

- a **warning** when two or more may: a row can then hold half of a reference, which nobody checks;
- a **note** when exactly one may, and the others are NOT NULL. That is right where NULL in it means "refers
  to nothing", as for `(tenant, parent)`; it is wrong where the row is meant to refer in any case.

What does not: keys of one column; MATCH FULL; keys all of whose columns are NOT NULL, by themselves or by
their domain; a key that is NOT ENFORCED; two or more columns that a check holds together, by naming all of
them in `num_nulls(...)` or `num_nonnulls(...)`.

### Why

MATCH SIMPLE asks for a row only when no column is NULL. `(7, NULL)` passes whatever 7 is, and so does a row
that lost one half in an import. Joins do not find such rows, and nothing reports them.

### How to fix it

Where all of the columns may be NULL: MATCH FULL, all or none of them. The key is added NOT VALID, which takes
a moment, and validated while others write; that fails where there are half references. On a partitioned table
it is checked at once. Where some are NOT NULL and two or more are not, MATCH FULL would forbid NULL
altogether; a check holds those together instead. For the note there is no SQL: either it is meant, or the
column wants `SET NOT NULL`.
"""

from collections.abc import Iterator, Sequence

from migplan.advise.context import Context
from migplan.advise.finding import Finding, Rule
from migplan.catalog.model import ForeignKey, Table, TableKind
from migplan.level import Level
from migplan.names import quoted, quoted_list

RULE = Rule("MP108", "composite key that NULL switches off", Level.WARNING)


def find(context: Context) -> Iterator[Finding]:
    """Yield a finding for each key."""
    for table in context.catalog.tables:
        for key in table.foreign_keys:
            if len(key.columns) < 2 or key.match == "FULL" or not key.enforced:
                continue
            nullable = [column for column in key.columns if _may_be_null(table, column, context)]
            if nullable and not _are_held_together(nullable, table):
                yield _finding(key, nullable, table.kind is TableKind.PARTITIONED)


def _may_be_null(table: Table, name: str, context: Context) -> bool:
    column = table.column(name)
    return not column.not_null and column.type not in context.graph.not_null_domains


def _are_held_together(columns: Sequence[str], table: Table) -> bool:
    return len(columns) > 1 and any(
        ("num_nulls(" in check.definition or "num_nonnulls(" in check.definition)
        and all(quoted(column) in check.definition for column in columns)
        for check in table.checks
    )


def _finding(key: ForeignKey, nullable: Sequence[str], partitioned: bool) -> Finding:
    names = quoted_list(nullable)
    if len(nullable) == 1:
        return RULE.finding(
            key,
            f"a row with NULL in {names} refers to nothing, whatever its other columns say",
            level=Level.NOTE,
        )
    fix = _full(key, partitioned) if len(nullable) == len(key.columns) else _all_or_none(key, nullable)
    return RULE.finding(key, f"NULL in one of {names} is enough for the others not to be checked", fix)


def _full(key: ForeignKey, partitioned: bool) -> str:
    name, table = quoted(key.name), key.table
    columns, others = (_listed(each, key.period) for each in (key.columns, key.referenced_columns))
    only = f" ({quoted_list(key.on_delete_columns)})" if key.on_delete_columns else ""
    deferral = " DEFERRABLE" * key.deferrable + " INITIALLY DEFERRED" * key.initially_deferred
    changed = (
        f"ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} FOREIGN KEY ({columns}) "
        f"REFERENCES {key.referenced} ({others}) MATCH FULL ON UPDATE {key.on_update} "
        f"ON DELETE {key.on_delete}{only}{deferral}"
    )
    if partitioned:  # servers before 18 know no NOT VALID there
        return f"{changed};"
    return f"{changed} NOT VALID;\nALTER TABLE {table} VALIDATE CONSTRAINT {name};"


def _listed(columns: Sequence[str], period: bool) -> str:
    *before, last = map(quoted, columns)
    return ", ".join([*before, f"PERIOD {last}" if period else last])


def _all_or_none(key: ForeignKey, nullable: Sequence[str]) -> str:
    name = quoted(f"{key.name.encode()[:53].decode(errors='ignore')}_no_half")
    columns = quoted_list(nullable)
    return (
        f"ALTER TABLE {key.table} ADD CONSTRAINT {name} "
        f"CHECK (num_nulls({columns}) IN (0, {len(nullable)})) NOT VALID;\n"
        f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {name};"
    )
