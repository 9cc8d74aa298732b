"""One batch of a data step, written with its checkpoint: all, or what comes before the row that stops it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from migplan.postgres.failures import is_loss
from migplan.run.data.checkpoint import RECORDED, Checkpoint, Checkpoints
from migplan.run.data.events import Counts, Rejected
from migplan.run.data.load import Loaded
from migplan.run.data.transform import Fault, Outcome, of_own_code
from migplan.run.data.write import Own, Target, UnwritableError
from migplan.run.engine.worker import PASSING

# SQLSTATEs that are about the values of a row: constraints, conversions, and what triggers raise. Those of
# class 42 are about the statement, which is the same for all rows, but for a type that does not fit.
_OF_A_ROW = ("21", "22", "23", "27", "38", "39", "44", "P0")
_TYPES = frozenset({"42804", "42846"})


class _BadRowError(Exception):
    """One of the rows cannot be written; which one, only writing them one by one will tell."""


class MovedError(Exception):
    """The checkpoint is not where we left it: a commit whose answer was lost had arrived, or had not."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The row that stops the step."""

    key: tuple[str, ...]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed: where the checkpoint is now, and what keeps the step from going on."""

    at: Checkpoint
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """How batches of a step are written."""

    loaded: Loaded
    checkpoints: Checkpoints
    target: Target | Own
    settings: str  # what holds in each transaction

    def write(
        self, connection: psycopg.Connection[Any], at: Checkpoint, outcomes: Sequence[Outcome], *, last: bool
    ) -> Written:
        """One transaction: rows, checkpoint, what was left out; with the last batch the journal's entry."""
        try:
            return self._write(connection, at, outcomes, last=last, singly=False)
        except _BadRowError:
            return self._write(connection, at, outcomes, last=last, singly=True)

    def _write(
        self,
        connection: psycopg.Connection[Any],
        at: Checkpoint,
        outcomes: Sequence[Outcome],
        *,
        last: bool,
        singly: bool,
    ) -> Written:
        with connection.transaction():
            connection.execute(self.settings.encode())
            if self.checkpoints.read(connection, locking=True) != at:
                raise MovedError
            outcomes, stop = self._until(at, outcomes)
            if stop is None or outcomes:
                put = self._put_each if singly else self._put
                outcomes, failed = put(connection, outcomes, at.counts.failed)
                stop = failed or stop
            if outcomes or stop is None:
                at = self._moved(connection, at, outcomes, finished=last and stop is None)
        return Written(at, stop)

    def _until(self, at: Checkpoint, outcomes: Sequence[Outcome]) -> tuple[Sequence[Outcome], Stop | None]:
        """The outcomes before the first that stops the step: by itself, or as one failed row too many."""
        failed = at.counts.failed
        for place, each in enumerate(outcomes):
            if each.fault is None:
                continue
            failed += 1
            if fault := self._stopping(each.fault, failed):
                return outcomes[:place], Stop(each.key, fault)
        return outcomes, None

    def _stopping(self, fault: Fault, failed: int) -> Fault | None:
        step = self.loaded.step
        if step.on_error == "stop" or fault.lasting:
            return fault
        if failed > step.skip_limit:
            before = f"{failed - 1:,} rows had failed before, and skip_limit is {step.skip_limit:,}"
            return Fault(f"{fault.reason}; {before}", fault.line)
        return None

    def _put(
        self, connection: psycopg.Connection[Any], outcomes: Sequence[Outcome], _failed: int
    ) -> tuple[Sequence[Outcome], Stop | None]:
        """Write them all at once."""
        rows = [row for each in outcomes for row in each.rows]
        if not rows:
            return outcomes, None
        try:
            self.target.write(connection, rows)
        except UnwritableError:
            raise
        except psycopg.Error as error:
            if _is_of_a_row(error) or (error.sqlstate or "").startswith("42"):
                raise _BadRowError from None
            raise
        except self.loaded.step.transient:
            raise
        except (Exception, SystemExit):  # of the step's own function
            raise _BadRowError from None
        return outcomes, None

    def _put_each(
        self, connection: psycopg.Connection[Any], outcomes: Sequence[Outcome], failed: int
    ) -> tuple[Sequence[Outcome], Stop | None]:
        """Write them one by one, up to the one that stops the step."""
        found: list[Outcome] = []
        for each in outcomes:
            fault = each.fault or (self._one(connection, each) if each.rows else None)
            if fault:
                failed += 1
                if stopping := self._stopping(fault, failed):
                    return found, Stop(each.key, stopping)
                each = Outcome(each.key, fault=fault)  # noqa: PLW2901 - what became of it after all
            found.append(each)
        return found, None

    def _one(self, connection: psycopg.Connection[Any], outcome: Outcome) -> Fault | None:
        """Write one; why that failed, if it did because of the row."""
        word = "into" if self.loaded.step.into else "write"
        try:
            with connection.transaction():
                self.target.write(connection, outcome.rows)
        except UnwritableError:
            raise
        except psycopg.Error as error:
            if error.sqlstate in PASSING | set(self.loaded.step.transient_states) or is_loss(error):
                raise
            found = of_own_code(self.loaded, error, otherwise=word)
            return Fault(said_by(error), found.line, lasting=not _is_of_a_row(error))
        except self.loaded.step.transient:
            raise
        except (Exception, SystemExit) as error:
            return of_own_code(self.loaded, error, otherwise=word)
        return None

    def _moved(
        self,
        connection: psycopg.Connection[Any],
        at: Checkpoint,
        outcomes: Sequence[Outcome],
        *,
        finished: bool,
    ) -> Checkpoint:
        rejected = [found for each in outcomes if (found := self._rejected(each))]
        skipped = [each for each in rejected if each.kind == "skipped"]
        done = [each for each in outcomes if each.skip is None and each.fault is None]
        counts = at.counts + Counts(
            len(done), len(skipped), len(rejected) - len(skipped), sum(len(each.rows) for each in done)
        )
        to = Checkpoint(at.columns, outcomes[-1].key if outcomes else at.key, counts, finished)
        room = max(0, RECORDED - at.counts.skipped)
        kept = [each for each in rejected if each.kind == "failed"] + skipped[:room]
        self.checkpoints.move(connection, to, kept)
        return to

    def _rejected(self, outcome: Outcome) -> Rejected | None:
        if outcome.skip is not None:
            return Rejected(outcome.key, "skipped", self._clean(outcome.skip))
        if outcome.fault is not None:
            return Rejected(outcome.key, "failed", self._clean(outcome.fault.reason))
        return None

    def _clean(self, text: str) -> str:
        return self.checkpoints.address.without_secrets(text).replace("\0", "")


def said_by(error: psycopg.Error) -> str:
    """What the server says of a row, without what else it knows."""
    said = error.diag.message_primary or str(error).strip() or type(error).__name__
    return f"{said} ({error.diag.message_detail})" if error.diag.message_detail else said


def _is_of_a_row(error: psycopg.Error) -> bool:
    if error.sqlstate is None:  # a value that psycopg cannot send
        return not is_loss(error)
    return error.sqlstate.startswith(_OF_A_ROW) or error.sqlstate in _TYPES
