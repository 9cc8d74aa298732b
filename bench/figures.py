"""Figures as a table for people and as JSON for everything else."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.stopwatch import ASIDE, SLOW_SECONDS, Figure
from migplan import __version__
from migplan.postgres.binaries import Installation


@dataclass(frozen=True)
class Page:
    """All figures of one benchmark at one size, and the stage that the others are compared with."""

    title: str
    size: int | str  # a name where it is no number
    peer: str
    figures: Sequence[Figure]
    unit: str = "tables"

    def ratio(self, figure: Figure) -> float:
        """How long it takes if the peer takes 1: ratio of the medians."""
        peer = next(other for other in self.figures if other.stage == self.peer)
        return figure.median / peer.median


def machine(installation: Installation) -> dict[str, Any]:
    """What the figures depend on."""
    asked = [str(installation.program("pg_dump")), "--version"]
    said = subprocess.run(asked, capture_output=True, text=True, check=True)
    return {
        "migplan": __version__,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "major": installation.major,
        "server": f"PostgreSQL {installation.major}.{installation.version[1]} ({installation.origin})",
        "pg_dump": said.stdout.strip(),
    }


def machine_line(facts: Mapping[str, Any]) -> str:
    """The same in a line."""
    return (
        f"{facts['cores']} cores, {facts['system']}; Python {facts['python']}; migplan {facts['migplan']}; "
        f"{facts['server']}, {facts['pg_dump']}"
    )


def as_text(page: Page) -> Iterator[str]:
    """A table: median, least and most, ratio of the medians to the peer's."""
    width = max(len(figure.stage) for figure in page.figures)
    size = page.size if isinstance(page.size, str) else f"{page.size:,} {page.unit}"
    title = f"{page.title}, {size}"
    yield f"{title:{width}}  {'median s':>9}  {'min - max':>15}  {'/ ' + page.peer:>12}"
    for figure in page.figures:
        span = f"{min(figure.seconds):.3f} - {max(figure.seconds):.3f}"
        remark = "" if figure.warmed_up else f"  (over {SLOW_SECONDS:.0f} s: one run only)"
        if figure.stopped:
            remark = "  (stopped: it was not done)"
        if figure.stage.endswith(ASIDE):
            yield f"{figure.stage:{width}}  {figure.median:9.1f}"
            continue
        yield f"{figure.stage:{width}}  {figure.median:9.3f}  {span:>15}  {page.ratio(figure):12.2f}{remark}"


def as_json(page: Page) -> dict[str, Any]:
    """The same with every single run."""
    return {
        "benchmark": page.title,
        "size": page.size,
        "unit": page.unit,
        "peer": page.peer,
        "figures": [
            {
                "stage": figure.stage,
                "median": round(figure.median, 4),
                "ratio": round(page.ratio(figure), 4),
                "warmed_up": figure.warmed_up,
                "stopped": figure.stopped,
                "seconds": [round(each, 4) for each in figure.seconds],
            }
            for figure in page.figures
        ],
    }
