"""A rehearsal for people: one line per stage, then what production will take, and what to know before it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from migplan.bundle.manifest import Manifest
from migplan.run.bundle.receipt import Timing
from migplan.text.wording import counted

_SLOWEST = 5
_SHOWN = 20


def opening(folder: Path, digest: str, manifest: Manifest) -> Text:
    """Return the line that says which bundle is rehearsed."""
    return Text(
        f"Bundle: {folder}, digest {digest[:16]}, {manifest.database} as it was at "
        f"{manifest.origin.snapshot_at}",
        style="bold",
    )


def stage(
    name: str, seconds: float, said: str, *, holds: bool, details: Sequence[str] = ()
) -> Iterator[Text]:
    """Return the line of a stage that has ended."""
    yield Text(f"  {name:12} {seconds:>8.1f} s  ").append(
        said if holds else f"NO: {said}", style="green" if holds else "bold red"
    )
    for line in details[:_SHOWN]:
        yield Text(f"      {line}")
    if len(details) > _SHOWN:
        yield Text(f"      and {len(details) - _SHOWN:,} more")


def summary(
    timings: Sequence[Timing], seconds: float, jobs: int, warnings: Sequence[str], *, scratch: bool
) -> Iterator[Text]:
    """Return how long production will take, by the figures of the rehearsal."""
    rows = sum(timing.rows for timing in timings)
    speed = f", {rows / seconds:,.0f} rows a second" if rows and seconds else ""
    yield Text()
    yield Text(
        f"Production will take about {seconds:.1f} s with {counted(jobs, 'job')}, as long as it is as fast "
        f"as this target: {counted(len(timings), 'step')}, {counted(rows, 'row')}{speed}.",
        style="bold",
    )
    if scratch:
        yield Text("  The target scratch waits for no disk; a server that does takes longer.", style="dim")
    slowest = sorted(timings, key=lambda timing: timing.seconds, reverse=True)[:_SLOWEST]
    yield Text("  The longest steps:")
    for timing in slowest:
        yield Text(f"    {timing.seconds:>8.2f} s  {timing.file}: {timing.name}")
    if warnings:
        yield Text(f"  {counted(len(warnings), 'warning')}:")
        for warning in warnings[:_SHOWN]:
            yield Text(f"    {warning}", style="yellow")
