"""Rows as INSERT statements, for editors that cannot COPY: made from COPY's own text, so nothing is lost."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from migplan.bundle.pieces import Rows
from migplan.names import quoted

_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


@dataclass(frozen=True, slots=True)
class InsertStyle:
    """How INSERT statements look."""

    batch: int = 1000
    on_conflict_do_nothing: bool = False


def statements(rows: Rows, lines: Iterable[bytes], style: InsertStyle) -> Iterator[bytes]:
    """INSERT statements for the lines of a COPY, so many rows each."""
    if not rows.columns:
        yield from (f"INSERT INTO {rows.into} DEFAULT VALUES;\n".encode() for _ in lines)
        return
    columns = ", ".join(map(quoted, rows.columns))
    overriding = " OVERRIDING SYSTEM VALUE" if rows.identity else ""
    head = f"INSERT INTO {rows.into} ({columns}){overriding} VALUES\n".encode()
    tail = b"\nON CONFLICT DO NOTHING;\n" if style.on_conflict_do_nothing else b";\n"
    batch: list[bytes] = []
    for line in lines:
        batch.append(b"(" + b", ".join(_literal(value) for value in line.rstrip(b"\n").split(b"\t")) + b")")
        if len(batch) == style.batch:
            yield head + b",\n".join(batch) + tail
            batch = []
    if batch:
        yield head + b",\n".join(batch) + tail


def rewrite(rows: Rows, source: BinaryIO, sink: BinaryIO, style: InsertStyle) -> None:
    """A file of COPY lines into a file of statements."""
    for statement in statements(rows, source, style):
        sink.write(statement)


def _literal(value: bytes) -> bytes:
    if value == rb"\N":
        return b"NULL"
    if b"\\" in value:
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), found.group(1)), value)
    return b"'" + value.replace(b"'", b"''") + b"'"
