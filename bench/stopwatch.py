"""Measuring contenders fairly: in turn, after a warm-up, by their medians."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter

SLOW_SECONDS = 10.0
"""A contender whose warm-up takes longer is not run again: the warm-up is its one measurement."""

MEMORY = "peak memory, MB"
CLIENT = "client CPU, s"
SERVER = "server CPU, s"
ASIDE = (MEMORY, CLIENT, SERVER)
"""The ends of the names of figures that explain a time and are none."""

Progress = Callable[[str], None]


class Laps:
    """The seconds of each stage of one run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.stopped: set[str] = set()
        self._since: dict[str, float] = {}

    def patience_of(self, stage: str, seconds: float) -> float:
        """What is left of so many seconds, counted from the stage's start."""
        return seconds - (perf_counter() - self._since[stage])

    @contextmanager
    def lap(self, stage: str) -> Iterator[None]:
        """Time a block."""
        start = self._since[stage] = perf_counter()
        yield
        self.seconds[stage] = perf_counter() - start

    def together(self, stage: str, *stages: str) -> None:
        """Add up stages that were timed one by one."""
        self.seconds[stage] = sum(self.seconds[each] for each in stages)


@dataclass(frozen=True)
class Contender:
    """Something to measure; ``definition`` says exactly what happens between start and stop."""

    name: str
    definition: str
    run: Callable[[Laps], None]


@dataclass(frozen=True)
class Figure:
    """The seconds that a stage took, run by run."""

    stage: str
    seconds: tuple[float, ...]
    warmed_up: bool = field(default=True)
    stopped: bool = field(default=False)

    @property
    def median(self) -> float:
        """What it is compared by."""
        return median(self.seconds)


def measure(contenders: Sequence[Contender], runs: int, on_progress: Progress) -> list[Figure]:
    """Run every contender once to warm up, then A B C A B C... until each has had its runs."""
    first: dict[str, Laps] = {}
    laps: dict[str, list[Mapping[str, float]]] = {}
    for contender in contenders:
        on_progress(f"warm-up: {contender.name}")
        first[contender.name] = _once(contender)
        laps[contender.name] = []
    quick = [contender for contender in contenders if _longest(first[contender.name].seconds) <= SLOW_SECONDS]
    for number in range(1, runs + 1):
        for contender in quick:
            on_progress(f"run {number} of {runs}: {contender.name}")
            laps[contender.name].append(_once(contender).seconds)
    return [
        Figure(
            stage,
            tuple(lap[stage] for lap in laps[name] or [warm_up.seconds]),
            warmed_up=bool(laps[name]),
            stopped=stage in warm_up.stopped,
        )
        for name, warm_up in first.items()
        for stage in warm_up.seconds
    ]


def _longest(laps: Mapping[str, float]) -> float:
    return max(seconds for stage, seconds in laps.items() if not stage.endswith(ASIDE))


def _once(contender: Contender) -> Laps:
    gc.collect()  # nobody pays for what the one before left lying about
    laps = Laps()
    contender.run(laps)
    return laps
