"""Which part of a database a statement of a bundle brings: an object, or what belongs to one.

A part is as large as what pg_dump writes by itself: a table with its columns and checks, an index, a default
that needs a sequence, a comment, the privileges on something. What a target has already is told part by part.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import postgast
from postgast import pg_query_pb2 as pg

from migplan.bundle.manifest import Manifest, MovedObject
from migplan.catalog.model import Catalog
from migplan.names import QualifiedName, quoted
from migplan.postgres.archive import TYPES
from migplan.sql.effects import ROUTINES, TABLES, Object, effects, named_object, signature_of, type_text
from migplan.sql.tree import definition, options, schema_and_name, statement_tree, words

IN_TABLES = frozenset({"constraint", "trigger", "policy", "rule", "default", "identity"})
"""Kinds that a table has many of: the name of the table comes first."""

_ABOUT = ("comment of ", "label of ", "privileges of ")

_KINDS: dict[int, str] = {
    **dict.fromkeys(TABLES, "table"),
    **dict.fromkeys(ROUTINES, "routine"),
    pg.OBJECT_ACCESS_METHOD: "access method",
    pg.OBJECT_COLLATION: "collation",
    pg.OBJECT_COLUMN: "column",
    pg.OBJECT_CONVERSION: "conversion",
    pg.OBJECT_DOMAIN: "type",
    pg.OBJECT_EVENT_TRIGGER: "event trigger",
    pg.OBJECT_EXTENSION: "extension",
    pg.OBJECT_FDW: "foreign data wrapper",
    pg.OBJECT_FOREIGN_SERVER: "server",
    pg.OBJECT_INDEX: "index",
    pg.OBJECT_LANGUAGE: "procedural language",
    pg.OBJECT_MATVIEW: "materialized view",
    pg.OBJECT_POLICY: "policy",
    pg.OBJECT_PUBLICATION: "publication",
    pg.OBJECT_RULE: "rule",
    pg.OBJECT_SCHEMA: "schema",
    pg.OBJECT_SEQUENCE: "sequence",
    pg.OBJECT_STATISTIC_EXT: "statistics",
    pg.OBJECT_TABCONSTRAINT: "constraint",
    pg.OBJECT_TRIGGER: "trigger",
    pg.OBJECT_TSCONFIGURATION: "text search configuration",
    pg.OBJECT_TSDICTIONARY: "text search dictionary",
    pg.OBJECT_TSPARSER: "text search parser",
    pg.OBJECT_TSTEMPLATE: "text search template",
    pg.OBJECT_TYPE: "type",
    pg.OBJECT_VIEW: "view",
}
_RELATIONS = frozenset({"table", "view", "materialized view"})

# What the manifest calls them, as pg_dump does.
_DUMPED: dict[str, frozenset[str]] = {
    "table": TABLES,
    "type": TYPES,
    "constraint": frozenset({"CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"}),
    "attach": frozenset({"TABLE ATTACH"}),
    "owned by": frozenset({"SEQUENCE OWNED BY"}),
    "identity": frozenset(),
}


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """A part by its kind, its schema ('' for none) and its name, the table's where it belongs to one."""

    kind: str
    schema: str
    name: str
    part: str = ""  # its own name within the table; a routine's signature

    def __str__(self) -> str:
        """``table shop.items``, ``trigger touch of shop.items``, ``comment of table shop.items``."""
        whole = str(QualifiedName(self.schema, self.name)) if self.schema else quoted(self.name)
        kind = self.kind
        if kind.removeprefix("comment of ").removeprefix("label of ") == "routine":
            kind = kind.replace("routine", "function")
        kind = kind.replace("privileges of ", "privileges on ").replace(" relation", " table")
        if kind == "cast":
            return f"cast {self.name}"
        if self.signature or not self.part:
            return f"{kind} {whole}{self.part}"
        if kind in IN_TABLES:
            return f"{kind} {quoted(self.part)} of {whole}"
        return f"{kind} {whole}.{quoted(self.part)}"

    @property
    def signature(self) -> bool:
        """Whether its last part is the signature of a routine."""
        return self.kind.endswith(("routine", "operator"))

    @property
    def values(self) -> list[str]:
        """What makes it: ``Part(*part.values)`` is the same."""
        return [self.kind, self.schema, self.name, self.part]

    @property
    def relation(self) -> QualifiedName:
        """The relation that it is, or belongs to."""
        return QualifiedName(self.schema, self.name)

    def about(self, what: str) -> Part:
        """The part that is its comment, its label, or the privileges on it."""
        kind = self.kind
        if what == "privileges" and kind in _RELATIONS:
            kind = "relation"
        return replace(self, kind=f"{what} of {kind}")

    @property
    def subject(self) -> Part | None:
        """What a comment, a label or privileges are about; None of other parts."""
        for beginning in _ABOUT:
            if self.kind.startswith(beginning):
                return replace(self, kind=self.kind.removeprefix(beginning))
        return None


@dataclass(frozen=True)
class Presence:
    """What of a bundle's parts a target has already."""

    same: frozenset[Part] = frozenset()  # just as the bundle brings them
    missing: frozenset[Part] = frozenset()
    differing: tuple[tuple[Part, tuple[str, ...]], ...] = ()  # and in what: the bundle's -> the target's
    catalog: Catalog | None = None  # of the target
    parents: Mapping[Part, QualifiedName] = field(default_factory=dict)  # of what the bundle attaches


class PartReader:
    """Tells the parts of a bundle's statements, in their order: an index may be that of a key before it."""

    def __init__(self) -> None:
        self._constraints: dict[tuple[str, str], Part] = {}

    def part(self, node: pg.Node) -> Part | None:
        """The part that a statement brings, or that it brings something of; None where none is known."""
        found = part_of(node)
        if found is None:
            return None
        if found.kind == "constraint":
            self._constraints[found.schema, found.part] = found
        if found.kind == "index":
            return self._constraints.get((found.schema, found.name), found)
        if found.kind == "comment of index":
            constraint = self._constraints.get((found.schema, found.name))
            return constraint.about("comment") if constraint else found
        return found


def parts_of(nodes: Iterable[pg.Node]) -> frozenset[Part]:
    """Return the parts that statements bring."""
    reader = PartReader()
    return frozenset(filter(None, map(reader.part, nodes)))


def parents_of(nodes: Iterable[pg.Node]) -> dict[Part, QualifiedName]:
    """Return what partitions, and their indexes, are attached to by statements."""
    found = {}
    for node in nodes:
        part = part_of(node)
        if part is not None and part.kind in {"attach", "index attach"}:
            whole = node.alter_table_stmt.relation
            found[part] = QualifiedName(whole.schemaname, whole.relname)
    return found


def part_of(node: pg.Node) -> Part | None:
    """Return the part that a statement brings, or that it brings something of; None where none is known."""
    kind = node.WhichOneof("node") or ""
    reader = _READERS.get(kind)
    if reader is not None:
        return reader(getattr(node, kind))
    created = effects(node).creates
    return of_object(created[0]) if created else None


def dropped(node: pg.Node) -> list[Part]:
    """Return the parts that a statement takes away."""
    if node.HasField("drop_stmt"):
        objects = node.drop_stmt.objects
        found = (_named(node.drop_stmt.remove_type, each) for each in objects)
    else:
        found = (of_object(each) for each in effects(node).drops)
    return [part for part in found if part is not None]


def of_object(found: Object) -> Part | None:
    """Return the part that an object is; None of kinds that are not told apart."""
    kind = _KINDS.get(found.type)
    if kind is None:
        return None
    if kind == "routine":
        return Part(kind, found.schema, found.parts[0], _plain(found.signature))
    return Part(kind, found.schema, *found.parts)


def routine(schema: str, name: str, arguments: str) -> Part:
    """Return the part of a function whose arguments are given as the server prints them."""
    return Part("routine", schema, name, signature(arguments))


@lru_cache(10_000)
def signature(arguments: str) -> str:
    """Return arguments as they stand in a part, whatever their names: ``(int4, text[])``."""
    if arguments in {"", "*"}:
        return "()"
    try:
        tree = statement_tree(f"DROP ROUTINE f({arguments})")
    except postgast.PgQueryError:
        try:
            tree = statement_tree(f"DROP AGGREGATE f({arguments})")
        except postgast.PgQueryError:
            return f"({arguments})"
    routines = tree.drop_stmt.objects[0].object_with_args
    return signature_of(each.type_name for each in routines.objargs)


def entries_of(parts: Iterable[Part], manifest: Manifest) -> Iterator[MovedObject]:
    """Yield the objects of the manifest that are among the parts."""
    found = set(parts)
    names = {(kind, part.schema, _tag(part)) for part in found for kind in _dumped(part)}
    for moved in manifest.objects:
        if moved.kind in ROUTINES:
            name, _, arguments = moved.name.partition("(")
            if routine(moved.in_schema, name, arguments.removesuffix(")")) in found:
                yield moved
        elif moved.named in names:
            yield moved


def _dumped(part: Part) -> frozenset[str]:
    return _DUMPED.get(part.kind, frozenset({part.kind.upper()}))


def _tag(part: Part) -> str:
    return f"{part.name} {part.part}" if part.kind in IN_TABLES else part.name


def operator(schema: str, name: str, left: str, right: str) -> Part:
    """Return the part that an operator is, its types as the server prints them."""
    return Part("operator", schema, name, f"({_type(left)}, {_type(right)})")


def cast(source: str, target: str) -> Part:
    """Return the part that a cast is."""
    return Part("cast", "", f"({_type(source)} AS {_type(target)})")


def _type(text: str) -> str:
    return "none" if text in {"", "-", "none"} else signature(text)[1:-1]


def _named(objtype: int, node: pg.Node) -> Part | None:
    """Return the part that COMMENT, ALTER ... OWNER and their kind name."""
    if objtype == pg.OBJECT_OPERATOR:
        schema, name = schema_and_name(node.object_with_args.objname)
        types = [type_text(each.type_name) for each in node.object_with_args.objargs]
        left, right = types if len(types) == 2 else ("", *types)
        return Part("operator", schema, name, f"({left or 'none'}, {right or 'none'})")
    if objtype == pg.OBJECT_CAST:
        source, target = (type_text(each.type_name) for each in node.list.items)
        return Part("cast", "", f"({source} AS {target})")
    if objtype in _BY_METHOD:
        method, *names = words(node.list.items)
        return Part(_BY_METHOD[objtype], names[-2] if len(names) > 1 else "", names[-1], method)
    found = named_object(objtype, node)
    return of_object(found) if found else None


_BY_METHOD = {pg.OBJECT_OPCLASS: "operator class", pg.OBJECT_OPFAMILY: "operator family"}


def _plain(signature_: str) -> str:
    return "()" if signature_ in {"", "(*)"} else signature_


def _about(what: str) -> Callable[[Any], Part | None]:
    def read(tree: Any) -> Part | None:
        part = _named(tree.objtype, tree.object)
        return part.about(what) if part else None

    return read


def _grant(tree: pg.GrantStmt) -> Part | None:
    if tree.targtype != pg.ACL_TARGET_OBJECT or len(tree.objects) != 1:
        return None
    found = named_object(tree.objtype, tree.objects[0])
    part = of_object(found) if found else None
    columns = {column.string.sval for right in tree.privileges for column in right.access_priv.cols}
    if part is not None and columns:
        return Part("privileges of column", part.schema, part.name, min(columns))
    return part.about("privileges") if part else None


def _alter_owner(tree: pg.AlterOwnerStmt) -> Part | None:
    part = _named(tree.object_type, tree.object)
    return replace(part, kind="owner of schema") if part and part.kind == "schema" else part


def _alter_table(tree: pg.AlterTableStmt) -> Part | None:  # noqa: PLR0911 - one a kind
    schema, name = tree.relation.schemaname, tree.relation.relname
    whole = _KINDS.get(tree.objtype, "")
    command = tree.cmds[0].alter_table_cmd
    given, subtype = definition(command), command.subtype
    if subtype == pg.AT_AddConstraint:
        return Part("constraint", schema, name, given.constraint.conname)
    if subtype == pg.AT_AttachPartition:
        child = given.partition_cmd.name
        return Part("index attach" if whole == "index" else "attach", child.schemaname, child.relname)
    if subtype in _SWITCHES:
        return Part("row security", schema, name)
    if subtype in _OF_PART:
        return Part(_OF_PART[subtype], schema, name, command.name)
    if subtype == pg.AT_ClusterOn:
        return Part("index", schema, command.name)
    if subtype == pg.AT_ReplicaIdentity and given.replica_identity_stmt.name:
        return Part("index", schema, given.replica_identity_stmt.name)
    return Part(whole, schema, name) if whole else None


_SWITCHES = frozenset({pg.AT_EnableRowSecurity, pg.AT_DisableRowSecurity})
_OF_PART: dict[int, str] = {
    pg.AT_ColumnDefault: "default",
    pg.AT_AddIdentity: "identity",
    **dict.fromkeys(
        (pg.AT_EnableTrig, pg.AT_EnableAlwaysTrig, pg.AT_EnableReplicaTrig, pg.AT_DisableTrig), "trigger"
    ),
    **dict.fromkeys(
        (pg.AT_EnableRule, pg.AT_EnableAlwaysRule, pg.AT_EnableReplicaRule, pg.AT_DisableRule), "rule"
    ),
}


def _alter_sequence(tree: pg.AlterSeqStmt) -> Part:
    owned = any(option.def_elem.defname == "owned_by" for option in tree.options)
    return Part("owned by" if owned else "sequence", tree.sequence.schemaname, tree.sequence.relname)


def _alter_publication(tree: pg.AlterPublicationStmt) -> Part | None:
    published = [each.publication_obj_spec for each in tree.pubobjects]
    if len(published) != 1:
        return Part("publication", "", tree.pubname)
    if published[0].pubobjtype == pg.PUBLICATIONOBJ_TABLES_IN_SCHEMA:
        return Part("published schema", "", tree.pubname, published[0].name)
    table = published[0].pubtable.relation
    return Part("published table", "", tree.pubname, f"{table.schemaname}.{table.relname}")


def _define(tree: pg.DefineStmt) -> Part | None:
    if tree.kind == pg.OBJECT_OPERATOR:
        schema, name = schema_and_name(tree.defnames)
        said = options(tree.definition)
        left, right = (
            type_text(said[side].arg.type_name) if side in said else "none"
            for side in ("leftarg", "rightarg")
        )
        return Part("operator", schema, name, f"({left}, {right})")
    created = effects(pg.Node(define_stmt=tree)).creates
    return of_object(created[0]) if created else None


def _cast(tree: pg.CreateCastStmt) -> Part:
    return Part("cast", "", f"({type_text(tree.sourcetype)} AS {type_text(tree.targettype)})")


def _named_method(kind: str, names: str) -> Callable[[Any], Part]:
    def read(tree: Any) -> Part:
        schema, name = schema_and_name(getattr(tree, names))
        return Part(kind, schema, name, tree.amname)

    return read


_READERS: dict[str, Callable[[Any], Part | None]] = {
    "alter_event_trig_stmt": lambda tree: Part("event trigger", "", tree.trigname),
    "alter_owner_stmt": _alter_owner,
    "alter_publication_stmt": _alter_publication,
    "alter_seq_stmt": _alter_sequence,
    "alter_table_stmt": _alter_table,
    "alter_tsconfiguration_stmt": lambda tree: Part(
        "text search configuration", *schema_and_name(tree.cfgname)
    ),
    "comment_stmt": _about("comment"),
    "create_cast_stmt": _cast,
    "create_op_class_stmt": _named_method("operator class", "opclassname"),
    "create_op_family_stmt": _named_method("operator family", "opfamilyname"),
    "define_stmt": _define,
    "grant_stmt": _grant,
    "sec_label_stmt": _about("label"),
}
