"""Directed graphs: what hangs together in circles, and the one order that everybody gets.

A graph is a mapping: under each node, those to which an edge leads from it. Every node has its entry. What
comes out is decided by the order in which nodes and edges are given, or by a key: never by the hashes of
names, which are others in each process.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from heapq import heapify, heappop, heappush
from typing import Any, TypeVar

Node = TypeVar("Node", bound=Hashable)
Graph = Mapping[Node, Collection[Node]]


def digraph(nodes: Iterable[Node], edges: Iterable[tuple[Node, Node]]) -> dict[Node, dict[Node, None]]:
    """Return a graph, the edges of each node once, in the order in which they came."""
    graph: dict[Node, dict[Node, None]] = {node: {} for node in nodes}
    for start, end in edges:
        graph.setdefault(start, {})[end] = None
        graph.setdefault(end, {})
    return graph


def turned(graph: Graph[Node]) -> dict[Node, dict[Node, None]]:
    """Return the graph with all edges the other way round."""
    return digraph(graph, ((end, start) for start, ends in graph.items() for end in ends))


def strong_components(graph: Graph[Node]) -> list[set[Node]]:
    """Return the strongly connected components, each after all to which edges lead from it.

    By Tarjan's algorithm, without recursion: chains of keys may be longer than Python's stack.
    """
    found: list[set[Node]] = []
    number: dict[Node, int] = {}  # in the order of their discovery
    lowest: dict[Node, int] = {}
    open_: dict[Node, None] = {}  # discovered, and not yet in a component
    for root in graph:
        if root in number:
            continue
        number[root] = lowest[root] = len(number)
        open_[root] = None
        way = [(root, iter(graph[root]))]
        while way:
            node, ends = way[-1]
            for end in ends:
                if end not in number:
                    number[end] = lowest[end] = len(number)
                    open_[end] = None
                    way.append((end, iter(graph[end])))
                    break
                if end in open_:
                    lowest[node] = min(lowest[node], number[end])
            else:
                way.pop()
                if way:
                    before = way[-1][0]
                    lowest[before] = min(lowest[before], lowest[node])
                if lowest[node] == number[node]:
                    found.append(_taken(open_, node))
    return found


def _taken(open_: dict[Node, None], first: Node) -> set[Node]:
    members: set[Node] = set()
    while first not in members:
        members.add(open_.popitem()[0])
    return members


def topological_order(
    graph: Graph[Node], key: Callable[[Node], Any] = lambda node: node
) -> list[Node] | None:
    """Return every node before those to which edges lead from it, else by the key, else as they are given.

    None if there is a circle.
    """
    place = {node: at for at, node in enumerate(graph)}
    waits = dict.fromkeys(graph, 0)
    for ends in graph.values():
        for end in ends:
            waits[end] += 1
    ready = [(key(node), place[node], node) for node, number in waits.items() if not number]
    heapify(ready)
    order = []
    while ready:
        node = heappop(ready)[2]
        order.append(node)
        for end in graph[node]:
            waits[end] -= 1
            if not waits[end]:
                heappush(ready, (key(end), place[end], end))
    return order if len(order) == len(graph) else None


def connected_components(graph: Graph[Node]) -> list[set[Node]]:
    """Return the nodes that are connected by edges of any direction."""
    back = turned(graph)
    found: list[set[Node]] = []
    seen: set[Node] = set()
    for root in graph:
        if root in seen:
            continue
        members, waiting = {root}, [root]
        while waiting:
            node = waiting.pop()
            new = {*graph[node], *back[node]} - members
            members |= new
            waiting += new
        seen |= members
        found.append(members)
    return found
