"""What stands in the way of a run, for people: what it is, and what to do about it."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rich.text import Text

from migplan.text.wording import counted

_STYLES = {"stop": "bold red", "warn": "yellow"}


class Obstacle(Protocol):
    """As much of an obstacle as is shown."""

    @property
    def level(self) -> str:
        """How bad it is: stop, or warn."""

    @property
    def subject(self) -> str:
        """What it is about."""

    @property
    def what(self) -> str:
        """What stands in the way."""

    @property
    def do(self) -> str:
        """What to do about it, if there is something to do."""


def as_text(obstacles: Sequence[Obstacle], target: str) -> Iterator[Text]:
    """Return a line for each obstacle, what to do below it, and whether the run can begin."""
    for obstacle in obstacles:
        line = Text(f"{obstacle.level}: ", style=_STYLES[obstacle.level])
        line.append(f"{obstacle.subject}: ", style="not bold default")
        line.append(obstacle.what, style="not bold default")
        yield line
        if obstacle.do:
            yield Text(f"  -> {obstacle.do}", style="dim")
    stops = sum(obstacle.level == "stop" for obstacle in obstacles)
    if stops:
        stand = "stands" if stops == 1 else "stand"
        yield Text(f"{counted(stops, 'obstacle')} {stand} in the way; nothing was changed", style="bold")
    else:
        yield Text(f"Nothing stands in the way in {target}", style="bold")
