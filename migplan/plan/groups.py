"""Groups that people ask for: who belongs where, whether the keys agree, and what would make them agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from migplan.catalog.model import ForeignKey
from migplan.digraph import Graph, digraph, strong_components, topological_order, turned
from migplan.errors import GroupingError, PlanError
from migplan.graph import ForeignKeyGraph
from migplan.names import Pattern, QualifiedName, by_any_name
from migplan.text.wording import did_you_mean, listed


@dataclass(frozen=True, slots=True)
class Group:
    """A group to be: its name, its number if someone fixed it, and its tables."""

    name: str
    number: int | None = None
    purpose: str = ""
    tables: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """A group as a person describes it: by names and globs."""

    name: str
    patterns: tuple[str, ...]
    number: int | None = None
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Move:
    """A table to be moved to another group."""

    table: QualifiedName
    origin: str
    to: str

    def __str__(self) -> str:
        return f"move {self.table} from {self.origin} to {self.to}"


def gathered(wishes: Sequence[Wish], graph: ForeignKeyGraph) -> tuple[Group, ...]:
    """Return the groups with their tables; a table that no group names goes where its keys allow.

    A table named outright belongs to the group that names it, whatever globs say of it elsewhere.
    """
    place = placed(claimed(wishes, graph), graph)
    groups = [Group(wish.name, wish.number, wish.purpose) for wish in wishes]
    if len(place) < len(graph.tables):
        groups.append(Group(_free_name("others", groups), purpose="Tables that belong to no other group."))
    members: list[list[QualifiedName]] = [[] for _ in groups]
    for name in graph.tables:
        members[place.get(name, len(groups) - 1)].append(name)
    return tuple(replace(group, tables=tuple(own)) for group, own in zip(groups, members, strict=True) if own)


def placed(claims: dict[QualifiedName, int], graph: ForeignKeyGraph) -> dict[QualifiedName, int]:
    """Return places for the claimed tables, and for those that keys tie to them; none is moved."""
    needs = digraph(graph.tables, ((bond.table, bond.needs) for bond in bonds(graph)))
    users = turned(needs)
    place = dict(claims)
    # Of tables that hang together in a circle, each after all that it needs; those with a place are done.
    units = [unit for unit in strong_components(needs) if any(name not in place for name in unit)]
    before = -1
    while len(place) > before:
        before = len(place)
        for line, beside, nearest in ((units, needs, max), (units[::-1], users, min)):
            for unit in line:
                found = {place[other] for name in unit for other in (name, *beside[name]) if other in place}
                if found:
                    place |= {name: nearest(found) for name in unit if name not in place}
    return place


def claimed(wishes: Sequence[Wish], graph: ForeignKeyGraph) -> dict[QualifiedName, int]:
    """Return the place of the group of each table that some group names."""
    claims: dict[QualifiedName, dict[bool, list[tuple[int, str]]]] = {}
    for number, wish in enumerate(wishes):
        for text in wish.patterns:
            pattern = _pattern(text, wish.name)
            # A plan names thousands of tables outright: those need no search.
            named = graph.by_text.get(text)
            matching = [named] if named else [name for name in graph.tables if pattern.matches(name)]
            if not matching:
                raise _no_such_table(text, wish.name, graph)
            for name in matching:
                claims.setdefault(name, {}).setdefault(pattern.is_literal, []).append((number, text))
    place = {}
    for name, by_literal in claims.items():
        best = by_literal.get(True) or by_literal[False]
        if len({number for number, _ in best}) > 1:
            said = " and ".join(f"{wishes[number].name} ({text})" for number, text in best)
            raise PlanError(
                f"{name} is in more than one group: {said}",
                do="leave it in one of them; a table named outright wins over a glob",
            )
        place[name] = best[0][0]
    return place


@dataclass(frozen=True, slots=True)
class Bond:
    """Why a table must not be in an earlier group than another."""

    table: QualifiedName
    needs: QualifiedName
    key: ForeignKey | None  # None: the table inherits

    @property
    def why(self) -> str:
        """The key, or the inheritance, as messages say it."""
        if self.key is None:
            return f"INHERITS: {self.table} -> {self.needs}"
        return self.key.label


def bonds(graph: ForeignKeyGraph) -> tuple[Bond, ...]:
    """Return foreign keys between tables, and inheritance, which needs its parent just as much."""
    return (
        *(Bond(table, needed, key) for table, needed, key in graph.hops),
        *(Bond(table, parent, None) for table, parents in graph.inherits.items() for parent in parents),
    )


def contradictions(groups: Sequence[Group], graph: ForeignKeyGraph) -> tuple[Bond, ...]:
    """Return the bonds that point from a group to a later one."""
    place = _places(groups)
    return tuple(bond for bond in bonds(graph) if place[bond.needs] > place[bond.table])


def settled(groups: Sequence[Group], graph: ForeignKeyGraph, *, reorder: bool = False) -> tuple[Group, ...]:
    """Return the groups if the keys allow them; else GroupingError, or with ``reorder`` what works."""
    blame = contradictions(groups, graph)
    if not blame:
        return tuple(groups)
    order = working_order(groups, graph)
    if reorder:
        return order or moved(groups, moves(groups, graph))
    group_of = {name: group.name for group in groups for name in group.tables}
    lines = [
        f"{bond.why} needs group {group_of[bond.needs]} before group {group_of[bond.table]}" for bond in blame
    ]
    advice = [str(move) for move in moves(groups, graph)]
    ways = [listed(advice, 5, "; ")]
    if order:
        ways.insert(0, f"--reorder takes the order {', '.join(group.name for group in order)}")
    else:
        ways.insert(0, "--reorder makes these moves: " + ways.pop())
    raise GroupingError(
        "the groups contradict the foreign keys:\n  " + "\n  ".join(lines),
        do=", or ".join(ways),
        keys=tuple(lines),
    )


def working_order(groups: Sequence[Group], graph: ForeignKeyGraph) -> tuple[Group, ...] | None:
    """Return the groups in an order that the keys allow, near to the given one; None if there is none.

    Numbers stay where they are and names move: the first group keeps the first number.
    """
    place = _places(groups)
    ties = ((place[bond.needs], place[bond.table]) for bond in bonds(graph))
    order = topological_order(digraph(range(len(groups)), ((a, b) for a, b in ties if a != b)))
    if order is None:
        return None
    return tuple(
        replace(groups[number], number=groups[position].number) for position, number in enumerate(order)
    )


def moves(groups: Sequence[Group], graph: ForeignKeyGraph) -> tuple[Move, ...]:
    """Return the fewest tables to move so that the given order of the groups works."""
    place = _places(groups)
    fitting = accommodated(place, graph)
    return tuple(
        Move(name, groups[place[name]].name, groups[fitting[name]].name)
        for name in graph.tables
        if fitting[name] != place[name]
    )


def accommodated(place: Mapping[QualifiedName, int], graph: ForeignKeyGraph) -> dict[QualifiedName, int]:
    """Return places that the keys allow: those given but for the fewest moves, and others for the rest.

    A table without a place goes where most of its neighbours are. One that no key ties to any with a place,
    not even through others, gets none.
    """
    names = list(graph.tables)
    number = {name: at for at, name in enumerate(names)}
    # In numbers, since networkx walks through sets, and names come out of them in another order each time.
    ties = digraph(range(len(names)), ((number[bond.table], number[bond.needs]) for bond in bonds(graph)))
    given = {number[name]: at for name, at in place.items() if name in number}
    moving = _fewest_in_the_way(given, ties)
    fixed = {name: at for name, at in given.items() if name not in moving}
    return {names[name]: at for name, at in _nearest_places(fixed, given, ties).items()}


def _fewest_in_the_way(place: Mapping[int, int], ties: Graph[int]) -> set[int]:
    """Return the fewest nodes without which no other needs, over however many steps, one of a later place.

    That a node needs another of a later place is a partial order, so those that may stay are its largest
    antichain, and the rest is a smallest vertex cover of a bipartite graph (Dilworth, König).
    """
    size = len(ties)
    if len(place) == size and all(place[node] >= place[need] for node in ties for need in ties[node]):
        return set()
    import networkx as nx  # noqa: PLC0415 - few plans have groups that contradict the keys

    keys = nx.DiGraph((node, need) for node, needs in ties.items() for need in needs)
    keys.add_nodes_from(ties)
    conflicts: nx.Graph[int] = nx.Graph()
    for node, at in sorted(place.items()):
        for need in nx.descendants(keys, node):
            if place.get(need, at) > at:
                conflicts.add_edge(node, need + size)
    # From this side, the needed table is moved where one is as good as the other.
    tops = sorted(node for node in conflicts if node >= size)
    matching = nx.bipartite.hopcroft_karp_matching(conflicts, tops)
    return {node % size for node in nx.bipartite.to_vertex_cover(conflicts, matching, tops)}


def _nearest_places(fixed: Mapping[int, int], given: Mapping[int, int], ties: Graph[int]) -> dict[int, int]:
    """Return a place for each node that is tied to a fixed one, or had one."""
    users = turned(ties)
    units = strong_components(ties)  # each after all that it needs
    at_most: dict[int, int] = {}
    for unit in reversed(units):
        limits = [fixed[each] for each in unit if each in fixed]
        limits += [at_most[each] for each in _beside(unit, users) if each in at_most]
        if limits:
            at_most |= dict.fromkeys(unit, min(limits))
    found: dict[int, int] = {}
    at_least: dict[int, int] = {}
    for unit in units:
        needs = _beside(unit, ties)
        lowest = max((found.get(each, at_least.get(each, -1)) for each in needs), default=-1)
        own = sorted({fixed[each] for each in unit if each in fixed})
        if own:
            found |= dict.fromkeys(unit, own[0])
            continue
        highest = at_most.get(min(unit), None)
        neighbours = [
            at
            for each in (*needs, *_beside(unit, users))
            if (at := found.get(each, fixed.get(each))) is not None
        ]
        wished = [given[each] for each in sorted(unit) if each in given] or [
            at for at in neighbours if at >= lowest and (highest is None or at <= highest)
        ]
        if not wished:
            wished = [at for at in (lowest, highest) if at is not None and at >= 0]
        if wished:
            best = min(Counter(wished).items(), key=lambda pair: (-pair[1], pair[0]))[0]
            best = max(best, lowest) if highest is None else min(max(best, lowest), highest)
            found |= dict.fromkeys(unit, best)
        elif lowest >= 0:
            at_least |= dict.fromkeys(unit, lowest)
    return found


def _beside(unit: set[int], ties: Graph[int]) -> list[int]:
    return sorted({other for node in unit for other in ties[node]} - unit)


def moved(groups: Sequence[Group], wanted: Iterable[Move]) -> tuple[Group, ...]:
    """Return the groups after the moves; a group that lost its last table is gone."""
    to = {move.table: move.to for move in wanted}
    result = []
    for group in groups:
        stay = [name for name in group.tables if to.get(name, group.name) == group.name]
        come = [name for name, target in to.items() if target == group.name]
        if stay or come:
            result.append(replace(group, tables=tuple(sorted({*stay, *come}))))
    return tuple(result)


def _places(groups: Sequence[Group]) -> dict[QualifiedName, int]:
    return {name: number for number, group in enumerate(groups) for name in group.tables}


def _pattern(text: str, group: str) -> Pattern:
    try:
        pattern = Pattern(text)
        _ = pattern.pieces
    except ValueError as error:
        raise PlanError(f"group {group}: {error}") from None
    return pattern


def _no_such_table(text: str, group: str, graph: ForeignKeyGraph) -> PlanError:
    advice = did_you_mean(text, by_any_name(graph.tables), "migplan analyze lists the tables")
    return PlanError(
        f"group {group} names {text}, and no selected table is called so",
        do=partition_hint(text, graph) or advice,
    )


def partition_hint(text: str, graph: ForeignKeyGraph) -> str:
    """Return advice if a pattern names a partition, which goes where its table goes; else nothing."""
    try:
        pattern = Pattern(text)
        owners = [owner for owner, parts in graph.partitions.items() if any(map(pattern.matches, parts))]
    except ValueError:
        return ""
    return f"partitions are loaded with their table: name {owners[0]}" if owners else ""


def _free_name(wanted: str, groups: Sequence[Group]) -> str:
    taken = {group.name for group in groups}
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)
