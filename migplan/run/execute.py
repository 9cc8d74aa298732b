"""Doing steps: some at a time, each as soon as what it needs is done, the heaviest first."""

from __future__ import annotations

import contextlib
import heapq
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from migplan.errors import DatabaseError, MigplanError, StepError
from migplan.postgres.address import Address
from migplan.run import events
from migplan.run.events import Told
from migplan.run.journal import Journal
from migplan.run.lock import Lock
from migplan.run.session import AlreadyDoneError, Limits, Session, is_lost, is_passing
from migplan.run.steps import Step, predecessors

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How a run is done, as people want it."""

    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    retries: int = 5


class Queue:
    """Which step comes next: asked by several threads, answered one at a time."""

    def __init__(self, steps: Sequence[Step], done: Collection[int]) -> None:
        self._steps = steps
        self._changed = threading.Condition()
        self._users: dict[int, list[int]] = {}
        self._waiting: dict[int, int] = {}
        self._ready: list[tuple[int, int]] = []
        self._left = 0
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
            for user in self._users.get(place, ()):
                self._waiting[user] -= 1
                if not self._waiting[user]:
                    self._push(user)
            self._changed.notify_all()

    def close(self) -> None:
        """No other step is to begin."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _push(self, place: int) -> None:
        heapq.heappush(self._ready, (-self._steps[place].weight, place))


class Execution:
    """The steps of one run being done by a crew of sessions."""

    def __init__(
        self, address: Address, folder: Path, journal: Journal, lock: Lock, ways: Ways, told: Told
    ) -> None:
        self._address = address
        self._folder = folder
        self._journal = journal
        self._lock = lock
        self._ways = ways
        self._told = told
        self._writing = threading.Lock()  # the journal's connection is shared
        self._stopping = threading.Event()
        self._sessions: list[Session] = []
        self._failures: list[MigplanError] = []

    def run(self, run: int, steps: Sequence[Step], done: Collection[int]) -> None:
        """Do what is not done yet; raises the first failure when everything else has come to its end.

        KeyboardInterrupt cancels what is going on: it is rolled back, and the journal knows it.
        """
        queue = Queue(steps, done)
        crew = [
            threading.Thread(target=self._work, args=(run, queue), name=f"step-{number}", daemon=True)
            for number in range(min(self._ways.jobs, max(len(steps) - len(done), 1)))
        ]
        for member in crew:
            member.start()
        try:
            for member in crew:
                while member.is_alive():
                    member.join(0.2)
        except BaseException:
            self._stop(queue)
            for member in crew:
                member.join(10)
            raise
        if self._failures:
            raise self._failures[0]

    def _stop(self, queue: Queue) -> None:
        self._stopping.set()
        queue.close()
        for session in list(self._sessions):
            session.cancel()

    def _work(self, run: int, queue: Queue) -> None:
        """What one member of the crew does until nothing is left, or something has failed."""
        try:
            with self._session() as session:
                while not self._stopping.is_set() and (taken := queue.take()) is not None:
                    place, step = taken
                    self._do(session, run, step)
                    queue.done(place)
        except MigplanError as error:
            self._failures.append(error)
            queue.close()
        except BaseException as error:
            self._failures.append(
                MigplanError(f"a thread of the run ended with {type(error).__name__}: {error}")
            )
            queue.close()
            raise

    @contextlib.contextmanager
    def _session(self) -> Iterator[Session]:
        session = Session(self._address, self._folder, self._ways.limits)
        self._sessions.append(session)
        try:
            yield session
        finally:
            session.close()

    def _do(self, session: Session, run: int, step: Step) -> None:
        session.warned = lambda text: self._told(events.Noticed(step, text))
        for attempt in range(1, self._ways.retries + 2):
            started = time.monotonic()
            self._told(events.Began(step))
            try:
                rows = session.do(run, step, lambda size: self._told(events.Moved(step, size)))
            except AlreadyDoneError:
                rows = step.rows
            except StepError as error:
                if self._stopping.is_set():
                    return
                if attempt > self._ways.retries or not is_passing(error):
                    self._failed(run, step, error)
                    raise
                self._try_again(session, step, attempt, error)
                continue
            self._told(events.Finished(step, rows, time.monotonic() - started))
            return

    def _try_again(self, session: Session, step: Step, attempt: int, error: StepError) -> None:
        """Wait for what passes; a session that was lost is replaced, if the lock is still ours."""
        wait = min(_FIRST_WAIT * 2 ** (attempt - 1), _LONGEST_WAIT)
        self._told(events.Retrying(step, attempt, error.what, wait))
        self._stopping.wait(wait)
        if not is_lost(error):
            return
        try:
            self._lock.ensure()
            session.reopen()
        except DatabaseError as gone:
            if attempt < self._ways.retries and "another run" not in gone.what:
                return  # the server may be starting still: the next try asks again
            error.what = f"{error.what}; and then: {gone.what}"
            self._told(events.Failed(step, error.what))
            raise error from None

    def _failed(self, run: int, step: Step, error: StepError) -> None:
        self._told(events.Failed(step, error.what))
        said = "\n".join(filter(None, (str(error), error.detail, error.hint, error.context)))
        # The step is rolled back whether or not this can be written.
        with contextlib.suppress(DatabaseError), self._writing:
            self._journal.fail(run, step.number, said)
