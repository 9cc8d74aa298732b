"""A check that is checked at once."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import added
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML107"
TITLE = "a check without NOT VALID"
LEVEL = Level.WARNING
WHY = "every row is looked at under a lock that nobody passes"
FIX = "add it NOT VALID, and VALIDATE CONSTRAINT in another transaction"
STATEMENTS = ("alter_table_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """On tables that the file did not make."""
    for table, check, _ in added(statement, context, pg.CONSTR_CHECK):
        if not check.skip_validation:
            yield Hit(table)
