"""Doing steps: some at a time, each as soon as what it needs is done, the heaviest first."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from migplan.back_off import back_off
from migplan.errors import ConnectError, DatabaseError, JournalError, LockedError, MigplanError, StepError
from migplan.postgres.address import Address
from migplan.run.data.events import DataEvent, Progressed, Summary, TriedAgain
from migplan.run.engine import events
from migplan.run.engine.blockers import Watch
from migplan.run.engine.events import OnEvent
from migplan.run.engine.journal import Journal
from migplan.run.engine.lock import Lock
from migplan.run.engine.steps import PROGRAM, Step, predecessors
from migplan.run.engine.worker import (
    NOT_KNOWN,
    AlreadyDoneError,
    Limits,
    Session,
    StoppedError,
    is_lost,
    is_passing,
)
from migplan.sealed_files import SealedFiles

log = logging.getLogger(__name__)

_FIRST_WAIT = 0.5
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is done, as people want it."""

    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    retries: int = 5
    protected_as: str = ""  # the name under which the target is protected, where people typed it


class Queue:
    """Which step comes next: asked by several threads, answered one at a time."""

    def __init__(self, steps: Sequence[Step], done: Collection[int]) -> None:
        self._steps = steps
        self._changed = threading.Condition()
        self._users: dict[int, list[int]] = {}
        self._waiting: dict[int, int] = {}
        self._ready: list[tuple[int, int]] = []
        self._left = 0
        self._finished = set(done)
        self._closed = False
        for place, needs in enumerate(predecessors(steps)):
            if steps[place].number in done:
                continue
            open_needs = [need for need in needs if steps[need].number not in done]
            self._waiting[place] = len(open_needs)
            self._left += 1
            for need in open_needs:
                self._users.setdefault(need, []).append(place)
            if not open_needs:
                self._push(place)

    def take(self) -> tuple[int, Step] | None:
        """The next step, as soon as there is one that may run; None when there will be none."""
        with self._changed:
            while not self._ready and self._left and not self._closed:
                self._changed.wait()
            if self._closed or not self._ready:
                return None
            _, place = heapq.heappop(self._ready)
            return place, self._steps[place]

    def done(self, place: int) -> None:
        """A step is done: what waited for it may run."""
        with self._changed:
            self._left -= 1
            self._finished.add(self._steps[place].number)
            for user in self._users.get(place, ()):
                self._waiting[user] -= 1
                if not self._waiting[user]:
                    self._push(user)
            self._changed.notify_all()

    @property
    def finished(self) -> set[int]:
        """The numbers of the steps that are believed to be done."""
        with self._changed:
            return set(self._finished)

    def close(self) -> None:
        """No other step is to begin."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _push(self, place: int) -> None:
        heapq.heappush(self._ready, (-self._steps[place].weight, place))


class _ForgottenError(Exception):
    """The server has lost what it had committed: it crashed, or another one stands in for it."""


class Execution:
    """The steps of one run being done by a crew of sessions."""

    def __init__(
        self,
        address: Address,
        files: SealedFiles,
        journal: Journal,
        lock: Lock,
        options: RunOptions,
        on_event: OnEvent,
        answered: Callable[[Step, str], None] | None = None,
    ) -> None:
        self._address = address
        self._files = files
        self._journal = journal
        self._lock = lock
        self._options = options
        self._on_event = events.logged(on_event)
        self._answered = answered
        self._watch = Watch(lock)
        self._writing = threading.Lock()  # the journal's connection is shared
        self._stopping = threading.Event()
        self._interrupted = threading.Event()
        self._sessions: list[Session] = []
        self._failures: list[MigplanError] = []
        self.summaries: dict[str, Summary] = {}  # of the steps in Python, by name

    def run(self, run: int, steps: Sequence[Step], done: Collection[int]) -> None:
        """Do what is not done yet; raises the first failure when everything else has come to its end.

        KeyboardInterrupt cancels what is going on: it is rolled back, and the journal knows it.
        """
        while True:  # once, if the server does not forget anything
            self._on_event(events.planned(steps, done))
            self._crew(run, Queue(steps, done), len(steps) - len(done))
            if self._interrupted.is_set():
                raise KeyboardInterrupt
            if self._failures:
                with contextlib.suppress(DatabaseError):
                    self._lock.ensure()
                raise _most_telling(self._failures)
            self._lock.ensure()  # whoever ends the run writes it down in the lock's session
            done = self._journal.done(run)
            if all(step.number in done for step in steps):
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
        """Cancel until all have stopped: one that is between two messages does not hear it."""
        self._stopping.set()
        queue.close()
        deadline = time.monotonic() + _STOP_SECONDS
        while not all(end.is_set() for end in ends) and time.monotonic() < deadline:
            for session in list(self._sessions):
                session.cancel()
            for end in ends:
                end.wait(0.5 / len(ends))

    def _work(self, run: int, queue: Queue, end: threading.Event) -> None:
        """What one member of the crew does until nothing is left, or something has failed."""
        try:
            with self._session(run, queue) as session:
                while not self._stopping.is_set() and (taken := queue.take()) is not None:
                    place, step = taken
                    self._do(session, run, step, queue)
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
    def _session(self, run: int, queue: Queue) -> Iterator[Session]:
        """A session for one of the crew, which has compared what it believes with the journal."""
        session = self._joined(run, queue)
        self._sessions.append(session)
        try:
            yield session
        finally:
            self._sessions.remove(session)
            session.close()

    def _joined(self, run: int, queue: Queue) -> Session:
        """Open it; again, as steps are tried, where the server goes just then."""
        for attempt in itertools.count(1):
            session = None
            try:
                if attempt > 1:
                    self._lock.ensure()
                session = Session(self._address, self._files, self._options.limits)
                self._lock.shared_by(session.process)
                self._compare(run, queue)
            except BaseException as error:
                if session:
                    session.close()
                if not self._may_pass(error) or attempt > self._options.retries:
                    raise
                if self._stopping.wait(back_off(attempt, _FIRST_WAIT)):
                    raise StoppedError from None
            else:
                return session
        raise AssertionError("itertools.count has no end")

    def _may_pass(self, error: BaseException) -> bool:
        """Whether it is the server's being away, for a while perhaps."""
        if not isinstance(error, DatabaseError) or isinstance(error, (LockedError, JournalError)):
            return False
        return self._lock.connection.closed or is_lost(error) or isinstance(error, ConnectError)

    def _do(self, session: Session, run: int, step: Step, queue: Queue) -> None:
        """Do a step, again where another try may get past what was in the way."""
        failed: StepError | None = None
        for attempt in range(1, self._options.retries + 2):
            started = time.monotonic()
            try:
                if session.lost:
                    self._recover(session, run, queue)
                rows = self._once(session, run, step)
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
            if attempt > self._options.retries or not is_passing(failed) or step.phase == PROGRAM:
                break  # a program has tries of its own
            wait = back_off(attempt, _FIRST_WAIT)
            self._on_event(events.Retrying(step, attempt, failed.what, wait))
            if is_lost(failed):
                session.close()
            self._stopping.wait(wait)
        assert failed is not None
        self._failed(run, step, failed)
        raise failed

    def _once(self, session: Session, run: int, step: Step) -> int:
        session.warned = lambda text: self._on_event(events.Noticed(step, text))
        if answered := self._answered:
            session.answered = lambda text: answered(step, text)
        self._watch.begun(session.process, lambda who: session.warned(f"waits for a lock that {who} holds"))
        blocker = ""
        try:
            self._on_event(events.Began(step))
            if step.phase == PROGRAM:
                return self._program(run, step)
            return session.do(run, step, lambda size: self._on_event(events.Moved(step, size)))
        except AlreadyDoneError:
            return self._known_as_done(run, step)
        except StepError as error:
            blocker = self._watch.ended(session.process)
            if blocker and error.sqlstate == "55P03":
                error.what = f"{error.what}: {blocker} holds the lock"
            raise
        finally:
            self._watch.ended(session.process)

    def _program(self, run: int, step: Step) -> int:
        """A step in Python: it has sessions and checkpoints of its own."""
        from migplan.run.data.step import run_data_step  # noqa: PLC0415 - most runs have no such step

        def on_event(event: DataEvent) -> None:
            if isinstance(event, Progressed):
                counts = event.counts
                self._on_event(events.Advanced(step, counts.done, counts.skipped, counts.failed, event.rate))
            elif isinstance(event, TriedAgain):
                self._on_event(events.Retrying(step, event.attempt, event.why, event.wait))

        summary = run_data_step(
            self._address,
            self._options.limits,
            run,
            step.number,
            self._files.path(step.file),
            on_event,
            self._stopping,
            self._lock.shared_by,
            self._files.read(step.file),
        )
        self.summaries[step.name] = summary
        return summary.counts.written

    def _known_as_done(self, run: int, step: Step) -> int:
        with self._writing:
            done = self._journal.done(run)
        if step.number not in done:
            raise JournalError(
                f"the journal in {self._address} does not know step {step.number} of run {run} any more",
                do="it was changed while the run was going on; see what is there with: migplan status",
                address=str(self._address),
                during=f"running {step}",
            )
        return step.rows

    def _recover(self, session: Session, run: int, queue: Queue) -> None:
        """A new session in place of one that was lost, if the lock is still ours to hold."""
        self._lock.ensure()
        session.reopen()
        self._lock.shared_by(session.process)
        self._compare(run, queue)

    def _compare(self, run: int, queue: Queue) -> None:
        """What we believe to be done must be so: a crash takes the last commits back."""
        believed = queue.finished
        with self._writing:
            now = self._journal.run(run)
            kept = self._journal.done(run)
        if now.state != "running":
            raise JournalError(
                f"run {run} in {self._address} is {now.state}: somebody else went on with it meanwhile",
                do="see what is there with: migplan status",
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
    """The first failure of a step, which says what it left behind; else the first one.

    A server that goes takes all sessions at once, and one that was only being opened may be heard first.
    """
    return next((each for each in failures if isinstance(each, StepError)), failures[0])


def _unreachable(before: StepError | None, error: DatabaseError, step: Step) -> StepError:
    """The step's own failure, and why no session could take the lost one's place."""
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
