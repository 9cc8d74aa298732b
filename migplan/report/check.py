"""What a check of a bundle found, for people: one line per problem, as compilers print them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from migplan.bundle.check.examine import Examination
from migplan.bundle.check.problem import Problem
from migplan.text.wording import counted

if TYPE_CHECKING:  # a check alone has no need of them, and they take a while to load
    from migplan.bundle.check.edits import Edits
    from migplan.run.bundle.receipt import Uses

_LINES = 200  # of differences, in all files together
_WIDTH = 300


def as_text(examination: Examination, folder: Path) -> Iterator[Text]:
    """The problems, and what was read."""
    problems = examination.problems
    for problem in problems:
        yield from _problem(problem)
    if problems:
        yield Text()
    read = (
        f"{counted(examination.files, 'file')}, {counted(examination.statements, 'statement')}, "
        f"{counted(examination.rows, 'row')}, {counted(examination.bytes, 'byte')} read"
        + ("; rows come live from the source" if examination.live else "")
    )
    if not problems:
        yield Text(f"{folder} is as its manifest says: {read}", style="bold")
        yield Text(
            "Digests do not show whether somebody changed files and manifest alike: a signature does "
            "(migplan sign, --signed-by).",
            style="dim",
        )
        return
    files = len({problem.file for problem in problems})
    yield Text(f"{counted(len(problems), 'problem')} in {counted(files, 'file')} of {folder}", style="bold")
    yield Text(read, style="dim")


def edited(edits: Edits, folder: Path, uses: Uses, *, signed: bool) -> Iterator[Text]:
    """What was edited in a bundle by hand, and who knows it as it was."""
    files = counted(len(edits.changes), "file")
    yield Text(f"{files} of {folder} edited since the bundle was sealed:", style="bold")
    left = _LINES
    for change in edits.changes:
        if not change.lines or not change.lines[0].startswith("---"):
            yield Text(f"  {change.file}: {change.lines[0] if change.lines else 'edited'}")
            continue
        for line in change.lines[:left]:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
            yield Text(line if len(line) <= _WIDTH else f"{line[:_WIDTH]} ...", style=style)
        if len(change.lines) > left:
            yield Text(f"  and {len(change.lines) - left:,} more lines of {change.file}", style="dim")
        left = max(left - len(change.lines), 0)
    if signed:
        yield Text("The bundle is signed: the signature will be gone.", style="yellow")
    if uses.targets:
        yield Text(
            f"The bundle as it was has run on {', '.join(uses.targets)}: the journal there keeps how to roll "
            "that back, and no other copy of it is here.",
            style="yellow",
        )


def accepted(folder: Path, edits: Edits, digest: str, *, signed: bool) -> Iterator[Text]:
    """That a bundle is sealed anew, and what that means."""
    yield Text(
        f"{folder} is sealed as it is now: digest {digest[:16]}, before {edits.digest[:16]}", style="bold"
    )
    if signed:
        yield Text(f"The signature of before is gone; sign it with: migplan sign {folder} --key KEY")
    yield Text("Receipts of before do not count for it. Comments in files, and MIGRATION_ORDER.md, still say")
    source = " --source SOURCE" if edits.manifest.is_live else ""
    yield Text(f"the numbers of the export. Rehearse it with: migplan rehearse {folder}{source}")


def _problem(problem: Problem) -> Iterator[Text]:
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    line = Text(f"{place}: ", style="bold")
    line.append(f"{problem.kind.value}: ", style="not bold red")
    line.append(problem.what, style="not bold")
    yield line
    if problem.do:
        yield Text(f"  -> {problem.do}", style="dim")
