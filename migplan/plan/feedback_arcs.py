"""The cheapest arcs to cut so that a graph has no way round any more: a feedback arc set, on plain numbers.

First a quick answer: the dearest arcs are laid down one by one, and what would close a circle is cut. Then
branch and bound: find a way round, try each of its arcs, forget what gets dearer than the best so far.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Cost = tuple[int, ...]
"""Compared from the left: the second number only counts where the first are equal."""

# So much is looked at before the best cut found so far is taken: circles of a few dozen arcs are settled long
# before, and one of hundreds must not hold anyone up.
ARCS_LOOKED_AT = 10_000_000


@dataclass(frozen=True, slots=True)
class Arc:
    """An arc from one node to another, and what it costs to cut it; None: it must stay."""

    tail: int
    head: int
    cost: Cost | None


@dataclass(frozen=True, slots=True)
class Answer:
    """The arcs to cut, by their places, and whether no cheaper way can exist."""

    arcs: tuple[int, ...]
    proven: bool


def cheapest_cut(arcs: Sequence[Arc]) -> Answer:
    """Return the cheapest cut; the arcs that must stay must not form a cycle."""
    return _Search(arcs).answer()


def way_round(arcs: Sequence[Arc], among: Iterable[int]) -> tuple[int, ...]:
    """Return a shortest cycle over some of the arcs, as their places; empty if there is none."""
    leaving: dict[int, list[int]] = {}
    for place in among:
        leaving.setdefault(arcs[place].tail, []).append(place)
    shortest: tuple[int, ...] = ()
    for start in sorted(leaving):
        way = _way_back(start, arcs, leaving, len(shortest))
        if way:
            shortest = way
        if len(shortest) == 2:
            break
    return shortest


def _way_back(
    start: int, arcs: Sequence[Arc], leaving: dict[int, list[int]], shorter_than: int
) -> tuple[int, ...]:
    came: dict[int, int] = {}
    border = [start]
    steps = 1
    while border and (not shorter_than or steps < shorter_than):
        reached = []
        for node in border:
            for place in leaving.get(node, ()):
                head = arcs[place].head
                if head == start:
                    return _traced(place, start, arcs, came)
                if head not in came:
                    came[head] = place
                    reached.append(head)
        border = reached
        steps += 1
    return ()


def _traced(last: int, start: int, arcs: Sequence[Arc], came: dict[int, int]) -> tuple[int, ...]:
    way = [last]
    while arcs[way[-1]].tail != start:
        way.append(came[arcs[way[-1]].tail])
    return tuple(reversed(way))


def _closing(arcs: Sequence[Arc], order: Iterable[int]) -> tuple[int, ...]:
    """Return the arcs that would close a cycle if all were added in that order."""
    heads: dict[int, set[int]] = {}
    closing = []
    for place in order:
        arc = arcs[place]
        if _reaches(arc.head, arc.tail, heads):
            closing.append(place)
        else:
            heads.setdefault(arc.tail, set()).add(arc.head)
    return tuple(closing)


def _reaches(node: int, target: int, heads: dict[int, set[int]]) -> bool:
    seen = {node}
    border = [node]
    while border:
        node = border.pop()
        if node == target:
            return True
        new = heads.get(node, set()) - seen
        seen |= new
        border.extend(new)
    return False


def _sum(costs: Iterable[Cost | None]) -> Cost:
    """Return the sum of costs, place by place."""
    return tuple(map(sum, zip(*(cost for cost in costs if cost), strict=True)))


class _Search:
    def __init__(self, arcs: Sequence[Arc]) -> None:
        self._arcs = arcs
        self._nodes = len({arc.tail for arc in arcs})
        self._patience = ARCS_LOOKED_AT
        self._best = _closing(arcs, self._dearest_first(range(len(arcs))))
        self._cost = self._cost_of(self._best)

    def answer(self) -> Answer:
        if self._best:
            self._descend((), frozenset())
        # An arc that costs nothing may have been cut in vain.
        stays = [place for place in range(len(self._arcs)) if place not in set(self._best)]
        needed = _closing(self._arcs, [*stays, *self._dearest_first(self._best)])
        return Answer(tuple(sorted(needed)), proven=self._patience > 0)

    def _dearest_first(self, places: Iterable[int]) -> list[int]:
        """Return the arcs that must stay, then the others, the dearest first."""

        def worth(place: int) -> tuple[bool, Cost, int]:
            cost = self._arcs[place].cost
            return (cost is None, cost or (), place)

        return sorted(places, key=worth, reverse=True)

    def _cost_of(self, cut: Iterable[int]) -> Cost:
        return _sum(self._arcs[place].cost for place in cut)

    def _descend(self, cut: tuple[int, ...], kept: frozenset[int]) -> None:
        cost = self._cost_of(cut)
        if (cut and cost >= self._cost) or self._patience <= 0:
            return
        gone = set(cut)
        left = [place for place in range(len(self._arcs)) if place not in gone]
        self._patience -= len(left) * self._nodes
        way = way_round(self._arcs, left)
        if not way:
            self._best, self._cost = cut, cost
            return
        options = [place for place in reversed(self._dearest_first(way)) if place not in kept]
        for place in options:
            if self._arcs[place].cost is not None:
                self._descend((*cut, place), kept)
                # What was tried need not be tried again in another order: from here on this arc stays.
                kept |= {place}
