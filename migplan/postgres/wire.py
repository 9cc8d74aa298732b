"""A session's socket, taken from libpq for as long as rows go through it.

psycopg hands out one row at a time, and with millions of rows that costs several times what the server needs
to send them. Where the connection is not encrypted, neither by TLS nor by GSSAPI, we speak the protocol
ourselves: a query goes out on the socket, and its answer is read block by block. libpq, which opened the
session in all the ways it knows, sees nothing of that and stays idle.
"""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable, Generator, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import psycopg
from psycopg.pq import DiagnosticField

from migplan.postgres.frames import HEADER, ROW, length_of, rows_of_run, run_of_rows
from migplan.postgres.session import Session
from migplan.postgres.stall import Silence

if TYPE_CHECKING:
    from migplan.postgres.frames import Starts

BLOCK = 1 << 20
_WHY = "the rows could not be read"
_END, _ABANDONED = b"c\0\0\0\4", b"f" + (len(_WHY) + 5).to_bytes(4, "big") + _WHY.encode() + b"\0"
_GLANCE = 500  # milliseconds between two looks at how long nothing has come

DONE, FAILED, NOTICE, READY, COMPLETE, GIVES = b"cENZCH"
_LONGEST = 1 << 20  # of a message that is no row's


def _nothing() -> None:
    """Go on."""


class Rows(NamedTuple):
    """Some bytes of an answer to COPY TO, until the next are asked for; none at the end of each COPY."""

    messages: memoryview | bytes  # as they came: each row with its header
    payload: Callable[[], bytes]  # the same without headers
    whole: bool = True  # false: the last row is not here as a whole; pieces of it follow
    starts: Starts | None = None  # the place of each one's header; None: a piece of a row

    @property
    def ended(self) -> int:
        """How many rows end here."""
        return int(self.whole) if self.starts is None else len(self.starts)


NO_ROWS = Rows(b"", bytes)


class Wire:
    """The socket of a session, until :meth:`close`. The session is idle then, or closed as well."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._socket = socket.socket(fileno=os.dup(session.pgconn.socket))
        self._socket.setblocking(False)  # as libpq has it, whose descriptor shares this
        self._silence = Silence(session)
        self._block = bytearray(BLOCK)
        self._filled = 0
        self._asked = False
        self._taking = _Answer()

    @property
    def taken(self) -> int:
        """How many COPY FROM of the message that was asked have ended."""
        return len(self._taking.counts)

    def close(self) -> None:
        """Give the socket back, or end the session where an answer is still under way."""
        self._socket.close()
        if self._asked:
            self._session.close()

    def ask(self, query: str) -> None:
        """Send a query."""
        self._asked = True
        self._taking = _Answer()
        text = query.encode(self._session.info.encoding) + b"\0"
        self.send(b"Q" + (len(text) + 4).to_bytes(4, "big") + text)

    def send(self, data: bytes | memoryview, look: Callable[[], None] = _nothing) -> None:
        """Send bytes. Whenever the server has no room for more, ``look`` is called now and then."""
        left = memoryview(data)
        while left:
            try:
                left = left[self._socket.send(left) :]
                self._silence.broken()
            except BlockingIOError:
                look()
                self._wait(select.POLLOUT)
            except OSError as error:
                raise _broken(error) from None

    def _answers_wait(self) -> bool:
        """Whether the server has said something that was not read yet."""
        return self._filled > 0 or bool(self._poll(select.POLLIN, 0))

    def rows(self, look: Callable[[], None] = _nothing) -> Generator[Rows, None, list[int]]:
        """Yield the rows that COPY TO sends, one after the other if there are several, and return how many
        there were of each by the server's own count.

        What it fails with is raised when all of its answer has been read.
        """
        answer = _Answer()
        while not answer.ended:
            length = length_of(self._block) if self._filled >= HEADER and self._block[0] == ROW else 0
            if HEADER <= length <= self._filled:
                run = run_of_rows(self._block, self._filled, answer.fields)
                yield Rows(
                    memoryview(self._block)[: run.end],
                    partial(rows_of_run, self._block, run),
                    True,
                    run.starts,
                )
                self._drop(run.end)
            elif length > BLOCK // 2:
                yield from self._long_row(look)
            elif (
                length or (message := self._message()) is None
            ):  # nobody looks for rows before the first one is here as a whole
                self._receive(look)
            elif message[0] == DONE:
                yield NO_ROWS
            else:
                self._hear(answer, *message)
        return answer.ended_well()

    def _long_row(self, look: Callable[[], None]) -> Iterator[Rows]:
        """Yield a row that nobody holds as a whole, piece by piece."""
        left, header = length_of(self._block), HEADER
        while left:
            here = min(left, self._filled)
            left -= here
            piece = memoryview(self._block)[:here]
            yield Rows(piece, piece[header:].tobytes, not left)
            self._drop(here)
            header = 0
            if left:
                self._receive(look)

    def take(self, rows: memoryview | bytes, look: Callable[[], None] = _nothing) -> None:
        """Send rows, with their headers, to a COPY FROM that was asked for; raise what it fails with."""
        if self._answers_wait():
            self._raise_refusal(look)
        self.send(rows, look)

    def next_table(self, look: Callable[[], None] = _nothing) -> None:
        """End a COPY FROM behind which another one comes, by the same message."""
        self.send(_END, look)

    def end(self, look: Callable[[], None] = _nothing) -> list[int]:
        """End the last COPY FROM, and return how many rows each took; raise what it fails with."""
        self.send(_END, look)
        return self._ended(look)

    def give_up(self) -> None:
        """End a COPY FROM that is to fail; raise what it had failed with before, if it had."""
        self.send(_ABANDONED)
        try:
            self._ended(_nothing)
        except psycopg.errors.QueryCanceled as error:
            if _WHY not in str(error):
                raise

    def _ended(self, look: Callable[[], None]) -> list[int]:
        while not self._taking.ended:
            self._hear(self._taking, *self._awaited(look))
        return self._taking.ended_well()

    def _raise_refusal(self, look: Callable[[], None]) -> None:
        """Read what a server says while it takes rows; raise it if it takes no more."""
        while self._taking.failure or self._answers_wait():
            self._hear(self._taking, *self._awaited(look))
            if self._taking.ended:
                self._taking.ended_well()

    def _awaited(self, look: Callable[[], None]) -> tuple[int, bytes]:
        while (message := self._message()) is None:
            self._receive(look)
        return message

    def _hear(self, answer: _Answer, letter: int, body: bytes) -> None:
        if letter == NOTICE:
            self._session.hear(error_of(body).diag)
        else:
            answer.add(letter, body)

    def _message(self) -> tuple[int, bytes] | None:
        """Take a message, if a whole one is here."""
        if self._filled < HEADER:
            return None
        length = length_of(self._block)
        if not HEADER <= length <= _LONGEST:
            raise psycopg.OperationalError("what answers there does not speak PostgreSQL's protocol")
        if self._filled < length:
            return None
        letter, body = self._block[0], bytes(self._block[HEADER:length])
        self._drop(length)
        self._asked = self._asked and letter != READY
        return letter, body

    def _drop(self, count: int) -> None:
        """Have the block begin with what stands behind so many bytes."""
        self._block[: self._filled - count] = self._block[count : self._filled]
        self._filled -= count

    def _receive(self, look: Callable[[], None]) -> None:
        """Wait for some bytes, but not for ever."""
        with memoryview(self._block)[self._filled :] as room:
            while True:
                try:
                    received = self._socket.recv_into(room)
                    break
                except BlockingIOError:
                    look()
                    self._wait(select.POLLIN)
                except OSError as error:
                    raise _broken(error) from None
        if not received:
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        self._silence.broken()
        self._filled += received

    def _wait(self, wanted: int) -> None:
        if not self._poll(wanted, _GLANCE):
            self._silence.lasts()

    def _poll(self, wanted: int, milliseconds: int) -> int:
        poll = select.poll()
        poll.register(self._socket, wanted)
        return sum(event for _, event in poll.poll(milliseconds))


class _Answer:
    """What a server answers to a query, but for rows and notices."""

    def __init__(self) -> None:
        self.fields: int | None = None  # of a row, if they come in the binary format
        self.failure: psycopg.Error | None = None
        self.ended = False
        self.counts: list[int] = []  # of rows that each COPY has moved

    def add(self, letter: int, body: bytes) -> None:
        """Take a message."""
        if letter == GIVES:
            self.fields = int.from_bytes(body[1:3], "big") if body[0] else None
        elif letter == FAILED:
            self.failure = self.failure or error_of(body)
        elif letter == COMPLETE:
            tag, _, last = body.rstrip(b"\0").partition(b" ")
            if tag == b"COPY":
                self.counts.append(int(last) if last.isdigit() else 0)
        self.ended = letter == READY

    def ended_well(self) -> list[int]:
        """How many rows each COPY moved; raise what it failed with."""
        if self.failure is not None:
            raise self.failure
        return self.counts


def error_of(body: bytes) -> psycopg.Error:
    """The error that a message of a server tells of, with all of its fields."""
    parts = {part[0]: part[1:] for part in body.split(b"\0") if part}
    fields: dict[int, bytes | None] = {field: parts.get(field.value) for field in DiagnosticField}
    state = (fields[DiagnosticField.SQLSTATE] or b"").decode("ascii", "replace")
    try:
        kind = psycopg.errors.lookup(state)
    except KeyError:
        kind = psycopg.DatabaseError
    said = (fields[DiagnosticField.MESSAGE_PRIMARY] or b"").decode("utf-8", "replace")
    return kind(said, info=fields)


def _broken(error: OSError) -> psycopg.Error:
    return psycopg.OperationalError(f"the connection is broken: {error.strerror}")
