"""Columns and constraints of a table: what they make, and the names that they get where nobody says one."""

from collections.abc import Sequence

import postgast
from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.scope import Scope
from migplan.sql.default_names import CONSTRAINT_ENDINGS, constraint_name_parts, default_name
from migplan.sql.tree import words

SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_KINDS = {
    pg.CONSTR_PRIMARY: "p",
    pg.CONSTR_UNIQUE: "u",
    pg.CONSTR_FOREIGN: "f",
    pg.CONSTR_CHECK: "c",
    pg.CONSTR_EXCLUSION: "x",
}


def column(
    scope: Scope,
    table: Thing,
    relation: pg.RangeVar,
    definition: pg.ColumnDef,
    *,
    tolerant: bool,
    but: Sequence[pg.Constraint] = (),
) -> None:
    """A column, its type, and the constraints that stand beside it, except some."""
    schema, name, own = relation.schemaname, relation.relname, definition.colname
    if not definition.HasField("type_name"):
        return  # an option of a partition's column
    generated = [
        node.constraint for node in definition.constraints if node.constraint.contype == pg.CONSTR_GENERATED
    ]
    used = tuple(word for each in generated for word in columns_in(each.raw_expr))
    made = scope.creates(ThingKind.COLUMN, schema, name, own, tolerant=tolerant, of=table, columns=used)
    with scope.unless_there(made if tolerant and scope.unless is None else None):
        if words(definition.type_name.names)[-1:] and words(definition.type_name.names)[-1] in SERIAL:
            owned_sequence(scope, relation, own)
        else:
            with scope.made(made):
                scope.type(definition.type_name)
            expressions.every(scope, definition.type_name.typmods)
        if definition.HasField("raw_default"):
            expressions.read(scope, definition.raw_default)
        with scope.made(made):
            for each in generated:
                constraint(scope, table, relation, each, own)
        for node in definition.constraints:
            if node.constraint not in [*but, *generated]:
                constraint(scope, table, relation, node.constraint, own, tolerant=tolerant)


def owned_sequence(scope: Scope, relation: pg.RangeVar, column: str) -> None:
    """The sequence of a serial or identity column."""
    chosen = relation.relname, column, "seq"
    of = scope.places(ThingKind.COLUMN, relation.schemaname, relation.relname, column)[0]
    scope.creates(
        ThingKind.SEQUENCE,
        relation.schemaname,
        default_name(*chosen),
        tolerant=scope.unless is not None,
        of=of,
        chosen=chosen,
    )


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
    if said.contype == pg.CONSTR_IDENTITY:
        owned_sequence(scope, relation, own_column)
        return
    if said.contype not in CONSTRAINT_ENDINGS:
        _needs(scope, relation, said)
        return
    named = said.conname or said.indexname
    chosen = None if named else constraint_name_parts(relation.relname, said, own_column)
    name = said.conname or said.indexname or (default_name(*chosen) if chosen else "")
    if said.indexname and said.indexname != name:  # the index gets the name of the constraint
        index = scope.places(ThingKind.INDEX, relation.schemaname, said.indexname)[0]
        scope.add("renames", index, to=scope.places(ThingKind.INDEX, relation.schemaname, name)[0])
    made = scope.creates(
        ThingKind.CONSTRAINT,
        relation.schemaname,
        relation.relname,
        name,
        tolerant=tolerant,
        of=table,
        chosen=chosen,
        columns=_columns(said, own_column),
        detail=_KINDS[said.contype] if not said.indexname else "i",
    )
    with scope.made(made):
        _needs(scope, relation, said)


def _needs(scope: Scope, relation: pg.RangeVar, said: pg.Constraint) -> None:
    if said.contype == pg.CONSTR_FOREIGN:
        scope.relation(said.pktable)
        scope.columns(said.pktable, words(said.pk_attrs))
        scope.columns(relation, words(said.fk_attrs))
    scope.columns(relation, words(said.keys))
    if said.indexname:
        scope.named("needs", ThingKind.INDEX, relation.schemaname, said.conname or said.indexname)
    if said.HasField("raw_expr"):
        expressions.read(scope, said.raw_expr)
    if said.HasField("where_clause"):
        expressions.read(scope, said.where_clause)
    for node in said.exclusions:
        element = node.list.items[0].index_elem
        expressions.read(scope, element)
        for each in words(element.opclass):
            scope.extension_of(each)


def _columns(said: pg.Constraint, own_column: str) -> tuple[str, ...]:
    """The columns of the table with any of which a constraint goes away."""
    named = [*words(said.keys), *words(said.fk_attrs), *words(said.including)]
    named += columns_in(said.raw_expr) + columns_in(said.where_clause)
    for node in said.exclusions:
        element = node.list.items[0].index_elem
        named += [element.name] if element.name else columns_in(element)
    return tuple(dict.fromkeys([*named, *([own_column] if own_column else [])]))


def columns_in(tree: object) -> list[str]:
    """The columns that an expression about one table names."""
    found = postgast.find_nodes(tree, pg.ColumnRef)
    return [word for each in found for word in words(each.fields)[-1:]]
