"""The story: one short function a verb. Each turns one value into the next; none of them prints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from migplan import advise
from migplan.catalog import orphans, read, selection
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog
from migplan.config import Config
from migplan.errors import PlanError, SelectionError
from migplan.graph import build
from migplan.names import QualifiedName, parse
from migplan.plan import file as plan_file
from migplan.plan import merge, seen
from migplan.plan.drift import drift
from migplan.plan.grouping import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.seen import Seen
from migplan.postgres.address import Address
from migplan.postgres.connect import reading
from migplan.report.analysis import Analysis

Told = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much of it is done, and how much there is."""


def silence(_what: str, _done: int, _total: int) -> None:
    """For callers that want no progress."""


def catalog_of(address: Address, exactness: Exactness = Exactness.AUTO, told: Told = silence) -> Catalog:
    """The database's own account of itself, at one moment."""
    with reading(address) as connection:
        return read.read(connection, address, Counting(exactness, lambda *at: told("counting rows", *at)))


def analysis_of(catalog: Catalog, wanted: selection.Selection) -> Analysis:
    """What depends on what in the selected part, and what is to be said about it."""
    selected = selection.select(catalog, wanted)
    _refuse_nothing(selected)
    graph = build(selected.catalog)
    return Analysis(selected, graph, advise.advise(selected.catalog, graph))


def analysis_with_orphans(
    address: Address, exactness: Exactness, wanted: selection.Selection, told: Told = silence
) -> Analysis:
    """The analysis, and the rows that refer to nothing, all at the same moment."""
    with reading(address) as connection:
        counting = Counting(exactness, lambda *at: told("counting rows", *at))
        analysis = analysis_of(read.read(connection, address, counting), wanted)
        keys = (*analysis.graph.all_keys, *analysis.graph.leaving)
        found = orphans.find_orphans(connection, address, keys, lambda *at: told("looking for orphans", *at))
    return replace(analysis, orphans=found)


@dataclass(frozen=True, slots=True)
class Planned:
    """A new plan, what it was made from, and how it differs from an earlier one."""

    plan: Plan
    seen: Seen
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def planned(catalog: Catalog, config: Config, request: Request, before: Path | None = None) -> Planned:
    """A plan for the catalog. ``before`` is the file of an earlier one, whose decisions by hand stay."""
    selected = selection.select(catalog, as_selection(config))
    _refuse_nothing(selected)
    graph = build(selected.catalog)
    if before is None:
        plan = make(selected, graph, request)
        return Planned(plan, Seen(selected.catalog, plan))
    written, _ = plan_file.load(before)
    then = seen.load(before)
    again = merge.again(selected, graph, request, written, then.proposal if then else None)
    return Planned(again.plan, Seen(selected.catalog, again.plan), again.kept, again.changed)


def write_plan(result: Planned, file: Path) -> None:
    """Write the plan, and beside it what migplan saw and proposed."""
    seen.save(result.seen, file)
    plan_file.save(result.plan, file)


def drift_of(file: Path, catalog: Catalog) -> tuple[str, ...]:
    """Every way in which the database has gone away from the plan in a file."""
    plan, _ = plan_file.load(file)
    wanted = plan.selection
    try:
        selected = selection.select(
            catalog, selection.Selection(wanted.schemas, wanted.tables, wanted.exclude)
        )
    except SelectionError as error:  # what a pattern meant is not there any more
        return (f"dropped: {error}",)
    return drift(plan, seen.load(file), selected, build(selected.catalog))


def as_selection(config: Config) -> selection.Selection:
    """The configuration's selection, as the catalog understands it."""
    wanted = config.selection
    return selection.Selection(wanted.schemas, wanted.tables, wanted.exclude)


def request_of(config: Config, catalog: Catalog) -> Request:
    """What the configuration wants of a plan."""
    return Request(
        name=config.plan.name,
        layout=config.plan.constraints,
        selection=config.selection,
        groups=tuple(Wish(group.name, group.tables, group.number, group.purpose) for group in config.groups),
        strategies={_table(text, catalog): strategy for text, strategy in config.strategies.items()},
    )


def _refuse_nothing(selected: selection.Selected) -> None:
    catalog = selected.catalog
    if catalog.tables:
        return
    if selected.left_out:
        raise SelectionError(
            "the selection leaves no table", do="; ".join(map(str, selected.left_out)) + " left out"
        )
    raise SelectionError(
        f"{catalog.server.address} has no table that is not the system's or an extension's",
        do=f"check the database's name, and what the role {catalog.server.role} may see",
    )


def _table(text: str, catalog: Catalog) -> QualifiedName:
    """The table that a person means: with its schema, or without where only one schema has it."""
    try:
        named = parse(text)
    except ValueError as error:
        raise PlanError(str(error)) from None
    if named in catalog.by_name or "." in text:
        return named
    found = [table.name for table in catalog.tables if table.name.name == named.name]
    return found[0] if len(found) == 1 else named
