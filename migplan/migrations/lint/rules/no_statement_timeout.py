"""A strong lock that may be held without end."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.migrations.lint.rules import no_lock_timeout
from migplan.sql.statements import Parsed

CODE = "ML302"
TITLE = "no statement_timeout"
LEVEL = Level.NOTE
WHY = "a statement that takes longer than anybody thought holds its lock as long"
FIX = "SET statement_timeout = '60s'; at the beginning, for whoever runs the file without migplan"
STATEMENTS = no_lock_timeout.STATEMENTS


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Once a file, at the first statement that locks a table which others use."""
    table = no_lock_timeout.locked(statement, context)
    if table is not None and "statement_timeout" not in context.settings and context.once(CODE):
        yield Hit(table)
