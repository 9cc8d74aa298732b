"""MP103: a key of another type than what it refers to compares slowly, or not with an index."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph
from migplan.names import quoted

CODE = "MP103"
TITLE = "foreign key of another type than what it refers to"


def find(catalog: Catalog, _: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding a pair of columns."""
    for key in catalog.foreign_keys:
        referenced = catalog.by_name.get(key.referenced)
        if referenced is None:
            continue
        table = catalog.by_name[key.table]
        for own, other in zip(key.columns, key.referenced_columns, strict=True):
            here, there = table.column(own).type, referenced.column(other).type
            if here != there:
                yield Finding(
                    CODE,
                    Level.NOTE,
                    TITLE,
                    f"{key.table}.{quoted(own)}",
                    f"is {here}, and refers to {key.referenced}.{quoted(other)}, which is {there}",
                    f"ALTER TABLE {key.table} ALTER COLUMN {quoted(own)} TYPE {there};",
                )
