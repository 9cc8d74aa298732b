"""Reads what a migration does to a database: its state before and after, and what became of rows."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.catalog.questions import ask_each
from migplan.catalog.state import (
    Counter,
    Item,
    Key,
    Moment,
    State,
    StateReader,
    from_json,
    read_moment,
    read_state,
    touched,
)
from migplan.errors import DatabaseError
from migplan.migrations.analysis import Analysis
from migplan.migrations.source_files import reopened
from migplan.names import quoted
from migplan.postgres.session import Session
from migplan.run.engine.journal import keep
from migplan.run.engine.steps import Step
from migplan.run.migrations.down_migrations import down_migrations_of, packed
from migplan.run.migrations.restoring import TABLES
from migplan.run.migrations.steps import digest_up_to
from migplan.run.migrations.way_back import Facts, WayBack, way_back
from migplan.sql.statements import parsed
from migplan.sql.tree import definition

log = logging.getLogger(__name__)

_LOSES = re.compile(r"\b(drop|truncate|type|cascade|identity)\b", re.IGNORECASE)
_TYPE = re.compile(r"\btype\b", re.IGNORECASE)
_SMALL = 1 << 26
_LARGE = 1 << 30
"""Bytes of a table that is not read through for values of a column: there are some, it is assumed."""


@dataclass
class Before:
    """A database before a migration, and what the migration may take away."""

    state: State
    held: dict[int, bool] = field(default_factory=dict)
    values: dict[Key, bool] = field(default_factory=dict)
    unseen: Sequence[str] = ()  # statements whose rows nobody counts: they commit by themselves


@dataclass
class Written:
    """What the transactions of a migration have written so far."""

    counters: dict[int, Counter] = field(default_factory=dict)
    inserted: list[tuple[int, int, int]] = field(default_factory=list)
    own: set[int] | None = field(default_factory=set)
    counts: bool = True

    def add(self, base: Mapping[int, Counter], now: Moment) -> None:
        """Add what a transaction wrote, by its counters at its beginning and at its end."""
        self.counts = self.counts and now.counts
        if self.own is not None:
            self.own |= now.own
        for oid, counter in now.counters.items():
            first = base.get(oid, Counter(counter.name, counter.is_catalog, 0, 0, 0))
            rows = [one - other for one, other in zip(counter[2:], first[2:], strict=True)]
            if not any(rows):
                continue
            if rows[0] and not counter.is_catalog:
                self.inserted.append((oid, now.transaction % (1 << 32), rows[0]))
            so_far = self.counters.get(oid, Counter(counter.name, counter.is_catalog, 0, 0, 0))
            rows = [one + other for one, other in zip(rows, so_far[2:], strict=True)]
            self.counters[oid] = Counter(counter.name, counter.is_catalog, *rows)

    def as_json(self) -> dict[str, Any]:
        """Return JSON values, which :meth:`of_json` reads."""
        own = None if self.own is None else sorted(self.own)
        counters = [[oid, *counter] for oid, counter in self.counters.items()]
        return {"counters": counters, "inserted": self.inserted, "own": own, "counts": self.counts}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Written:
        """Read what :meth:`as_json` returned."""
        counters = {oid: Counter(*rest) for oid, *rest in said["counters"]}
        inserted = [(table, transaction, rows) for table, transaction, rows in said["inserted"]]
        own = None if said["own"] is None else set(said["own"])
        return cls(counters, inserted, own, said["counts"])


def look_before(session: Session, text: str, states: StateReader) -> Before:
    """Read the state before a migration, and whether what its text may take away holds rows."""
    state = states.read(session)
    found = Before(state)
    words = text.lower()
    named = {
        oid
        for oid, item in state.relations.items()
        if item.name.lower() in words or item.schema.lower() in words
    }
    tables = [
        item
        for oid, item in state.relations.items()
        if item.kind == "table" and (oid in named or named & {*(item.get("parents") or ())})
    ]
    # A partitioned table holds what its partitions hold.
    questions = [f"SELECT EXISTS (SELECT FROM {_name(item)})" for item in tables]
    columns = [
        (item, column)
        for item in tables
        for column in (state.columns(item) if _LOSES.search(text) else ())
        if column.name.lower() in words and not column.get("generated")
    ]
    questions += [
        f"SELECT pg_catalog.pg_relation_size({item.key.oid}) > {_LARGE} OR EXISTS "
        f"(SELECT FROM {_name(item)} WHERE {quoted(column.name)} IS NOT NULL)"
        for item, column in columns
    ]
    sequences = [item for item in state.items.values() if item.kind == "sequence"]
    sequences = [item for item in sequences if _LOSES.search(text) and _may_go(state, item, words)]
    questions += [f"SELECT pg_catalog.pg_sequence_last_value({item.key.oid})" for item in sequences]
    if not questions:
        return found
    answers = ask_each(
        session, questions, during="asking what the migration may take away", catching="OTHERS"
    )
    said = [value for value, _ in answers]
    for item, value in zip(tables, said, strict=False):
        if value is not None:
            found.held[item.key.oid] = value.startswith("t")
    for (_, column), value in zip(columns, said[len(tables) :], strict=False):
        if value is not None:
            found.values[column.key] = value.startswith("t")
    last = zip(sequences, said[len(tables) + len(columns) :], strict=True)
    values = {
        item.key: replace(item, attributes={**item.attributes, "last_value": int(value)})
        for item, value in last
        if value is not None
    }
    if values:
        found.state = replace(state, items={**state.items, **values})
    return found


def _may_go(state: State, item: Item, words: str) -> bool:
    owner = item.get("owned_by")
    table = state.relations.get(owner[1]) if owner else None
    return item.name.lower() in words or (table is not None and table.name.lower() in words)


def facts_after(session: Session, before: Before, after: State, written: Written, text: str) -> Facts:
    """Ask what the states do not tell, at the end of the last transaction of a migration."""
    rewritten = [
        item
        for key, item in before.state.items.items()
        if item.kind == "table" and not item.get("partition_key") and key in after.items
        if after.items[key].get("file") != item.get("file")
    ]
    emptied: list[int] = []
    if rewritten:
        names = [f"SELECT EXISTS (SELECT FROM ONLY {_name(after.items[item.key])})" for item in rewritten]
        answers = ask_each(session, names, during="asking which tables were emptied")
        for item, (value, _) in zip(rewritten, answers, strict=True):
            new = written.counters.get(item.key.oid)
            if value is None or value.startswith("f") or (new and new.inserted):
                emptied.append(item.key.oid)
    return Facts(
        before.held,
        before.values,
        frozenset(emptied),
        frozenset(_cast_plainly(text)),
        _found(session, after, written),
        written.counters,
        written.counts,
        written.own,
        before.unseen,
    )


def _found(session: Session, after: State, written: Written) -> list[tuple[int, int, int]]:
    """Return the rows that were inserted, by the transactions that did it: the last may have had some within.

    Of a large table only their number is known, and a rollback looks whether it finds as many.
    """
    tables = [
        after.relations[oid]
        for oid, transaction, _ in written.inserted
        if transaction == after.transaction % (1 << 32) and oid in after.relations
    ]
    tables = [table for table in tables if table.kind in TABLES]
    first = f"'{after.transaction % (1 << 32)}'::pg_catalog.xid"
    questions = [
        f"SELECT CASE WHEN pg_catalog.pg_relation_size({table.key.oid}) <= {_SMALL} THEN (SELECT "
        f"pg_catalog.json_object_agg(x.xmin, x.n) FROM (SELECT t.xmin::text, count(*) AS n FROM ONLY "
        f"{_name(table)} t WHERE pg_catalog.age(t.xmin) <= pg_catalog.age({first}) GROUP BY 1) x) END"
        for table in tables
    ]
    if not questions:
        return written.inserted
    found = {(oid, transaction): rows for oid, transaction, rows in written.inserted}
    answers = ask_each(session, questions, during="counting the rows that the migration inserted")
    for table, (value, _) in zip(tables, answers, strict=True):
        rows = {int(number): count for number, count in json.loads(value or "{}").items()}
        total = found[table.key.oid, after.transaction % (1 << 32)]
        if sum(rows.values()) == total:
            del found[table.key.oid, after.transaction % (1 << 32)]
            found |= {(table.key.oid, number): count for number, count in rows.items()}
    return [(oid, transaction, rows) for (oid, transaction), rows in found.items()]


def derive(session: Session, before: Before, written: Written, text: str) -> tuple[WayBack, State | None]:
    """Return the way back, and the state that the migration leaves.

    The migration does not fail by it: where what it did cannot be read, that is why there is no way back.
    """
    try:
        with session.given_up("recording what a migration does"):  # a savepoint: settings are as before
            after = read_state(session)
            if written.own is not None:
                written.own |= after.own
            facts = facts_after(session, before, after, written, text)
        return way_back(before.state, after, facts), after
    except DatabaseError as error:
        log.warning("no way back was derived: %s", error)
        return WayBack(cannot=("what it did could not be read",)), None
    except Exception:
        log.exception("no way back was derived")
        return WayBack(cannot=("by a defect of migplan, none was derived from what it did",)), None


@dataclass
class _Going:
    """A migration whose steps are being done."""

    before: Before
    base: Mapping[int, Counter] = field(default_factory=dict)  # counters when the step began
    written: dict[int, Written] = field(default_factory=dict)  # by the line of the step

    @property
    def all(self) -> Written:
        """What all of its steps have written."""
        found = Written()
        for each in self.written.values():
            found.inserted += each.inserted
            found.counts = found.counts and each.counts
            found.own = None if found.own is None or each.own is None else found.own | each.own
            for oid, counter in each.counters.items():
                so_far = found.counters.get(oid, Counter(counter.name, counter.is_catalog, 0, 0, 0))
                rows = [one + other for one, other in zip(counter[2:], so_far[2:], strict=True)]
                found.counters[oid] = Counter(counter.name, counter.is_catalog, *rows)
        return found


class Recorder:
    """Writes the way back of each migration into the journal, in the transaction of its last step.

    Of a migration that takes more than one transaction, the state before it is written with each of them.
    """

    def __init__(
        self,
        analysis: Analysis,
        steps: Sequence[Step],
        begun: Mapping[str, Mapping[str, Any]] | None = None,
        states: StateReader | None = None,
    ) -> None:
        self._states = states or StateReader()
        self._analysis = analysis
        self._lines: dict[str, list[int]] = {}
        for step in steps:
            if step.phase == "migration":
                self._lines.setdefault(step.name, []).append(step.line)
        self._begun = dict(begun or {})  # what earlier runs began, and did not finish
        self._going: dict[str, _Going] = {}
        self.ways: dict[str, WayBack] = {}

    def begun(self, step: Step, session: Session) -> None:
        """Read what is there before a migration."""
        if step.phase != "migration":
            return
        try:
            with session.given_up("recording what a migration does"):
                if said := self._begun.get(step.name):
                    self._going.setdefault(step.name, _went_on(said))
                elif step.line == self._lines[step.name][0]:  # also when it is tried once more
                    before = look_before(session, self._text(step.name), self._states)
                    before.unseen = self._unseen(step.name)
                    self._going[step.name] = _Going(before)
                if going := self._going.get(step.name):
                    going.base = {} if step.non_transactional else read_moment(session).counters
        except DatabaseError as error:
            if session.closed:
                raise
            log.warning("what is there before %s cannot be read: %s", step.name, error)
            self._going.pop(step.name, None)

    def ending(self, step: Step, session: Session) -> None:
        """Keep its way back; before its last step, what is known of it by then."""
        if step.phase != "migration":
            return
        name, going = step.name, self._going.get(step.name)
        if going is None:
            if step.line == self._lines[name][-1]:
                self.ways[name] = WayBack(cannot=("what was there before it could not be read",))
                self._keep(session, name, self.ways[name], {}, None)
            return
        # Of several transactions it is not known which had others within them.
        written = Written(own=set() if len(self._lines[name]) == 1 and not step.non_transactional else None)
        if not step.non_transactional:
            written.add(going.base, read_moment(session))
        going.written[step.line] = written
        way, begun, left = WayBack(), None, {}
        if step.line == self._lines[name][-1]:
            way, after = derive(session, going.before, going.all, self._text(name))
            way = self._concurrently(step, way)
            if after is not None:
                left = touched(going.before.state, after)
                self._states.keep(session, after)
            self.ways[name] = way
        else:
            begun = _begun(going) | {"text": digest_up_to(self._analysis.by_name[name].migration.up, step)}
        self._keep(session, name, way, left, begun)

    def _unseen(self, name: str) -> tuple[str, ...]:
        """Return the statements of a migration that commit by themselves."""
        return tuple(
            f"{each.statement} (line {each.line})"
            for each in self._analysis.by_name[name].non_transactional
            if each.commits
        )

    def _keep(
        self,
        session: Session,
        name: str,
        way: WayBack,
        left: Mapping[str, str | None],
        begun: Mapping[str, Any] | None,
    ) -> None:
        down = down_migrations_of(self._analysis, [name])[name]
        if down.down is None:
            derived = way.rest if way.losses else way.statements
            down = replace(down, derived=derived, cannot=way.cannot, losses=way.losses, made=way.made)
        session.ask("RESET ROLE", during="writing the journal")
        keep(session, name, packed(replace(down, left=left), begun))

    def _text(self, name: str) -> str:
        part = self._analysis.by_name[name].migration.up
        return reopened(part).getvalue()[part.start :].decode()

    @staticmethod
    def _concurrently(step: Step, way: WayBack) -> WayBack:
        """Indexes that were built without blocking writers are dropped likewise."""
        if not step.leaves or not all(each.startswith("DROP INDEX ") for each in way.statements):
            return way
        texts = (each.replace("DROP INDEX ", "DROP INDEX CONCURRENTLY ", 1) for each in way.statements)
        return replace(way, statements=tuple(texts))


def _begun(going: _Going) -> dict[str, Any]:
    before = going.before
    return {
        "state": before.state.as_json(),
        "held": list(before.held.items()),
        "values": [[*key, value] for key, value in before.values.items()],
        "written": [[line, each.as_json()] for line, each in going.written.items()],
        "unseen": list(before.unseen),
    }


def _went_on(said: Mapping[str, Any]) -> _Going:
    """Return a migration as an earlier run left it."""
    values = {Key(*key): value for *key, value in said["values"]}
    before = Before(from_json(said["state"]), dict(said["held"]), values, said.get("unseen", ()))
    return _Going(before, written={line: Written.of_json(each) for line, each in said["written"]})


def derive_begun(session: Session, said: Mapping[str, Any], text: str) -> WayBack:
    """Return the way back of a migration whose first steps are done, from what the journal keeps of it."""
    going = _went_on(said)
    return derive(session, going.before, going.all, text)[0]


def _name(item: Item) -> str:
    return f"{quoted(item.schema)}.{quoted(item.name)}"


def _cast_plainly(text: str) -> Iterator[str]:
    """Yield the columns to which ALTER TABLE gives a type without USING, or by a cast of the column alone."""
    plain: dict[str, bool] = {}
    for each in parsed(io.BytesIO(text.encode()), Path("migration")) if _TYPE.search(text) else ():
        tree: Any = each.tree
        for node in tree.cmds if each.kind == "alter_table_stmt" else ():
            command = node.alter_table_cmd
            if command.subtype == pg.AT_AlterColumnType:
                using = definition(command).column_def.raw_default
                plain[command.name] = plain.get(command.name, True) and _is_cast(using, command.name)
    yield from (name for name, is_plain in plain.items() if is_plain)


def _is_cast(using: Any, column: str) -> bool:
    if using.WhichOneof("node") is None:
        return True
    while using.HasField("type_cast"):
        using = using.type_cast.arg
    if not using.HasField("column_ref"):
        return False
    return [field.string.sval for field in using.column_ref.fields][-1:] == [column]
