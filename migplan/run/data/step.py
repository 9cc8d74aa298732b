"""Running a data step: rows are read in batches, changed here, and written, each batch with its checkpoint.

No transaction is open while the step's own code works, which may take its time. A step that was killed, or
whose connection was cut, goes on exactly behind the last row that was committed.
"""

import contextlib
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import psycopg

from migplan.back_off import back_off
from migplan.errors import ConnectError, LockedError, MigplanError, StepError
from migplan.postgres.address import Address
from migplan.postgres.failures import is_loss, of_database
from migplan.postgres.session import Session
from migplan.run.data.checkpoint import Checkpoint, Checkpoints
from migplan.run.data.events import Counts, DataEvent, OnDataEvent, Opened, Progressed, Summary, TriedAgain
from migplan.run.data.load import Loaded, load
from migplan.run.data.own_code import OwnCode, no_silent_end
from migplan.run.data.read import Batch, UnreadableError, about, read, refuse_null_keys, shown
from migplan.run.data.transform import Outcome, Pace, TooManyError, of_own_code, transformed
from migplan.run.data.values import read_all_dates
from migplan.run.data.write import EndedError, MovedError, Stop, UnwritableError, Writing, Written, target_of
from migplan.run.engine import events
from migplan.run.engine.execution import ProgramContext
from migplan.run.engine.options import Limits
from migplan.run.engine.steps import Step
from migplan.run.engine.worker import NOT_KNOWN, PASSING, AlreadyDoneError, StoppedError, Worker
from migplan.sealed_files import SealedFiles

_PATIENCE = 5.0
_GRACE = 2.0
_COMMITTED = (
    "what the function committed by itself stays, and the journal does not know of it: undo it by hand, "
    "leave the transaction alone, and apply again"
)
_UNFIT = (UnreadableError, UnwritableError)
_Found = TypeVar("_Found")


def run_data_step(
    address: Address,
    limits: Limits,
    run: int,
    step: int,
    file: Path,
    on_event: OnDataEvent,
    stopping: threading.Event,
    shared_by: Callable[[int], None] = lambda _process: None,
    source: bytes | None = None,
) -> Summary:
    """Do what is left of a data step, a step of a run in the journal; its last batch claims it there.

    StepError has the row, and the line of the step's code; StoppedError when people wanted it to stop. What
    was committed before stays, and the next try goes on behind it. ``shared_by`` is told the process of each
    session; ``source`` is what the file was when it was checked.
    """
    with no_silent_end():
        loaded = load(file, source)
        running = _Running(address, limits, Checkpoints(address, run, step), loaded, on_event, stopping)
        return running.all(shared_by)


class DataSteps:
    """Does the data steps of a run for the engine, and keeps what came of each, by name."""

    def __init__(self, address: Address, limits: Limits, files: SealedFiles) -> None:
        self._address = address
        self._limits = limits
        self._files = files
        self.summaries: dict[str, Summary] = {}

    def __call__(self, step: Step, context: ProgramContext) -> int:
        """Do what is left of a step, and return the rows that it has written, in all of its tries."""

        def on_event(event: DataEvent) -> None:
            if isinstance(event, Progressed):
                counts = event.counts
                context.on_event(
                    events.Advanced(step, counts.done, counts.skipped, counts.failed, event.rate)
                )
            elif isinstance(event, TriedAgain):
                context.on_event(events.Retrying(step, event.attempt, event.why, event.wait))

        summary = run_data_step(
            self._address,
            self._limits,
            context.run,
            step.number,
            self._files.path(step.file),
            on_event,
            context.stopping,
            context.shared_by,
            self._files.read(step.file),
        )
        self.summaries[step.name] = summary
        return summary.counts.written


class _Running:
    """A data step being done, by one session."""

    def __init__(
        self,
        address: Address,
        limits: Limits,
        checkpoints: Checkpoints,
        loaded: Loaded,
        on_event: OnDataEvent,
        stopping: threading.Event,
    ) -> None:
        self._address = address
        self._limits = limits
        self._checkpoints = checkpoints
        self._loaded = loaded
        self._step = loaded.step
        self._on_event = on_event
        self._stopping = stopping
        self._pace = Pace(loaded.step.rate, stopping)
        self._caught: tuple[type[Exception], ...] = (
            psycopg.Error,
            ConnectError,
            *_UNFIT,
            *loaded.step.transient,
        )
        self._own_code = OwnCode()
        self._name = ""
        self._at = Checkpoint((), None, Counts(), finished=False)

    def all(self, shared_by: Callable[[int], None]) -> Summary:
        """Do all batches that are left, and return the summary."""
        self._shared_by = shared_by
        self._worker = Worker(self._address, self._limits)
        read_all_dates(self._worker.session)
        started = time.monotonic()
        try:
            with self._cancelled_when_stopping():
                if not self._again("opening the data step", "read", self._begin):
                    return self._summary(started, nothing_to_do=True)
                before = self._at.counts
                self._batches(before, started)
                return self._summary(started, went_on=before.rows > 0)
        finally:
            self._worker.close()

    def _batches(self, before: Counts, started: float) -> None:
        with self._transaction() as connection:
            left = about(connection, self._step, self._at.key)
        self._on_event(Opened(self._loaded.file, before, left))
        while not self._at.finished:
            batch = self._again("reading rows", "read", self._read)
            outcomes, stopped = self._transformed(batch)
            if stopped and not outcomes:
                raise stopped
            last = batch.last and len(outcomes) == len(batch.rows)
            try:
                written = self._again(
                    "writing rows",
                    "into" if self._step.into else "write",
                    lambda outcomes=outcomes, last=last: self._write(outcomes, last=last),  # type: ignore[misc]
                )
            except MovedError:
                self._again("reading the journal", "read", self._look)
                continue
            self._at = written.at
            seconds = max(time.monotonic() - started, 1e-6)
            rate = (self._at.counts.rows - before.rows) / seconds
            self._on_event(Progressed(self._loaded.file, self._at.counts, rate))
            if written.stop:
                raise self._stopped_by(written.stop)
            if stopped:
                raise stopped

    # --- the parts of a batch -----------------------------------------------------------------------------

    def _begin(self) -> bool:
        """Take the step for us alone, and read its checkpoint; return whether anything is left to do."""
        connection = self._worker.session
        self._shared_by(self._worker.process)
        state, self._name = self._checkpoints.state(connection)
        self._alone()
        with self._transaction():
            if state == "done":
                self._at = self._checkpoints.read(connection)
                return False
            self._at = self._checkpoints.begin(connection, self._step.key)
            if self._at.key is None:
                refuse_null_keys(connection, self._step)
            target = target_of(connection, self._step)
        self._writing = Writing(self._loaded, self._checkpoints, target, self._worker.preface)
        return True

    def _look(self) -> None:
        with self._transaction() as connection:
            self._at = self._checkpoints.read(connection)

    def _read(self) -> Batch:
        with self._transaction() as connection:
            return read(connection, self._step, self._at.key)

    def _transformed(self, batch: Batch) -> tuple[list[Outcome], BaseException | None]:
        """Return the outcome of each row up to one that stops the step, or has no room in this batch.

        The exception, too, if people stop it.
        """
        found: list[Outcome] = []
        failures = self._step.skip_limit - self._at.counts.failed if self._step.on_error == "skip" else 0
        room = self._step.max_rows
        try:
            for keyed in batch.rows:
                self._pace.row()
                with self._own_code:
                    found.append(transformed(self._loaded, keyed, self._pace, self._tried_again, room))
                room -= len(found[-1].rows)
                if fault := found[-1].fault:
                    failures -= 1
                    if fault.lasting or failures < 0:
                        break
        except TooManyError:
            return found, None  # the next batch begins with this row
        except (StoppedError, KeyboardInterrupt) as stopped:
            return found, stopped
        return found, None

    def _write(self, outcomes: list[Outcome], *, last: bool) -> Written:
        with self._own_code if self._step.write else contextlib.nullcontext():
            return self._writing.write(self._worker.session, self._at, outcomes, last=last)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Session]:
        connection = self._worker.session
        with connection.transaction():
            connection.execute(self._worker.preface.encode())
            yield connection

    def _summary(self, started: float, *, went_on: bool = False, nothing_to_do: bool = False) -> Summary:
        reasons = self._again(
            "reading the journal", "read", lambda: self._checkpoints.reasons(self._worker.session)
        )
        seconds = time.monotonic() - started
        return Summary(self._at.counts, seconds, reasons, went_on, nothing_to_do)

    # --- sessions -----------------------------------------------------------------------------------------

    def _alone(self) -> None:
        """Take an advisory lock on the step.

        LockedError if another client keeps it for longer than a moment.
        """
        digest = hashlib.sha256(f"migplan data step {self._name}".encode()).digest()
        number = int.from_bytes(digest[:8], "big", signed=True)
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self._worker.session.execute("SELECT pg_catalog.pg_try_advisory_lock(%s)", [number])
            if (answer.fetchone() or (False,))[0]:
                return
            if time.monotonic() > deadline:
                raise LockedError(
                    f"another client is doing {self._loaded.file.name} in {self._address}",
                    do="wait for it (migplan status --target TARGET shows it)",
                    address=str(self._address),
                    during="opening the data step",
                )
            self._pace.pause(0.1)

    def _reopen(self) -> None:
        self._worker.reopen()
        read_all_dates(self._worker.session)
        self._shared_by(self._worker.process)
        self._alone()

    @contextlib.contextmanager
    def _cancelled_when_stopping(self) -> Iterator[None]:
        """Interrupt the step's own code a moment after the step is to stop, and then the statement that runs.

        What is done by then can still be written.
        """
        over = threading.Event()

        def watch() -> None:
            while not self._stopping.wait(0.2):
                if over.is_set():
                    return
            while not over.wait(_GRACE / 2):
                self._own_code.interrupt()
                if not over.wait(_GRACE / 2):
                    self._worker.cancel()

        watcher = threading.Thread(target=watch, name="data-step-watch", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()

    # --- failures -----------------------------------------------------------------------------------------

    def _again(self, during: str, word: str, does: Callable[[], _Found]) -> _Found:
        """Call ``does``, and again after failures that may pass."""
        attempt = 0
        while True:
            attempt += 1
            try:
                if self._worker.lost:
                    self._reopen()
                return does()
            except self._caught as error:
                failed, passes = self._judged(error, word, during)
            if self._worker.stopped:
                raise StoppedError
            if not passes or attempt > self._step.retries:
                raise failed from None
            wait = back_off(attempt, self._step.wait)
            self._tried_again(attempt, failed.what, wait)
            self._pace.pause(wait)

    def _judged(self, error: Exception, word: str, during: str) -> tuple[StepError, bool]:
        """Return the failure as a StepError, and whether another try may succeed."""
        if isinstance(error, psycopg.Error):
            said = of_database(error, self._address, during)
            lost = NOT_KNOWN if is_loss(error) else ""
            ours = self._error(said.what, word, during, said.sqlstate or "", said.detail, left=lost)
            return ours, self._passes(error)
        if isinstance(error, ConnectError):
            return self._error(error.what, word, during, "08001", error.detail), True
        if isinstance(error, EndedError):
            return self._error(str(error), word, during, left=_COMMITTED), False
        if isinstance(error, _UNFIT):
            return self._error(str(error), word, during), False
        if isinstance(error, (MigplanError, StoppedError, AlreadyDoneError, MovedError)):
            raise error  # not the step's own, whatever classes it names
        fault = of_own_code(self._loaded, error, otherwise=word)
        return self._error(fault.reason, word, during, line=fault.line), True

    def _passes(self, error: psycopg.Error) -> bool:
        if is_loss(error):
            self._worker.close()
            return True
        return error.sqlstate in PASSING or error.sqlstate in self._step.transient_states

    def _tried_again(self, attempt: int, why: str, wait: float) -> None:
        self._on_event(TriedAgain(self._loaded.file, attempt, self._address.without_secrets(why), wait))

    def _stopped_by(self, stop: Stop) -> StepError:
        what = f"the row with {shown(self._step.key, stop.key)}: {stop.fault.reason}"
        return self._error(what, "transform", "changing rows", line=stop.fault.line)

    def _error(
        self,
        what: str,
        word: str,
        during: str,
        sqlstate: str = "",
        detail: str = "",
        line: int = 0,
        left: str = "",
    ) -> StepError:
        clean = self._address.without_secrets
        counts = self._at.counts
        stays = f"{counts.rows:,} rows are dealt with and stay so" if counts.rows else "no row is dealt with"
        go_on = "fix the cause and apply again: it goes on where it stopped"
        return StepError(
            clean(what),
            do=f"{stays}; {left if left == _COMMITTED else go_on}",
            left=f"{stays}; " + (left or "what came behind them was rolled back"),
            address=str(self._address),
            during=during,
            sqlstate=sqlstate,
            detail=clean(detail),
            step=self._loaded.file.stem,
            file=self._loaded.file.name,
            line=line or self._loaded.line(word),
        )
