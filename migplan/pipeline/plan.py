"""From a catalog to a plan, and whether a plan still fits."""

from dataclasses import dataclass, replace
from pathlib import Path

from migplan.anonymise import Anonymiser, cleaned, with_digest
from migplan.catalog import selection
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import Catalog
from migplan.config import Config
from migplan.errors import PlanError, SelectionError
from migplan.graph import build
from migplan.names import QualifiedName, parse
from migplan.pipeline.analyze import as_selection, refuse_nothing
from migplan.plan import baseline
from migplan.plan import file as plan_file
from migplan.plan.baseline import Baseline
from migplan.plan.drift import drift
from migplan.plan.groups import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.replan import replan


@dataclass(frozen=True, slots=True)
class Planned:
    """A new plan, what it was made from, and how it differs from an earlier one."""

    plan: Plan
    baseline: Baseline
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


def make_plan(catalog: Catalog, config: Config, request: Request, before: Path | None = None) -> Planned:
    """A plan for the catalog. ``before`` is the file of an earlier one, whose decisions by hand stay."""
    selected = selection.select(without_secrets(catalog), as_selection(config))
    refuse_nothing(selected)
    graph = build(selected.catalog)
    if before is None:
        plan = make(selected, graph, request)
        return Planned(plan, Baseline(selected.catalog, plan))
    written, _ = plan_file.load(before)
    then = baseline.load(before)
    again = replan(selected, graph, request, written, then.proposal if then else None)
    return Planned(again.plan, Baseline(selected.catalog, again.plan), again.kept, again.changed)


def write_plan(result: Planned, file: Path) -> None:
    """Write the plan, and beside it what migplan saw and proposed."""
    baseline.save(result.baseline, file)
    plan_file.save(result.plan, file)


def find_drift(file: Path, catalog: Catalog) -> tuple[str, ...]:
    """Every way in which the database has gone away from the plan in a file."""
    plan, _ = plan_file.load(file)
    wanted = plan.selection
    try:
        selected = selection.select(
            without_secrets(catalog), selection.Selection(wanted.schemas, wanted.tables, wanted.exclude)
        )
    except SelectionError as error:  # what a pattern meant is not there any more
        return (f"dropped: {error}",)
    then = baseline.load(file)
    if then is not None and fingerprint(then.catalog) == plan.catalog:
        # An earlier migplan wrote every literal, and took the fingerprint of it.
        then = replace(then, catalog=without_secrets(then.catalog))
        plan = plan.model_copy(update={"catalog": fingerprint(then.catalog)})
    return drift(plan, then, selected, build(selected.catalog))


def without_secrets(catalog: Catalog) -> Catalog:
    """What a plan is made from, and what is kept beside it: both are committed, and need no secrets."""
    return cleaned(catalog, Anonymiser(catalog), with_digest)


def plan_for(catalog: Catalog, config: Config, file: Path | None) -> tuple[Plan, selection.Selected]:
    """The plan in a file, if it still fits; else one made on the spot."""
    if file is None:
        plan = make_plan(catalog, config, request_of(config, catalog)).plan
        return plan, selection.select(catalog, as_selection(config))
    plan, _ = plan_file.load(file)
    drifted = find_drift(file, catalog)
    if drifted:
        raise PlanError(
            f"{file} no longer fits {catalog.server.address}:\n  " + "\n  ".join(drifted[:10]),
            do=f"plan again with: migplan plan --out {file}",
        )
    said = plan.selection
    return plan, selection.select(catalog, selection.Selection(said.schemas, said.tables, said.exclude))


def request_of(config: Config, catalog: Catalog) -> Request:
    """What the configuration wants of a plan."""
    return Request(
        name=config.plan.name,
        layout=config.plan.constraints,
        selection=config.selection,
        groups=tuple(Wish(group.name, group.tables, group.number, group.purpose) for group in config.groups),
        strategies={_table(text, catalog): strategy for text, strategy in config.strategies.items()},
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
