"""What a statement does to which objects: what it creates, drops, alters and refers to, with their types.

Objects have the types that PostgreSQL itself gives them (``OBJECT_TABLE`` and its kind), and names as far as
the statement says them: whoever asks knows the search path. The queries in a statement are not looked into;
:func:`relations` does that.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.names import quoted
from migplan.sql.default_names import constraint_name, index_name
from migplan.sql.tree import definition, options, sql_name, words

TABLES = frozenset({pg.OBJECT_TABLE, pg.OBJECT_FOREIGN_TABLE})
RELATIONS = TABLES | {pg.OBJECT_VIEW, pg.OBJECT_MATVIEW}
ROUTINES = frozenset({pg.OBJECT_FUNCTION, pg.OBJECT_PROCEDURE, pg.OBJECT_AGGREGATE, pg.OBJECT_ROUTINE})
OF_A_TABLE = frozenset(
    {pg.OBJECT_COLUMN, pg.OBJECT_TRIGGER, pg.OBJECT_POLICY, pg.OBJECT_RULE, pg.OBJECT_TABCONSTRAINT}
)
_OF_A_DATABASE = frozenset(
    {
        pg.OBJECT_ACCESS_METHOD,
        pg.OBJECT_EVENT_TRIGGER,
        pg.OBJECT_EXTENSION,
        pg.OBJECT_FDW,
        pg.OBJECT_FOREIGN_SERVER,
        pg.OBJECT_LANGUAGE,
        pg.OBJECT_PUBLICATION,
        pg.OBJECT_ROLE,
        pg.OBJECT_SCHEMA,
    }
)
_WITHOUT_NAME = frozenset({pg.OBJECT_CAST, pg.OBJECT_DOMCONSTRAINT, pg.OBJECT_TRANSFORM})
_INPUTS = frozenset({pg.FUNC_PARAM_DEFAULT, pg.FUNC_PARAM_IN, pg.FUNC_PARAM_INOUT, pg.FUNC_PARAM_VARIADIC})


@dataclass(frozen=True, slots=True)
class Object:
    """Something with a name that a statement is about."""

    type: int  # pg.OBJECT_TABLE and its kind
    schema: str  # empty where none is said, or it is in none
    parts: tuple[str, ...]  # its name; before it the table's, where it belongs to one
    signature: str = ""  # of a routine: the types of its arguments, as DROP FUNCTION takes them
    temporary: bool = False

    @property
    def name(self) -> str:
        """Its name as SQL, bare where the statement says no schema."""
        return self.name_in("")

    @property
    def table(self) -> str:
        """The name as SQL of the relation that it is, or belongs to."""
        return sql_name(self.schema, self.parts[0])

    def name_in(self, home: str) -> str:
        """Its name as SQL; in the schema ``home`` where the statement says none."""
        of_table = "".join(f".{quoted(part)}" for part in self.parts[1:])
        home = "" if self.type in _OF_A_DATABASE else home
        return sql_name(self.schema, self.parts[0], home) + of_table


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key that a statement adds."""

    name: str  # empty where none is said
    table: Object
    columns: tuple[str, ...]
    referenced: Object
    referenced_columns: tuple[str, ...]
    full: bool = False  # MATCH FULL
    valid: bool = True  # not NOT VALID
    enforced: bool = True
    period: bool = False


@dataclass(frozen=True, slots=True)
class Child:
    """A table that gets a parent: as its partition (of an index, likewise), or by INHERITS."""

    child: Object
    parent: Object
    is_partition: bool


@dataclass(frozen=True, slots=True)
class Effects:
    """What a statement does."""

    creates: tuple[Object, ...] = ()
    drops: tuple[Object, ...] = ()
    alters: tuple[Object, ...] = ()  # also the tables that get an index, a trigger, a policy
    refers: tuple[Object, ...] = ()
    keys: tuple[ForeignKey, ...] = ()
    children: tuple[Child, ...] = ()


NOTHING = Effects()


def effects(node: pg.Node) -> Effects:
    """Return what a statement does; of a kind that is about no object, nothing."""
    kind = node.WhichOneof("node") or ""
    reader = _READERS.get(kind)
    return reader(getattr(node, kind)) if reader else NOTHING


def relations(tree: Any) -> Iterator[pg.RangeVar]:
    """Yield every relation that is named anywhere in a tree, but for the queries that WITH gives names to."""
    common = {each.ctename for each in postgast.find_nodes(tree, pg.CommonTableExpr)}
    for each in postgast.find_nodes(tree, pg.RangeVar):
        if each.schemaname or each.relname not in common:
            yield each


# --- objects as statements name them ----------------------------------------------------------------------


def named_object(objtype: int, node: pg.Node) -> Object | None:
    """Return what DROP, COMMENT, GRANT, ALTER ... OWNER and their kind name; None for casts and such."""
    signature = ""
    if node.HasField("object_with_args"):
        routine = node.object_with_args
        parts = words(routine.objname)
        if not routine.args_unspecified:
            signature = signature_of(each.type_name for each in routine.objargs)
    elif node.HasField("type_name"):
        parts = words(node.type_name.names)
    elif node.HasField("list"):
        parts = tuple(_strings(node.list.items))
    elif node.HasField("string"):
        parts = (node.string.sval,)
    elif node.HasField("range_var"):
        return _relation(objtype, node.range_var)
    else:
        return None
    return object_of(objtype, parts, signature)


def object_of(objtype: int, parts: Sequence[str], signature: str = "") -> Object | None:
    """Return the object with a name of these parts; None where a name of that type has more or fewer."""
    parts = tuple(parts)
    if objtype in OF_A_TABLE:
        return Object(objtype, parts[-3] if len(parts) > 2 else "", parts[-2:]) if len(parts) > 1 else None
    if not parts or objtype in _WITHOUT_NAME:
        return None
    if objtype in _OF_A_DATABASE:
        return Object(objtype, "", parts[-1:])
    return Object(objtype, parts[-2] if len(parts) > 1 else "", parts[-1:], signature)


def signature_of(types: Iterable[pg.TypeName]) -> str:
    """Return the types of arguments, as DROP FUNCTION takes them."""
    return f"({', '.join(type_text(each) for each in types)})"


def type_text(name: pg.TypeName) -> str:
    """Return a type as SQL, without the length that signatures have no use for."""
    parts = words(name.names)
    if parts[:1] == ("pg_catalog",):
        parts = parts[1:]
    text = ".".join(map(quoted, parts))
    return f"{text}%TYPE" if name.pct_type else text + "[]" * len(name.array_bounds)


def input_signature(statement: pg.CreateFunctionStmt) -> str:
    """Return the types of the arguments that calls of a new routine give."""
    parameters = (node.function_parameter for node in statement.parameters)
    return signature_of(each.arg_type for each in parameters if each.mode in _INPUTS)


def _strings(nodes: Iterable[Any]) -> Iterator[str]:
    """The parts of a name of which the first may be a type's (constraints of domains, casts)."""
    for node in nodes:
        yield from words(node.type_name.names) if node.HasField("type_name") else words([node])


def _relation(objtype: int, relation: pg.RangeVar) -> Object:
    temporary = relation.relpersistence == "t"
    return Object(objtype, relation.schemaname, (relation.relname,), temporary=temporary)


def _part_of(objtype: int, table: pg.RangeVar, name: str) -> Object:
    return Object(objtype, table.schemaname, (table.relname, name), temporary=table.relpersistence == "t")


# --- statements -------------------------------------------------------------------------------------------


def _creates(objtype: int, field: str) -> Callable[[Any], Effects]:
    """A reader of statements that create one object, whose name stands in a field."""

    def read(tree: Any) -> Effects:
        said = getattr(tree, field)
        if isinstance(said, pg.RangeVar):
            return Effects(creates=(_relation(objtype, said),))
        found = object_of(objtype, (said,) if isinstance(said, str) else words(said))
        return Effects(creates=(found,)) if found else NOTHING

    return read


def _creates_on_table(objtype: int, table: str, name: str) -> Callable[[Any], Effects]:
    def read(tree: Any) -> Effects:
        relation = getattr(tree, table)
        created = _part_of(objtype, relation, getattr(tree, name))
        return Effects(creates=(created,), alters=(_relation(pg.OBJECT_TABLE, relation),))

    return read


def _create_table(tree: pg.CreateStmt, objtype: int = pg.OBJECT_TABLE) -> Effects:
    table = _relation(objtype, tree.relation)
    parents = [_relation(pg.OBJECT_TABLE, node.range_var) for node in tree.inh_relations]
    is_partition = tree.HasField("partbound")
    return Effects(
        creates=(table,),
        keys=tuple(key for node in (*tree.table_elts, *tree.constraints) for key in _keys(table, node)),
        children=tuple(Child(table, parent, is_partition) for parent in parents),
        refers=tuple(parents),
    )


def _create_table_as(tree: pg.CreateTableAsStmt) -> Effects:
    objtype = pg.OBJECT_MATVIEW if tree.objtype == pg.OBJECT_MATVIEW else pg.OBJECT_TABLE
    return Effects(creates=(_relation(objtype, tree.into.rel),))


def _create_index(tree: pg.IndexStmt) -> Effects:
    table = _relation(pg.OBJECT_TABLE, tree.relation)
    index = Object(pg.OBJECT_INDEX, table.schema, (index_name(tree),), temporary=table.temporary)
    return Effects(creates=(index,), alters=(table,))


def _create_function(tree: pg.CreateFunctionStmt) -> Effects:
    objtype = pg.OBJECT_PROCEDURE if tree.is_procedure else pg.OBJECT_FUNCTION
    found = object_of(objtype, words(tree.funcname), input_signature(tree))
    return Effects(creates=(found,)) if found else NOTHING


def _define(tree: pg.DefineStmt) -> Effects:
    signature = ""
    if tree.kind == pg.OBJECT_AGGREGATE:
        types = [node.function_parameter.arg_type for node in (tree.args[0].list.items if tree.args else ())]
        base = options(tree.definition).get("basetype")  # the old way to say it; "ANY" is (*)
        if base is not None and words(base.arg.type_name.names)[-1:] not in {(), ("ANY",)}:
            types = [base.arg.type_name]
        signature = signature_of(types) if types else "(*)"
    found = object_of(tree.kind, words(tree.defnames), signature)
    return Effects(creates=(found,)) if found else NOTHING


def _create_statistics(tree: pg.CreateStatsStmt) -> Effects:
    found = object_of(pg.OBJECT_STATISTIC_EXT, words(tree.defnames))
    tables = tuple(_relation(pg.OBJECT_TABLE, node.range_var) for node in tree.relations)
    return Effects(creates=(found,) if found else (), refers=tables)


def _create_schema(tree: pg.CreateSchemaStmt) -> Effects:
    name = tree.schemaname or tree.authrole.rolename
    return Effects(creates=(Object(pg.OBJECT_SCHEMA, "", (name,)),))


def _alter_table(tree: pg.AlterTableStmt) -> Effects:
    table = _relation(tree.objtype, tree.relation)
    creates: list[Object] = []
    drops: list[Object] = []
    refers: list[Object] = []
    keys: list[ForeignKey] = []
    children: list[Child] = []
    for node in tree.cmds:
        command = node.alter_table_cmd
        given, subtype = definition(command), command.subtype
        if subtype == pg.AT_AddConstraint:
            name = given.constraint.conname or constraint_name(tree.relation.relname, given.constraint)
            creates.append(_part_of(pg.OBJECT_TABCONSTRAINT, tree.relation, name))
            keys += _keys(table, given)
        elif subtype == pg.AT_AddColumn:
            creates.append(_part_of(pg.OBJECT_COLUMN, tree.relation, given.column_def.colname))
            keys += _keys(table, given)
        elif subtype in {pg.AT_DropColumn, pg.AT_DropConstraint}:
            objtype = pg.OBJECT_COLUMN if subtype == pg.AT_DropColumn else pg.OBJECT_TABCONSTRAINT
            drops.append(_part_of(objtype, tree.relation, command.name))
        elif subtype == pg.AT_AttachPartition:
            children.append(Child(_relation(tree.objtype, given.partition_cmd.name), table, True))
        elif subtype == pg.AT_AddInherit:
            children.append(Child(table, _relation(pg.OBJECT_TABLE, given.range_var), False))
        elif subtype in {pg.AT_ClusterOn, pg.AT_ReplicaIdentity}:
            index = command.name or given.replica_identity_stmt.name
            refers += [Object(pg.OBJECT_INDEX, table.schema, (index,))] if index else []
    refers += [each.child if each.is_partition else each.parent for each in children]
    return Effects(tuple(creates), tuple(drops), (table,), tuple(refers), tuple(keys), tuple(children))


def _keys(table: Object, element: pg.Node) -> Iterator[ForeignKey]:
    """The foreign keys among the constraints of a table, or of a column."""
    column = element.column_def
    for node in (element, *column.constraints):
        said = node.constraint
        if said.contype == pg.CONSTR_FOREIGN:
            yield ForeignKey(
                said.conname,
                table,
                words(said.fk_attrs) or (column.colname,),
                _relation(pg.OBJECT_TABLE, said.pktable),
                words(said.pk_attrs),
                full=said.fk_matchtype == "f",
                valid=not said.skip_validation,
                enforced=said.is_enforced,
                period=said.fk_with_period,
            )


def _drop(tree: pg.DropStmt) -> Effects:
    return Effects(drops=_objects(tree.remove_type, tree.objects))


def _about(tree: pg.CommentStmt | pg.SecLabelStmt) -> Effects:
    return Effects(refers=_objects(tree.objtype, [tree.object]))


def _grant(tree: pg.GrantStmt) -> Effects:
    in_schemas = tree.targtype == pg.ACL_TARGET_ALL_IN_SCHEMA
    return Effects(refers=_objects(pg.OBJECT_SCHEMA if in_schemas else tree.objtype, tree.objects))


def _alter_owner(tree: pg.AlterOwnerStmt) -> Effects:
    return Effects(alters=_objects(tree.object_type, [tree.object]))


def _objects(objtype: int, nodes: Iterable[pg.Node]) -> tuple[Object, ...]:
    return tuple(found for node in nodes if (found := named_object(objtype, node)))


_READERS: dict[str, Callable[[Any], Effects]] = {
    "create_stmt": _create_table,
    "create_foreign_table_stmt": lambda tree: _create_table(tree.base_stmt, pg.OBJECT_FOREIGN_TABLE),
    "create_table_as_stmt": _create_table_as,
    "view_stmt": _creates(pg.OBJECT_VIEW, "view"),
    "create_seq_stmt": _creates(pg.OBJECT_SEQUENCE, "sequence"),
    "index_stmt": _create_index,
    "composite_type_stmt": _creates(pg.OBJECT_TYPE, "typevar"),
    "create_enum_stmt": _creates(pg.OBJECT_TYPE, "type_name"),
    "create_range_stmt": _creates(pg.OBJECT_TYPE, "type_name"),
    "create_domain_stmt": _creates(pg.OBJECT_DOMAIN, "domainname"),
    "define_stmt": _define,
    "create_function_stmt": _create_function,
    "create_conversion_stmt": _creates(pg.OBJECT_CONVERSION, "conversion_name"),
    "create_op_class_stmt": _creates(pg.OBJECT_OPCLASS, "opclassname"),
    "create_op_family_stmt": _creates(pg.OBJECT_OPFAMILY, "opfamilyname"),
    "create_stats_stmt": _create_statistics,
    "create_trig_stmt": _creates_on_table(pg.OBJECT_TRIGGER, "relation", "trigname"),
    "create_policy_stmt": _creates_on_table(pg.OBJECT_POLICY, "table", "policy_name"),
    "rule_stmt": _creates_on_table(pg.OBJECT_RULE, "relation", "rulename"),
    "create_schema_stmt": _create_schema,
    "create_extension_stmt": _creates(pg.OBJECT_EXTENSION, "extname"),
    "create_role_stmt": _creates(pg.OBJECT_ROLE, "role"),
    "create_publication_stmt": _creates(pg.OBJECT_PUBLICATION, "pubname"),
    "create_event_trig_stmt": _creates(pg.OBJECT_EVENT_TRIGGER, "trigname"),
    "create_foreign_server_stmt": _creates(pg.OBJECT_FOREIGN_SERVER, "servername"),
    "create_fdw_stmt": _creates(pg.OBJECT_FDW, "fdwname"),
    "create_am_stmt": _creates(pg.OBJECT_ACCESS_METHOD, "amname"),
    "create_plang_stmt": _creates(pg.OBJECT_LANGUAGE, "plname"),
    "alter_table_stmt": _alter_table,
    "alter_owner_stmt": _alter_owner,
    "drop_stmt": _drop,
    "comment_stmt": _about,
    "sec_label_stmt": _about,
    "grant_stmt": _grant,
}
