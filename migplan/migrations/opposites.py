"""Opposites of single statements: DROP for CREATE, with the right kind and signature, and so on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses.constraints import automatic, index_name, mentions
from migplan.migrations.uses.named import named, signature_of
from migplan.names import QualifiedName, quoted

_INPUTS = frozenset({pg.FUNC_PARAM_DEFAULT, pg.FUNC_PARAM_IN, pg.FUNC_PARAM_INOUT, pg.FUNC_PARAM_VARIADIC})


@dataclass(frozen=True, slots=True)
class Made:
    """What a statement makes, and the statement that drops it."""

    sql: str = ""
    thing: Thing | None = None
    table: str = ""  # what goes with all that happens to it: a table, a view, a type
    is_tolerant: bool = False  # IF NOT EXISTS, OR REPLACE
    replaces: bool = False
    stays: str = ""  # why it is not dropped


def made(kind: str, tree: Any) -> Made | None:  # noqa: C901, PLR0911 - one a kind
    """What a CREATE of any kind makes; None for other statements."""
    match kind:
        case "create_stmt" | "create_foreign_table_stmt":
            base = tree if kind == "create_stmt" else tree.base_stmt
            words = "TABLE" if kind == "create_stmt" else "FOREIGN TABLE"
            return _relation(words, base.relation, tolerant=base.if_not_exists)
        case "create_table_as_stmt":
            words = "MATERIALIZED VIEW" if tree.objtype == pg.OBJECT_MATVIEW else "TABLE"
            return _relation(words, tree.into.rel, tolerant=tree.if_not_exists)
        case "view_stmt":
            return _relation("VIEW", tree.view, tolerant=tree.replace, replaces=tree.replace)
        case "create_seq_stmt":
            found = _relation("SEQUENCE", tree.sequence, tolerant=tree.if_not_exists)
            thing = found.thing and Thing(ThingKind.SEQUENCE, found.thing.name)
            return Made(found.sql, thing, found.table, tree.if_not_exists)
        case "index_stmt":
            return _index(tree)
        case "create_function_stmt":
            return _function(tree)
        case "create_trig_stmt":
            return _on_table("TRIGGER", ThingKind.TRIGGER, tree.trigname, tree.relation, tree.replace)
        case "create_policy_stmt":
            return _on_table("POLICY", ThingKind.POLICY, tree.policy_name, tree.table, False)
        case "rule_stmt":
            return _on_table("RULE", ThingKind.OTHER, tree.rulename, tree.relation, tree.replace)
        case "grant_stmt":
            return _grant(tree)
    return _type(kind, tree) or _other(kind, tree)


def _type(kind: str, tree: Any) -> Made | None:
    match kind:
        case "create_enum_stmt" | "create_range_stmt":
            name = _name(tree.type_name)
        case "create_domain_stmt":
            name = _name(tree.domainname)
            return Made(f"DROP DOMAIN {name}", Thing(ThingKind.TYPE, name), name)
        case "composite_type_stmt":
            name = relation(tree.typevar)
        case "define_stmt" if tree.kind == pg.OBJECT_TYPE:
            name = _name(tree.defnames)
        case _:
            return None
    return Made(f"DROP TYPE {name}", Thing(ThingKind.TYPE, name), name)


def _other(kind: str, tree: Any) -> Made | None:  # noqa: PLR0911 - one a kind
    match kind:
        case "create_schema_stmt":
            name = quoted(tree.schemaname or tree.authrole.rolename)
            thing = Thing(ThingKind.SCHEMA, name)
            return Made(f"DROP SCHEMA {name}", thing, is_tolerant=tree.if_not_exists)
        case "create_extension_stmt":
            name = quoted(tree.extname)
            stays = "IF NOT EXISTS: others may use the extension, too" if tree.if_not_exists else ""
            return Made(
                f"DROP EXTENSION {name}",
                Thing(ThingKind.EXTENSION, name),
                "",
                tree.if_not_exists,
                False,
                stays,
            )
        case "create_role_stmt":
            name = quoted(tree.role)
            return Made(f"DROP ROLE {name}", Thing(ThingKind.ROLE, name))
        case "create_stats_stmt" if tree.defnames:
            return Made(f"DROP STATISTICS {_name(tree.defnames)}")
        case "define_stmt" if tree.kind == pg.OBJECT_AGGREGATE:
            types = [node.function_parameter.arg_type for node in tree.args[0].list.items]
            signature = signature_of(types) if types else "(*)"
            name = _name(tree.defnames)
            return Made(f"DROP AGGREGATE {name}{signature}", Thing(ThingKind.FUNCTION, name))
        case "define_stmt" if tree.kind == pg.OBJECT_COLLATION:
            return Made(f"DROP COLLATION {_name(tree.defnames)}")
        case "create_publication_stmt":
            return Made(f"DROP PUBLICATION {quoted(tree.pubname)}")
        case "create_event_trig_stmt":
            return Made(f"DROP EVENT TRIGGER {quoted(tree.trigname)}")
        case "create_foreign_server_stmt":
            return Made(f"DROP SERVER {quoted(tree.servername)}")
    return None


def relation(name: pg.RangeVar) -> str:
    """A table's name as SQL."""
    return str(QualifiedName(name.schemaname or "public", name.relname))


def _name(nodes: Sequence[Any]) -> str:
    parts = [node.string.sval for node in nodes]
    return str(QualifiedName(parts[-2] if len(parts) > 1 else "public", parts[-1]))


def _relation(words: str, name: pg.RangeVar, *, tolerant: bool, replaces: bool = False) -> Made:
    text = relation(name)
    if name.relpersistence == "t":
        return Made(table=text)
    return Made(f"DROP {words} {text}", Thing(ThingKind.TABLE, text), text, tolerant, replaces)


def _index(tree: pg.IndexStmt) -> Made:
    text = str(QualifiedName(tree.relation.schemaname or "public", index_name(tree)))
    words = "INDEX CONCURRENTLY" if tree.concurrent else "INDEX"
    if tree.relation.relpersistence == "t":
        return Made()
    return Made(f"DROP {words} {text}", Thing(ThingKind.INDEX, text), "", tree.if_not_exists)


def _function(tree: pg.CreateFunctionStmt) -> Made:
    parameters = [node.function_parameter for node in tree.parameters]
    signature = signature_of(each.arg_type for each in parameters if each.mode in _INPUTS)
    name = _name(tree.funcname)
    words = "PROCEDURE" if tree.is_procedure else "FUNCTION"
    thing = Thing(ThingKind.FUNCTION, name)
    return Made(f"DROP {words} {name}{signature}", thing, "", tree.replace, tree.replace)


def _on_table(words: str, kind: ThingKind, name: str, table: pg.RangeVar, replace: bool) -> Made:
    thing = Thing(kind, f"{relation(table)}.{quoted(name)}")
    return Made(f"DROP {words} {quoted(name)} ON {relation(table)}", thing, "", replace, replace)


# --- GRANT ------------------------------------------------------------------------------------------------

_GRANTED_ON = {
    pg.OBJECT_TABLE: "TABLE",
    pg.OBJECT_SEQUENCE: "SEQUENCE",
    pg.OBJECT_SCHEMA: "SCHEMA",
    pg.OBJECT_FUNCTION: "FUNCTION",
    pg.OBJECT_PROCEDURE: "PROCEDURE",
    pg.OBJECT_ROUTINE: "ROUTINE",
    pg.OBJECT_TYPE: "TYPE",
    pg.OBJECT_DOMAIN: "DOMAIN",
}


def _grant(tree: pg.GrantStmt) -> Made | None:
    """REVOKE for GRANT; of REVOKE nobody knows what there was to take."""
    words = _GRANTED_ON.get(tree.objtype)
    if not tree.is_grant or words is None or tree.targtype != pg.ACL_TARGET_OBJECT:
        return None
    things = [named(tree.objtype, node) for node in tree.objects]
    objects = [
        quoted(thing.parts[0])
        if tree.objtype == pg.OBJECT_SCHEMA
        else str(QualifiedName(thing.schema or "public", thing.parts[-1])) + thing.signature
        for thing in things
        if thing is not None
    ]
    rights = ", ".join(_right(node.access_priv) for node in tree.privileges) or "ALL"
    roles = ", ".join(_role(node.role_spec) for node in tree.grantees)
    return Made(f"REVOKE {rights} ON {words} {', '.join(objects)} FROM {roles}")


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
    start, subtype = f"ALTER {kind} {relation(tree.relation)} ", command.subtype
    definition = getattr(command, "def")
    if tree.objtype not in {pg.OBJECT_TABLE, pg.OBJECT_VIEW}:
        return "", "what it was before is not in the file"
    if subtype == pg.AT_AddColumn:
        if command.missing_ok:
            return "", "ADD COLUMN IF NOT EXISTS: whether the column is new, the file does not say"
        return f"{start}DROP COLUMN {quoted(definition.column_def.colname)}", ""
    if subtype == pg.AT_AddConstraint:
        return f"{start}DROP CONSTRAINT {quoted(_constraint(tree, definition.constraint))}", ""
    if subtype in _SWITCHES:
        return start + _SWITCHES[subtype], ""
    if subtype in _OF_A_COLUMN:
        return start + _OF_A_COLUMN[subtype].format(quoted(command.name)), ""
    if subtype in _INVERSE:
        other = definition.partition_cmd.name if subtype == pg.AT_AttachPartition else definition.range_var
        return f"{start}{_INVERSE[subtype]} {relation(other)}", ""
    if subtype == pg.AT_ValidateConstraint:
        return "", ""
    return "", _LOST.get(subtype, "what was there before is not in the file")


def _constraint(tree: pg.AlterTableStmt, said: pg.Constraint) -> str:
    """The constraint's name: its own, or that which the server gives."""
    if said.conname:
        return str(said.conname)
    if said.contype == pg.CONSTR_CHECK:
        found = set(mentions(said.raw_expr))
        return automatic(tree.relation.relname, found.pop() if len(found) == 1 else "", "check")
    nodes = said.fk_attrs if said.contype == pg.CONSTR_FOREIGN else said.keys
    columns = "" if said.contype == pg.CONSTR_PRIMARY else "_".join(node.string.sval for node in nodes)
    endings = {pg.CONSTR_PRIMARY: "pkey", pg.CONSTR_FOREIGN: "fkey", pg.CONSTR_EXCLUSION: "excl"}
    return automatic(tree.relation.relname, columns, endings.get(said.contype, "key"))


_RENAMED = {
    pg.OBJECT_TABLE: "TABLE",
    pg.OBJECT_VIEW: "VIEW",
    pg.OBJECT_MATVIEW: "MATERIALIZED VIEW",
    pg.OBJECT_INDEX: "INDEX",
    pg.OBJECT_SEQUENCE: "SEQUENCE",
}
_RENAMED_IN = {pg.OBJECT_COLUMN: "COLUMN ", pg.OBJECT_TABCONSTRAINT: "CONSTRAINT "}


def renamed(tree: pg.RenameStmt) -> str:
    """The way back to the old name."""
    home, old, new = tree.relation.schemaname or "public", quoted(tree.relation.relname), quoted(tree.newname)
    if tree.rename_type in _RENAMED:
        return f"ALTER {_RENAMED[tree.rename_type]} {quoted(home)}.{new} RENAME TO {old}"
    if tree.rename_type in _RENAMED_IN:
        words = _RENAMED_IN[tree.rename_type]
        return f"ALTER TABLE {relation(tree.relation)} RENAME {words}{new} TO {quoted(tree.subname)}"
    if tree.rename_type in {pg.OBJECT_TRIGGER, pg.OBJECT_POLICY}:
        word = "TRIGGER" if tree.rename_type == pg.OBJECT_TRIGGER else "POLICY"
        return f"ALTER {word} {new} ON {relation(tree.relation)} RENAME TO {quoted(tree.subname)}"
    if tree.rename_type == pg.OBJECT_SCHEMA:
        return f"ALTER SCHEMA {new} RENAME TO {quoted(tree.subname)}"
    if tree.rename_type in {pg.OBJECT_TYPE, pg.OBJECT_DOMAIN}:
        thing = named(tree.rename_type, tree.object)
        if thing is not None:
            home = quoted(thing.schema or "public")
            return f"ALTER TYPE {home}.{new} RENAME TO {quoted(thing.parts[-1])}"
    return ""
