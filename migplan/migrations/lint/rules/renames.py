"""Other names for what is in use."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML202"
TITLE = "another name for a table or a column"
LEVEL = Level.WARNING
WHY = "whoever uses the old name fails from then on"
FIX = "keep the old name as a view or a generated column until nobody uses it"
STATEMENTS = ("rename_stmt",)
_IN_USE = (pg.OBJECT_TABLE, pg.OBJECT_COLUMN, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """RENAME of what the file did not make."""
    rename = statement.node.rename_stmt
    if rename.rename_type in _IN_USE and context.is_filled(rename.relation):
        yield Hit(context.name(rename.relation))
