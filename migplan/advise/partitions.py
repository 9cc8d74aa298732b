"""Partitions, for rules about what a partitioned table and its parts have between them."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.advise.context import Seen
from migplan.catalog.model import Table, TableKind


def leaves(seen: Seen, table: Table) -> tuple[Table, ...]:
    """The partitions of a table that hold rows, at any distance; none of a table that is not partitioned."""
    if table.kind is not TableKind.PARTITIONED:
        return ()
    root = (table, *above(seen, table))[-1]
    return tuple(
        part
        for part in seen.graph.families[root.name][1:]
        if part.kind is not TableKind.PARTITIONED and table in above(seen, part)
    )


def above(seen: Seen, table: Table) -> Iterator[Table]:
    """The tables that a table is a partition of, the nearest first."""
    tables = seen.catalog.by_name
    while table.partition_of in tables:
        table = tables[table.partition_of]
        yield table
