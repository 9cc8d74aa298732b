"""Advice: rules over a catalog and its graph, each with a stable code. Pure, like all that it looks at."""

from __future__ import annotations

from migplan.advise.finding import Finding, Level
from migplan.advise.rules import RULES
from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph

__all__ = ["RULES", "Finding", "Level", "advise"]


def advise(catalog: Catalog, graph: ForeignKeyGraph) -> tuple[Finding, ...]:
    """What every rule finds, the gravest first, then in the order of the rules and of names."""
    found = [finding for rule in RULES for finding in sorted(rule.find(catalog, graph), key=lambda f: f.what)]
    return tuple(sorted(found, key=lambda finding: finding.level.rank))
