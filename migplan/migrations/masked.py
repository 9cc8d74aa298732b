"""The text of migrations without values: what a journal may keep, so that a change can be shown."""

import hashlib
import io
from collections.abc import Iterator

import postgast
from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Part
from migplan.migrations.source_files import reopened
from migplan.sql.split import SqlFileError, Statement, pieces

_NUMBERS = frozenset({pg.ICONST, pg.FCONST})
_WITH_VALUES = frozenset(
    {"insert", "update", "delete", "select", "with", "merge", "call", "execute", "values"}
)
_LONGEST = 1 << 18


def masked(part: Part) -> str:
    """Return the statements of a part, each literal as four digits of its digest, rows as their number.

    Numbers are literals where rows are written or read; in definitions they stay. '' if it is no SQL, or too
    long.
    """
    try:
        text = "\n".join(_pieces(part))
    except (SqlFileError, postgast.PgQueryError):
        return ""
    return text if len(text) <= _LONGEST else ""


def _pieces(part: Part) -> Iterator[str]:
    for piece in pieces(reopened(part), part.file):
        if isinstance(piece, Statement):
            yield _masked(piece.text, numbers=piece.word in _WITH_VALUES)
            continue
        yield piece.statement.text
        rows = hashlib.sha256()
        for chunk in piece:
            rows.update(chunk)
        yield f"-- {piece.rows:,} rows, {rows.hexdigest()[:4]}"


def _masked(text: str, *, numbers: bool) -> str:
    data, found, at = text.encode(), io.BytesIO(), 0
    for token in postgast.scan(text).tokens:
        word = data[token.start : token.end]
        found.write(data[at : token.start])
        at = token.end
        if token.token in {pg.SQL_COMMENT, pg.C_COMMENT}:
            continue
        if token.token == pg.SCONST and word.startswith(b"$"):
            found.write(_body(word.decode()).encode())
        elif b"'" in word or (numbers and token.token in _NUMBERS):
            found.write(f"'{hashlib.sha256(word).hexdigest()[:4]}'".encode())
        else:
            found.write(word)
    found.write(data[at:])
    return "\n".join(line.rstrip() for line in found.getvalue().decode().splitlines() if line.strip())


def _body(text: str) -> str:
    """A text in dollars, most often the body of a function, whose own literals go."""
    tag = text[: text.index("$", 1) + 1]
    inside = text[len(tag) : -len(tag)]
    try:
        return f"{tag}\n{_masked(inside, numbers=False)}\n{tag}"
    except postgast.PgQueryError:
        return f"'{hashlib.sha256(inside.encode()).hexdigest()[:4]}'"
