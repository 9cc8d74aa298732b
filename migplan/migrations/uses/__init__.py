"""What each statement of a file makes, alters, drops, needs and fills, read by PostgreSQL's own parser."""

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Use
from migplan.migrations.uses import expressions, objects, routines, tables
from migplan.migrations.uses.scope import Scope
from migplan.sql.qualify import search_path
from migplan.sql.statements import SHOWN, Parsed
from migplan.sql.tree import words

__all__ = ["uses"]

_WITH_BODIES = {"create_function_stmt": routines.create_function, "do_stmt": routines.do}
_RUN = frozenset({"select_stmt", "insert_stmt", "update_stmt", "delete_stmt", "merge_stmt", "explain_stmt"})
_OF_THE_SESSION = frozenset(
    {"transaction_stmt", "variable_show_stmt", "constraints_set_stmt", "discard_stmt"}
)


def uses(statements: Iterable[Parsed], path: tuple[str, ...] = ("public",)) -> tuple[Use, ...]:
    """The uses of a file's statements, in their order; ``path`` is the search path that they begin with."""
    scope = Scope(path)
    for each in statements:
        scope.line, scope.statement = each.line, each.beginning
        is_whole = len(each.text) <= SHOWN
        scope.digest = "" if is_whole else sha256(" ".join(each.text.split()).encode()).hexdigest()[:16]
        _statement(scope, each.node, each.text)
    return tuple(scope.uses)


def _statement(scope: Scope, node: pg.Node, text: str = "") -> None:
    """One statement; ``text`` is the whole of it, where that can be said."""
    kind = node.WhichOneof("node") or ""
    tree: Any = getattr(node, kind)
    scope.number += 1
    before, scope.runs = scope.runs, kind in _RUN
    if kind in _WITH_BODIES:
        if text:
            _WITH_BODIES[kind](scope, tree, _statement, text)
    elif kind in _READERS:
        _READERS[kind](scope, tree)
    elif kind not in _OF_THE_SESSION:
        expressions.read(scope, tree)
    if kind == "create_schema_stmt":
        _elements(scope, tree)
    scope.runs = before


def _elements(scope: Scope, statement: pg.CreateSchemaStmt) -> None:
    before, scope.path = scope.path, (statement.schemaname or statement.authrole.rolename, *scope.path)
    for node in statement.schema_elts:
        _statement(scope, node)
    scope.path = before


def _set(scope: Scope, statement: pg.VariableSetStmt) -> None:
    name = statement.name.lower()
    if name == "search_path":
        scope.path = search_path(statement) or scope.first_path
    elif name == "check_function_bodies":
        value = statement.args[0].a_const if statement.args else None
        text = value.sval.sval.lower() if value is not None else "on"
        scope.checks_bodies = text not in {"off", "false", "no", "0"}


def _copy(scope: Scope, statement: pg.CopyStmt) -> None:
    if statement.HasField("query"):
        scope.runs = True
        expressions.read(scope, statement.query)
        return
    scope.relation(statement.relation, "fills" if statement.is_from else "needs")
    scope.columns(statement.relation, words(statement.attlist))


def _truncate(scope: Scope, statement: pg.TruncateStmt) -> None:
    for relation in statement.relations:
        scope.relation(relation.range_var, "fills")


_READERS = {
    **tables.READERS,
    **objects.READERS,
    "variable_set_stmt": _set,
    "copy_stmt": _copy,
    "call_stmt": routines.call,
    "alter_function_stmt": routines.alter_function,
    "truncate_stmt": _truncate,
}
