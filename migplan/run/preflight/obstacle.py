"""What is in the way, or may be: one value each."""

from __future__ import annotations

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
    """A run would fail, or do harm."""
    return Obstacle("stop", subject, what, do)


def warn(subject: str, what: str, do: str = "") -> Obstacle:
    """A run can go on, and its outcome may be another than people expect."""
    return Obstacle("warn", subject, what, do)
