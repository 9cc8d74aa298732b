"""What a step concerns, and in which way: steps that do not get into each other's way run side by side.

Two keys never share a table while they are added, for each locks both of its tables and they could wait for
each other; indexes of one table are built side by side; a key that is only checked needs neither.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.names import QualifiedName, quoted

LOADS = "loads"
REFERS = "refers"
INDEXES = "indexes"
CHECKS = "checks"
PARTS = "parts"  # something is done to a part of it
EXCLUSIVE = "exclusive"


@dataclass(frozen=True, slots=True)
class Footprint:
    """Things by name, and what is done to each. Many can do the same to a table, unless that is EXCLUSIVE."""

    things: tuple[tuple[str, str], ...] = ()
    everything: bool = False


EVERYTHING = Footprint(everything=True)


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
    return _READERS[kind](getattr(node, kind)) if kind in _READERS else Reading(EVERYTHING)


def joined(footprints: Iterable[Footprint]) -> Footprint:
    """The footprint of a step that does several things one after the other."""
    things: dict[str, str] = {}
    for footprint in footprints:
        if footprint.everything:
            return EVERYTHING
        for thing, how in footprint.things:
            things[thing] = how if things.get(thing, how) == how else EXCLUSIVE
    return Footprint(tuple(things.items()))


def checking(key: AddedKey) -> Footprint:
    """Of the validation of a key: others of the same table wait, those to the same table do not."""
    things = {key.referenced: CHECKS, key.table: CHECKS, f"the keys of {key.table}": EXCLUSIVE}
    return Footprint(tuple(things.items()))


def _index(statement: pg.IndexStmt) -> Reading:
    table = name_of(statement.relation)
    index = str(QualifiedName(statement.relation.schemaname, statement.idxname))
    return Reading(Footprint(((table, INDEXES), (index, EXCLUSIVE))), builds=table, index=(index, table))


def _altered(statement: pg.AlterTableStmt) -> Reading:
    table = name_of(statement.relation)
    things, builds, key, index = [table], None, None, None
    for each in statement.cmds:
        command = each.alter_table_cmd
        constraint = getattr(command, "def").constraint
        if command.subtype == pg.AT_AddConstraint:
            builds = table
            things.append(str(QualifiedName(statement.relation.schemaname, constraint.conname)))
            if constraint.contype == pg.CONSTR_FOREIGN:
                key = _key(statement, constraint)
                things.append(key.referenced)
            else:
                index = (things[-1], table)
        elif command.subtype == pg.AT_AttachPartition:
            things.append(name_of(getattr(command, "def").partition_cmd.name))
        elif command.subtype in {pg.AT_ClusterOn, pg.AT_ReplicaIdentity}:
            used = command.name or getattr(command, "def").replica_identity_stmt.name
            things.append(str(QualifiedName(statement.relation.schemaname, used)))
    return Reading(_alone(things).footprint, builds=builds, key=key, index=index)


def _key(statement: pg.AlterTableStmt, constraint: pg.Constraint) -> AddedKey:
    # ONLY is what pg_dump writes for every table that is not partitioned; of those that are, keys could not
    # be added NOT VALID before PostgreSQL 18.
    only = not statement.relation.inh and len(statement.cmds) == 1
    return AddedKey(
        constraint.conname,
        name_of(statement.relation),
        name_of(constraint.pktable),
        can_wait=only and not constraint.skip_validation and constraint.is_enforced,
    )


def _comment(statement: pg.CommentStmt) -> Reading:
    names = _strings(statement.object)
    return _alone([str(QualifiedName(*names[:2]))]) if len(names) > 1 else Reading(EVERYTHING)


def _alone(names: Iterable[str]) -> Reading:
    return Reading(Footprint(tuple((name, EXCLUSIVE) for name in dict.fromkeys(names))))


def name_of(relation: pg.RangeVar) -> str:
    """A relation as things are called here."""
    return str(QualifiedName(relation.schemaname, relation.relname))


def _strings(node: Any) -> list[str]:
    return list(_within(node.list.items)) if node.HasField("list") else []


def _within(items: Iterable[Any]) -> Iterator[str]:
    for item in items:
        if item.HasField("string"):
            yield item.string.sval


_READERS: dict[str | None, Callable[[Any], Reading]] = {
    "index_stmt": _index,
    "alter_table_stmt": _altered,
    "comment_stmt": _comment,
    "create_trig_stmt": lambda statement: _alone([name_of(statement.relation)]),
    "create_policy_stmt": lambda statement: _alone([name_of(statement.table)]),
    "create_stats_stmt": lambda statement: _alone(name_of(each.range_var) for each in statement.relations),
}
