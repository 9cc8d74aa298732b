"""The multigraph of foreign keys, and the questions that a move asks of it.

A node is what has to be loaded as one: a table, or a partitioned table with all of its partitions. An edge
is a foreign key, from the table that refers to the table that it needs, with the whole key on it: two keys
between the same pair of tables are two edges.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from migplan.catalog.model import Catalog, ForeignKey, Table
from migplan.digraph import connected_components, digraph, strong_components
from migplan.graph.cycles import Cycle, Hop, cycles_among
from migplan.names import QualifiedName

Keys = tuple[ForeignKey, ...]
Names = tuple[QualifiedName, ...]


@dataclass(frozen=True, slots=True)
class RowCount:
    """The rows of a node, partitions included; None when nobody knows."""

    count: int | None
    exact: bool  # counted, not estimated

    def __str__(self) -> str:
        """``104``, ``~4,300`` where it is an estimate, ``?`` where nobody knows."""
        return "?" if self.count is None else f"{'' if self.exact else '~'}{self.count:,}"


@dataclass(frozen=True, slots=True)
class Hub:
    """A table on which others depend."""

    table: QualifiedName
    direct: int  # tables that refer to it
    transitive: int  # tables that cannot be loaded before it


@dataclass(frozen=True)
class ForeignKeyGraph:
    """The graph of foreign keys. Made by :func:`build`; all answers are sorted and cached."""

    tables: Mapping[QualifiedName, Table]  # the nodes, by name, in order
    partitions: Mapping[QualifiedName, Names]  # of each partitioned table, its leaves and branches
    families: Mapping[QualifiedName, tuple[Table, ...]]  # of each node, itself and its partitions
    hops: tuple[Hop, ...]  # every edge, as its two nodes and its key, in the order of the keys
    self_keys: Mapping[QualifiedName, Keys]
    leaving: Keys  # keys to tables that are not among the nodes: said, never dropped
    provided: Keys  # keys to tables that the target brings by itself
    inherits: Mapping[QualifiedName, Names]  # what else must exist before: the parents of a table's columns
    rows: Mapping[QualifiedName, RowCount]
    not_null_domains: frozenset[str]  # types that refuse NULL whatever the column says

    @cached_property
    def home(self) -> Mapping[QualifiedName, QualifiedName]:
        """The node that each table or partition is a part of."""
        return {part.name: node for node, family in self.families.items() for part in family}

    @cached_property
    def by_text(self) -> Mapping[str, QualifiedName]:
        """Each node's name, under its text."""
        return {str(name): name for name in self.tables}

    @cached_property
    def depth(self) -> Mapping[QualifiedName, int]:
        """The depth of each table: its longest path to a root. Tables of one circle share their depth."""
        depth: dict[QualifiedName, int] = {}
        for members in self.in_order:
            below = [depth[need] for member in members for need in self.needs[member] if need not in members]
            own = max(below, default=-1) + 1
            depth.update(dict.fromkeys(sorted(members), own))
        return {name: depth[name] for name in self.tables}

    @cached_property
    def needs(self) -> Mapping[QualifiedName, Names]:
        """The other tables that each table refers to."""
        return self._sorted((table, needed) for table, needed, _ in self.hops)

    @cached_property
    def dependents(self) -> Mapping[QualifiedName, Names]:
        """The other tables that refer to each table."""
        return self._sorted((needed, table) for table, needed, _ in self.hops)

    @cached_property
    def blocked(self) -> Mapping[QualifiedName, int]:
        """How many other tables cannot be loaded before each table, at any distance."""
        return self.held_up(self.tables)

    @cached_property
    def roots(self) -> Names:
        """Tables that need no other table."""
        return tuple(name for name in self.tables if not self.needs[name])

    @cached_property
    def leaves(self) -> Names:
        """Tables that no other table needs."""
        return tuple(name for name in self.tables if not self.dependents[name])

    @cached_property
    def isolated(self) -> Names:
        """Tables without a key in or out, to themselves, or to what was not selected."""
        tied = {*self.self_keys, *(key.table for key in (*self.leaving, *self.provided))}
        return tuple(
            name
            for name in self.roots
            if not self.dependents[name] and tied.isdisjoint(table.name for table in self.families[name])
        )

    @cached_property
    def hubs(self) -> tuple[Hub, ...]:
        """Tables that others refer to, those that hold up most of them first."""
        hubs = (
            Hub(name, len(self.dependents[name]), self.blocked[name])
            for name in self.tables
            if self.dependents[name]
        )
        return tuple(sorted(hubs, key=lambda hub: (-hub.transitive, -hub.direct, hub.table)))

    @cached_property
    def critical_chain(self) -> Names:
        """The longest chain of needs, root first: what decides how much can be loaded side by side."""
        if not self.depth:
            return ()
        deepest = min(self.tables, key=lambda name: (-self.depth[name], name))
        chain = [deepest]
        while self.depth[chain[-1]]:
            chain.append(self._one_level_down(chain[-1]))
        return tuple(reversed(chain))

    def _one_level_down(self, table: QualifiedName) -> QualifiedName:
        """What holds the table, or its circle, at its depth; the one that blocks most, then by name."""
        circle = next((cycle for cycle in self.circles if table in cycle), frozenset({table}))
        below = {
            need
            for member in circle
            for need in self.needs[member]
            if need not in circle and self.depth[need] == self.depth[table] - 1
        }
        return min(below, key=lambda name: (-self.blocked[name], name))

    @cached_property
    def components(self) -> tuple[Names, ...]:
        """Tables that are connected by keys in any direction; the largest component first."""
        found = (tuple(sorted(members)) for members in connected_components(self.needs))
        return tuple(sorted(found, key=lambda members: (-len(members), members)))

    @cached_property
    def circles(self) -> tuple[frozenset[QualifiedName], ...]:
        """Strongly connected components of more than one table: each table needs each other one."""
        found = (frozenset(members) for members in self.in_order if len(members) > 1)
        return tuple(sorted(found, key=sorted))

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """The cycles within the circles, each with its keys; the shortest first, a few of each circle."""
        return tuple(cycle for circle in self.circles for cycle in cycles_among(circle, self.hops))

    @property
    def keys(self) -> Keys:
        """The keys between different tables among the nodes."""
        return tuple(key for _, _, key in self.hops)

    @property
    def all_keys(self) -> Keys:
        """The keys among the nodes, those of tables to themselves included."""
        own = (key for keys in self.self_keys.values() for key in keys)
        return tuple(sorted((*self.keys, *own), key=_by_table_and_name))

    @cached_property
    def referenced_columns(self) -> Mapping[QualifiedName, frozenset[str]]:
        """The columns of each node that some key refers to."""
        found: dict[QualifiedName, set[str]] = {name: set() for name in self.tables}
        for _, referenced, key in self.hops:
            found[referenced].update(key.referenced_columns)
        for name, keys in self.self_keys.items():
            found[name].update(*(key.referenced_columns for key in keys))
        return {name: frozenset(columns) for name, columns in found.items()}

    @cached_property
    def in_order(self) -> tuple[frozenset[QualifiedName], ...]:
        """Strongly connected components, each after all that it needs."""
        return tuple(frozenset(members) for members in strong_components(self.needs))

    def held_up(self, among: Collection[QualifiedName]) -> dict[QualifiedName, int]:
        """Return how many of these tables need each, at any distance; circles must not be divided."""
        # A set of tables is the bits of one integer: unions over thousands of tables stay cheap.
        bit = {name: 1 << place for place, name in enumerate(among)}
        above: dict[QualifiedName, int] = {}
        for members in reversed(self.in_order):
            if members <= bit.keys():
                reach = sum(bit[member] for member in members)
                for member in members:
                    for dependent in self.dependents[member]:
                        if dependent in bit and dependent not in members:
                            reach |= above[dependent]
                above.update(dict.fromkeys(members, reach))
        return {name: above[name].bit_count() - 1 for name in bit}

    def keys_of(self, table: QualifiedName) -> Keys:
        """Return the keys of one node to other nodes."""
        return self._keys_by_node.get(table, ())

    def _sorted(self, ties: Iterable[tuple[QualifiedName, QualifiedName]]) -> dict[QualifiedName, Names]:
        return {name: tuple(sorted(others)) for name, others in digraph(self.tables, ties).items()}

    @cached_property
    def _keys_by_node(self) -> Mapping[QualifiedName, Keys]:
        gathered: dict[QualifiedName, list[ForeignKey]] = {}
        for table, _, key in self.hops:
            gathered.setdefault(table, []).append(key)
        return {table: tuple(keys) for table, keys in gathered.items()}


def build(catalog: Catalog) -> ForeignKeyGraph:
    """Return the graph of a catalog's tables, or of the part of them that was selected."""
    home = catalog.tops
    # Sorted here, too: a catalog may come from elsewhere than our own reader.
    tables = {table.name: table for table in sorted(catalog.tables, key=lambda table: table.name)}
    nodes = {name: table for name, table in tables.items() if home[name] == name}
    partitions = _gathered(home)
    families = {
        name: (table, *(tables[part] for part in partitions.get(name, ()))) for name, table in nodes.items()
    }
    hops: list[Hop] = []
    self_keys: dict[QualifiedName, list[ForeignKey]] = {}
    leaving: list[ForeignKey] = []
    provided: list[ForeignKey] = []
    for key in sorted(catalog.foreign_keys, key=_by_table_and_name):
        table, referenced = home[key.table], home.get(key.referenced)
        if referenced is None:
            (provided if key.referenced in catalog.provided_by_name else leaving).append(key)
        elif table == referenced:
            self_keys.setdefault(table, []).append(key)
        else:
            hops.append((table, referenced, key))
    return ForeignKeyGraph(
        tables=nodes,
        partitions=partitions,
        families=families,
        hops=tuple(hops),
        self_keys={name: tuple(keys) for name, keys in sorted(self_keys.items())},
        leaving=tuple(leaving),
        provided=tuple(provided),
        inherits=_inherited(nodes, home),
        rows={name: _rows(family) for name, family in families.items()},
        not_null_domains=frozenset(
            str(type_.name)
            for type_ in catalog.types
            if type_.kind == "domain" and any("NOT NULL" in rule for rule in type_.definition)
        ),
    )


def _gathered(home: Mapping[QualifiedName, QualifiedName]) -> dict[QualifiedName, Names]:
    parts: dict[QualifiedName, list[QualifiedName]] = {}
    for name, owner in home.items():
        if name != owner:
            parts.setdefault(owner, []).append(name)
    return {owner: tuple(sorted(names)) for owner, names in sorted(parts.items())}


def _inherited(
    nodes: Mapping[QualifiedName, Table], home: Mapping[QualifiedName, QualifiedName]
) -> dict[QualifiedName, Names]:
    return {
        name: tuple(sorted({home[parent] for parent in table.inherits if parent in home} - {name}))
        for name, table in nodes.items()
        if table.inherits
    }


def _rows(family: tuple[Table, ...]) -> RowCount:
    leaves = [table for table in family if table.partition_key is None]
    if any(leaf.rows is None for leaf in leaves):
        return RowCount(None, exact=False)
    return RowCount(sum(leaf.rows or 0 for leaf in leaves), all(leaf.rows_exact for leaf in leaves))


def _by_table_and_name(key: ForeignKey) -> tuple[QualifiedName, str]:
    return (key.table, key.name)
