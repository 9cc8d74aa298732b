"""ALTER COLUMN TYPE that writes the table anew."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import commands
from migplan.migrations.lint.risk import Context, Hit
from migplan.names import quoted
from migplan.sql.statements import Parsed
from migplan.sql.tree import definition

CODE = "ML101"
TITLE = "another type for a column"
LEVEL = Level.ERROR
WHY = "unless the old type fits the new one byte by byte, all rows are rewritten, and nobody reads meanwhile"
FIX = "add a column of the new type, fill it in batches, and exchange the names"
STATEMENTS = ("alter_table_stmt",)
_WIDE = frozenset({"text", "varchar"})


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Any change of type; to text without a conversion it is mostly harmless, and said so."""
    for table, command in commands(statement, context, pg.AT_AlterColumnType):
        column = definition(command).column_def
        name = column.type_name.names[-1].string.sval
        if name in _WIDE and not column.type_name.typmods and not column.HasField("raw_default"):
            why = f"free if {quoted(command.name)} is varchar now; from other types all rows are rewritten"
            yield Hit(table, why, level=Level.NOTE)
        else:
            yield Hit(table)
