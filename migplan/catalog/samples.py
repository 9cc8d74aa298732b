"""Sample rows, as texts that the server prints: one question for all tables of a batch.

What is read here may be shown to nobody: it is for :mod:`migplan.anonymise` to make samples of it. Values are
printed by their types' own functions only, never by casts that somebody made; what is large stays there.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import psycopg

from migplan.catalog.model import Column, Table, TableKind
from migplan.names import QualifiedName, quoted
from migplan.postgres.failures import is_loss
from migplan.postgres.session import Session

BATCH = 100  # tables; what they lock is given back before the next batch
_BATCH_COLUMNS = 4_000
_BATCH_RELATIONS = 400
_MANY_PARTITIONS = 64
_LONGEST = 2_000  # characters of a value
_LARGEST = 65_536  # bytes of a value, as it is stored
_SIZE = (
    "\x01"  # a value that begins with it stands for one that is too large, or of which only the size counts
)

# Within the batch's own sub-transaction: a table that somebody has locked, or in which the first row is far
# away, is not worth waiting for. Nothing is to be read out of order by several processes.
_PATIENCE = (
    "SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '{seconds}s'; "
    "SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL jit = off"
)

# What keeps a role from rows or columns, and of partitioned tables the parts that hold rows, in their order.
_STANDING = """
SELECT n.nspname, c.relname,
       c.relrowsecurity AND pg_catalog.row_security_active(c.oid) AS hidden,
       CASE WHEN NOT pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN ARRAY(
            SELECT a.attname::text FROM pg_catalog.pg_attribute a
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
              AND pg_catalog.has_column_privilege(c.oid, a.attnum, 'SELECT')) END AS columns,
       CASE WHEN c.relkind = 'p' THEN (
            SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                       ln.nspname, l.relname, l.relkind,
                       pg_catalog.has_table_privilege(l.oid, 'SELECT')
                       AND NOT (l.relrowsecurity AND pg_catalog.row_security_active(l.oid)),
                       l.relkind = 'r' AND pg_catalog.pg_relation_size(l.oid) > 0)
                       ORDER BY ln.nspname, l.relname), '[]')
            FROM pg_catalog.pg_partition_tree(c.oid) t
            JOIN pg_catalog.pg_class l ON l.oid = t.relid
            JOIN pg_catalog.pg_namespace ln ON ln.oid = l.relnamespace
            WHERE t.isleaf AND l.oid <> c.oid) END AS leaves
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
  AND (c.relkind = 'p' OR c.relrowsecurity OR NOT pg_catalog.has_table_privilege(c.oid, 'SELECT'))
"""

# How a value gets here as text. Casts to text are the server's own where the type is; all other types are
# printed by format(), which knows no casts that somebody made. Nothing is opened to see how large it is.
_PRINTED = "{value}::pg_catalog.text"
_CUT = f'pg_catalog."left"({{value}}, {_LONGEST})'
_SIZE_ONLY = f"pg_catalog.chr({ord(_SIZE)}) || pg_catalog.pg_column_size({{value}})"
_BYTES_ONLY = f"pg_catalog.chr({ord(_SIZE)}) || pg_catalog.octet_length({{value}})"
_FORMATTED = (
    f"CASE WHEN pg_catalog.pg_column_size({{value}}) IS NULL THEN NULL "
    f"WHEN pg_catalog.pg_column_size({{value}}) > {_LARGEST} THEN {_SIZE_ONLY} "
    f"ELSE pg_catalog.\"left\"(pg_catalog.format('%s', {{value}}), {_LONGEST}) END"
)
_SHORT = frozenset(
    ["smallint", "integer", "bigint", "boolean", "uuid", "date", "numeric", "real", "double precision"]
)
_SHORT_WITH_SPACES = ("timestamp with", "time with")
_TEXT = frozenset(["text", "character varying"])
_SIZED = frozenset(["bytea", "tsvector", "tsquery", "vector", "halfvec", "sparsevec", "raster"])


@dataclass(frozen=True, slots=True)
class Sampled:
    """Rows as they are in the database, values as texts. A number stands for a value's size in bytes."""

    rows: tuple[Mapping[str, str | int | None], ...] = ()
    unread: str = ""  # why there are none


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is read of a table, and of which relation."""

    table: Table
    relation: QualifiedName
    only: bool
    columns: tuple[Column, ...]
    order: tuple[str, ...]
    relations: int = 1

    @property
    def weight(self) -> int:
        """How many relations are locked for it, indexes included."""
        return self.relations * (1 + len(self.table.indexes))


class _Leaf(NamedTuple):
    """A partition that holds rows itself."""

    schema: str
    name: str
    kind: str
    readable: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class _Standing:
    """What keeps the role from reading a table, and the leaf partitions of a partitioned one."""

    hidden: bool
    columns: frozenset[str] | None  # None: all of them
    leaves: tuple[_Leaf, ...]


def read_samples(
    session: Session,
    tables: Sequence[Table],
    rows: int,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[QualifiedName, Sampled]]:
    """The first rows of each table by its key, at the session's moment; or why there are none.

    One batch at a time is held, and the answers come in the order of the tables within it.
    """
    if not tables or rows < 1:
        return
    standing = _standings(session)
    asked: list[_Asked] = []
    done = 0
    for table in tables:
        if table.rows == 0 and table.rows_exact:  # the catalog is of the same moment
            done += 1
            yield table.name, Sampled()
            continue
        what = _asked(table, standing.get(table.name))
        if isinstance(what, str):
            done += 1
            yield table.name, Sampled(unread=what)
        else:
            asked.append(what)
    for batch in _batches(asked):
        on_progress(done, len(tables))
        yield from _sampled(session, batch, rows)
        done += len(batch)
    on_progress(done, len(tables))


def _standings(session: Session) -> dict[QualifiedName, _Standing]:
    found = session.ask(_STANDING, during="asking what may be read of tables")
    return {
        QualifiedName(schema, name): _Standing(
            hidden,
            None if columns is None else frozenset(columns),
            tuple(_Leaf(*leaf) for leaf in leaves or ()),
        )
        for schema, name, hidden, columns, leaves in found
    }


def _asked(table: Table, standing: _Standing | None) -> _Asked | str:
    """Return what to read of a table, or the reason why nothing can be read."""
    columns = table.columns
    if standing and standing.columns is not None:
        columns = tuple(column for column in columns if column.name in standing.columns)
    if table.kind is TableKind.FOREIGN:
        return "it is a foreign table: its rows are on another server"
    if not table.readable or (table.columns and not columns):
        return "the role may not read it"
    if standing and standing.hidden:
        return "row-level security hides rows of it from the role"
    if table.kind is TableKind.PARTITIONED and standing:
        return _asked_of_parts(table, columns, standing.leaves)
    return _Asked(table, table.name, True, columns, _order(table, columns))


def _asked_of_parts(table: Table, columns: tuple[Column, ...], leaves: Sequence[_Leaf]) -> _Asked | str:
    """Read a partitioned table as a whole unless it has many partitions or some on another server."""
    foreign = any(leaf.kind == "f" for leaf in leaves)
    order = _order(table, columns)
    if not foreign and len(leaves) <= _MANY_PARTITIONS:
        return _Asked(table, table.name, False, columns, order, 1 + len(leaves))
    for leaf in leaves:
        if leaf.readable and leaf.filled:
            return _Asked(table, QualifiedName(leaf.schema, leaf.name), True, columns, order)
    if foreign:
        return "its rows are in partitions on another server"
    return _Asked(table, table.name, False, columns, (), 1 + len(leaves))


def _order(table: Table, columns: Sequence[Column]) -> tuple[str, ...]:
    """The columns of a key that a B-tree holds in order, so that nothing has to be sorted."""
    readable = {column.name for column in columns}
    for key in table.keys:
        if key.without_overlaps or not readable.issuperset(key.columns):
            continue
        if key.primary or all(table.column(name).not_null for name in key.columns):
            return key.columns
    return ()


def _batches(asked: Sequence[_Asked]) -> Iterator[list[_Asked]]:
    """Yield batches small enough for one query and for the server's lock table."""
    batch: list[_Asked] = []
    columns = relations = 0
    for one in asked:
        columns += len(one.columns)
        relations += one.weight
        if batch and (len(batch) == BATCH or columns > _BATCH_COLUMNS or relations > _BATCH_RELATIONS):
            yield batch
            batch, columns, relations = [], len(one.columns), one.weight
        batch.append(one)
    if batch:
        yield batch


def _sampled(session: Session, batch: Sequence[_Asked], rows: int) -> Iterator[tuple[QualifiedName, Sampled]]:
    """Read a batch in one query; if that fails, table by table, so that only the failing one is left out."""
    try:
        found = _answers(session, batch, rows, seconds=60)
    except (psycopg.Error, UnicodeDecodeError) as error:
        if isinstance(error, psycopg.Error) and is_loss(error):
            with session.translate_errors("reading sample rows"):
                raise
        if len(batch) == 1:
            yield batch[0].table.name, Sampled(unread=_why(error))
            return
        for one in batch:
            yield from _sampled(session, [one], rows)
        return
    for number, one in enumerate(batch):
        names = [column.name for column in one.columns]
        yield (
            one.table.name,
            Sampled(tuple(dict(zip(names, map(_value, row), strict=True)) for row in found.get(number, ()))),
        )


def _answers(
    session: Session, batch: Sequence[_Asked], rows: int, seconds: int
) -> dict[int, list[list[str | None]]]:
    question = " UNION ALL ".join(_question(number, one, rows) for number, one in enumerate(batch))
    found: dict[int, list[list[str | None]]] = {}
    # Going back gives all locks back: thousands of tables would otherwise fill the server's lock table.
    with session.transaction(force_rollback=True), session.cursor() as cursor:
        session.execute(_PATIENCE.format(seconds=seconds if len(batch) > 1 else 10).encode())
        for number, values in cursor.execute(question.encode()):
            found.setdefault(number, []).append(values)
    return found


def _question(number: int, one: _Asked, rows: int) -> str:
    """A table's part of the question. By hand: psycopg's composables take longer than the server itself."""
    values = ", ".join(_printed(column) for column in one.columns)
    order = ", ".join(f"t.{quoted(name)}" for name in one.order)
    relation = f"{'ONLY ' if one.only else ''}{one.relation}"
    return (
        f"(SELECT {number}, ARRAY[{values}]::pg_catalog.text[] FROM {relation} t"  # noqa: S608 - quoted
        f"{' ORDER BY ' + order if order else ''} LIMIT {rows:d})"
    )


def _printed(column: Column) -> str:
    """A value as text, cut; or only how many bytes it has."""
    bare = column.type.partition("(")[0]
    if bare.rpartition(".")[2].strip('"') in _SIZED:
        how = _BYTES_ONLY if bare == "bytea" else _SIZE_ONLY
    elif bare in _TEXT:
        how = _CUT
    elif bare in _SHORT or bare.startswith(_SHORT_WITH_SPACES):
        how = _PRINTED
    else:
        how = _FORMATTED
    return how.replace("{value}", f"t.{quoted(column.name)}")


def _value(text: str | None) -> str | int | None:
    if text is not None and text.startswith(_SIZE) and text[1:].isdecimal():
        return int(text[1:])
    return text


def _why(error: psycopg.Error | UnicodeDecodeError) -> str:
    """Why a table was not read. Never in the server's words: they may quote what stands in a row."""
    match error:
        case UnicodeDecodeError():
            return "it holds text that is not UTF-8"
        case psycopg.errors.InsufficientPrivilege():
            return "the role may not read it"
        case psycopg.errors.LockNotAvailable():
            return "another session holds a lock on it"
        case psycopg.errors.QueryCanceled():
            return "its first rows did not come in time"
        case psycopg.errors.UndefinedTable() | psycopg.errors.UndefinedColumn():
            return "it was dropped or altered meanwhile"
    return f"the server could not read it (SQLSTATE {error.sqlstate})"
