"""How far a data step has come: its row in the journal, and the rows that it left out."""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from migplan.errors import JournalError, RefusedError
from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.run.data.events import Counts, Rejected
from migplan.run.engine import journal
from migplan.run.engine.worker import AlreadyDoneError

RECORDED = 1000
"""How many of the rows that were skipped on purpose are recorded; they are counted all."""

_SHOWN = 10
_REASON = 1000

_STEP = """
    SELECT r.bundle, s.name, s.file, s.state FROM migplan.step s JOIN migplan.run r USING (run)
    WHERE s.run = %s AND s.step = %s
"""
# What is left of migrations is done by another run: it takes over how far the step had come. A step that was
# finished, or rolled back since, begins at its beginning.
_TAKE_OVER = """
    UPDATE migplan.checkpoint SET run = %(run)s, step = %(step)s WHERE (run, step) = (
        SELECT c.run, c.step
        FROM migplan.step mine JOIN migplan.run r ON r.run = mine.run
        JOIN migplan.step s ON s.name = mine.name AND s.file = mine.file AND s.state IN ('pending', 'failed')
        JOIN migplan.run earlier
            ON earlier.run = s.run AND earlier.kind = r.kind AND earlier.bundle = r.bundle
        JOIN migplan.checkpoint c ON c.run = s.run AND c.step = s.step AND NOT c.finished
        WHERE mine.run = %(run)s AND mine.step = %(step)s AND s.run <= %(run)s
        ORDER BY c.changed_at DESC LIMIT 1)
        AND NOT EXISTS (SELECT FROM migplan.checkpoint WHERE run = %(run)s AND step = %(step)s)
"""
_BEGIN = """
    INSERT INTO migplan.checkpoint (run, step, columns) VALUES (%s, %s, %s) ON CONFLICT (run, step) DO NOTHING
"""
_READ = """
    SELECT columns, key, done, skipped, failed, written, finished
    FROM migplan.checkpoint WHERE run = %s AND step = %s
"""
_MOVE = """
    UPDATE migplan.checkpoint SET key = coalesce(%s::text[], key), batches = batches + 1, done = %s,
        skipped = %s, failed = %s, written = %s, finished = %s, changed_at = pg_catalog.clock_timestamp()
    WHERE run = %s AND step = %s
"""
_REJECT = "INSERT INTO migplan.rejected (run, step, key, kind, reason) VALUES (%s, %s, %s, %s, %s)"
# The journal would have the time of the last batch alone.
_SINCE = """
    UPDATE migplan.step s SET started_at = c.started_at FROM migplan.checkpoint c
    WHERE s.run = c.run AND s.step = c.step AND s.run = %s AND s.step = %s
"""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a data step after a batch."""

    columns: tuple[str, ...]
    key: tuple[str, ...] | None
    counts: Counts
    finished: bool


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """The checkpoint of one step; the caller has a transaction, and turns what the server says into ours."""

    address: Address
    run: int
    step: int

    def state(self, connection: Session) -> tuple[str, str]:
        """Return the step's state in the journal, and a name for it that is the same in each of its runs."""
        found = connection.execute(_STEP, [self.run, self.step]).fetchone()
        if found is None:
            raise JournalError(
                f"the journal in {self.address} has no step {self.step} of run {self.run}",
                do="it was changed while the run was going on; see what is there with: "
                "migplan status --target TARGET",
                address=str(self.address),
                during="running a data step",
            )
        bundle, name, file, state = found
        return state, f"{bundle}/{file}/{name}"

    def begin(self, connection: Session, columns: tuple[str, ...]) -> Checkpoint:
        """Return the checkpoint to go on from: the step's own, that of an earlier run, or a new one."""
        connection.execute(_TAKE_OVER, {"run": self.run, "step": self.step})
        connection.execute(_BEGIN, [self.run, self.step, list(columns)])
        found = self.read(connection)
        if found.columns != columns and found.key is not None:
            raise RefusedError(
                f"the step was begun in the order of {', '.join(found.columns)}, and its file now has the "
                f"key {', '.join(columns)}: nobody could say which rows are done",
                do="put the key back; or, to start over, with rows that may be written twice, delete "
                f"the row of run {self.run}, step {self.step} from migplan.checkpoint",
            )
        return found

    def read(self, connection: Session, *, locking: bool = False) -> Checkpoint:
        """Return the checkpoint; with ``locking`` nobody else can move it before the transaction ends."""
        query = _READ + " FOR UPDATE" if locking else _READ
        found = connection.execute(query, [self.run, self.step]).fetchone()
        if found is None:
            raise JournalError(
                f"the journal in {self.address} has no checkpoint of step {self.step} of run {self.run}",
                do="another run has taken it over, or somebody has deleted it: "
                "migplan status --target TARGET",
                address=str(self.address),
                during="running a data step",
            )
        columns, key, *counts, finished = found
        if not columns or len(key or columns) != len(columns) or None in [*columns, *(key or ()), *counts]:
            raise JournalError(
                f"the journal in {self.address} was changed by hand: the checkpoint of step {self.step} of "
                f"run {self.run} says no place to go on from",
                do="restore it from a backup; or, to start over, with rows that may be written twice, "
                "delete that row from migplan.checkpoint",
                address=str(self.address),
                during="running a data step",
            )
        at = None if key is None else tuple(key)
        return Checkpoint(tuple(columns), at, Counts(*counts), finished)

    def move(self, connection: Session, to: Checkpoint, rejected: Iterable[Rejected]) -> None:
        """Write the checkpoint, and with the last batch that the step is done; AlreadyDoneError if it was."""
        counts = to.counts
        values = [counts.done, counts.skipped, counts.failed, counts.written, to.finished]
        key = None if to.key is None else list(to.key)
        connection.execute(_MOVE, [key, *values, self.run, self.step])
        rows = [[self.run, self.step, list(each.key), each.kind, each.reason[:_REASON]] for each in rejected]
        if rows:
            with connection.cursor() as cursor:
                cursor.executemany(_REJECT, rows)
        if to.finished:
            try:
                connection.execute(journal.claim(self.run, self.step))
            except psycopg.errors.DivisionByZero:
                raise AlreadyDoneError from None
            connection.execute(journal.finish(self.run, self.step, counts.written))
            connection.execute(_SINCE, [self.run, self.step])

    def reasons(self, connection: Session) -> tuple[Rejected, ...]:
        """Return the first rows that were left out, those that failed before the others."""
        found = connection.execute(
            "SELECT key, kind, reason FROM migplan.rejected WHERE run = %s AND step = %s "
            "ORDER BY kind, at, key LIMIT %s",
            [self.run, self.step, _SHOWN],
        )
        return tuple(Rejected(tuple(key), kind, reason) for key, kind, reason in found)
