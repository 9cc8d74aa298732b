"""From a catalog to a plan, which plan is used, and whether it still fits."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from migplan.anonymise import Anonymiser, cleaned, with_digest
from migplan.catalog import selection
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import Catalog, Type
from migplan.catalog.provided import Provided
from migplan.catalog.selection import Selection
from migplan.config import Config, Layout, SelectionSection
from migplan.errors import DriftError, FileError, PlanError, SelectionError
from migplan.files import read_text
from migplan.graph import build
from migplan.names import QualifiedName, parse
from migplan.pipeline.analyze import as_selection, refuse_nothing
from migplan.pipeline.platforms import for_platform, platform_of, provided_of, settled
from migplan.plan import baseline
from migplan.plan import file as plan_file
from migplan.plan.baseline import Baseline
from migplan.plan.decisions import by_hand
from migplan.plan.drift import drift, not_compared
from migplan.plan.edited import Edited, cut_down, words_kept
from migplan.plan.groups import Wish
from migplan.plan.make import Request, make
from migplan.plan.model import Plan
from migplan.plan.replan import Before, replan
from migplan.text.wording import counted
from migplan.yamlfile import Marks

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
class Part:
    """What of a plan is wanted, by the words of the command line."""

    patterns: Selection = field(default_factory=Selection)
    groups: tuple[str, ...] = ()
    rows_only: bool = False  # for a schema that is there, with its keys

    def __bool__(self) -> bool:
        """Return whether it is less than the whole."""
        return self.rows_only or bool(self.groups) or self.patterns != Selection()


@dataclass(frozen=True, slots=True)
class ChosenPlan:
    """Which plan is used: that of a file, or, without one, a plan that is made on the spot."""

    file: Path | None = None
    plan: Plan | None = None
    marks: Marks | None = None
    baseline: Baseline | None = None
    beside: tuple[Path, ...] = ()  # other plans that are there, and not used
    part: Part = field(default_factory=Part)

    def __str__(self) -> str:
        """Return what people are told first."""
        if self.plan is not None:
            number = self.decisions
            by_hand = counted(number, "decision") if number else "no decision"
            return f"Plan: {self.file}, {counted(len(self.plan.groups), 'group')}, {by_hand} by hand"
        if self.beside:
            return f"Plan: made now; {', '.join(map(str, self.beside))} is not used"
        return "Plan: made now; `migplan plan` writes one to keep"

    @property
    def proposal(self) -> Plan | None:
        """The plan as migplan last wrote it; None if that is lost."""
        return self.baseline.proposal if self.baseline else None

    @property
    def decisions(self) -> int:
        """How many decisions people made in the file, those included that it has marked."""
        return count_decisions(self.plan, self.proposal) if self.plan else 0


@dataclass(frozen=True, slots=True)
class UsedPlan:
    """The plan that runs, the part of the database that it is about, and what else is to be said."""

    plan: Plan
    selected: selection.Selected
    notes: tuple[str, ...] = ()
    digest: str = ""  # of the plan's file, if there is one


def find_plan(
    named: Path | None, config: Config, *, ignored: bool = False, part: Part | None = None
) -> ChosenPlan:
    """Return the plan to use; raise FileError if it cannot be told, or its file cannot be read.

    It is that of the file that was named, else of migplan.yaml's ``plan.file``, else plans/NAME.yaml. Where
    nobody gave it a name, the only plan in plans/ serves as well. ``ignored``: none of them is wanted.
    """
    wanted = part or Part()
    file = None if ignored else named or plan_in_use(config)
    if file is None:
        return ChosenPlan(beside=tuple(_plans()), part=wanted)
    plan, marks = plan_file.load(file)
    return ChosenPlan(file, plan, marks, baseline.load(file), part=wanted)


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


def count_decisions(plan: Plan, proposal: Plan | None) -> int:
    """Return how many decisions people made in a plan's file, those included that it has marked."""
    found = by_hand(plan, proposal, proposal or plan)
    heads = sum(len(set(marks) - {"place"}) for marks in found.heads.values())
    placed = any("place" in marks for marks in found.heads.values())
    cut = sum(cut.by_hand for cut in plan.breaks)
    number = len(found.groups) + len(found.strategies) + heads + placed + cut
    if proposal is None:
        return number
    whole = sum(getattr(plan, each) != getattr(proposal, each) for each in _WHOLE)
    then = {table.table: table for table in proposal.tables}
    edited = sum(
        (old.keys != table.keys and table.table not in found.strategies) + (old.reason != table.reason)
        for table in plan.tables
        if (old := then.get(table.table)) is not None
    )
    gone = len(then.keys() - {table.table for table in plan.tables})
    return number + int(whole) + edited + gone


_WHOLE = ("name", "constraints", "selection", "provided", "breaks")
"""What a plan says of all of its tables."""


def make_plan(
    catalog: Catalog,
    config: Config,
    request: Request,
    before: Path | None = None,
    asked: Collection[str] = (),
    configured: Config | None = None,
    also: Collection[QualifiedName] = (),
) -> Planned:
    """Return a plan for the catalog; ``also`` are tables that it has beside those that are selected.

    ``before`` is the file of an earlier one, which changes only where the database makes it; its layout,
    selection and name stay where neither the configuration was edited since nor options have ``asked``
    for others. ``configured`` is what migplan.yaml says by itself, where options have added to ``config``.
    """
    said = configured or config
    if before is None:
        selected = _selected(catalog, config, request, also)
        plan = make(selected, build(selected.catalog), request)
        return Planned(plan, Baseline(selected.catalog, plan, said))
    written, _ = plan_file.load(before)
    then = baseline.load(before)
    request = _as_before(request, said, written, then, asked)
    selected = _selected(catalog, config, request)
    again = replan(selected, build(selected.catalog), request, written, _before(then, catalog))
    plan = words_kept(written, then.proposal if then else None, again.plan)
    changed = (
        *again.changed,
        *_changed_beside(written, again.plan, then, selected, catalog.types),
    )
    return Planned(plan, Baseline(selected.catalog, again.plan, said), again.kept, changed)


def _changed_beside(
    written: Plan,
    plan: Plan,
    then: Baseline | None,
    selected: selection.Selected,
    types: tuple[Type, ...],
) -> tuple[str, ...]:
    """Return what has changed that a plan has no line for: publications, functions, storage of columns."""
    if then is None or not plan.selection == written.selection == then.proposal.selection:
        return ()
    lines = _drift_of(written, then, selected, types)
    return tuple(line for line in lines if not _SAID_OF_TABLES.match(line))


_SAID_OF_TABLES = re.compile(
    r"contradiction: |renamed: |something |\w+: (?:table [^ ]* is |table [^ ]*$|.* of table )"
)


def _before(then: Baseline | None, catalog: Catalog) -> Before:
    if then is None:
        return Before()
    asked = _request(then.configured, catalog) if then.configured else None
    return Before(then.proposal, then.catalog, asked)


def _selected(
    catalog: Catalog, config: Config, request: Request, also: Collection[QualifiedName] = ()
) -> selection.Selected:
    provided = provided_of(for_platform(config, request.platform))
    wanted = _patterns(request.selection, Provided.of(request.provided) | provided)
    selected = selection.select(without_secrets(catalog), wanted, also)
    refuse_nothing(selected)
    return selected


def _patterns(said: SelectionSection, provided: Provided) -> Selection:
    return Selection(said.schemas, said.tables, said.exclude, provided)


def _as_before(
    request: Request, said: Config, written: Plan, then: Baseline | None, asked: Collection[str]
) -> Request:
    """Return the request with what the plan's file says of the whole, where that is the last word.

    migplan.yaml has it where it was edited since the plan was made, and the plan's file was not.
    """
    before = then.configured if then else None
    now, earlier = _of_the_whole(said), _of_the_whole(before or said)
    proposal = then.proposal if then else None

    def stays(field_: str) -> bool:
        edited = proposal is not None and getattr(written, field_) != getattr(proposal, field_)
        return field_ not in asked and (edited or now[field_] == earlier[field_])

    return replace(
        request,
        layout=written.constraints if stays("constraints") else request.layout,
        selection=written.selection if stays("selection") else request.selection,
        provided=written.provided if stays("provided") else request.provided,
        platform=request.platform or written.platform,
        name=written.name if stays("name") else request.name,
    )


def _of_the_whole(config: Config) -> dict[str, object]:
    return {
        "constraints": config.plan.constraints,
        "selection": config.selection,
        "provided": config.provided,
        "name": config.plan.name,
    }


def write_plan(result: Planned, file: Path) -> None:
    """Write the plan, and beside it what migplan saw and proposed."""
    baseline.save(result.baseline, file)
    plan_file.save(result.plan, file)


def selection_of(plan: Plan, config: Config) -> Selection:
    """Return what a plan selects; what the target provides is what the plan or the configuration says."""
    return _patterns(
        plan.selection, Provided.of(plan.provided) | provided_of(for_platform(config, plan.platform))
    )


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
    return _drift_of(plan, then, selected, catalog.types)


def _drift_of(
    plan: Plan,
    then: Baseline | None,
    selected: selection.Selected,
    types: tuple[Type, ...],
    names: Collection[QualifiedName] | None = None,
    provided: Provided | None = None,
) -> tuple[str, ...]:
    """Return the drift of a plan; ``names``: of these tables, and of what stands beside tables.

    ``provided`` is what the target has been said to provide since the plan was made: it is no drift.
    """
    if then is not None and fingerprint(then.catalog) == plan.catalog:
        # An earlier migplan wrote every literal, and took the fingerprint of it.
        seen = without_secrets(then.catalog, types)
        if then.proposal.selection != plan.selection:  # people have changed it since
            meant = selection.chosen_tops(seen, _patterns(plan.selection, Provided()))
            seen = selection.part_of(seen, meant)
        if provided is not None:
            seen = selection.without(seen, provided)
        if names is not None:
            seen = selection.part_of(seen, names)
        then = replace(then, catalog=seen)
        plan = plan.model_copy(update={"catalog": fingerprint(seen)})
    if provided is not None:
        theirs = set(map(str, selected.provided))
        plan = cut_down(plan, {table.table for table in plan.tables} - theirs)
    if names is not None:
        selected = selection.only(selected, names)
        plan = cut_down(plan, {str(name) for name in names})
    return drift(plan, then, selected, build(selected.catalog))


def without_secrets(catalog: Catalog, types: tuple[Type, ...] = ()) -> Catalog:
    """What a plan is made from, and what is kept beside it: both are committed, and need no secrets.

    ``types`` are those of the whole database, where the catalog is a part of it: what they list is harmless.
    """
    return cleaned(catalog, Anonymiser(replace(catalog, types=(*types, *catalog.types))), with_digest)


def plan_for(
    catalog: Catalog, config: Config, chosen: ChosenPlan, also: Collection[QualifiedName] = ()
) -> UsedPlan:
    """Return the plan of a file as people edited it, cut down to the part that is wanted; else one made now.

    ``also`` are tables that are taken along: they are no part of what is wanted, and needed by it.
    Raise YamlError, with the line, for what cannot be done, and PlanError where the database has drifted from
    it in what is wanted; other drift is in the notes.
    """
    plan, marks = chosen.plan, chosen.marks
    if plan is None or marks is None:
        config = settled(config, catalog)
        plan = make_plan(catalog, config, request_of(config, catalog), also=also).plan
        return UsedPlan(plan, selection.select(catalog, as_selection(config), also))
    selected = _selected_by_file(catalog, config, chosen)
    edited = Edited(
        plan,
        marks,
        chosen.proposal,
        frozenset(str(table.name) for table in chosen.baseline.catalog.tables) if chosen.baseline else (),
        catalog,
        selected,
        build(selected.catalog),
    )
    edited.refuse_tables()
    part = chosen.part
    wanted = selection.narrowed(selected, part.patterns) if part.patterns != Selection() else selected
    if also:
        wanted = selection.only(selected, {*wanted.catalog.tops.values(), *also})
    notes = _refuse_drift(catalog, config, chosen, set(wanted.catalog.tops.values()))
    completed = edited.completed(Layout.WITH_SCHEMA if part.rows_only else None)
    names = [name for text, name in build(wanted.catalog).by_text.items() if text in completed.group_of]
    if len(names) < len(set(completed.group_of)):
        said = part.patterns
        narrowed = SelectionSection(
            schemas=said.schemas or plan.selection.schemas,
            tables=said.tables or plan.selection.tables,
            exclude=(*plan.selection.exclude, *said.exclude),
        )
        completed = cut_down(completed, {str(name) for name in names})
        completed = completed.model_copy(update={"selection": narrowed})
    if set(names) != set(wanted.catalog.tops.values()):  # tables that the plan does not know yet
        wanted = selection.only(wanted, set(names))
    refuse_nothing(wanted)
    empty = [
        f"group {group.name} has no tables, and gets no files" for group in plan.groups if not group.tables
    ]
    return UsedPlan(completed, wanted, (*notes, *empty), plan.digest)


def plan_that_fits(catalog: Catalog, config: Config, chosen: ChosenPlan) -> UsedPlan:
    """Return the plan as :func:`plan_for` does; one that has drifted as planning again would make it."""
    try:
        return plan_for(catalog, config, chosen)
    except DriftError as drifted:
        plan = make_plan(catalog, config, request_of(config, catalog), chosen.file).plan
        selected = selection.select(catalog, selection_of(plan, config))
        more = f", and {counted(len(drifted.drift) - 1, 'more difference')}" if len(drifted.drift) > 1 else ""
        said = f"{chosen.file} no longer fits: {drifted.drift[0]}{more}; what fits of it is used"
        return UsedPlan(plan, selected, (said,))


def _selected_by_file(catalog: Catalog, config: Config, chosen: ChosenPlan) -> selection.Selected:
    assert chosen.plan is not None
    assert chosen.marks is not None
    try:
        return selection.select(catalog, selection_of(chosen.plan, config))
    except SelectionError as error:
        raise chosen.marks.error(("selection",), error.what, error.do) from None


def _refuse_drift(
    catalog: Catalog, config: Config, chosen: ChosenPlan, tops: set[QualifiedName]
) -> tuple[str, ...]:
    """Return notes about drift beside what is wanted; raise PlanError for drift in it."""
    plan, file, part = chosen.plan, chosen.file, chosen.part
    assert plan is not None
    selected = selection.select(without_secrets(catalog), selection_of(plan, config))
    provided = selected.provides if config.provided != plan.provided else None
    every = _structural(_drift_of(plan, chosen.baseline, selected, catalog.types, provided=provided))
    found = every
    if part and every:
        named = {table.table for group in plan.groups if group.name in part.groups for table in group.tables}
        then = set(chosen.baseline.catalog.tops.values()) if chosen.baseline else set()
        names = {name for name in tops | then if not part.groups or str(name) in named}
        if chosen.baseline and part.patterns != Selection():
            names &= tops | selection.chosen_tops(chosen.baseline.catalog, part.patterns)
        found = _structural(_drift_of(plan, chosen.baseline, selected, catalog.types, names, provided))
        if part.rows_only:
            found = tuple(line for line in found if _ABOUT_ROWS.match(line))
    if not found:
        others = f", and {counted(len(every) - 1, 'more difference')}" if len(every) > 1 else ""
        return (f"the database has drifted from {file} beside this: {every[0]}{others}",) if every else ()
    if not {table.table for table in plan.tables} & {str(table.name) for table in catalog.tables}:
        raise PlanError(
            f"{file} is the plan of another database, {plan.database}: {catalog.server.address} has none of "
            "its tables",
            do="name the plan of this one, or go by a plan made on the spot with --no-plan",
        )
    shown = [*found[:10], *([f"and {len(found) - 10:,} more"] if len(found) > 10 else [])]
    raise DriftError(
        f"{file} no longer fits {catalog.server.address}:\n  " + "\n  ".join(shown),
        do="the same command with --replan plans again, keeps what was set by hand, and goes on",
        drift=found,
    )


_ABOUT_ROWS = re.compile(
    r"\w+: (?:table|column|primary key|unique key|foreign key|check|exclusion constraint)\b"
    r"|\w+: (?:trigger|type|sequence)\b|something"
)
"""Drift that matters to rows for a schema that is there."""


def _structural(lines: Iterable[str]) -> tuple[str, ...]:
    """Return drift of the database alone; all of it if there is any, since the rest may follow from it."""
    found = tuple(lines)
    return found if any(not line.startswith("contradiction: ") for line in found) else ()


def unlike_configuration(chosen: ChosenPlan, config: Config) -> tuple[str, ...]:
    """Return where migplan.yaml and the plan's file say different things that nobody set in the file."""
    plan, proposal = chosen.plan, chosen.proposal
    if plan is None or chosen.file is None:
        return ()
    found = []
    if "constraints" in config.plan.model_fields_set and config.plan.constraints != plan.constraints:
        found.append(("constraints", f"constraints {config.plan.constraints.value}", plan.constraints.value))
    if config.selection.model_fields_set and config.selection != plan.selection:
        found.append(("selection", "another selection", "its own"))
    lines = [
        f"migplan.yaml says {wanted}, and the plan {has}"
        for field_, wanted, has in found
        if proposal is None or getattr(plan, field_) == getattr(proposal, field_)
    ]
    for text, strategy in config.strategies.items():
        for table in plan.tables:
            means = table.table == text or ("." not in text and parse(table.table).name == text)
            if means and table.strategy is not strategy and "strategy" not in table.by_hand:
                then = {each.table: each.strategy for each in proposal.tables} if proposal else {}
                if then.get(table.table, table.strategy) is table.strategy:
                    ways = f"by {strategy.value}, and the plan by {table.strategy.value}"
                    lines.append(f"migplan.yaml loads {table.table} {ways}")
    return tuple(lines)


def request_of(config: Config, catalog: Catalog) -> Request:
    """What the configuration wants of a plan."""
    return _request(settled(config, catalog), catalog)


def _request(config: Config, catalog: Catalog) -> Request:
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
