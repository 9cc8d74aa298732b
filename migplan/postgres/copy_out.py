"""COPY TO STDOUT as fast as the socket gives it.

psycopg hands out one row at a time, and with millions of rows that costs several times what the server needs
to send them. Where the connection is not encrypted, neither by TLS nor by GSSAPI, we speak the protocol
ourselves: the query goes out on the socket, and what comes back is taken apart block by block. libpq sees
nothing of it and stays idle.
"""

import os
import re
import socket
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

import psycopg

from migplan.postgres.session import Session
from migplan.postgres.stall import Silence

BLOCK = 1 << 18
_GLANCE = 0.5  # seconds between two looks at how long nothing has come
HEADER = 5  # a letter, and a length that counts itself
ROW, DONE, FAILED, READY = b"dcEZ"

# One message a row. In COPY's text format a newline can only end a row, so a run of rows is found by one
# expression; the length of a message may hold any byte, a newline too.
_RUN = re.compile(rb"(?>d[\s\S]{4}[^\n]*\n)*+")
_ROW = re.compile(rb"d[\s\S]{4}([^\n]*\n)")


def rows_of(session: Session, statement: str) -> Iterator[bytes]:
    """Rows in COPY's text format, many at a time; a row that is longer than a block comes in pieces."""
    return _by_libpq(session, statement) if session.encrypted else _by_ourselves(session, statement)


def answers(session: Session, statements: Sequence[str]) -> list[bytes]:
    """All rows of several small COPY statements, in one journey where we speak the protocol ourselves."""
    if session.encrypted:
        return [b"".join(_by_libpq(session, statement)) for statement in statements]
    found: list[list[bytes]] = [[]]
    for block in _by_ourselves(session, ";\n".join(statements)):
        found[-1].append(block)
        if not block:
            found.append([])
    return [b"".join(each) for each in found[:-1]]


def _by_libpq(session: Session, statement: str) -> Iterator[bytes]:
    gathered, size = [], 0
    with session.cursor() as cursor, cursor.copy(statement.encode()) as copy:
        for row in copy:
            if len(row) < BLOCK:
                gathered.append(row)
                size += len(row)
            if size >= BLOCK or len(row) >= BLOCK:
                yield b"".join(gathered)
                gathered, size = [], 0
            if len(row) >= BLOCK:
                yield from (bytes(row[start : start + BLOCK]) for start in range(0, len(row), BLOCK))
    if gathered:
        yield b"".join(gathered)


def _by_ourselves(session: Session, statement: str) -> Iterator[bytes]:
    done = False
    with closing(socket.socket(fileno=os.dup(session.pgconn.socket))) as wire:
        wire.settimeout(_GLANCE)
        try:
            query = statement.encode(session.info.encoding) + b"\0"
            wire.sendall(b"Q" + (len(query) + 4).to_bytes(4, "big") + query)
            failure = yield from _messages(wire, Silence(session))
            done = True
        finally:
            wire.setblocking(False)  # libpq's own descriptor shares this
            if not done:
                session.close()  # half an answer is still under way: nobody could use it any more
    if failure is not None:
        raise failure


def _messages(wire: socket.socket, silence: Silence) -> Generator[bytes, None, psycopg.Error | None]:
    """The rows of the answer; returns the server's error, if it ended with one."""
    failure: psycopg.Error | None = None
    buffer, block = bytearray(), memoryview(bytearray(BLOCK))
    rest = 0  # of a long row, so many bytes are still to come: nobody holds such a row as a whole
    while True:
        received = _received(wire, block, silence)
        if rest:
            yield bytes(block[: min(rest, received)])
        buffer += block[min(rest, received) : received]
        rest -= min(rest, received)
        while _holds_a_message(buffer):
            if buffer[0] == ROW:
                end = _RUN.match(buffer).end()  # type: ignore[union-attr]  # it matches at least this row
                yield b"".join(_ROW.findall(buffer, 0, end))
            else:
                end = 1 + _length(buffer)
                if buffer[0] == DONE:
                    yield b""
                elif buffer[0] == FAILED:
                    failure = _error(bytes(buffer[HEADER:end]))
                elif buffer[0] == READY:
                    return failure
            del buffer[:end]
        if len(buffer) >= HEADER and buffer[0] == ROW and _length(buffer) > BLOCK:
            yield bytes(buffer[HEADER:])
            rest = 1 + _length(buffer) - len(buffer)
            buffer.clear()


def _received(wire: socket.socket, block: memoryview, silence: Silence) -> int:
    """Wait for some bytes, but not for ever; how many came."""
    while True:
        try:
            received = wire.recv_into(block)
        except TimeoutError:
            silence.lasts()
            continue
        except OSError as error:
            raise psycopg.OperationalError(f"the connection is broken: {error.strerror}") from None
        if not received:
            raise psycopg.OperationalError("the server closed the connection unexpectedly")
        silence.broken()
        return received


def _holds_a_message(buffer: bytearray) -> bool:
    return len(buffer) >= HEADER and len(buffer) > _length(buffer)


def _length(buffer: bytearray) -> int:
    return int.from_bytes(buffer[1:HEADER], "big")


def _error(body: bytes) -> psycopg.Error:
    fields = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
    kind = psycopg.errors.lookup(fields[b"C"]) if b"C" in fields else psycopg.DatabaseError
    return kind(". ".join(fields[name] for name in (b"M", b"D", b"H") if name in fields))
