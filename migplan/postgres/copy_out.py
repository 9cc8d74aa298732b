"""COPY TO STDOUT as fast as the socket gives it."""

from collections.abc import Iterator, Sequence
from contextlib import closing

from migplan.postgres.session import Session
from migplan.postgres.wire import NO_ROWS, Wire

BLOCK = 1 << 18


def statement(query: str, form: str = "text") -> str:
    """The COPY by which a server sends the rows of a query, as text or binary."""
    return f"COPY ({query}) TO STDOUT" + (" WITH (FORMAT binary)" if form == "binary" else "")


def rows_of(session: Session, statement: str) -> Iterator[bytes]:
    """Rows in COPY's text format, many at a time; a row that is longer than a block comes in pieces."""
    if session.encrypted:
        yield from _by_libpq(session, statement)
        return
    with closing(Wire(session)) as wire:
        wire.ask(statement)
        for rows in wire.rows():
            yield rows.payload()


def answers(session: Session, statements: Sequence[str]) -> list[bytes]:
    """All rows of several small COPY statements, in one journey where we speak the protocol ourselves."""
    if session.encrypted:
        return [b"".join(_by_libpq(session, statement)) for statement in statements]
    found: list[list[bytes]] = [[]]
    with closing(Wire(session)) as wire:
        wire.ask(";\n".join(statements))
        for rows in wire.rows():
            if rows is NO_ROWS:
                found.append([])
            else:
                found[-1].append(rows.payload())
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
