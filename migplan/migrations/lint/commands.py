"""What several rules ask of a statement."""

from collections.abc import Iterator

from postgast import pg_query_pb2 as pg

from migplan.migrations.lint.risk import Context
from migplan.sql.statements import Parsed
from migplan.sql.tree import definition


def commands(statement: Parsed, context: Context, *subtypes: int) -> Iterator[tuple[str, pg.AlterTableCmd]]:
    """The commands of an ALTER TABLE on a table that the file did not make, with the table's name."""
    if statement.kind != "alter_table_stmt":
        return
    tree = statement.node.alter_table_stmt
    if tree.objtype != pg.OBJECT_TABLE or not context.is_filled(tree.relation):
        return
    for node in tree.cmds:
        if not subtypes or node.alter_table_cmd.subtype in subtypes:
            yield context.name(tree.relation), node.alter_table_cmd


def column(command: pg.AlterTableCmd) -> pg.ColumnDef:
    """The column of ADD COLUMN."""
    return definition(command).column_def


def kinds(column: pg.ColumnDef) -> dict[int, pg.Constraint]:
    """The constraints beside a column, by their kind."""
    return {node.constraint.contype: node.constraint for node in column.constraints}


def added(statement: Parsed, context: Context, *contypes: int) -> Iterator[tuple[str, pg.Constraint, bool]]:
    """Constraints that are added to a filled table: its name, the constraint, whether a new column has it."""
    for table, command in commands(statement, context, pg.AT_AddConstraint, pg.AT_AddColumn):
        if command.subtype == pg.AT_AddConstraint:
            constraint = definition(command).constraint
            if constraint.contype in contypes:
                yield table, constraint, False
        else:
            for contype, constraint in kinds(column(command)).items():
                if contype in contypes:
                    yield table, constraint, True
