"""Whether a plan still fits its database, and if not, where it does not."""

from collections.abc import Iterator

from migplan.catalog.compare import differences, differences_of_attributes
from migplan.catalog.fingerprint import attributes_fingerprint, fingerprint
from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selected
from migplan.errors import GroupingError
from migplan.graph import ForeignKeyGraph
from migplan.plan.baseline import Baseline
from migplan.plan.groups import Wish, gathered, settled
from migplan.plan.make import structure_of
from migplan.plan.model import Plan
from migplan.plan.renames import renames_between


def drift(
    plan: Plan, baseline: Baseline | None, selected: Selected, graph: ForeignKeyGraph
) -> tuple[str, ...]:
    """Return how the database differs from the plan, and where the plan's file contradicts the keys."""
    return (*_of_structure(plan, baseline, selected, graph), *_contradictions(plan, graph))


def _of_structure(
    plan: Plan, baseline: Baseline | None, selected: Selected, graph: ForeignKeyGraph
) -> Iterator[str]:
    now = selected.catalog
    if baseline is not None and fingerprint(baseline.catalog) == plan.catalog:
        renames = renames_between(baseline.catalog, now)
        yield from renames.lines()
        then = renames.catalog(baseline.catalog)
        yield from map(str, differences(then, now))
        if then.attributes is not None and now.attributes is not None:
            yield from map(str, differences_of_attributes(then.attributes, now.attributes))
        yield from _left_out_by_hand(plan, baseline, graph)
        return
    tables = list(_of_tables(plan, graph))
    beside = []
    if fingerprint(now) != plan.catalog:
        beside.append(f"something beside the tables has changed: {_BESIDE_TABLES}")
    if _altered(plan, now):
        beside.append(f"something has changed of this: {_ATTRIBUTES}")
    yield from tables or beside


def not_compared(plan: Plan, baseline: Baseline | None, now: Catalog) -> tuple[str, ...]:
    """Return what :func:`drift` cannot see, because one side does not hold it, in a sentence each."""
    if now.attributes is None:
        why = "the saved catalog lacks them; save it again with: migplan catalog --out FILE"
    elif not plan.attributes:
        why = "the plan was made without them, by an earlier migplan; plan again to have them"
    elif baseline is None and plan.postgresql != now.server.major:
        why = "the server has another version, and there is no .seen.json beside the plan"
    else:
        return ()
    return (f"not compared: {_ATTRIBUTES} ({why})",)


_BESIDE_TABLES = "a view, function, type, sequence, extension or privilege"
_ATTRIBUTES = "storage, publications, text search, settings of the database, and what else ALTER can change"


def _altered(plan: Plan, now: Catalog) -> bool:
    """Return whether attributes are not those of the plan; of another version they cannot be."""
    if now.attributes is None or not plan.attributes or plan.postgresql != now.server.major:
        return False
    return attributes_fingerprint(now.attributes) != plan.attributes


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
