"""Where to cut the circles open: the cheapest set of keys without which no table needs itself.

A key can be cut by deferring it, by loading NULL first, or, when nothing else works, by creating it later.
What that costs is compared in this order: keys created later, rows written twice, keys deferred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from migplan.catalog.model import ForeignKey, Table
from migplan.config import Strategy
from migplan.errors import CycleError
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName

UNKNOWN_ROWS = 10**9
# So much is looked at before the best set found so far is taken (and the reason says so): circles of a few
# dozen keys are settled long before, and one of hundreds must not hold anyone up.
EDGES_LOOKED_AT = 3_000_000

Cost = tuple[int, int, int, int]
Edge = tuple[QualifiedName, QualifiedName, ForeignKey]
FREE: Cost = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cut:
    """A key that is cut, and how."""

    node: QualifiedName
    key: ForeignKey
    how: Strategy
    cost: Cost
    best: bool  # proven the cheapest, not merely the best that was found


def cuts(graph: ForeignKeyGraph, wanted: Mapping[QualifiedName, Strategy] | None = None) -> tuple[Cut, ...]:
    """The cuts that open every circle of the graph; ``wanted`` holds strategies that people fixed."""
    found: list[Cut] = []
    for circle in graph.circles:
        edges = [
            (table, referenced, key)
            for table, referenced, key in graph.hops
            if table in circle and referenced in circle and key.enforced
        ]
        found += _Search(edges, _prices(edges, graph, wanted or {})).best()
    return tuple(sorted(found, key=lambda cut: (cut.key.table, cut.key.name)))


def ways_to_cut(key: ForeignKey, table: Table) -> tuple[Strategy, ...]:
    """How a key can be cut, the gentlest way first."""
    ways = []
    if key.deferrable:
        ways.append(Strategy.DEFERRED)
    if nullable_columns(key, table):
        ways.append(Strategy.NULL_THEN_UPDATE)
    return (*ways, Strategy.CONSTRAINT_LATER)


def nullable_columns(key: ForeignKey, table: Table) -> tuple[str, ...]:
    """The columns of the key that can be loaded as NULL so that it refers to nothing; none if it cannot.

    One column that may be NULL is enough, but with MATCH FULL it takes all of them.
    """
    nullable = tuple(
        name for name in key.columns if not table.column(name).not_null and not table.column(name).generated
    )
    if key.match == "FULL" and len(nullable) < len(key.columns):
        return ()
    return nullable


def _prices(
    edges: Iterable[Edge], graph: ForeignKeyGraph, wanted: Mapping[QualifiedName, Strategy]
) -> dict[Edge, tuple[Cost, Strategy] | None]:
    """Of each edge what cutting it costs, and how; None where someone's wish forbids it."""
    prices: dict[Edge, tuple[Cost, Strategy] | None] = {}
    for edge in edges:
        node, _, key = edge
        ways = ways_to_cut(key, graph.tables[node])
        wish = wanted.get(node)
        if wish is None:
            prices[edge] = _price(ways[0], key, graph, node)
        elif wish in ways:
            prices[edge] = (FREE, wish)
        else:
            prices[edge] = None
    return prices


def _price(
    how: Strategy, key: ForeignKey, graph: ForeignKeyGraph, node: QualifiedName
) -> tuple[Cost, Strategy]:
    known = graph.rows[node].count
    rows = UNKNOWN_ROWS if known is None else known
    if how is Strategy.DEFERRED:
        return (0, 0, 1, 0), how
    if how is Strategy.NULL_THEN_UPDATE:
        return (0, 1 + round(rows * (1 - (key.null_fraction or 0.0))), 0, 0), how
    return (1, 0, 0, rows), how


class _Search:
    """Branch and bound: find a way round, try each of its keys, forget what gets dearer than the best."""

    def __init__(self, edges: list[Edge], prices: Mapping[Edge, tuple[Cost, Strategy] | None]) -> None:
        self._edges = edges
        self._prices = prices
        self._best: tuple[Cost, tuple[Edge, ...]] | None = None
        self._patience = EDGES_LOOKED_AT

    def best(self) -> list[Cut]:
        self._descend((), FREE, frozenset())
        if self._best is None:
            raise self._hopeless()
        result = []
        for edge in self._best[1]:
            price = self._prices[edge]
            assert price is not None
            result.append(Cut(edge[0], edge[2], price[1], price[0], best=self._patience > 0))
        return result

    def _descend(self, cut: tuple[Edge, ...], cost: Cost, kept: frozenset[Edge]) -> None:
        if self._best is not None and (cost >= self._best[0] or self._patience <= 0):
            return
        left = [edge for edge in self._edges if edge not in cut]
        self._patience -= len(left) * len({edge[0] for edge in left})
        way = _way_round(left)
        if way is None:
            self._best = (cost, cut)
            return
        options = [(price[0], edge) for edge in way if edge not in kept and (price := self._prices[edge])]
        options.sort(key=lambda option: (option[0], option[1][2].table, option[1][2].name))
        for more, edge in options:
            self._descend((*cut, edge), _sum(cost, more), kept)
            # What was tried need not be tried again in another order: from here on this key stays.
            kept |= {edge}

    def _hopeless(self) -> CycleError:
        free = [edge for edge in self._edges if not self._prices[edge]]
        way = _way_round(free) or free
        tables = " -> ".join(str(edge[0]) for edge in (*way, way[0]))
        keys = tuple(f"{edge[2].name}: {edge[2]}" for edge in way)
        return CycleError(
            f"the strategies that were set by hand leave the cycle {tables} closed:\n  " + "\n  ".join(keys),
            do="set one of them to deferred, null-then-update or constraint-later, or leave it to migplan",
            keys=keys,
        )


def _way_round(edges: list[Edge]) -> list[Edge] | None:
    """A shortest way round in a circle, or None when the edges have none."""
    leaving: dict[QualifiedName, list[Edge]] = {}
    for edge in edges:
        leaving.setdefault(edge[0], []).append(edge)
    shortest: list[Edge] | None = None
    for start in sorted(leaving):
        way = _way_back(start, leaving)
        if way and (shortest is None or len(way) < len(shortest)):
            shortest = way
        if shortest and len(shortest) == 2:
            break
    return shortest


def _way_back(start: QualifiedName, leaving: Mapping[QualifiedName, list[Edge]]) -> list[Edge] | None:
    came: dict[QualifiedName, Edge] = {}
    border = [start]
    while border:
        reached = []
        for node in border:
            for edge in leaving.get(node, ()):
                target = edge[1]
                if target == start:
                    way = [edge]
                    while way[0][0] != start:
                        way.insert(0, came[way[0][0]])
                    return way
                if target not in came:
                    came[target] = edge
                    reached.append(target)
        border = reached
    return None


def _sum(one: Cost, other: Cost) -> Cost:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3])
