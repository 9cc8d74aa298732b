"""Whether a bundle's order agrees with its keys, as its SQL alone tells it.

Places are compared, not file names: a key holds for the rows that come in behind the statement which
creates it, in either layout.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.bundle.check.problem import Kind, Problem
from migplan.config import Strategy
from migplan.names import QualifiedName

# These load rows whose keys cannot hold at once.
_OUT_OF_ORDER = frozenset({Strategy.DEFERRED, Strategy.NULL_THEN_UPDATE, Strategy.CONSTRAINT_LATER})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a bundle; the one that runs first is the smaller one."""

    number: int  # of the file
    offset: int
    line: int
    file: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class DeclaredKey:
    """A foreign key that a statement creates."""

    name: str
    table: str
    referenced: str
    place: Place


class Order:
    """What the files create, attach, require and fill, gathered as they are read."""

    def __init__(self) -> None:
        self._created: dict[str, Place] = {}
        self._homes: dict[str, str] = {}  # of a partition: the table that it is a part of
        self._keys: list[DeclaredKey] = []
        self._filled: dict[str, list[Place]] = {}

    @property
    def referenced(self) -> frozenset[str]:
        """The tables that keys refer to."""
        return frozenset(key.referenced for key in self._keys)

    def fill(self, table: str, place: Place) -> None:
        """Rows come into a table."""
        self._filled.setdefault(table, []).append(place)

    def run(self, node: pg.Node, place: Place) -> None:
        """A statement runs."""
        if node.HasField("create_stmt"):
            self._create(node.create_stmt, place)
        elif node.HasField("create_foreign_table_stmt"):
            self._create(node.create_foreign_table_stmt.base_stmt, place)
        elif node.HasField("alter_table_stmt"):
            self._alter(node.alter_table_stmt, place)

    def root(self, table: str) -> str:
        """The table itself, or the one whose partition it is, however deep."""
        return self._lineage(table)[-1]

    def _lineage(self, table: str) -> list[str]:
        lineage = [table]
        while (home := self._homes.get(lineage[-1])) is not None and home not in lineage:
            lineage.append(home)
        return lineage

    def problems(self, strategies: Mapping[str, Strategy], promised: Collection[str]) -> Iterator[Problem]:
        """What comes too early. A table that was not ``promised`` may be on the target already."""
        for key in self._keys:
            yield from self._creation(key, promised)
        filled = self._with_partitions()
        for key in self._keys:
            if key.table != key.referenced and strategies.get(self.root(key.table)) not in _OUT_OF_ORDER:
                yield from _filling(key, filled.get(key.table, []), filled.get(key.referenced, []))

    def _creation(self, key: DeclaredKey, promised: Collection[str]) -> Iterator[Problem]:
        created = self._created.get(key.referenced)
        if created is None:
            if key.referenced in promised:
                yield _problem(key.place, f"{key.name} refers to {key.referenced}, which no file creates")
        elif created > key.place:
            yield _problem(
                key.place, f"{key.name} refers to {key.referenced}, which is created later, at {created}"
            )

    def _with_partitions(self) -> Mapping[str, list[Place]]:
        """Where rows come in, of each table or of its partitions, in their order."""
        filled: dict[str, list[Place]] = {}
        for table, places in self._filled.items():
            for each in self._lineage(table):
                filled.setdefault(each, []).extend(places)
        for places in filled.values():
            places.sort()
        return filled

    def _create(self, create: pg.CreateStmt, place: Place) -> None:
        table = name_of(create.relation)
        self._created.setdefault(table, place)
        if create.HasField("partbound"):
            self._homes[table] = name_of(create.inh_relations[0].range_var)
        for element in (*create.table_elts, *create.constraints):
            self._require(table, element, place)

    def _alter(self, alter: pg.AlterTableStmt, place: Place) -> None:
        table = name_of(alter.relation)
        for node in alter.cmds:
            command = node.alter_table_cmd
            definition: pg.Node = getattr(command, "def")  # a field that is called as a word of Python's
            if command.subtype == pg.AT_AttachPartition:
                self._homes[name_of(definition.partition_cmd.name)] = table
            elif command.subtype in {pg.AT_AddConstraint, pg.AT_AddColumn}:
                self._require(table, definition, place)

    def _require(self, table: str, element: pg.Node, place: Place) -> None:
        """Note the keys among a column's or a table's constraints."""
        for node in (element, *element.column_def.constraints):
            constraint = node.constraint
            if constraint.contype == pg.CONSTR_FOREIGN and constraint.is_enforced:
                referenced = name_of(constraint.pktable)
                name = constraint.conname or f"a key of {table}"
                self._keys.append(DeclaredKey(name, table, referenced, place))


def name_of(relation: Any) -> str:
    """A table of a statement, as the manifest has it."""
    return QualifiedName(relation.schemaname, relation.relname).seen_from("")


def _filling(key: DeclaredKey, rows: Sequence[Place], referenced: Sequence[Place]) -> Iterator[Problem]:
    """Rows that a key already binds, and that come in before rows to which they may refer."""
    first = bisect_right(rows, key.place)
    if first < len(rows) and referenced and referenced[-1] > rows[first]:
        needed = f"rows of {key.referenced} ({referenced[-1]})"
        yield _problem(rows[first], f"rows of {key.table} come before {needed}, which {key.name} needs")


def _problem(place: Place, what: str) -> Problem:
    return Problem(Kind.ORDER, place.file, place.line, what, "plan and export anew")
