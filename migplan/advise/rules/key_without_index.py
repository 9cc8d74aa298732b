"""MP106: without an index on the referring side, each delete above reads the whole table below."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog, ForeignKey, Table
from migplan.graph import ForeignKeyGraph
from migplan.names import quoted

CODE = "MP106"
TITLE = "foreign key without an index"


def find(catalog: Catalog, _: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding a key."""
    for table in catalog.tables:
        for key in table.foreign_keys:
            if not is_covered(key, table):
                columns = ", ".join(map(quoted, key.columns))
                yield Finding(
                    CODE,
                    Level.NOTE,
                    TITLE,
                    f"{table.name} ({columns})",
                    f"{key.name}: each delete from {key.referenced} reads all of it",
                    f"CREATE INDEX CONCURRENTLY ON {table.name} ({columns});",
                )


def is_covered(key: ForeignKey, table: Table) -> bool:
    """Whether a whole, valid index begins with the key's columns, in whatever order."""
    wanted = set(key.columns)
    return any(
        index.valid and not index.is_partial and set(index.columns[: len(wanted)]) == wanted
        for index in table.indexes
    )
