"""An analysis: what ``migplan analyze`` found, before it takes a shape."""

from __future__ import annotations

from dataclasses import dataclass

from migplan.advise import Advice, Finding
from migplan.catalog.model import Catalog
from migplan.catalog.orphans import Orphans
from migplan.catalog.selection import Selected
from migplan.graph import ForeignKeyGraph


@dataclass(frozen=True)
class Analysis:
    """A selected part of a catalog, its graph, and what is to be said about them."""

    selected: Selected
    graph: ForeignKeyGraph
    advice: Advice = Advice()
    orphans: tuple[Orphans, ...] | None = None  # None: nobody asked

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules found, less what people live with."""
        return self.advice.findings

    @property
    def catalog(self) -> Catalog:
        """The selected part."""
        return self.selected.catalog

    @property
    def rows_in_all(self) -> tuple[int, bool]:
        """All rows, and whether every one was counted."""
        known = [rows.count for rows in self.graph.rows.values() if rows.count is not None]
        return sum(known), all(rows.exact for rows in self.graph.rows.values())
