"""UPDATE and DELETE of every row."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML203"
TITLE = "a change of every row"
LEVEL = Level.WARNING
WHY = "without WHERE every row is locked and written in one transaction"
FIX = "a data step in Python does it in batches, and goes on where it was: migplan new NAME --python"
STATEMENTS = ("update_stmt", "delete_stmt")


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Without WHERE, on tables that the file did not make."""
    node = statement.node
    tree = node.update_stmt if statement.kind == "update_stmt" else node.delete_stmt
    if not tree.HasField("where_clause") and context.is_filled(tree.relation):
        yield Hit(context.name(tree.relation))
