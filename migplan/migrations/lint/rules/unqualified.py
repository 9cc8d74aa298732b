"""Things made under a bare name."""

from collections.abc import Iterator

from migplan.level import Level
from migplan.migrations.lint.risk import Context, Hit
from migplan.sql.effects import effects
from migplan.sql.statements import Parsed

CODE = "ML401"
TITLE = "a name without its schema"
LEVEL = Level.NOTE
WHY = "where it goes depends on the search_path of whoever runs the file"
FIX = "write public.NAME, or SET search_path at the beginning"
STATEMENTS = (
    "create_stmt",
    "create_table_as_stmt",
    "view_stmt",
    "create_seq_stmt",
    "create_function_stmt",
    "create_enum_stmt",
    "create_domain_stmt",
)


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Once a file, at the first thing that is made so."""
    if "search_path" not in context.settings and _is_bare(statement) and context.once(CODE):
        yield Hit()


def _is_bare(statement: Parsed) -> bool:
    (created,) = effects(statement.node).creates
    return not created.schema and not created.temporary
