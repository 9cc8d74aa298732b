"""The order in which tables are loaded: by depth, in a circle by what the cuts leave open, then by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.breaks import Cut


def loading_order(
    graph: ForeignKeyGraph, cuts: Iterable[Cut], wanted: Mapping[QualifiedName, int] | None = None
) -> tuple[QualifiedName, ...]:
    """Every table after all that it needs. ``wanted`` gives places that are kept where the keys allow it."""
    cut = {(each.node, each.key.table, each.key.name) for each in cuts}
    in_circle = {
        name: (circle, place)
        for circle in graph.circles
        for place, name in enumerate(_within(circle, graph, cut))
    }
    order = sorted(graph.tables, key=lambda name: _key(name, graph, in_circle))
    return tuple(order) if not wanted else _as_wanted(order, graph, wanted, in_circle)


def _key(
    name: QualifiedName,
    graph: ForeignKeyGraph,
    in_circle: Mapping[QualifiedName, tuple[frozenset[QualifiedName], int]],
) -> tuple[int, QualifiedName, int]:
    circle, place = in_circle.get(name, (frozenset({name}), 0))
    return (graph.depth[name], min(circle), place)


def _within(
    circle: frozenset[QualifiedName],
    graph: ForeignKeyGraph,
    cut: set[tuple[QualifiedName, QualifiedName, str]],
) -> list[QualifiedName]:
    needs: dict[QualifiedName, set[QualifiedName]] = {name: set() for name in sorted(circle)}
    for table, referenced, key in graph.hops:
        if (
            table in circle
            and referenced in circle
            and key.enforced
            and (table, key.table, key.name) not in cut
        ):
            needs[table].add(referenced)
    order: list[QualifiedName] = []
    while needs:
        ready = min(name for name, need in needs.items() if not need)
        order.append(ready)
        del needs[ready]
        for need in needs.values():
            need.discard(ready)
    return order


def _as_wanted(
    order: list[QualifiedName],
    graph: ForeignKeyGraph,
    wanted: Mapping[QualifiedName, int],
    in_circle: Mapping[QualifiedName, tuple[frozenset[QualifiedName], int]],
) -> tuple[QualifiedName, ...]:
    """The wished order, each table pulled behind what it needs; circles keep the order of their cuts."""
    place = {name: number for number, name in enumerate(order)}
    done: dict[QualifiedName, None] = {}

    def load(name: QualifiedName) -> None:
        if name in done:
            return
        circle, own = in_circle.get(name, (frozenset({name}), 0))
        before = [other for other in circle if in_circle.get(other, (circle, 0))[1] < own]
        needs = [need for member in circle for need in graph.needs[member] if need not in circle]
        for need in sorted({*needs, *before}, key=lambda each: place[each]):
            load(need)
        done[name] = None

    for name in sorted(order, key=lambda name: (wanted.get(name, len(order)), place[name])):
        load(name)
    return tuple(done)
