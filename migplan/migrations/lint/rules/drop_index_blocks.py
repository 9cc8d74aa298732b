"""DROP INDEX without CONCURRENTLY."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML110"
TITLE = "an index dropped without CONCURRENTLY"
LEVEL = Level.NOTE
WHY = "it waits for everybody at work on the table, and meanwhile nobody else gets at it"
FIX = "DROP INDEX CONCURRENTLY, in a file of its own, or a short lock_timeout"
STATEMENTS = ("drop_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - rules have one shape
    """Any; whose index it is, the statement does not say."""
    drop = statement.node.drop_stmt
    if drop.remove_type == pg.OBJECT_INDEX and not drop.concurrent:
        yield Hit()
