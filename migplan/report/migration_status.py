"""How the migrations of a folder stand in a target, and what was done about it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from migplan.migrations.model import ThingKind
from migplan.run.data.events import Summary
from migplan.run.migrations.apply import MigrateResult
from migplan.run.migrations.repair import ChangedFile
from migplan.run.migrations.revert import Foreseen, RevertResult
from migplan.run.migrations.status import MigrationStatus, State
from migplan.text.wording import counted

_STYLES = {
    State.APPLIED: "green",
    State.PENDING: "yellow",
    State.HALF: "bold red",
    State.CHANGED: "bold red",
    State.AGAIN: "yellow",
    State.MISSING: "bold red",
}
_PLURALS = {ThingKind.INDEX: "indexes", ThingKind.POLICY: "policies"}
_SHOWN = 5


def statuses_of(known: Sequence[MigrationStatus], path: Path, target: object) -> Iterator[Text]:
    """Return a line for each migration, and all of them in one sentence."""
    width = max((len(each.name) for each in known), default=0)
    for each in known:
        when = f"{each.at:%Y-%m-%d %H:%M:%S} by {each.by}, run {each.run}" if each.at else ""
        line = Text(f"  {each.name:{width}}  ").append(f"{each.state:<14}", style=_STYLES[each.state])
        yield line.append(when, style="dim")
        if each.error:
            yield Text("      failed last: " + each.error.partition("\n")[0], style="red")
    states = Counter(each.state for each in known)
    said = ", ".join(f"{number:,} {state}" for state, number in states.items())
    yield Text(f"{path} in {target}: {said or 'no migration'}", style="bold")


def changes(found: Sequence[ChangedFile]) -> Iterator[Text]:
    """Return how files differ from what was applied."""
    for each in found:
        status = each.status
        yield Text(
            f"  {status.name}, applied {status.at:%Y-%m-%d %H:%M} by {status.by}, was changed:", "bold"
        )
        if each.why:
            yield Text(f"      {each.why}: what has changed cannot be shown", style="yellow")
        for line in each.difference:
            style = {"+": "green", "-": "red"}.get(line[:1], "")
            yield Text(f"      {line}", style=style)
        if not each.why and not each.difference:
            yield Text("      in what makes no difference to its statements' text", style="dim")
    if any(each.difference for each in found):
        yield Text("  (literals stand as four digits of their digest)", style="dim")


def taken_over(found: Sequence[ChangedFile]) -> Iterator[Text]:
    """Return what was taken over."""
    for each in found:
        yield Text(f"  {each.status.name}  taken over as it is now; nothing of it ran", style="green")


def statuses_as_value(known: Sequence[MigrationStatus], path: Path, target: object) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "folder": str(path),
        "target": str(target),
        "migrations": [
            {
                "name": each.name,
                "state": each.state.value,
                "at": each.at.isoformat() if each.at else None,
                "by": each.by or None,
                "run": each.run,
                "error": each.error or None,
            }
            for each in known
        ],
    }


def pending(known: Sequence[MigrationStatus], names: Sequence[str]) -> Iterator[Text]:
    """What an apply would run, in its order."""
    standing = {each.name: each for each in known}
    for name in names:
        yield Text(f"  {name}  {standing[name].state}")
    yield Text(f"{counted(len(names), 'migration')} would be applied. Nothing was changed.", style="bold")


def applied(done: MigrateResult, path: Path, target: object) -> Iterator[Text]:
    """What was applied."""
    if done.run is None:
        there = sum(each.state is State.APPLIED for each in done.before)
        yield Text(
            f"{path}: all {counted(there, 'migration')} are applied to {target}: nothing to do", style="bold"
        )
        return
    for name in done.names:
        yield Text(f"  {name}  applied", style="green")
        if name in done.summaries:
            yield from summary(done.summaries[name])
        for why in list(done.no_way_back.get(name, ()))[:_SHOWN]:
            yield Text(f"      no way back: {why}", style="yellow")
    yield Text(
        f"{counted(len(done.names), 'migration')} of {path} applied to {target} as run {done.run.run}, "
        f"{done.seconds:.1f} s",
        style="bold",
    )


def summary(found: Summary) -> Iterator[Text]:
    """Return what became of the rows of a data step in Python."""
    counts = found.counts
    rate = f", {counts.rows / found.seconds:,.0f} rows a second" if found.seconds > 0 else ""
    again = " (gone on with)" if found.went_on else ""
    yield Text(f"      {'rows done':14}{counts.done:>10,}{again}")
    yield Text(f"      {'skipped':14}{counts.skipped:>10,}")
    yield Text(f"      {'failed':14}{counts.failed:>10,}")
    yield Text(f"      {'written':14}{counts.written:>10,}  in {found.seconds:.1f} s{rate}")
    for each in found.reasons[:_SHOWN]:
        yield Text(f"      {each.kind}: {', '.join(each.key)}: {each.reason}", style="yellow")


def stays(known: Sequence[MigrationStatus], way: str, *, failed: bool) -> Iterator[Text]:
    """Return what is applied after a failure or an interruption, and how to go on: by ``way``, a command."""
    there = sum(each.state is State.APPLIED for each in known)
    left = [each for each in known if each.state.is_left]
    yield Text(f"  stays: {counted(there, 'migration')} applied; {len(left):,} to go")
    half = [each for each in known if each.state is State.HALF]
    for each in half:
        done = counted(len(each.done), "statement")
        yield Text(f"  half done: {each.name}: {done} done, and kept so; what comes after may be changed")
    if left:
        fix = f"fix {left[0].name}, then " if failed else ""
        yield Text(f"  -> {fix}go on: {way}")


def way_back(found: Foreseen, target: object) -> Iterator[Text]:
    """What would be rolled back, the last one first, and which rows go; what was derived is shown."""
    if not found.ways:
        yield Text(f"nothing is applied to {target}")
        return
    yield Text(f"This rolls back, on {target}:", style="bold")
    for way in found.ways:
        by_hand = way.down is not None
        kept = (
            ", as the journal keeps it: its file was changed, or is gone" if way.is_kept and by_hand else ""
        )
        how = "by its down part" if by_hand else "by statements derived from what it did"
        yield Text(f"  {way.name}  {how}{kept}" + (":" if way.derived else ""))
        for statement in way.derived or ():
            first, *rest = statement.splitlines()
            yield Text("\n".join([f"      {first}", *(f"        {line}" for line in rest)]) + ";")
        for loss in way.passed_over:
            yield Text(f"      passed over: {loss}")
        for stays in way.stays:
            yield Text(f"      stays: {stays}", style="dim")
    if found.rows:
        total = sum(each.rows for each in found.rows)
        yield Text(f"Rows and values that go, {total:,} in all:", style="bold red")
        for each in found.rows:
            number = f"{'about ' if each.is_estimate else ''}{each.rows:,}"
            said = f"{each.what}: not counted: {each.unknown}" if each.unknown else each.what
            yield Text(f"  {'?' if each.unknown else number}  {said}", style="red")
    else:
        yield Text("No row goes with it.")
    if found.changed:
        yield Text("Changed by others since, and to be taken along:", style="bold red")
        for change in found.changed:
            yield Text(f"  {change}", style="red")


def reverted(done: RevertResult, path: Path | str, target: object) -> Iterator[Text]:
    """What was rolled back."""
    if done.run is None:
        yield Text(f"{path}: nothing is applied to {target}: nothing to do", style="bold")
        return
    for name in done.names:
        yield Text(f"  {name}  rolled back")
    yield Text(
        f"{counted(len(done.names), 'migration')} of {path} rolled back in {target} as run {done.run.run}",
        style="bold",
    )
