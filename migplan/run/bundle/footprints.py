"""The footprints of statements in constraints files: what each touches, so that many run side by side.

Two keys never share a table while they are added, for each locks both of its tables and they could wait for
each other; indexes of one table are built side by side; a key that is only checked needs neither.

What is done to a table reaches its partitions and the tables that inherit from it. Partitions are worked on
side by side, and what touches the whole waits for all of them: a key to a partitioned table needs its primary
key, which is valid only once the last partition's index is attached.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from postgast import pg_query_pb2 as pg

from migplan.names import quoted
from migplan.run.engine.footprints import CHECKS, EVERYTHING, EXCLUSIVE, INDEXES, PARTS, Footprint, joined
from migplan.sql.effects import effects
from migplan.sql.tree import relation_name, sql_name, statement_tree, words

_FOUNDING = re.compile(r"\bATTACH\s+PARTITION\b|\bINHERITS\s*\(|\bPARTITION\s+BY\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AddedKey:
    """A foreign key that a statement adds, and how it could be checked later."""

    name: str
    table: str
    referenced: str
    can_wait: bool  # it may be added without a look at the rows, and validated in a transaction of its own

    def __str__(self) -> str:
        """``rooms_hotel_fkey of public.rooms``."""
        return f"{quoted(self.name)} of {self.table}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A statement, read."""

    footprint: Footprint
    builds: str | None = None  # the table whose rows it has to go through
    key: AddedKey | None = None
    index: tuple[str, str] | None = None  # that it makes, and its table


def read(node: pg.Node) -> Reading:
    """What a statement of a constraints file concerns; everything, where we do not know better."""
    kind = node.WhichOneof("node")
    return _READERS[kind](node) if kind in _READERS else Reading(EVERYTHING)


def checking(key: AddedKey) -> Footprint:
    """Of the validation of a key: others of the same table wait, those to the same table do not."""
    things = {key.referenced: CHECKS, key.table: CHECKS, f"the keys of {key.table}": EXCLUSIVE}
    return Footprint(tuple(things.items()))


def _index(node: pg.Node) -> Reading:
    found = effects(node)
    index, table = found.creates[0].name, found.alters[0].name
    return Reading(Footprint(((table, INDEXES), (index, EXCLUSIVE))), builds=table, index=(index, table))


def _altered(node: pg.Node) -> Reading:
    found, statement = effects(node), node.alter_table_stmt
    table = found.alters[0].name
    # The index of a constraint has its name, and the schema of its table.
    constraints = [each for each in found.creates if each.type == pg.OBJECT_TABCONSTRAINT]
    made = [sql_name(each.schema, each.parts[1]) for each in constraints]
    things = [table, *made, *(each.name for each in (*found.refers, *(key.referenced for key in found.keys)))]
    # ONLY is what pg_dump writes for every table that is not partitioned; of those that are, keys could not
    # be added NOT VALID before PostgreSQL 18.
    only = not statement.relation.inh and len(statement.cmds) == 1
    keys = [
        AddedKey(each.name, table, each.referenced.name, can_wait=only and each.valid and each.enforced)
        for each in found.keys
    ]
    return Reading(
        _alone(things).footprint,
        builds=table if made else None,
        key=keys[-1] if keys else None,
        index=(made[-1], table) if made and not keys else None,
    )


def _comment(node: pg.Node) -> Reading:
    names = words(node.comment_stmt.object.list.items)
    return _alone([sql_name(*names[:2])]) if len(names) > 1 else Reading(EVERYTHING)


def _on_table(node: pg.Node) -> Reading:
    found = effects(node)
    return _alone(each.name for each in (*found.alters, *found.refers))


def _alone(names: Iterable[str]) -> Reading:
    return Reading(Footprint(tuple((name, EXCLUSIVE) for name in dict.fromkeys(names))))


_READERS: dict[str | None, Callable[[pg.Node], Reading]] = {
    "index_stmt": _index,
    "alter_table_stmt": _altered,
    "comment_stmt": _comment,
    "create_trig_stmt": _on_table,
    "create_policy_stmt": _on_table,
    "create_stats_stmt": _on_table,
}


class Families:
    """What is known of them, from the statements seen so far."""

    def __init__(self) -> None:
        self.partitioned: set[str] = set()
        self._parents: dict[str, set[str]] = {}
        self._table_of: dict[str, str] = {}  # of each index

    def see(self, text: str) -> None:
        """Learn from a statement that makes tables."""
        if not _FOUNDING.search(text):
            return
        node = statement_tree(text)
        if node.create_stmt.HasField("partspec"):
            self.partitioned.add(relation_name(node.create_stmt.relation))
        for each in effects(node).children:
            self._parents.setdefault(each.child.name, set()).add(each.parent.name)

    def footprint(self, reading: Reading) -> Footprint:
        """What a statement concerns, the families of its tables included."""
        if reading.index:
            index, table = reading.index
            self._table_of[index] = table
        return self.widened(reading.footprint)

    def has_parts(self, table: str) -> bool:
        """Whether it is partitioned, or has heirs."""
        return any(table in parents for parents in self._parents.values())

    def widened(self, footprint: Footprint) -> Footprint:
        """A footprint of tables (or their indexes), and of those that they are parts of."""
        if footprint.everything:
            return footprint
        found = dict(footprint.things)
        for thing, how in footprint.things:
            table = self._table_of.get(thing)
            if table and how == EXCLUSIVE:
                found.setdefault(table, PARTS)
            for above in self._above(table or thing):
                found.setdefault(above, PARTS)
        return joined([Footprint(tuple(found.items()))])

    def _above(self, table: str) -> Iterator[str]:
        for parent in sorted(self._parents.get(table, ())):
            yield parent
            yield from self._above(parent)
