"""What people see: styled text on a terminal, plain text in a pipe, progress on stderr."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import (
    Progress as Bar,
)
from rich.segment import Segment
from rich.text import Text

from migplan.cli.streams import Outlet
from migplan.progress import Progress, no_progress
from migplan.text.printable import printable

# The signs of trees and marks, where an encoding has none of them.
_IN_ASCII = str.maketrans("├─└│↻⟲↗→…×·█", "|-`|@@^>.x.#")


class Screen(Console):
    """rich's console; its own escape sequences reach the terminal, and none of what it is given."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of what is to be printed, each of them cleaned."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else printable(text, keep="\n\t"), style, control)

    @property
    def file(self) -> IO[str]:
        """Where it writes: behind the outlet that would take its escape sequences away."""
        found: IO[str] = Console.file.fget(self)  # type: ignore[attr-defined]  # the one that this replaces
        return cast("IO[str]", found.styled) if isinstance(found, Outlet) else found

    @file.setter
    def file(self, new_file: IO[str]) -> None:
        self._file = new_file

    def on_broken_pipe(self) -> None:
        """Whoever read has gone: that is for the boundary to say."""
        raise BrokenPipeError


def _console(*, stderr: bool = False) -> Screen:
    # rich prints nothing at all on a screen that says it has no columns.
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS" or value.strip("0")}
    return Screen(
        stderr=stderr, highlight=False, markup=False, emoji=False, soft_wrap=True, _environ=environment
    )


out = _console()
err = _console(stderr=True)


def show(lines: Iterable[Text | str]) -> None:
    """Print lines; in a pipe without any styling, and without trailing blanks anywhere."""
    plain = not _has_signs(out.encoding)
    for line in lines:
        text = Text(line) if isinstance(line, str) else line
        if plain and not isinstance(line, str):  # texts without style are for programs, too
            text.plain = text.plain.translate(_IN_ASCII)
        text.rstrip()
        out.print(text)


def _has_signs(encoding: str) -> bool:
    try:
        "├↻".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def show_aside(lines: Iterable[Text | str]) -> None:
    """The same on stderr: for what is said beside the answer."""
    for line in lines:
        err.print(line)


class _Rate(ProgressColumn):
    """How many a second, once that can be told."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "", style="progress.data.speed")


@contextmanager
def progress(what: str) -> Iterator[Progress]:
    """Show what is going on while a block runs; nothing where stderr is no terminal."""
    if not err.is_terminal:
        yield no_progress
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        TimeElapsedColumn(),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda now, done, total: bar.update(task, description=now, completed=done, total=total or None)
