"""Asking every rule, and leaving out the findings that the settings ignore."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from itertools import groupby

from migplan.advise.context import Context
from migplan.advise.finding import Blind, Finding, Need, RuleModule
from migplan.advise.rules import RULES
from migplan.catalog.model import Catalog
from migplan.catalog.vitals import ROLES
from migplan.config import AdviseSection, IgnoreSection
from migplan.errors import SelectionError
from migplan.graph import ForeignKeyGraph
from migplan.level import Level
from migplan.text.wording import CODE, did_you_mean, listed

_ANY = AdviseSection()
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Ignored:
    """A finding that people live with, and their reason."""

    finding: Finding
    reason: str


@dataclass(frozen=True, slots=True)
class Advice:
    """What the rules found, what was left out of that, and what they could not look at."""

    findings: tuple[Finding, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    blind: tuple[Blind, ...] = ()
    off: tuple[str, ...] = ()  # codes of rules that the settings switch off
    idle: tuple[IgnoreSection, ...] = ()  # entries of the ignore list that match nothing any more
    beside: tuple[str, ...] = ()  # sentences: what was left out because the platform owns it, and by what

    @property
    def structural(self) -> tuple[Finding, ...]:
        """Those that follow from the structure alone, and are the same each time it is looked at."""
        return tuple(finding for finding in self.findings if not finding.observed)

    @property
    def in_short(self) -> tuple[str, ...]:
        """The structural findings, a line a rule: the same each time the same structure is looked at."""
        return tuple(
            f"{level.value} {code}, {title}: " + listed((finding.what for finding in found), _NAMED, "; ")
            for (level, code, title), found in by_rule(self.structural)
        )


def advise(catalog: Catalog, graph: ForeignKeyGraph, settings: AdviseSection = _ANY) -> Advice:
    """What every rule finds, the most severe first, then in the order of the rules and of names."""
    _refuse_unknown(settings)
    context = Context(catalog, graph, settings)
    wanted = [module for module in RULES if settings.levels.get(module.RULE.code) != "off"]
    found: list[Finding] = []
    blind: list[Blind] = []
    for module in wanted:
        said = sorted(_asked(module, context), key=lambda each: each.what)
        blind += [each for each in said if isinstance(each, Blind)]
        found += [_with_level(each, settings) for each in said if isinstance(each, Finding)]
    ignored = [(finding, _entry(finding, settings)) for finding in found]
    used = {id(entry) for _, entry in ignored if entry}
    asked = {module.RULE.code for module in wanted}
    return Advice(
        findings=tuple(sorted((f for f, entry in ignored if not entry), key=lambda f: f.level.rank)),
        ignored=tuple(Ignored(finding, entry.reason) for finding, entry in ignored if entry),
        blind=tuple(blind),
        off=tuple(module.RULE.code for module in RULES if module not in wanted),
        idle=tuple(entry for entry in settings.ignore if id(entry) not in used and entry.code in asked),
    )


def by_rule(findings: Iterable[Finding]) -> Iterator[tuple[tuple[Level, str, str], list[Finding]]]:
    """Level, code and title of each rule, and what it found; the findings stand in the order of the rules."""
    for rule, found in groupby(findings, key=lambda finding: (finding.level, finding.code, finding.title)):
        yield rule, list(found)


def _refuse_unknown(settings: AdviseSection) -> None:
    known = {module.RULE.code for module in RULES}
    for code in (*settings.levels, *(entry.code for entry in settings.ignore)):
        if code not in known:
            raise SelectionError(
                f"advise speaks of {code}, and no rule has that code",
                do=did_you_mean(code, known, "there are: " + ", ".join(sorted(known)), CODE),
            )


def _asked(module: RuleModule, context: Context) -> Iterator[Finding | Blind]:
    missing = [why for need in module.RULE.needs if (why := _missing(need, context))]
    if missing:
        yield module.RULE.blind("", "; ".join(missing))
        return
    for need in module.RULE.needs:
        yield from (module.RULE.blind(what, why) for what, why in _not_there(need, context))
    yield from module.find(context)


def _not_there(need: Need, context: Context) -> Iterator[tuple[str, str]]:
    """What the settings name and this database does not have, beside others that it has."""
    if need is Need.SCHEMAS:
        there = {schema.name for schema in context.catalog.schemas}
        for schema in context.settings.exposed_schemas:
            if schema not in there:
                near = did_you_mean(schema, there)
                yield (
                    f"schema {schema}",
                    f"it is said to be exposed, and is not there, or not selected; {near}",
                )
    elif need is Need.ROLES:
        roles = [role.name for role in context.vitals.roles]
        for role in context.settings.api_roles:
            if role not in roles:
                near = did_you_mean(role, roles)
                yield f"role {role}", f"it is said to be the API's, and this server does not have it; {near}"


def _missing(need: Need, context: Context) -> str:
    """Why a need is not met; empty when it is."""
    unread = context.catalog.vitals is None
    match need:
        case Need.VITALS if unread:
            return "it looks at more than a catalog's structure, and that was not read"
        case Need.SCHEMAS if not context.settings.exposed_schemas:
            return "nobody said which schemas an API exposes: advise.exposed_schemas, or --exposed-schema"
        case Need.ROLES if not context.settings.api_roles:
            return "nobody said which roles the API takes: advise.api_roles, or --api-role"
        case Need.ROLES:
            return "who is a member of which role was not read" if unread else _unknown_roles(context)
    return ""


def _unknown_roles(context: Context) -> str:
    why = dict(context.vitals.unread).get(ROLES)
    if why:
        return f"who is a member of which role could not be read: {why}"
    if context.api_roles:
        return ""
    said, roles = context.settings.api_roles, [role.name for role in context.vitals.roles]
    return f"this server has no role {' or '.join(said)}; {did_you_mean(said[0], roles)}"


def _with_level(finding: Finding, settings: AdviseSection) -> Finding:
    level = settings.levels.get(finding.code)
    return finding if level is None else replace(finding, level=Level(level))


def _entry(finding: Finding, settings: AdviseSection) -> IgnoreSection | None:
    return next(
        (e for e in settings.ignore if e.code == finding.code and fnmatchcase(finding.what, e.object)), None
    )
