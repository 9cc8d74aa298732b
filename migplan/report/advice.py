"""Advice for people, for programs, for code scanning (SARIF), and as SQL that fixes what can be fixed."""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from rich.text import Text

from migplan import __version__
from migplan.advise import RULES, Advice, Blind, Finding, by_rule
from migplan.catalog.model import Server
from migplan.level import Level
from migplan.report import rules
from migplan.report.section import section
from migplan.sql.text import one_line
from migplan.text.printable import printable_sql
from migplan.text.wording import counted, listed

FORMAT = 1
STYLES = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "cyan"}
_SHOWN = 40


def headline(advice: Advice) -> str:
    """``12 findings: 1 error, 3 warnings, 8 notes``."""
    if not advice.findings:
        return "no findings"
    return f"{counted(len(advice.findings), 'finding')}: {levels(advice.findings)}"


def levels(findings: Collection[Finding]) -> str:
    """``1 error, 3 warnings``, or ``none``."""
    numbers = [(level, sum(each.level is level for each in findings)) for level in Level]
    return ", ".join(counted(number, level.value) for level, number in numbers if number) or "none"


def as_table(advice: Advice, server: Server, *, whole: bool = False) -> Iterator[Text]:
    """Rule by rule, the most severe first; then what was left out, and what could not be judged."""
    yield Text(
        f"{server.database} on PostgreSQL {server.version_text.split()[0]}: {headline(advice)}", style="bold"
    )
    for (level, code, title), found in by_rule(advice.findings):
        yield Text()
        yield Text.assemble((f"{level.value} {code}", STYLES[level]), (f"  {title}: {len(found):,}", "bold"))
        shown = found if whole else found[:_SHOWN]
        for finding in shown:
            yield Text(f"  {finding.what}")
            yield Text(f"    {finding.why}", style="dim")
            yield from (Text(f"    {line}", style="green") for line in _lines(finding.fix))
        if len(found) > len(shown):
            yield Text(f"  … and {len(found) - len(shown):,} more: --all shows them", style="dim")
    yield from _beside(advice)


def _beside(advice: Advice) -> Iterator[Text]:
    sections: tuple[tuple[str, Iterable[str]], ...] = (
        ("Ignored", (f"{i.finding.code} {i.finding.what}: {i.reason}" for i in advice.ignored)),
        ("Not judged", not_judged(advice.blind)),
        ("Switched off", advice.off),
        ("Platform", advice.beside),
        (
            "Entries of the ignore list that match nothing",
            (f"{entry.code} {entry.object}: {entry.reason}" for entry in advice.idle),
        ),
    )
    for title, lines in sections:
        yield from section(title, lines)


def not_judged(blind: Iterable[Blind]) -> Iterator[str]:
    """Return what no rule could look at, each reason once."""
    by_reason: dict[str, list[Blind]] = defaultdict(list)
    for each in blind:
        by_reason[each.why].append(each)
    for why, silent in by_reason.items():
        alone = len(silent) == 1
        subjects = [f"{each.code} {each.what or (each.title if alone else '')}".rstrip() for each in silent]
        yield f"{listed(subjects, 20)}: {why}"


def as_json(advice: Advice, server: Server, *, whole: bool = False) -> Iterator[str]:  # noqa: ARG001 - always
    """One JSON document with everything."""
    document = {
        "migplan_advice": FORMAT,
        "database": server.database,
        "server_version": server.version,
        "read_at": server.read_at,
        **content(advice),
    }
    yield json.dumps(document, ensure_ascii=False, indent=2)


def content(advice: Advice) -> dict[str, Any]:
    """Advice, for every JSON that holds some."""
    return {
        "findings": [finding_as_json(finding) for finding in advice.findings],
        "ignored": [{**finding_as_json(i.finding), "reason": i.reason} for i in advice.ignored],
        "not_judged": [
            {"code": each.code, "title": each.title, "object": each.what or None, "why": each.why}
            for each in advice.blind
        ],
        "switched_off": list(advice.off),
        "idle_ignores": [entry.model_dump() for entry in advice.idle],
        "platform": list(advice.beside),
    }


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """A finding, for every JSON that holds some."""
    return {
        "code": finding.code,
        "level": finding.level.value,
        "title": finding.title,
        "object": finding.what,
        "table": str(finding.table) if finding.table else None,
        "why": finding.why,
        "mend": finding.fix,  # the name that the format has had from the beginning
        "observed": finding.observed,
    }


def as_sarif(advice: Advice, server: Server, *, whole: bool = False) -> Iterator[str]:  # noqa: ARG001 - always
    """Return SARIF 2.1.0: ignored findings are suppressed, what could not be judged is a notification."""
    places = {module.RULE.code: number for number, module in enumerate(RULES)}
    results = [_result(finding, places, server) for finding in advice.findings]
    for ignored in advice.ignored:
        suppression = {"kind": "external", "justification": ignored.reason}
        results.append({**_result(ignored.finding, places, server), "suppressions": [suppression]})
    notifications = [
        {
            "level": "note",
            "message": {"text": f"{each.what or each.title}: {each.why}"},
            "associatedRule": {"id": each.code, "index": places[each.code]},
        }
        for each in advice.blind
    ]
    run = {
        "tool": {"driver": {"name": "migplan", "version": __version__, "rules": list(rules.as_sarif())}},
        "invocations": [{"executionSuccessful": True, "toolConfigurationNotifications": notifications}],
        "results": results,
    }
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    yield json.dumps({"version": "2.1.0", "$schema": schema, "runs": [run]}, ensure_ascii=False, indent=2)


def _result(finding: Finding, places: Mapping[str, int], server: Server) -> dict[str, Any]:
    name = finding.what
    return {
        "ruleId": finding.code,
        "ruleIndex": places[finding.code],
        "level": finding.level.value,
        "message": {"text": f"{name}: {finding.why}" + (f"\n\n{finding.fix}" if finding.fix else "")},
        "locations": [
            {
                # A database has no files; viewers want one, and this is where the finding can be read.
                "physicalLocation": {
                    "artifactLocation": {"uri": "docs/database/ADVISORS.md"},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": f"{server.database}.{finding.table or name}", "name": name}
                ],
            }
        ],
        "partialFingerprints": {"migplan/v1": f"{finding.code} {name}"},
    }


def as_sql(advice: Advice, server: Server, *, whole: bool = False) -> Iterator[str]:  # noqa: ARG001 - always
    """A script to read, choose from and run: statement by statement, and outside of a transaction."""
    yield f"-- {one_line(server.database)}: {headline(advice)}."
    yield "-- Read before running: a statement is what its finding suggests, and you know more than it."
    yield "-- Not in one transaction: what is built CONCURRENTLY cannot be."
    for (level, code, title), found in by_rule(advice.findings):
        yield ""
        yield f"-- {level.value} {code}: {title}"
        for finding in found:
            yield f"--   {one_line(finding.what)}: {one_line(finding.why)}"
            yield from _lines(finding.fix)
            if not finding.fix:
                yield "--   (no single statement fixes it)"


def _lines(sql: str) -> list[str]:
    """Return the lines of SQL; only ``\\n`` ends one, for other line breaks stand in names."""
    return printable_sql(sql).split("\n") if sql else []


FORMATS: Mapping[str, Callable[..., Iterator[Text | str]]] = {
    "table": as_table,
    "json": as_json,
    "sarif": as_sarif,
    "sql": as_sql,
}
"""Every shape of advice: a function of the advice, the server and ``whole``."""
