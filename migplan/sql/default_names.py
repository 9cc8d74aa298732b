"""The names that PostgreSQL gives to indexes and constraints where a statement says none.

See ``ChooseIndexName`` and ``makeObjectName`` in its ``src/backend/commands/indexcmds.c``.
"""

from collections.abc import Sequence

import postgast
from postgast import pg_query_pb2 as pg

from migplan.sql.tree import words

LONGEST_NAME = 63
CONSTRAINT_ENDINGS = {
    pg.CONSTR_PRIMARY: "pkey",
    pg.CONSTR_UNIQUE: "key",
    pg.CONSTR_FOREIGN: "fkey",
    pg.CONSTR_CHECK: "check",
    pg.CONSTR_EXCLUSION: "excl",
}


def default_name(table: str, columns: str, ending: str) -> str:
    """Return the name that PostgreSQL makes: the longer of the two parts is cut until it fits."""
    names = [table.encode(), columns.encode()]
    room = LONGEST_NAME - len(ending) - 1 - (1 if columns else 0)
    while len(names[0]) + len(names[1]) > room:
        longer = 0 if len(names[0]) > len(names[1]) else 1
        names[longer] = names[longer][:-1]
    parts = [name.decode(errors="ignore") for name in names]
    return "_".join(part for part in (*parts, ending) if part)


def index_name(statement: pg.IndexStmt) -> str:
    """Return an index's name, or that which the server gives it: of columns, and of what expressions call."""
    return str(statement.idxname) or default_name(*index_name_parts(statement))


def index_name_parts(statement: pg.IndexStmt) -> tuple[str, str, str]:
    """Return what the server makes the name of an index from, for :func:`default_name`."""
    names: list[str] = []
    for node in (*statement.index_params, *statement.index_including_params):
        element = node.index_elem
        name = candidate = element.name or _column_name(element.expr) or "expr"
        number = 0
        while candidate in names:
            number += 1
            candidate = f"{name}{number}"
        names.append(candidate)
    return str(statement.relation.relname), "_".join(names), "idx"


def _column_name(node: pg.Node) -> str:
    """What the server calls a column of an expression, as far as it is a name."""
    match node.WhichOneof("node"):
        case "func_call":
            return words(node.func_call.funcname)[-1]
        case "column_ref":
            return next(iter(words(node.column_ref.fields)[-1:]), "")
        case "collate_clause":
            return _column_name(node.collate_clause.arg)
        case "type_cast":
            return _column_name(node.type_cast.arg) or words(node.type_cast.type_name.names)[-1]
        case kind:
            return {"coalesce_expr": "coalesce", "case_expr": "case"}.get(kind or "", "")


def constraint_name(table: str, constraint: pg.Constraint, column: str = "") -> str:
    """Return the name that a constraint of a table gets; ``column`` is the one that it stands beside."""
    return default_name(*constraint_name_parts(table, constraint, column))


def constraint_name_parts(table: str, constraint: pg.Constraint, column: str = "") -> tuple[str, str, str]:
    """Return what the server makes the name of a constraint from, for :func:`default_name`."""
    columns: Sequence[str] = words(constraint.keys) or words(constraint.fk_attrs)
    if constraint.contype == pg.CONSTR_PRIMARY:
        columns = ()
    elif constraint.contype == pg.CONSTR_CHECK:
        references = postgast.find_nodes(constraint.raw_expr, pg.ColumnRef)
        named = {name for each in references for name in words(each.fields)[-1:]}
        columns = tuple(named) if len(named) == 1 else ()
    elif constraint.contype == pg.CONSTR_EXCLUSION:
        columns = [node.list.items[0].index_elem.name for node in constraint.exclusions]
    elif column:
        columns = (column,)
    return table, "_".join(columns), CONSTRAINT_ENDINGS[constraint.contype]
