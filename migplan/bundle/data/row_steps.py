"""What a data file does, table by table: which rows in which order, and what is done around them.

A *step* is done whole or not at all. Most steps are one table; the tables of a circle that is cut open by
deferring a key, or by taking it away for a while, share one.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from migplan.bundle.data.steps import DataStep, Part, RowBlock, Sql, loaded_columns
from migplan.bundle.schema.ownership import Ownership, is_unproven
from migplan.catalog.model import PAGE, ForeignKey, Key, Table
from migplan.config import Strategy
from migplan.errors import PlanError
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.plan.cuts import nullable_columns
from migplan.plan.model import Plan, PlannedGroup, PlannedTable
from migplan.plan.treatment import keys_treated

CHUNK_PAGES = 32768
"""Pages of a table (256 MB) that make one COPY block: large tables are read, and loaded, side by side."""

LIVE_CHUNK_PAGES = 16384
"""The same where rows come live from the source: what waits for the last chunk begins sooner."""

KEY = "FK CONSTRAINT"

_Size = tuple[int | None, int | None]
"""Rows and bytes, about; None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Suspended:
    """A key, check or rule that is dropped while rows come in, and created again behind them."""

    name: str
    kind: str  # as pg_dump calls it
    drop: str
    create: str


def suspendable(ownership: Ownership, kinds: Collection[str]) -> dict[QualifiedName, list[Suspended]]:
    """Return what of those kinds each table has, to be dropped and created again with its comment."""
    comments = {
        need: entry.definition.strip()
        for entry in ownership.entries.values()
        if entry.kind == "COMMENT"
        for need in entry.needs
    }
    found: dict[QualifiedName, list[Suspended]] = {}
    for number, owner in ownership.owner.items():
        entry = ownership.entries[number]
        if entry.kind in kinds or (is_unproven(entry) and KEY in kinds):
            create = "\n".join(filter(None, (entry.definition.strip(), comments.get(number))))
            name = entry.tag.removeprefix(f"{owner.name} ")
            found.setdefault(owner, []).append(Suspended(name, entry.kind, entry.drop.strip(), create))
    return found


def trigger_states(ownership: Ownership) -> dict[QualifiedName, list[str]]:
    """Return the statements for triggers of partitions whose state is not that of the table's trigger."""
    found: dict[QualifiedName, list[str]] = {}
    for number, owner in ownership.owner.items():
        entry = ownership.entries[number]
        if entry.kind == "TRIGGER" and entry.definition.lstrip().startswith("ALTER TABLE"):
            found.setdefault(owner, []).append(entry.definition.strip())
    return found


@dataclass(frozen=True)
class LoadSteps:
    """Makes the steps of data files from the plan."""

    graph: ForeignKeyGraph
    plan: Plan
    live: bool  # keys, triggers and policies are in force while the rows come in
    suspended: Mapping[QualifiedName, Sequence[Suspended]] = field(default_factory=dict)  # by table
    states: Mapping[QualifiedName, Sequence[str]] = field(default_factory=dict)  # of triggers of partitions
    from_source: bool = False  # the rows come live, by COPY
    whole: bool = False  # every table is one block, however large

    def steps(self, group: PlannedGroup) -> Iterator[DataStep]:
        """Yield the steps of a group's data file, in their order."""
        planned = {table.table: table for table in group.tables}
        names = self.graph.by_text
        done: set[str] = set()
        for text, table in planned.items():
            if text in done:
                continue
            # While keys are in force, the tables of a circle must come in one transaction.
            circles = self.graph.circles if self.live else ()
            circle = next((each for each in circles if names[text] in each), {names[text]})
            together = (
                [each for each in planned.values() if names[each.table] in circle]
                if len(circle) > 1
                else [table]
            )
            done |= {each.table for each in together}
            yield self._step([(names[each.table], each) for each in together])
        for text, table in planned.items():
            if self.live and self._treated(names[text], table, Strategy.NULL_THEN_UPDATE):
                yield self._second_pass(names[text], table)

    def _step(self, tables: Sequence[tuple[QualifiedName, PlannedTable]]) -> DataStep:
        before: list[str] = []
        after: list[str] = []
        rows: list[Part] = []
        for name, planned in tables:
            if self.live:
                before += _disable_triggers(self.graph.families[name])
                after += self._restored(name)
                before += [
                    f"SET CONSTRAINTS {_constraint(key)} DEFERRED;"
                    for key in self._treated(name, planned, Strategy.DEFERRED)
                    if key.deferrable
                ]
                suspended = self._suspended(name, planned)
                before += [each.drop for each in suspended]
                after = [each.create for each in suspended] + after
            rows += self._rows(name, planned)
        if after and any(self._can_wait(name) for name, _ in tables):
            after = ["SET CONSTRAINTS ALL IMMEDIATE;", *after]  # no table is altered while a check is pending
        parts: list[Part] = [*_sql(before), *rows, *_sql(after)]
        names = tuple(planned.table for _, planned in tables)
        needs = self._needs([name for name, _ in tables]) - set(names)
        return DataStep(", ".join(names), self._comment(tables), tuple(parts), names, tuple(sorted(needs)))

    def _comment(self, tables: Sequence[tuple[QualifiedName, PlannedTable]]) -> tuple[str, ...]:
        at_once = "; live rows come in one COPY, which checks keys at its end"
        return tuple(
            f"{planned.table}, {planned.strategy.value}: {planned.reason}"
            + at_once * (self.from_source and bool(self._levels(name, planned)))
            for name, planned in tables
        )

    def _levels(self, name: QualifiedName, planned: PlannedTable) -> tuple[ForeignKey, ...]:
        return self._treated(name, planned, Strategy.LEVELS) if self.live else ()

    def _second_pass(self, name: QualifiedName, planned: PlannedTable) -> DataStep:
        family = self.graph.families[name]
        parts = _values_in_second_pass(self.graph.tables[name], self._nulled(name, planned))
        return DataStep(
            f"{name}, second pass",
            (f"{name}: the values that were loaded as NULL",),
            (*_sql(_disable_triggers(family)), *parts, *_sql(self._restored(name))),
            (str(name),),
            tuple(sorted(self._needs([name]))),
        )

    def _needs(self, names: Sequence[QualifiedName]) -> set[str]:
        """Return the tables that must be loaded before, because rows of these refer to theirs."""
        return {str(need) for name in names for need in self.graph.needs[name]} if self.live else set()

    def _rows(self, name: QualifiedName, planned: PlannedTable) -> Iterator[RowBlock]:
        table = self.graph.tables[name]
        if not planned.brings_rows:
            return
        nulled = self._nulled(name, planned) if self.live else frozenset()
        levels = self._levels(name, planned)
        if levels and self.from_source:  # one COPY, which checks keys at its end: nobody reads its rows here
            yield _in_one(table, self._size(name), nulled)
            return
        if levels:
            yield from _levels(table, levels, self._size(name), nulled)
            return
        if self.live and self._treated(name, planned, Strategy.COPY):
            yield _in_one(table, self._size(name), nulled)
            return
        for leaf in self._leaves(name):
            yield from _chunks(leaf, nulled, self._chunk_pages)

    @property
    def _chunk_pages(self) -> int | None:
        if self.whole:
            return None
        return LIVE_CHUNK_PAGES if self.from_source else CHUNK_PAGES

    def _treated(self, name: QualifiedName, planned: PlannedTable, how: Strategy) -> tuple[ForeignKey, ...]:
        return keys_treated(how, name, planned, self.plan, self.graph)

    def _nulled(self, name: QualifiedName, planned: PlannedTable) -> frozenset[str]:
        """Return the columns that are loaded as NULL at first."""
        keys = self._treated(name, planned, Strategy.NULL_THEN_UPDATE)
        return frozenset(column for key in keys for column in nullable_columns(key, name, self.graph))

    def _suspended(self, name: QualifiedName, planned: PlannedTable) -> list[Suspended]:
        """Return rules, checks that rows may break, and the keys that the plan creates later."""
        later = {(key.table, key.name) for key in self._treated(name, planned, Strategy.CONSTRAINT_LATER)}
        return [
            each
            for table in self.graph.families[name]
            for each in self.suspended.get(table.name, ())
            if each.kind != KEY or (table.name, each.name) in later
        ]

    def _restored(self, name: QualifiedName) -> list[str]:
        family = self.graph.families[name]
        states = (state for table in family for state in self.states.get(table.name, ()))
        return [*_enable_triggers(family), *states]

    def _can_wait(self, name: QualifiedName) -> bool:
        """Return whether checks of the table can be pending until the end of the transaction."""
        foreign = (*self.graph.keys_of(name), *self.graph.self_keys.get(name, ()))
        family = self.graph.families[name]
        own = [key for table in family for key in table.keys]
        return (
            any(key.deferrable for key in foreign)
            or any(key.deferrable for key in own)
            or any("DEFERRABLE" in each.definition for table in family for each in table.exclusions)
        )

    def _leaves(self, name: QualifiedName) -> list[Table]:
        return [table for table in self.graph.families[name] if table.partition_key is None]

    def _size(self, name: QualifiedName) -> _Size:
        return self.graph.rows[name].count, self._bytes(name)

    def _bytes(self, name: QualifiedName) -> int | None:
        sizes = [table.table_bytes for table in self._leaves(name)]
        return None if None in sizes else sum(size or 0 for size in sizes)


def _block(table: Table, query: str, size: _Size) -> RowBlock:
    """Return rows for all columns of a table that are not generated."""
    columns = loaded_columns(table)
    identity = any(column.identity for column in table.columns)
    types = tuple(table.column(name).type for name in columns)
    return RowBlock(
        str(table.name), columns, query, identity=identity, rows=size[0], bytes=size[1], types=types
    )


def _chunks(table: Table, nulled: frozenset[str], chunk_pages: int | None) -> Iterator[RowBlock]:
    """Yield the table as one block, or as several if it is large; the blocks depend on its size alone."""
    shown = ", ".join("NULL" if name in nulled else quoted(name) for name in loaded_columns(table))
    bounds = table.parts(chunk_pages * PAGE) if chunk_pages else [0]
    for number, start in enumerate(bounds):
        end = bounds[number + 1] if number + 1 < len(bounds) else None
        query = f"SELECT {shown} FROM ONLY {table.name}"  # noqa: S608 - the names are quoted
        if len(bounds) > 1:
            query += f" WHERE ctid >= '({start},0)'::pg_catalog.tid"
            query += f" AND ctid < '({end},0)'::pg_catalog.tid" if end is not None else ""
        size = None if table.table_bytes is None else table.table_bytes // len(bounds)
        rows = None if table.rows is None else _share(table.rows, number, len(bounds))
        yield _block(table, query, (rows, size))


def _share(whole: int, number: int, parts: int) -> int:
    """Return one of so many parts of a number, which together are the number."""
    return whole * (number + 1) // parts - whole * number // parts


def _in_one(table: Table, size: _Size, nulled: frozenset[str]) -> RowBlock:
    """Return the table, with its partitions, as one COPY, which checks its keys to itself at its end."""
    shown = ", ".join("NULL" if name in nulled else f"t.{quoted(name)}" for name in loaded_columns(table))
    query = f"SELECT {shown} FROM {table.only}{table.name} t"  # noqa: S608 - the names are quoted
    return _block(table, query, size)


def _disable_triggers(family: Sequence[Table]) -> list[str]:
    """Return what disables triggers, which would change rows, and forced policies, which would hide them."""
    lines = []
    for table in family:
        if table.triggers:
            lines.append(f"ALTER TABLE {table.name} DISABLE TRIGGER USER;")
        if table.force_row_security:
            lines.append(f"ALTER TABLE {table.name} NO FORCE ROW LEVEL SECURITY;")
    return lines


_STATES = {"origin": "ENABLE", "replica": "ENABLE REPLICA", "always": "ENABLE ALWAYS"}


def _enable_triggers(family: Sequence[Table]) -> list[str]:
    lines = []
    for table in family:
        lines += [
            f"ALTER TABLE {table.name} {_STATES[trigger.enabled]} TRIGGER {quoted(trigger.name)};"
            for trigger in table.triggers
            if trigger.enabled in _STATES
        ]
        if table.force_row_security:
            lines.append(f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY;")
    return lines


def _constraint(key: ForeignKey) -> str:
    return str(QualifiedName(key.table.schema, key.name))


def _sql(lines: Sequence[str]) -> list[Sql]:
    return [Sql("\n".join(lines))] if lines else []


# --- levels: rows that refer to no other row of the table first, then the others, parents before children


def _levels(
    table: Table, keys: tuple[ForeignKey, ...], size: _Size, nulled: frozenset[str] = frozenset()
) -> Iterator[RowBlock]:
    """Yield the two passes of a hierarchy, each a COPY block of its own.

    The order within the second does not matter to COPY, which checks keys at its end; it matters to INSERT
    batches, and to whoever reads the file. A row's level is the longest way up to a row without parents.
    """
    shown = ", ".join("NULL" if name in nulled else f"t.{quoted(name)}" for name in loaded_columns(table))
    rows = f"{table.only}{table.name} t"
    is_root = " AND ".join(map(_refers_to_no_other, keys))
    # The columns by which children find a row are numbered, because keys may share columns.
    found_by = ", ".join(
        f"t.{quoted(there)} AS k{number}_{place}"
        for number, key in enumerate(keys)
        for place, there in enumerate(key.referenced_columns)
    )
    follows = " OR ".join(f"({_follows(number, key)})" for number, key in enumerate(keys))
    order = _heap_order(table)
    roots = f"SELECT {shown} FROM {rows} WHERE {is_root} ORDER BY {order}"  # noqa: S608 - names are quoted
    rest = f"""\
WITH RECURSIVE level AS (
  SELECT t.tableoid AS part, t.ctid AS place, 0 AS depth, {found_by} FROM {rows} WHERE {is_root}
  UNION
  SELECT t.tableoid, t.ctid, level.depth + 1, {found_by} FROM {rows} JOIN level ON ({follows})
    AND level.depth < {DEEPEST}
)
SELECT {shown} FROM {rows}
LEFT JOIN (SELECT part, place, max(depth) AS depth FROM level GROUP BY part, place) l
  ON l.part = t.tableoid AND l.place = t.ctid
WHERE NOT ({is_root})
ORDER BY l.depth NULLS LAST, {order}"""  # noqa: S608 - the names are quoted
    yield _block(table, roots, (None, size[1]))  # how many these are is not estimated
    yield _block(table, rest, size)


def _heap_order(table: Table) -> str:
    """Return the order of the rows ``t`` in their heaps; partitions by name, for their oids tell nothing."""
    part = 't.tableoid::pg_catalog.regclass::pg_catalog.text COLLATE pg_catalog."C", '
    return f"{part if table.partition_key else ''}t.ctid"


# Rows that refer to each other in a circle have no level; they come last, in a COPY that checks at its end.
DEEPEST = 10_000


def _refers_to_no_other(key: ForeignKey) -> str:
    """Return the condition that a row ``t`` refers to nothing, or to itself."""
    nothing = " OR ".join(f"t.{quoted(name)} IS NULL" for name in key.columns)
    pairs = zip(key.columns, key.referenced_columns, strict=True)
    itself = " AND ".join(f"t.{quoted(here)} = t.{quoted(there)}" for here, there in pairs)
    return f"({nothing} OR ({itself}))"


def _follows(number: int, key: ForeignKey) -> str:
    """Return the condition that a row ``t`` refers to one of the level above, and not to itself."""
    match = " AND ".join(
        f"t.{quoted(here)} = level.k{number}_{place}" for place, here in enumerate(key.columns)
    )
    return f"{match} AND NOT {_refers_to_no_other(key)}"


# --- null-then-update: the second pass, which sets what was loaded as NULL


SCRATCH = "migplan_second_pass"


def _values_in_second_pass(table: Table, nulled: frozenset[str]) -> tuple[Part, ...]:
    """Return statements that copy the values into a temporary table, and update the rows by a unique key."""
    values = tuple(column.name for column in table.columns if column.name in nulled)
    identity = _identity(table, frozenset(values)).columns
    columns = (*identity, *values)
    shown = quoted_list(columns)
    some = " OR ".join(f"{quoted(name)} IS NOT NULL" for name in values)
    rows = f"{table.only}{table.name} t"
    query = f"SELECT {shown} FROM {rows} WHERE {some} ORDER BY {_heap_order(table)}"  # noqa: S608 - quoted
    assignments = ", ".join(f"{quoted(name)} = s.{quoted(name)}" for name in values)
    match = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in identity)
    return (
        Sql(
            f"CREATE TEMPORARY TABLE {SCRATCH} ON COMMIT DROP AS\n"  # noqa: S608 - the names are quoted
            f"  SELECT {shown} FROM {table.name} WITH NO DATA;"
        ),
        RowBlock(
            f"pg_temp.{SCRATCH}",
            columns,
            query,
            counted=False,
            types=tuple(table.column(name).type for name in columns),
        ),
        Sql(
            f"UPDATE {table.only}{table.name} t SET {assignments}\n"  # noqa: S608
            f"  FROM pg_temp.{SCRATCH} s WHERE {match};"
        ),
    )


def _identity(table: Table, changing: frozenset[str]) -> Key:
    """Return a key of NOT NULL columns that the second pass does not change; PlanError if there is none."""
    for key in table.keys:
        if not changing.intersection(key.columns) and all(
            table.column(name).not_null for name in key.columns
        ):
            return key
    raise PlanError(
        f"{table.name} cannot be loaded by null-then-update: no primary or unique key tells its rows apart",
        do="give it a primary key, or set its strategy to constraint-later in the plan",
    )
