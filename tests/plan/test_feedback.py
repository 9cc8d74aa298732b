"""The cheapest cut, against all the ways that there are."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given

from migplan.plan.feedback_arcs import Arc, cheapest_cut, way_round
from tests import strategies


def is_open(arcs: list[Arc], cut: set[int]) -> bool:
    """Whether nothing leads round: take away what has nothing before it, until nothing is left."""
    left = {(arc.tail, arc.head) for place, arc in enumerate(arcs) if place not in cut}
    while left:
        free = {arc for arc in left if not any(head == arc[0] for _, head in left)}
        if not free:
            return False
        left -= free
    return True


def total(arcs: list[Arc], cut: set[int]) -> tuple[int, ...]:
    costs = [arcs[place].cost or () for place in cut]
    return tuple(map(sum, zip(*costs, strict=True))) or (0, 0, 0)


@given(strategies.arcs)
def test_no_subset_is_cheaper(found: list[tuple[int, int, tuple[int, int, int]]]) -> None:
    arcs = [Arc(*each) for each in found]
    answer = cheapest_cut(arcs)
    assert answer.proven
    assert is_open(arcs, set(answer.arcs))
    subsets = (set(each) for size in range(len(arcs) + 1) for each in combinations(range(len(arcs)), size))
    cheapest = min(total(arcs, cut) for cut in subsets if is_open(arcs, cut))
    assert total(arcs, set(answer.arcs)) == cheapest


@given(strategies.arcs)
def test_nothing_is_cut_in_vain(found: list[tuple[int, int, tuple[int, int, int]]]) -> None:
    arcs = [Arc(*each) for each in found]
    cut = set(cheapest_cut(arcs).arcs)
    assert not [place for place in cut if is_open(arcs, cut - {place})]


@given(strategies.arcs)
def test_arcs_that_must_stay_do(found: list[tuple[int, int, tuple[int, int, int]]]) -> None:
    arcs = [Arc(tail, head, cost if sum(cost) % 3 else None) for tail, head, cost in found]
    must_stay = [place for place, arc in enumerate(arcs) if arc.cost is None]
    if not way_round(arcs, must_stay):
        cut = set(cheapest_cut(arcs).arcs)
        assert is_open(arcs, cut)
        assert not cut & set(must_stay)


@given(strategies.arcs)
def test_a_way_round_is_one_and_the_shortest(found: list[tuple[int, int, tuple[int, int, int]]]) -> None:
    arcs = [Arc(*each) for each in found]
    way = way_round(arcs, range(len(arcs)))
    assert bool(way) is not is_open(arcs, set())
    for here, there in zip(way, (*way[1:], *way[:1]), strict=True):
        assert arcs[here].head == arcs[there].tail
    for size in range(2, len(way)):
        for some in combinations(range(len(arcs)), size):
            assert is_open([arcs[place] for place in some], set())
