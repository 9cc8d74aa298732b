"""ADD COLUMN with a value that differs from row to row."""

from collections.abc import Iterator

import postgast
from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import column, commands, kinds
from migplan.migrations.lint.risk import Context, Hit
from migplan.migrations.uses.constraints import SERIAL
from migplan.sql.statements import Parsed
from migplan.sql.tree import words

CODE = "ML102"
TITLE = "a new column that fills every row"
LEVEL = Level.ERROR
WHY = "its value differs from row to row, so that the table is rewritten under a lock that nobody passes"
FIX = "add the column without it, set the default for new rows, and fill the old ones in batches"
STATEMENTS = ("alter_table_stmt",)

# Of one value in a transaction, so that it is computed once.
_STABLE = frozenset(
    [
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_setting",
        "current_database",
        "current_schema",
        "make_interval",
        "make_date",
        "to_timestamp",
        "to_date",
        "jsonb_build_object",
        "jsonb_build_array",
        "json_build_object",
        "lower",
        "upper",
        "concat",
        "coalesce",
        "array_fill",
        "timezone",
        "date_trunc",
    ]
)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Volatile defaults, serial, identity, and columns that are generated and stored."""
    for table, command in commands(statement, context, pg.AT_AddColumn):
        definition = column(command)
        beside = kinds(definition)
        default = beside.get(pg.CONSTR_DEFAULT)
        is_serial = definition.type_name.names[-1].string.sval in SERIAL
        generated = beside.get(pg.CONSTR_GENERATED)
        stored = generated is not None and generated.generated_kind != "v"
        volatile = default is not None and any(
            words(call.funcname)[-1] not in _STABLE
            for call in postgast.find_nodes(default.raw_expr, pg.FuncCall)
        )
        if volatile or is_serial or stored or pg.CONSTR_IDENTITY in beside:
            yield Hit(table)
