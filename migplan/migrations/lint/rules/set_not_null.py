"""SET NOT NULL."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import commands
from migplan.migrations.lint.risk import Context, Hit
from migplan.names import quoted
from migplan.sql.statements import Parsed

CODE = "ML104"
TITLE = "NOT NULL for a column that is there"
LEVEL = Level.WARNING
WHY = "every row is looked at under a lock that nobody passes"
FIX = ""
STATEMENTS = ("alter_table_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Each column that it is set for."""
    for table, command in commands(statement, context, pg.AT_SetNotNull):
        check = f"CHECK ({quoted(command.name)} IS NOT NULL)"
        yield Hit(
            table,
            fix=f"add {check} NOT VALID, validate it in another transaction, then SET NOT NULL, and drop it",
        )
