"""The content of tables as short digests, computed in the server, whatever the order of the rows.

A row's text is that of ``ROW(column, ...)`` with the columns named in the catalog's order, printed under the
settings of ``postgres.settings``: NULL, empty text and delimiters inside of values stay apart. Generated
columns are left out, as COPY leaves them out: they follow from the others. Each row's text is hashed to 128
bits, and the hashes are summed in two halves: the sum does not ask for an order, counts a row as often as it
is there, and can be added up from pieces that several connections work on.

Three ways to hash, measured on 2 million rows (190 MB, one connection; counting them takes 0.06 s):

* ``columns``, 0.2 s: no text of the row, but hashes of its values (``column_hashes.py``). Only where columns
  have the same types on both sides: rows alone may go into a table of other types.
* ``lookup3``, 0.9 s: ``hashtextextended`` with two seeds. The server's own hash, which hash partitions rest
  upon: the same from 11 to 18 on little-endian machines, but not promised. So each server is asked first how
  it hashes some values, and one that answers otherwise is given the last way. It sees any accident (one
  chance in 2^64 at the least to miss it), and is no proof against somebody who forges rows on purpose.
* ``sha256``, 2.4 s: half of a SHA-256 of the row in UTF-8; also wherever a database is not in UTF-8.

md5 with its two halves takes 2.1 s, and servers in FIPS mode refuse it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from psycopg import sql

from migplan.catalog import column_hashes
from migplan.catalog.model import Catalog, Table, TableKind
from migplan.names import QualifiedName
from migplan.postgres.failures import is_loss

if TYPE_CHECKING:  # runs have no pool
    from migplan.postgres.session import Session
    from migplan.postgres.snapshot_pool import SnapshotPool

Method = Literal["lookup3", "sha256"]
"""How the text of a row is hashed."""

TableMethod = Method | Literal["columns"]
"""How the rows of a table are hashed."""

PIECE = 64 * 1024**2
"""Bytes of a table that are read as one: large tables are shared between the connections."""

SMALL_IN_ALL, SMALL_TABLES = 8 * 1024**2, 20  # tables that share a question
_RANGES_SINCE = 140000  # before, a range of pages was found by reading all of them

_LINE: dict[Method, sql.SQL] = {
    "lookup3": sql.SQL('{row}::pg_catalog.text COLLATE "C"'),
    "sha256": sql.SQL(
        "pg_catalog.sha256(pg_catalog.convert_to({row}::pg_catalog.text, 'UTF8'))::pg_catalog.text"
    ),
}
_HALVES: dict[Method, tuple[sql.SQL, sql.SQL]] = {
    "lookup3": (
        sql.SQL("pg_catalog.hashtextextended({line}, 0)"),
        sql.SQL("pg_catalog.hashtextextended({line}, 1)"),
    ),
    "sha256": (
        sql.SQL("('x' || pg_catalog.substr({line}, 3, 16))::pg_catalog.bit(64)::pg_catalog.int8"),
        sql.SQL("('x' || pg_catalog.substr({line}, 19, 16))::pg_catalog.bit(64)::pg_catalog.int8"),
    ),
}
_PROBE = f"SELECT pg_catalog.getdatabaseencoding() = 'UTF8' AND ({column_hashes.PROBE}) = {{}}"


@dataclass(frozen=True, slots=True)
class Digest:
    """The digest of a table's content, or as much as could be read of it."""

    table: QualifiedName
    rows: int | None
    value: str = ""  # the method, a colon, and 32 hexadecimal digits
    why: str = ""  # what kept the rest from being read

    @property
    def strength(self) -> Literal["content", "count", "not read"]:
        """How strong a proof this is."""
        return "content" if self.value else "count" if self.rows is not None else "not read"


Finish = Callable[[Callable[[int, int], None]], dict[QualifiedName, Digest]]
"""Waits for digests that are being computed, saying how far they are, and returns them by table."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A table to be read as a whole: its partitions with it, tables that inherit from it without."""

    table: Table
    columns: tuple[str, ...]  # that make a row's text
    leaves: tuple[Table, ...] = ()  # of a partitioned table
    types: tuple[str, ...] = ()  # of the columns, where values of the known ones are hashed alike

    @property
    def bytes(self) -> int:
        """How many bytes there are to read."""
        return sum(leaf.table_bytes or 0 for leaf in self.leaves or (self.table,))

    def method(self, wanted: TableMethod) -> TableMethod:
        """How it is hashed: columns of other types than are known can only be printed."""
        return "lookup3" if wanted == "columns" and len(self.types) != len(self.columns) else wanted


@dataclass(frozen=True, slots=True)
class _Piece:
    """Rows that are read together, as the table's own columns."""

    wanted: Wanted
    rows: Table
    first: int | None = None  # pages, where it is a part only
    end: int | None = None
    bytes: int = 0


@dataclass
class _Sum:
    rows: int = 0
    one: int = 0
    other: int = 0


def wanted(catalog: Catalog, tables: Iterable[Table]) -> tuple[Wanted, ...]:
    """Return those of the tables that exist in the catalog, with the columns to read of each."""
    parts: dict[QualifiedName, list[Table]] = defaultdict(list)
    for table in catalog.tables:
        if table.partition_of is not None:
            parts[table.partition_of].append(table)

    def leaves(table: Table) -> Iterator[Table]:
        for part in parts[table.name]:
            yield from leaves(part) if part.partition_key else (part,)

    found = []
    for known in tables:
        here = catalog.by_name.get(known.name)
        if here is not None:
            names = {column.name for column in here.columns}
            columns = tuple(name for name in hashed_columns(known) if name in names)
            types = _types(known, here, columns)
            found.append(Wanted(here, columns, tuple(leaves(here)) if here.partition_key else (), types))
    return tuple(found)


def _types(known: Table, here: Table, columns: Iterable[str]) -> tuple[str, ...]:
    """The types that columns have here, as far as their values are hashed alike on both sides."""
    one, other = ({column.name: column.type for column in table.columns} for table in (known, here))
    return tuple(
        other[name] for name in columns if column_hashes.base(one[name]) == column_hashes.base(other[name])
    )


class Digester:
    """What computes the digests of tables, by the sessions on one snapshot."""

    def __init__(self, sessions: "SnapshotPool") -> None:
        self._sessions = sessions

    @property
    def method(self) -> Method:
        """The fastest hash of text by which this server surely computes the same digests as other servers."""
        with self._sessions.borrowed() as session:
            return method_of(session)

    def table_method(self, *, same_types: bool) -> TableMethod:
        """The fastest hash of rows; ``same_types``: they are for tables whose columns have the same types."""
        return fastest({self.method}, same_types=same_types)

    def each(
        self,
        tables: Sequence[Wanted],
        method: TableMethod,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> dict[QualifiedName, Digest]:
        """The digest of each table."""
        return self.begun(tables, method)(on_progress)

    def begun(self, tables: Sequence[Wanted], method: TableMethod) -> Finish:
        """Begin with all of them in the background, the largest first; return what waits for the digests."""
        batches = sorted(self._batches(tables), key=lambda batch: -sum(piece.bytes for piece in batch))
        running = [(batch, self._sessions.submit(self._sums, batch, method)) for batch in batches]
        return lambda on_progress: self._finished(tables, method, running, on_progress)

    def _finished(
        self,
        tables: Sequence[Wanted],
        method: TableMethod,
        running: Sequence[tuple[list[_Piece], Future[list[tuple[int, int, int] | None]]]],
        on_progress: Callable[[int, int], None],
    ) -> dict[QualifiedName, Digest]:
        total, done = sum(piece.bytes for batch, _ in running for piece in batch), 0
        sums: dict[QualifiedName, _Sum] = defaultdict(_Sum)
        broken: set[QualifiedName] = set()
        for batch, future in running:
            on_progress(done, total)
            found = future.result()
            for piece, answer in zip(batch, found, strict=True):
                name = piece.wanted.table.name
                if answer is None:
                    broken.add(name)
                    continue
                sums[name].rows += answer[0]
                sums[name].one += answer[1]
                sums[name].other += answer[2]
            done += sum(piece.bytes for piece in batch)
        on_progress(total, total)
        by_name = {each.table.name: each for each in tables}
        whole = {
            name: _digest(name, found, by_name[name].method(method))
            for name, found in sums.items()
            if name not in broken
        }
        return whole | {name: self._alone(by_name[name], method) for name in sorted(broken)}

    def _batches(self, tables: Sequence[Wanted]) -> Iterator[list[_Piece]]:
        """Small tables share a question; large ones are several."""
        ranges = self._sessions.exporter.version >= _RANGES_SINCE
        small: list[_Piece] = []
        for piece in (piece for each in tables for piece in _pieces(each, ranges)):
            if piece.bytes > SMALL_IN_ALL:
                yield [piece]
                continue
            small.append(piece)
            if len(small) == SMALL_TABLES or sum(each.bytes for each in small) > SMALL_IN_ALL:
                yield small
                small = []
        if small:
            yield small

    def _sums(self, batch: Sequence[_Piece], method: TableMethod) -> list[tuple[int, int, int] | None]:
        """Return rows and sums of each piece; None for those that failed."""
        question = sql.SQL(" UNION ALL ").join(
            _question(piece, method, number) for number, piece in enumerate(batch)
        )
        with self._sessions.exporter.translate_errors(_during(batch)):
            try:
                rows = self._asked(question)
            except psycopg.Error as error:
                _raise_if_lost(error)
                return self._one_by_one(batch, method)
        return [(rows, one, other) for _, rows, one, other in sorted(rows)]

    def _one_by_one(self, batch: Sequence[_Piece], method: TableMethod) -> list[tuple[int, int, int] | None]:
        found: list[tuple[int, int, int] | None] = []
        for piece in batch:
            try:
                ((_, *sums),) = self._asked(_question(piece, method, 0))
                found.append((sums[0], sums[1], sums[2]))
            except psycopg.Error as error:
                _raise_if_lost(error)
                found.append(None)
        return found

    def _asked(self, question: sql.Composed) -> list[tuple[Any, ...]]:
        return self._sessions.undisturbed(lambda session: session.execute(question).fetchall())

    def _alone(self, each: Wanted, method: TableMethod) -> Digest:
        """Read a table as a whole after a piece of it failed; if that fails, too, at least count its rows."""
        name = each.table.name
        why = ""
        with self._sessions.exporter.translate_errors(f"reading {name}"):
            try:
                ((_, rows, one, other),) = self._asked(_question(_Piece(each, each.table), method, 0))
                return _digest(name, _Sum(rows, one, other), each.method(method))
            except psycopg.Error as error:
                _raise_if_lost(error)
                why = _said(error)
            try:
                count = sql.SQL("SELECT count(*) FROM {}").format(rows_of(each.table))
                ((rows,),) = self._asked(count)
            except psycopg.Error as error:
                _raise_if_lost(error)
                return Digest(name, None, why=_said(error))
        return Digest(name, rows, why=why)


def method_of(session: "Session") -> Method:
    """The fastest hash by which a session's server surely computes the same digests as other servers."""
    question = sql.SQL(_PROBE).format(sql.Literal(column_hashes.KNOWN))
    ((found,),) = session.ask(question, during="asking how the server hashes")
    return "lookup3" if found else "sha256"


def fastest(methods: Collection[Method], *, same_types: bool) -> TableMethod:
    """The fastest hash of a table's rows for servers that hash text in these ways."""
    if "sha256" in methods:
        return "sha256"
    return "columns" if same_types else "lookup3"


def question_of(query: str, columns: int, method: Method) -> sql.Composed:
    """The statement that counts a query's rows and sums both halves of their hashes."""
    names = [f"c{number}" for number in range(columns)]
    named = sql.SQL(" ({})").format(sql.SQL(", ").join(map(sql.Identifier, names)))
    rows = sql.SQL("({}) t{}").format(sql.SQL(query), named if names else sql.SQL(""))
    return sql.SQL("SELECT s.rows, s.one, s.other FROM ({}) s").format(
        _sums(row_of(names), rows, sql.SQL(""), method)
    )


def question_by_transaction(table: str, columns: Iterable[str], method: Method) -> sql.Composed:
    """The same of a table, as FROM has it, for each transaction that rows are of: first stands its xid."""
    rows = sql.SQL("{} t").format(sql.SQL(table))
    return _sums(row_of(columns), rows, sql.SQL(""), method, by=sql.SQL("t.xmin::pg_catalog.text"))


def value_of(one: int, other: int, method: str) -> str:
    """The digest that two such sums make."""
    return f"{method}:{int(one) % 2**64:016x}{int(other) % 2**64:016x}"


def sum_of(session: "Session", query: str, columns: int, method: Method) -> tuple[int, str]:
    """How many rows a query has, and their digest."""
    ((rows, one, other),) = session.execute(question_of(query, columns, method)).fetchall()
    return rows, value_of(one, other, method)


def hashed_columns(table: Table) -> tuple[str, ...]:
    """The columns that make a row's text."""
    return tuple(column.name for column in table.columns if not column.generated)


def row_of(columns: Iterable[str]) -> sql.Composed:
    """``ROW(t.a, t.b)``."""
    return sql.SQL("ROW({})").format(sql.SQL(", ").join(sql.Identifier("t", name) for name in columns))


def _pieces(each: Wanted, ranges: bool) -> Iterator[_Piece]:
    if any(leaf.kind is not TableKind.TABLE for leaf in each.leaves):
        yield _Piece(each, each.table, bytes=each.bytes)
        return
    for rows in each.leaves or ((each.table,) if not each.table.partition_key else ()):
        size = rows.table_bytes or 0
        if size <= PIECE or not ranges:
            yield _Piece(each, rows, bytes=size)
            continue
        starts = rows.parts(PIECE)
        for start, end in zip(starts, [*starts[1:], None], strict=True):
            yield _Piece(each, rows, start, end, size // len(starts))
    if each.table.partition_key and not each.leaves:
        yield _Piece(each, each.table)


def _question(piece: _Piece, method: TableMethod, number: int) -> sql.Composed:
    where: sql.Composable = sql.SQL("")
    if piece.first is not None:
        where = sql.SQL(" WHERE t.ctid >= {}::pg_catalog.tid").format(sql.Literal(f"({piece.first},0)"))
        if piece.end is not None:
            where = where + sql.SQL(" AND t.ctid < {}::pg_catalog.tid").format(
                sql.Literal(f"({piece.end},0)")
            )
    wanted, rows = piece.wanted, rows_of(piece.rows)
    way = wanted.method(method)
    if way == "columns":
        sums = _sums_of_numbers(column_hashes.number_of(wanted.columns, wanted.types), rows, where)
    else:
        sums = _sums(row_of(wanted.columns), rows, where, way)
    return sql.SQL("SELECT {}::pg_catalog.int4, s.rows, s.one, s.other FROM ({}) s").format(
        sql.Literal(number), sums
    )


def _sums(
    row: sql.Composable,
    rows: sql.Composable,
    where: sql.Composable,
    method: Method,
    by: sql.Composable | None = None,
) -> sql.Composed:
    """The question for rows and sums, or, ``by`` something, for its values and those of each."""
    one, other = (half.format(line=sql.SQL("r.line")) for half in _HALVES[method])
    also = sql.SQL("") if by is None else sql.SQL(", {} AS part").format(by)
    # OFFSET 0 keeps the line from being printed twice, once for each half.
    lines = sql.SQL("SELECT {} AS line{} FROM {}{} OFFSET 0").format(
        _LINE[method].format(row=row), also, rows, where
    )
    part = sql.SQL("" if by is None else "r.part, ")
    halves = sql.SQL("{}{} AS one, {} AS other FROM ({}) r").format(part, one, other, lines)
    question = (
        "SELECT {}pg_catalog.count(*) AS rows, coalesce(pg_catalog.sum(h.one), 0) AS one, "
        "coalesce(pg_catalog.sum(h.other), 0) AS other FROM (SELECT {}) h{}"
    )
    if by is None:
        return sql.SQL(question).format(sql.SQL(""), halves, sql.SQL(""))
    return sql.SQL(question).format(sql.SQL("h.part, "), halves, sql.SQL(" GROUP BY h.part"))


def _sums_of_numbers(number: sql.Composable, rows: sql.Composable, where: sql.Composable) -> sql.Composed:
    """The question for rows and sums, where a number stands for each row."""
    question = (
        "SELECT pg_catalog.count(*) AS rows, "
        "coalesce(pg_catalog.sum(pg_catalog.hashint8extended(r.number, 0)), 0) AS one, "
        "coalesce(pg_catalog.sum(pg_catalog.hashint8extended(r.number, 1)), 0) AS other "
        "FROM (SELECT {} AS number FROM {}{} OFFSET 0) r"
    )
    return sql.SQL(question).format(number, rows, where)


def rows_of(table: Table) -> sql.Composed:
    """The table's rows in FROM, as ``t``."""
    return sql.SQL(table.only) + sql.Identifier(table.name.schema, table.name.name) + sql.SQL(" t")


def hash_of(row: sql.Composable, method: Method) -> sql.Composed:
    """The first half of a row's hash."""
    return _HALVES[method][0].format(line=_LINE[method].format(row=row))


def _digest(name: QualifiedName, found: _Sum, method: TableMethod) -> Digest:
    return Digest(name, found.rows, value_of(found.one, found.other, method))


def _raise_if_lost(error: psycopg.Error) -> None:
    """Raise the error again if the session is lost or cancelled; other errors concern one table only."""
    if is_loss(error) or isinstance(error, psycopg.errors.QueryCanceled):
        raise error


def _said(error: psycopg.Error) -> str:
    return error.diag.message_primary or str(error)


def _during(batch: Sequence[_Piece]) -> str:
    names = Counter(str(piece.wanted.table.name) for piece in batch)
    return f"digesting {', '.join(list(names)[:3])}" + (" and others" if len(names) > 3 else "")
