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
"""The end of the name of a figure that is no time."""

Progress = Callable[[str], None]


class Laps:
    """The seconds of each stage of one run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def lap(self, stage: str) -> Iterator[None]:
        """Time a block."""
        start = perf_counter()
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

    @property
    def median(self) -> float:
        """What it is compared by."""
        return median(self.seconds)


def measure(contenders: Sequence[Contender], runs: int, on_progress: Progress) -> list[Figure]:
    """Run every contender once to warm up, then A B C A B C... until each has had its runs."""
    first: dict[str, Mapping[str, float]] = {}
    laps: dict[str, list[Mapping[str, float]]] = {}
    for contender in contenders:
        on_progress(f"warm-up: {contender.name}")
        first[contender.name] = _once(contender)
        laps[contender.name] = []
    quick = [contender for contender in contenders if _longest(first[contender.name]) <= SLOW_SECONDS]
    for number in range(1, runs + 1):
        for contender in quick:
            on_progress(f"run {number} of {runs}: {contender.name}")
            laps[contender.name].append(_once(contender))
    return [
        Figure(stage, tuple(lap[stage] for lap in laps[name] or [warm_up]), warmed_up=bool(laps[name]))
        for name, warm_up in first.items()
        for stage in warm_up
    ]


def _longest(laps: Mapping[str, float]) -> float:
    return max(seconds for stage, seconds in laps.items() if not stage.endswith(MEMORY))


def _once(contender: Contender) -> Mapping[str, float]:
    gc.collect()  # nobody pays for what the one before left lying about
    laps = Laps()
    contender.run(laps)
    return laps.seconds
