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
from typing import TYPE_CHECKING, Any, Protocol

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
from migplan.report.run_progress import RunProgress
from migplan.run.engine import events
from migplan.run.engine.events import Event, OnEvent
from migplan.run.engine.status import Status, status_of
from migplan.text.wording import counted

if TYPE_CHECKING:  # reading the rows of files takes what most commands do without
    from migplan.bundle.check.file_orphans import FileOrphans

_HEARTBEAT = 10.0
_REFRESH = 0.2
_TICK = 0.5
_JSON_HEARTBEAT = 1.0
_SHOWN = 8  # of what runs
_FOREIGN_KEY_VIOLATION = "23503"


class _Teller(Protocol):
    """Tells people, or programs, how far a run is; one thread at a time."""

    def hear(self, event: Event) -> None:
        """Take an event, which the measure has seen."""

    def tick(self) -> None:
        """Say how far it is, where that is due."""


@contextmanager
def progress(log_format: str, *, quiet: bool = False) -> Iterator[OnEvent]:
    """Tell of a run while a block does it, on stderr; ``quiet`` leaves out lines where no terminal is."""
    measure = RunProgress()
    if log_format == "json":
        with _told(_Json(measure), measure) as on_event:
            yield on_event
    elif screen.err.is_terminal:
        columns = SpinnerColumn(), BarColumn(bar_width=24), TextColumn("{task.description}", markup=False)
        with (
            Progress(*columns, TimeElapsedColumn(), console=screen.err, transient=True) as bar,
            _told(_Bar(bar, measure), measure) as on_event,
        ):
            yield on_event
    elif quiet:
        yield events.ignore
    else:
        with _told(_Lines(lambda line: click.echo(line, err=True), measure), measure) as on_event:
            yield on_event


@contextmanager
def _told(teller: _Teller, measure: RunProgress) -> Iterator[OnEvent]:
    """Have events told one at a time, and how far it is also while there are none."""
    guard, over = threading.Lock(), threading.Event()

    def on_event(event: Event) -> None:
        with guard:
            measure.see(event)
            teller.hear(event)

    def tick() -> None:
        while not over.wait(_TICK):
            with guard:
                teller.tick()

    ticking = threading.Thread(target=tick, name="progress", daemon=True)
    ticking.start()
    try:
        yield on_event
    finally:
        over.set()
        ticking.join()


class _Lines:
    """A line for each file that is done, for whatever is unusual, and now and then for the whole."""

    def __init__(self, say: Callable[[str], None], measure: RunProgress) -> None:
        self._say = say
        self._measure = measure
        self._left: Counter[str] = Counter()  # steps of each file
        self._rows: Counter[str] = Counter()
        self._large: dict[str, set[str]] = defaultdict(set)
        self._last = time.monotonic()

    def hear(self, event: Event) -> None:
        """Tell of an event, which the measure has seen."""
        match event:
            case events.Planned():  # more than once, where a server forgot what was done
                self._left = Counter(step.file for step in event.left)
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

    def tick(self) -> None:
        """Say how far it is, if that was long ago."""
        if time.monotonic() - self._last > _HEARTBEAT:
            self._last = time.monotonic()
            self._say(str(self._measure))
            for each in self._measure.running[:_SHOWN]:
                self._say(f"      {each}")

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


class _Bar:
    """A bar with the whole, and what runs; lines above it for whatever is unusual."""

    def __init__(self, bar: Progress, measure: RunProgress) -> None:
        self._bar = bar
        self._task = bar.add_task("", total=1.0)
        self._measure = measure
        self._lines = _Lines(bar.console.print, measure)
        self._last = 0.0

    def hear(self, event: Event) -> None:
        """Show what has come of an event."""
        if isinstance(event, events.Warned | events.Noticed | events.Retrying | events.Failed):
            self._lines.hear(event)
        if time.monotonic() - self._last > _REFRESH or isinstance(event, events.Finished):
            self.tick()

    def tick(self) -> None:
        """Show how far it is."""
        self._last = time.monotonic()
        now = "; ".join(self._measure.running[:2])
        self._bar.update(self._task, completed=self._measure.share, description=f"{self._measure}  {now:.90}")


class _Json:
    """A line of JSON for each event, and each second one for the whole."""

    def __init__(self, measure: RunProgress) -> None:
        self._measure = measure
        self._last = time.monotonic()
        self._said: dict[str, Any] = {}

    def hear(self, event: Event) -> None:
        """Tell of an event; rows on their way are told by the second."""
        if isinstance(event, events.Moved):
            return
        said: dict[str, Any] = {}
        step = getattr(event, "step", None)
        if step is not None:
            said |= {"step": step.number, "file": step.file, "line": step.line, "name": step.name}
        for name in ("steps", "rows", "bytes", "done_steps", "seconds", "text", "why", "attempt", "wait"):
            if hasattr(event, name):
                said[name] = getattr(event, name)
        self._say(type(event).__name__.lower(), said)
        if isinstance(event, events.Planned) or self._measure.done_steps == self._measure.steps:
            self._progress()

    def tick(self) -> None:
        """Say how far it is, if anything has changed."""
        if time.monotonic() - self._last >= _JSON_HEARTBEAT and self._measure.value != self._said:
            self._progress()

    def _progress(self) -> None:
        self._last = time.monotonic()
        self._said = self._measure.value
        self._say("progress", self._said)

    def _say(self, event: str, said: dict[str, Any]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        click.echo(json.dumps({"at": at, "event": event, **said}), err=True)


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
