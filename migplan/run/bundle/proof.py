"""The proof of rows that came live: the target's own, read back before they are committed, are the source's.

What the target gives back by the same COPY is hashed like what was sent (``postgres/row_digests.py``): in the
order of the heap, or whatever the order, where several parts of a table come at a time. Where the two differ
nevertheless, for servers of two versions may print a value in two ways, both servers add up hashes of the
rows (``catalog/digests.py``), and these decide. What was proved stands in the journal, in the step's own
transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from migplan.catalog import digests
from migplan.catalog.digests import Method
from migplan.names import quoted_list
from migplan.postgres import copy_out, settings
from migplan.postgres.relay import Look, Relayed, SourceFailedError, digests_of_rows
from migplan.postgres.row_digests import Hashing, InOrder, RowSum, Unhashed
from migplan.postgres.session import Session
from migplan.run.engine.steps import LiveRows

Proof = dict[str, Any]
"""What the journal keeps of a piece."""

_FEW = 1 << 16
"""Bytes of a table whose rows surely stand in their order, or are soon added up."""

_NEAR = 1024
"""Pages: a COPY also uses those that another one has added to the table just before."""

_PAGES = """
    SELECT pg_catalog.pg_relation_size(pg_catalog.to_regclass(%s))
        / pg_catalog.current_setting('block_size')::int
"""
_OURS = "xmin OPERATOR(pg_catalog.=) (SELECT pg_catalog.pg_current_xact_id()::pg_catalog.xid)"
AS_THEY_LIE = "SET LOCAL max_parallel_workers_per_gather = 0;\nSET LOCAL enable_seqscan = on"


@dataclass(frozen=True, slots=True)
class Differs:
    """The rows of the target are not those of the source."""

    what: str


def is_part(piece: LiveRows) -> bool:
    """Whether others load the same table beside: then its rows do not stand in the order of the source's."""
    return " ctid " in piece.query


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows that the open transaction brings into a table of the target, as FROM and WHERE find them."""

    piece: LiveRows
    only: str
    first: int = 0  # the page where those of a part of a large table begin, most likely
    behind: int | None = None  # the last command of the transaction that brought rows there before
    proves: bool = True

    @property
    def hashing(self) -> Hashing:
        """How they are hashed on their way.

        Where others load the table beside, and where there may be room on pages that were full enough for
        longer rows, they do not stand in their order.
        """
        if not self.proves:
            return Unhashed
        if self.piece.updates:
            return RowSum
        ordered = self.piece.freeze or self.piece.bytes <= _FEW
        return InOrder if ordered and not is_part(self.piece) else RowSum

    def query(self, *, near: bool = True) -> str:
        """Return the query; ``near`` looks only where they are most likely."""
        where = [_OURS]
        if near and self.first:
            where.append(f"ctid OPERATOR(pg_catalog.>=) '({self.first},0)'::pg_catalog.tid")
        if self.behind is not None:
            where.append(f"cmin::pg_catalog.text::pg_catalog.int8 OPERATOR(pg_catalog.>) {self.behind}")
        shown = quoted_list(self.piece.columns)
        return f"SELECT {shown} FROM {self.only}{self.piece.table} WHERE {' AND '.join(where)}"  # noqa: S608

    @property
    def last_command(self) -> str:
        """Return the question by which command of the transaction the last of its rows came there."""
        place = f"{self.only}{self.piece.table} WHERE {_OURS}"
        return f"SELECT pg_catalog.max(cmin::pg_catalog.text::pg_catalog.int8) FROM {place}"  # noqa: S608

    @property
    def reading(self) -> str:
        """Return the COPY that gives them as the source gave them."""
        return copy_out.statement(self.query(), self.piece.format)


def rows_before(piece: LiveRows, only: str, target: Session, *, more: bool) -> Rows:
    """Return where the rows of a piece will be; ``more``: the transaction has brought others there before."""
    found = Rows(piece, only)
    if more:
        (last,) = target.execute(found.last_command.encode()).fetchall()
        return replace(found, behind=last[0])
    if is_part(piece):
        pages = target.execute(_PAGES, [piece.table]).fetchone()
        return replace(found, first=max((pages[0] if pages else 0) - _NEAR, 0))
    return found


def proved(
    places: Sequence[Rows], done: Sequence[Relayed], source: Session, target: Session, look: Look
) -> list[Proof | Differs | None]:
    """Compare the rows that the target's open transaction has of pieces with what the source has sent.

    What psycopg raises is the target's failure.
    """
    if not any(place.proves for place in places):
        return [None for _ in places]
    target.execute(_quiet(target).encode())
    readings = [(place.reading, place.hashing) for place in places if place.proves]
    back = iter(digests_of_rows(target, readings, look))
    found = [
        (next(back) == (sent.read, sent.digest) and _proof(place, sent, sent.digest))
        or _added_up(place, sent, source, target, number)
        if place.proves
        else None
        for number, (place, sent) in enumerate(zip(places, done, strict=True))
    ]
    target.execute(b"ROLLBACK TO SAVEPOINT migplan; RELEASE SAVEPOINT migplan")
    return found


def _added_up(place: Rows, sent: Relayed, source: Session, target: Session, number: int) -> Proof | Differs:
    """Have both servers add up hashes of the rows as text: what is printed in two ways may be the same."""
    piece = place.piece
    columns = len(piece.columns)
    method = method_of(source, target)
    try:
        there = digests.sum_of(source, piece.query, columns, method)
    except psycopg.Error as error:
        raise SourceFailedError(error, number=number) from None
    here = digests.sum_of(target, place.query(), columns, method)
    if here != there and place.first:
        here = digests.sum_of(target, place.query(near=False), columns, method)
    return _proof(place, sent, here[1]) if here == there else Differs(_sentence(piece, here, there))


def _proof(place: Rows, sent: Relayed, digest: str) -> Proof:
    piece = place.piece
    return {
        "table": piece.table,
        "columns": list(piece.columns),
        "format": piece.format,
        "query": piece.query,
        "rows": sent.read,
        "digest": digest,
    }


def _quiet(target: Session) -> str:
    """What makes the target print as the source did; a rollback to the savepoint takes it back."""
    return f"SAVEPOINT migplan;\n{settings.reading(target.version).decode()};\n{AS_THEY_LIE}"


def method_of(source: Session, target: Session) -> Method:
    """The fastest hash that both servers share."""
    both = {digests.method_of(source), digests.method_of(target)}
    return "lookup3" if both == {"lookup3"} else "sha256"


def _sentence(piece: LiveRows, here: tuple[int, str], there: tuple[int, str]) -> str:
    if here[0] != there[0]:
        return f"{here[0]:,} rows stand in {piece.table}, and the source sent {there[0]:,}"
    return f"the {here[0]:,} rows that stand in {piece.table} are not those that the source sent"
