"""From a catalog to a plan, which plan is used, and whether it still fits."""

from dataclasses import dataclass, replace
from pathlib import Path

from migplan.anonymise import Anonymiser, cleaned, with_digest
from migplan.catalog import selection
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import Catalog, Type
from migplan.catalog.provided import Provided
from migplan.config import Config
from migplan.errors import FileError, PlanError, SelectionError
from migplan.files import read_text
from migplan.graph import build
from migplan.names import QualifiedName, parse
from migplan.pipeline.analyze import as_selection, refuse_nothing
from migplan.pipeline.platforms import for_platform, platform_of, provided_of, settled
from migplan.plan import baseline
from migplan.plan import file as plan_file
from migplan.plan.baseline import Baseline
from migplan.plan.drift import drift, not_compared
from migplan.plan.groups import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.replan import by_hand, replan
from migplan.text.wording import counted

PLANS = Path("plans")
"""The folder where plans are looked for, and written."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A new plan, what it was made from, and how it differs from an earlier one."""

    plan: Plan
    baseline: Baseline
    kept: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChosenPlan:
    """Which plan is used: that of a file, or, without one, a plan that is made on the spot."""

    file: Path | None = None
    plan: Plan | None = None
    decisions: int = 0  # made by hand
    beside: tuple[Path, ...] = ()  # other plans that are there, and not used

    def __str__(self) -> str:
        """Return what people are told first."""
        if self.plan is not None:
            how_many = counted(len(self.plan.groups), "group")
            by_hand = counted(self.decisions, "decision") if self.decisions else "no decision"
            return f"Plan: {self.file}, {how_many}, {by_hand} by hand"
        if self.beside:
            return f"Plan: made now; {', '.join(map(str, self.beside))} is not used"
        return "Plan: made now; `migplan plan` writes one to keep"


def find_plan(named: Path | None, config: Config, *, ignored: bool = False) -> ChosenPlan:
    """Return the plan to use; raise FileError if it cannot be told, or its file cannot be read.

    It is that of the file that was named, else of migplan.yaml's ``plan.file``, else plans/NAME.yaml. Where
    nobody gave it a name, the only plan in plans/ serves as well. ``ignored``: none of them is wanted.
    """
    file = None if ignored else named or plan_in_use(config)
    if file is None:
        return ChosenPlan(beside=tuple(_plans()))
    plan, _ = plan_file.load(file)
    then = baseline.load(file)
    return ChosenPlan(file, plan, _count_decisions(plan, then.proposal if then else None))


def plan_in_use(config: Config) -> Path | None:
    """Return the plan file that is used when none is named; None if there is none."""
    if config.plan.file is not None:
        return config.plan.file
    file = default_file(config)
    if file.is_file():
        return file
    found = [] if "name" in config.plan.model_fields_set else _plans()
    if len(found) > 1:
        raise FileError(
            f"there are {len(found)} plans in {PLANS}: {', '.join(map(str, found))}",
            do="name one of them, or set plan.file in migplan.yaml; or go without by --no-plan",
            file=PLANS,
        )
    return found[0] if found else None


def default_file(config: Config) -> Path:
    """Return where a plan is written when nothing else is said."""
    return config.plan.file or PLANS / f"{config.plan.name}.yaml"


def _plans() -> list[Path]:
    return [file for file in sorted(PLANS.glob("*.yaml")) if file.is_file() and _is_plan(file)]


def _is_plan(file: Path) -> bool:
    try:
        return any(line.startswith("migplan_plan:") for line in read_text(file).splitlines())
    except FileError:
        return False


def _count_decisions(plan: Plan, proposal: Plan | None) -> int:
    """Return how many decisions people made in a plan's file, those included that it has marked."""
    found = by_hand(plan, proposal, proposal or plan)
    heads = sum(len(set(marks) - {"place"}) for marks in found.heads.values())
    placed = any("place" in marks for marks in found.heads.values())
    return len(found.groups) + len(found.strategies) + heads + placed


def make_plan(catalog: Catalog, config: Config, request: Request, before: Path | None = None) -> Planned:
    """A plan for the catalog. ``before`` is the file of an earlier one, whose decisions by hand stay."""
    config = settled(config, catalog)
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


def selection_of(plan: Plan, config: Config) -> selection.Selection:
    """Return what a plan selects; what the target provides is what the plan or the configuration says."""
    said = plan.selection
    provided = Provided.of(plan.provided) | provided_of(for_platform(config, plan.platform))
    return selection.Selection(said.schemas, said.tables, said.exclude, provided)


def find_drift(file: Path, catalog: Catalog, config: Config) -> tuple[str, ...]:
    """Every way in which the database has gone away from the plan in a file."""
    plan, _ = plan_file.load(file)
    return drift_of(plan, baseline.load(file), catalog, config)


def find_uncompared(file: Path, catalog: Catalog) -> tuple[str, ...]:
    """What :func:`find_drift` cannot see, because one side does not hold it, in a sentence each."""
    plan, _ = plan_file.load(file)
    return not_compared(plan, baseline.load(file), catalog)


def drift_of(plan: Plan, then: Baseline | None, catalog: Catalog, config: Config) -> tuple[str, ...]:
    """The same as :func:`find_drift`, of a plan and its baseline."""
    try:
        selected = selection.select(without_secrets(catalog), selection_of(plan, config))
    except SelectionError as error:  # what a pattern meant is not there any more
        return (f"dropped: {error}",)
    if then is not None and fingerprint(then.catalog) == plan.catalog:
        # An earlier migplan wrote every literal, and took the fingerprint of it.
        then = replace(then, catalog=without_secrets(then.catalog, catalog.types))
        plan = plan.model_copy(update={"catalog": fingerprint(then.catalog)})
    return drift(plan, then, selected, build(selected.catalog))


def without_secrets(catalog: Catalog, types: tuple[Type, ...] = ()) -> Catalog:
    """What a plan is made from, and what is kept beside it: both are committed, and need no secrets.

    ``types`` are those of the whole database, where the catalog is a part of it: what they list is harmless.
    """
    return cleaned(catalog, Anonymiser(replace(catalog, types=types or catalog.types)), with_digest)


def plan_for(catalog: Catalog, config: Config, chosen: ChosenPlan) -> tuple[Plan, selection.Selected]:
    """Return the plan of a file, if it still fits; else one made on the spot."""
    file, plan = chosen.file, chosen.plan
    if file is None or plan is None:
        config = settled(config, catalog)
        plan = make_plan(catalog, config, request_of(config, catalog)).plan
        return plan, selection.select(catalog, as_selection(config))
    drifted = find_drift(file, catalog, config)
    if drifted:
        raise PlanError(
            f"{file} no longer fits {catalog.server.address}:\n  " + "\n  ".join(drifted[:10]),
            do=f"plan again with: migplan plan --out {file}",
        )
    return plan, selection.select(catalog, selection_of(plan, config))


def request_of(config: Config, catalog: Catalog) -> Request:
    """What the configuration wants of a plan."""
    config = settled(config, catalog)
    return Request(
        name=config.plan.name,
        layout=config.plan.constraints,
        selection=config.selection,
        provided=config.provided,
        platform=platform_of(config),
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
