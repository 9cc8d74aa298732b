"""Opposites of single statements: DROP for CREATE, with the right kind and signature, and so on."""

from dataclasses import dataclass, replace
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses.named import KINDS
from migplan.names import quoted
from migplan.sql.default_names import constraint_name
from migplan.sql.effects import OF_A_TABLE, RELATIONS, Object, effects, named_object
from migplan.sql.statements import Parsed
from migplan.sql.tree import definition, relation_name

HOME = "public"
"""The schema of names that say none; a file's own search path was written into them before."""

# What DROP and REVOKE call the types of objects.
_WORDS = {
    pg.OBJECT_AGGREGATE: "AGGREGATE",
    pg.OBJECT_COLLATION: "COLLATION",
    pg.OBJECT_DOMAIN: "DOMAIN",
    pg.OBJECT_EVENT_TRIGGER: "EVENT TRIGGER",
    pg.OBJECT_EXTENSION: "EXTENSION",
    pg.OBJECT_FOREIGN_SERVER: "SERVER",
    pg.OBJECT_FOREIGN_TABLE: "FOREIGN TABLE",
    pg.OBJECT_FUNCTION: "FUNCTION",
    pg.OBJECT_INDEX: "INDEX",
    pg.OBJECT_MATVIEW: "MATERIALIZED VIEW",
    pg.OBJECT_POLICY: "POLICY",
    pg.OBJECT_PROCEDURE: "PROCEDURE",
    pg.OBJECT_PUBLICATION: "PUBLICATION",
    pg.OBJECT_ROLE: "ROLE",
    pg.OBJECT_ROUTINE: "ROUTINE",
    pg.OBJECT_RULE: "RULE",
    pg.OBJECT_SCHEMA: "SCHEMA",
    pg.OBJECT_SEQUENCE: "SEQUENCE",
    pg.OBJECT_STATISTIC_EXT: "STATISTICS",
    pg.OBJECT_TABLE: "TABLE",
    pg.OBJECT_TRIGGER: "TRIGGER",
    pg.OBJECT_TYPE: "TYPE",
    pg.OBJECT_VIEW: "VIEW",
}


@dataclass(frozen=True, slots=True)
class Made:
    """What a statement makes, and the statement that drops it."""

    sql: str = ""
    thing: Thing | None = None
    table: str = ""  # what goes with all that happens to it: a table, a view, a type
    is_tolerant: bool = False  # IF NOT EXISTS, OR REPLACE
    replaces: bool = False
    stays: str = ""  # why it is not dropped


def made(statement: Parsed) -> Made | None:
    """What a CREATE of any kind makes, or a GRANT; None for other statements."""
    tree: Any = statement.tree
    if statement.kind == "grant_stmt":
        return _grant(tree)
    created = effects(statement.node).creates
    if statement.kind == "alter_table_stmt" or not created or created[0].type not in _WORDS:
        return None
    first = created[0]
    replaces = bool(getattr(tree, "replace", False)) and statement.kind != "define_stmt"
    tolerant = replaces or bool(getattr(tree, "if_not_exists", False))
    found = Made(_drop(first, tree), _thing(first), is_tolerant=tolerant, replaces=replaces)
    if first.type in RELATIONS | {pg.OBJECT_SEQUENCE, pg.OBJECT_TYPE, pg.OBJECT_DOMAIN}:
        found = replace(found, table=first.name_in(HOME))
    if first.type == pg.OBJECT_EXTENSION and tolerant:
        found = replace(found, stays="IF NOT EXISTS: others may use the extension, too")
    return Made(table=found.table) if first.temporary and first.type not in OF_A_TABLE else found


def _thing(created: Object) -> Thing | None:
    if created.type == pg.OBJECT_RULE:
        return Thing(ThingKind.OTHER, created.name_in(HOME))
    kind = KINDS.get(created.type)
    return Thing(kind, created.name_in(HOME)) if kind else None


def _drop(created: Object, tree: Any) -> str:
    words = _WORDS[created.type]
    if created.type in OF_A_TABLE:
        table = Object(pg.OBJECT_TABLE, created.schema, created.parts[:1])
        return f"DROP {words} {quoted(created.parts[1])} ON {table.name_in(HOME)}"
    if created.type == pg.OBJECT_INDEX and tree.concurrent:
        words = "INDEX CONCURRENTLY"
    return f"DROP {words} {created.name_in(HOME)}{created.signature}"


# --- GRANT ------------------------------------------------------------------------------------------------

_GRANTED_ON = frozenset(
    {
        pg.OBJECT_TABLE,
        pg.OBJECT_SEQUENCE,
        pg.OBJECT_SCHEMA,
        pg.OBJECT_FUNCTION,
        pg.OBJECT_PROCEDURE,
        pg.OBJECT_ROUTINE,
        pg.OBJECT_TYPE,
        pg.OBJECT_DOMAIN,
    }
)


def _grant(tree: pg.GrantStmt) -> Made | None:
    """REVOKE for GRANT; of REVOKE nobody knows what there was to take."""
    if not tree.is_grant or tree.objtype not in _GRANTED_ON or tree.targtype != pg.ACL_TARGET_OBJECT:
        return None
    things = filter(None, (named_object(tree.objtype, node) for node in tree.objects))
    objects = ", ".join(each.name_in(HOME) + each.signature for each in things)
    rights = ", ".join(_right(node.access_priv) for node in tree.privileges) or "ALL"
    roles = ", ".join(_role(node.role_spec) for node in tree.grantees)
    return Made(f"REVOKE {rights} ON {_WORDS[tree.objtype]} {objects} FROM {roles}")


def _right(right: pg.AccessPriv) -> str:
    columns = ", ".join(quoted(node.string.sval) for node in right.cols)
    name = right.priv_name.upper() or "ALL"
    return f"{name} ({columns})" if columns else name


def _role(role: pg.RoleSpec) -> str:
    words = {
        pg.ROLESPEC_PUBLIC: "PUBLIC",
        pg.ROLESPEC_CURRENT_USER: "CURRENT_USER",
        pg.ROLESPEC_CURRENT_ROLE: "CURRENT_ROLE",
        pg.ROLESPEC_SESSION_USER: "SESSION_USER",
    }
    return words.get(role.roletype) or quoted(role.rolename)


# --- ALTER ------------------------------------------------------------------------------------------------

_SWITCHES = {
    pg.AT_EnableRowSecurity: "DISABLE ROW LEVEL SECURITY",
    pg.AT_DisableRowSecurity: "ENABLE ROW LEVEL SECURITY",
    pg.AT_ForceRowSecurity: "NO FORCE ROW LEVEL SECURITY",
    pg.AT_NoForceRowSecurity: "FORCE ROW LEVEL SECURITY",
}
_OF_A_COLUMN = {
    pg.AT_SetNotNull: "ALTER COLUMN {} DROP NOT NULL",
    pg.AT_DropNotNull: "ALTER COLUMN {} SET NOT NULL",
    pg.AT_AddIdentity: "ALTER COLUMN {} DROP IDENTITY",
    pg.AT_EnableTrig: "DISABLE TRIGGER {}",
    pg.AT_DisableTrig: "ENABLE TRIGGER {}",
}
_LOST = {
    pg.AT_DropColumn: "the values of the column are gone",
    pg.AT_AlterColumnType: "what the type was before, and how values come back to it, is not in the file",
    pg.AT_DropConstraint: "what the constraint was is not in the file",
    pg.AT_ColumnDefault: "what the default was before is not in the file",
}
_INVERSE = {
    pg.AT_AttachPartition: "DETACH PARTITION",
    pg.AT_AddInherit: "NO INHERIT",
    pg.AT_DropInherit: "INHERIT",
}


def altered(  # noqa: PLR0911 - one a kind
    tree: pg.AlterTableStmt, command: pg.AlterTableCmd
) -> tuple[str, str]:
    """The opposite of one command of ALTER TABLE, or why there is none; both empty where nothing is left."""
    kind = "VIEW" if tree.objtype == pg.OBJECT_VIEW else "TABLE"
    start, subtype = f"ALTER {kind} {relation_name(tree.relation, HOME)} ", command.subtype
    given = definition(command)
    if tree.objtype not in {pg.OBJECT_TABLE, pg.OBJECT_VIEW}:
        return "", "what it was before is not in the file"
    if subtype == pg.AT_AddColumn:
        if command.missing_ok:
            return "", "ADD COLUMN IF NOT EXISTS: whether the column is new, the file does not say"
        return f"{start}DROP COLUMN {quoted(given.column_def.colname)}", ""
    if subtype == pg.AT_AddConstraint:
        name = given.constraint.conname or constraint_name(tree.relation.relname, given.constraint)
        return f"{start}DROP CONSTRAINT {quoted(name)}", ""
    if subtype in _SWITCHES:
        return start + _SWITCHES[subtype], ""
    if subtype in _OF_A_COLUMN:
        return start + _OF_A_COLUMN[subtype].format(quoted(command.name)), ""
    if subtype in _INVERSE:
        other = given.partition_cmd.name if subtype == pg.AT_AttachPartition else given.range_var
        return f"{start}{_INVERSE[subtype]} {relation_name(other, HOME)}", ""
    if subtype == pg.AT_ValidateConstraint:
        return "", ""
    return "", _LOST.get(subtype, "what was there before is not in the file")


_RENAMED = frozenset(
    {pg.OBJECT_TABLE, pg.OBJECT_VIEW, pg.OBJECT_MATVIEW, pg.OBJECT_INDEX, pg.OBJECT_SEQUENCE}
)
_RENAMED_IN = {pg.OBJECT_COLUMN: "COLUMN ", pg.OBJECT_TABCONSTRAINT: "CONSTRAINT "}


def renamed(tree: pg.RenameStmt) -> str:
    """The way back to the old name."""
    home, old, new = tree.relation.schemaname or HOME, quoted(tree.relation.relname), quoted(tree.newname)
    table, before = relation_name(tree.relation, HOME), quoted(tree.subname)
    if tree.rename_type in _RENAMED:
        return f"ALTER {_WORDS[tree.rename_type]} {quoted(home)}.{new} RENAME TO {old}"
    if tree.rename_type in _RENAMED_IN:
        words = _RENAMED_IN[tree.rename_type]
        return f"ALTER TABLE {table} RENAME {words}{new} TO {before}"
    if tree.rename_type in {pg.OBJECT_TRIGGER, pg.OBJECT_POLICY}:
        return f"ALTER {_WORDS[tree.rename_type]} {new} ON {table} RENAME TO {before}"
    if tree.rename_type == pg.OBJECT_SCHEMA:
        return f"ALTER SCHEMA {new} RENAME TO {before}"
    if tree.rename_type in {pg.OBJECT_TYPE, pg.OBJECT_DOMAIN}:
        thing = named_object(tree.rename_type, tree.object)
        if thing is not None:
            return f"ALTER TYPE {quoted(thing.schema or HOME)}.{new} RENAME TO {quoted(thing.parts[-1])}"
    return ""
