"""Statements after which rows or columns are gone."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import commands
from migplan.migrations.lint.risk import HOME, Context, Hit
from migplan.names import quoted
from migplan.sql.effects import effects
from migplan.sql.statements import Parsed

CODE = "ML201"
TITLE = "rows or columns that will be gone"
LEVEL = Level.WARNING
WHY = "what is dropped does not come back with a rollback"
FIX = "stop using it first, and drop it in a later migration"
STATEMENTS = ("alter_table_stmt", "drop_stmt", "truncate_stmt")


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """DROP TABLE, DROP COLUMN, TRUNCATE, DROP SCHEMA CASCADE."""
    for table, command in commands(statement, context, pg.AT_DropColumn):
        yield Hit(table, f"the values of {quoted(command.name)} do not come back with a rollback")
    if statement.kind == "drop_stmt":
        drop = statement.node.drop_stmt
        for each in effects(statement.node).drops if drop.remove_type == pg.OBJECT_TABLE else ():
            if each.name_in(HOME) not in context.made:
                yield Hit(each.name_in(HOME), "its rows do not come back with a rollback")
        if drop.remove_type == pg.OBJECT_SCHEMA and drop.behavior == pg.DROP_CASCADE:
            yield Hit(why="all that is in the schema does not come back with a rollback", level=Level.ERROR)
    elif statement.kind == "truncate_stmt":
        for node in statement.node.truncate_stmt.relations:
            if context.is_filled(node.range_var):
                yield Hit(context.name(node.range_var), "its rows do not come back with a rollback")
