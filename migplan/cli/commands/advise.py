"""``migplan advise``."""

from __future__ import annotations

import fnmatch
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.errors import SelectionError
from migplan.files import write_whole
from migplan.level import Level
from migplan.text.wording import CODE, did_you_mean

if TYPE_CHECKING:
    from migplan.advise import Advice
    from migplan.config import Config

NEVER = "never"


@click.command()
@named.arguments("source")
@options.reading(counted=False)
@click.option(
    "--exposed-schema",
    "exposed_schemas",
    metavar="NAME",
    multiple=True,
    help="A schema that people reach through an API, such as PostgREST's (repeatable). "
    "Default: advise.exposed_schemas of migplan.yaml.",
)
@click.option(
    "--api-role",
    "api_roles",
    metavar="ROLE",
    multiple=True,
    help="A role that this API takes, such as anon (repeatable). Default: advise.api_roles.",
)
@click.option(
    "--rule",
    "codes",
    metavar="CODE",
    multiple=True,
    help="Ask only this rule: MP106, or MP3* for a family (repeatable).",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "sarif", "sql"]),
    default="table",
    show_default=True,
    help="table: for people. json: everything, for programs. sarif: for code scanning. "
    "sql: what would fix it.",
)
@click.option("--all", "whole", is_flag=True, help="Fold nothing, however many findings there are.")
@click.option(
    "--fail-on",
    type=click.Choice([*(level.value for level in Level), NEVER]),
    default=Level.ERROR.value,
    show_default=True,
    help="End with exit code 1 when there is a finding of this level, or a graver one.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to a file.")
@click.option("--explain", metavar="CODE", help="Show what a rule is, when exactly it fires, and why.")
def advise(
    reading: options.Reading,
    exposed_schemas: tuple[str, ...],
    api_roles: tuple[str, ...],
    codes: tuple[str, ...],
    format_: str,
    whole: bool,
    fail_on: str,
    out: Path | None,
    explain: str | None,
) -> None:
    """Say what is wrong, slow or open in a database, why it matters, and the SQL that fixes it.

    Nothing is written to the database, and no row is read but the greatest numbers of columns that sequences
    fill. A rule that could not run, or not on everything, says so: silence means that it found nothing.

    Rules about what is exposed need to know the schemas and roles of the API; on a Supabase project these
    are --exposed-schema public --api-role anon --api-role authenticated.

    What you know of and live with belongs into migplan.yaml, with the reason:

    \b
      advise:
        ignore:
          - {code: MP106, object: "public.audit_log*", reason: nothing is ever deleted above it}
    """
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.analyze import analyze_catalog
    from migplan.report.advice import FORMATS, headline

    if explain:
        _explain(explain)
        return
    settings = _with_advice(reading.settings, exposed_schemas, api_roles, codes)
    analysis = analyze_catalog(reading.catalog(Exactness.ESTIMATE, vitals=True, attributes=False), settings)
    advice = replace(analysis.advice, off=()) if codes else analysis.advice
    lines = FORMATS[format_](advice, analysis.catalog.server, whole=whole or out is not None)
    if out:
        write_whole(out, "\n".join(str(line) for line in lines) + "\n")
        screen.show_aside([f"{out}: {headline(advice)}"])
    else:
        screen.show(lines)
    if _is_reached(advice, fail_on):
        sys.exit(1)


def _with_advice(
    settings: Config, exposed_schemas: tuple[str, ...], api_roles: tuple[str, ...], codes: tuple[str, ...]
) -> Config:
    from migplan.advise import RULES

    said = settings.advise
    changes: dict[str, object] = {}
    if exposed_schemas:
        changes["exposed_schemas"] = exposed_schemas
    if api_roles:
        changes["api_roles"] = api_roles
    if codes:
        wanted = _codes(codes)  # who asks for a rule wants to hear it, also where it is off
        levels = {code: level for code, level in said.levels.items() if level != "off"}
        changes["levels"] = levels | {m.RULE.code: "off" for m in RULES if m.RULE.code not in wanted}
    return settings.model_copy(update={"advise": said.model_copy(update=changes)})


def _codes(globs: tuple[str, ...]) -> frozenset[str]:
    """The codes of rules that are meant."""
    from migplan.advise import RULES

    known = [module.RULE.code for module in RULES]
    found = {glob: fnmatch.filter(known, glob.upper()) for glob in globs}
    for glob, codes in found.items():
        if not codes:
            do = did_you_mean(glob, known, f"there are: {', '.join(known)}", CODE)
            raise SelectionError(f"no rule has the code {glob!r}", do=do)
    return frozenset(code for codes in found.values() for code in codes)


def _explain(code: str) -> None:
    from migplan.advise import RULES
    from migplan.report import rules

    (first, *more) = sorted(_codes((code,)))
    for module in RULES:
        if module.RULE.code in {first, *more}:
            screen.show(rules.explained(module))
            screen.show([""])


def _is_reached(advice: Advice, fail_on: str) -> bool:
    if fail_on == NEVER:
        return False
    return any(finding.level.rank <= Level(fail_on).rank for finding in advice.findings)
