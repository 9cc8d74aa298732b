"""Statements about tables, views, indexes and sequences."""

from collections.abc import Callable
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.constraints import column, constraint
from migplan.migrations.uses.scope import EVERY_COLUMN, Scope, dotted
from migplan.sql.default_names import index_name
from migplan.sql.tree import definition, words


def create(scope: Scope, statement: pg.CreateStmt) -> None:
    """CREATE TABLE, with its columns, constraints, parents and parts."""
    relation = statement.relation
    if relation.relpersistence == "t":
        scope.temporary.add(relation.relname)
        expressions.every(scope, statement.table_elts)
        return
    schema, name, tolerant = relation.schemaname, relation.relname, statement.if_not_exists
    table = scope.creates(ThingKind.TABLE, schema, name, tolerant=tolerant)
    for node in statement.table_elts:
        if node.HasField("column_def"):
            column(scope, table, relation, node.column_def, tolerant=tolerant)
    for node in statement.table_elts:
        if node.HasField("constraint"):
            constraint(scope, table, relation, node.constraint, tolerant=tolerant)
    if _inherits(scope, statement):
        scope.creates(ThingKind.COLUMN, schema, name, EVERY_COLUMN, tolerant=True, of=table)
    for field in ("partbound", "partspec"):
        if statement.HasField(field):
            expressions.read(scope, getattr(statement, field))


def _inherits(scope: Scope, statement: pg.CreateStmt) -> bool:
    """Whether the table has columns of others: parents, a type, or a table that it is to be like."""
    others = [node.range_var for node in statement.inh_relations]
    others += [
        node.table_like_clause.relation for node in statement.table_elts if node.HasField("table_like_clause")
    ]
    for other in others:
        scope.relation(other)
    if statement.HasField("of_typename"):
        scope.type(statement.of_typename)
    return bool(others) or statement.HasField("of_typename")


def create_foreign(scope: Scope, statement: pg.CreateForeignTableStmt) -> None:
    """CREATE FOREIGN TABLE, and the server it is on."""
    create(scope, statement.base_stmt)
    scope.add("needs", Thing(ThingKind.OTHER, f"server {dotted(statement.servername)}"))


def create_as(scope: Scope, statement: pg.CreateTableAsStmt) -> None:
    """CREATE TABLE AS, CREATE MATERIALIZED VIEW."""
    scope.runs = not statement.into.skip_data
    expressions.read(scope, statement.query)
    expressions.made_from_query(scope, statement.into, tolerant=statement.if_not_exists)


def create_view(scope: Scope, statement: pg.ViewStmt) -> None:
    """CREATE VIEW."""
    expressions.read(scope, statement.query)
    view = statement.view
    if view.relpersistence == "t":
        scope.temporary.add(view.relname)
        return
    made = scope.creates(ThingKind.TABLE, view.schemaname, view.relname, tolerant=statement.replace)
    scope.creates(ThingKind.COLUMN, view.schemaname, view.relname, EVERY_COLUMN, tolerant=True, of=made)


def create_index(scope: Scope, statement: pg.IndexStmt) -> None:
    """CREATE INDEX: the table, its columns, what expressions call, and what the operator class is of."""
    relation = statement.relation
    scope.relation(relation)
    elements = [node.index_elem for node in statement.index_params]
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
    schema = relation.schemaname
    table = Thing(ThingKind.TABLE, dotted(scope.home(schema), relation.relname))
    scope.creates(ThingKind.INDEX, schema, index_name(statement), tolerant=statement.if_not_exists, of=table)


def create_sequence(scope: Scope, statement: pg.CreateSeqStmt) -> None:
    """CREATE SEQUENCE, and the column that owns it."""
    sequence = statement.sequence
    if sequence.relpersistence == "t":
        scope.temporary.add(sequence.relname)
        return
    tolerant = statement.if_not_exists
    scope.creates(ThingKind.SEQUENCE, sequence.schemaname, sequence.relname, tolerant=tolerant)
    _owned(scope, statement)


def alter_sequence(scope: Scope, statement: pg.AlterSeqStmt) -> None:
    """ALTER SEQUENCE."""
    scope.sequence(statement.sequence.schemaname, statement.sequence.relname, "alters")
    _owned(scope, statement)


def _owned(scope: Scope, statement: pg.CreateSeqStmt | pg.AlterSeqStmt) -> None:
    for node in statement.options:
        parts = words(node.def_elem.arg.list.items) if node.def_elem.defname == "owned_by" else ()
        if len(parts) >= 2:
            relation = pg.RangeVar(schemaname=parts[0] if len(parts) == 3 else "", relname=parts[-2])
            scope.relation(relation)
            scope.columns(relation, parts[-1:])


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
        for node in statement.cmds:
            _command(scope, table, relation, node.alter_table_cmd)


def _command(scope: Scope, table: Thing, relation: pg.RangeVar, command: pg.AlterTableCmd) -> None:
    given = definition(command)
    schema, name = relation.schemaname, relation.relname
    subtype = command.subtype
    if subtype == pg.AT_AddColumn:
        column(scope, table, relation, given.column_def, tolerant=command.missing_ok)
    elif subtype == pg.AT_AddConstraint:
        constraint(scope, table, relation, given.constraint)
    elif subtype in _NAMED:
        how, kind = _NAMED[subtype]
        part = command.name or given.constraint.conname or given.atalter_constraint.conname
        scope.named(how, kind, schema, name, part, tolerant=command.missing_ok)  # type: ignore[arg-type]
        expressions.inner(scope, command, but=("newowner",))
    elif subtype in {pg.AT_ClusterOn, pg.AT_ReplicaIdentity}:
        index = command.name or given.replica_identity_stmt.name
        if index:
            scope.named("needs", ThingKind.INDEX, schema, index)
    elif subtype == pg.AT_ChangeOwner:
        scope.role(command.newowner)
    else:
        expressions.inner(scope, command)


_NAMED = {
    pg.AT_DropColumn: ("drops", ThingKind.COLUMN),
    pg.AT_ColumnDefault: ("alters", ThingKind.COLUMN),
    pg.AT_SetNotNull: ("alters", ThingKind.COLUMN),
    pg.AT_DropNotNull: ("alters", ThingKind.COLUMN),
    pg.AT_SetStatistics: ("alters", ThingKind.COLUMN),
    pg.AT_SetStorage: ("alters", ThingKind.COLUMN),
    pg.AT_SetExpression: ("alters", ThingKind.COLUMN),
    pg.AT_DropExpression: ("alters", ThingKind.COLUMN),
    pg.AT_AddIdentity: ("alters", ThingKind.COLUMN),
    pg.AT_SetIdentity: ("alters", ThingKind.COLUMN),
    pg.AT_DropIdentity: ("alters", ThingKind.COLUMN),
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
