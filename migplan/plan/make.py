"""Making a plan: cuts, order, groups, strategies, file names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.catalog.fingerprint import fingerprint, table_fingerprint
from migplan.catalog.selection import Selected
from migplan.config import Layout, SelectionSection, Strategy
from migplan.errors import PlanError
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan import proposal
from migplan.plan.breaks import Cut, cuts
from migplan.plan.grouping import Group, Wish, gathered, settled
from migplan.plan.model import Break, Plan, PlannedGroup, PlannedTable
from migplan.plan.order import loading_order
from migplan.plan.strategies import Situation, decide, objection


@dataclass(frozen=True, slots=True)
class Request:
    """What people want of a plan."""

    name: str
    layout: Layout = Layout.AFTER_DATA
    selection: SelectionSection = field(default_factory=SelectionSection)
    groups: tuple[Wish, ...] = ()  # none: migplan proposes
    strategies: Mapping[QualifiedName, Strategy] = field(default_factory=dict)
    order: Mapping[QualifiedName, int] = field(default_factory=dict)
    reorder: bool = False


def make(selected: Selected, graph: ForeignKeyGraph, request: Request) -> Plan:
    """The plan for what was selected, or a PlanError that says what stands in its way."""
    catalog = selected.catalog
    if not graph.tables:
        raise PlanError(
            "there is nothing to plan: no table is selected",
            do="migplan analyze shows what there is",
        )
    _refuse_impossible(graph, request)
    opened = cuts(
        graph,
        {name: way for name, way in request.strategies.items() if request.layout is Layout.WITH_SCHEMA},
    )
    place = {name: number for number, name in enumerate(loading_order(graph, opened, request.order))}
    wished = gathered(request.groups, graph) if request.groups else proposal.propose(graph)
    # Inheritance is no key, so the proposal does not know of it: it is moved until it fits.
    groups = numbered(settled(wished, graph, reorder=request.reorder or not request.groups))
    planned = tuple(_group(group, groups, graph, opened, place, request) for group in groups)
    return Plan(
        name=request.name,
        database=catalog.server.database,
        postgresql=catalog.server.major,
        catalog=fingerprint(catalog),
        constraints=request.layout,
        selection=request.selection,
        left_out=tuple(map(str, selected.left_out)),
        rows=sum(group.rows for group in planned),
        breaks=tuple(_break(cut) for cut in opened) if request.layout is Layout.WITH_SCHEMA else (),
        groups=planned,
    )


def numbered(groups: Sequence[Group]) -> tuple[Group, ...]:
    """The groups with a number each: the fixed ones as they are, the others counted on from there."""
    result: list[Group] = []
    last = 0
    for group in groups:
        number = group.number or last + 1
        if number <= last:
            raise PlanError(
                f"group {group.name} has number {number}, and stands after {result[-1].name}, number {last}",
                do="number the groups in the order in which they are loaded",
            )
        last = number
        result.append(replace(group, number=number))
    if last > 99:
        raise PlanError(f"{last} is too high for the number of a group: there are 99", do="join some groups")
    return tuple(result)


def file_names(group: Group, groups: Sequence[Group], layout: Layout) -> tuple[str, str, str | None]:
    """Names of the schema, data and constraints file: 01-, 10-, 20-, or in bands of a hundred."""
    number = group.number or 0
    wide = max(other.number or 0 for other in groups) > 9
    schema, data, constraints = (
        (f"{number:03}", f"{100 + number}", f"{200 + number}")
        if wide
        else (f"{number:02}", f"{9 + number}", f"{19 + number}")
    )
    return (
        f"{schema}-schema-{group.name}.sql",
        f"{data}-data-{group.name}.sql",
        f"{constraints}-constraints-{group.name}.sql" if layout is Layout.AFTER_DATA else None,
    )


def _group(
    group: Group,
    groups: Sequence[Group],
    graph: ForeignKeyGraph,
    opened: Sequence[Cut],
    place: Mapping[QualifiedName, int],
    request: Request,
) -> PlannedGroup:
    names = sorted(group.tables, key=lambda name: place[name])
    tables = tuple(_table(name, graph, opened, request) for name in names)
    schema_file, data_file, constraints_file = file_names(group, groups, request.layout)
    return PlannedGroup(
        name=group.name,
        purpose=group.purpose,
        schema_file=schema_file,
        data_file=data_file,
        constraints_file=constraints_file,
        rows=sum(table.rows or 0 for table in tables),
        tables=tables,
    )


def _table(
    name: QualifiedName, graph: ForeignKeyGraph, opened: Sequence[Cut], request: Request
) -> PlannedTable:
    decision = decide(_situation(name, graph, opened, request))
    rows = graph.rows[name]
    parts = len(graph.partitions.get(name, ()))
    with_parts = f"; loaded with its {parts} partition{'s' if parts != 1 else ''}" if parts else ""
    return PlannedTable(
        table=str(name),
        depth=graph.depth[name],
        rows=rows.count,
        estimated=rows.count is not None and not rows.exact,
        strategy=decision.strategy,
        keys=tuple(key.name for key in decision.keys),
        reason=decision.reason + with_parts,
        by_hand=("strategy",) if name in request.strategies else (),
        structure=table_fingerprint(graph.tables[name]),
    )


def _situation(
    name: QualifiedName, graph: ForeignKeyGraph, opened: Sequence[Cut], request: Request
) -> Situation:
    return Situation(
        table=graph.tables[name],
        layout=request.layout,
        keys=graph.keys_of(name),
        self_keys=graph.self_keys.get(name, ()),
        cuts=tuple(cut for cut in opened if cut.node == name),
        wish=request.strategies.get(name),
    )


def _refuse_impossible(graph: ForeignKeyGraph, request: Request) -> None:
    for name, strategy in request.strategies.items():
        if name not in graph.tables:
            raise PlanError(
                f"a strategy is set for {name}, and no such table is selected",
                do="migplan analyze lists the tables",
            )
        why_not = objection(_situation(name, graph, (), request), strategy)
        if why_not:
            raise PlanError(
                f"{name} cannot be loaded by {strategy.value}: {why_not}",
                do="set another strategy, or take the line away and let migplan choose",
            )


def _break(cut: Cut) -> Break:
    how = {
        Strategy.DEFERRED: "it is DEFERRABLE, so nothing is written twice",
        Strategy.NULL_THEN_UPDATE: f"it may be NULL; about {cut.cost[1] - 1:,} rows are written twice: the fewest",
        Strategy.CONSTRAINT_LATER: "no key of the circle can be deferred or be NULL",
    }
    return Break(key=f"{cut.key.name}: {cut.key}", on=str(cut.node), how=cut.how, reason=how[cut.how])
