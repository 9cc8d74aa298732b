"""What a check of a bundle found, for people: one line per problem, as compilers print them."""

from collections.abc import Iterator
from pathlib import Path

from rich.text import Text

from migplan.bundle.check.examine import Examination
from migplan.bundle.check.problem import Problem
from migplan.text.wording import counted


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
    )
    if not problems:
        yield Text(f"{folder} is as its manifest says: {read}", style="bold")
        yield Text(
            "Whether somebody changed both no digest shows: a signature does (migplan sign, --signed-by).",
            style="dim",
        )
        return
    files = len({problem.file for problem in problems})
    yield Text(f"{counted(len(problems), 'problem')} in {counted(files, 'file')} of {folder}", style="bold")
    yield Text(read, style="dim")


def _problem(problem: Problem) -> Iterator[Text]:
    place = f"{problem.file}:{problem.line}" if problem.line else problem.file
    line = Text(f"{place}: ", style="bold")
    line.append(f"{problem.kind.value}: ", style="not bold red")
    line.append(problem.what, style="not bold")
    yield line
    if problem.do:
        yield Text(f"  -> {problem.do}", style="dim")
