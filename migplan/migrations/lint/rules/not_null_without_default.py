"""ADD COLUMN ... NOT NULL without a value for the rows that are there."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import column, commands, kinds
from migplan.migrations.lint.risk import Context, Hit
from migplan.migrations.uses.constraints import SERIAL
from migplan.sql.statements import Parsed

CODE = "ML103"
TITLE = "a new column that must not be NULL, and has no default"
LEVEL = Level.ERROR
WHY = "it fails if the table has a single row"
FIX = "give it a DEFAULT, or add it without NOT NULL, fill it, and set NOT NULL then"
STATEMENTS = ("alter_table_stmt",)
_VALUES = (pg.CONSTR_DEFAULT, pg.CONSTR_IDENTITY, pg.CONSTR_GENERATED)
_DEMANDS = (pg.CONSTR_NOTNULL, pg.CONSTR_PRIMARY)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Columns that demand a value, and bring none."""
    for table, command in commands(statement, context, pg.AT_AddColumn):
        beside = kinds(column(command))
        is_serial = column(command).type_name.names[-1].string.sval in SERIAL
        if any(each in beside for each in _DEMANDS) and not (
            is_serial or any(each in beside for each in _VALUES)
        ):
            yield Hit(table)
