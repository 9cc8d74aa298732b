"""Which rows differ: some of them, by their keys, in memory that does not grow with the table.

Rows are thrown into buckets by a hash of their key, on both sides alike, and a bucket's rows are fetched only
where count or sum of the two sides differ. Beside a live source the servers do it. Without one, the lines of
the bundle's own COPY blocks are compared with those that COPY sends from the target under the same settings.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import islice
from zlib import crc32

from psycopg import sql

from migplan.bundle.manifest import Block
from migplan.catalog import digests
from migplan.catalog.digests import Method, hashed_columns
from migplan.catalog.model import Table
from migplan.config import Layout, Strategy
from migplan.errors import PrivilegeError
from migplan.names import QualifiedName
from migplan.postgres import copy_out
from migplan.verify.expectation import Expectation
from migplan.verify.moment import Moment

SHOWN = 5
BUCKETS = 4096
FETCHED = 8  # buckets of which rows are fetched
_LONGEST = 60

Row = tuple[str | None, ...]
_NULL = b"\\N"


@dataclass(frozen=True)
class Examples:
    """Where rows can be looked for."""

    expectation: Expectation
    target: Moment
    source: Moment | None
    method: Method

    def of(self, name: QualifiedName) -> tuple[str, ...]:
        """Some rows of a table that differ, are missing or too many; nothing where nobody can tell."""
        with ExitStack() as stack:
            # What the role may not read of one table must not end the transaction.
            stack.enter_context(suppress(PrivilegeError))
            for moment in filter(None, (self.target, self.source)):
                stack.enter_context(moment.session.transaction(force_rollback=True))
            return self._found(name)
        return ()

    def _found(self, name: QualifiedName) -> tuple[str, ...]:
        here = self.target.catalog.by_name.get(name)
        table = self.expectation.catalog.by_name[name]
        if here is None or set(hashed_columns(table)) - {column.name for column in here.columns}:
            return ()
        columns = hashed_columns(table)
        key = _key(table) or columns
        if not columns:
            return ()
        if self.source is not None:
            sides = [
                _Server(moment, table, columns, key, self.method) for moment in (self.source, self.target)
            ]
            expected, found = (side.differing(_differing(*(each.sums() for each in sides))) for side in sides)
        else:
            blocks = self._blocks(name, table)
            if not blocks:
                return ()
            lines = _Lines(self.expectation, self.target, table, columns, key, blocks)
            expected, found = lines.differing()
        return tuple(islice(_said(columns, key, expected, found), SHOWN))

    def _blocks(self, name: QualifiedName, table: Table) -> list[tuple[str, Block]]:
        """The COPY blocks that together are the table; none where the bundle has the rows in another form."""
        manifest = self.expectation.manifest
        planned = self.expectation.loaded[name]
        second = planned.strategy is Strategy.NULL_THEN_UPDATE and manifest.constraints is Layout.WITH_SCHEMA
        if manifest.data_format != "copy" or second:
            return []
        family = {str(member) for member in self.expectation.families[name]}
        blocks = [(file.file, block) for file, _, block in manifest.blocks if block.table in family]
        fits = all(set(block.columns) == set(hashed_columns(table)) for _, block in blocks)
        return blocks if fits and sum(block.rows for _, block in blocks) == planned.rows else []


def _key(table: Table) -> tuple[str, ...]:
    """What names a row: its primary key, or a unique one that is never NULL."""
    if table.primary_key:
        return table.primary_key.columns
    never_null = {column.name for column in table.columns if column.not_null}
    return next((key.columns for key in table.unique_keys if never_null.issuperset(key.columns)), ())


Sums = dict[int, tuple[int, int]]


def _differing(expected: Sums, found: Sums) -> list[int]:
    buckets = sorted(expected.keys() | found.keys())
    return [bucket for bucket in buckets if expected.get(bucket) != found.get(bucket)][:FETCHED]


@dataclass(frozen=True)
class _Server:
    """One side of a comparison of two servers."""

    moment: Moment
    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    method: Method

    def sums(self) -> Sums:
        """Rows, and the sum of their hashes, by bucket."""
        question = sql.SQL("SELECT {bucket}, count(*), sum({row}) FROM {rows} GROUP BY 1").format(
            bucket=self._bucket, row=self._hash(self.columns), rows=self._rows
        )
        during = f"looking for the rows of {self.table.name} that differ"
        found = self.moment.session.ask(question, during=during)
        return {bucket: (count, int(total)) for bucket, count, total in found}

    def differing(self, buckets: Sequence[int]) -> list[Row]:
        """The rows of some buckets."""
        values = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier("t", c)) for c in self.columns)
        question = sql.SQL("SELECT {values} FROM {rows} WHERE {bucket} = ANY ({buckets})").format(
            values=values, rows=self._rows, bucket=self._bucket, buckets=sql.Literal(list(buckets))
        )
        return self.moment.session.ask(question, during=f"reading rows of {self.table.name} that differ")

    @property
    def _bucket(self) -> sql.Composed:
        return sql.SQL("abs({} % {})::int").format(self._hash(self.key), sql.Literal(BUCKETS))

    def _hash(self, columns: Iterable[str]) -> sql.Composed:
        return digests.hash_of(digests.row_of(columns), self.method)

    @property
    def _rows(self) -> sql.Composed:
        return digests.rows_of(self.moment.catalog.by_name[self.table.name])


@dataclass(frozen=True)
class _Lines:
    """The bundle's lines on one side, the target's on the other."""

    expectation: Expectation
    target: Moment
    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    blocks: list[tuple[str, Block]]

    def differing(self) -> tuple[list[Row], list[Row]]:
        """The rows of both sides that the other has not, of some buckets."""
        buckets = set(_differing(self._sums(self._in_bundle()), self._sums(self._in_target())))
        expected = Counter(line for line in self._in_bundle() if self._bucket(line) in buckets)
        found = Counter(line for line in self._in_target() if self._bucket(line) in buckets)
        return (
            [_row(line) for line in (expected - found).elements()],
            [_row(line) for line in (found - expected).elements()],
        )

    def _sums(self, lines: Iterator[bytes]) -> Sums:
        counts, totals = [0] * BUCKETS, [0] * BUCKETS
        for line in lines:
            bucket = self._bucket(line)
            counts[bucket] += 1
            totals[bucket] += hash(line)
        return {n: (count, totals[n]) for n, count in enumerate(counts) if count}

    def _bucket(self, line: bytes) -> int:
        places = [self.columns.index(name) for name in self.key]
        fields = line.split(b"\t", max(places) + 1)
        return crc32(b"\t".join([fields[place] for place in places])) % BUCKETS

    def _in_bundle(self) -> Iterator[bytes]:
        for file, block in self.blocks:
            order = [block.columns.index(name) for name in self.columns]
            same = order == sorted(order)
            with self.expectation.paths.step(file).open("rb") as stream:
                stream.seek(block.start)
                left = block.end - block.start
                while left > 0 and (line := stream.readline()):
                    left -= len(line)
                    if same:
                        yield line[:-1]
                    else:
                        fields = line[:-1].split(b"\t")
                        yield b"\t".join([fields[number] for number in order])

    def _in_target(self) -> Iterator[bytes]:
        query = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(
            sql.SQL(", ").join(sql.Identifier("t", name) for name in self.columns),
            digests.rows_of(self.target.catalog.by_name[self.table.name]),
        )
        session = self.target.session
        with session.translate_errors(f"reading the rows of {self.table.name}"):
            begun: list[bytes] = []  # the pieces of a long row
            for block in copy_out.rows_of(session, query.as_string(session)):
                *lines, rest = block.split(b"\n")
                if lines:
                    yield b"".join((*begun, lines[0]))
                    yield from lines[1:]
                    begun.clear()
                begun.append(rest)


def _row(line: bytes) -> Row:
    return tuple(None if field == _NULL else field.decode("utf-8", "replace") for field in line.split(b"\t"))


def _said(
    columns: Sequence[str], key: Sequence[str], expected: Sequence[Row], found: Sequence[Row]
) -> Iterator[str]:
    """``missing: id 5``, ``too many: id 9``, ``other values: id 7 (price, note)``."""
    places = [columns.index(name) for name in key]
    more, less = Counter(found) - Counter(expected), Counter(expected) - Counter(found)
    if len(places) == len(columns):
        yield from (f"missing: {_named(key, row)}" for row in less)
        yield from (f"too many: {_named(key, row)}" for row in more)
        return
    here = {tuple(row[place] for place in places): row for row in more}
    for row in less:
        named = tuple(row[place] for place in places)
        other = here.pop(named, None)
        if other is None:
            yield f"missing: {_named(key, named)}"
            continue
        differing = [name for name, a, b in zip(columns, row, other, strict=True) if a != b]
        yield f"other values: {_named(key, named)} in {', '.join(differing)}"
    yield from (f"too many: {_named(key, named)}" for named in here)


def _named(key: Sequence[str], values: Row) -> str:
    text = ", ".join(f"{name} {_cut(value)}" for name, value in zip(key, values, strict=True))
    return _cut(text, 3 * _LONGEST)


def _cut(value: str | None, longest: int = _LONGEST) -> str:
    if value is None:
        return "NULL"
    return value if len(value) <= longest else f"{value[: longest - 3]}..."
