"""Writing what became of rows: into a table, as its columns want them, or by the step's own function.

A batch is written with its checkpoint, in one transaction: all of it, or what comes before the row that
stops the step.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Any

import psycopg
from psycopg import pq, sql
from psycopg.types.json import Json, Jsonb

from migplan.data import DataStep
from migplan.names import QualifiedName, parse
from migplan.postgres.failures import is_loss
from migplan.postgres.session import Session
from migplan.run.data.checkpoint import RECORDED, Checkpoint, Checkpoints
from migplan.run.data.events import Counts, Rejected
from migplan.run.data.load import Loaded
from migplan.run.data.transform import Fault, Outcome, of_own_code
from migplan.run.engine.worker import PASSING

_PARAMETERS = 60_000  # of one statement; the protocol has room for 65,535
_MARK = "migplan_write"  # the savepoint that tells our transaction from another
_VECTORS = frozenset({"vector", "halfvec"})
_COLUMNS = """
    SELECT a.attname, coalesce(base.typname, t.typname)
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_type base ON base.oid = t.typbasetype
    WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped
"""


class UnwritableError(Exception):
    """No rows can be written, whatever they hold."""


class EndedError(UnwritableError):
    """The step's own function has ended the transaction, and so committed rows without their checkpoint."""

    def __init__(self) -> None:
        super().__init__("the function that writes has ended the transaction, which is not its own")


@dataclass(frozen=True, slots=True)
class Target:
    """A table that rows go into, with the types of its columns."""

    name: QualifiedName
    types: Mapping[str, str]
    conflict: tuple[str, ...]

    def write(self, connection: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, in as few statements as their columns allow."""
        for columns, same in groupby(rows, key=tuple):
            for some in _chunks(list(same), max(1, _PARAMETERS // max(1, len(columns)))):
                values = [self._as_wanted(name, row[name]) for row in some for name in columns]
                connection.execute(self._statement(columns, len(some)), values)

    def _statement(self, columns: tuple[str, ...], rows: int) -> sql.Composed:
        if missing := [name for name in columns if name not in self.types]:
            raise UnwritableError(f"{self.name} has no column {missing[0]}")
        one = sql.SQL("({})").format(_listed([sql.Placeholder()] * len(columns)))
        return sql.SQL("INSERT INTO {} ({}) VALUES {}{}").format(
            sql.Identifier(self.name.schema, self.name.name),
            _listed(map(sql.Identifier, columns)),
            _listed([one] * rows),
            self._conflict(columns),
        )

    def _conflict(self, columns: tuple[str, ...]) -> sql.Composable:
        if not self.conflict:
            return sql.SQL("")
        changed = [name for name in columns if name not in self.conflict]
        set_to = _listed(sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(name)) for name in changed)
        does = sql.SQL("UPDATE SET {}").format(set_to) if changed else sql.SQL("NOTHING")
        return sql.SQL(" ON CONFLICT ({}) DO {}").format(_listed(map(sql.Identifier, self.conflict)), does)

    def _as_wanted(self, column: str, value: Any) -> Any:
        """Values of JSON columns are what they stand for; numbers of a vector are told as pgvector has it."""
        kind = self.types.get(column)
        if value is None or kind is None:
            return value
        if kind in {"json", "jsonb"}:
            return (Jsonb if kind == "jsonb" else Json)(value, dumps=_dumped)
        if kind in _VECTORS and not isinstance(value, str):
            return f"[{','.join(repr(float(number)) for number in value)}]"
        return value


@dataclass(frozen=True, slots=True)
class Own:
    """Writes by the step's own function."""

    step: DataStep

    def write(self, connection: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """Call the function, which may do anything but end the transaction; raise EndedError if it does."""
        assert self.step.write is not None
        before = _transaction(connection)
        connection.execute(f"SAVEPOINT {_MARK}")
        try:
            self.step.write(connection, rows)
        except BaseException as error:
            if _has_ended(connection, before):
                raise EndedError from error
            raise
        if connection.info.transaction_status == pq.TransactionStatus.INERROR:
            if _has_ended(connection, before):
                raise EndedError
            raise UnwritableError("the function that writes has hidden an error of the server's")
        if before != _transaction(connection):
            raise EndedError
        connection.execute(f"RELEASE SAVEPOINT {_MARK}")


def target_of(connection: Session, step: DataStep) -> Target | Own:
    """Return what the step writes to; raise UnwritableError if there is no such table or column."""
    if not step.into:
        return Own(step)
    name = parse(step.into)
    types = dict(connection.execute(_COLUMNS, [name.schema, name.name]).fetchall())
    if not types:
        raise UnwritableError(f"there is no table {name}")
    if missing := [column for column in step.conflict if column not in types]:
        raise UnwritableError(f"{name} has no column {missing[0]}")
    return Target(name, types, step.conflict)


def _transaction(connection: Session) -> Any:
    found = connection.execute("SELECT pg_catalog.pg_current_xact_id()").fetchone()
    return found and found[0]


def _has_ended(connection: Session, before: Any) -> bool:
    """Whether this is another transaction than before, or none; of a session that is lost nobody knows."""
    try:
        if connection.info.transaction_status == pq.TransactionStatus.INERROR:
            connection.execute(f"ROLLBACK TO SAVEPOINT {_MARK}")
        return bool(before != _transaction(connection))
    except psycopg.Error:  # there is no such savepoint in it
        return not connection.closed


def _listed(parts: Iterable[sql.Composable]) -> sql.Composed:
    return sql.SQL(", ").join(parts)


def _chunks(rows: list[Mapping[str, Any]], size: int) -> Iterator[list[Mapping[str, Any]]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _dumped(value: Any) -> str:
    return json.dumps(value, default=_plain, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """What JSON has no word for: numbers that databases count exactly, and everything else as its text."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, set | frozenset | tuple):
        return list(value)
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


# SQLSTATEs that are about the values of a row: constraints, conversions, and what triggers raise. Those of
# class 42 are about the statement, which is the same for all rows, but for a type that does not fit.
_OF_A_ROW = ("21", "22", "23", "27", "38", "39", "44", "P0")
_TYPES = frozenset({"42804", "42846"})


class _BadRowError(Exception):
    """One of the rows cannot be written; to find it, they are written one by one."""


class MovedError(Exception):
    """The checkpoint is not the one we expected.

    Whether a commit arrived, whose answer was lost, was unknown.
    """


@dataclass(frozen=True, slots=True)
class Stop:
    """The row that stops the step."""

    key: tuple[str, ...]
    fault: Fault


@dataclass(frozen=True, slots=True)
class Written:
    """What was committed: the new checkpoint, and the row that stops the step, if one does."""

    at: Checkpoint
    stop: Stop | None = None


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes the batches of a step."""

    loaded: Loaded
    checkpoints: Checkpoints
    target: Target | Own
    settings: str  # what holds in each transaction

    def write(
        self, connection: Session, at: Checkpoint, outcomes: Sequence[Outcome], *, last: bool
    ) -> Written:
        """Write rows, checkpoint and rejected rows in one transaction.

        With the last batch the journal's entry, too.
        """
        try:
            return self._write(connection, at, outcomes, last=last, singly=False)
        except _BadRowError:
            return self._write(connection, at, outcomes, last=last, singly=True)

    def _write(
        self,
        connection: Session,
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
        """Return the outcomes before the one that stops the step, by itself or as one failure too many."""
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
        self, connection: Session, outcomes: Sequence[Outcome], _failed: int
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
        self, connection: Session, outcomes: Sequence[Outcome], failed: int
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

    def _one(self, connection: Session, outcome: Outcome) -> Fault | None:
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
        connection: Session,
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
    """Return the server's message about a row, with its detail."""
    said = error.diag.message_primary or str(error).strip() or type(error).__name__
    return f"{said} ({error.diag.message_detail})" if error.diag.message_detail else said


def _is_of_a_row(error: psycopg.Error) -> bool:
    if error.sqlstate is None:  # a value that psycopg cannot send
        return not is_loss(error)
    return error.sqlstate.startswith(_OF_A_ROW) or error.sqlstate in _TYPES
