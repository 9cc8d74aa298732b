"""What the files of a bundle want of their target: roles, schemas, tablespaces, and what only some may do."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.bundle.schema.parts import Part, PartReader, part_of
from migplan.bundle.verified import VerifiedBundle
from migplan.run.preflight.features import features_of
from migplan.sql.effects import OF_A_TABLE, effects
from migplan.sql.split import Statement
from migplan.sql.statements import parsed
from migplan.sql.tree import definition, options, relation_name, schema_and_name, sql_name, words

# What is created in a table, and not in its schema.
_IN_A_TABLE = OF_A_TABLE | {pg.OBJECT_INDEX}
_SUPERUSERS = {
    "create_event_trig_stmt": "event triggers",
    "create_fdw_stmt": "foreign data wrappers",
    "create_op_class_stmt": "operator classes",
    "create_op_family_stmt": "operator families",
    "create_am_stmt": "access methods",
    "create_plang_stmt": "languages",
    "create_transform_stmt": "transforms",
}

LEFT_OUT = {
    "event triggers": "--without 'EVENT TRIGGER'",
    "foreign data wrappers": "--without 'FOREIGN DATA WRAPPER'",
    "operator classes": "--without 'OPERATOR CLASS'",
    "operator families": "--without 'OPERATOR FAMILY'",
    "access methods": "--without 'ACCESS METHOD'",
    "languages": "--without 'PROCEDURAL LANGUAGE'",
    "transforms": "--without TRANSFORM",
    "privileges granted by another role": "--no-privileges",
    "base types": "--without TYPE",
    "publications of all tables": "--without PUBLICATION",
}
"""The option of an export that leaves out what is for superusers, of kinds that can be left out whole."""


@dataclass
class Wants:
    """What was found in the files."""

    roles: dict[str, set[str]] = field(default_factory=dict)  # by name: what each is named for
    owners: set[str] = field(default_factory=set)  # whom something is given to
    owners_in: set[tuple[str, str]] = field(default_factory=set)  # ... and in which schema
    creators: set[tuple[str, str]] = field(default_factory=set)  # who gets CREATE ('': all), on which schema
    schemas: set[str] = field(default_factory=set)  # in which something is created
    new_schemas: set[str] = field(default_factory=set)
    altered_schemas: set[str] = field(default_factory=set)  # given away, or commented on
    granted_schemas: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    attached: set[str] = field(default_factory=set)  # tables that others refer to, or are parts of
    altered: set[str] = field(default_factory=set)  # tables that exist, or should
    tablespaces: set[str] = field(default_factory=set)
    methods: set[str] = field(default_factory=set)
    new_methods: set[str] = field(default_factory=set)
    index_methods: set[str] = field(default_factory=set)
    languages: dict[str, set[str]] = field(default_factory=dict)  # by name: the functions that are in it
    collations: dict[tuple[str, ...], set[str]] = field(default_factory=dict)  # by name: what uses it
    new_collations: set[tuple[str, ...]] = field(default_factory=set)
    icu_collations: set[str] = field(default_factory=set)
    trials: dict[str, str] = field(default_factory=dict)  # what only CREATE tells, to be tried as temporary
    compressions: set[str] = field(default_factory=set)
    xml_columns: set[tuple[str, str]] = field(default_factory=set)  # table and column
    xml_types: set[tuple[str, ...]] = field(default_factory=lambda: {("xml",), ("pg_catalog", "xml")})
    xml_values: set[str] = field(default_factory=set)  # definitions that hold values of xml
    xml_functions: set[str] = field(default_factory=set)  # views that make xml when they are read
    features: dict[int, set[str]] = field(default_factory=dict)  # by the major version that brought them
    superuser: dict[str, int] = field(default_factory=dict)  # what only a superuser may do
    publications: int = 0

    @property
    def referred(self) -> set[str]:
        """The tables that must be in the target already."""
        return self.attached - self.tables

    @property
    def libraries(self) -> set[str]:
        """The libraries with which the server must have been built, by the names of ``binaries``."""
        icu = self.icu_collations or any(
            name[-1].endswith("-x-icu") or name[-1] == "unicode"
            for name in self.collations.keys() - self.new_collations
        )
        xml = self.xml_columns or self.xml_values or self.xml_functions
        used = {"icu": icu, "libxml": xml, "lz4": "lz4" in self.compressions}
        return {library for library, is_used in used.items() if is_used}


def wants_of(bundle: VerifiedBundle, kept: Collection[Part] = ()) -> Wants:
    """Look at the statements of a bundle, as they were read when it was verified.

    Those that bring what is ``kept`` will not run, and want nothing but the tables to be there.
    """
    wants = Wants()
    reader = PartReader()
    for file in bundle.manifest.files:
        text = BytesIO(bytes(bundle.texts[file.file]))
        for each in parsed(text, bundle.paths.step(file.file), _wants_nothing):
            if kept and reader.part(each.node) in kept:
                wants.tables.update(made.name for made in effects(each.node).creates)
            else:
                _see(wants, each.node, each.text)
    wants.schemas.discard("")
    return wants


def _wants_nothing(statement: Statement) -> bool:
    """Whether a statement is one of those of which there are two or three for each table with rows."""
    return statement.word in _BOUNDS or (
        statement.word == "copy" and statement.text.rstrip(";").endswith(" FROM stdin")
    )


def _see(wants: Wants, node: pg.Node, text: str) -> None:
    part = part_of(node)
    label = str(part) if part else ""
    kind = node.WhichOneof("node") or ""
    statement, found = getattr(node, kind), effects(node)
    wants.schemas.update(each.schema for each in found.creates if each.type not in _IN_A_TABLE)
    wants.attached.update(key.referenced.name for key in found.keys)
    for each in found.children:
        if each.parent.type == pg.OBJECT_TABLE:  # and no index
            wants.attached.update({each.child.name, each.parent.name})
    _see_names(wants, node, text, label)
    if kind in _SUPERUSERS:
        _count(wants, _SUPERUSERS[kind])
    if see := _SEEN.get(kind):
        see(wants, statement)


def _table(wants: Wants, create: pg.CreateStmt) -> None:
    wants.tables.add(relation_name(create.relation))
    for node in create.table_elts:
        if words(node.column_def.type_name.names) in wants.xml_types:
            wants.xml_columns.add((relation_name(create.relation), node.column_def.colname))


def _alter_table(wants: Wants, alter: pg.AlterTableStmt) -> None:
    if alter.relation.schemaname == "pg_temp":
        return
    if alter.objtype == pg.OBJECT_TABLE:  # indexes, views and sequences are altered by the same statement
        wants.altered.add(relation_name(alter.relation))
    for each in alter.cmds:
        command = each.alter_table_cmd
        if command.subtype == pg.AT_ChangeOwner:
            _owner(wants, command.newowner, alter.relation.schemaname)
        elif command.subtype == pg.AT_SetCompression:
            wants.compressions.add(definition(command).string.sval)


def _alter_owner(wants: Wants, alter: pg.AlterOwnerStmt) -> None:
    schema = ""
    if alter.object_type == pg.OBJECT_SCHEMA:
        wants.altered_schemas.add(alter.object.string.sval)
        wants.creators.add((alter.newowner.rolename, alter.object.string.sval))
    else:
        names = words(alter.object.object_with_args.objname) or words(alter.object.list.items)
        schema = names[0] if len(names) > 1 else ""
    _owner(wants, alter.newowner, schema)


def _grant(wants: Wants, grant: pg.GrantStmt) -> None:
    _roles(wants, (each.role_spec for each in grant.grantees), "privileges")
    _roles(wants, [grant.grantor], "privileges")
    if grant.objtype == pg.OBJECT_SCHEMA:
        wants.granted_schemas.update(words(grant.objects))
        given = {each.access_priv.priv_name for each in grant.privileges} or {"create"}  # none: ALL
        if grant.is_grant and "create" in given:
            roles = {each.role_spec.rolename for each in grant.grantees}
            wants.creators.update((role, schema) for role in roles for schema in words(grant.objects))


def _defaults(wants: Wants, alter: pg.AlterDefaultPrivilegesStmt) -> None:
    _roles(wants, (each.role_spec for each in alter.action.grantees), "privileges")
    for option in alter.options:
        if option.def_elem.defname == "roles":
            owners = [item.role_spec for item in option.def_elem.arg.list.items]
            _roles(wants, owners, "default privileges")
            wants.owners.update(owner.rolename for owner in owners if owner.rolename)


def _policy(wants: Wants, create: pg.CreatePolicyStmt) -> None:
    _roles(wants, (each.role_spec for each in create.roles), "policies")


def _set(wants: Wants, statement: pg.VariableSetStmt) -> None:
    said = next((arg.a_const.sval.sval for arg in statement.args if arg.a_const.HasField("sval")), "")
    if statement.name == "default_tablespace" and said:
        wants.tablespaces.add(said)
    elif statement.name == "default_table_access_method" and said:
        wants.methods.add(said)
    elif statement.name == "session_authorization" and said:
        wants.roles.setdefault(said, set()).add("privileges")
        _count(wants, "privileges granted by another role")


def _schema(wants: Wants, create: pg.CreateSchemaStmt) -> None:
    wants.new_schemas.add(create.schemaname)
    _roles(wants, [create.authrole], "ownership")


def _comment(wants: Wants, comment: pg.CommentStmt) -> None:
    if comment.objtype == pg.OBJECT_SCHEMA:
        wants.altered_schemas.add(comment.object.string.sval)


def _function(wants: Wants, create: pg.CreateFunctionStmt) -> None:
    for option in create.options:
        element = option.def_elem
        if element.defname == "language" and element.arg.string.sval in {"c", "internal"}:
            _count(wants, "functions in C")
        elif element.defname == "language":
            name = schema_and_name(create.funcname)
            functions = wants.languages.setdefault(element.arg.string.sval, set())
            functions.add(sql_name(*name))
        elif element.defname == "leakproof" and element.arg.boolean.boolval:
            _count(wants, "leakproof functions")


def _see_names(wants: Wants, node: pg.Node, text: str, label: str) -> None:
    """What may stand anywhere in a statement; most have none of it, which their text tells."""
    if _COLLATING.search(text):
        for name in filter(None, _collations(node)):
            wants.collations.setdefault(name, set()).add(label)
    is_body = node.HasField("create_function_stmt") and not node.create_function_stmt.HasField("sql_body")
    if not is_body and _XML.search(text):
        casts = postgast.find_nodes(node, pg.TypeCast)
        if any(
            words(each.type_name.names) in wants.xml_types and each.arg.HasField("a_const") for each in casts
        ):
            wants.xml_values.add(label)
        elif any(True for _ in postgast.find_nodes(node, pg.XmlExpr)):
            wants.xml_functions.add(label)
    for major, feature in features_of(node, text):
        wants.features.setdefault(major, set()).add(f"{feature} of {label}" if label else feature)


def _collations(node: pg.Node) -> Iterator[tuple[str, ...]]:
    """The names of the collations that a statement uses."""
    yield from (words(each.collname) for each in postgast.find_nodes(node, pg.CollateClause))
    for kind in (pg.IndexElem, pg.PartitionElem):
        yield from (words(each.collation) for each in postgast.find_nodes(node, kind))
    for option in node.create_range_stmt.params:
        if option.def_elem.defname == "collation":
            yield words(option.def_elem.arg.type_name.names)


_BOUNDS = frozenset({"begin", "commit"})
_COLLATING = re.compile(r"\bcollat", re.IGNORECASE)
_XML = re.compile(r"\bxml", re.IGNORECASE)


def _domain(wants: Wants, create: pg.CreateDomainStmt) -> None:
    if words(create.type_name.names) in wants.xml_types:
        wants.xml_types.add(words(create.domainname))


def _index(wants: Wants, index: pg.IndexStmt) -> None:
    wants.index_methods.add(index.access_method)


def _access_method(wants: Wants, create: pg.CreateAmStmt) -> None:
    wants.new_methods.add(create.amname)


def _define(wants: Wants, define: pg.DefineStmt) -> None:
    if define.kind == pg.OBJECT_TYPE and define.definition:
        _count(wants, "base types")
    elif define.kind == pg.OBJECT_COLLATION:
        wants.new_collations.add(words(define.defnames))
        provider = options(define.definition).get("provider")
        if provider is not None and words(provider.arg.type_name.names) == ("icu",):
            wants.icu_collations.add(".".join(words(define.defnames)))
        else:
            _try(wants, define)
    elif define.kind == pg.OBJECT_TSDICTIONARY:
        template = options(define.definition).get("template")
        if template is not None and words(template.arg.type_name.names)[:1] == ("pg_catalog",):
            _try(wants, define)  # its files are looked for at once


def _try(wants: Wants, define: pg.DefineStmt) -> None:
    """Note a statement that makes the same as a temporary object, for the server to judge."""
    label = str(part_of(pg.Node(define_stmt=define)))
    trial = pg.ParseResult()
    trial.stmts.add().stmt.define_stmt.CopyFrom(define)
    trial.stmts[0].stmt.define_stmt.defnames[0].string.sval = "pg_temp"
    wants.trials[label] = postgast.deparse(trial)


def _publication(wants: Wants, create: pg.CreatePublicationStmt) -> None:
    wants.publications += 1
    if create.for_all_tables:
        _count(wants, "publications of all tables")


_SEEN: dict[str, Any] = {
    "create_stmt": _table,
    "create_foreign_table_stmt": lambda wants, create: _table(wants, create.base_stmt),
    "alter_table_stmt": _alter_table,
    "alter_owner_stmt": _alter_owner,
    "grant_stmt": _grant,
    "index_stmt": _index,
    "alter_default_privileges_stmt": _defaults,
    "create_policy_stmt": _policy,
    "variable_set_stmt": _set,
    "create_schema_stmt": _schema,
    "comment_stmt": _comment,
    "create_function_stmt": _function,
    "create_am_stmt": _access_method,
    "create_domain_stmt": _domain,
    "define_stmt": _define,
    "create_publication_stmt": _publication,
}


def _owner(wants: Wants, role: pg.RoleSpec, schema: str) -> None:
    _roles(wants, [role], "ownership")
    if role.rolename:
        wants.owners.add(role.rolename)
        if schema:
            wants.owners_in.add((role.rolename, schema))


def _roles(wants: Wants, roles: Iterable[pg.RoleSpec], why: str) -> None:
    for role in roles:
        if role.rolename:  # empty for PUBLIC and CURRENT_USER
            wants.roles.setdefault(role.rolename, set()).add(why)


def _count(wants: Wants, what: str) -> None:
    wants.superuser[what] = wants.superuser.get(what, 0) + 1
