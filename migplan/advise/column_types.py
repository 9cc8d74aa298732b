"""The types behind the types of columns: domains looked through, and which columns a rule may ask about."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migplan.advise.context import Seen
from migplan.catalog.model import Catalog, Column, Table, TableKind

INTEGERS: Mapping[str, int] = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
"""The greatest number of each integer type; the least is one further on the other side."""


def bases(catalog: Catalog) -> dict[str, str]:
    """Of each domain, as columns name it, the type below it that is no domain."""
    below = {str(type_.name): type_.definition[0] for type_ in catalog.types if type_.kind == "domain"}
    found = {}
    for domain in below:
        type_ = domain
        while type_ in below:
            type_ = below[type_]
        found[domain] = type_
    return found


def stored_columns(seen: Seen) -> Iterator[tuple[Table, Column]]:
    """Each column once, where it is declared: not again in partitions and in tables that inherit it.

    Foreign tables are left out: what their columns are is decided on another server.
    """
    tables = seen.catalog.by_name
    for table in seen.catalog.tables:
        if table.partition_of or table.kind is TableKind.FOREIGN:
            continue
        inherited = {
            column.name for parent in table.inherits if parent in tables for column in tables[parent].columns
        }
        for column in table.columns:
            if column.name not in inherited:
                yield table, column


def can_be_altered(table: Table, column: str) -> bool:
    """Whether the server lets one change the column's type: not where partitions depend on it."""
    return table.partition_key is None or column not in table.partition_key
