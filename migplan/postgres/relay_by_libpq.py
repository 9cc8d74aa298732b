"""Rows from one server to another by libpq, one at a time: for sessions that nothing faster can speak to."""

import hashlib
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass

import psycopg

from migplan.postgres.session import Session

BLOCK = 1 << 18


class SourceFailedError(Exception):
    """The source failed, and not the target; ``error`` says with what."""

    def __init__(self, error: psycopg.Error) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class Relayed:
    """What went over."""

    rows: int  # that the source has sent
    written: int  # that the target has taken
    bytes: int
    digest: str  # SHA-256 of the rows as they were sent; empty where nobody asked for it


def relay(
    source: Session,
    target: Session,
    reading: str,
    writing: str,
    *,
    moved: Callable[[int], None],
    stopped: Callable[[], bool],
    digest: bool,
) -> Relayed:
    """Have the target take by one COPY what the source gives by another.

    SourceFailedError is the source's failure, what psycopg raises is the target's. The transaction of the one
    that failed is aborted, or its session closed; the other one's may be, too.
    """
    hashed = hashlib.sha256() if digest else None
    size = 0
    with target.cursor() as into, source.cursor() as out:
        with into.copy(writing.encode()) as taking, closing(_sent(out, reading)) as blocks:
            for block in blocks:
                if stopped():
                    raise SourceFailedError(psycopg.errors.QueryCanceled("stopped"))
                taking.write(block)
                size += len(block)
                moved(len(block))
                if hashed is not None:
                    hashed.update(block)
        return Relayed(out.rowcount, into.rowcount, size, hashed.hexdigest() if hashed else "")


def read_back(
    session: Session, reading: str, *, stopped: Callable[[], bool] = lambda: False
) -> tuple[int, str]:
    """Return how many rows a COPY TO gives, and their digest as :func:`relay` has it."""
    hashed = hashlib.sha256()
    with session.cursor() as out:
        for block in _given(out, reading):
            if stopped():
                raise psycopg.errors.QueryCanceled("stopped")
            hashed.update(block)
        return out.rowcount, hashed.hexdigest()


def _sent(out: "psycopg.Cursor[tuple[object, ...]]", reading: str) -> Generator[bytes]:
    try:
        yield from _given(out, reading)
    except psycopg.Error as error:
        raise SourceFailedError(error) from None


def _given(out: "psycopg.Cursor[tuple[object, ...]]", reading: str) -> Generator[bytes]:
    gathered, size = [], 0
    with out.copy(reading.encode()) as giving:
        for row in giving:
            gathered.append(row)
            size += len(row)
            if size >= BLOCK:
                yield b"".join(gathered)
                gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)
