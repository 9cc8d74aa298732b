"""Statements about all but tables and routines: types, schemas, triggers, policies, roles, and names."""

from collections.abc import Callable
from typing import Any

from postgast import find_nodes
from postgast import pg_query_pb2 as pg

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.uses import expressions, system
from migplan.migrations.uses.constraints import columns_in
from migplan.migrations.uses.named import KINDS, WITHOUT_SCHEMA, use
from migplan.migrations.uses.scope import Scope, dotted
from migplan.names import quoted
from migplan.sql.effects import OF_A_TABLE, Object, named_object, object_of
from migplan.sql.tree import schema_and_name, words


def create_schema(scope: Scope, statement: pg.CreateSchemaStmt) -> None:
    """CREATE SCHEMA; its elements are made in it."""
    name = statement.schemaname or statement.authrole.rolename
    scope.add("creates", Thing(ThingKind.SCHEMA, quoted(name)), tolerant=statement.if_not_exists)
    if statement.HasField("authrole"):
        scope.role(statement.authrole)


def create_extension(scope: Scope, statement: pg.CreateExtensionStmt) -> None:
    """CREATE EXTENSION, and the schema that it goes to."""
    scope.add(
        "creates", Thing(ThingKind.EXTENSION, quoted(statement.extname)), tolerant=statement.if_not_exists
    )
    for node in statement.options:
        if node.def_elem.defname == "schema" and node.def_elem.arg.string.sval != "public":
            scope.add("needs", Thing(ThingKind.SCHEMA, quoted(node.def_elem.arg.string.sval)))


def create_enum(scope: Scope, statement: pg.CreateEnumStmt) -> None:
    """CREATE TYPE ... AS ENUM."""
    scope.creates(ThingKind.TYPE, *schema_and_name(statement.type_name))


def alter_enum(scope: Scope, statement: pg.AlterEnumStmt) -> None:
    """ALTER TYPE ... ADD VALUE, RENAME VALUE."""
    scope.named("alters", ThingKind.TYPE, *schema_and_name(statement.type_name))


def create_composite(scope: Scope, statement: pg.CompositeTypeStmt) -> None:
    """CREATE TYPE ... AS (...)."""
    expressions.every(scope, statement.coldeflist)
    scope.creates(ThingKind.TYPE, statement.typevar.schemaname, statement.typevar.relname)


def create_range(scope: Scope, statement: pg.CreateRangeStmt) -> None:
    """CREATE TYPE ... AS RANGE."""
    schema, name = schema_and_name(statement.type_name)
    multirange = f"{name}_multirange" if "range" not in name else name.replace("range", "multirange", 1)
    for node in statement.params:
        if node.def_elem.defname == "multirange_type_name":
            multirange = words(node.def_elem.arg.type_name.names)[-1]
        elif node.def_elem.defname in {"subtype", "collation"}:
            expressions.read(scope, node)
    made = scope.creates(ThingKind.TYPE, schema, name)
    scope.creates(ThingKind.TYPE, schema, multirange, tolerant=True, of=made)


def create_domain(scope: Scope, statement: pg.CreateDomainStmt) -> None:
    """CREATE DOMAIN, and what its checks call."""
    scope.type(statement.type_name)
    expressions.every(scope, statement.constraints)
    scope.creates(ThingKind.TYPE, *schema_and_name(statement.domainname))


def alter_domain(scope: Scope, statement: pg.AlterDomainStmt) -> None:
    """ALTER DOMAIN."""
    scope.named("alters", ThingKind.TYPE, *schema_and_name(statement.type_name))
    if statement.HasField("def"):
        expressions.read(scope, getattr(statement, "def"))


def create_trigger(scope: Scope, statement: pg.CreateTrigStmt) -> None:
    """CREATE TRIGGER: its table, its columns, and the function, which has to be there."""
    relation = statement.relation
    scope.relation(relation)
    with scope.made(_part_of(scope, ThingKind.TRIGGER, relation, statement.trigname)):
        scope.columns(relation, words(statement.columns))
        scope.function(words(statement.funcname))
        for field in ("when_clause", "constrrel"):
            if statement.HasField(field):
                expressions.read(scope, getattr(statement, field))
    used = tuple(columns_in(statement.when_clause))
    _on_table(
        scope, ThingKind.TRIGGER, relation, statement.trigname, tolerant=statement.replace, columns=used
    )
    if statement.isconstraint:
        schema, table, name = relation.schemaname, relation.relname, statement.trigname
        trigger = _part_of(scope, ThingKind.TRIGGER, relation, name)
        scope.creates(ThingKind.CONSTRAINT, schema, table, name, of=trigger)
    for node in statement.transition_rels:
        scope.add("creates", transition_table(node.trigger_transition.name), tolerant=True)


def transition_table(name: str) -> Thing:
    """What REFERENCING calls the rows of a statement: only the trigger's function knows it."""
    return Thing(ThingKind.OTHER, f"transition table {quoted(name)}")


def create_policy(scope: Scope, statement: pg.CreatePolicyStmt) -> None:
    """CREATE POLICY: its table, roles, and what its expressions call."""
    with scope.made(_part_of(scope, ThingKind.POLICY, statement.table, statement.policy_name)):
        _policy(scope, statement)
    used = (*columns_in(statement.qual), *columns_in(statement.with_check))
    queries = [*find_nodes(statement.qual, pg.SubLink), *find_nodes(statement.with_check, pg.SubLink)]
    detail = "q" if queries else ""
    _on_table(scope, ThingKind.POLICY, statement.table, statement.policy_name, columns=used, detail=detail)


def alter_policy(scope: Scope, statement: pg.AlterPolicyStmt) -> None:
    """ALTER POLICY."""
    _policy(scope, statement)
    table = statement.table
    scope.named("alters", ThingKind.POLICY, table.schemaname, table.relname, statement.policy_name)


def _policy(scope: Scope, statement: pg.CreatePolicyStmt | pg.AlterPolicyStmt) -> None:
    scope.relation(statement.table)
    for node in statement.roles:
        scope.role(node.role_spec)
    for field in ("qual", "with_check"):
        if statement.HasField(field):
            expressions.read(scope, getattr(statement, field))


def create_rule(scope: Scope, statement: pg.RuleStmt) -> None:
    """CREATE RULE, and what it does instead."""
    scope.relation(statement.relation)
    expressions.inner(scope, statement, frozenset({"old", "new"}), but=("relation",))


def _part_of(scope: Scope, kind: ThingKind, relation: pg.RangeVar, name: str) -> Thing:
    return Thing(kind, dotted(scope.home(relation.schemaname), relation.relname, name))


def _on_table(
    scope: Scope,
    kind: ThingKind,
    relation: pg.RangeVar,
    name: str,
    *,
    tolerant: bool = False,
    columns: tuple[str, ...] = (),
    detail: str = "",
) -> None:
    if not scope.own(relation):
        table = Thing(ThingKind.TABLE, dotted(scope.home(relation.schemaname), relation.relname))
        scope.creates(
            kind,
            relation.schemaname,
            relation.relname,
            name,
            tolerant=tolerant,
            of=table,
            columns=columns,
            detail=detail,
        )


def create_role(scope: Scope, statement: pg.CreateRoleStmt) -> None:
    """CREATE ROLE, USER or GROUP."""
    scope.add("creates", Thing(ThingKind.ROLE, quoted(statement.role)))


def alter_role(scope: Scope, statement: pg.AlterRoleStmt | pg.AlterRoleSetStmt) -> None:
    """ALTER ROLE, with SET, too; ALTER ROLE ALL SET names none."""
    if statement.role:
        scope.role(statement.role)


def drop_roles(scope: Scope, statement: pg.DropRoleStmt) -> None:
    """DROP ROLE."""
    for node in statement.roles:
        scope.add(
            "drops", Thing(ThingKind.ROLE, quoted(node.role_spec.rolename)), tolerant=statement.missing_ok
        )


def grant(scope: Scope, statement: pg.GrantStmt) -> None:
    """GRANT and REVOKE: the objects and the roles."""
    objtype = pg.OBJECT_SCHEMA if statement.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA else statement.objtype
    if statement.targtype != pg.ACL_TARGET_DEFAULTS:
        for node in statement.objects:
            use(scope, "needs", named_object(objtype, node))
    for node in statement.grantees:
        scope.role(node.role_spec)


def grant_role(scope: Scope, statement: pg.GrantRoleStmt) -> None:
    """GRANT role TO role."""
    for node in statement.granted_roles:
        scope.add("needs", Thing(ThingKind.ROLE, quoted(node.access_priv.priv_name)))
    for node in statement.grantee_roles:
        scope.role(node.role_spec)


def default_privileges(scope: Scope, statement: pg.AlterDefaultPrivilegesStmt) -> None:
    """ALTER DEFAULT PRIVILEGES: the schemas and the roles."""
    for node in statement.options:
        for each in node.def_elem.arg.list.items:
            if node.def_elem.defname == "schemas":
                use(scope, "needs", object_of(pg.OBJECT_SCHEMA, (each.string.sval,)))
            elif each.HasField("role_spec"):
                scope.role(each.role_spec)
    grant(scope, statement.action)


def comment(scope: Scope, statement: pg.CommentStmt) -> None:
    """COMMENT ON what is there."""
    use(scope, "needs", named_object(statement.objtype, statement.object))


def drop(scope: Scope, statement: pg.DropStmt) -> None:
    """DROP of nearly everything."""
    for node in statement.objects:
        named = named_object(statement.remove_type, node)
        cascade = statement.behavior == pg.DROP_CASCADE
        if named is not None and statement.remove_type in OF_A_TABLE:
            table = pg.RangeVar(schemaname=named.schema, relname=named.parts[0])
            scope.relation(table, "alters", tolerant=statement.missing_ok)
        use(scope, "drops", named, tolerant=statement.missing_ok, cascade=cascade)


def rename(scope: Scope, statement: pg.RenameStmt) -> None:
    """RENAME: the old name goes, and the new one comes."""
    objtype, relation = statement.rename_type, statement.relation
    if objtype in OF_A_TABLE:
        scope.relation(relation, "alters", tolerant=statement.missing_ok)
        old = object_of(objtype, (relation.schemaname, relation.relname, statement.subname))
    elif objtype in {pg.OBJECT_SCHEMA, pg.OBJECT_ROLE}:
        old = object_of(objtype, (statement.subname,))
    else:
        old = _renamed(objtype, statement)
    if old is not None and old.type in KINDS:
        _moved(scope, old, old.schema, (*old.parts[:-1], statement.newname), tolerant=statement.missing_ok)


def set_schema(scope: Scope, statement: pg.AlterObjectSchemaStmt) -> None:
    """SET SCHEMA, which is a new name, too."""
    old = _renamed(statement.object_type, statement)
    if statement.object_type == pg.OBJECT_EXTENSION:
        use(scope, "alters", old)
    elif old is not None and old.type in KINDS:
        _moved(scope, old, statement.newschema, old.parts, tolerant=statement.missing_ok)
        if statement.newschema not in {"public", *system.SCHEMAS}:
            scope.add("needs", Thing(ThingKind.SCHEMA, quoted(statement.newschema)))


def _renamed(objtype: int, statement: pg.RenameStmt | pg.AlterObjectSchemaStmt) -> Object | None:
    has_relation = statement.HasField("relation")
    return named_object(objtype, pg.Node(range_var=statement.relation) if has_relation else statement.object)


def _moved(scope: Scope, old: Object, schema: str, parts: tuple[str, ...], *, tolerant: bool) -> None:
    """What gets another name, and takes with it what belongs to it."""
    kind = KINDS[old.type]
    if kind in WITHOUT_SCHEMA:
        scope.add(
            "renames", Thing(kind, quoted(old.parts[0])), to=Thing(kind, quoted(parts[0])), tolerant=tolerant
        )
        return
    if not old.schema and old.parts[0] in scope.temporary:
        scope.temporary.add(parts[0])
        return
    first, *others = scope.places(kind, old.schema, *old.parts)
    if first.schema is not None and old.schema in system.SCHEMAS:
        return
    to = Thing(kind, dotted(schema or scope.home(old.schema), *parts))
    scope.add("renames", first, to=to, also=tuple(others), tolerant=tolerant, signature=old.signature)


def owner(scope: Scope, statement: pg.AlterOwnerStmt) -> None:
    """OWNER TO."""
    use(scope, "alters", named_object(statement.object_type, statement.object))
    scope.role(statement.newowner)


def define(scope: Scope, statement: pg.DefineStmt) -> None:
    """CREATE AGGREGATE, OPERATOR, TYPE and the like; words of the others look like types, and are none."""
    typed = statement.kind in {pg.OBJECT_AGGREGATE, pg.OBJECT_OPERATOR, pg.OBJECT_TYPE}
    for node in statement.definition if typed else ():
        if node.def_elem.arg.HasField("type_name"):
            # Functions are written like types here, and both may be meant.
            if node.def_elem.defname.endswith(("func", "procedure", "function")):
                scope.function(words(node.def_elem.arg.type_name.names))
            else:
                scope.type(node.def_elem.arg.type_name)
    kind = {pg.OBJECT_AGGREGATE: ThingKind.FUNCTION, pg.OBJECT_TYPE: ThingKind.TYPE}.get(statement.kind)
    if kind is not None:
        tolerant = statement.replace or statement.if_not_exists
        scope.creates(kind, *schema_and_name(statement.defnames), tolerant=tolerant)


def create_server(scope: Scope, statement: pg.CreateForeignServerStmt) -> None:
    """CREATE SERVER, and the extension that its wrapper is of."""
    scope.extension_of(statement.fdwname)
    scope.add("creates", Thing(ThingKind.OTHER, f"server {dotted(statement.servername)}"))


def refresh(scope: Scope, statement: pg.RefreshMatViewStmt) -> None:
    """REFRESH MATERIALIZED VIEW."""
    scope.relation(statement.relation, "fills")


READERS: dict[str, Callable[[Scope, Any], None]] = {
    "create_schema_stmt": create_schema,
    "create_extension_stmt": create_extension,
    "create_enum_stmt": create_enum,
    "alter_enum_stmt": alter_enum,
    "composite_type_stmt": create_composite,
    "create_range_stmt": create_range,
    "create_domain_stmt": create_domain,
    "alter_domain_stmt": alter_domain,
    "create_trig_stmt": create_trigger,
    "create_policy_stmt": create_policy,
    "alter_policy_stmt": alter_policy,
    "rule_stmt": create_rule,
    "create_role_stmt": create_role,
    "alter_role_stmt": alter_role,
    "alter_role_set_stmt": alter_role,
    "drop_role_stmt": drop_roles,
    "grant_stmt": grant,
    "grant_role_stmt": grant_role,
    "alter_default_privileges_stmt": default_privileges,
    "comment_stmt": comment,
    "drop_stmt": drop,
    "rename_stmt": rename,
    "alter_object_schema_stmt": set_schema,
    "alter_owner_stmt": owner,
    "define_stmt": define,
    "create_foreign_server_stmt": create_server,
    "refresh_mat_view_stmt": refresh,
}
