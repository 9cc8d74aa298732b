"""A strong lock that may be waited for without end."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML301"
TITLE = "no lock_timeout"
LEVEL = Level.NOTE
WHY = "while the statement waits for its lock, everybody after it waits, too"
FIX = "SET lock_timeout = '5s'; at the beginning, for whoever runs the file without migplan"
STATEMENTS = ("alter_table_stmt", "index_stmt", "create_trig_stmt", "create_policy_stmt", "rename_stmt")


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Once a file, at the first statement that locks a table which others use."""
    table = locked(statement, context)
    if table is not None and "lock_timeout" not in context.settings and context.once(CODE):
        yield Hit(table)


def locked(statement: Parsed, context: Context) -> str | None:
    """The table that a statement locks against others, if it is one that the file did not make."""
    node = statement.node
    match statement.kind:
        case "alter_table_stmt" if node.alter_table_stmt.objtype == pg.OBJECT_TABLE:
            relation = node.alter_table_stmt.relation
        case "index_stmt":
            relation = node.index_stmt.relation
        case "create_trig_stmt":
            relation = node.create_trig_stmt.relation
        case "create_policy_stmt":
            relation = node.create_policy_stmt.table
        case "rename_stmt" if node.rename_stmt.rename_type in {pg.OBJECT_TABLE, pg.OBJECT_COLUMN}:
            relation = node.rename_stmt.relation
        case _:
            return None
    return context.name(relation) if context.is_filled(relation) else None
