"""What the plan says of each key of a table: deferred, NULL at first, created later, or kept by order."""

from __future__ import annotations

from dataclasses import dataclass

from migplan.catalog.model import ForeignKey
from migplan.config import Strategy
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedTable


@dataclass(frozen=True)
class Treatment:
    """The keys of one table, by what is done about them while rows come in."""

    by_key: dict[ForeignKey, Strategy]

    def keys(self, how: Strategy) -> tuple[ForeignKey, ...]:
        """The keys that are treated in one way."""
        return tuple(key for key, way in self.by_key.items() if way is how)


def treatment(name: QualifiedName, planned: PlannedTable, plan: Plan, graph: ForeignKeyGraph) -> Treatment:
    """Where a circle is cut open at a key, that counts; else the table's strategy for the keys that it names.

    Rows of a table whose own keys are named nowhere come parents before children.
    """
    cuts = {cut.key: cut.how for cut in plan.breaks if cut.table == planned.table}
    found: dict[ForeignKey, Strategy] = {}
    for key in graph.keys_of(name):
        how = cuts.get(f"{key.name}: {key}") or (
            planned.strategy if _label(key, name) in planned.keys else None
        )
        if how is not None:
            found[key] = how
    own = graph.self_keys.get(name, ())
    every = (*graph.keys_of(name), *own)
    for key in own:
        if key.enforced:
            found[key] = planned.strategy if _label(key, name) in planned.keys else Strategy.LEVELS
    # Whatever the plan says: rows that break a key can only come in before it, and nobody knows that none do.
    found |= {key: Strategy.CONSTRAINT_LATER for key in every if not key.validated and key.enforced}
    return Treatment(found)


def _label(key: ForeignKey, name: QualifiedName) -> str:
    """How a plan names a key of a table; one that only a partition has with the partition."""
    return key.name if key.table == name else f"{key.name} on {key.table}"
