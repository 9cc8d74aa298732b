"""COPY TO STDOUT as fast as the socket gives it."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing

from migplan.postgres.session import Session
from migplan.postgres.wire import NO_ROWS, Wire

BLOCK = 1 << 18


def statement(query: str, form: str = "text") -> str:
    """The COPY by which a server sends the rows of a query, as text or binary."""
    return f"COPY ({query}) TO STDOUT" + (" WITH (FORMAT binary)" if form == "binary" else "")


def rows_of(session: Session, statement: str) -> Iterator[bytes]:
    """Rows in COPY's text format, many at a time; a row that is longer than a block comes in pieces."""
    return (rows for rows, _ in counted_rows_of(session, statement))


def counted_rows_of(session: Session, statement: str) -> Iterator[tuple[bytes, int]]:
    """The same, and beside each piece how many rows end in it."""
    if session.encrypted:
        yield from ((rows, rows.count(b"\n")) for rows in _by_libpq(session, statement))
        return
    with closing(Wire(session)) as wire:
        wire.ask(statement)
        for rows in wire.rows():
            if rows is not NO_ROWS:
                yield rows.payload(), rows.ended


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


Row = bytes | bytearray | memoryview


def rows_by_libpq(session: Session, statement: str) -> Generator[list[Row], None, int]:
    """The rows of a COPY that libpq receives, a block of them at a time; at the end, how many there were."""
    gathered: list[Row] = []
    size = 0
    with session.cursor() as cursor:
        with cursor.copy(statement.encode()) as copy:
            for row in copy:
                gathered.append(row)
                size += len(row)
                if size >= BLOCK:
                    yield gathered
                    gathered, size = [], 0
        yield gathered
        return cursor.rowcount


def _by_libpq(session: Session, statement: str) -> Iterator[bytes]:
    for rows in rows_by_libpq(session, statement):
        large = len(rows[-1]) if rows and len(rows[-1]) >= BLOCK else 0
        if together := b"".join(rows[:-1] if large else rows):
            yield together
        for start in range(0, large, BLOCK):
            yield bytes(rows[-1][start : start + BLOCK])
