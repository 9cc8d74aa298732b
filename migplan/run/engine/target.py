"""A target that is being changed: its lock is held, its journal is open, and runs are executed there.

This is what whoever makes steps (of a bundle, of a folder of migrations, of a rollback) asks for:

    with locked(address, options) as target:
        run = target.begin(Beginning(...), kept)
        result = target.execute(run, steps, source)
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from migplan.errors import JournalError, LockedError, MigplanError, RefusedError
from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.run.engine.events import OnEvent, ignore
from migplan.run.engine.execution import Execution, Program
from migplan.run.engine.journal import Beginning, Journal, Run
from migplan.run.engine.lock import Lock
from migplan.run.engine.options import RunOptions
from migplan.run.engine.row_source import RowSources
from migplan.run.engine.steps import Source, Step
from migplan.run.engine.worker import Observer


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run that was done to its end."""

    run: Run
    steps: int = 0  # that were done now
    rows: int = 0
    seconds: float = 0.0
    resumed: bool = False  # an earlier try had done a part of it
    nothing_to_do: bool = False


class LockedTarget:
    """A target whose lock we hold."""

    def __init__(self, address: Address, options: RunOptions, on_event: OnEvent, lock: Lock) -> None:
        self.address = address
        self.journal = Journal(lock)
        self._options = options
        self._on_event = on_event
        self._lock = lock

    @property
    def jobs(self) -> int:
        """How many sessions may work side by side."""
        return self._options.jobs

    @property
    def session(self) -> Session:
        """The session that holds the lock: a new one, if the first was lost."""
        return self._lock.session

    def begin(self, what: Beginning, kept: Mapping[str, bytes] | None = None) -> Run:
        """Enter a new run into the journal, with what a rollback of it will need."""
        self.journal.prepare(self._options.protected_as)
        with self.journal.together():
            run = self.journal.begin(what)
            self.journal.keep(run.run, kept or {})
            if what.undoes is not None:
                self.journal.end(what.undoes, "undoing")
        return run

    def resume(self, run: Run, kept: Mapping[str, bytes] | None = None) -> Run:
        """Resume a run that was begun.

        What is kept of it is added if an earlier version of migplan began it.
        """
        self.journal.prepare(self._options.protected_as)
        self.journal.keep(run.run, kept or {})
        self.journal.resume(run.run)
        return self.journal.run(run.run)

    def execute(
        self,
        run: Run,
        steps: Sequence[Step],
        source: Source,
        program: Program | None = None,
        answered: Callable[[Step, str], None] | None = None,
        observer: Observer | None = None,
        rows: RowSources | None = None,
    ) -> RunResult:
        """Do the steps of a run that are not done yet. StepError says where it stopped.

        ``program`` does steps that are programs; ``answered`` is told what statements return; ``observer``
        looks from within each step's transaction; ``rows`` brings those that no file holds.
        """
        done = self.journal.done(run.run)
        started = time.monotonic()
        execution = Execution(
            self.address,
            source,
            self.journal,
            self._lock,
            self._options,
            self._on_event,
            program,
            answered,
            observer,
            rows,
        )
        with self._ending(run):
            execution.run(run.run, steps, done)
        left = [step for step in steps if step.number not in done]
        brought = {entry.step: entry.rows or 0 for entry in self.journal.entries(run.run)} if rows else {}
        return RunResult(
            self.journal.run(run.run),
            len(left),
            sum(brought.get(step.number, step.rows) for step in left),
            time.monotonic() - started,
            resumed=bool(done),
        )

    @contextmanager
    def _ending(self, run: Run) -> Iterator[None]:
        """Write down how a run ends, and what has become of the one that it undoes."""
        try:
            yield
        except (LockedError, JournalError):
            raise  # it is somebody else's by now
        except BaseException as error:
            with suppress(MigplanError):  # the server is gone: the journal says 'running', nobody is at work
                self.journal.end(run.run, "failed" if isinstance(error, MigplanError) else "stopped")
            raise
        with self.journal.together():
            if run.undoes is not None:
                left = any(entry.state == "done" for entry in self.journal.entries(run.undoes))
                self.journal.end(run.undoes, "stopped" if left else "undone")
            self.journal.end(run.run, "done")


@contextmanager
def locked(address: Address, options: RunOptions, on_event: OnEvent = ignore) -> Iterator[LockedTarget]:
    """Hold the lock of a target, for a block; RefusedError if it is protected and its name was not typed."""
    lock = Lock(address)
    try:
        target = LockedTarget(address, options, on_event, lock)
        names = target.journal.protections
        if names and options.protected_as not in names:
            raise RefusedError(
                f"{address} is protected, as {names[-1]}, says its journal; nothing was changed",
                do=f"say its name with --confirm {names[-1]}",
            )
        yield target
    finally:
        lock.release()
