"""A session that executes steps, each in one transaction with its entry in the journal.

A step without rows goes to the server as one message, from BEGIN to COMMIT, so that a distant server costs
one way to it and back. The server answers each statement by itself, which tells the one that failed.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, BinaryIO, Protocol

import psycopg
from psycopg import generators, pq, sql
from psycopg.abc import PQGen
from psycopg.adapt import Transformer
from psycopg.waiting import Wait

from migplan.errors import DatabaseError, FileError, SourceError, StepError
from migplan.names import quoted_list, split
from migplan.postgres import settings
from migplan.postgres.address import Address
from migplan.postgres.failures import CONNECTION_FAILURE, is_loss
from migplan.postgres.relay import TargetFailedError
from migplan.postgres.session import Session, connect
from migplan.run.engine import journal, lock
from migplan.run.engine.messages import SIZE, Message, texts_of
from migplan.run.engine.options import Limits
from migplan.run.engine.row_source import Brought, RowSource
from migplan.run.engine.steps import (
    CopyBlock,
    LiveRows,
    LiveSequences,
    Segment,
    Source,
    Statements,
    Step,
)

log = logging.getLogger(__name__)

BLOCK = 1 << 18

# Of a COPY whose connection is lost psycopg would tell on stderr; we do that ourselves.
logging.getLogger("psycopg").addHandler(logging.NullHandler())

PASSING = frozenset({"55P03", "40P01", "40001"})
"""Lock not available, deadlock, serialization: what another try may get past."""

NOT_KNOWN = "whether its commit arrived is not known here"
_NON_TRANSACTIONAL = (
    "it cannot be in a transaction: what it did before it failed stays; the next apply looks what that is"
)
_COMMITS = (
    "it commits by itself: what it did before it failed stays; the next apply runs it from its beginning"
)

_COMES_LIVE = "its rows come live from the source, and this run was not given one"
_GIVE_SOURCE = "run it with: migplan apply BUNDLE --source SOURCE"

# Where in the rows; servers may speak another language.
_LINE_OF_COPY = re.compile(r"^COPY .*?, \w+ (\d+)", re.MULTILINE | re.DOTALL)

_TEMPORARY = "pg_temp."

ROWS_SHOWN = 20
"""Of what a statement returns, so many rows are told."""

# What a second try of a statement meets when the first one had come to its end: it is there, or it is gone.
_ALREADY_SO = frozenset({"42710", "42P07", "42704", "42P01"})

_BEGIN_ALONE = """
    UPDATE migplan.step SET attempts = attempts + 1, started_at = pg_catalog.clock_timestamp()
    WHERE run = %s AND step = %s AND state <> 'done' RETURNING attempts
"""
_TRIED_BEFORE = """
    SELECT count(*) > 0, count(*) FILTER (WHERE s.line = n.line AND s.file_digest = n.file_digest) > 0
    FROM migplan.step s JOIN migplan.run r USING (run), migplan.step n JOIN migplan.run m USING (run)
    WHERE s.name = n.name AND s.file = n.file AND s.attempts > 0 AND s.state <> 'done'
      AND r.bundle = m.bundle AND n.run = %s AND n.step = %s
"""
_DONE_ALONE = """
    UPDATE migplan.step SET state = 'done', error = NULL, rows = 0,
           finished_at = pg_catalog.clock_timestamp(), transaction = pg_catalog.pg_current_xact_id()
    WHERE run = %s AND step = %s
"""
_INVALID_INDEX = """
    SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = %s AND c.relname = %s AND NOT i.indisvalid
"""


class AlreadyDoneError(Exception):
    """The step is done already: by a commit of ours whose answer was lost, or by somebody else."""


class StoppedError(Exception):
    """People want the run to stop; the step was rolled back."""


class Observer(Protocol):
    """Looks at the target from within a step's own transaction, in the session that does the step.

    Of a statement that cannot be in a transaction, it looks just before and just after. What it raises rolls
    the step back. A file may have changed the session's settings and role by the time of :meth:`ending`.
    """

    def begun(self, step: Step, session: Session) -> None:
        """Look before the first statement of a step."""

    def ending(self, step: Step, session: Session) -> None:
        """Look after the last statement of a step, before it is committed."""


@dataclass(frozen=True, slots=True)
class Observers:
    """Several observers, which look one after the other."""

    all: Sequence[Observer]

    def begun(self, step: Step, session: Session) -> None:
        """Have each of them look."""
        for each in self.all:
            each.begun(step, session)

    def ending(self, step: Step, session: Session) -> None:
        """Have each of them look."""
        for each in self.all:
            each.ending(step, session)


class Worker:
    """A session with the target that does steps, one after the other."""

    def __init__(self, address: Address, limits: Limits, rows: RowSource | None = None) -> None:
        self.address = address
        self.rows = rows
        self._limits = limits
        self.warned: Callable[[str], None] = lambda _text: None
        self.answered: Callable[[str], None] | None = None  # hears what statements of files return
        self.observer: Observer | None = None
        self.stopped = False
        self.session = self._open()

    def close(self) -> None:
        """End the session; what it has not committed is rolled back."""
        if self.session.pooled and not self.session.closed:
            with contextlib.suppress(psycopg.Error):
                self.session.rollback()
                lock.leave(self.session)
        self.session.close()
        if self.rows is not None:
            self.rows.close()

    def cancel(self) -> None:
        """Stop what the session is doing, and whatever it would do next; safe from another thread."""
        self.stopped = True
        with contextlib.suppress(psycopg.Error):
            self.session.cancel_safe(timeout=5)
        if self.rows is not None:
            self.rows.cancel()

    def reopen(self) -> None:
        """A new session in place of one that was lost."""
        self.session.close()
        self.session = self._open()

    @property
    def lost(self) -> bool:
        """Whether it has to be opened again."""
        return self.session.closed

    def do(self, run: int, step: Step, source: Source, moved: Callable[[int], None]) -> int:
        """Do a step, and return how many rows it brought; raise StepError, with everything rolled back."""
        doing = _Doing(self, run, step, source, moved)
        try:
            return doing.by_itself() if step.non_transactional else doing.all()
        except BaseException:
            with contextlib.suppress(psycopg.Error):
                self.session.rollback()
            raise

    @property
    def preface(self) -> str:
        """The settings of each step's transaction, whatever its file says: how long it may take and wait."""
        found = [
            settings.statements("SET LOCAL", settings.timeouts(self._version)),
            f"SET LOCAL lock_timeout = '{int(self._limits.lock_seconds * 1000)}ms'",
            f"SET LOCAL statement_timeout = '{int(self._limits.statement_seconds * 1000)}ms'",
            # A commit that a crash of the server takes back takes its entry in the journal back, too; the
            # end of the run waits until all is on disk.
            "SET LOCAL synchronous_commit = off",
        ]
        if self._watches_us:
            found.append("SET LOCAL client_connection_check_interval = '2s'")
        return ";\n".join(found)

    @property
    def fresh(self) -> str:
        """The statements that reset the session, so that each step finds it as it was opened."""
        return "RESET ALL;\n" + settings.statements("SET", settings.always(self._version))

    def _open(self) -> Session:
        session = connect(self.address)
        try:
            session.autocommit = True  # transactions are begun by what we send
            self._version = session.info.server_version
            self.process = session.process
            with session.translate_errors("opening a session for the run"):
                lock.refuse_shared(session)
                lock.share(session)
                self._watches_us = _can_watch(session)
            session.add_notice_handler(self._noticed)
        except BaseException:
            session.close()
            raise
        return session

    def _noticed(self, said: psycopg.errors.Diagnostic) -> None:
        self.warned(self.address.without_secrets(said.message_primary or ""))


def _can_watch(session: Session) -> bool:
    """Whether the server notices while it works that the client is gone, and then stops.

    See https://www.postgresql.org/docs/current/runtime-config-connection.html.
    """
    try:
        session.execute("SET client_connection_check_interval = '2s'")
    except psycopg.Error:  # before 14, and where the system cannot tell
        return False
    return True


class _Doing:
    """A step being done."""

    def __init__(
        self, worker: Worker, run: int, step: Step, source: Source, moved: Callable[[int], None]
    ) -> None:
        self._worker = worker
        self._session = worker.session
        self._run = run
        self._step = step
        self._source = source
        self._moved = moved
        self._rows = 0
        self._proofs: list[Mapping[str, Any]] = []
        self._filled: set[str] = set()
        self._updating: list[tuple[LiveRows, Brought]] = []

    def all(self) -> int:
        """Run the step's statements and rows from BEGIN to COMMIT, and return the number of rows."""
        step = self._step
        claim = journal.claim(self._run, step.number).as_string()
        before = f"{self._worker.fresh};\n{step.settings}\n{self._worker.preface}"
        opening = f"BEGIN;\n{before};\n{claim};\n"
        message = Message(opening)
        try:
            with self._source.open(step.file) as stream:
                if observer := self._worker.observer:
                    message = self._sent(message)
                    observer.begun(step, self._session)
                for piece in _grouped(step.segments):
                    message = self._piece(piece, message, stream)
        except OSError as error:
            raise self._error(f"cannot be read: {error.strerror}", step.line) from None
        except FileError as error:  # it is not what was checked; nothing of that was sent
            raise self._error(error.what, step.line, do=error.do) from None
        if self._inserts or observer or self._updating:  # what came in, and stands there, is known only now
            message = self._sent(message)
        for updating, brought in self._updating:
            self._updated(updating, brought)
        if observer:
            observer.ending(step, self._session)
        closing = [journal.finish(self._run, step.number, self._rows).as_string()]
        if self._proofs:
            closing.append(journal.prove(self._run, step.number, self._proofs).as_string())
        message.closing = ";\n".join((*closing, self._worker.fresh, "COMMIT"))
        self._send(message)
        return self._rows

    def _piece(self, piece: Segment | _Blocks | _Live, message: Message, stream: BinaryIO) -> Message:
        """Do a piece of the step, or add it to a message, which is sent before anything else is done."""
        if isinstance(piece, Statements):
            for text, line in texts_of(piece, stream, self._step.file):
                message = message if message.takes(text) else self._sent(message)
                message.add(text, line, is_ours=piece.text is not None)
            return message
        message = self._sent(message)
        if isinstance(piece, _Blocks):
            self._copy_all(piece.all, stream)
        elif isinstance(piece, CopyBlock):
            self._copy(piece, stream)
        elif isinstance(piece, _Live):
            self._bring(piece.all)
        elif isinstance(piece, LiveRows):
            self._bring([piece])
        else:
            message.add(self._values(piece), piece.line)
        return message

    @property
    def _inserts(self) -> bool:
        """Whether its rows are INSERT statements, of which the server tells how many rows came in."""
        copied = any(isinstance(each, CopyBlock | LiveRows) for each in self._step.segments)
        return self._step.phase == "data" and self._step.rows > 0 and not copied

    def by_itself(self) -> int:
        """Run a statement that cannot be in a transaction, and so not in one with its entry in the journal.

        The journal says that it was begun, it runs, and the journal says that it is done. When it was begun
        and is not done, nobody knows how far it came: an invalid index that it left is dropped, it runs
        again, and what turns out to be so already was done. What commits by itself says nothing of the kind.
        """
        step = self._step
        tried_before, is_the_same = self._begin_alone()
        if tried_before:
            self._drop_invalid_index()
        limits = self._worker.preface.replace("SET LOCAL", "SET")
        self._send(Message(f"{self._worker.fresh};\n{step.settings}\n{limits}"))
        observer = self._worker.observer
        if observer:
            observer.begun(step, self._session)
        try:
            with self._source.open(step.file) as stream:
                for piece in step.segments:
                    assert isinstance(piece, Statements)
                    for text, line in texts_of(piece, stream, step.file):
                        message = Message()
                        message.add(text, line)
                        self._send(message)
        except FileError as error:
            raise self._error(error.what, step.line, do=error.do) from None
        except StepError as error:
            if step.commits or not (is_the_same and error.sqlstate in _ALREADY_SO):
                raise
            self._worker.warned(f"an earlier try had come to its end: {error.what}")
        if observer:
            observer.ending(step, self._session)
        self._session.ask(_DONE_ALONE, [self._run, step.number], during="writing the journal")
        return 0

    def _begin_alone(self) -> tuple[bool, bool]:
        """Write down that the statement begins; whether its file was tried before, and whether it was so."""
        here = [self._run, self._step.number]
        with self._session.translate_errors("writing the journal"):
            tried = self._session.execute(_TRIED_BEFORE, here).fetchone()
            if self._session.execute(_BEGIN_ALONE, here).fetchone() is None:
                raise AlreadyDoneError
        return tried or (False, False)

    def _drop_invalid_index(self) -> None:
        """Drop the index that an earlier try of this file left behind, if it is invalid."""
        index = self._step.leaves
        if not index:
            return
        schema, name = split(index)
        with self._session.translate_errors(f"looking for what is left of the index {index}"):
            if not self._session.execute(_INVALID_INDEX, [schema, name]).rowcount:
                return
            self._worker.warned(
                f"the index {index} was left invalid by an earlier try: it is dropped and built again"
            )
            self._session.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)))

    def _sent(self, message: Message) -> Message:
        """Send a message if there is anything in it, and return an empty one."""
        if message.opening or message.size:
            self._send(message)
        return Message()

    def _send(self, message: Message) -> None:
        """Send statements; one answer each."""
        self._refuse_to_go_on()
        try:
            pgconn = self._session.pgconn
            pgconn.send_query(str(message).encode())
            started = time.monotonic()
            results = self._session.wait(generators.execute(pgconn))
            took = (time.monotonic() - started) * 1000
            log.debug("step %d: %d statements in %.1f ms", self._step.number, len(results), took)
        except psycopg.Error as error:
            raise self._lost(error) from None
        for number, result in enumerate(results):
            if result.status == pq.ExecStatus.FATAL_ERROR:
                if result.error_field(pq.DiagnosticField.SQLSTATE) is None:  # libpq says so, not the server
                    raise self._lost(psycopg.OperationalError(result.get_error_message()))
                raise self._refused(result, number, message)
        if self._inserts:
            tags = ((result.command_status or b"", result.command_tuples) for result in results)
            self._rows += sum(rows or 0 for tag, rows in tags if tag.startswith(b"INSERT"))
        if self._step.phase == "data" and message.size:
            self._moved(message.size)
        if self._worker.answered is not None:
            for number in message.answers():
                for text in _answers(results[number], self._session):
                    self._worker.answered(text)

    def _copy_all(self, blocks: Sequence[CopyBlock], stream: BinaryIO) -> None:
        """Send the rows of several small blocks, all of which are asked for by one message."""
        rows = [_bytes_of(each, stream) for each in blocks]  # a file that has changed leaves no COPY half-way
        question = ";\n".join(map(_copying, blocks)).encode()
        pgconn, wait = self._session.pgconn, self._session.wait
        self._refuse_to_go_on()
        at = blocks[0]
        try:
            pgconn.send_query(question)
            answers = wait(generators.execute(pgconn))
            for at, data in zip(blocks, rows, strict=True):
                answer = answers[-1]  # an error, if it does not ask for rows
                if answer.status == pq.ExecStatus.COPY_IN:
                    answer, *answers = wait(_handing_over(pgconn, data))
                if answer.status != pq.ExecStatus.COMMAND_OK:
                    raise psycopg.errors.error_from_result(answer, encoding="utf-8")
                self._moved(len(data))
                self._taken(answer.command_tuples or 0, at.rows, at)
        except psycopg.Error as error:
            raise self._failed_copy(error, at) from None

    def _copy(self, piece: CopyBlock, stream: BinaryIO) -> None:
        """Send rows, as they stand in the file."""
        stream.seek(piece.start)
        left = piece.end - piece.start
        try:
            with self._session.cursor() as cursor:
                with cursor.copy(_copying(piece).encode()) as copy:
                    while left > 0 and (block := stream.read(min(left, BLOCK))):
                        self._refuse_to_go_on()
                        copy.write(block)
                        left -= len(block)
                        self._moved(len(block))
                loaded = cursor.rowcount
        except psycopg.Error as error:
            raise self._failed_copy(error, piece) from None
        self._taken(loaded, piece.rows, piece)

    def _bring(self, pieces: Sequence[LiveRows]) -> None:
        """Have the source send rows."""
        source = self._source_of(pieces[0].line)
        target = self._session
        try:
            found = source.bring(pieces, target, self._moved, self._refuse_to_go_on, self._filled)
        except SourceError as error:
            raise self._source_failed(error, pieces[error.number].line) from None
        except TargetFailedError as failed:
            raise self._failed_copy(failed.error, pieces[failed.number]) from None
        except psycopg.Error as error:
            raise self._failed_copy(error, pieces[0]) from None
        for piece, brought in zip(pieces, found, strict=True):
            self._brought(piece, brought)

    def _brought(self, piece: LiveRows, brought: Brought) -> None:
        """Count rows, and note their proof; raise StepError if there is none."""
        self._taken(brought.written, brought.rows, piece)
        self._note_proof(piece, brought)
        self._filled.add(piece.table)
        if piece.updates and brought.digest:
            self._updating.append((piece, brought))

    def _updated(self, piece: LiveRows, brought: Brought) -> None:
        """Have the rows compared that others were to update, now that the step has done all it does."""
        try:
            found = self._source_of(piece.line).updated(piece, brought, self._session, self._refuse_to_go_on)
        except SourceError as error:
            raise self._source_failed(error, piece.line) from None
        except psycopg.Error as error:
            raise self._failed_copy(error, piece) from None
        self._note_proof(piece, found)

    def _note_proof(self, piece: LiveRows, brought: Brought) -> None:
        """Note the proof of rows for the journal, if there is any; raise StepError if they differ."""
        if brought.differs:
            raise self._error(
                brought.differs,
                piece.line,
                do="a trigger, rule or default of the target changes rows: take it away while they come in; "
                "where that is meant, or the versions print a value in two ways, --no-verify does not look",
            )
        if brought.proof is not None:
            self._proofs.append(brought.proof)

    def _values(self, piece: LiveSequences) -> str:
        """Return the statements that set sequences as the source has them."""
        try:
            return self._source_of(piece.line).sequences(piece)
        except SourceError as error:
            raise self._source_failed(error, piece.line) from None

    def _source_of(self, line: int) -> RowSource:
        if self._worker.rows is None:
            raise self._error(_COMES_LIVE, line, do=_GIVE_SOURCE)
        return self._worker.rows

    def _taken(self, taken: int, sent: int, piece: CopyBlock | LiveRows) -> None:
        """Count rows; raise StepError if they are not as many as were sent."""
        if taken != sent:
            raise self._error(
                f"{taken:,} of {sent:,} rows went into {piece.table}",
                piece.line,
                do="a rule or trigger of the target swallows rows: take it away while they come in",
            )
        if not piece.table.startswith(_TEMPORARY):  # what is gone with the step is no row of the target
            self._rows += taken

    def _refuse_to_go_on(self) -> None:
        """Raise StoppedError if we were cancelled: between two messages nothing else notices that."""
        if self._worker.stopped:
            raise StoppedError

    # --- failures ---------------------------------------------------------------------------------------

    def _refused(self, result: pq.abc.PGresult, number: int, message: Message) -> Exception:
        def field(which: pq.DiagnosticField) -> str:
            return (result.error_field(which) or b"").decode("utf-8", "replace")

        state = field(pq.DiagnosticField.SQLSTATE)
        if state == "22012" and message.is_opening(number):
            return AlreadyDoneError()
        position = field(pq.DiagnosticField.STATEMENT_POSITION)
        place = message.place(number, int(position) if position.isdecimal() else 0)
        at, statement = place or (self._step.line, "")
        return self._error(
            field(pq.DiagnosticField.MESSAGE_PRIMARY),
            at,
            sqlstate=state,
            statement=statement,
            detail=field(pq.DiagnosticField.MESSAGE_DETAIL),
            hint=field(pq.DiagnosticField.MESSAGE_HINT),
            context=field(pq.DiagnosticField.CONTEXT),
            constraint=(
                field(pq.DiagnosticField.SCHEMA_NAME),
                field(pq.DiagnosticField.TABLE_NAME),
                field(pq.DiagnosticField.CONSTRAINT_NAME),
            ),
        )

    def _source_failed(self, error: SourceError, line: int) -> StepError:
        return self._error(
            error.what,
            line,
            of_source=True,
            do=error.do,
            sqlstate=error.sqlstate or "",
            detail=error.detail,
        )

    def _failed_copy(self, error: psycopg.Error, piece: CopyBlock | LiveRows) -> Exception:
        if is_loss(error):
            return self._lost(error)
        diag = error.diag
        live = isinstance(piece, LiveRows)  # whose rows have no lines
        found = None if live else _LINE_OF_COPY.search(diag.context or "")
        return self._error(
            diag.message_primary or str(error),
            piece.line + int(found[1]) - 1 if found else piece.line,
            sqlstate=error.sqlstate or "",
            statement=f"COPY {piece.table}",
            detail=diag.message_detail or "",
            hint=diag.message_hint or "",
            context=diag.context or "",
            constraint=(diag.schema_name or "", diag.table_name or "", diag.constraint_name or ""),
        )

    def _lost(self, error: psycopg.Error) -> StepError:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        said = self._worker.address.without_secrets(lines[0] if lines else type(error).__name__)
        return self._error(
            f"the connection was lost: {said}",
            self._step.line,
            sqlstate=error.sqlstate or CONNECTION_FAILURE,
            left=NOT_KNOWN,
        )

    def _error(
        self,
        what: str,
        line: int,
        constraint: tuple[str, str, str] = ("", "", ""),
        *,
        of_source: bool = False,
        **more: str,
    ) -> StepError:
        clean = self._worker.address.without_secrets
        if self._step.non_transactional:
            more["left"] = _COMMITS if self._step.commits else _NON_TRANSACTIONAL
        return StepError(
            clean(what),
            address=str(self._worker.address),
            during=f"running {self._step}",
            step=self._step.name,
            file=self._step.file,
            line=line,
            constraint=constraint,
            of_source=of_source,
            **{name: clean(text) for name, text in more.items()},
        )


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Blocks that follow each other, and are small together."""

    all: Sequence[CopyBlock]


@dataclass(frozen=True, slots=True)
class _Live:
    """Rows of several tables that follow each other, and are small together."""

    all: Sequence[LiveRows]


def _grouped(segments: Sequence[Segment]) -> Iterator[Segment | _Blocks | _Live]:
    """Yield the segments; rows that follow each other, and are small together, as one."""
    for kind, some in groupby(segments, type):
        together = list(some)
        blocks = [each for each in together if isinstance(each, CopyBlock)]
        live = [each for each in together if isinstance(each, LiveRows)]
        if len(together) == 1 or _size(together) > SIZE:
            yield from together
        elif kind is CopyBlock:
            yield _Blocks(blocks)
        elif kind is LiveRows and len({each.table for each in live}) == len(live):
            yield _Live(live)
        else:
            yield from together


def _size(segments: Sequence[Segment]) -> int:
    live = sum(each.bytes for each in segments if isinstance(each, LiveRows))
    return live + sum(each.end - each.start for each in segments if isinstance(each, CopyBlock))


def _bytes_of(piece: CopyBlock, stream: BinaryIO) -> bytes:
    stream.seek(piece.start)
    return stream.read(piece.end - piece.start)


def _copying(piece: CopyBlock) -> str:
    columns = f" ({quoted_list(piece.columns)})" if piece.columns else ""
    return f"COPY {piece.table}{columns} FROM STDIN"


def _handing_over(pgconn: pq.abc.PGconn, data: bytes) -> PQGen[list[pq.abc.PGresult]]:
    """Give a COPY its rows and end it; what the server says of it, and of what follows in the message."""
    yield from generators.copy_to(pgconn, data, flush=False)
    while not pgconn.put_copy_end():
        yield Wait.W
    yield from generators.send(pgconn)
    answers: list[pq.abc.PGresult] = yield from generators.fetch_many(pgconn)
    return answers


def _answers(result: pq.abc.PGresult, session: Session) -> Iterator[str]:
    """Yield the first rows of an answer, or the command tag of a statement without rows."""
    if result.status != pq.ExecStatus.TUPLES_OK:
        yield (result.command_status or b"").decode()
        return
    reading = Transformer(session)
    reading.set_pgresult(result)
    for row in reading.load_rows(0, min(result.ntuples, ROWS_SHOWN), tuple):
        yield ", ".join(map(str, row))


def is_passing(error: DatabaseError) -> bool:
    """Whether another try may succeed, by the SQLSTATE alone."""
    return (error.sqlstate or "") in PASSING or is_lost(error)


def is_lost(error: DatabaseError) -> bool:
    """Whether the session was lost, or the source's, and the statement is not to blame."""
    state = error.sqlstate or ""
    return state.startswith("08") or state in {"57P01", "57P02", "57P03"}
