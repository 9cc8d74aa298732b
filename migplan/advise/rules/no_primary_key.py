"""MP104: without a primary key rows cannot be told apart: not to compare them, not to replicate them."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog, TableKind
from migplan.graph import ForeignKeyGraph

CODE = "MP104"
TITLE = "table without primary key"


def find(catalog: Catalog, _: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding a table; foreign tables have none anywhere, and partitions follow their parent."""
    for table in catalog.tables:
        if table.primary_key or table.kind is TableKind.FOREIGN or table.partition_of:
            continue
        why = "its rows cannot be told apart"
        if table.unique_keys:
            why = f"only the unique key {table.unique_keys[0].name}"
        yield Finding(CODE, Level.WARNING, TITLE, str(table.name), why)
