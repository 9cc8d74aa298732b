"""Things made under a bare name."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML401"
TITLE = "a name without its schema"
LEVEL = Level.NOTE
WHY = "where it goes depends on the search_path of whoever runs the file"
FIX = "write public.NAME, or SET search_path at the beginning"


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Once a file, at the first thing that is made so."""
    if "search_path" not in context.settings and _is_bare(statement) and context.once(CODE):
        yield Hit()


_RELATION = {
    "create_stmt": "relation",
    "view_stmt": "view",
    "create_seq_stmt": "sequence",
}
_LIST = {
    "create_function_stmt": "funcname",
    "create_enum_stmt": "type_name",
    "create_domain_stmt": "domainname",
}


def _is_bare(statement: Parsed) -> bool:
    tree, kind = statement.tree, statement.kind
    if kind in _LIST:
        return len(getattr(tree, _LIST[kind])) == 1
    if kind == "create_table_as_stmt":
        return _bare(statement.node.create_table_as_stmt.into.rel)
    return kind in _RELATION and _bare(getattr(tree, _RELATION[kind]))


def _bare(relation: pg.RangeVar) -> bool:
    return not relation.schemaname and relation.relpersistence != "t"
