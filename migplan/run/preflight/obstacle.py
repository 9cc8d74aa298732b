"""Obstacles to a run."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["stop", "warn"]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that a run would fail at ('stop'), or that people should know ('warn'), and what to do."""

    level: Level
    subject: str
    what: str
    do: str = ""


def stop(subject: str, what: str, do: str) -> Obstacle:
    """Return an obstacle at which a run would fail, or do harm."""
    return Obstacle("stop", subject, what, do)


def warn(subject: str, what: str, do: str = "") -> Obstacle:
    """Return an obstacle that does not stop a run, but that people should know."""
    return Obstacle("warn", subject, what, do)
