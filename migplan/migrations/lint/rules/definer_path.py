"""SECURITY DEFINER without a search path of its own."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.statements import Parsed

CODE = "ML404"
TITLE = "SECURITY DEFINER without SET search_path"
LEVEL = Level.WARNING
WHY = (
    "whoever calls it chooses by the search_path which tables and functions it means, with its owner's rights"
)
FIX = "add SET search_path = '' to the function, and qualify the names in it"
STATEMENTS = ("create_function_stmt",)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:  # noqa: ARG001 - rules have one shape
    """Functions and procedures."""
    options = [node.def_elem for node in statement.node.create_function_stmt.options]
    definer = any(each.defname == "security" and each.arg.boolean.boolval for each in options)
    path = any(each.defname == "set" and each.arg.variable_set_stmt.name == "search_path" for each in options)
    if definer and not path:
        yield Hit()
