"""What people see: styled text on a terminal, plain text in a pipe, progress on stderr."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from migplan.pipeline.progress import Told

out = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def show(lines: Iterable[Text | str]) -> None:
    """Print lines; in a pipe without any styling, and without trailing blanks anywhere."""
    for line in lines:
        text = Text(line) if isinstance(line, str) else line
        text.rstrip()
        out.print(text)


def show_aside(lines: Iterable[Text | str]) -> None:
    """The same on stderr: for what is said beside the answer."""
    for line in lines:
        err.print(line)


class _Rate(ProgressColumn):
    """How many a second, once that can be told."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def progress(what: str) -> Iterator[Told]:
    """Show what is going on while a block runs; nothing where stderr is no terminal."""
    if not err.is_terminal:
        yield lambda _what, _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda now, done, total: bar.update(task, description=now, completed=done, total=total or None)
