"""A unique or primary key that builds its index under a lock."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import added
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML108"
TITLE = "a unique key that builds its index"
LEVEL = Level.WARNING
WHY = "nobody reads or writes the table until the index is built"
FIX = "CREATE UNIQUE INDEX CONCURRENTLY first, then ADD CONSTRAINT ... USING INDEX"
STATEMENTS = ("alter_table_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Those that do not take an index that is there; exclusions cannot."""
    for table, key, _ in added(statement, context, pg.CONSTR_UNIQUE, pg.CONSTR_PRIMARY, pg.CONSTR_EXCLUSION):
        if not key.indexname:
            exclusion = key.contype == pg.CONSTR_EXCLUSION
            yield Hit(table, fix="there is no way without the lock: choose a quiet hour" if exclusion else "")
