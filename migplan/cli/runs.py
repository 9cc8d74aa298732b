"""What the commands that run something share: progress, failures, and the commands to go on with.

Progress is a bar on a terminal, lines where there is none, JSON for machines.
"""

import json
import shlex
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from migplan.bundle.verified import VerifiedBundle
from migplan.catalog.event_triggers import FIRING, EventTrigger
from migplan.cli import named, screen
from migplan.cli.boundary import INTERRUPTED, sentence
from migplan.errors import ConnectError, DatabaseError, JournalError, LockedError, StepError
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from migplan.report import run as report
from migplan.run.engine import events
from migplan.run.engine.events import Event, OnEvent
from migplan.run.engine.status import Status, status_of
from migplan.text.wording import amount, counted

if TYPE_CHECKING:  # reading the rows of files takes what most commands do without
    from migplan.bundle.check.file_orphans import FileOrphans

_HEARTBEAT = 10.0
_REFRESH = 0.2
_FOREIGN_KEY_VIOLATION = "23503"


@contextmanager
def progress(log_format: str, *, quiet: bool = False) -> Iterator[OnEvent]:
    """Tell of a run while a block does it, on stderr; ``quiet`` leaves out lines where no terminal is."""
    if log_format == "json":
        yield _as_json
    elif screen.err.is_terminal:
        with _bar() as on_event:
            yield on_event
    elif quiet:
        yield events.ignore
    else:
        yield _Lines(lambda line: click.echo(line, err=True)).on_event


class _Measure:
    """How much is done, how fast, and how long the rest will take."""

    def __init__(self) -> None:
        self.steps = self.rows = self.bytes = 0
        self.done_steps = self.done_rows = self.moved = 0
        self.program = ""  # what became of the rows of a step in Python
        self._moving: Counter[int] = Counter()  # bytes of each step, which a failure takes back
        self._before = 0  # bytes that an earlier try had moved
        self._started = time.monotonic()

    def see(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case events.Planned():
                self.steps, self.rows, self.bytes = event.steps, event.rows, event.bytes
                self.done_steps, self.done_rows = event.done_steps, event.done_rows
                self.moved = self._before = event.done_bytes
                self._started = time.monotonic()
            case events.Advanced():
                self.program = f"{event.done:,} done, {event.skipped:,} skipped, {event.failed:,} failed"
            case events.Moved():
                self.moved += event.bytes
                self._moving[event.step.number] += event.bytes
            case events.Retrying():
                self.moved -= self._moving.pop(event.step.number, 0)
            case events.Finished():
                self.done_steps += 1
                self.done_rows += event.rows
                self.moved += event.step.bytes - self._moving.pop(event.step.number, 0)

    @property
    def share(self) -> float:
        """From 0 to 1: of the bytes where there are any, and of the steps."""
        by_steps = self.done_steps / self.steps if self.steps else 1.0
        by_bytes = min(self.moved / self.bytes, 1.0) if self.bytes else by_steps
        return (by_steps + by_bytes) / 2

    def __str__(self) -> str:
        seconds = time.monotonic() - self._started
        rate = (self.moved - self._before) / seconds if seconds > 0.5 else 0
        left = (self.bytes - self.moved) / rate if rate > 0 else 0
        parts = [
            f"{self.share:4.0%}",
            f"{self.done_steps:,}/{self.steps:,} steps",
            f"{self.done_rows:,}/{self.rows:,} rows",
            amount(self.moved),
            *([self.program] if self.program else []),
            *([f"{amount(int(rate))}/s"] if rate else []),
            *([f"rows in about {left:.0f} s"] if left >= 1 else []),
        ]
        return "  ".join(parts)


class _Lines:
    """A line for each file that is done, for whatever is unusual, and now and then for the whole."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._measure = _Measure()
        self._guard = threading.Lock()
        self._left: Counter[str] = Counter()  # steps of each file
        self._rows: Counter[str] = Counter()
        self._large: dict[str, set[str]] = defaultdict(set)
        self._last = time.monotonic()

    def on_event(self, event: Event) -> None:
        """Tell of an event."""
        with self._guard:
            self._measure.see(event)
            match event:
                case events.Planned():
                    self._left = Counter(event.files)  # more than once, where a server forgot what was done
                case events.Finished():
                    self._finished(event)
                case events.Warned():
                    self._say(f"warning: {event.text}")
                case events.Noticed():
                    self._say(f"{event.step}: {event.text}")
                case events.Retrying():
                    self._say(f"{event.step}: {event.why}; try {event.attempt + 1} in {event.wait:.1f} s")
                case events.Failed():
                    self._say(f"{event.step}: failed; what runs beside it is brought to its end")
            if time.monotonic() - self._last > _HEARTBEAT:
                self._last = time.monotonic()
                self._say(str(self._measure))

    def _finished(self, event: events.Finished) -> None:
        file = event.step.file
        self._left[file] -= 1
        self._rows[file] += event.rows
        self._large[file] |= report.large_objects_of(event.step)
        if not self._left[file]:
            rows, large = self._rows[file], len(self._large[file])
            said = f", {counted(rows, 'row')}" if rows else ""
            said += f", {counted(large, 'large object')}" if large else ""
            self._say(f"{self._measure.share:4.0%}  {file} is done{said}")


@contextmanager
def _bar() -> Iterator[OnEvent]:
    measure, guard = _Measure(), threading.Lock()
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=24),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
    )
    running: dict[int, str] = {}
    last = 0.0
    with Progress(*columns, console=screen.err, transient=True) as bar:
        whole = bar.add_task("", total=1.0)
        lines = _Lines(bar.console.print)

        def on_event(event: Event) -> None:
            nonlocal last
            with guard:
                measure.see(event)
                if isinstance(event, events.Began):
                    running[event.step.number] = event.step.name
                elif isinstance(event, events.Finished | events.Failed):
                    running.pop(event.step.number, None)
                if isinstance(event, events.Warned | events.Noticed | events.Retrying | events.Failed):
                    lines.on_event(event)
                if time.monotonic() - last > _REFRESH or isinstance(event, events.Finished):
                    last = time.monotonic()
                    now = "; ".join(list(running.values())[:2])
                    bar.update(whole, completed=measure.share, description=f"{measure}  {now:.60}")

        yield on_event


def _as_json(event: Event) -> None:
    """A line for each event; of rows on their way only the steps' ends tell."""
    if isinstance(event, events.Moved):
        return
    said: dict[str, Any] = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "event": type(event).__name__.lower(),
    }
    step = getattr(event, "step", None)
    if step is not None:
        said |= {"step": step.number, "file": step.file, "line": step.line, "name": step.name}
    for name in ("steps", "rows", "bytes", "done_steps", "seconds", "text", "why", "attempt", "wait"):
        if hasattr(event, name):
            said[name] = getattr(event, name)
    click.echo(json.dumps(said), err=True)


@contextmanager
def shown_failures(address: Address, words: report.Words, bundle: VerifiedBundle) -> Iterator[None]:
    """A run that fails or is stopped says what stays in the target, and how to go on and back."""
    try:
        yield
    except StepError as error:
        name_event_trigger(error, address)
        lines = list(report.failed(error, _status(address), words, _broken(bundle, error)))
        for line in lines:
            click.echo(line.plain.rstrip(), err=True)
        sys.exit(2)
    except (ConnectError, JournalError, LockedError):
        raise
    except DatabaseError as error:
        error.do = ""  # what can be done stands below
        click.echo(sentence(error), err=True)
        for line in report.stays(_status(address), words):
            click.echo(line.plain.rstrip(), err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        click.echo("migplan: stopped; what was not committed is rolled back", err=True)
        for line in report.stays(_status(address), words):
            click.echo(line.plain.rstrip(), err=True)
        sys.exit(INTERRUPTED)


def name_event_trigger(error: StepError, address: Address) -> None:
    """Let an error say which event trigger of the target raised it, if one did."""
    if "function" not in error.context or error.do:
        return
    with suppress(DatabaseError), connect(address) as session:
        every = map(EventTrigger.of, session.ask(FIRING, during="looking for event triggers"))
        for each in every:
            if each.is_in(error.context):
                error.do = (
                    f"the event trigger {each} of the target refused it; {each.owner}, its owner, can "
                    f"disable it for the time of the run: {each.disable} Afterwards: {each.enable}"
                )


def _broken(bundle: VerifiedBundle, error: StepError) -> "FileOrphans | None":
    """The rows that break the foreign key which a step failed at, as far as the files tell."""
    if error.sqlstate != _FOREIGN_KEY_VIOLATION:
        return None
    from migplan.bundle.check.file_orphans import orphans_in  # noqa: PLC0415 - few runs fail there

    schema, table, key = error.constraint
    only = (str(QualifiedName(schema, table)), key)
    with screen.progress("looking for the rows that break the key") as on_progress:
        found = orphans_in(bundle.paths.folder, bundle.manifest, on_progress, only=only)
    return found[0] if found else None


def _status(address: Address) -> Status | None:
    """The journal, if the server still answers."""
    try:
        return status_of(address)
    except DatabaseError as error:
        click.echo(f"migplan: the journal cannot be read now: {error}", err=True)
        return None


def words_of(
    folder: Path | None, target: str, *, gone: bool = False, source: str | None = None
) -> report.Words:
    """The commands to go on with; the password of a target is not repeated, nor that of a live source.

    The journal knows what a rollback without a folder is of. ``gone``: the server ends with the command.
    """
    shown = named.as_typed(target)
    rest = f"--target {shown}" if folder is None else f"{shlex.quote(str(folder))} --target {shown}"
    live = f" --source {named.as_typed(source)}" if source is not None else ""
    return report.Words(
        f"migplan apply {rest}{live}", f"migplan rollback {rest}", f"migplan verify {rest}", gone=gone
    )
