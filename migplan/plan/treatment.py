"""What the plan says of each key of a table: deferred, NULL at first, created later, or kept by order."""

from migplan.catalog.model import ForeignKey
from migplan.config import Strategy
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedTable


def keys_treated(
    how: Strategy, name: QualifiedName, planned: PlannedTable, plan: Plan, graph: ForeignKeyGraph
) -> tuple[ForeignKey, ...]:
    """Return the keys of a table that are treated in one way while its rows come in.

    Where a circle is cut open at a key, that counts; else the table's strategy for the keys that it names.
    Rows of a table whose own keys are named nowhere come parents before children.
    """
    cuts = {cut.key: cut.how for cut in plan.breaks if cut.table == planned.table}
    found: dict[ForeignKey, Strategy] = {}
    for key in graph.keys_of(name):
        way = cuts.get(key.label) or (planned.strategy if label_of(key, name) in planned.keys else None)
        if way is not None:
            found[key] = way
    own = graph.self_keys.get(name, ())
    every = (*graph.keys_of(name), *own)
    for key in own:
        if key.enforced:
            found[key] = planned.strategy if label_of(key, name) in planned.keys else Strategy.LEVELS
    # Whatever the plan says: rows that break a key can only come in before it, and nobody knows that none do.
    found |= {key: Strategy.CONSTRAINT_LATER for key in every if not key.validated and key.enforced}
    return tuple(key for key, way in found.items() if way is how)


def label_of(key: ForeignKey, name: QualifiedName) -> str:
    """Return how a plan names a key of a table: a partition's own key together with the partition."""
    return key.name if key.table == name else f"{key.name} on {key.table}"
