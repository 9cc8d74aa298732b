"""Statements about tables, views, indexes and sequences."""

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.constraints import column, columns_in, constraint, owned_sequence
from migplan.migrations.uses.scope import EVERY_COLUMN, Scope, dotted
from migplan.sql.default_names import index_name, index_name_parts
from migplan.sql.tree import definition, words


def create(scope: Scope, statement: pg.CreateStmt) -> None:
    """CREATE TABLE, with its columns, constraints, parents and parts."""
    relation = statement.relation
    if relation.relpersistence == "t":
        scope.temporary.add(relation.relname)
        expressions.every(scope, statement.table_elts)
        return
    schema, name, tolerant = relation.schemaname, relation.relname, statement.if_not_exists
    detail = "p" if statement.HasField("partbound") else "r"
    table = scope.creates(ThingKind.TABLE, schema, name, tolerant=tolerant, detail=detail)
    with scope.unless_there(table if tolerant else None):
        again = _same_indexes(statement)
        for node in statement.table_elts:
            if node.HasField("column_def"):
                column(scope, table, relation, node.column_def, tolerant=tolerant, but=again)
        for node in statement.table_elts:
            if node.HasField("constraint") and node.constraint not in again:
                constraint(scope, table, relation, node.constraint, tolerant=tolerant)
        if _inherits(scope, statement, table):
            scope.creates(ThingKind.COLUMN, schema, name, EVERY_COLUMN, tolerant=True, of=table)
        for field in ("partbound", "partspec"):
            if statement.HasField(field):
                expressions.read(scope, getattr(statement, field))


def _same_indexes(statement: pg.CreateStmt) -> list[pg.Constraint]:
    """The UNIQUE constraints without a name that the server leaves out: others have the same columns."""
    found = [
        (words(node.constraint.keys), node.constraint)
        for node in statement.table_elts
        if node.HasField("constraint")
    ]
    found += [
        ((element.column_def.colname,), node.constraint)
        for element in statement.table_elts
        for node in element.column_def.constraints
    ]
    found = [(keys, each) for keys, each in found if each.contype in {pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE}]
    found.sort(key=lambda item: (item[1].contype != pg.CONSTR_PRIMARY, not item[1].conname))
    seen: set[tuple[str, ...]] = set()
    again = []
    for keys, each in found:
        if keys in seen and each.contype == pg.CONSTR_UNIQUE and not each.conname:
            again.append(each)
        seen.add(keys)
    return again


def _inherits(scope: Scope, statement: pg.CreateStmt, table: Thing) -> bool:
    """Whether the table has columns of others: parents, a type, or a table that it is to be like."""
    others = [node.range_var for node in statement.inh_relations]
    others += [
        node.table_like_clause.relation for node in statement.table_elts if node.HasField("table_like_clause")
    ]
    for other in others:
        if other in [node.range_var for node in statement.inh_relations]:
            with scope.made(table):
                scope.relation(other)
        else:
            scope.relation(other)
    if statement.HasField("of_typename"):
        with scope.made(table):
            scope.type(statement.of_typename)
    return bool(others) or statement.HasField("of_typename")


def create_foreign(scope: Scope, statement: pg.CreateForeignTableStmt) -> None:
    """CREATE FOREIGN TABLE, and the server it is on."""
    create(scope, statement.base_stmt)
    scope.add("needs", Thing(ThingKind.OTHER, f"server {dotted(statement.servername)}"))


def create_as(scope: Scope, statement: pg.CreateTableAsStmt) -> None:
    """CREATE TABLE AS, CREATE MATERIALIZED VIEW."""
    scope.runs = not statement.into.skip_data
    into = statement.into.rel
    if statement.objtype == pg.OBJECT_MATVIEW:
        with scope.made(Thing(ThingKind.TABLE, dotted(scope.home(into.schemaname), into.relname))):
            expressions.read(scope, statement.query)
    else:
        expressions.read(scope, statement.query)
    expressions.made_from_query(scope, statement.into, tolerant=statement.if_not_exists)


def create_view(scope: Scope, statement: pg.ViewStmt) -> None:
    """CREATE VIEW."""
    view = statement.view
    if view.relpersistence == "t":
        expressions.read(scope, statement.query)
        scope.temporary.add(view.relname)
        return
    with scope.made(Thing(ThingKind.TABLE, dotted(scope.home(view.schemaname), view.relname))):
        expressions.read(scope, statement.query)
    schema, name, replaces = view.schemaname, view.relname, statement.replace
    made = scope.creates(ThingKind.TABLE, schema, name, tolerant=replaces, detail="v")
    scope.creates(ThingKind.COLUMN, view.schemaname, view.relname, EVERY_COLUMN, tolerant=True, of=made)


def create_index(scope: Scope, statement: pg.IndexStmt) -> None:
    """CREATE INDEX: the table, its columns, what expressions call, and what the operator class is of."""
    relation = statement.relation
    name = index_name(statement)
    made = Thing(ThingKind.INDEX, dotted(scope.home(relation.schemaname), name))
    elements = [node.index_elem for node in statement.index_params]
    with scope.made(made):
        scope.relation(relation)
        scope.columns(relation, [each.name for each in elements if each.name])
        scope.columns(relation, [node.index_elem.name for node in statement.index_including_params])
        scope.extension_of(statement.access_method)
        for each in elements:
            expressions.inner(scope, each)
            for word in words(each.opclass):
                scope.extension_of(word)
        if statement.HasField("where_clause"):
            expressions.read(scope, statement.where_clause)
    if scope.own(relation):
        return
    included = [node.index_elem for node in statement.index_including_params]
    columns = [each.name or "" for each in (*elements, *included)] + columns_in(statement)
    scope.creates(
        ThingKind.INDEX,
        relation.schemaname,
        name,
        tolerant=statement.if_not_exists,
        of=Thing(ThingKind.TABLE, dotted(scope.home(relation.schemaname), relation.relname)),
        chosen=None if statement.idxname else index_name_parts(statement),
        columns=tuple(dict.fromkeys(filter(None, columns))),
    )


def create_sequence(scope: Scope, statement: pg.CreateSeqStmt) -> None:
    """CREATE SEQUENCE, and the column that owns it."""
    sequence = statement.sequence
    if sequence.relpersistence == "t":
        scope.temporary.add(sequence.relname)
        return
    owner = _owned(scope, statement)
    tolerant = statement.if_not_exists
    scope.creates(ThingKind.SEQUENCE, sequence.schemaname, sequence.relname, tolerant=tolerant)
    if owner is not None:
        scope.named("alters", ThingKind.SEQUENCE, sequence.schemaname, sequence.relname, of=owner)


def alter_sequence(scope: Scope, statement: pg.AlterSeqStmt) -> None:
    """ALTER SEQUENCE."""
    sequence, owner = statement.sequence, _owned(scope, statement)
    tolerant = statement.missing_ok
    scope.named(
        "alters", ThingKind.SEQUENCE, sequence.schemaname, sequence.relname, tolerant=tolerant, of=owner
    )


def _owned(scope: Scope, statement: pg.CreateSeqStmt | pg.AlterSeqStmt) -> Thing | None:
    """The column that owns the sequence from now on; one without a name is nobody."""
    for node in statement.options:
        if node.def_elem.defname != "owned_by":
            continue
        parts = words(node.def_elem.arg.list.items)
        if len(parts) < 2:
            return Thing(ThingKind.COLUMN, "")
        relation = pg.RangeVar(schemaname=parts[0] if len(parts) == 3 else "", relname=parts[-2])
        scope.relation(relation)
        scope.columns(relation, parts[-1:])
        return scope.places(ThingKind.COLUMN, relation.schemaname, *parts[-2:])[0]
    return None


# --- ALTER TABLE ------------------------------------------------------------------------------------------

_OF_ANOTHER_KIND = {
    pg.OBJECT_INDEX: ThingKind.INDEX,
    pg.OBJECT_SEQUENCE: ThingKind.SEQUENCE,
    pg.OBJECT_TYPE: ThingKind.TYPE,
}


def alter(scope: Scope, statement: pg.AlterTableStmt) -> None:
    """ALTER TABLE, and what goes by the same tree: views, indexes, sequences, composite types."""
    relation = statement.relation
    kind = _OF_ANOTHER_KIND.get(statement.objtype)
    if kind is not None:
        scope.named("alters", kind, relation.schemaname, relation.relname, tolerant=statement.missing_ok)
        for node in statement.cmds:
            part = definition(node.alter_table_cmd).partition_cmd.name
            if part.relname:  # an index of a partition
                scope.named("needs", kind, part.schemaname, part.relname)
            else:
                expressions.read(scope, node)
        return
    scope.relation(relation, "alters", tolerant=statement.missing_ok)
    if not scope.own(relation):
        table = Thing(ThingKind.TABLE, dotted(scope.home(relation.schemaname), relation.relname))
        for node in sorted(statement.cmds, key=lambda each: _PASSES.get(each.alter_table_cmd.subtype, 3)):
            _command(scope, table, relation, node.alter_table_cmd)


# The server's passes over the commands of one statement: what is dropped goes before what is added.
_PASSES = {
    pg.AT_DropColumn: 0,
    pg.AT_DropConstraint: 0,
    pg.AT_AddColumn: 1,
    pg.AT_AlterColumnType: 2,
    pg.AT_AddConstraint: 4,
    pg.AT_ValidateConstraint: 5,
}


def _command(scope: Scope, table: Thing, relation: pg.RangeVar, command: pg.AlterTableCmd) -> None:
    given = definition(command)
    schema, name = relation.schemaname, relation.relname
    subtype = command.subtype
    if subtype == pg.AT_AddColumn:
        column(scope, table, relation, given.column_def, tolerant=command.missing_ok)
    elif subtype == pg.AT_AddConstraint:
        constraint(scope, table, relation, given.constraint)
    elif subtype == pg.AT_AddIdentity:
        scope.columns(relation, [command.name], "alters")
        owned_sequence(scope, relation, command.name)
    elif subtype == pg.AT_DropIdentity:
        scope.columns(relation, [command.name], "alters")
        column_thing = scope.places(ThingKind.COLUMN, schema, name, command.name)[0]
        scope.add("alters", column_thing, detail="no identity", tolerant=command.missing_ok)
    elif subtype in _NAMED:
        how, kind = _NAMED[subtype]
        part = command.name or given.constraint.conname or given.atalter_constraint.conname
        cascade = command.behavior == pg.DROP_CASCADE
        tolerant = command.missing_ok
        scope.named(how, kind, schema, name, part, tolerant=tolerant, cascade=cascade)  # type: ignore[arg-type]
        expressions.inner(scope, command, but=("newowner",))
    elif subtype in {pg.AT_ClusterOn, pg.AT_ReplicaIdentity}:
        index = command.name or given.replica_identity_stmt.name
        if index:
            scope.named("needs", ThingKind.INDEX, schema, index)
    elif subtype == pg.AT_ChangeOwner:
        scope.role(command.newowner)
    elif subtype in _PARENTS:
        _parent(scope, relation, command)
    else:
        expressions.inner(scope, command)


_PARENTS = frozenset(
    {
        pg.AT_AttachPartition,
        pg.AT_DetachPartition,
        pg.AT_AddInherit,
        pg.AT_DropInherit,
    }
)


def _parent(scope: Scope, relation: pg.RangeVar, command: pg.AlterTableCmd) -> None:
    """ATTACH and DETACH PARTITION, INHERIT and NO INHERIT: whose part a table is."""
    given, subtype = definition(command), command.subtype
    is_partition = subtype in {pg.AT_AttachPartition, pg.AT_DetachPartition}
    other = given.partition_cmd.name if is_partition else given.range_var
    scope.relation(other)
    child = other if is_partition else relation
    parent = relation if is_partition else other
    there = scope.places(ThingKind.TABLE, parent.schemaname, parent.relname)[0]
    gone = subtype in {pg.AT_DetachPartition, pg.AT_DropInherit}
    scope.named(
        "alters",
        ThingKind.TABLE,
        child.schemaname,
        child.relname,
        of=there,
        detail="detached" if gone else "attached",
    )
    if is_partition:
        expressions.inner(scope, command, but=("name",))


_NAMED = {
    pg.AT_DropColumn: ("drops", ThingKind.COLUMN),
    pg.AT_ColumnDefault: ("alters", ThingKind.COLUMN),
    pg.AT_SetNotNull: ("alters", ThingKind.COLUMN),
    pg.AT_DropNotNull: ("alters", ThingKind.COLUMN),
    pg.AT_SetStatistics: ("alters", ThingKind.COLUMN),
    pg.AT_SetStorage: ("alters", ThingKind.COLUMN),
    pg.AT_SetExpression: ("alters", ThingKind.COLUMN),
    pg.AT_DropExpression: ("alters", ThingKind.COLUMN),
    pg.AT_SetIdentity: ("alters", ThingKind.COLUMN),
    pg.AT_AlterColumnType: ("alters", ThingKind.COLUMN),
    pg.AT_DropConstraint: ("drops", ThingKind.CONSTRAINT),
    pg.AT_ValidateConstraint: ("alters", ThingKind.CONSTRAINT),
    pg.AT_AlterConstraint: ("alters", ThingKind.CONSTRAINT),
    pg.AT_EnableTrig: ("alters", ThingKind.TRIGGER),
    pg.AT_EnableAlwaysTrig: ("alters", ThingKind.TRIGGER),
    pg.AT_EnableReplicaTrig: ("alters", ThingKind.TRIGGER),
    pg.AT_DisableTrig: ("alters", ThingKind.TRIGGER),
}

READERS: dict[str, Callable[[Scope, Any], None]] = {
    "create_stmt": create,
    "create_foreign_table_stmt": create_foreign,
    "create_table_as_stmt": create_as,
    "view_stmt": create_view,
    "index_stmt": create_index,
    "create_seq_stmt": create_sequence,
    "alter_seq_stmt": alter_sequence,
    "alter_table_stmt": alter,
}
