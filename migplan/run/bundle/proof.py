"""The proof of rows that came live: the target's own, read back before they are committed, are the source's.

What the target gives back by the same COPY is hashed like what was sent: both come in the order of the heap.
Where that order is another one, in partitioned tables and in those of which several parts come at a time,
both servers add up hashes of the rows, whatever their order (``catalog/digests.py``), and these decide. What
was proved stands in the journal, in the step's own transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from migplan.catalog import digests
from migplan.catalog.digests import Method
from migplan.names import quoted_list
from migplan.postgres import settings
from migplan.postgres.relay import Look, Relayed, SourceFailedError, digest_of_rows
from migplan.postgres.session import Session
from migplan.run.engine.steps import LiveRows

BY_STREAM = "stream"
"""How digests of rows in the order of the heap begin."""

_NEAR = 1024
"""Pages: a COPY also uses those that another one has added to the table just before."""

_PAGES = """
    SELECT pg_catalog.pg_relation_size(pg_catalog.to_regclass(%s))
        / pg_catalog.current_setting('block_size')::int
"""
AS_THEY_LIE = "SET LOCAL max_parallel_workers_per_gather = 0;\nSET LOCAL enable_seqscan = on"


@dataclass(frozen=True, slots=True)
class Differs:
    """The rows of the target are not those of the source."""

    what: str


def is_part(piece: LiveRows) -> bool:
    """Whether others load the same table beside: then its rows do not stand in the order of the source's."""
    return " ctid " in piece.query


def pages_before(piece: LiveRows, target: Session) -> int:
    """Return the page where rows of a part of a large table may begin; 0 where they have the table alone."""
    if not is_part(piece):
        return 0
    found = target.execute(_PAGES, [piece.table]).fetchone()
    return max((found[0] if found else 0) - _NEAR, 0)


def proved(
    piece: LiveRows,
    done: Relayed,
    source: Session,
    target: Session,
    first: int,
    look: Look,
) -> dict[str, Any] | Differs:
    """Compare the rows that the target's open transaction has of a piece with what the source has sent.

    ``first`` is the page where they may begin. What psycopg raises is the target's failure.
    """
    target.execute(_quiet(target).encode())
    digest = ""
    if not is_part(piece):
        rows, digest = digest_of_rows(target, _reading(piece), look)
        digest = f"{BY_STREAM}:{digest}" if (rows, digest) == (done.read, done.digest) else ""
    if not digest:
        method = _method(source, target)
        try:
            there = _sum(source, piece.query, len(piece.columns), method)
        except psycopg.Error as error:
            raise SourceFailedError(error) from None
        here = _sum(target, _rows(piece, first), len(piece.columns), method)
        if here != there and first:
            here = _sum(target, _rows(piece, 0), len(piece.columns), method)
        if here != there:
            return Differs(_sentence(piece, here, there))
        digest = here[1]
    target.execute(b"ROLLBACK TO SAVEPOINT migplan; RELEASE SAVEPOINT migplan")
    return {
        "table": piece.table,
        "columns": list(piece.columns),
        "format": piece.format,
        "query": piece.query,
        "rows": done.read,
        "digest": digest,
    }


def _quiet(target: Session) -> str:
    """What makes the target print as the source did; a rollback to the savepoint takes it back."""
    return f"SAVEPOINT migplan;\n{settings.reading(target.version).decode()};\n{AS_THEY_LIE}"


def _rows(piece: LiveRows, first: int) -> str:
    """The query of the rows that the transaction has brought. A parent of partitions has none of its own."""
    only = "ONLY " if " ONLY " in piece.query else ""
    return _rows_of(
        piece.table,
        piece.columns,
        "pg_catalog.pg_current_xact_id()::pg_catalog.xid",
        only=only,
        first=first,
    )


def _rows_of(table: str, columns: tuple[str, ...], transaction: str, *, only: str, first: int = 0) -> str:
    near = f" AND ctid OPERATOR(pg_catalog.>=) '({first},0)'::pg_catalog.tid" if first else ""
    return (
        f"SELECT {quoted_list(columns)} FROM {only}{table} "  # noqa: S608 - the names are quoted
        f"WHERE xmin OPERATOR(pg_catalog.=) {transaction}{near}"
    )


def _reading(piece: LiveRows) -> str:
    form = " WITH (FORMAT binary)" if piece.format == "binary" else ""
    return f"COPY ({_rows(piece, 0)}) TO STDOUT{form}"


def _method(source: Session, target: Session) -> Method:
    both = {digests.method_of(source), digests.method_of(target)}
    return "lookup3" if both == {"lookup3"} else "sha256"


def _sum(session: Session, query: str, columns: int, method: Method) -> tuple[int, str]:
    (found,) = session.execute(digests.question_of(query, columns, method)).fetchall()
    return found[0], digests.value_of(found[1], found[2], method)


def _sentence(piece: LiveRows, here: tuple[int, str], there: tuple[int, str]) -> str:
    if here[0] != there[0]:
        return f"{here[0]:,} rows stand in {piece.table}, and the source sent {there[0]:,}"
    return f"the {here[0]:,} rows that stand in {piece.table} are not those that the source sent"
