"""Where to cut the circles open: the cheapest set of keys without which no table needs itself.

A key can be cut by deferring it, by loading NULL first, or, when nothing else works, by creating it later.
What that costs is compared in this order: keys created later, rows written twice, keys deferred.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from migplan.catalog.model import Column, ForeignKey, Table
from migplan.config import Strategy
from migplan.errors import CycleError
from migplan.graph import ForeignKeyGraph
from migplan.graph.cycles import Hop
from migplan.names import QualifiedName, quoted
from migplan.plan.feedback_arcs import Arc, Cost, cheapest_cut, way_round
from migplan.plan.model import PlannedCut

UNKNOWN_ROWS = 10**9
FREE: Cost = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Cut:
    """A key that is cut, and how."""

    node: QualifiedName
    key: ForeignKey
    how: Strategy
    cost: Cost = FREE
    rewritten: int | None = 0  # rows that are written twice; None when nobody knows
    by_hand: bool = False
    kept: bool = False  # of an earlier plan, where people chose it
    best: bool = True  # proven the cheapest, not merely the best that was found


def cuts(
    graph: ForeignKeyGraph,
    wanted: Mapping[QualifiedName, Strategy] | None = None,
    chosen: Sequence[PlannedCut] = (),
) -> tuple[Cut, ...]:
    """Return the cuts that open every circle; ``wanted`` has the strategies that people set.

    The cuts that people have ``chosen`` are among them, where their keys are in a circle and can be cut so.
    """
    found: list[Cut] = []
    for circle in graph.circles:
        edges = [
            (table, referenced, key)
            for table, referenced, key in graph.hops
            if table in circle and referenced in circle and key.enforced
        ]
        kept = {hop: cut for hop in edges if (cut := _kept(hop, graph, chosen))}
        left = [hop for hop in edges if hop not in kept]
        ways = [_way(node, key, graph, (wanted or {}).get(node)) for node, _, key in left]
        found += (*kept.values(), *_cheapest(left, ways))
    return tuple(sorted(found, key=lambda cut: (cut.key.table, cut.key.name)))


def ways_to_cut(key: ForeignKey, node: QualifiedName, graph: ForeignKeyGraph) -> Iterator[Strategy]:
    """Yield the ways to cut a key, the gentlest first."""
    if key.deferrable:
        yield Strategy.DEFERRED
    if nullable_columns(key, node, graph):
        yield Strategy.NULL_THEN_UPDATE
    yield Strategy.CONSTRAINT_LATER


def _way(node: QualifiedName, key: ForeignKey, graph: ForeignKeyGraph, wish: Strategy | None) -> Cut | None:
    """Return how a key would be cut, and at what cost; None if a person's strategy forbids it."""
    rows = graph.rows[node].count
    rewritten = None if rows is None else round(rows * (1 - (key.null_fraction or 0.0)))
    if wish is not None:
        return _wished(node, key, graph, wish, rewritten)
    if not key.validated:  # it is created after the rows anyhow: its own rows may break it
        return Cut(node, key, Strategy.CONSTRAINT_LATER)
    how = next(ways_to_cut(key, node, graph))
    if how is Strategy.DEFERRED:
        return Cut(node, key, how, cost=(0, 0, 1, 0))
    if how is Strategy.NULL_THEN_UPDATE:
        twice = UNKNOWN_ROWS if rewritten is None else rewritten
        return Cut(node, key, how, cost=(0, 1 + twice, 0, 0), rewritten=rewritten)
    return Cut(node, key, how, cost=(1, 0, 0, UNKNOWN_ROWS if rows is None else rows))


def _wished(
    node: QualifiedName, key: ForeignKey, graph: ForeignKeyGraph, wish: Strategy, rewritten: int | None
) -> Cut | None:
    if wish is Strategy.SCHEMA_ONLY:  # the table stays empty, and its keys are kept by no row
        return Cut(node, key, wish, by_hand=True)
    if wish not in ways_to_cut(key, node, graph):
        return None
    twice = rewritten if wish is Strategy.NULL_THEN_UPDATE else 0
    return Cut(node, key, wish, rewritten=twice, by_hand=True)


def _kept(hop: Hop, graph: ForeignKeyGraph, chosen: Sequence[PlannedCut]) -> Cut | None:
    """Return the cut of a key that people have chosen; None if they have not, or it is none any more."""
    node, _, key = hop
    how = next((each.how for each in chosen if is_of(each, node, key)), None)
    if how is None or how not in (ways_to_cut(key, node, graph) if key.validated else _UNPROVEN):
        return None
    rows = graph.rows[node].count
    twice = rows if how is Strategy.NULL_THEN_UPDATE else 0
    return Cut(node, key, how, rewritten=twice, by_hand=True, kept=True)


_UNPROVEN = (Strategy.CONSTRAINT_LATER,)


def is_of(cut: PlannedCut, node: QualifiedName, key: ForeignKey) -> bool:
    """Return whether a cut is one of a table's key, whatever the key's columns are called by now."""
    return cut.table == str(node) and cut.key.startswith(f"{key.name}: {key.table} (")


def _cheapest(edges: Sequence[Hop], ways: Sequence[Cut | None]) -> Iterator[Cut]:
    number = {name: place for place, name in enumerate(sorted({name for edge in edges for name in edge[:2]}))}
    arcs = [
        Arc(number[table], number[referenced], way.cost if way else None)
        for (table, referenced, _), way in zip(edges, ways, strict=True)
    ]
    closed = way_round(arcs, [place for place, arc in enumerate(arcs) if arc.cost is None])
    if closed:
        raise _hopeless([edges[place] for place in closed])
    answer = cheapest_cut(arcs)
    for place in answer.arcs:
        way = ways[place]
        assert way is not None
        yield replace(way, best=answer.proven)


def _hopeless(way: Sequence[Hop]) -> CycleError:
    tables = " -> ".join(str(edge[0]) for edge in (*way, way[0]))
    keys = tuple(edge[2].label for edge in way)
    return CycleError(
        f"the strategies that were set by hand leave the cycle {tables} closed:\n  " + "\n  ".join(keys),
        do="set one of them to deferred, null-then-update or constraint-later, or leave it to migplan",
        keys=keys,
    )


# --- which columns of a foreign key can be loaded as NULL first and get their value afterwards


# A check is content with NULL unless it asks for it in so many words.
_ASKS_FOR_NULL = re.compile(r"\bNOT NULL\b|\bCOALESCE\b|\bnum_n|\bDISTINCT FROM\b", re.IGNORECASE)


def nullable_columns(key: ForeignKey, node: QualifiedName, graph: ForeignKeyGraph) -> tuple[str, ...]:
    """Return the columns of a key that can be loaded as NULL, so that it refers to nothing.

    One column that may be NULL is enough, but with MATCH FULL it takes all of them.
    """
    holders = list(_holders(key, graph.families[node]))
    nullable = tuple(
        name
        for name in key.columns
        # Other rows may refer to the column: with NULL in it they would find nothing.
        if name not in graph.referenced_columns[node]
        and not any(_refuses_null(name, table, graph) for table in holders)
    )
    if key.match == "FULL" and len(nullable) < len(key.columns):
        return ()
    return nullable


def _holders(key: ForeignKey, family: tuple[Table, ...]) -> Iterator[Table]:
    """Yield the table that declares the key, and the partitions that inherit it."""
    parents = {table.name: table.partition_of for table in family}
    for table in family:
        name: QualifiedName | None = table.name
        while name is not None and name != key.table:
            name = parents.get(name)
        if name is not None:
            yield table


def _refuses_null(name: str, table: Table, graph: ForeignKeyGraph) -> bool:
    column: Column = table.column(name)
    mention = re.compile(rf"(?<![\w\"]){re.escape(quoted(name))}(?![\w\"])")
    return (
        column.not_null
        or column.generated is not None
        or column.type in graph.not_null_domains
        # NULL may belong to another partition, or to none.
        or bool(table.partition_key and mention.search(table.partition_key))
        or any(key.nulls_not_distinct and name in key.columns for key in table.unique_keys)
        or any(
            index.unique and name in index.columns and "NULLS NOT DISTINCT" in (index.definition or "")
            for index in table.indexes
        )
        or any(
            check.enforced and _ASKS_FOR_NULL.search(check.definition) and mention.search(check.definition)
            for check in table.checks
        )
    )
