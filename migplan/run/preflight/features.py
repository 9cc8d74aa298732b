"""What a statement says in words that older servers do not know, and the version that brought them.

https://www.postgresql.org/docs/release/ has them; ``migplan.bundle.schema.requirements`` knows what of tables
is newer, from the catalog.
"""

import re
from collections.abc import Iterator

import postgast
from postgast import pg_query_pb2 as pg

from migplan.sql.tree import options

_JSON = re.compile(r"\bjson_|\bis\s+(not\s+)?json\b", re.IGNORECASE)
_JSON_NODES: tuple[tuple[int, type, str], ...] = (
    (17, pg.JsonFuncExpr, "JSON_VALUE, JSON_QUERY or JSON_EXISTS"),
    (17, pg.JsonTable, "JSON_TABLE"),
    (16, pg.JsonIsPredicate, "IS JSON"),
    (16, pg.JsonObjectConstructor, "JSON_OBJECT"),
    (16, pg.JsonArrayConstructor, "JSON_ARRAY"),
)


def features_of(node: pg.Node, text: str) -> Iterator[tuple[int, str]]:
    """Yield the versions that brought what a statement says, and what that is."""
    reader = _READERS.get(node.WhichOneof("node") or "")
    if reader is not None:
        yield from reader(node)
    if _JSON.search(text) and not node.HasField("create_function_stmt"):
        for major, kind, what in _JSON_NODES:
            if any(True for _ in postgast.find_nodes(node, kind)):
                yield major, what


def _grant(node: pg.Node) -> Iterator[tuple[int, str]]:
    if any(each.access_priv.priv_name == "maintain" for each in node.grant_stmt.privileges):
        yield 17, "MAINTAIN in the privileges"


def _view(node: pg.Node) -> Iterator[tuple[int, str]]:
    if "security_invoker" in options(node.view_stmt.options):
        yield 15, "security_invoker"


def _function(node: pg.Node) -> Iterator[tuple[int, str]]:
    create = node.create_function_stmt
    if create.HasField("sql_body"):
        yield 14, "a body in SQL (BEGIN ATOMIC or RETURN)"
    out = any(each.function_parameter.mode == pg.FUNC_PARAM_OUT for each in create.parameters)
    if create.is_procedure and out:
        yield 14, "OUT arguments of a procedure"


def _published(node: pg.Node) -> Iterator[tuple[int, str]]:
    statement = node.create_publication_stmt
    if node.HasField("alter_publication_stmt"):
        published = node.alter_publication_stmt.pubobjects
    else:
        published = statement.pubobjects
        if "publish_generated_columns" in options(statement.options):
            yield 18, "publish_generated_columns"
    for each in published:
        spec = each.publication_obj_spec
        if spec.pubobjtype == pg.PUBLICATIONOBJ_TABLES_IN_SCHEMA:
            yield 15, "all tables of a schema"
        if spec.pubtable.HasField("where_clause") or spec.pubtable.columns:
            yield 15, "rows or columns that are chosen"


def _altered(node: pg.Node) -> Iterator[tuple[int, str]]:
    for each in node.alter_table_stmt.cmds:
        command = each.alter_table_cmd
        constraint = getattr(command, "def").constraint
        if command.subtype == pg.AT_SetCompression:
            yield 14, "the compression of a column"
        elif command.subtype == pg.AT_AddConstraint and constraint.contype == pg.CONSTR_NOTNULL:
            yield 18, f"NOT NULL as a constraint, {constraint.conname},"


def _statistics(node: pg.Node) -> Iterator[tuple[int, str]]:
    if any(each.stats_elem.HasField("expr") for each in node.create_stats_stmt.exprs):
        yield 14, "expressions"


def _collation(node: pg.Node) -> Iterator[tuple[int, str]]:
    define = node.define_stmt
    if define.kind != pg.OBJECT_COLLATION:
        return
    said = options(define.definition)
    provider = said.get("provider")
    if provider is not None and provider.arg.type_name.names[-1].string.sval == "builtin":
        yield 17, "the provider builtin"
    if "rules" in said:
        yield 16, "rules"


_READERS = {
    "alter_publication_stmt": _published,
    "alter_table_stmt": _altered,
    "create_function_stmt": _function,
    "create_publication_stmt": _published,
    "create_stats_stmt": _statistics,
    "define_stmt": _collation,
    "grant_stmt": _grant,
    "view_stmt": _view,
}
