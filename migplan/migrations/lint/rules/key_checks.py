"""A foreign key that is checked at once."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import added
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML106"
TITLE = "a foreign key without NOT VALID"
LEVEL = Level.WARNING
WHY = "both tables take no writes until every row is checked"
FIX = "add it NOT VALID, and VALIDATE CONSTRAINT in another transaction"
STATEMENTS = ("alter_table_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """On tables that the file did not make; a new column without a default is NULL in every row."""
    for table, key, is_new in added(statement, context, pg.CONSTR_FOREIGN):
        if not key.skip_validation and not is_new:
            yield Hit(table)
