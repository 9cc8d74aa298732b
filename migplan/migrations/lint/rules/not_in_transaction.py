"""Statements that make a file run without a transaction."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import EVERY, Context, Hit
from migplan.migrations.transactions import non_transactional
from migplan.sql.statements import Parsed

CODE = "ML403"
TITLE = "a statement that takes the transaction from its file"
LEVEL = Level.WARNING
WHY = ""
FIX = "put it into a file of its own: of the others, a failure would leave a half"
STATEMENTS = EVERY


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Those that stand beside others."""
    if context.statements > 1:
        for each in non_transactional([statement]):
            yield Hit(why=each.why)
