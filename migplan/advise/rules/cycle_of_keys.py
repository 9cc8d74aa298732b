"""MP101: tables that need each other cannot be loaded by order alone."""

from collections.abc import Iterator

from migplan.advise.finding import Finding, Level
from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph

CODE = "MP101"
TITLE = "cycle of foreign keys"


def find(_: Catalog, graph: ForeignKeyGraph) -> Iterator[Finding]:
    """A finding a cycle."""
    for cycle in graph.cycles:
        names = ", ".join(key.name for hop in cycle.keys for key in hop)
        yield Finding(
            CODE,
            Level.WARNING,
            TITLE,
            str(cycle),
            f"by the keys {names}: no order alone loads them",
        )
