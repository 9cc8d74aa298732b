"""A run of a live bundle goes on with another moment of its source, since the one that it began with is gone.

What is done stays where it is proved to be of the new moment, too. The rows of a step are those of its
transaction; both servers add up hashes of them, and where the sums differ, the rows of all such steps are
deleted before any of them is done again. So what stays and what comes again are together what the source has
at the new moment, and no row of one can be in the way of another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import chain
from queue import SimpleQueue
from typing import NamedTuple, TypeVar

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from migplan.bundle.manifest import TEMPORARY
from migplan.bundle.verified import VerifiedBundle
from migplan.catalog import digests
from migplan.catalog.digests import Method
from migplan.config import Layout
from migplan.errors import RefusedError
from migplan.names import quoted_list
from migplan.postgres import settings
from migplan.postgres.session import Session, connect
from migplan.run.bundle import live_large_objects, proof
from migplan.run.bundle.live import LiveSource
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.footprints import REFERS
from migplan.run.engine.journal import PROOFS, Entry, Run
from migplan.run.engine.steps import LiveRows, LiveSequences, Step
from migplan.run.engine.target import LockedTarget
from migplan.text.wording import counted, listed

_UNDONE = """
    UPDATE migplan.step SET state = 'pending', rows = NULL, transaction = NULL, finished_at = NULL
    WHERE run = %s AND step = ANY (%s)
"""
_NO_PROOFS = "DELETE FROM migplan.kept WHERE run = %s AND file = ANY (%s)"
_NOTED = "UPDATE migplan.run SET before = before || %s WHERE run = %s"
_HANG_ON = """
    WITH filled AS (SELECT pg_catalog.to_regclass(name)::oid AS oid FROM unnest(%s::text[]) name)
    SELECT 'key ' || k.conname FROM pg_catalog.pg_constraint k
    WHERE k.contype = 'f' AND EXISTS (SELECT FROM filled f WHERE f.oid IN (k.conrelid, k.confrelid))
    UNION ALL
    SELECT 'trigger ' || t.tgname FROM pg_catalog.pg_trigger t
    WHERE NOT t.tgisinternal AND t.tgrelid IN (SELECT oid FROM filled)
    UNION ALL
    SELECT 'rule ' || r.rulename FROM pg_catalog.pg_rewrite r WHERE r.ev_class IN (SELECT oid FROM filled)
    ORDER BY 1
"""
_SHOWN = 3
_BEFORE = frozenset({"roles", "schema", "data"})
"""The phases of steps that are done before all rows are there."""


class _Sum(NamedTuple):
    rows: int
    one: int
    other: int

    def plus(self, other: _Sum) -> _Sum:
        """Both together."""
        return _Sum(self.rows + other.rows, self.one + other.one, self.other + other.other)

    @property
    def value(self) -> tuple[int, int, int]:
        """What two servers must agree on."""
        return self.rows, self.one % 2**64, self.other % 2**64


_NOTHING = _Sum(0, 0, 0)

_Key = tuple[int | None, str]
"""The number of a step, or None for all of them, and a table."""

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class _Done:
    """A step that has brought rows, and the transaction that it was."""

    step: Step
    entry: Entry

    @property
    def pieces(self) -> list[LiveRows]:
        return [each for each in self.step.segments if isinstance(each, LiveRows)]

    @property
    def tables(self) -> set[str]:
        return {piece.table for piece in self.pieces if not piece.table.startswith(TEMPORARY)}

    @property
    def transaction(self) -> str:
        """As xmin has it."""
        return str(int(self.entry.transaction or 0) % 2**32)


def go_on(
    target: LockedTarget,
    run: Run,
    bundle: VerifiedBundle,
    steps: Sequence[Step],
    source: LiveSource,
    on_event: OnEvent,
) -> None:
    """Make a run that was begun with another moment fit for this one.

    RefusedError where rows would have to go that keys or triggers hang on already, or that others changed.
    """
    then = run.before.get("source", {}).get("unchanged", "")
    entries = {entry.step: entry for entry in target.journal.entries(run.run) if entry.state == "done"}
    done = [_Done(step, entries[step.number]) for step in steps if step.number in entries]
    values = [each.step.number for each in done if _sets_sequences(each.step)]
    rows = [each for each in done if each.pieces]
    differing: list[_Done] = []
    large: frozenset[int] = frozenset()
    if rows and (not then or then != source.unchanged):
        on_event(events.Warned(f"the moment of the source is another one: comparing {_counted(rows)}"))
        differing, large = _differing(rows, steps, target, source)
        _refuse_late(bundle, done, differing, target)
    with target.journal.together():
        _delete(target, source, differing)
        differing += [each for each in rows if not large.isdisjoint(live_large_objects.numbers_of(each.step))]
        if large:
            gone = (live_large_objects.numbers_of(each.step) for each in differing)
            live_large_objects.unlink(target.session, frozenset().union(*gone))
        again = [each.step.number for each in differing]
        target.session.execute(_UNDONE, [run.run, [*values, *again]])
        target.session.execute(_NO_PROOFS, [run.run, [f"{PROOFS}{number}" for number in again]])
        target.session.execute(_NOTED, [Jsonb(source.noted), run.run])
    said = f"goes on with the source as it is at {source.snapshot.taken_at}"
    if rows:
        said += f": of {_counted(rows)}, {len(differing)} had other rows and come again"
    target.journal.note(run.run, [said])
    on_event(events.Warned(said))


def _counted(rows: Sequence[_Done]) -> str:
    return f"{counted(len(rows), 'step')} with rows that {'was' if len(rows) == 1 else 'were'} done"


def _sets_sequences(step: Step) -> bool:
    return any(isinstance(each, LiveSequences) for each in step.segments)


def _differing(
    rows: Sequence[_Done], steps: Sequence[Step], target: LockedTarget, source: LiveSource
) -> tuple[list[_Done], frozenset[int]]:
    """Return the steps whose rows in the target are not what the source has now, and such large objects."""
    during = "comparing rows that were copied before"
    with ExitStack() as stack:
        wanted = range(min(target.jobs, len(rows)))
        there = [stack.enter_context(closing(source.snapshot.join())) for _ in wanted]
        here = [stack.enter_context(closing(connect(target.address))) for _ in wanted]
        for each in here:
            each.execute(settings.reading(each.version))
        method = proof.method_of(there[0], here[0])
        large = live_large_objects.changed([each.step for each in rows], steps, there[0], here[0])
        finished = {each.step.number for each in rows}
        two_passes = _in_two_passes([step for step in steps if step.number in finished])
        comparison = _Comparison(rows, two_passes, source, method)
        pool = stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="compare"))
        found = pool.submit(comparison.found, here)
        try:
            expected = comparison.expected(there)
        except psycopg.Error as error:
            raise source.snapshot.failed(error, during) from None
        with here[0].translate_errors(during):
            return comparison.differing(expected, found.result()), large


def _by_all(
    sessions: Sequence[Session], work: Callable[[Session, _Item], _Found], items: Iterable[_Item]
) -> Iterator[_Found]:
    """Yield what each item comes to; as many at a time as there are sessions."""
    free: SimpleQueue[Session] = SimpleQueue()
    for session in sessions:
        free.put(session)

    def one(item: _Item) -> _Found:
        session = free.get()
        try:
            return work(session, item)
        finally:
            free.put(session)

    with ThreadPoolExecutor(len(sessions), thread_name_prefix="compare") as pool:
        yield from pool.map(one, items)


def _in_two_passes(steps: Sequence[Step]) -> set[str]:
    """Return the tables of which a second one of these steps has changed rows that the first brought."""
    return {
        thing
        for step in steps
        for piece in step.segments
        if isinstance(piece, LiveRows) and piece.table.startswith(TEMPORARY)
        for thing, how in step.footprint.things
        if how != REFERS
    }


@dataclass(frozen=True)
class _Comparison:
    """Rows by step and table; those of tables in two passes only as a whole, under the step None."""

    rows: Sequence[_Done]
    two_passes: Collection[str]
    source: LiveSource
    method: Method

    def expected(self, sessions: Sequence[Session]) -> Mapping[_Key, _Sum]:
        """What the source has."""
        whole: dict[str, tuple[str, int]] = {}
        pieces: list[tuple[_Key, str, int]] = []
        for done in self.rows:
            for piece in done.pieces:
                width = len(piece.columns)
                if self._changed(piece.table):
                    shown = quoted_list(piece.columns)
                    whole[piece.table] = f"SELECT {shown} FROM {self._place(piece.table)}", width  # noqa: S608
                elif piece.table in done.tables:
                    pieces.append(((done.step.number, piece.table), piece.query, width))
        pieces += [((None, table), query, width) for table, (query, width) in whole.items()]
        return _added(_by_all(sessions, self._summed, pieces))

    def found(self, sessions: Sequence[Session]) -> Mapping[_Key, _Sum]:
        """What the target has of these steps, each table read once."""
        columns = {p.table: p.columns for done in self.rows for p in done.pieces if p.table in done.tables}
        return _added(chain.from_iterable(_by_all(sessions, self._by_step, columns.items())))

    def _by_step(self, session: Session, table: tuple[str, tuple[str, ...]]) -> list[tuple[_Key, _Sum]]:
        name, columns = table
        step_of = {done.transaction: done.step.number for done in self.rows}
        question = digests.question_by_transaction(self._place(name), columns, self.method)
        return [
            ((None if self._changed(name) else step_of[transaction], name), _Sum(*map(int, values)))
            for transaction, *values in session.execute(question)
            if transaction in step_of
        ]

    def differing(
        self,
        expected: Mapping[_Key, _Sum],
        found: Mapping[_Key, _Sum],
    ) -> list[_Done]:
        """Return the steps of which a table is not the same on both sides."""
        keys = expected.keys() | found.keys()
        wrong = {key for key in keys if expected.get(key, _NOTHING).value != found.get(key, _NOTHING).value}
        return [
            done
            for done in self.rows
            if any((number, table) in wrong for table in done.tables for number in (done.step.number, None))
        ]

    def _summed(self, session: Session, piece: tuple[_Key, str, int]) -> tuple[_Key, _Sum]:
        key, query, columns = piece
        (values,) = session.execute(digests.question_of(query, columns, self.method)).fetchall()
        return key, _Sum(*map(int, values))

    def _changed(self, table: str) -> bool:
        """Whether a second pass has changed rows of a table, or of that whose partition it is."""
        catalog = self.source.catalog
        name = catalog.by_text.get(table)
        return table in self.two_passes or (name is not None and str(catalog.tops[name]) in self.two_passes)

    def _place(self, table: str) -> str:
        return f"{self.source.only(table)}{table}"


def _added(sums: Iterable[tuple[_Key, _Sum]]) -> Mapping[_Key, _Sum]:
    found: dict[_Key, _Sum] = defaultdict(lambda: _NOTHING)
    for key, value in sums:
        found[key] = found[key].plus(value)
    return found


def may_come_again(bundle: VerifiedBundle, target: LockedTarget) -> Callable[[Step], bool]:
    """Return what tells of a step whether it may be done behind others that stand on it.

    Values of sequences may, and rows that neither keys nor triggers hang on yet: a run that went on with
    another moment, and was stopped once more, has such steps.
    """
    after = bundle.manifest.constraints is Layout.AFTER_DATA and bundle.manifest.contents == "all"

    def may_come(step: Step) -> bool:
        tables = [piece.table for piece in step.segments if isinstance(piece, LiveRows)]
        if not tables:
            return _sets_sequences(step)
        return after and not _hang_on(target, tables)

    return may_come


def _hang_on(target: LockedTarget, tables: Sequence[str]) -> list[str]:
    """Return the keys, triggers and rules of some tables."""
    during = "asking what hangs on rows that were copied"
    return [name for (name,) in target.session.ask(_HANG_ON, [list(tables)], during=during)]


def _refuse_late(
    bundle: VerifiedBundle, done: Sequence[_Done], differing: Sequence[_Done], target: LockedTarget
) -> None:
    """Raise RefusedError if rows would have to be deleted that keys or triggers hang on already.

    Indexes, and unique constraints with them, do not mind: what comes again is of the moment of what stays.
    """
    tables = sorted({table for each in differing for table in each.tables})
    if not tables:
        return
    late = [each for each in done if each.step.phase not in _BEFORE and each.step.footprint.everything]
    found = _hang_on(target, tables)
    if late or found:
        what = ", ".join(found[:_SHOWN]) or late[0].step.name
        last = [file.file for file in bundle.manifest.files if file.phase == "data"][-1:]
        after = bundle.manifest.constraints is Layout.AFTER_DATA and bundle.manifest.contents == "all"
        raise RefusedError(
            f"rows of {listed(tables, 5)} have changed in the source since they were copied, and this hangs "
            f"on them in {target.address} already: {what}; nothing was changed",
            do="roll these back, and go on with the same command: migplan rollback --target TARGET"
            + (f" --to {last[0]}" if after else ""),
        )


def _delete(target: LockedTarget, source: LiveSource, differing: Sequence[_Done]) -> None:
    """Delete the rows of these steps; RefusedError if they are not all there as they came."""
    session = target.session
    session.execute("SET LOCAL search_path = ''; SET LOCAL row_security = off")
    for done in differing:
        gone = 0
        for table in sorted(done.tables):
            place = sql.SQL(f"{source.only(table)}{table}")
            statement = sql.SQL("DELETE FROM {} WHERE xmin = {}::pg_catalog.xid")
            gone += session.execute(statement.format(place, done.transaction)).rowcount
        if gone != (done.entry.rows or 0):
            raise RefusedError(
                f"{gone:,} of the {done.entry.rows or 0:,} rows that {done.step} brought are in "
                f"{target.address} as they came; others were changed there since, and in the source, too; "
                "nothing was changed",
                do="roll the run back: migplan rollback --target TARGET; then begin again",
            )
