"""CREATE INDEX CONCURRENTLY that cannot be repeated."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML405"
TITLE = "an index built CONCURRENTLY under no name"
LEVEL = Level.WARNING
WHY = "when it fails it leaves an invalid index, which can only be found again by its name"
FIX = "give the index a name"
STATEMENTS = ("index_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Those that leave the name to the server."""
    index = statement.node.index_stmt
    if index.concurrent and not index.idxname:
        yield Hit(context.name(index.relation))
