"""BEGIN and COMMIT in a file that is run in a transaction."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.migrations.model import Style
from migplan.sql.statements import Parsed

CODE = "ML402"
TITLE = "a transaction of the file's own"
LEVEL = Level.WARNING
WHY = "a file is one transaction already, and its entry in the journal is made in the same one"
FIX = "take BEGIN and COMMIT out, or write -- migplan: no-transaction on top"
STATEMENTS = ("transaction_stmt",)
_ENDS = (
    pg.TRANS_STMT_BEGIN,
    pg.TRANS_STMT_START,
    pg.TRANS_STMT_COMMIT,
    pg.TRANS_STMT_ROLLBACK,
)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Each; not in files of sqitch, which always have them."""
    if context.style is Style.SQITCH or not context.migration.in_transaction:
        return
    if statement.node.transaction_stmt.kind in _ENDS:
        yield Hit()
