"""Tables to be emptied, a batch at a time: all at once would want more locks than servers have.

A server has room for ``max_locks_per_transaction`` times its connections, 6,400 locks unless that is changed
(https://www.postgresql.org/docs/current/runtime-config-locks.html), and each table takes some: its own, those
of its indexes, and two for values out of line.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import TypeVar

from migplan.digraph import digraph, strong_components, topological_order

BATCH = 100
"""Tables of a batch, unless more of them refer to each other in a circle."""

MOST_REFERENCING = 400
"""How many tables TRUNCATE may have to name because they refer to others; else rows are deleted."""

Table = TypeVar("Table", bound=Hashable)


def batches(tables: Sequence[Table], needs: Mapping[Table, Collection[Table]]) -> list[list[Table]]:
    """Return tables in batches, each before those that it refers to; else the last of the sequence first.

    ``needs`` has the tables to which each refers. Those of a circle are never parted.
    """
    place = {table: number for number, table in enumerate(tables)}
    graph = digraph(
        place.values(),
        ((place[table], place[need]) for table in tables for need in needs.get(table, ()) if need in place),
    )
    circles = {max(circle): circle for circle in strong_components(graph)}
    last = {member: node for node, circle in circles.items() for member in circle}
    whole = digraph(
        circles,
        ((last[a], last[b]) for a, ends in graph.items() for b in ends if last[a] != last[b]),
    )
    found: list[list[Table]] = [[]]
    for node in topological_order(whole, lambda node: -node) or ():
        members = sorted(circles[node], reverse=True)
        if found[-1] and len(found[-1]) + len(members) > BATCH:
            found.append([])
        found[-1] += [tables[member] for member in members]
    return [batch for batch in found if batch]


def with_referencing(table: Table, users: Mapping[Table, Collection[Table]]) -> set[Table] | None:
    """Return a table and all that refer to it, directly or through others; None if these are too many."""
    found, waiting = {table}, [table]
    while waiting:
        new = set(users.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
        if len(found) > MOST_REFERENCING:
            return None
    return found
