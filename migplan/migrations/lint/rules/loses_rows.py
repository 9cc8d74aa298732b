"""Statements after which rows or columns are gone."""

from __future__ import annotations

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.level import Level
from migplan.migrations.lint.commands import commands
from migplan.migrations.lint.risk import Context, Hit
from migplan.migrations.uses.named import named
from migplan.names import QualifiedName, quoted
from migplan.sql.statements import Parsed

CODE = "ML201"
TITLE = "rows or columns that will be gone"
LEVEL = Level.WARNING
WHY = "what is dropped does not come back with a rollback"
FIX = "stop using it first, and drop it in a later migration"


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """DROP TABLE, DROP COLUMN, TRUNCATE, DROP SCHEMA CASCADE."""
    for table, command in commands(statement, context, pg.AT_DropColumn):
        yield Hit(table, f"the values of {quoted(command.name)} do not come back with a rollback")
    if statement.kind == "drop_stmt":
        drop = statement.node.drop_stmt
        for node in drop.objects if drop.remove_type == pg.OBJECT_TABLE else ():
            thing = named(drop.remove_type, node)
            if thing is not None:
                table = str(QualifiedName(thing.schema or "public", thing.parts[-1]))
                if table not in context.made:
                    yield Hit(table, "its rows do not come back with a rollback")
        if drop.remove_type == pg.OBJECT_SCHEMA and drop.behavior == pg.DROP_CASCADE:
            yield Hit(why="all that is in the schema does not come back with a rollback", level=Level.ERROR)
    elif statement.kind == "truncate_stmt":
        for node in statement.node.truncate_stmt.relations:
            if context.is_filled(node.range_var):
                yield Hit(context.name(node.range_var), "its rows do not come back with a rollback")
