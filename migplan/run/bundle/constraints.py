"""The steps of a constraints file: what goes through many rows runs side by side, with the shortest locks.

* The index of a primary key or unique constraint is built by CREATE UNIQUE INDEX, and made the constraint's
  when it is there: building it lets other indexes of the same table be built beside it, and costs the server
  half as much.
* A key of a large table is added without looking at the rows, and validated in a step of its own, behind all
  keys that are added: adding one wants a table for itself, validating lets others at it.
* Keys of small tables come behind indexes, triggers and comments: these are about one table, a key about two.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

import postgast
from postgast import pg_query_pb2 as pg

from migplan.names import QualifiedName, parse, quoted
from migplan.run.bundle.chunks import Chunk
from migplan.run.bundle.footprints import AddedKey, Families, Reading, checking, read
from migplan.run.engine.footprints import EVERYTHING, EXCLUSIVE, INDEXES, Footprint
from migplan.run.engine.steps import Statements, Step
from migplan.sql.split import Statement
from migplan.sql.tree import relation_name, sql_name, statement_tree

LARGE_BYTES = 1 << 20
"""What goes through a table with more than this is a step of its own."""

LARGE_ROWS = 100_000
"""Keys of tables with more rows than this are added first and validated later."""

_FIRST, _SECOND = "index of a constraint: ", "constraint that has the index "

# All that a constraint may say of itself which an index says, too, or which stays with the constraint.
_OF_INDEX = frozenset({"keys", "including", "options", "indexspace", "nulls_not_distinct"})
_OF_CONSTRAINT = frozenset({"contype", "conname", "deferrable", "initdeferred", "location"})

# What may come before keys that are listed before it. Row security may not, nor privileges: a key's rows are
# looked at with the rights of whoever owns the table.
_PASSES = frozenset({"comment_stmt", "create_trig_stmt"})


@dataclass(frozen=True, slots=True)
class Unique:
    """A primary key or unique constraint, as its index and what makes that the constraint's."""

    name: str
    table: str
    index: str
    building: str  # CREATE UNIQUE INDEX
    adding: str  # ALTER TABLE ... USING INDEX

    @property
    def steps(self) -> tuple[str, str]:
        """The names of its two steps, where its table is large: by them the journal knows what is left."""
        return f"{_FIRST}{self.index}", f"{_SECOND}{self.index}"


def left_indexes(done: Collection[str]) -> Iterator[QualifiedName]:
    """Yield indexes that were built for constraints which were not added then, by the names of steps."""
    for name in sorted(done):
        index = name.removeprefix(_FIRST)
        if index != name and f"{_SECOND}{index}" not in done:
            yield parse(index)


def unique_of(node: pg.Node) -> Unique | None:
    """Return the constraint that a statement adds, if its index can be built before it.

    See https://www.postgresql.org/docs/current/sql-altertable.html, ADD table_constraint_using_index.
    """
    statement = node.alter_table_stmt
    if len(statement.cmds) != 1 or statement.cmds[0].alter_table_cmd.subtype != pg.AT_AddConstraint:
        return None
    constraint = getattr(statement.cmds[0].alter_table_cmd, "def").constraint
    said = {field.name for field, _ in constraint.ListFields()}
    kinds = {pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE}
    if constraint.contype not in kinds or not constraint.conname or said - _OF_INDEX - _OF_CONSTRAINT:
        return None
    making = pg.ParseResult()
    index = making.stmts.add().stmt.index_stmt
    index.idxname, index.access_method, index.unique = constraint.conname, "btree", True
    index.relation.CopyFrom(statement.relation)
    index.relation.inh = True  # ONLY is for partitioned tables
    for names, elements in (
        (constraint.keys, index.index_params),
        (constraint.including, index.index_including_params),
    ):
        for name in names:
            element = elements.add().index_elem
            element.name = name.string.sval
            element.ordering, element.nulls_ordering = pg.SORTBY_DEFAULT, pg.SORTBY_NULLS_DEFAULT
    index.options.extend(constraint.options)
    index.table_space = constraint.indexspace
    index.nulls_not_distinct = constraint.nulls_not_distinct
    adding = pg.ParseResult()
    adding.stmts.add().stmt.CopyFrom(node)
    altered = adding.stmts[0].stmt.alter_table_stmt
    using = getattr(altered.cmds[0].alter_table_cmd, "def").constraint
    for field in _OF_INDEX:
        using.ClearField(field)
    using.indexname = constraint.conname
    table, name = statement.relation, constraint.conname
    texts = postgast.deparse(making), postgast.deparse(adding)
    return Unique(name, relation_name(table), sql_name(table.schemaname, name), *texts)


@dataclass
class ConstraintSteps:
    """Makes the steps of a constraints file."""

    file: str
    phase: str
    families: Families
    bytes: Mapping[str, int]  # of each table
    rows: Mapping[str, int]
    carried: Collection[str]  # keys that are added NOT VALID, and stay so

    def __post_init__(self) -> None:
        self._light = self._chunk()
        self._keys = self._chunk()  # of small tables
        self._keyed: set[str] = set()  # the tables that they are keys of
        self._adding: list[Step] = []  # of a table whose indexes are being listed
        self._validating: list[Step] = []  # of keys that have been added
        self._table = ""

    def steps(self, statements: Iterator[tuple[Statement, str]]) -> Iterator[Step]:
        """The steps of statements with their settings."""
        for statement, settings in statements:
            node = statement_tree(statement.text)
            reading = read(node)
            footprint = self.families.footprint(reading)
            unique = self._unique(node, reading)
            if self._adding and not (reading.index and reading.builds == self._table):
                yield from self._added_constraints()
            passes = reading.index or reading.key or node.WhichOneof("node") in _PASSES
            if footprint.everything or not passes:
                yield from self._validated(footprint)
            carried = reading.key is not None and str(reading.key) in self.carried
            weight = self.bytes.get(reading.builds or "", 0)
            if self._light.impersonating:
                yield from self._light.add(statement, settings, footprint)
            elif weight > LARGE_BYTES or carried:
                yield from self._closed() if reading.key else self._light.close()
                step = replace(self._alone(statement, settings, footprint), weight=weight)
                if unique:
                    yield self._built(step, statement, unique)
                else:
                    yield from self._large(step, statement, reading.key, carried=carried)
            else:
                if self._keyed and (footprint.everything or not passes):
                    yield from self._closed()
                yield from self._small(statement, settings, reading, footprint, unique)
        yield from self._added_constraints()
        yield from self._closed()
        yield from self._validated(EVERYTHING)

    def _unique(self, node: pg.Node, reading: Reading) -> Unique | None:
        """The constraint that a statement adds; of partitioned tables none can be made of an index."""
        if reading.index is None or reading.index[1] in self.families.partitioned:
            return None
        return unique_of(node)

    def _small(
        self,
        statement: Statement,
        settings: str,
        reading: Reading,
        footprint: Footprint,
        unique: Unique | None,
    ) -> Iterator[Step]:
        """Add what takes no time to others that do not; keys, and what is said of them, behind the rest."""
        of_key = not reading.index and any(thing in self._keyed for thing, _ in footprint.things)
        if reading.key:
            self._keyed.add(reading.key.table)
        text = f"{unique.building};\n{unique.adding};" if unique else None
        if reading.key or of_key:
            # No key is added before the index that it needs, and no other step beside it.
            if self._keys.is_complete(settings, footprint):
                yield from self._light.close()
            yield from self._keys.add(statement, settings, footprint)
        else:
            yield from self._light.add(statement, settings, footprint, text)

    def _closed(self) -> Iterator[Step]:
        """All that has been added, as steps."""
        yield from self._light.close()
        yield from self._keys.close()
        self._keyed.clear()

    def _built(self, step: Step, statement: Statement, unique: Unique) -> Step:
        """Return the step that builds a constraint's index; the other one waits for the table's next ones."""
        self._table = unique.table
        adding = _other(step, statement, f"{unique.adding};", unique.steps[1])
        self._adding.append(replace(adding, weight=0))
        building = Footprint(((unique.table, INDEXES), (unique.index, EXCLUSIVE)))
        made = _other(step, statement, f"{unique.building};", unique.steps[0])
        return replace(made, footprint=self.families.widened(building))

    def _added_constraints(self) -> Iterator[Step]:
        yield from self._adding
        self._adding = []

    def _validated(self, footprint: Footprint) -> Iterator[Step]:
        """The steps that validate keys of what a statement is about, which is to come behind them."""
        about = {thing for thing, _ in footprint.things}
        waiting, self._validating = self._validating, []
        for step in waiting:
            if footprint.everything or about & {thing for thing, _ in step.footprint.things}:
                yield step
            else:
                self._validating.append(step)

    def _large(
        self, step: Step, statement: Statement, key: AddedKey | None, *, carried: bool
    ) -> Iterator[Step]:
        if key and carried:
            yield _not_valid(step, statement, key, "and never validated")
        elif key and self._can_wait(key):
            yield replace(_not_valid(step, statement, key, "added"), weight=0)
            text = f"ALTER TABLE {key.table} VALIDATE CONSTRAINT {quoted(key.name)};"
            validated = _other(step, statement, text, f"key {key.name} of {key.table}, validated")
            self._validating.append(replace(validated, footprint=self.families.widened(checking(key))))
        else:
            yield step

    def _can_wait(self, key: AddedKey) -> bool:
        """Whether a key is added first and validated later.

        Keys to partitioned tables are not: servers up to version 17 validate only one half of them.
        """
        large = self.rows.get(key.table, 0) > LARGE_ROWS
        return key.can_wait and large and not self.families.has_parts(key.referenced)

    def _alone(self, statement: Statement, settings: str, footprint: Footprint) -> Step:
        alone = self._chunk()
        list(alone.add(statement, settings, footprint))
        (step,) = alone.close()
        return step

    def _chunk(self) -> Chunk:
        return Chunk(self.file, self.phase, whole=False)


def _not_valid(step: Step, statement: Statement, key: AddedKey, how: str) -> Step:
    body = statement.text.rstrip().removesuffix(";")
    return _other(step, statement, f"{body} NOT VALID;", f"key {key.name} of {key.table}, {how}")


def _other(step: Step, statement: Statement, text: str, name: str) -> Step:
    """Return the step with another text in place of its statement."""
    piece = Statements(statement.start, statement.end, statement.line, text)
    return replace(step, name=name, segments=(piece,))
