"""The foreign-key graph: what depends on what, how deep, and where it goes round in a circle.

Built from a Catalog, never from a connection; the same catalog gives the same graph, in the same order.
"""

from migplan.graph.cycles import Cycle
from migplan.graph.graph import ForeignKeyGraph, Hub, build

__all__ = ["Cycle", "ForeignKeyGraph", "Hub", "build"]
