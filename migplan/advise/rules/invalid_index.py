"""MP105: an index whose building failed costs every write and serves no read."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName

CODE = "MP105"
TITLE = "invalid index"


def find(catalog: Catalog, _: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding an index."""
    for table in catalog.tables:
        for index in table.indexes:
            if not index.valid:
                name = QualifiedName(table.name.schema, index.name)
                yield Finding(
                    CODE,
                    Level.WARNING,
                    TITLE,
                    f"{name} on {table.name}",
                    "it was never finished, and no query uses it",
                    f"REINDEX INDEX CONCURRENTLY {name};",
                )
