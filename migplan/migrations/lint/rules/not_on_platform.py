"""What the managed host of the target does not let its users do; asked only where the host is said."""

from collections.abc import Iterator
from typing import Any

from migplan.config import Act
from migplan.level import Level
from migplan.migrations.lint.risk import EVERY, Context, Hit
from migplan.names import part_matches
from migplan.sql.statements import Parsed

CODE = "ML501"
TITLE = "what the platform does not allow"
LEVEL = Level.ERROR
WHY = "the platform does not allow it to its users"
FIX = "leave it out"
STATEMENTS = EVERY

_ALWAYS = {
    "create_event_trig_stmt": Act.EVENT_TRIGGERS,
    "create_fdw_stmt": Act.FOREIGN_DATA_WRAPPERS,
    "create_plang_stmt": Act.LANGUAGES,
    "create_am_stmt": Act.ACCESS_METHODS,
    "create_op_class_stmt": Act.OPERATOR_CLASSES,
    "create_op_family_stmt": Act.OPERATOR_FAMILIES,
    "create_transform_stmt": Act.TRANSFORMS,
    "create_table_space_stmt": Act.TABLESPACES,
    "alter_system_stmt": Act.SERVER_SETTINGS,
    "sec_label_stmt": Act.SECURITY_LABELS,
    "create_subscription_stmt": Act.SUBSCRIPTIONS,
    "create_role_stmt": Act.ROLES,
}


def find(statement: Parsed, context: Context) -> Iterator[Hit]:
    """Yield a hit for a statement whose act the platform has something else for."""
    platform = context.platform
    if platform is None:
        return
    for act in _acts(statement, platform.provided.roles):
        if act in platform.instead:
            yield Hit(why=f"{act}: {platform.title} does not allow it", fix=platform.instead[act])


def _acts(statement: Parsed, reserved: tuple[str, ...]) -> Iterator[Act]:
    """What a statement does that is for superusers, or for the host itself."""
    node: Any = getattr(statement.node, statement.kind)
    if statement.kind in _ALWAYS:
        yield _ALWAYS[statement.kind]
    elif statement.kind == "copy_stmt" and (node.filename or node.is_program):
        yield Act.SERVER_FILES
    elif statement.kind == "create_publication_stmt" and node.for_all_tables:
        yield Act.PUBLICATIONS_OF_ALL_TABLES
    elif statement.kind == "create_function_stmt" and _language(node) in {"c", "internal"}:
        yield Act.FUNCTIONS_IN_C
    elif (statement.kind == "alter_role_stmt" and _is_reserved(node.role.rolename, reserved)) or (
        statement.kind == "drop_role_stmt"
        and any(_is_reserved(each.role_spec.rolename, reserved) for each in node.roles)
    ):
        yield Act.RESERVED_ROLES


def _language(create: Any) -> str:
    named = (each.def_elem for each in create.options if each.def_elem.defname == "language")
    return next((element.arg.string.sval for element in named), "")


def _is_reserved(role: str, reserved: tuple[str, ...]) -> bool:
    return bool(role) and any(part_matches(pattern, role) for pattern in reserved)
