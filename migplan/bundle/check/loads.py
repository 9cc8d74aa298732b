"""What a bundle cannot be loaded without, and nothing brings, as its SQL alone tells it.

Statements are read in the order in which they run. What each one names must have been made before, by the
bundle, or be the target's own: PostgreSQL's, an extension's, or what the manifest calls provided. Names
without a schema, operators, casts and bodies of functions are the server's to judge, and so is everything in
places that more than the bundle fills: schemas of extensions, and what DO may have made.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from postgast import pg_query_pb2 as pg

from migplan.bundle.check.problem import Kind, Place, Problem
from migplan.bundle.manifest import Manifest
from migplan.catalog.provided import Provided
from migplan.names import QualifiedName, quoted, split
from migplan.sql.default_names import constraint_name, default_name
from migplan.sql.effects import OF_A_TABLE, RELATIONS, ROUTINES, Effects, ForeignKey, Object, effects
from migplan.sql.tree import definition, inside, options, words

_SAID = 5  # statements that lack the same

# Extensions that make functions, types and operators, and neither tables, views, sequences nor schemas.
_WITHOUT_RELATIONS = frozenset(
    """
    amcheck autoinc bloom btree_gin btree_gist citext cube dblink dict_int dict_xsyn earthdistance file_fdw
    fuzzystrmatch hstore hstore_plperl hstore_plperlu hstore_plpython3u insert_username intagg intarray isn
    jsonb_plperl jsonb_plperlu jsonb_plpython3u lo ltree ltree_plpython3u moddatetime pageinspect
    pg_freespacemap pg_prewarm pg_surgery pg_trgm pg_visibility pg_walinspect pgcrypto pgrowlocks
    pgstattuple plperl plperlu plpgsql plpython3u pltcl pltclu postgres_fdw refint seg sslinfo tablefunc tcn
    tsm_system_rows tsm_system_time unaccent uuid-ossp vector xml2
    """.split()  # noqa: SIM905 - they are read more easily like this
)
_INDEXING = frozenset({pg.CONSTR_PRIMARY, pg.CONSTR_UNIQUE, pg.CONSTR_EXCLUSION})
_NAMED = _INDEXING | {pg.CONSTR_CHECK, pg.CONSTR_FOREIGN}
_SERIAL = frozenset({"serial", "serial2", "serial4", "serial8", "bigserial", "smallserial"})
_OF_SYSTEM = frozenset({"tableoid", "ctid", "oid", "xmin", "xmax", "cmin", "cmax"})
_OF_COLUMNS = frozenset(
    {
        *(pg.AT_ColumnDefault, pg.AT_SetNotNull, pg.AT_DropNotNull, pg.AT_SetStatistics, pg.AT_SetStorage),
        *(pg.AT_SetCompression, pg.AT_SetOptions, pg.AT_AlterColumnType, pg.AT_AddIdentity),
    }
)
_OTHERS = {
    pg.OBJECT_COLLATION: "collation",
    pg.OBJECT_CONVERSION: "conversion",
    pg.OBJECT_EVENT_TRIGGER: "event trigger",
    pg.OBJECT_FDW: "foreign data wrapper",
    pg.OBJECT_FOREIGN_SERVER: "server",
    pg.OBJECT_OPCLASS: "operator class",
    pg.OBJECT_OPERATOR: "operator",
    pg.OBJECT_PUBLICATION: "publication",
    pg.OBJECT_STATISTIC_EXT: "statistics object",
    pg.OBJECT_TSCONFIGURATION: "text search configuration",
    pg.OBJECT_TSDICTIONARY: "text search dictionary",
    pg.OBJECT_TSPARSER: "text search parser",
    pg.OBJECT_TSTEMPLATE: "text search template",
}
_PARTS = {pg.OBJECT_TRIGGER: "trigger", pg.OBJECT_POLICY: "policy", pg.OBJECT_RULE: "rule"}
_SORTS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys(RELATIONS, ("relation", "type")),
    pg.OBJECT_SEQUENCE: ("relation",),
    pg.OBJECT_INDEX: ("relation",),
    pg.OBJECT_TYPE: ("type", "relation"),
    pg.OBJECT_DOMAIN: ("type",),
    pg.OBJECT_SCHEMA: ("schema",),
    **{each: (sort,) for each, sort in (_OTHERS | _PARTS).items()},
}
_ROWS = ("TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW")
_KINDS = {  # as manifests call them
    "relation": (*_ROWS, "SEQUENCE", "INDEX"),
    "type": ("TYPE", "DOMAIN", *_ROWS),
    "function": ("FUNCTION", "PROCEDURE", "AGGREGATE"),
    "signature": ("FUNCTION", "PROCEDURE", "AGGREGATE"),
    "statistics object": ("STATISTICS",),
}
_PARTS_OF_TABLES = frozenset({"column", *_PARTS.values()})
_IN_NO_SCHEMA = frozenset(
    {"schema", "event trigger", "server", "publication", "extension", "foreign data wrapper"}
)
# Bodies are judged when they are called, and keys say themselves to what they refer.
_ELSEWHERE = frozenset(
    {("CreateFunctionStmt", "sql_body"), ("CreateFunctionStmt", "options"), ("Constraint", "pktable")}
)
_MAKES = re.compile(
    r"(?i)\b(create|alter|import)\s+(or|foreign|materialized|schema|sequence|table|type|view)\b"
)
_QUALIFIER = re.compile(r'("(?:[^"]|"")*"|[\w$]+)\.')


@dataclass(frozen=True, slots=True)
class _Name:
    """What somebody makes or needs: relations, types and functions have names of their own each."""

    sort: str  # relation, type, function, signature, schema, column, trigger ...; any: one of them
    schema: str
    parts: tuple[str, ...]

    def __str__(self) -> str:
        name = ".".join(map(quoted, (self.schema, *self.parts) if self.schema else self.parts))
        match self.sort:
            case "relation" | "any":
                return name
            case "operator":
                return f"operator {quoted(self.schema)}.{self.parts[0]}"
            case "signature":
                return f"function {QualifiedName(self.schema, self.parts[0])}{self.parts[1]}"
            case "column" | "trigger" | "policy" | "rule":
                table = QualifiedName(self.schema, self.parts[0])
                return f"{self.sort} {quoted(self.parts[1])} of {table}"
        return f"{self.sort} {name}"


@dataclass
class _Uses:
    """The statements that need something which was not there."""

    first: list[tuple[Place, str]] = field(default_factory=list)
    more: int = 0


class Loads:
    """Gathers what the files of a bundle make and need, while they are read."""

    def __init__(self, manifest: Manifest) -> None:
        self._surroundings = _Surroundings(manifest)
        self._made: dict[_Name, Place] = {}
        self._sources: dict[tuple[str, str], list[tuple[str, str]]] = {}  # of a table's columns: other tables
        self._lacking: dict[_Name, _Uses] = {}
        self._extensions = [each for each in manifest.objects if each.kind == "EXTENSION"]
        self._used_extensions = {each.name for each in manifest.extensions}
        self._place = Place(0, 0, 0, "")
        self._said = ""

    def run(self, node: pg.Node, place: Place, beginning: str) -> None:
        """Take note of what a statement makes and needs."""
        self._place, self._said = place, beginning
        kind = node.WhichOneof("node") or ""
        tree = getattr(node, kind)
        found = effects(node)
        for each in found.creates:
            self._create(each)
        for each in found.drops:
            for name in _names_of(each):
                self._made.pop(name, None)
        if reader := _MAKING.get(kind):
            reader(self, tree)
        if kind == "drop_stmt" or getattr(tree, "missing_ok", False):
            return
        if kind == "insert_stmt" and tree.select_stmt.select_stmt.values_lists:
            self._rows(tree.relation.schemaname, tree.relation.relname, _targets(tree))
        else:
            self._need_all(found, kind, tree)

    def _need_all(self, found: Effects, kind: str, tree: Any) -> None:
        for name in dict.fromkeys((*self._of_objects(found), *_below(tree, _any_of(kind)))):
            self._need(name)
        for key in found.keys:
            self._key(key)
        if kind in _COLUMNS:
            for schema, table, column in _COLUMNS[kind](tree):
                self._column(schema, table, column)

    def copy(self, table: str, columns: Iterable[str], place: Place) -> None:
        """Take note of rows that COPY brings."""
        self._place, self._said = place, f"COPY {table}"
        schema, name = ("", *split(table))[-2:]
        self._rows(schema, name, columns)

    def problems(self) -> Iterator[Problem]:
        """Yield what is needed and not made, or made later."""
        made_extensions = {name.parts[0] for name in self._made if name.sort == "extension"}
        for each in self._extensions:
            if each.name in self._used_extensions - made_extensions:
                what = f"extension {each.name} is needed, and no file creates it"
                yield Problem(Kind.LACKS, each.file, None, what, _DO)
        if self._surroundings.anything:
            return
        found: list[tuple[Place, str]] = []
        for name, uses in self._lacking.items():
            later = self._made.get(name)
            if later is None and self._surroundings.may_have(name, self._made):
                continue
            how = f"which is created later, at {later}" if later else "which no file creates"
            if name.sort == "column" and not later:
                how = "which the table does not have"
            last = len(uses.first) - 1
            for number, (place, who) in enumerate(uses.first):
                more = f"; {uses.more:,} more statements need it" if uses.more and number == last else ""
                found.append((place, f"{who} {name}, {how}{more}"))
        for place, what in sorted(found):
            kind = Kind.ORDER if "created later" in what else Kind.LACKS
            yield Problem(kind, place.file, place.line, what, _DO)

    # --- what is made

    def _make(self, name: _Name) -> None:
        self._made.setdefault(name, self._place)

    def _create(self, made: Object) -> None:
        for name in _names_of(made):
            self._make(name)
        if made.schema:
            self._need(_Name("schema", "", (made.schema,)))

    def table(self, tree: pg.CreateStmt) -> None:
        """Take note of a table's columns, sequences and indexes."""
        schema, table = tree.relation.schemaname, tree.relation.relname
        sources = [(node.range_var.schemaname, node.range_var.relname) for node in tree.inh_relations]
        for node in tree.table_elts:
            if node.HasField("column_def"):
                self._column_made(schema, table, node.column_def)
            elif node.HasField("table_like_clause"):
                like = node.table_like_clause.relation
                sources.append((like.schemaname, like.relname))
                self._surroundings.implicit = True
        if tree.HasField("of_typename"):
            sources.append(("", ""))  # whatever the type has
        if tree.HasField("partspec"):
            self._surroundings.partitioned.add((schema, table))
        self._surroundings.implicit |= tree.HasField("partbound")
        self._sources[schema, table] = sources
        for node in (*tree.table_elts, *tree.constraints):
            self._constraint(schema, table, node.constraint)

    def _column_made(self, schema: str, table: str, column: pg.ColumnDef) -> None:
        self._make(_Name("column", schema, (table, column.colname)))
        if words(column.type_name.names)[-1:] and words(column.type_name.names)[-1] in _SERIAL:
            self._sequence(schema, default_name(table, column.colname, "seq"))
        for node in column.constraints:
            self._constraint(schema, table, node.constraint, column.colname)

    def _constraint(self, schema: str, table: str, said: pg.Constraint, column: str = "") -> None:
        if said.contype == pg.CONSTR_IDENTITY:
            given = options(said.options).get("sequence_name")
            names = words(given.arg.list.items) if given else ()
            if names:
                self._sequence(names[-2] if len(names) > 1 else schema, names[-1])
            else:
                self._sequence(schema, default_name(table, column, "seq"))
        elif said.contype in _INDEXING:
            name = said.conname or constraint_name(table, said, column)
            self._make(_Name("relation", schema, (name,)))
            self._surroundings.implicit |= (schema, table) in self._surroundings.partitioned
            if said.indexname:
                self._need(_Name("relation", schema, (said.indexname,)))

    def _sequence(self, schema: str, name: str) -> None:
        self._make(_Name("relation", schema, (name,)))

    def alter(self, tree: pg.AlterTableStmt) -> None:
        """Take note of columns, sequences and indexes that ALTER TABLE adds."""
        schema, table = tree.relation.schemaname, tree.relation.relname
        for node in tree.cmds:
            command = node.alter_table_cmd
            given = definition(command)
            match command.subtype:
                case pg.AT_AddColumn:
                    self._column_made(schema, table, given.column_def)
                case pg.AT_DropColumn:
                    self._made.pop(_Name("column", schema, (table, command.name)), None)
                case pg.AT_AddIdentity | pg.AT_AddConstraint:
                    only = not tree.relation.inh
                    implicit = self._surroundings.implicit
                    self._constraint(schema, table, given.constraint, command.name)
                    self._surroundings.implicit = implicit if only else self._surroundings.implicit

    def index(self, tree: pg.IndexStmt) -> None:
        """Take note of an index on a partitioned table, which makes others."""
        table = (tree.relation.schemaname, tree.relation.relname)
        self._surroundings.implicit |= tree.relation.inh and table in self._surroundings.partitioned

    def extension(self, tree: pg.CreateExtensionStmt) -> None:
        """Take note of an extension, and of where it goes."""
        self._make(_Name("extension", "", (tree.extname,)))
        said = options(tree.options).get("schema")
        self._surroundings.extend(tree.extname, said.arg.string.sval if said else "public")

    def range(self, tree: pg.CreateRangeStmt) -> None:
        """Take note of the type of many ranges, if it has a name of its own."""
        said = options(tree.params).get("multirange_type_name")
        parts = words(said.arg.type_name.names) if said else ()
        if len(parts) == 2:
            self._make(_Name("type", parts[0], parts[1:]))

    def unknown(self, tree: Any) -> None:
        """Take note of a statement that may make anything, under any name."""
        if isinstance(tree, pg.DoStmt):
            text = " ".join(each.def_elem.arg.string.sval for each in tree.args)
            if not _MAKES.search(text):
                return
        elif isinstance(tree, pg.CreateSchemaStmt) and not tree.schema_elts:
            return
        self._surroundings.anything = True

    # --- what is needed

    def _need(self, name: _Name, how: str = "") -> None:
        if name in self._made or (not name.schema and name.sort not in _IN_NO_SCHEMA) or _is_system(name):
            return
        if name.sort == "any" and any(
            _Name(sort, name.schema, name.parts) in self._made
            for sort in ("type", "function", "relation", *_OTHERS.values())
        ):
            return
        if name.sort == "function" and _Name("type", name.schema, name.parts) in self._made:
            return  # constructors of ranges, and casts that look like calls
        uses = self._lacking.setdefault(name, _Uses())
        if len(uses.first) < _SAID:
            uses.first.append((self._place, how or f"{self._said}: needs"))
        else:
            uses.more += 1

    def _of_objects(self, found: Effects) -> Iterator[_Name]:
        for each in (*found.alters, *found.refers):
            if each.temporary:
                continue
            if each.type in OF_A_TABLE:
                yield _Name("relation", each.schema, each.parts[:1])
                if each.type == pg.OBJECT_COLUMN:
                    self._column(each.schema, *each.parts)
                elif each.type in _PARTS and self._sources.get((each.schema, each.parts[0])) == []:
                    yield _Name(_PARTS[each.type], each.schema, each.parts)
            elif each.type in ROUTINES and each.signature:
                yield _Name("signature", each.schema, (each.parts[0], _bare(each.signature)))
            else:
                yield from _names_of(each)[:1]

    def _key(self, key: ForeignKey) -> None:
        name = key.name or f"a key of {key.table.name}"
        referenced = _Name("relation", key.referenced.schema, key.referenced.parts)
        self._need(referenced, f"{name} refers to")
        for column in key.columns:
            self._column(key.table.schema, key.table.parts[0], column)
        for column in key.referenced_columns:
            self._column(key.referenced.schema, key.referenced.parts[0], column)

    def _rows(self, schema: str, table: str, columns: Iterable[str]) -> None:
        self._need(_Name("relation", schema, (table,)))
        for column in columns:
            self._column(schema, table, column)

    def _column(self, schema: str, table: str, column: str) -> None:
        """Need a column of a table whose columns are all known."""
        if column in _OF_SYSTEM or not schema:
            return
        waiting, seen = [(schema, table)], set[tuple[str, str]]()
        while waiting:
            at = waiting.pop()
            if at not in self._sources or _Name("column", at[0], (at[1], column)) in self._made:
                return
            seen.add(at)
            waiting += [each for each in self._sources[at] if each not in seen]
        self._need(_Name("column", schema, (table, column)))


_DO = "put back what is missing, or export the bundle again"


class _Surroundings:
    """What may be there, and no file of the bundle creates."""

    def __init__(self, manifest: Manifest) -> None:
        self.anything = False  # a statement may have made whatever it liked
        self.implicit = False  # indexes were made for partitions or copies, under names of the server's
        self.partitioned: set[tuple[str, str]] = set()
        self._patterns = Provided.of(manifest.provides)
        self._provided = {(each.in_schema, _base(each.kind, each.name)) for each in manifest.provided}
        self._promised = {
            (each.kind, each.in_schema, _base(each.kind, each.name)) for each in manifest.objects
        }
        self._extended: dict[str, bool] = {}  # schemas of extensions: whether there may be relations, too
        for each in manifest.extensions:
            self.extend(each.name, each.in_schema)
        for named in manifest.provided:
            if named.kind == "EXTENSION":
                self.extend(named.name, named.in_schema)

    def extend(self, extension: str, schema: str) -> None:
        """Take note of an extension whose objects go into a schema."""
        opaque = extension not in _WITHOUT_RELATIONS
        self._extended[schema] = self._extended.get(schema, False) or opaque

    def may_have(self, name: _Name, made: dict[_Name, Place]) -> bool:
        """Whether the target may have something that no file makes."""
        if name.sort in _PARTS_OF_TABLES:
            return self._is_provided(name)  # else of a table that the bundle creates
        if name.sort == "schema":
            schema = name.parts[0]
            brought = schema in self._extended or self._patterns.schema(schema)
            return not self._is_promised(name) and (brought or self._opaque)
        if name.sort in _IN_NO_SCHEMA:
            around = bool(self._extended or self._patterns or self._provided)
            return not self._is_promised(name) and around
        if self._is_promised(name):
            return False
        return self._is_provided(name) or self._comes_with_others(name, made)

    def _is_promised(self, name: _Name) -> bool:
        """Whether the manifest says that the bundle itself brings it."""
        kinds = _KINDS.get(name.sort, (name.sort.upper(),))
        return any((kind, name.schema, name.parts[0]) in self._promised for kind in kinds)

    def _is_provided(self, name: _Name) -> bool:
        whole = (name.schema, name.parts[0])
        return self._patterns.relation(QualifiedName(*whole)) or whole in self._provided

    def _comes_with_others(self, name: _Name, made: dict[_Name, Place]) -> bool:
        """Whether something may come with an extension, a type, or a table that has partitions."""
        if self._is_made_along(name):
            return True
        if name.schema in self._extended:
            return self._extended[name.schema] or name.sort != "relation"
        created = _Name("schema", "", (name.schema,)) in made or name.schema == "public"
        return not created and (self._opaque or ("", name.schema) in self._provided)

    @property
    def _opaque(self) -> bool:
        return any(self._extended.values())

    def _is_made_along(self, name: _Name) -> bool:
        """Whether it is called as array types are, types of many ranges, or indexes without a name."""
        text = name.parts[0]
        if name.sort == "relation":
            return self.implicit and bool(re.search(r"_(idx|key|pkey|excl)\d*$", text))
        return text.startswith("_") or "multirange" in text


def _base(kind: str, name: str) -> str:
    return name.partition("(")[0] if kind in {"AGGREGATE", "FUNCTION", "PROCEDURE"} else name


def _is_system(name: _Name) -> bool:
    schema = name.parts[0] if name.sort == "schema" else name.schema
    if name.sort == "schema" and schema == "public":
        return True  # every database has it, or its owner knows why not
    return schema == "information_schema" or schema.startswith("pg_")


def _bare(signature: str) -> str:
    """Return the types of arguments without their schemas, which may be said or not."""
    return _QUALIFIER.sub("", signature).replace("(*)", "()")


def _names_of(each: Object) -> list[_Name]:
    """Return what an object is, the narrowest first; nothing of what only the server can tell."""
    if each.temporary:
        return []
    if each.type in ROUTINES:
        signature = _Name("signature", each.schema, (each.parts[0], _bare(each.signature)))
        return [_Name("function", each.schema, each.parts), signature]
    if each.type == pg.OBJECT_TABCONSTRAINT:
        return [_Name("relation", each.schema, each.parts[1:])]  # the index of one that has one
    return [_Name(sort, each.schema, each.parts) for sort in _SORTS.get(each.type, ())]


def _targets(tree: pg.InsertStmt) -> list[str]:
    return [node.res_target.name for node in tree.cols]


def _any_of(kind: str) -> bool:
    """Whether what looks like a type in a statement may be a function, a parser or the like."""
    return kind in {"define_stmt", "create_range_stmt", "alter_type_stmt"}


def _below(message: Any, is_any: bool) -> Iterator[_Name]:
    """Yield what stands below a node under a name with its schema."""
    kind = type(message).__name__
    if kind == "RangeVar":
        if message.schemaname and message.relpersistence != "t":
            yield _Name("relation", message.schemaname, (message.relname,))
    elif kind == "TypeName":
        if not message.pct_type:
            yield from _name_in("any" if is_any else "type", message.names)
    elif reader := _NAMING.get(kind):
        yield from reader(message)
    for name, part in inside(message):
        if (kind, name) not in _ELSEWHERE:
            yield from _below(part, is_any)


def _name_in(sort: str, nodes: Iterable[Any]) -> Iterator[_Name]:
    parts = words(nodes)
    if len(parts) == 2:
        yield _Name(sort, parts[0], parts[1:])


def _called(call: pg.FuncCall) -> Iterator[_Name]:
    yield from _name_in("function", call.funcname)
    if words(call.funcname)[-1] in {"setval", "nextval", "currval"} and call.args:
        yield from _relation_in(call.args[0])


def _cast(cast: pg.TypeCast) -> Iterator[_Name]:
    if words(cast.type_name.names)[-1:] == ("regclass",):
        yield from _relation_in(cast.arg)


def _searching(tree: pg.AlterTSConfigurationStmt) -> Iterator[_Name]:
    yield from _name_in("text search configuration", tree.cfgname)
    for node in tree.dicts:
        yield from _name_in("text search dictionary", node.list.items)


def _of_schemas(tree: pg.AlterDefaultPrivilegesStmt) -> Iterator[_Name]:
    said = options(tree.options).get("schemas")
    for name in words(said.arg.list.items) if said else ():
        yield _Name("schema", "", (name,))


_NAMING: dict[str, Callable[[Any], Iterator[_Name]]] = {
    "FuncCall": _called,
    "TypeCast": _cast,
    "CollateClause": lambda clause: _name_in("collation", clause.collname),
    "CreateTrigStmt": lambda tree: _name_in("function", tree.funcname),
    "CreateEventTrigStmt": lambda tree: _name_in("function", tree.funcname),
    "AlterDefaultPrivilegesStmt": _of_schemas,
    "AlterTSConfigurationStmt": _searching,
    "CreateForeignServerStmt": lambda tree: iter([_Name("foreign data wrapper", "", (tree.fdwname,))]),
    "CreateForeignTableStmt": lambda tree: iter([_Name("server", "", (tree.servername,))]),
}


def _relation_in(node: pg.Node) -> Iterator[_Name]:
    """Yield the relation whose name is a text."""
    text = node.a_const.sval.sval
    try:
        parts = split(text) if text else ()
    except ValueError:
        return
    if len(parts) == 2:
        yield _Name("relation", parts[0], parts[1:])


Columns = Iterator[tuple[str, str, str]]


def _of_index(tree: pg.IndexStmt) -> Columns:
    for node in (*tree.index_params, *tree.index_including_params):
        if node.index_elem.name:
            yield tree.relation.schemaname, tree.relation.relname, node.index_elem.name


def _of_trigger(tree: pg.CreateTrigStmt) -> Columns:
    for column in words(tree.columns):
        yield tree.relation.schemaname, tree.relation.relname, column


def _of_alter(tree: pg.AlterTableStmt) -> Columns:
    for node in tree.cmds:
        command = node.alter_table_cmd
        said = definition(command).constraint
        columns = [command.name] if command.subtype in _OF_COLUMNS and command.name else []
        if command.subtype == pg.AT_AddConstraint:
            columns += [*words(said.keys), *words(said.including)]
        for column in columns:
            yield tree.relation.schemaname, tree.relation.relname, column


def _of_insert(tree: pg.InsertStmt) -> Columns:
    for column in _targets(tree):
        yield tree.relation.schemaname, tree.relation.relname, column


def _of_sequence(tree: pg.AlterSeqStmt | pg.CreateSeqStmt) -> Columns:
    owner = options(tree.options).get("owned_by")
    parts = words(owner.arg.list.items) if owner else ()
    if len(parts) == 3:
        yield parts[0], parts[1], parts[2]


_COLUMNS = {
    "index_stmt": _of_index,
    "create_trig_stmt": _of_trigger,
    "alter_table_stmt": _of_alter,
    "insert_stmt": _of_insert,
    "alter_seq_stmt": _of_sequence,
    "create_seq_stmt": _of_sequence,
}

_MAKING = {
    "create_stmt": Loads.table,
    "create_foreign_table_stmt": lambda loads, tree: loads.table(tree.base_stmt),
    "alter_table_stmt": Loads.alter,
    "index_stmt": Loads.index,
    "rename_stmt": Loads.unknown,
    "alter_object_schema_stmt": Loads.unknown,
    "create_extension_stmt": Loads.extension,
    "create_range_stmt": Loads.range,
    "do_stmt": Loads.unknown,
    "call_stmt": Loads.unknown,
    "create_schema_stmt": Loads.unknown,
    "import_foreign_schema_stmt": Loads.unknown,
}
