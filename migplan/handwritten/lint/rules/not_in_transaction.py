"""Statements that make a file run without a transaction."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.handwritten.lint.finding import Context, Hit, Level
from migplan.handwritten.statements import Parsed
from migplan.handwritten.transactions import alone

CODE = "ML403"
TITLE = "a statement that takes the transaction from its file"
LEVEL = Level.WARNING
WHY = ""
MEND = "put it into a file of its own: of the others, a failure would leave a half"


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Those that stand beside others."""
    if context.statements > 1:
        for each in alone([statement]):
            yield Hit(why=each.why)
