"""Runs for people: how one ended, what stands in the journal, what a dry run would do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.text import Text

from migplan.bundle.manifest import BundleFile, Manifest
from migplan.errors import StepError
from migplan.report.fields import picked
from migplan.run.engine import footprints
from migplan.run.engine.journal import Entry
from migplan.run.engine.status import RunStatus, Status
from migplan.run.engine.steps import LiveRows, Step
from migplan.run.engine.target import RunResult
from migplan.text.wording import amount, counted

if TYPE_CHECKING:  # a run has no need of it, and it takes a while to load
    from migplan.bundle.check.file_orphans import FileOrphans

_SHOWN = 3
_HAZARDS = {
    "roles": "makes roles that are missing, for the whole server",
    "schema": "creates; locks only what it makes",
    "data": "rows come in: the tables are open to readers",
    "constraints": "indexes and keys: writers to their tables wait",
}


_LOCKS = {
    footprints.LOADS: "writes {}",
    footprints.REFERS: "reads {}",
    footprints.INDEXES: "blocks writers of {}",
    footprints.CHECKS: "checks {}",
    footprints.PARTS: "works on a part of {}",
    footprints.EXCLUSIVE: "locks {}",
}
"""What a step does to a table, as a dry run says it."""


@dataclass(frozen=True, slots=True)
class Words:
    """The commands with which people go on: they repeat what was typed."""

    apply: str
    rollback: str
    verify: str
    gone: bool = False  # the server ends with the command: there is nothing to go on with


def done(
    result: RunResult, status: Status, words: Words, manifest: Manifest, *, proved: bool = False
) -> Iterator[Text]:
    """A run of a bundle that has come to its end; ``proved``: what it brought is verified already."""
    run = result.run
    if result.nothing_to_do:
        yield Text(
            f"{run.bundle} was applied to {status.address} as run {run.run}, finished "
            f"{run.finished_at:%Y-%m-%d %H:%M:%S %Z}: nothing to do",
            style="bold",
        )
        return
    large = {file.file: file for file in manifest.files if file.large_objects}
    yield from _files(next(each for each in status.runs if each.run.run == run.run).entries, large)
    rest = (" that was left" if result.steps == 1 else " that were left") if result.resumed else ""
    yield Text(
        f"{run.bundle} applied to {status.address}: {counted(result.steps, 'step')}{rest}, "
        f"{counted(result.rows, 'row')}{_and_objects(manifest.large_objects)}, {result.seconds:.1f} s",
        style="bold",
    )
    yield from (Text(f"Note: {note}") for note in run.notes)
    if words.gone:
        yield Text(
            "That server is gone. `migplan rehearse` also proves it and goes back; --keep leaves one running."
        )
        return
    if not proved:
        yield Text(f"Prove it with: {words.verify}")


def rate(size: int, seconds: float) -> str:
    """How much went from server to server, and how fast, in a sentence."""
    speed = f", {amount(int(size / seconds))}/s" if seconds > 0 else ""
    return f"Rows: {amount(size)} from server to server{speed}"


def failed(
    error: StepError, status: Status | None, words: Words, broken: FileOrphans | None = None
) -> Iterator[Text]:
    """Return why a run stopped at a step, what it has left, and how to go on.

    ``broken`` has the rows that break the foreign key which it failed at.
    """
    yield Text(f"migplan: {error}", style="bold red")
    for label, text in (
        ("statement", error.statement),
        ("detail", error.detail),
        ("hint", error.hint),
        ("context", error.context),
    ):
        if text:
            yield Text(f"  {label}: " + text.replace("\n", f"\n  {' ' * len(label)}  "))
    if broken and broken.rows:
        yield Text(f"  rows: {broken_rows(broken)}")
    elif broken:
        yield Text(f"  rows: which they are cannot be told from the files: {broken.unread}")
    yield Text(f"  {fate(error, status)}")
    yield from stays(status, words, recurs=_recurs(error))
    if broken and not words.gone:
        yield Text(f"  -> or keep these rows, with the key NOT VALID: {_carrying(error, words)}")
    if error.do:
        yield Text(f"  -> {error.do}")


def fate(error: StepError, status: Status | None) -> str:
    """Return what became of a failed step, as far as its session and the journal know."""
    entries = status.runs[-1].entries if status and status.runs else ()
    for entry in entries:
        if (entry.file, entry.name, entry.state) == (error.file, error.step, "done"):
            return f"done after all: {error.step}: its commit arrived"
    if error.left:
        known = f"; the journal has it as not done: {error.step}" if status else f": {error.step}"
        return error.left + known
    return f"rolled back: {error.step}, and nothing else"


def _recurs(error: StepError) -> bool:
    """Whether the same statement fails again until somebody changes something, by the class of SQLSTATE."""
    return (error.sqlstate or "")[:2] in {"0A", "22", "23", "28", "2B", "3D", "3F", "42", "44", "P0"}


def _carrying(error: StepError, words: Words) -> str:
    """The command that gets past a key that rows break; one that is in force already has to go first."""
    if error.statement.startswith("COPY"):
        return f"{words.rollback}, then export with --carry-orphans and apply that"
    return f"{words.apply} --carry-orphans"


def stays(status: Status | None, words: Words, *, recurs: bool = False) -> Iterator[Text]:
    """Return what an unfinished run has left, and how to go on; the status is None if the server is gone.

    ``recurs`` says that the run fails there again until the cause is fixed.
    """
    if words.gone:
        yield Text("  stays: nothing; the throwaway server is gone")
        yield Text(f"  -> from the beginning: {words.apply}")
        return
    found = status.unfinished if status else None
    if status and found is None:
        last = status.runs[-1].run if status.runs else None
        yield Text(
            f"  no run is open; the last one, run {last.run}, is {last.state}"
            if last
            else "  no run was begun"
        )
        return
    if found:
        yield _left(found)
    else:
        yield Text("  stays: what the journal has as done; when the server answers again:")
    yield Text(f"  -> go on:   {words.apply}" if not recurs else f"  -> once that is fixed: {words.apply}")
    yield Text(f"  -> go back: {words.rollback}")


def _left(found: RunStatus) -> Text:
    total = len(found.entries)
    stopped = next((entry for entry in found.entries if entry.state != "done"), None)
    rows = sum(entry.rows or 0 for entry in found.entries if entry.state == "done")
    place = f"; the next is {stopped.file}: {stopped.name}" if stopped else ""
    return Text(f"  stays: {found.done:,} of {counted(total, 'step')} and {counted(rows, 'row')}{place}")


def status(found: Status) -> Iterator[Text]:
    """The journal of a target."""
    if not found.runs:
        yield Text(f"{found.address}: migplan has run nothing here")
        return
    yield Text(f"{found.address}", style="bold")
    if found.at_work:
        yield Text(f"  at work: {found.at_work}")
    for each in found.runs:
        yield from _run(each, at_work=bool(found.at_work))


def _run(each: RunStatus, *, at_work: bool) -> Iterator[Text]:
    run = each.run
    state: str = run.state
    if state in {"running", "undoing"} and not at_work:
        state = f"interrupted while {state}: nobody is at work"
    rows = sum(entry.rows or 0 for entry in each.entries if entry.state == "done")
    what = run.kind + (f" of run {run.undoes}" if run.undoes else "")
    yield Text(
        f"  run {run.run}: {what}, {run.bundle} {run.digest[:12]}, {state}; "
        f"{each.done:,} of {counted(len(each.entries), 'step')}, {counted(rows, 'row')}"
    )
    end = run.finished_at or run.changed_at
    yield Text(
        f"    by {run.who} from {run.client}, {run.program}, {run.started_at:%Y-%m-%d %H:%M:%S %Z} "
        f"to {end:%H:%M:%S}",
        style="dim",
    )
    for note in (*([run.rehearsal] if run.rehearsal else []), *run.notes):
        yield Text(f"    {note}")
    for entry in each.failed[:_SHOWN]:
        first = (entry.error or "").partition("\n")[0]
        yield Text(f"    failed: {entry.name}: {first}", style="red")
    pending = next((entry for entry in each.entries if entry.state in {"pending", "undone"}), None)
    if run.is_open and pending and not each.failed:
        yield Text(f"    next: {pending.file}: {pending.name}")


def as_value(found: Status) -> dict[str, Any]:
    """Return the journal for programs."""
    return {
        "target": str(found.address),
        "at_work": found.at_work or None,
        "runs": [
            {
                **picked(each.run, "run kind undoes bundle digest state who client program"),
                "started_at": each.run.started_at.isoformat(),
                "finished_at": each.run.finished_at.isoformat() if each.run.finished_at else None,
                **picked(each.run, "rehearsal notes"),
                "steps": [_step(entry) for entry in each.entries],
            }
            for each in found.runs
        ],
    }


def _step(entry: Entry) -> dict[str, Any]:
    return {
        **picked(entry, "step file line name state rows attempts"),
        "seconds": entry.duration.total_seconds() if entry.duration else None,
        "error": entry.error,
    }


def broken_rows(found: FileOrphans) -> str:
    """How many rows refer to nothing, and which: ``3 rows refer to nothing: (guest_id) = (501), (777)``."""
    number = f"{counted(found.rows, 'row')} {'refers' if found.rows == 1 else 'refer'} to nothing"
    values = ", ".join(f"({', '.join(each)})" for each in found.samples)
    more = ", ..." if found.rows > len(found.samples) else ""
    return f"{number}: ({', '.join(found.key.columns)}) = {values}{more}"


def orphans(found: Sequence[FileOrphans], *, carry: bool) -> Iterator[Text]:
    """Rows of the files that refer to nothing, and the keys that could not be looked at."""
    broken = [each for each in found if each.rows]
    for each in found:
        if each.rows:
            yield Text(f"{each.key}: {broken_rows(each)}")
        else:
            yield Text(f"{each.key}: not looked at: {each.unread}", style="dim")
    if not broken:
        yield Text("No row breaks a key that could be looked at.")
    elif carry:
        yield Text(f"{counted(len(broken), 'key')} will be NOT VALID in the target.", style="yellow")
    else:
        yield Text("Nothing was changed.", style="bold")
        yield Text("  -> fix the rows in the source and export again, or add --carry-orphans", style="dim")


def foreseen(
    steps: Sequence[Step],
    done: Iterable[int],
    needs: Sequence[frozenset[int]],
    notes: Iterable[str] = (),
) -> Iterator[Text]:
    """Every step that an apply would do, what it locks, and what it waits for."""
    finished = set(done)
    yield from map(Text, notes)
    yield Text(f"{counted(len(steps), 'step')}, {len(finished):,} of them done already:", style="bold")
    file = ""
    for step, before in zip(steps, needs, strict=True):
        if step.file != file:
            file = step.file
            hazard = _HAZARDS.get(step.phase, step.phase)
            yield Text(f"  {file}  ({'large objects come in' if large_objects_of(step) else hazard})")
        mark = "done" if step.number in finished else ""
        about = "about " if any(isinstance(each, LiveRows) for each in step.segments) else ""
        size = f"{about}{counted(step.rows, 'row')}, {amount(step.bytes)}" if step.phase == "data" else ""
        if large := large_objects_of(step):
            size = _brings(len(large), step.bytes)
        waits = f"after {max(before) + 1}" if before else "at once"
        yield Text(f"    {step.number:>5}  {step.name:60.60}  {size:>24}  {waits:<12} {_locks(step)} {mark}")
    yield Text("Nothing was changed.")


def large_objects_of(step: Step) -> frozenset[str]:
    """The large objects that a step brings, or a part of which."""
    return frozenset(thing for thing, _ in step.footprint.things if thing.startswith("large object "))


def _brings(objects: int, size: int) -> str:
    return f"{counted(objects, 'large object')}, {amount(size)}"


def _locks(step: Step) -> str:
    if step.footprint.everything or large_objects_of(step):
        return ""
    by_way: dict[str, list[str]] = defaultdict(list)
    for thing, how in step.footprint.things:
        by_way[how].append(thing)
    return "; ".join(
        _LOCKS[how].format(", ".join(things[:_SHOWN]) + (" ..." if len(things) > _SHOWN else ""))
        for how, things in by_way.items()
    )


def _and_objects(large: Sequence[int]) -> str:
    return f", {counted(len(large), 'large object')}" if large else ""


def _files(entries: Sequence[Entry], large: Mapping[str, BundleFile]) -> Iterator[Text]:
    """Return a line for each file: its steps, what they brought, and the sum of their times."""
    by_file: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_file[entry.file].append(entry)
    width = max(map(len, by_file), default=0)
    wide = 30 if large else 16
    for file, steps in by_file.items():
        rows = sum(step.rows or 0 for step in steps)
        seconds = sum(step.duration.total_seconds() for step in steps if step.duration)
        shown = counted(rows, "row") if steps[0].phase == "data" else ""
        if file in large:
            shown = _brings(len(large[file].large_objects), large[file].bytes)
        yield Text(f"  {file:{width}}  {counted(len(steps), 'step'):>12}  {shown:>{wide}}  {seconds:>8.2f} s")
