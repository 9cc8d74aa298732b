"""The shape of an index, its name aside: to tell whether two are equal, or one makes another redundant."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from postgast import pg_query_pb2 as pg

from migplan.catalog.model import ForeignKey, Index, Key, Table, TableKind
from migplan.names import QualifiedName, quoted
from migplan.sql.tree import statement_tree, words

# A GiST index finds what is equal in its leading parts, too: btree_gist's, and those of WITHOUT OVERLAPS.
_LEADING = frozenset({"btree", "gist"})
_ALONE = frozenset({"hash", "spgist"})


@dataclass(frozen=True, slots=True)
class Part:
    """A key part. Operator class, collation and order are empty where they are the usual ones."""

    of: str  # a column, or an expression in SQL
    operators: str = ""
    collation: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class Shape:
    """All by which one index differs from another in what it can do and what it forbids."""

    method: str
    parts: tuple[Part, ...]
    included: tuple[str, ...] = ()
    predicate: str | None = None
    unique: bool = False
    nulls_not_distinct: bool = False
    deferrable: bool = False


def shape(index: Index, keys: Collection[Key] = ()) -> Shape:
    """The shape of an index of a table with these keys."""
    key = next((key for key in keys if key.name == index.constraint), None)
    statement = _parsed(index.definition) if index.definition else None
    if statement is None:
        parts = tuple(Part(column) for column in index.columns)
        included: tuple[str, ...] = ()
    else:
        parts = tuple(
            _part(of, node.index_elem) for of, node in zip(index.columns, statement.index_params, strict=True)
        )
        included = tuple(sorted(node.index_elem.name for node in statement.index_including_params))
    return Shape(
        method=index.method,
        parts=parts,
        included=included,
        predicate=index.predicate,
        unique=index.unique,
        nulls_not_distinct=bool(statement and statement.nulls_not_distinct)
        or bool(key and key.nulls_not_distinct),
        deferrable=bool(key and key.deferrable),
    )


@lru_cache(maxsize=2**14)
def _parsed(definition: str) -> pg.IndexStmt:
    return statement_tree(definition).index_stmt


def _part(of: str, element: pg.IndexElem) -> Part:
    operators = _name(element.opclass)
    if element.opclassopts:
        operators += "(" + ", ".join(sorted(map(str, element.opclassopts))) + ")"
    descending = element.ordering == pg.SORTBY_DESC
    nulls = element.nulls_ordering
    usual = pg.SORTBY_NULLS_FIRST if descending else pg.SORTBY_NULLS_LAST
    order = " DESC" * descending
    if nulls not in (pg.SORTBY_NULLS_DEFAULT, usual):
        order += " NULLS LAST" if descending else " NULLS FIRST"
    return Part(of, operators, _name(element.collation), order.strip())


def _name(nodes: Collection[pg.Node]) -> str:
    return ".".join(map(quoted, words(nodes)))


def serves(index: Index, key: ForeignKey) -> bool:
    """Whether the server finds the rows that refer to a given one by this index."""
    wanted = equal_columns(key)
    if not index.valid or index.columns[0] not in wanted or set(index.columns[: len(wanted)]) != set(wanted):
        return False
    if index.method not in _LEADING and not (index.method in _ALONE and len(index.columns) == 1):
        return False
    if index.predicate is not None and not _follows(index.predicate, wanted):
        return False
    return not any(part.collation for part in shape(index).parts[: len(wanted)])


def equal_columns(key: ForeignKey) -> tuple[str, ...]:
    """The columns that must be equal; the last one of a PERIOD key must only overlap."""
    return key.columns[:-1] if key.period else key.columns


def _follows(predicate: str, columns: Collection[str]) -> bool:
    """Whether each row that refers to something fulfils it: it asks only that they are not NULL."""
    claims = predicate.replace("(", "").replace(")", "").split(" AND ")
    return {f"{quoted(column)} IS NOT NULL" for column in columns}.issuperset(claims)


def is_constraint(index: Index, table: Table) -> bool:
    """Whether something other than speed hangs on it: a constraint, or what replication knows rows by."""
    return index.constraint is not None or table.replica_identity == f"index {quoted(index.name)}"


def drop(table: QualifiedName, index: Index, kind: TableKind = TableKind.TABLE) -> str:
    """The statement that drops an index while others write, where the server can do that."""
    concurrently = "" if kind is TableKind.PARTITIONED else "CONCURRENTLY "
    return f"DROP INDEX {concurrently}{QualifiedName(table.schema, index.name)};"
