"""Rolling back rows alone: the tables that the run filled are emptied, the last file first.

* A table of some size is truncated where all of its rows are the run's and every table that refers to it is
  emptied, too; else exactly the rows that the run brought are deleted.
* Rows that were there before, or were changed since, stay unless people say otherwise.
* Nothing happens to tables that the run did not fill: if rows of theirs refer to rows that are to go, that
  is said, and nothing is done.
* Triggers and rules of users keep still, as they did while the rows came in, and stand as before afterwards.
* Published tables without a replica identity, of which the server deletes no row, get one meanwhile.

* Not too many tables at once: each of them takes locks.

All of it is checked once more under the locks of the transaction that does it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import LiteralString

from migplan.bundle.undo.batches import MOST_REFERENCING, batches, with_referencing
from migplan.errors import RefusedError
from migplan.names import quoted
from migplan.postgres.address import Address
from migplan.postgres.session import Session
from migplan.run.undo.losses import TableRows
from migplan.sql.text import do_block, literal

_KEYS = """
    SELECT k.conname,
           coalesce(pg_catalog.pg_partition_root(k.conrelid), k.conrelid)::bigint,
           coalesce(pg_catalog.pg_partition_root(k.confrelid), k.confrelid)::bigint,
           CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || k.conrelid::regclass,
           CASE p.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || k.confrelid::regclass,
           e.enforced, e.enforced AND k.confdeltype IN ('c', 'n', 'd'), j.pairs
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
    CROSS JOIN LATERAL (
        SELECT coalesce(pg_catalog.to_jsonb(k) ->> 'conenforced', 'true')::boolean
    ) e (enforced)
    CROSS JOIN LATERAL (
        SELECT pg_catalog.string_agg(pg_catalog.format('p.%%I OPERATOR(%%I.%%s) c.%%I', a.attname, n.nspname,
                                                       o.oprname, b.attname), ' AND ' ORDER BY x.place)
        FROM unnest(k.confkey, k.conkey, k.conpfeqop) WITH ORDINALITY x (there, here, operator, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = x.there
        JOIN pg_catalog.pg_attribute b ON b.attrelid = k.conrelid AND b.attnum = x.here
        JOIN pg_catalog.pg_operator o ON o.oid = x.operator
        JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    ) j (pairs)
    WHERE k.contype = 'f' AND k.conparentid = 0
      AND coalesce(pg_catalog.pg_partition_root(k.confrelid), k.confrelid) = ANY (%s)
    ORDER BY k.confrelid::regclass::text, k.conname
"""

# What would fire or forbid while rows are taken away: user triggers, rules, policies forced upon the owner,
# and that a publication has nothing by which it could name a row that goes.
_QUIET: LiteralString = """
    SELECT coalesce(pg_catalog.pg_partition_root(c.oid), c.oid)::bigint, c.oid::regclass::text,
           q.kind, q.name, q.state
    FROM pg_catalog.pg_class c
    CROSS JOIN LATERAL (
        SELECT 'TRIGGER', t.tgname, t.tgenabled FROM pg_catalog.pg_trigger t
        WHERE t.tgrelid = c.oid AND t.tgenabled IN ('O', 'A') AND t.tgtype & 56 <> 0
          AND (NOT t.tgisinternal OR t.tgparentid <> 0)
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
                          WHERE k.oid = t.tgconstraint AND k.contype <> 't')
        UNION ALL
        SELECT 'RULE', r.rulename, r.ev_enabled FROM pg_catalog.pg_rewrite r
        WHERE r.ev_class = c.oid AND r.ev_type IN ('2', '4') AND r.ev_enabled IN ('O', 'A')
        UNION ALL
        SELECT 'POLICIES', '', 'O' WHERE c.relforcerowsecurity
        UNION ALL
        SELECT 'IDENTITY', '', c.relreplident
        WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relreplident <> 'f'
          AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisvalid
                          AND CASE c.relreplident WHEN 'd' THEN i.indisprimary
                                                  WHEN 'i' THEN i.indisreplident END)
          AND EXISTS (SELECT FROM pg_catalog.pg_publication p WHERE (p.pubdelete OR p.pubupdate) AND (
              p.puballtables OR {of_schemas} OR EXISTS (
                  SELECT FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid AND (r.prrelid = c.oid
                  OR r.prrelid IN (SELECT a.oid FROM pg_catalog.pg_partition_ancestors(c.oid) a (oid))))))
    ) q (kind, name, state)
    WHERE c.relkind IN ('r', 'p') AND coalesce(pg_catalog.pg_partition_root(c.oid), c.oid) = ANY (%s)
    ORDER BY 2, 3, 4
"""
_OF_SCHEMAS: LiteralString = """EXISTS (
                  SELECT FROM pg_catalog.pg_publication_namespace n WHERE n.pnpubid = p.oid AND (
                  n.pnnspid = c.relnamespace OR n.pnnspid IN (
                      SELECT t.relnamespace FROM pg_catalog.pg_partition_ancestors(c.oid) a (oid)
                      JOIN pg_catalog.pg_class t ON t.oid = a.oid)))"""
# Event triggers would fire for what keeps the others still; only superusers may hold them.
_EVENTS = """
    SELECT e.evtname, e.evtenabled FROM pg_catalog.pg_event_trigger e
    WHERE e.evtenabled IN ('O', 'A')
      AND (SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user)
    ORDER BY 1
"""
_STATES = {"O": "ENABLE", "A": "ENABLE ALWAYS"}

WORTH_IT = 500
"""TRUNCATE gives each table that it names new files, which takes as long as to delete some hundred rows."""

SETTINGS = """\
SET client_min_messages = warning;
SET row_security = off;
SELECT pg_catalog.set_config('search_path', '', false);"""


@dataclass(frozen=True, slots=True)
class ReferringKey:
    """A foreign key to a table that is to be emptied; tables by the oid of the one that names the rows."""

    name: str
    child: int
    parent: int
    from_table: str  # as a statement names its rows
    to_table: str
    enforced: bool
    acts: bool  # on what refers to a row that is deleted: CASCADE, SET NULL or SET DEFAULT
    pairs: str


@dataclass(frozen=True, slots=True)
class Kept:
    """Rows that stay, and refer to rows that are to go."""

    table: str
    key: str
    to: str
    rows: int


@dataclass(frozen=True)
class RowDeletion:
    """Which rows are deleted, and by which statements."""

    files: Mapping[str, Sequence[TableRows]]  # of each data file that is to be emptied, in their order
    also_changed: bool
    keys: Sequence[ReferringKey]
    quiet: Sequence[tuple[int, str, str]]  # of a table: what has to be so meanwhile, and what sets it back
    events: Sequence[tuple[str, str]] = ()  # the same of event triggers

    def steps(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Yield each transaction, the last file first.

        Its file, its statements, and the files that are empty after it.
        """
        for files in self._together():
            tables = [table for file in reversed(files) for table in self.files[file]]
            found = batches([table.oid for table in tables], self._needs) or [[]]
            for batch in found:
                emptied = files if batch is found[-1] else ()
                yield files[0], self._text([self._tables[oid] for oid in batch]), emptied

    def kept(self, session: Session) -> list[Kept]:
        """Return the rows that stay and refer to rows that are to be deleted."""
        found = []
        with session.translate_errors("looking for rows that refer to those that are to go"):
            for key in self.keys:
                if not self._is_concerned(key):
                    continue
                with session.transaction(force_rollback=True):
                    session.execute("SET LOCAL row_security = off; SET LOCAL statement_timeout = 0")
                    query = "SELECT pg_catalog.count(*) " + self._staying(key)
                    (rows,) = session.execute(query.encode()).fetchone() or (0,)
                if rows:
                    names = (each.removeprefix("ONLY ") for each in (key.from_table, key.to_table))
                    found.append(Kept(next(names), key.name, next(names), rows))
        return found

    @cached_property
    def _tables(self) -> Mapping[int, TableRows]:
        return {table.oid: table for tables in self.files.values() for table in tables}

    @cached_property
    def _needs(self) -> Mapping[int, set[int]]:
        """The tables to which each table refers."""
        found: dict[int, set[int]] = defaultdict(set)
        for key in self.keys:
            found[key.child].add(key.parent)
        return found

    @cached_property
    def _users(self) -> Mapping[int, set[int]]:
        """The tables that refer to each table."""
        found: dict[int, set[int]] = defaultdict(set)
        for key in self.keys:
            found[key.parent].add(key.child)
        return found

    @cached_property
    def _acting(self) -> Mapping[int, Sequence[ReferringKey]]:
        """The keys of each table that would change or delete rows which refer to it."""
        found: dict[int, list[ReferringKey]] = defaultdict(list)
        for key in self.keys:
            if key.acts:
                found[key.parent].append(key)
        return found

    @cached_property
    def _still(self) -> Mapping[int, Sequence[tuple[str, str]]]:
        found: dict[int, list[tuple[str, str]]] = defaultdict(list)
        for table, off, on in self.quiet:
            found[table].append((off, on))
        return found

    def _together(self) -> list[tuple[str, ...]]:
        """Return the files in reverse order.

        Those between which keys point both ways are emptied together.
        """
        place = {table.oid: number for number, file in enumerate(self.files) for table in self.files[file]}
        names = list(self.files)
        joined = set()  # of each pair of neighbours the first
        for key in self.keys:
            child, parent = place.get(key.child, -1), place.get(key.parent, -1)
            if 0 <= child < parent:
                joined |= set(range(child, parent))
        found: list[tuple[str, ...]] = []
        for number in reversed(range(len(names))):
            if number in joined:
                found[-1] = (*found[-1], names[number])
            else:
                found.append((names[number],))
        return found

    def _goes(self, table: TableRows, alias: str) -> str:
        """Return the SQL condition for rows that are deleted."""
        listed = ",".join(table.transactions)
        return "true" if self.also_changed else f"{alias}xmin = ANY ('{{{listed}}}'::pg_catalog.xid[])"

    def _is_concerned(self, key: ReferringKey) -> bool:
        """Whether rows could stay that refer to rows which are deleted."""
        parent, child = self._tables[key.parent], self._tables.get(key.child)
        if not key.enforced or not (parent.rows if self.also_changed else parent.own):
            return False
        return child is None or (child.others != 0 and not self.also_changed)

    def _staying(self, key: ReferringKey) -> str:
        child = self._tables.get(key.child)
        mine = f" AND NOT ({self._goes(child, 'c.')})" if child else ""
        match = f"{self._goes(self._tables[key.parent], 'p.')} AND {key.pairs}"
        return f"FROM {key.from_table} c WHERE EXISTS (SELECT FROM {key.to_table} p WHERE {match}){mine}"

    def _text(self, tables: Sequence[TableRows]) -> str:
        truncated, beside = self._truncated(tables)
        done = {table.oid for table in truncated}
        deleted = [
            table
            for table in tables
            if table.oid not in done and (table.rows if self.also_changed else table.own)
        ]
        here = {table.oid for table in tables}
        concerned = (*truncated, *beside, *deleted, *self._reached(deleted))
        still = dict.fromkeys(each.oid for each in concerned)
        quiet = [each for oid in still for each in self._still[oid]]
        lines = [*self._locks([*truncated, *beside], deleted)]
        lines += self._checks([*truncated, *beside], deleted, here)
        events = self.events if quiet else ()
        lines += [off for off, _ in events]
        lines += [off for off, _ in quiet]
        if truncated:
            lines.append(f"TRUNCATE TABLE {', '.join(each.whole for each in (*truncated, *beside))};")
        if deleted:
            parts = (
                f"deleted_{number} AS (DELETE FROM {table.whole} WHERE {self._goes(table, '')})"  # noqa: S608 - quoted
                for number, table in enumerate(deleted)
            )
            lines.append(f"WITH {', '.join(parts)} SELECT;")  # as one, so that keys in circles hold
        if quiet:
            lines += ["SET CONSTRAINTS ALL IMMEDIATE;", *(on for _, on in quiet)]
            lines += [on for _, on in events]
        return "\n".join(lines)

    def _reached(self, deleted: Collection[TableRows]) -> list[TableRows]:
        """Return tables of the run that keys act on: their statement triggers fire even without a row."""
        children = (key.child for table in deleted for key in self._acting[table.oid])
        return [self._tables[child] for child in children if child in self._tables]

    @cached_property
    def _truncatable(self) -> Collection[int]:
        """The tables that lose all of their rows, and to which no other refers."""
        all_go = {
            oid
            for oid, table in self._tables.items()
            if self.also_changed or (table.rows is not None and not table.others)
        }
        # A key that is not enforced forbids TRUNCATE even where both tables are named (PostgreSQL 18).
        waiting = [
            key.parent
            for key in self.keys
            if key.child not in all_go or (not key.enforced and key.child != key.parent)
        ]
        while waiting:
            table = waiting.pop()
            if table in all_go:
                all_go.remove(table)
                waiting += self._needs[table]
        return all_go

    def _truncated(self, tables: Sequence[TableRows]) -> tuple[list[TableRows], list[TableRows]]:
        """Return the tables to truncate, and those, empty already, that TRUNCATE must name with them.

        See https://www.postgresql.org/docs/current/sql-truncate.html.
        """
        chosen: set[int] = set()
        for table in tables:
            if table.oid in self._truncatable and table.rows:
                more = with_referencing(table.oid, self._users)
                if more is None or len(chosen | more) > MOST_REFERENCING:
                    continue
                if table.rows >= WORTH_IT * len(more - chosen):
                    chosen |= more
        here = [table for table in tables if table.oid in chosen]
        known = {table.oid for table in tables}
        return here, [self._tables[oid] for oid in sorted(chosen - known)]

    def _locks(self, truncated: Collection[TableRows], deleted: Collection[TableRows]) -> Iterator[str]:
        if truncated:
            yield f"LOCK TABLE {', '.join(each.whole for each in truncated)} IN ACCESS EXCLUSIVE MODE;"
        names = [table.whole for table in deleted]
        names += [key.from_table for table in deleted for key in self._acting[table.oid]]
        if names:
            yield f"LOCK TABLE {', '.join(dict.fromkeys(names))} IN SHARE ROW EXCLUSIVE MODE;"

    def _checks(
        self, truncated: Collection[TableRows], deleted: Collection[TableRows], here: Collection[int]
    ) -> Iterator[str]:
        """Yield statements that fail if what was true when people agreed is true no longer."""
        if not self.also_changed:
            for table in truncated:
                yield _refusal(
                    f"FROM {table.whole} WHERE NOT ({self._goes(table, '')})",
                    f"rows came into {table.table} meanwhile",
                )
        for table in deleted:
            for key in self._acting[table.oid]:
                if key.child not in self._tables or key.child in here:
                    yield _refusal(
                        self._staying(key),
                        f"rows of {key.from_table} refer to rows that are to go, by {key.name}",
                    )


def row_deletion(
    session: Session,
    files: Mapping[str, Sequence[TableRows]],
    *,
    also_changed: bool,
) -> RowDeletion:
    """Read the keys that refer to these tables, and what to disable, or to give them, meanwhile."""
    oids = [table.oid for tables in files.values() for table in tables]
    with session.translate_errors("reading the keys of the tables that are to be emptied"):
        session.execute("SET search_path = ''")
        keys = [ReferringKey(*row) for row in session.execute(_KEYS, [oids]).fetchall()]
        question = _QUIET.replace("{of_schemas}", _OF_SCHEMAS if session.version >= 150000 else "false")
        quiet = [_quiet(*row) for row in session.execute(question, [oids]).fetchall()]
        events = [_event(*row) for row in session.execute(_EVENTS).fetchall()]
    return RowDeletion(files, also_changed, keys, quiet, events)


def refuse_kept(kept: Sequence[Kept], address: Address) -> None:
    """Raise RefusedError if rows that stay refer to rows that are to be deleted."""
    if kept:
        lines = "".join(
            f"\n  {each.rows:,} rows of {each.table} refer to {each.to}, by the key {each.key}"
            for each in kept
        )
        raise RefusedError(
            f"rows that stay in {address} refer to rows that are to go; nothing was changed:{lines}",
            do="delete or change those rows first, as you know what they are worth",
        )


def _quiet(home: int, table: str, kind: str, name: str, state: str) -> tuple[int, str, str]:
    if kind == "POLICIES":
        alter = f"ALTER TABLE ONLY {table}"
        return home, f"{alter} NO FORCE ROW LEVEL SECURITY;", f"{alter} FORCE ROW LEVEL SECURITY;"
    if kind == "IDENTITY":
        before = "DEFAULT" if state == "d" else "NOTHING"  # which is what an index that is gone amounts to
        alter = f"ALTER TABLE ONLY {table} REPLICA IDENTITY"
        return home, f"{alter} FULL;", f"{alter} {before};"
    what = f"{kind} {quoted(name)};"
    alter = f"ALTER TABLE ONLY {table}" if kind == "TRIGGER" else f"ALTER TABLE {table}"
    return home, f"{alter} DISABLE {what}", f"{alter} {_STATES[state]} {what}"


def _event(name: str, state: str) -> tuple[str, str]:
    alter = f"ALTER EVENT TRIGGER {quoted(name)}"
    return f"{alter} DISABLE;", f"{alter} {_STATES[state]};"


def _refusal(found: str, what: str) -> str:
    said = literal(f"{what}: nothing was removed here, look again with the same command")
    return do_block(f"    IF EXISTS (SELECT {found}) THEN\n        RAISE EXCEPTION '%', {said};\n    END IF;")
