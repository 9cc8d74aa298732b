"""Executing the steps of a run: several at a time, each as soon as its predecessors are done."""

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

from migplan.back_off import back_off
from migplan.errors import ConnectError, DatabaseError, JournalError, LockedError, MigplanError, StepError
from migplan.postgres.address import Address
from migplan.postgres.failures import NO_SESSION
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.journal import Journal
from migplan.run.engine.lock import Lock, Watch
from migplan.run.engine.options import RunOptions
from migplan.run.engine.queue import Queue
from migplan.run.engine.row_source import RowSources
from migplan.run.engine.steps import PROGRAM, Source, Step
from migplan.run.engine.worker import (
    NOT_KNOWN,
    AlreadyDoneError,
    Observer,
    StoppedError,
    Worker,
    is_lost,
    is_passing,
)

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.5
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ProgramContext:
    """What a step that is a program needs to know of its run."""

    run: int
    on_event: OnEvent
    stopping: threading.Event  # is set when it is to stop
    shared_by: Callable[[int], None]  # is told the server's process of each session of its own


Program = Callable[[Step, ProgramContext], int]
"""Does a step that is a program, with sessions and tries of its own, and returns its rows.

It claims the step in the journal as all others do; StepError when it fails.
"""


class _ForgottenError(Exception):
    """The server has lost commits: it crashed, or was replaced by a standby."""


class Execution:
    """The steps of one run, done by workers that each have a session."""

    def __init__(
        self,
        address: Address,
        source: Source,
        journal: Journal,
        lock: Lock,
        options: RunOptions,
        on_event: OnEvent,
        program: Program | None = None,
        answered: Callable[[Step, str], None] | None = None,
        observer: Observer | None = None,
        rows: RowSources | None = None,
    ) -> None:
        self._address = address
        self._source = source
        self._journal = journal
        self._lock = lock
        self._options = options
        self._on_event = events.logged(on_event)
        self._program = program
        self._answered = answered
        self._observer = observer
        self._rows = rows
        self._watch = Watch(lock)
        self._writing = threading.Lock()  # the journal's connection is shared
        self._stopping = threading.Event()
        self._interrupted = threading.Event()
        self._workers: list[Worker] = []
        self._failures: list[MigplanError] = []

    def run(self, run: int, steps: Sequence[Step], done: Collection[int]) -> None:
        """Execute the steps that are not done yet.

        Raise the first failure once the steps beside it have ended.

        KeyboardInterrupt cancels what is going on: it is rolled back, and the journal knows it.
        """
        while True:  # once, if the server does not forget anything
            self._on_event(events.planned(steps, done))
            readers = self._rows.readers if self._rows is not None else 0
            self._crew(run, Queue(steps, done, readers), len(steps) - len(done))
            if self._interrupted.is_set():
                raise KeyboardInterrupt
            if self._failures:
                with contextlib.suppress(DatabaseError):
                    self._lock.ensure()
                raise _most_telling(self._failures)
            self._lock.ensure()  # whoever ends the run writes it down in the lock's session
            done = self._journal.done(run)
            if all(step.number in done for step in steps):
                if self._rows is not None:
                    self._rows.confirm()
                return

    def _crew(self, run: int, queue: Queue, left: int) -> None:
        # Not by Thread.join: a Ctrl-C in it makes Python believe that the thread has ended.
        ends = [threading.Event() for _ in range(min(self._options.jobs, max(left, 1)))]
        for number, end in enumerate(ends):
            threading.Thread(
                target=self._work, args=(run, queue, end), name=f"step-{number}", daemon=True
            ).start()
        try:
            for end in ends:
                while not end.wait(0.2):
                    self._watch.look()
        except BaseException:
            self._stop(queue, ends)
            raise

    def _stop(self, queue: Queue, ends: Sequence[threading.Event]) -> None:
        """Cancel until all workers have stopped.

        One that is between two messages does not notice a cancellation.
        """
        self._stopping.set()
        queue.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while not all(end.is_set() for end in ends) and time.monotonic() < deadline:
            for worker in list(self._workers):
                worker.cancel()
            for end in ends:
                end.wait(0.5 / len(ends))

    def _work(self, run: int, queue: Queue, end: threading.Event) -> None:
        """The thread of a worker: do steps until none is left, or one has failed."""
        try:
            with self._worker(run, queue) as worker:
                while not self._stopping.is_set() and (taken := queue.take()) is not None:
                    place, step = taken
                    self._do(worker, run, step, queue)
                    queue.done(place)
        except StoppedError:
            return
        except KeyboardInterrupt:  # of a step's own code; a person's is raised in the main thread
            self._interrupted.set()
            queue.close()
        except _ForgottenError:
            queue.close()  # and then once more, from what the journal has
        except MigplanError as error:
            self._failures.append(error)
            queue.close()
        except BaseException as error:
            log.error("a thread of the run ended", exc_info=error)
            self._failures.append(
                MigplanError(f"a thread of the run ended with {type(error).__name__}: {error}")
            )
            queue.close()
            raise
        finally:
            end.set()

    @contextlib.contextmanager
    def _worker(self, run: int, queue: Queue) -> Iterator[Worker]:
        """Return a worker, for a block, that has compared the queue with the journal."""
        worker = self._joined(run, queue)
        self._workers.append(worker)
        try:
            yield worker
        finally:
            self._workers.remove(worker)
            worker.close()

    def _joined(self, run: int, queue: Queue) -> Worker:
        """Open a worker's session, and try again if the server goes away just then."""
        attempt = 0
        while True:
            attempt += 1
            worker = None
            try:
                if attempt > 1:
                    self._lock.ensure()
                rows = self._rows.open() if self._rows is not None else None
                worker = Worker(self._address, self._options.limits, rows)
                self._lock.shared_by(worker.process)
                self._compare(run, queue)
            except BaseException as error:
                if worker:
                    worker.close()
                if not self._may_pass(error) or attempt > self._options.retries:
                    raise
                if self._stopping.wait(back_off(attempt, _FIRST_WAIT)):
                    raise StoppedError from None
            else:
                return worker

    def _may_pass(self, error: BaseException) -> bool:
        """Whether an error says that the server is away, perhaps for a while."""
        if not isinstance(error, DatabaseError) or isinstance(error, (LockedError, JournalError)):
            return False
        if error.sqlstate == NO_SESSION:
            return False
        return self._lock.session.closed or is_lost(error) or isinstance(error, ConnectError)

    def _do(self, worker: Worker, run: int, step: Step, queue: Queue) -> None:
        """Do a step, and try again after failures that may pass."""
        failed: StepError | None = None
        for attempt in range(1, self._options.retries + 2):
            started = time.monotonic()
            try:
                if worker.lost:
                    self._recover(worker, run, queue)
                rows = self._once(worker, run, step)
            except StepError as error:
                failed = error
            except (LockedError, JournalError):
                raise  # somebody else is at work: no try of ours gets past that
            except DatabaseError as error:
                failed = _unreachable(failed, error, step)
            else:
                self._on_event(events.Finished(step, rows, time.monotonic() - started))
                return
            if self._stopping.is_set():
                raise StoppedError
            if (
                attempt > self._options.retries
                or not is_passing(failed)
                or step.phase == PROGRAM
                or step.commits
            ):
                break  # a program has tries of its own
            wait = back_off(attempt, _FIRST_WAIT)
            self._on_event(events.Retrying(step, attempt, failed.what, wait))
            if is_lost(failed) and not failed.of_source:
                worker.close()
            self._stopping.wait(wait)
        assert failed is not None
        self._failed(run, step, failed)
        raise failed

    def _once(self, worker: Worker, run: int, step: Step) -> int:
        worker.warned = lambda text: self._on_event(events.Noticed(step, text))
        if answered := self._answered:
            worker.answered = lambda text: answered(step, text)
        worker.observer = self._observer
        self._watch.begun(worker.process, lambda who: worker.warned(f"waits for a lock that {who} holds"))
        blocker = ""
        try:
            self._on_event(events.Began(step))
            if step.phase == PROGRAM:
                assert self._program is not None, "whoever makes steps that are programs says how they run"
                context = ProgramContext(run, self._on_event, self._stopping, self._lock.shared_by)
                return self._program(step, context)
            return worker.do(run, step, self._source, lambda size: self._on_event(events.Moved(step, size)))
        except AlreadyDoneError:
            return self._known_as_done(run, step)
        except StepError as error:
            blocker = self._watch.ended(worker.process)
            if blocker and error.sqlstate == "55P03":
                error.what = f"{error.what}: {blocker} holds the lock"
            raise
        finally:
            self._watch.ended(worker.process)

    def _known_as_done(self, run: int, step: Step) -> int:
        with self._writing:
            done = self._journal.done(run)
        if step.number not in done:
            raise JournalError(
                f"the journal in {self._address} does not know step {step.number} of run {run} any more",
                do="it was changed while the run was going on; see what is there with: "
                "migplan status --target TARGET",
                address=str(self._address),
                during=f"running {step}",
            )
        return step.rows

    def _recover(self, worker: Worker, run: int, queue: Queue) -> None:
        """Open a new session for a worker whose own was lost, if we can still hold the lock."""
        self._lock.ensure()
        worker.reopen()
        self._lock.shared_by(worker.process)
        self._compare(run, queue)

    def _compare(self, run: int, queue: Queue) -> None:
        """Raise _ForgottenError if the journal lacks steps that we have committed.

        A crash takes the last commits back.
        """
        believed = queue.finished
        with self._writing:
            now = self._journal.run(run)
            kept = self._journal.done(run)
        if now.state != "running":
            raise JournalError(
                f"run {run} in {self._address} is {now.state}: somebody else went on with it meanwhile",
                do="see what is there with: migplan status --target TARGET",
                address=str(self._address),
                during="going on with the run",
            )
        if believed - kept:
            raise _ForgottenError

    def _failed(self, run: int, step: Step, error: StepError) -> None:
        self._on_event(events.Failed(step, error.what))
        said = "\n".join(filter(None, (str(error), error.detail, error.hint, error.context)))
        # The step is rolled back whether or not this can be written.
        with contextlib.suppress(DatabaseError), self._writing:
            self._lock.ensure()
            self._journal.fail(run, step.number, said)


def _most_telling(failures: Sequence[MigplanError]) -> MigplanError:
    """Return the first failure of a step, which says what it left behind; else the first failure.

    A server that goes takes all sessions at once, and one that was only being opened may be heard first.
    """
    return next((each for each in failures if isinstance(each, StepError)), failures[0])


def _unreachable(before: StepError | None, error: DatabaseError, step: Step) -> StepError:
    """Return the step's own failure, with the reason why no new session could be opened."""
    first = before.what.partition("; and then: ")[0] if before else "the connection was lost"
    said = f"{error.what} ({error.detail})" if error.detail else error.what
    return StepError(
        f"{first}; and then: {said}",
        do=error.do,
        address=error.address,
        during=f"running {step}",
        sqlstate="08001",
        step=step.name,
        file=step.file,
        line=step.line,
        left=NOT_KNOWN,
    )
