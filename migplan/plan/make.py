"""Making a plan: cuts, order, groups, strategies, file names."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.catalog.fingerprint import attributes_fingerprint, fingerprint, table_fingerprint
from migplan.catalog.selection import Selected
from migplan.config import Layout, ProvidedSection, SelectionSection, Strategy
from migplan.errors import PlanError
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, by_any_name
from migplan.plan import proposal
from migplan.plan.cuts import Cut, cuts, is_of, nullable_columns
from migplan.plan.groups import Group, Wish, gathered, partition_hint, settled
from migplan.plan.model import Plan, PlannedCut, PlannedGroup, PlannedTable
from migplan.plan.order import loading_order
from migplan.plan.strategies import Decision, Situation, decide, objection
from migplan.plan.treatment import label_of
from migplan.text.wording import did_you_mean, listed

NARROW = 9
"""The highest number of a group of which the files have two digits."""


@dataclass(frozen=True, slots=True)
class Request:
    """What people want of a plan."""

    name: str
    layout: Layout = Layout.AFTER_DATA
    selection: SelectionSection = field(default_factory=SelectionSection)
    provided: ProvidedSection = field(default_factory=ProvidedSection)
    platform: str | None = None
    groups: tuple[Wish, ...] = ()  # none: migplan proposes
    strategies: Mapping[QualifiedName, Strategy] = field(default_factory=dict)
    order: Mapping[QualifiedName, int] = field(default_factory=dict)
    cuts: tuple[PlannedCut, ...] = ()  # those of an earlier plan that people chose
    reorder: bool = False


def make(selected: Selected, graph: ForeignKeyGraph, request: Request) -> Plan:
    """Return the plan for what was selected; raise PlanError if it cannot be made as people ask."""
    catalog = selected.catalog
    if not graph.tables:
        raise PlanError(
            "there is nothing to plan: no table is selected",
            do="migplan analyze shows what there is",
        )
    _refuse_impossible(graph, request)
    live = request.layout is Layout.WITH_SCHEMA
    opened = cuts(graph, request.strategies if live else {}, request.cuts if live else ())
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
        attributes=attributes_fingerprint(catalog.attributes) if catalog.attributes else "",
        constraints=request.layout,
        selection=request.selection,
        provided=request.provided,
        platform=request.platform,
        left_out=tuple(map(str, selected.left_out)),
        rows=sum(group.rows for group in planned),
        breaks=tuple(_planned_cut(cut, request) for cut in opened if live),
        groups=planned,
    )


def numbered(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Return the groups with a number each: fixed ones keep theirs, the others count on from there."""
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


def file_names(name: str, number: int, *, wide: bool, layout: Layout) -> tuple[str, str, str | None]:
    """Return the names of a group's files: 01-, 10-, 20-, or ``wide``, in bands of a hundred."""
    schema, data, constraints = (
        (f"{number:03}", f"{100 + number}", f"{200 + number}")
        if wide
        else (f"{number:02}", f"{9 + number}", f"{19 + number}")
    )
    return (
        f"{schema}-schema-{name}.sql",
        f"{data}-data-{name}.sql",
        f"{constraints}-constraints-{name}.sql" if layout is Layout.AFTER_DATA else None,
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
    schema_file, data_file, constraints_file = file_names(
        group.name,
        group.number or 0,
        wide=max(other.number or 0 for other in groups) > NARROW,
        layout=request.layout,
    )
    return PlannedGroup(
        name=group.name,
        purpose=group.purpose,
        schema_file=schema_file,
        data_file=data_file,
        constraints_file=constraints_file,
        rows=sum(table.rows or 0 for table in tables if table.brings_rows),
        tables=tables,
    )


def _table(
    name: QualifiedName, graph: ForeignKeyGraph, opened: Sequence[Cut], request: Request
) -> PlannedTable:
    decision = decide(situation_of(name, graph, opened, request))
    rows = graph.rows[name]
    return PlannedTable(
        table=str(name),
        depth=graph.depth[name],
        rows=rows.count,
        estimated=rows.count is not None and not rows.exact,
        strategy=decision.strategy,
        keys=tuple(label_of(key, name) for key in decision.keys),
        reason=reason_of(name, decision, graph),
        structure=structure_of(name, graph),
    )


def reason_of(name: QualifiedName, decision: Decision, graph: ForeignKeyGraph) -> str:
    """Return why a table is loaded as it is, in a sentence."""
    return "; ".join((decision.reason, *_remarks(name, decision, graph)))


def _remarks(name: QualifiedName, decision: Decision, graph: ForeignKeyGraph) -> Iterator[str]:
    """Yield remarks about a table that do not depend on its strategy."""
    family = {table.name for table in graph.families[name]}
    if len(family) > 1:
        yield f"loaded with its {len(family) - 1} partition{'s' if len(family) > 2 else ''}"
    outside = sorted({key.referenced for key in graph.leaving if key.table in family})
    if outside:
        yield f"refers to {listed(outside)}, outside of the selection"
    brought = sorted({key.referenced for key in graph.provided if key.table in family})
    if brought:
        yield f"refers to {listed(brought)}, provided by the target"
    if decision.strategy is Strategy.SCHEMA_ONLY and graph.dependents[name]:
        yield f"rows that refer to it will find nothing: {listed(graph.dependents[name])}"


def situation_of(
    name: QualifiedName, graph: ForeignKeyGraph, opened: Sequence[Cut], request: Request
) -> Situation:
    """Return what a table's strategy depends on."""
    keys, own = graph.keys_of(name), graph.self_keys.get(name, ())
    return Situation(
        table=graph.tables[name],
        layout=request.layout,
        keys=keys,
        self_keys=own,
        nullable=frozenset(key for key in (*keys, *own) if nullable_columns(key, name, graph)),
        cuts=tuple(cut for cut in opened if cut.node == name),
        wish=request.strategies.get(name),
    )


def _refuse_impossible(graph: ForeignKeyGraph, request: Request) -> None:
    for name, strategy in request.strategies.items():
        if name not in graph.tables:
            raise PlanError(
                f"a strategy is set for {name}, and no such table is selected",
                do=partition_hint(str(name), graph)
                or did_you_mean(str(name), by_any_name(graph.tables), "migplan analyze lists the tables"),
            )
        why_not = objection(situation_of(name, graph, (), request), strategy)
        if why_not:
            raise PlanError(
                f"{name} cannot be loaded by {strategy.value}: {why_not}",
                do="set another strategy, or take the line away and let migplan choose",
            )


def _planned_cut(cut: Cut, request: Request) -> PlannedCut:
    reasons = [each.reason for each in request.cuts if cut.kept and is_of(each, cut.node, cut.key)]
    return PlannedCut(
        key=cut.key.label,
        table=str(cut.node),
        how=cut.how,
        reason=next(filter(None, reasons), _why(cut)),
        by_hand=cut.kept,
    )


def _why(cut: Cut) -> str:
    rows = "an unknown number of" if cut.rewritten is None else f"about {cut.rewritten:,}"
    how = {
        Strategy.DEFERRED: "it is DEFERRABLE, so nothing is written twice",
        Strategy.NULL_THEN_UPDATE: f"it may be NULL; {rows} rows are written twice",
        Strategy.CONSTRAINT_LATER: "it can neither be deferred nor be NULL"
        if cut.key.validated
        else "it is NOT VALID, and created after the rows in any case",
        Strategy.SCHEMA_ONLY: "its table stays empty",
    }
    if cut.by_hand:
        return f"set by hand; {how[cut.how]}" if cut.how is not Strategy.CONSTRAINT_LATER else "set by hand"
    if cut.how is Strategy.NULL_THEN_UPDATE and cut.rewritten is not None:
        return how[cut.how] + (": the fewest" if cut.best else ": the fewest that were found")
    return how[cut.how]


def structure_of(name: QualifiedName, graph: ForeignKeyGraph) -> str:
    """Return a short digest of a table's structure, with that of its partitions."""
    digests = [table_fingerprint(table) for table in graph.families[name]]
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()[:12]
