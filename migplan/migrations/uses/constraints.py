"""Columns and constraints of a table: what they make, and the names that they get where nobody says one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions
from migplan.migrations.uses.scope import Scope, words

LONGEST_NAME = 63
SERIAL = frozenset({"serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"})
_ENDING = {
    pg.CONSTR_PRIMARY: "pkey",
    pg.CONSTR_UNIQUE: "key",
    pg.CONSTR_FOREIGN: "fkey",
    pg.CONSTR_CHECK: "check",
    pg.CONSTR_EXCLUSION: "excl",
}


def column(
    scope: Scope, table: Thing, relation: pg.RangeVar, definition: pg.ColumnDef, *, tolerant: bool
) -> None:
    """A column, its type, and the constraints that stand beside it."""
    schema, name, own = relation.schemaname, relation.relname, definition.colname
    made = scope.creates(ThingKind.COLUMN, schema, name, own, tolerant=tolerant, of=table)
    if words(definition.type_name.names)[-1:] and words(definition.type_name.names)[-1] in SERIAL:
        scope.creates(ThingKind.SEQUENCE, schema, automatic(name, own, "seq"), tolerant=tolerant, of=made)
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
    if said.contype in _ENDING:
        name = said.conname or _named(scope, relation, said, own_column)
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


def automatic(table: str, columns: str, ending: str) -> str:
    """The name that PostgreSQL makes: the longer of the two parts is cut until it fits."""
    names = [table.encode(), columns.encode()]
    room = LONGEST_NAME - len(ending) - 1 - (1 if columns else 0)
    while len(names[0]) + len(names[1]) > room:
        longer = 0 if len(names[0]) > len(names[1]) else 1
        names[longer] = names[longer][:-1]
    parts = [name.decode(errors="ignore") for name in names]
    return "_".join(part for part in (*parts, ending) if part)


def index_name(statement: pg.IndexStmt) -> str:
    """The name of an index, or that which the server gives: of columns, and of what expressions call."""
    if statement.idxname:
        return str(statement.idxname)
    names: list[str] = []
    for node in (*statement.index_params, *statement.index_including_params):
        element = node.index_elem
        name = candidate = element.name or figured(element.expr) or "expr"
        number = 0
        while candidate in names:
            number += 1
            candidate = f"{name}{number}"
        names.append(candidate)
    return automatic(statement.relation.relname, "_".join(names), "idx")


def figured(node: pg.Node) -> str:
    """What the server calls a column of an expression, as far as it is a name."""
    match node.WhichOneof("node"):
        case "func_call":
            return words(node.func_call.funcname)[-1]
        case "column_ref":
            return next(iter(words(node.column_ref.fields)[-1:]), "")
        case "collate_clause":
            return figured(node.collate_clause.arg)
        case "type_cast":
            return figured(node.type_cast.arg) or words(node.type_cast.type_name.names)[-1]
        case kind:
            return {"coalesce_expr": "coalesce", "case_expr": "case"}.get(kind or "", "")


def _named(scope: Scope, relation: pg.RangeVar, said: pg.Constraint, own_column: str) -> str:
    columns: Sequence[str] = words(said.keys) or words(said.fk_attrs)
    if said.contype == pg.CONSTR_PRIMARY:
        columns = ()
    elif said.contype == pg.CONSTR_CHECK:
        mentioned = set(mentions(said.raw_expr))
        columns = tuple(mentioned) if len(mentioned) == 1 else ()
    elif said.contype == pg.CONSTR_EXCLUSION:
        columns = [node.list.items[0].index_elem.name for node in said.exclusions]
    elif own_column:
        columns = (own_column,)
    return _free(scope, relation, automatic(relation.relname, "_".join(columns), _ENDING[said.contype]))


def _free(scope: Scope, relation: pg.RangeVar, name: str) -> str:
    """The name with the number that makes it another one than those the file made on the table so far."""
    taken = {use.thing for use in scope.uses if use.how == "creates"}
    candidate, number = name, 0
    while set(scope.places(ThingKind.CONSTRAINT, relation.schemaname, relation.relname, candidate)) & taken:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def mentions(message: Any) -> Iterator[str]:
    """The columns that an expression names."""
    if message.DESCRIPTOR.name == "ColumnRef":
        yield from words(message.fields)[-1:]
        return
    for field, value in message.ListFields():
        if field.message_type is not None:
            for each in value if field.is_repeated else [value]:
                yield from mentions(each)
