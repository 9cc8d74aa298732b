"""Queries, changes of rows and expressions, at any depth: their tables, columns, functions and types."""

import re
from collections.abc import Callable, Iterable
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import ThingKind
from migplan.migrations.uses.scope import Scope
from migplan.names import split
from migplan.sql.tree import inside, words

_OF_A_SEQUENCE = frozenset({"nextval", "setval", "currval"})
_FOLDED = re.compile(r'"(?:[^"]|"")*"|[^"]+')  # what is not in quotes is in lower case for the server
_QUIET = frozenset({pg.A_Const, pg.ColumnRef, pg.String, pg.Integer, pg.A_Star, pg.ParamRef, pg.RoleSpec})
Names = frozenset[str]
NONE: Names = frozenset()


def read(scope: Scope, message: Any, ctes: Names = NONE) -> None:
    """Take down all that a tree names; ``ctes`` are the names that WITH gives."""
    kind = type(message)
    if kind is pg.Node:
        field = message.WhichOneof("node")
        if not field:
            return
        message = getattr(message, field)
        kind = type(message)
    special = _SPECIAL.get(kind)
    if special is not None:
        special(scope, message, ctes)
    elif kind not in _QUIET:
        inner(scope, message, ctes)


def every(scope: Scope, messages: Iterable[Any], ctes: Names = NONE) -> None:
    """The same, of several."""
    for message in messages:
        read(scope, message, ctes)


def inner(scope: Scope, message: Any, ctes: Names = NONE, *, but: tuple[str, ...] = ()) -> None:
    """What a tree names below its top, except in some fields."""
    for name, part in inside(message):
        if name not in but:
            read(scope, part, ctes)


def regclass(scope: Scope, text: str) -> None:
    """A relation whose name stands in a string."""
    try:
        parts = split(_FOLDED.sub(lambda word: word[0] if word[0][0] == '"' else word[0].lower(), text))
    except ValueError:
        return
    if len(parts) <= 2:
        relation = pg.RangeVar(schemaname=parts[0] if len(parts) == 2 else "", relname=parts[-1])
        scope.relation(relation)


def _relation(scope: Scope, relation: pg.RangeVar, ctes: Names) -> None:
    if relation.schemaname or relation.relname not in ctes:
        scope.relation(relation)


def _call(scope: Scope, call: pg.FuncCall, ctes: Names) -> None:
    parts = words(call.funcname)
    scope.function(parts)
    if parts[-1] in _OF_A_SEQUENCE and call.args:
        text = _literal(call.args[0])
        if text:
            regclass(scope, text)
    inner(scope, call, ctes, but=("funcname",))


def _cast(scope: Scope, cast: pg.TypeCast, ctes: Names) -> None:
    name = words(cast.type_name.names)[-1:]
    text = _literal(cast.arg)
    if text and name == ("regclass",):
        regclass(scope, text)
    inner(scope, cast, ctes)


def _literal(node: pg.Node) -> str:
    """A string that stands there as it is, cast to something or not."""
    if node.HasField("type_cast"):
        return _literal(node.type_cast.arg)
    return str(node.a_const.sval.sval) if node.HasField("a_const") else ""


def _type(scope: Scope, name: pg.TypeName, ctes: Names) -> None:
    if name.names:
        scope.type(name)
    every(scope, name.typmods, ctes)


def _with(scope: Scope, statement: Any, ctes: Names) -> Names:
    """The names that WITH gives to the rest; each query of it sees those before it, or all."""
    if not statement.HasField("with_clause"):
        return ctes
    clause = statement.with_clause
    tables = [node.common_table_expr for node in clause.ctes]
    inside = ctes | {table.ctename for table in tables} if clause.recursive else ctes
    for table in tables:
        read(scope, table.ctequery, inside)
        inside |= {table.ctename}
    return inside


def _select(scope: Scope, statement: pg.SelectStmt, ctes: Names) -> None:
    inside = _with(scope, statement, ctes)
    inner(scope, statement, inside, but=("with_clause", "into_clause"))
    if statement.HasField("into_clause"):
        made_from_query(scope, statement.into_clause)


def made_from_query(scope: Scope, into: pg.IntoClause, *, tolerant: bool = False) -> None:
    """The table of SELECT INTO and CREATE TABLE AS; nobody says its columns."""
    relation = into.rel
    if relation.relpersistence == "t":
        scope.temporary.add(relation.relname)
        return
    schema, name = relation.schemaname, relation.relname
    table = scope.creates(ThingKind.TABLE, schema, name, tolerant=tolerant)
    scope.creates(ThingKind.COLUMN, schema, name, "*", tolerant=True, of=table)


def _insert(scope: Scope, statement: pg.InsertStmt, ctes: Names) -> None:
    inside = _with(scope, statement, ctes)
    scope.relation(statement.relation, "fills")
    scope.columns(statement.relation, [node.res_target.name for node in statement.cols])
    inner(scope, statement, inside, but=("with_clause", "relation"))


def _update(scope: Scope, statement: pg.UpdateStmt, ctes: Names) -> None:
    inside = _with(scope, statement, ctes)
    scope.relation(statement.relation, "fills")
    scope.columns(statement.relation, [node.res_target.name for node in statement.target_list])
    inner(scope, statement, inside, but=("with_clause", "relation"))


def _delete(scope: Scope, statement: pg.DeleteStmt | pg.MergeStmt, ctes: Names) -> None:
    inside = _with(scope, statement, ctes)
    scope.relation(statement.relation, "fills")
    inner(scope, statement, inside, but=("with_clause", "relation"))


def _nothing(scope: Scope, message: Any, ctes: Names) -> None:
    """Its strings name nothing."""


_SPECIAL: dict[type, Callable[[Scope, Any, Names], None]] = {
    pg.RangeVar: _relation,
    pg.FuncCall: _call,
    pg.TypeCast: _cast,
    pg.TypeName: _type,
    pg.SelectStmt: _select,
    pg.InsertStmt: _insert,
    pg.UpdateStmt: _update,
    pg.DeleteStmt: _delete,
    pg.MergeStmt: _delete,
    pg.LockingClause: _nothing,
}
