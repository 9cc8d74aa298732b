"""Which columns of a foreign key can be loaded as NULL first and get their value afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migplan.catalog.model import Column, ForeignKey, Table
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, quoted

# A check is content with NULL unless it asks for it in so many words.
_ASKS_FOR_NULL = re.compile(r"\bNOT NULL\b|\bCOALESCE\b|\bnum_n|\bDISTINCT FROM\b", re.IGNORECASE)


def nullable_columns(key: ForeignKey, node: QualifiedName, graph: ForeignKeyGraph) -> tuple[str, ...]:
    """The columns of the key that can be loaded as NULL so that it refers to nothing; none if it cannot.

    One column that may be NULL is enough, but with MATCH FULL it takes all of them.
    """
    holders = list(_holders(key, graph.families[node]))
    nullable = tuple(
        name
        for name in key.columns
        # Other rows may refer to the column: with NULL in it they would find nothing.
        if name not in graph.referenced_columns[node]
        and not any(_refuses_null(name, table, graph) for table in holders)
    )
    if key.match == "FULL" and len(nullable) < len(key.columns):
        return ()
    return nullable


def _holders(key: ForeignKey, family: tuple[Table, ...]) -> Iterator[Table]:
    """The table that declares the key, and the partitions that inherit it."""
    parents = {table.name: table.partition_of for table in family}
    for table in family:
        name: QualifiedName | None = table.name
        while name is not None and name != key.table:
            name = parents.get(name)
        if name is not None:
            yield table


def _refuses_null(name: str, table: Table, graph: ForeignKeyGraph) -> bool:
    column: Column = table.column(name)
    mention = re.compile(rf"(?<![\w\"]){re.escape(quoted(name))}(?![\w\"])")
    return (
        column.not_null
        or column.generated is not None
        or column.type in graph.not_null_domains
        # NULL may belong to another partition, or to none.
        or bool(table.partition_key and mention.search(table.partition_key))
        or any(key.nulls_not_distinct and name in key.columns for key in table.unique_keys)
        or any(
            index.unique and name in index.columns and "NULLS NOT DISTINCT" in (index.definition or "")
            for index in table.indexes
        )
        or any(
            check.enforced and _ASKS_FOR_NULL.search(check.definition) and mention.search(check.definition)
            for check in table.checks
        )
    )
