"""Directed graphs: what networkx says of the same ones, on random graphs."""

from __future__ import annotations

import networkx as nx
from hypothesis import given
from hypothesis import strategies as st

from migplan.digraph import connected_components, digraph, strong_components, topological_order, turned

EDGES = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=25)
FORWARD = EDGES.map(lambda edges: [(min(edge), max(edge)) for edge in edges if edge[0] != edge[1]])


@given(EDGES)
def test_strong_components_come_after_all_to_which_they_lead(edges: list[tuple[int, int]]) -> None:
    graph = digraph(range(10), edges)
    found = strong_components(graph)
    theirs = nx.strongly_connected_components(nx.DiGraph(edges))
    alone = {frozenset({node}) for node in range(10)} - {frozenset({node}) for edge in edges for node in edge}
    assert set(map(frozenset, found)) == set(map(frozenset, theirs)) | alone
    place = {node: at for at, members in enumerate(found) for node in members}
    assert all(place[end] <= place[start] for start, end in edges)


@given(FORWARD, st.permutations(range(10)))
def test_the_order_is_that_of_keys_where_edges_leave_a_choice(
    edges: list[tuple[int, int]], rank: list[int]
) -> None:
    theirs: nx.DiGraph[int] = nx.DiGraph()
    theirs.add_nodes_from(range(10))
    theirs.add_edges_from(edges)
    ours = digraph(range(10), edges)
    assert topological_order(ours, rank.__getitem__) == list(
        nx.lexicographical_topological_sort(theirs, key=rank.__getitem__)
    )
    assert topological_order(turned(ours)) == list(nx.lexicographical_topological_sort(theirs.reverse()))


@given(EDGES)
def test_a_circle_has_no_order(edges: list[tuple[int, int]]) -> None:
    acyclic = nx.is_directed_acyclic_graph(nx.DiGraph(edges))
    assert (topological_order(digraph((), edges)) is not None) == acyclic


@given(EDGES)
def test_components_are_connected_in_any_direction(edges: list[tuple[int, int]]) -> None:
    theirs = nx.weakly_connected_components(nx.DiGraph(edges))
    assert list(connected_components(digraph((), edges))) == list(theirs)


def test_a_chain_may_be_longer_than_the_stack() -> None:
    length = 100_000
    graph = digraph((), ((node, node + 1) for node in range(length)))
    assert [node for members in strong_components(graph) for node in members] == [*range(length, -1, -1)]
