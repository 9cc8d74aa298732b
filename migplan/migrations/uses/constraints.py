"""Columns and constraints of a table: what they make, and the names that they get where nobody says one."""

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.scope import Scope
from migplan.sql.default_names import CONSTRAINT_ENDINGS, constraint_name, default_name
from migplan.sql.tree import words

SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})


def column(
    scope: Scope, table: Thing, relation: pg.RangeVar, definition: pg.ColumnDef, *, tolerant: bool
) -> None:
    """A column, its type, and the constraints that stand beside it."""
    schema, name, own = relation.schemaname, relation.relname, definition.colname
    made = scope.creates(ThingKind.COLUMN, schema, name, own, tolerant=tolerant, of=table)
    if words(definition.type_name.names)[-1:] and words(definition.type_name.names)[-1] in SERIAL:
        scope.creates(ThingKind.SEQUENCE, schema, default_name(name, own, "seq"), tolerant=tolerant, of=made)
    else:
        scope.type(definition.type_name)
        expressions.every(scope, definition.type_name.typmods)
    if definition.HasField("raw_default"):
        expressions.read(scope, definition.raw_default)
    for node in definition.constraints:
        constraint(scope, table, relation, node.constraint, own, tolerant=tolerant)


def constraint(
    scope: Scope,
    table: Thing,
    relation: pg.RangeVar,
    said: pg.Constraint,
    own_column: str = "",
    *,
    tolerant: bool = False,
) -> None:
    """A constraint: its name, and the tables, columns and functions that it needs."""
    if said.contype in CONSTRAINT_ENDINGS:
        name = said.conname or _free(scope, relation, constraint_name(relation.relname, said, own_column))
        scope.creates(
            ThingKind.CONSTRAINT, relation.schemaname, relation.relname, name, tolerant=tolerant, of=table
        )
    if said.contype == pg.CONSTR_FOREIGN:
        scope.relation(said.pktable)
        scope.columns(said.pktable, words(said.pk_attrs))
        scope.columns(relation, words(said.fk_attrs))
    scope.columns(relation, words(said.keys))
    if said.indexname:
        scope.named("needs", ThingKind.INDEX, relation.schemaname, said.indexname)
    if said.HasField("raw_expr"):
        expressions.read(scope, said.raw_expr)
    if said.HasField("where_clause"):
        expressions.read(scope, said.where_clause)
    for node in said.exclusions:
        element = node.list.items[0].index_elem
        expressions.read(scope, element)
        for each in words(element.opclass):
            scope.extension_of(each)


def _free(scope: Scope, relation: pg.RangeVar, name: str) -> str:
    """The name with the number that makes it another one than those the file made on the table so far."""
    taken = {use.thing for use in scope.uses if use.how == "creates"}
    candidate, number = name, 0
    while set(scope.places(ThingKind.CONSTRAINT, relation.schemaname, relation.relname, candidate)) & taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate
