"""Whether a plan still fits its database, and if not, where it does not."""

from collections.abc import Iterator

from migplan.catalog.compare import differences
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.selection import Selected
from migplan.errors import GroupingError
from migplan.graph import ForeignKeyGraph
from migplan.plan.baseline import Baseline
from migplan.plan.groups import Wish, gathered, settled
from migplan.plan.make import structure_of
from migplan.plan.model import Plan


def drift(
    plan: Plan, baseline: Baseline | None, selected: Selected, graph: ForeignKeyGraph
) -> tuple[str, ...]:
    """Return how the database differs from the plan, and where the plan's file contradicts the keys."""
    return (*_of_structure(plan, baseline, selected, graph), *_contradictions(plan, graph))


def _of_structure(
    plan: Plan, baseline: Baseline | None, selected: Selected, graph: ForeignKeyGraph
) -> Iterator[str]:
    if baseline is not None and fingerprint(baseline.catalog) == plan.catalog:
        yield from map(str, differences(baseline.catalog, selected.catalog))
        yield from _left_out_by_hand(plan, baseline, graph)
        return
    if fingerprint(selected.catalog) == plan.catalog:
        yield from _of_tables(plan, graph)
        return
    tables = list(_of_tables(plan, graph))
    yield from tables or [
        "something beside the tables has changed: a view, function, type, sequence, extension or privilege"
    ]


def _of_tables(plan: Plan, graph: ForeignKeyGraph) -> Iterator[str]:
    planned = {table.table: table.structure for table in plan.tables}
    live = graph.by_text
    for name in sorted(planned.keys() | live.keys()):
        if name not in live:
            yield f"dropped: table {name} is in the plan, and not in the database"
        elif name not in planned:
            yield f"added: table {name} is in the database, and not in the plan"
        elif planned[name] and planned[name] != structure_of(live[name], graph):
            yield f"changed: table {name}"


def _left_out_by_hand(plan: Plan, baseline: Baseline, graph: ForeignKeyGraph) -> Iterator[str]:
    """Yield tables that people removed from the plan's file, or added to it."""
    planned = {table.table for table in plan.tables}
    live = graph.by_text.keys()
    then = {str(table.name) for table in baseline.catalog.tables}
    for name in sorted((live & then) - planned):
        yield f"added: table {name} is in the database, and not in the plan"
    for name in sorted(planned - live - then):
        yield f"dropped: table {name} is in the plan, and not in the database"


def _contradictions(plan: Plan, graph: ForeignKeyGraph) -> Iterator[str]:
    """Yield contradictions between the order of the groups in the plan's file and the keys."""
    live = graph.by_text.keys()
    wishes = [
        Wish(group.name, names)
        for group in plan.groups
        if (names := tuple(table.table for table in group.tables if table.table in live))
    ]
    try:
        settled(gathered(wishes, graph), graph)
    except GroupingError as error:
        yield from (f"contradiction: {line}" for line in error.keys)
