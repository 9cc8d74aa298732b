"""CREATE INDEX without CONCURRENTLY."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML105"
TITLE = "an index without CONCURRENTLY"
LEVEL = Level.WARNING
WHY = "nobody writes to the table until the index is built"
FIX = "CREATE INDEX CONCURRENTLY, in a file of its own: it cannot be in a transaction"
STATEMENTS = ("index_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """On tables that the file did not make."""
    index = statement.node.index_stmt
    if not index.concurrent and context.is_filled(index.relation):
        yield Hit(context.name(index.relation))
