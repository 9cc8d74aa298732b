"""Events of a data step, and its result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was left out, by its key, and why."""

    key: tuple[str, ...]
    kind: Literal["skipped", "failed"]
    reason: str


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of rows that were read; ``written`` is what became of those that are done."""

    done: int = 0
    skipped: int = 0
    failed: int = 0
    written: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.done + self.skipped + self.failed

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.done + other.done,
            self.skipped + other.skipped,
            self.failed + other.failed,
            self.written + other.written,
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """The step begins, or goes on."""

    file: Path
    before: Counts  # what an earlier try has done
    about: int  # rows that are left, as the server guesses them


@dataclass(frozen=True, slots=True)
class Progressed:
    """A batch and its checkpoint are committed."""

    file: Path
    counts: Counts  # of the whole step
    rate: float  # rows a second, since this try began


@dataclass(frozen=True, slots=True)
class TriedAgain:
    """Something failed for a reason that passes, and will be tried again."""

    file: Path
    attempt: int
    why: str
    wait: float


DataEvent = Opened | Progressed | TriedAgain
OnDataEvent = Callable[[DataEvent], None]


@dataclass(frozen=True, slots=True)
class Summary:
    """What came of a data step, over all of its tries; the time is that of the last."""

    counts: Counts
    seconds: float
    reasons: tuple[Rejected, ...] = ()  # the first that were left out, those that failed before the others
    went_on: bool = False  # an earlier try had done a part of it
    nothing_to_do: bool = False  # it was done already
