"""The order in which tables are loaded: by depth, in a circle by what the cuts leave open, then by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migplan.digraph import digraph, topological_order
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.cuts import Cut

Needs = Mapping[QualifiedName, set[QualifiedName]]


def loading_order(
    graph: ForeignKeyGraph, cuts: Iterable[Cut], wanted: Mapping[QualifiedName, int] | None = None
) -> tuple[QualifiedName, ...]:
    """Return the tables, each after all that it needs; ``wanted`` places are kept where the keys allow it."""
    needs = order_needs(graph, cuts)
    in_circle = {
        name: (min(circle), place)
        for circle in graph.circles
        for place, name in enumerate(_within(circle, needs))
    }
    order = sorted(graph.tables, key=lambda name: (graph.depth[name], *in_circle.get(name, (name, 0))))
    if wanted:
        # A table comes as early as the first one that needs it. The sort is stable: what is needed and what
        # needs it stand in the right order already, and stay so.
        place = {name: wanted.get(name, len(order)) for name in order}
        for name in reversed(order):
            for need in needs[name]:
                place[need] = min(place[need], place[name])
        order.sort(key=place.__getitem__)
    return tuple(order)


def order_needs(graph: ForeignKeyGraph, cuts: Iterable[Cut]) -> Needs:
    """Return what must be loaded before each table; in a circle by keys that are checked and not cut."""
    cut = {(each.node, each.key.table, each.key.name) for each in cuts}
    circle_of = {name: circle for circle in graph.circles for name in circle}
    needs: dict[QualifiedName, set[QualifiedName]] = {name: set() for name in graph.tables}
    for table, referenced, key in graph.hops:
        within = referenced in circle_of.get(table, ())
        if not within or (key.enforced and (table, key.table, key.name) not in cut):
            needs[table].add(referenced)
    return needs


def _within(circle: frozenset[QualifiedName], needs: Needs) -> list[QualifiedName]:
    order = topological_order(
        digraph(sorted(circle), ((need, name) for name in circle for need in needs[name] & circle))
    )
    assert order is not None, "cuts open every circle"
    return order
