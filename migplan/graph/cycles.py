"""The ways round in a circle of tables, each hop with the keys that make it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from migplan.catalog.model import ForeignKey
from migplan.names import QualifiedName

Hop = tuple[QualifiedName, QualifiedName, ForeignKey]

# A circle of many tables can hold more ways round than anyone could read, or a computer could list.
LOOKED_AT = 1000
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle of tables, each of which needs the next; the smallest name stands first."""

    tables: tuple[QualifiedName, ...]
    keys: tuple[tuple[ForeignKey, ...], ...]  # of each hop, in the order of the tables

    def __str__(self) -> str:
        return " -> ".join(str(name) for name in (*self.tables, self.tables[0]))


def cycles_among(circle: frozenset[QualifiedName], hops: Iterable[Hop]) -> tuple[Cycle, ...]:
    """Return the shortest cycles among the tables of a circle, at most :data:`SHOWN`."""
    names = sorted(circle)
    # Numbers instead of names: networkx walks through sets, and sets of strings change their order from one
    # run of Python to the next.
    number = {name: place for place, name in enumerate(names)}
    keys: dict[tuple[int, int], list[ForeignKey]] = {}
    for table, referenced, key in hops:
        if table in circle and referenced in circle:
            keys.setdefault((number[table], number[referenced]), []).append(key)
    found = sorted(_shortest(sorted(keys)), key=lambda cycle: (len(cycle), cycle))
    return tuple(
        Cycle(
            tables=tuple(names[place] for place in cycle),
            keys=tuple(
                tuple(keys[here, there]) for here, there in zip(cycle, (*cycle[1:], cycle[0]), strict=True)
            ),
        )
        for cycle in found[:SHOWN]
    )


def _shortest(hops: list[tuple[int, int]]) -> list[tuple[int, ...]]:
    """The ways round of up to so many tables that there are enough of them, or that there are no more.

    Unbounded, the first thousand ways round a large circle may each lead through most of its tables.
    """
    import networkx as nx  # noqa: PLC0415 - it takes a tenth of a second, and most databases have no circle

    graph = nx.DiGraph(hops)
    reach = 2
    while True:
        bounded = nx.simple_cycles(graph, length_bound=reach)
        found = [_smallest_first(cycle) for cycle in islice(bounded, LOOKED_AT)]
        if len(found) >= SHOWN or reach >= len(graph):
            return found
        reach *= 2


def _smallest_first(cycle: list[int]) -> tuple[int, ...]:
    start = cycle.index(min(cycle))
    return (*cycle[start:], *cycle[:start])
