"""A verification for people, for programs, and for a page: how many of each kind, and every difference."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, replace

from rich.text import Text

from migplan.anonymise.texts import shown
from migplan.report.section import section
from migplan.text.wording import counted
from migplan.verify.verification import Check, Difference, Verification

FORMAT = 1
_FEW = 5  # differences that are shown of a target that has nothing yet


def as_text(verification: Verification) -> Iterator[Text]:
    """Return a line for each kind, then the differences, the notes, and what was proved."""
    verification = _without_secrets(verification)
    yield Text(_heading(verification), style="bold")
    yield Text()
    checks = verification.checks
    width = max((len(check.name) for check in checks), default=0)
    numbers = max((len(_numbers(check)) for check in checks), default=0)
    for check in checks:
        state = (_state(check), "green" if check.holds else "bold red")
        yield Text.assemble(f"  {check.name:{width}}  {_numbers(check):>{numbers}}  ", state)
    for hierarchy in verification.hierarchies:
        yield Text(
            f"  {hierarchy.table}: {counted(hierarchy.roots, 'root')}, {hierarchy.linked:,} linked, "
            f"{hierarchy.total:,} in all",
            style="dim",
        )
    differences = [line for each in verification.differences for line in _lines(each)]
    few = _FEW if verification.lacks_tables else None
    yield from section("Differences", differences, few, ", all of them with --format json")
    yield from section("To know", verification.notes)
    yield Text()
    yield Text(f"Not compared: {'; '.join(verification.not_compared)}.", style="dim")
    yield Text(closing(verification), style="bold")


def as_markdown(verification: Verification) -> Iterator[str]:
    """The same as a page."""
    verification = _without_secrets(verification)
    yield f"# {_heading(verification)}"
    yield ""
    yield "| | right | |"
    yield "|---|---:|---|"
    for check in verification.checks:
        said = _state(check)
        yield f"| {check.name} | {_numbers(check)} | {said if check.holds else f'**{said}**'} |"
    if verification.differences:
        yield from ("", "## Differences", "")
        for each in verification.differences:
            yield f"- {_escaped(str(each))}"
            yield from (f"  - {_escaped(example)}" for example in each.examples)
    if verification.hierarchies:
        yield from (
            "",
            "## Self-references",
            "",
            "| table | roots | linked | in all |",
            "|---|---:|---:|---:|",
        )
        for one in verification.hierarchies:
            yield f"| {_escaped(one.table)} | {one.roots:,} | {one.linked:,} | {one.total:,} |"
    if verification.notes:
        yield from ("", "## To know", "", *(f"- {_escaped(note)}" for note in verification.notes))
    yield from ("", f"Not compared: {_escaped('; '.join(verification.not_compared))}.")
    yield from ("", closing(verification))


def as_json(verification: Verification) -> Iterator[str]:
    """One JSON document."""
    verification = _without_secrets(verification)
    content = {
        "migplan_verification": FORMAT,
        "holds": verification.holds,
        "bundle": verification.bundle,
        "target": verification.target,
        "source": verification.source or None,
        "server": verification.server,
        "read_at": verification.read_at,
        "checks": [{"holds": check.holds, **asdict(check)} for check in verification.checks],
        "tables": [
            {
                "table": proof.table,
                "expected_rows": proof.expected_rows,
                "rows": proof.found.rows,
                "digest": proof.found.value or None,
                "strength": proof.strength,
            }
            for proof in verification.tables
        ],
        "hierarchies": [{**asdict(each), "total": each.total} for each in verification.hierarchies],
        "notes": verification.notes,
        "not_compared": verification.not_compared,
    }
    yield json.dumps(content, ensure_ascii=False, indent=2)


def closing(verification: Verification) -> str:
    """One sentence: whether it holds, and how strong the proof is."""
    by = Counter(proof.strength for proof in verification.tables)
    strengths = [
        f"{counted(by[strength], 'table')} {how}"
        for strength, how in (
            ("content", "by content"),
            ("count", "by row count only"),
            ("not read", "not read"),
        )
        if by[strength]
    ]
    proof = f" Rows: {', '.join(strengths)}." if strengths else ""
    against = f"{verification.bundle}" + (" and the source" if verification.source else "")
    s = "" if verification.source else "s"
    if verification.holds:
        return f"The target is what {against} say{s}.{proof}"
    known = sum(each.known for each in verification.differences)
    unknown = len(verification.differences) - known
    if number := verification.lacks_tables:
        none = f"none of the {number:,} tables" if number > 1 else "not the table"
        return (
            f"The target has {none} of {verification.bundle}: nothing was applied there, or all rolled back. "
            f"{counted(len(verification.differences), 'difference')}."
        )
    open_ = f"{counted(unknown, 'thing')} could not be compared" if unknown else ""
    if not known:
        return f"It is not proven that the target is what {against} say{s}: {open_}.{proof}"
    also = f", and {open_}" if open_ else ""
    return f"The target is not what {against} say{s}: {counted(known, 'difference')}{also}.{proof}"


def _heading(verification: Verification) -> str:
    source = f" and {verification.source}" if verification.source else ""
    return (
        f"{verification.target} against {verification.bundle}{source}, "
        f"PostgreSQL {verification.server} at {verification.read_at}"
    )


def _state(check: Check) -> str:
    if check.holds:
        return "ok"
    unknown = check.differences and not any(each.known for each in check.differences)
    return "NOT COMPARED" if unknown else "DIFFERS"


def _numbers(check: Check) -> str:
    return f"{check.right:,}/{check.of:,}"


def _without_secrets(verification: Verification) -> Verification:
    """Return it without secrets: a definition that differs may hold somebody's key."""
    checks = tuple(
        replace(
            check, differences=tuple(replace(each, detail=shown(each.detail)) for each in check.differences)
        )
        for check in verification.checks
    )
    return replace(verification, checks=checks)


def _lines(difference: Difference) -> Iterator[str]:
    yield str(difference)
    yield from (f"    {example}" for example in difference.examples)


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|" else letter for letter in text.replace("\n", " "))
