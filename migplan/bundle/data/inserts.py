"""Rows as INSERT statements, for editors that cannot COPY: made from COPY's own text, so nothing is lost."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from migplan.bundle.data.steps import RowBlock
from migplan.errors import RefusedError
from migplan.names import quoted_list
from migplan.sql.split import LONGEST

LARGE = 1 << 20
"""A row or value of so many bytes is written in parts, and its statement ends behind it."""

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class InsertStyle:
    """How INSERT statements look."""

    batch: int = 1000
    on_conflict_do_nothing: bool = False


def write(rows: RowBlock, source: BinaryIO, sink: BinaryIO, style: InsertStyle) -> None:
    """Write the rows of a COPY as INSERT statements, so many rows each, with one row in memory at a time."""
    if not rows.columns:
        sink.writelines(f"INSERT INTO {rows.into} DEFAULT VALUES;\n".encode() for _ in source)
        return
    columns = quoted_list(rows.columns)
    overriding = " OVERRIDING SYSTEM VALUE" if rows.identity else ""
    head = f"INSERT INTO {rows.into} ({columns}){overriding} VALUES\n".encode()
    tail = b"\nON CONFLICT DO NOTHING;\n" if style.on_conflict_do_nothing else b";\n"
    count = size = 0
    while line := source.readline(LONGEST):
        sink.write(b",\n" if count else head)
        count, size = count + 1, size + _write_row(line, sink)
        if size >= LONGEST:
            raise RefusedError(
                f"a row of {rows.into} makes an INSERT of {size / 1e6:,.0f} MB or more, and no statement of "
                f"a bundle has more than {LONGEST / 1e6:,.0f} MB",
                do="export with --data-format copy, which has no such limit",
            )
        if count == style.batch or size >= LARGE:
            sink.write(tail)
            count = size = 0
    if count:
        sink.write(tail)


def _write_row(line: bytes, sink: BinaryIO) -> int:
    """Write a line of COPY's text as a row of VALUES, a large one without copying it; return its size."""
    if len(line) < LARGE:
        return sink.write(b"(" + b", ".join(map(_literal, line[:-1].split(b"\t"))) + b")")
    size = begin = 0
    end = len(line) - line.endswith(b"\n")
    while begin <= end:
        tab = line.find(b"\t", begin, end)
        upto = end if tab < 0 else tab
        size += sink.write(b", " if begin else b"(")
        for part in _pieces(line, begin, upto):
            size += sink.write(part)
        begin = upto + 1
    return size + sink.write(b")")


def _pieces(line: bytes, begin: int, end: int) -> Iterator[bytes]:
    """Yield a value as an SQL literal, in parts."""
    if end - begin < LARGE:
        yield _literal(line[begin:end])
        return
    yield b"'"
    while begin < end:
        value = line[begin : min(begin + LARGE, end)]
        if (len(value) - len(value.rstrip(b"\\"))) % 2:  # an escape is not cut in two
            value = line[begin : begin + len(value) + 1]
        begin += len(value)
        yield _plain(value)
    yield b"'"


def _literal(value: bytes) -> bytes:
    return b"NULL" if value == rb"\N" else b"'" + _plain(value) + b"'"


def _plain(value: bytes) -> bytes:
    """Return a value without COPY's escapes, with its quotes doubled."""
    if b"\\" in value:
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), found.group(1)), value)
    return value.replace(b"'", b"''")
