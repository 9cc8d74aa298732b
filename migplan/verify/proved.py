"""Rows of a live bundle: no file says what they were, and the target's journal says what was proved of them.

A table that came in one piece must still give the very bytes that came, in their order; where several pieces
were added up, their sums must add up to the table's. What was changed since differs, as it would from a file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg

from migplan.bundle.manifest import Manifest
from migplan.catalog import digests
from migplan.catalog.digests import Digest, Method
from migplan.names import QualifiedName, quoted_list
from migplan.postgres import copy_out
from migplan.postgres.relay import digests_of_rows
from migplan.postgres.row_digests import BY_ROWS, BY_STREAM, InOrder, RowSum
from migplan.postgres.session import Session
from migplan.progress import Progress
from migplan.text.wording import listed
from migplan.verify.expectation import Expectation
from migplan.verify.verification import Check, Difference, TableProof

if TYPE_CHECKING:
    from migplan.verify.moment import Moment

Proof = Mapping[str, Any]
"""What the journal has of a piece: table, columns, format, rows, and how and what was hashed."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What a run has proved of the rows that it brought."""

    pieces: Sequence[Proof] = ()
    fresh: bool = False  # just now: they need not be read again, nor the keys that it has validated


Found = tuple[tuple[Check, ...], tuple[TableProof, ...], tuple[str, ...]]
"""Checks of rows, table by table what they rest on, and notes."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A table, or a partition, and what the pieces that filled it were."""

    name: QualifiedName
    only: str
    pieces: Sequence[Proof]
    as_a_whole: bool  # nothing changed its rows once they were proved

    @property
    def rows(self) -> int:
        return sum(piece["rows"] for piece in self.pieces)

    @property
    def columns(self) -> list[str]:
        return list(self.pieces[0]["columns"])

    @property
    def digest(self) -> str:
        """What the table must give; empty where its pieces cannot be put together."""
        ways = {piece["digest"].partition(":")[0] for piece in self.pieces}
        if not self.as_a_whole or len(ways) > 1 or (ways == {BY_STREAM} and len(self.pieces) > 1):
            return ""
        if ways == {BY_STREAM}:
            return str(self.pieces[0]["digest"])
        halves = [piece["digest"].partition(":")[2] for piece in self.pieces]
        one, other = (sum(int(each[at : at + 16], 16) for each in halves) for at in (0, 16))
        (way,) = ways
        return digests.value_of(one, other, way)

    def found(self, session: Session) -> Digest:
        """What the target has now."""
        query = f"SELECT {quoted_list(self.columns)} FROM {self.only}{self.name}"  # noqa: S608 - quoted
        way = self.digest.partition(":")[0]
        if way in {BY_STREAM, BY_ROWS}:
            reading = copy_out.statement(query, self.pieces[0]["format"])
            hashing = InOrder if way == BY_STREAM else RowSum
            ((rows, value),) = digests_of_rows(session, [(reading, hashing)], lambda: None)
            return Digest(self.name, rows, value)
        if way:
            method: Method = "lookup3" if way == "lookup3" else "sha256"
            return Digest(self.name, *digests.sum_of(session, query, len(self.columns), method))
        ((rows,),) = session.execute(f"SELECT pg_catalog.count(*) FROM ({query}) t".encode()).fetchall()  # noqa: S608
        return Digest(self.name, rows)


def compared(expectation: Expectation, target: Moment, proofs: Proofs, on_progress: Progress) -> Found:
    """Compare every table with what was proved of it when its rows came."""
    parts = _parts(expectation, proofs.pieces)
    if proofs.fresh:
        return _just_proved(expectation, _parts(expectation, proofs.pieces, _updated(proofs.pieces)))
    running = [(part, target.pool.submit(target.pool.undisturbed, part.found)) for part in parts]
    rows: list[Difference] = []
    contents: list[Difference] = []
    tables: list[TableProof] = []
    for number, (part, future) in enumerate(running):
        on_progress("comparing rows with their proofs", number, len(running))
        found = _result(part, future)
        strength = "not read" if found.rows is None else "content" if part.digest else "count"
        tables.append(TableProof(str(part.name), part.rows, found, strength))
        if found.rows is None:
            rows.append(
                Difference(f"rows of {part.name}", f"not read in the target: {found.why}", known=False)
            )
        elif found.rows != part.rows:
            rows.append(Difference(f"rows of {part.name}", f"{found.rows:,} instead of {part.rows:,}"))
        elif part.digest and found.value != part.digest:
            contents.append(
                Difference(
                    f"content of {part.name}", f"{found.rows:,} rows, as many as came, but not the same"
                )
            )
    by_content = sum(table.strength == "content" for table in tables)
    checks = (
        Check("Rows", sum(t.found.rows or 0 for t in tables), sum(p.rows for p in parts), tuple(rows)),
        Check("Contents", by_content - len(contents), by_content, tuple(contents)),
    )
    return checks if parts else (), tuple(tables), _notes(expectation, parts, tables)


def _just_proved(expectation: Expectation, parts: Sequence[_Part]) -> Found:
    """Return what the run itself has seen."""
    rows = sum(part.rows for part in parts)
    tables = tuple(
        TableProof(
            str(part.name), part.rows, Digest(part.name, part.rows), "content" if part.as_a_whole else "count"
        )
        for part in parts
    )
    whole = sum(part.as_a_whole for part in parts)
    checks = (Check("Rows", rows, rows), Check("Contents", whole, whole))
    return checks if parts else (), tables, _notes(expectation, parts, tables)


def _updated(proofs: Sequence[Proof]) -> set[str]:
    """Return the tables whose rows were proved once more when a second pass had changed them.

    That holds for what the run itself has seen: what such a table must give as a whole nobody has hashed.
    """
    return {proof["updates"] for proof in proofs if proof.get("updates")}


def _parts(
    expectation: Expectation, proofs: Sequence[Proof], updated: Collection[str] = ()
) -> Sequence[_Part]:
    by_table: dict[str, list[Proof]] = defaultdict(list)
    for proof in proofs:
        by_table[proof["table"]].append(proof)
    catalog, changed = expectation.catalog, _in_two_passes(expectation.manifest).difference(updated)
    return [
        _Part(name, catalog.by_name[name].only, by_table[text], str(catalog.tops[name]) not in changed)
        for text, name in catalog.by_text.items()
        if text in by_table
    ]


def _in_two_passes(manifest: Manifest) -> set[str]:
    """Return the tables whose rows a second step of the run has changed."""
    return {
        name
        for file in manifest.files
        for step in file.steps
        if any(block.is_temporary for block in step.blocks)
        for name in step.tables
    }


def _result(part: _Part, future: Future[Digest]) -> Digest:
    try:
        return future.result()
    except psycopg.Error as error:
        return Digest(part.name, None, why=error.diag.message_primary or str(error))


def _notes(expectation: Expectation, parts: Sequence[_Part], tables: Sequence[TableProof]) -> tuple[str, ...]:
    filled = {expectation.catalog.tops.get(part.name, part.name) for part in parts}
    lacking = [name for name in expectation.loaded if name not in filled]
    counted = [table.table for table in tables if table.strength == "count"]
    notes = []
    if counted:
        notes.append(f"only counted, for their rows came in several passes: {listed(counted, 5)}")
    if lacking:
        notes.append(
            f"rows were not compared, for nothing was proved of them as they came: {listed(lacking, 5)}; "
            "beside a source that is as it was then, they are compared with: --source"
        )
    return tuple(notes)
