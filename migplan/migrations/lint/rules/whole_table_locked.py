"""Commands that hold a table while they write all of it."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import commands
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML109"
TITLE = "a table that is locked while all of it is read or written"
LEVEL = Level.WARNING
WHY = "nobody gets at the table until it is done"
FIX = ""
STATEMENTS = ("vacuum_stmt", "cluster_stmt", "reindex_stmt", "refresh_mat_view_stmt", "alter_table_stmt")
_REWRITES = {
    pg.AT_SetLogged: "SET LOGGED",
    pg.AT_SetUnLogged: "SET UNLOGGED",
    pg.AT_SetAccessMethod: "SET ACCESS METHOD",
    pg.AT_SetTableSpace: "SET TABLESPACE",
}


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """VACUUM FULL, CLUSTER, REINDEX and REFRESH without CONCURRENTLY, and what moves a table."""
    node = statement.node
    match statement.kind:
        case "vacuum_stmt" if any(each.def_elem.defname == "full" for each in node.vacuum_stmt.options):
            tables = [each.vacuum_relation.relation for each in node.vacuum_stmt.rels]
            yield Hit(context.name(tables[0]) if tables else "", fix="VACUUM without FULL locks nobody out")
        case "cluster_stmt":
            yield Hit(context.name(node.cluster_stmt.relation) if node.cluster_stmt.relation.relname else "")
        case "reindex_stmt" if not any(
            each.def_elem.defname == "concurrently" for each in node.reindex_stmt.params
        ):
            is_table = node.reindex_stmt.kind == pg.REINDEX_OBJECT_TABLE
            yield Hit(
                context.name(node.reindex_stmt.relation) if is_table else "", fix="REINDEX CONCURRENTLY"
            )
        case "refresh_mat_view_stmt" if not node.refresh_mat_view_stmt.concurrent:
            if context.is_filled(node.refresh_mat_view_stmt.relation):
                fix = "REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index"
                yield Hit(context.name(node.refresh_mat_view_stmt.relation), fix=fix)
        case _:
            for table, _ in commands(statement, context, *_REWRITES):
                yield Hit(table)
