"""Groups that nobody asked for: what hangs together goes together, what many need comes first.

The result is a line of groups in which no key points forward, so it can be cut or joined anywhere.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from math import ceil

from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.groups import Group, moved, moves

MOST_GROUPS = 9  # two-digit file names hold as many
FEW_TABLES = 5  # so few are not worth dividing
SMALL_GROUP = 12
HUB_SHARE = 0.25  # who holds up this share of the tables belongs to the first group

_WORD = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")

Names = frozenset[QualifiedName]


def propose(graph: ForeignKeyGraph) -> tuple[Group, ...]:
    """Return groups for all tables of the graph."""
    every = frozenset(graph.tables)
    if len(every) <= FEW_TABLES:
        return (Group("all", purpose="All tables; so few need no division.", tables=tuple(graph.tables)),)
    foundation = frozenset(graph.roots) | _hubs(every, graph)
    limit = max(SMALL_GROUP, ceil(len(every) / 5))
    line = [part for part in (foundation, *_divided(every - foundation, graph, limit)) if part]
    while len(line) > MOST_GROUPS:
        _join_smallest_neighbours(line)
    groups = tuple(_named(line, foundation, graph))
    # The line follows the keys; a table that inherits from another may still stand before it.
    return moved(groups, moves(groups, graph))


def _divided(names: Names, graph: ForeignKeyGraph, limit: int) -> list[Names]:
    """Return tables divided into a line of groups in which no key points forward."""
    if len(names) <= limit:
        return [names] if names else []
    islands = _islands(names, graph)
    if len(islands) > 1:
        tiny = frozenset().union(*(island for island in islands if len(island) <= 2))
        line = [part for island in islands if len(island) > 2 for part in _divided(island, graph, limit)]
        return [*([tiny] if tiny else []), *line]
    core = _hubs(names, graph)
    if not core or len(core) > len(names) / 2:
        core = _lower_half(names, graph)
    return [core, *_divided(names - core, graph, limit)]


def _islands(names: Names, graph: ForeignKeyGraph) -> list[Names]:
    """Return the parts that no key connects. networkx would look at the whole graph for each of them."""
    left, found = set(names), []
    for start in sorted(names):
        if start in left:
            left.discard(start)
            island = [start]
            for name in island:  # it grows while we walk
                for other in (*graph.needs[name], *graph.dependents[name]):
                    if other in left:
                        left.discard(other)
                        island.append(other)
            found.append(frozenset(island))
    return sorted(
        found,
        key=lambda island: (min(graph.depth[name] for name in island), -len(island), min(island)),
    )


def _hubs(names: Names, graph: ForeignKeyGraph) -> Names:
    """Return the tables that a good part of the others need."""
    enough = max(2, HUB_SHARE * len(names))
    return frozenset(name for name, number in graph.held_up(names).items() if number >= enough)


def _lower_half(names: Names, graph: ForeignKeyGraph) -> Names:
    """Return the tables of the lower levels, about half of them; all if there is only one level."""
    levels = Counter(graph.depth[name] for name in names)
    taken = 0
    for level in sorted(levels):
        taken += levels[level]
        if taken >= len(names) / 2:
            return frozenset(name for name in names if graph.depth[name] <= level)
    return names


def _join_smallest_neighbours(line: list[Names]) -> None:
    at = min(range(1, len(line)), key=lambda place: (len(line[place - 1]) + len(line[place]), place))
    line[at - 1 : at + 1] = [line[at - 1] | line[at]]


def _named(line: Sequence[Names], foundation: Names, graph: ForeignKeyGraph) -> Iterable[Group]:
    words = Counter(word for name in graph.tables for word in _words(name))
    taken: set[str] = set()
    for names in line:
        if foundation and foundation <= names:
            name, purpose = (
                "foundation",
                "Tables that need no other, and those that most others need.",
            )
        else:
            name, purpose = _name_of(names, words, graph), ""
        wanted, number = name, 1
        while name in taken:
            number += 1
            name = f"{wanted}-{number}"
        taken.add(name)
        yield Group(name, purpose=purpose, tables=tuple(sorted(names)))


def _name_of(names: Names, words: Counter[str], graph: ForeignKeyGraph) -> str:
    """Return the schema if it is theirs alone, else their most distinctive word, else their largest hub."""
    schemas = {name.schema for name in names}
    if len(schemas) == 1 and {name for name in graph.tables if name.schema in schemas} == set(names):
        return slug(schemas.pop())
    own = Counter(word for name in names for word in _words(name))
    if own:
        word = min(own, key=lambda word: (-(own[word] ** 2) / words[word], word))
        if own[word] >= max(2, len(names) / 4):
            return slug(word)
    hub = min(names, key=lambda name: (-graph.blocked[name], name))
    return slug(hub.name)


def _words(name: QualifiedName) -> set[str]:
    return {word.lower() for word in _WORD.findall(name.name) if len(word) > 2 and not word.isdecimal()}


def slug(text: str) -> str:
    """Return a name that a group can have."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return slug[:40].strip("-") or "tables"
