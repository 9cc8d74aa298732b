"""The steps of a run of a bundle.

* A schema file is cut into transactions of a hundred statements: all in one would need a lock for each
  object, and more memory for locks than servers have.
* A data file says its own steps. Where a step is only the blocks of one large table, each block is one; small
  tables that follow each other, and whose steps are nothing but rows, share one.
* In a constraints file whatever has to go through many rows is a step of its own (``constraints``).
"""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from io import BytesIO

from postgast import pg_query_pb2 as pg

from migplan.bundle.data.live_file import head_of
from migplan.bundle.manifest import Block, BundleFile, Manifest
from migplan.bundle.manifest import Step as Listed
from migplan.bundle.schema.parts import Part, PartReader, part_of
from migplan.bundle.schema.role_file import MADE
from migplan.bundle.verified import VerifiedBundle
from migplan.config import Layout
from migplan.errors import BundleError
from migplan.names import QualifiedName, parse, quoted
from migplan.run.bundle.chunks import IMPERSONATION, Chunk, step_of
from migplan.run.bundle.constraints import LARGE_BYTES, ConstraintSteps
from migplan.run.bundle.footprints import Families, read
from migplan.run.engine.footprints import EVERYTHING, EXCLUSIVE, LOADS, REFERS, Footprint, joined
from migplan.run.engine.steps import CopyBlock, LiveRows, LiveSequences, Segment, Statements, Step
from migplan.sql.split import CopyRows, Statement, pieces
from migplan.sql.text import do_block, literal
from migplan.sql.tree import relation_name, statement_tree

SHARED_BLOCKS = 50
"""So many blocks of small tables share a step, as long as they all are not large."""

_SETTING = re.compile(
    r"\s*SET\s+(?!SESSION\s+AUTHORIZATION|ROLE\b|CONSTRAINTS)(?:SESSION\s+)?(\w+)"
    r"|\s*SELECT\s+pg_catalog\.set_config\('(\w+)'",
    re.IGNORECASE,
)


def steps_of(
    bundle: VerifiedBundle, carried: Collection[str] = (), kept: Collection[Part] = ()
) -> tuple[Step, ...]:
    """Return every step, in the order of the files.

    The keys in ``carried`` are added NOT VALID, and stay so; statements that bring what is ``kept`` are left
    out.
    """
    deriving = _Deriving(bundle, carried, kept)
    found = [step for file in bundle.manifest.files for step in deriving.steps(file)]
    return tuple(replace(step, number=number) for number, step in enumerate(found, 1))


def carrying(bundle: VerifiedBundle, steps: Sequence[Step], keys: Collection[str]) -> tuple[Step, ...]:
    """Return the steps of a run that was begun, with these keys added NOT VALID and never validated.

    They keep their numbers and names, by which the journal knows them.
    """

    def carried(step: Step, piece: Segment) -> Segment:
        if not isinstance(piece, Statements):
            return piece
        text = piece.text or bundle.texts[step.file].between(piece.start, piece.end).decode()
        source = pieces(BytesIO(text.encode()), bundle.paths.folder / step.file)
        before = [each.text for each in source if isinstance(each, Statement)]
        after = [_carried(each, keys) for each in before]
        return piece if after == before else replace(piece, text="\n".join(after))

    return tuple(
        replace(step, segments=tuple(carried(step, each) for each in step.segments))
        if step.phase == "constraints"
        else step
        for step in steps
    )


def undoing_steps(bundle: VerifiedBundle, file: str) -> tuple[Step, ...]:
    """Return the steps of a rollback file; none of them runs beside another."""
    return tuple(_chunked(_Reader(bundle, file), "rollback", Families()))


@dataclass
class _Reader:
    """A file of statements being read, with the session's settings as they come."""

    bundle: VerifiedBundle
    name: str
    kept: _Kept | None = None

    def __post_init__(self) -> None:
        self._settings: dict[str, str] = {}

    def statements(self) -> Iterator[tuple[Statement, str]]:
        """Each statement that does something, with the settings under which it runs."""
        found = self._every()
        return self.kept.others(found) if self.kept else found

    def _every(self) -> Iterator[tuple[Statement, str]]:
        text = BytesIO(bytes(self.bundle.texts[self.name]))
        for piece in pieces(text, self.bundle.paths.folder / self.name):
            if not isinstance(piece, Statement):
                raise BundleError(
                    f"{self.name} was changed after the export: rows stand in data files only",
                    do="export the bundle again",
                )
            if found := _SETTING.match(piece.text):
                self._settings[(found[1] or found[2]).lower()] = piece.text
            else:
                yield piece, self.settings

    @property
    def settings(self) -> str:
        """What was set so far."""
        return "\n".join(self._settings.values())


class _Kept:
    """Leaves out the statements that bring what is kept."""

    def __init__(self, parts: Collection[Part], families: Families) -> None:
        self._parts = parts
        self._families = families
        self._reader = PartReader()

    def has(self, text: str) -> bool:
        """Whether a statement brings something of what is kept; what it says of families is not forgotten."""
        node = statement_tree(text)
        if self._reader.part(node) not in self._parts:
            return False
        self._families.see(text)
        self._families.footprint(read(node))
        return True

    def has_table(self, name: QualifiedName) -> bool:
        """Whether a table is kept."""
        return Part("table", name.schema, name.name) in self._parts

    def others(self, statements: Iterable[tuple[Statement, str]]) -> Iterator[tuple[Statement, str]]:
        """The others; of statements that run as another role, that role is not taken for none of them."""
        waiting: list[tuple[Statement, str]] = []
        for statement, settings in statements:
            word = IMPERSONATION.match(statement.text)
            if word and word[1].upper() == "SET":
                waiting = [(statement, settings)]
            elif word:
                if not waiting:
                    yield statement, settings
                waiting = []
            elif not self.has(statement.text):
                yield from waiting
                waiting = []
                yield statement, settings


class _Deriving:
    """Makes the steps of a bundle; how large tables are is known from the data files."""

    def __init__(self, bundle: VerifiedBundle, carried: Collection[str], kept: Collection[Part]) -> None:
        self._bundle = bundle
        self._carried = frozenset(carried)
        self._manifest = bundle.manifest
        self._families = Families()
        self._kept = _Kept(kept, self._families) if kept else None

    def steps(self, file: BundleFile) -> Iterator[Step]:
        """The steps of a file; their numbers come later."""
        if file.phase == "data":
            yield from DataFile(self._bundle, file, self._live, self._kept).steps()
        elif file.phase == "roles":
            yield _role_step(_Reader(self._bundle, file.file), file)
        elif file.phase == "schema":
            yield from _chunked(self._reader(file), file.phase, self._families)
        else:
            making = ConstraintSteps(
                file.file, file.phase, self._families, self._bytes, self._rows, self._carried
            )
            yield from making.steps(self._reader(file).statements())

    def _reader(self, file: BundleFile) -> _Reader:
        return _Reader(self._bundle, file.file, self._kept)

    @property
    def _live(self) -> bool:
        manifest = self._manifest
        return manifest.constraints is Layout.WITH_SCHEMA or manifest.contents == "data"

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {table.table: table.rows for table in self._manifest.tables}

    @cached_property
    def _bytes(self) -> dict[str, int]:
        found: dict[str, int] = defaultdict(int)
        for file in self._manifest.files:
            for step in file.steps:
                for block in step.blocks:
                    whole = () if block.table in step.tables else step.tables  # of which it is a partition
                    for name in (block.table, *whole):
                        found[name] += size_of(block)
        return found


def _carried(text: str, keys: Collection[str]) -> str:
    """Return a statement; NOT VALID if it adds one of the keys, and nothing in place of its validation."""
    node = statement_tree(text)
    if (key := read(node).key) and str(key) in keys:
        return f"{text.rstrip().removesuffix(';')} NOT VALID;"
    table = relation_name(node.alter_table_stmt.relation)
    for each in node.alter_table_stmt.cmds:
        command = each.alter_table_cmd
        if command.subtype == pg.AT_ValidateConstraint and f"{quoted(command.name)} of {table}" in keys:
            return "SELECT;"
    return text


def _chunked(reader: _Reader, phase: str, families: Families) -> Iterator[Step]:
    """Yield steps of a hundred statements each, in their order."""
    chunk = Chunk(reader.name, phase, whole=reader.kept is None)
    for statement, settings in reader.statements():
        families.see(statement.text)
        yield from chunk.add(statement, settings, EVERYTHING)
    yield from chunk.close()


def _role_step(reader: _Reader, file: BundleFile) -> Step:
    """Return the one step that makes roles, and has the journal remember which it made."""
    found = [statement for statement, _ in reader.statements()]
    step = step_of(file.file, file.phase, found, reader.settings, [EVERYTHING])
    last = found[-1]
    remembering = Statements(last.start, last.end, last.line, MADE)
    return replace(step, name="roles that are missing", segments=(*step.segments, remembering))


FROZEN_BYTES = 1 << 20
"""Larger tables that are loaded whole are loaded frozen: nobody has to go through their rows once more."""

_ROWS = "rows of the source"
_END_OF_ROWS = b"\\.\n"
_TRANSACTION = frozenset({"begin", "commit"})
_DEFINING = frozenset({"alter", "comment", "create", "grant", "revoke"})
_SWITCHED = frozenset({"trigger", "rule", "table"})


class DataFile:
    """Divides a data file into steps; its rows are not read."""

    def __init__(
        self, bundle: VerifiedBundle, file: BundleFile, live: bool, kept: _Kept | None = None
    ) -> None:
        manifest = bundle.manifest
        self._kept = kept
        self._inserts = manifest.data_format == "insert"
        self._from_source = manifest.is_live
        self._fresh = _made_by(bundle.manifest, kept) if manifest.is_live and not live else frozenset()
        self._self_keys = {table.table for table in manifest.tables if table.self_keys}
        self._file = file
        self._path = bundle.paths.step(file.file)
        self._text = bundle.texts[file.file]
        self._live = live
        self._at = 0
        self._line = 1

    def steps(self) -> Iterator[Step]:
        """The steps, those of large tables cut into their blocks."""
        first = self._file.steps[0].start if self._file.steps else self._file.bytes
        guard = "do" if self._from_source else ""  # which stops psql
        settings = "\n".join(each.text for each in self._statements(first) if each.word != guard)
        steps = ((listed, self._step(listed, settings)) for listed in self._file.steps)
        cut = ([*self._cut(listed, step)] for listed, step in steps if step.segments or self._kept is None)
        yield from _sharing(cut)

    def _step(self, listed: Listed, settings: str) -> Step:
        found: list[Segment] = []
        line = 0
        for block in (*listed.blocks, None):
            start, first_line = self._at, self._line
            upto = block.start if block else listed.end
            if block and self._from_source:
                self._refuse_another_query(block)
            for each in self._statements(upto):
                line = line or each.line + first_line - 1
                if each.word not in _TRANSACTION and not self._is_kept(each):
                    found.append(Statements(start + each.start, start + each.end, first_line + each.line - 1))
            if block is not None:
                found.append(self._block(block, listed))
        if listed.sequences:
            found.append(LiveSequences(tuple(map(parse, listed.sequences)), self._line - 1))
        size = sum(map(size_of, listed.blocks))
        return Step(
            number=0,
            file=self._file.file,
            name=listed.name,
            phase=self._file.phase,
            line=line,
            settings=settings,
            segments=tuple(found),
            footprint=self._footprint(listed, found),
            rows=listed.rows,
            bytes=size,
            weight=size,
        )

    def _statements(self, upto: int) -> list[Statement]:
        """Return the statements up to a place, without a COPY at the end.

        Their places count from where we are.
        """
        data = self._text.between(self._at, upto)
        self._at = upto
        self._line += data.count(b"\n")
        source = io.BytesIO(data + _END_OF_ROWS if _ends_in_copy(data) else data)
        return [each for each in pieces(source, self._path) if not isinstance(each, CopyRows)]

    def _is_kept(self, statement: Statement) -> bool:
        """Whether it brings what is kept; what a data file switches off and on again is about rows."""
        if self._kept is None or statement.word not in _DEFINING:
            return False
        part = part_of(statement_tree(statement.text))
        return part is not None and part.kind not in _SWITCHED and self._kept.has(statement.text)

    def _block(self, block: Block, listed: Listed) -> Segment:
        line = self._line
        self._at = block.end
        if self._inserts:
            self._line += self._text.lines_of_rows(block.start)
            return Statements(block.start, block.end, line)
        self._at += len(_END_OF_ROWS)
        if self._from_source:
            self._line += 1
            said = block.table, block.columns, block.query, block.format
            updates = listed.tables[0] if block.is_temporary and len(listed.tables) == 1 else ""
            return LiveRows(*said, False, block.rows, block.bytes or 0, line, updates)
        self._line += block.rows + 1
        return CopyBlock(block.table, block.columns, block.rows, block.start, block.end, line)

    def _footprint(self, listed: Listed, found: list[Segment]) -> Footprint:
        if listed.alone:
            return EVERYTHING
        only_rows = all(isinstance(piece, CopyBlock | LiveRows) for piece in found)
        things = dict.fromkeys(listed.needs, REFERS)
        if self._from_source and listed.blocks:
            things[_ROWS] = LOADS
        if listed.sequences:
            things[_ROWS] = EXCLUSIVE  # not before the last row, or the next values would be given twice
        blocks = (block.table for block in listed.blocks if not block.is_temporary)  # of the session alone
        for table in (*listed.tables, *blocks):
            things[table] = LOADS if only_rows else EXCLUSIVE
        things |= {f"large object {number}": EXCLUSIVE for number in listed.large_objects}
        return Footprint(tuple(things.items()))

    def _cut(self, listed: Listed, step: Step) -> Iterator[Step]:
        """Yield a step for each block of a large table, unless rows of one block refer to another's."""
        rows = [piece for piece in step.segments if isinstance(piece, CopyBlock | LiveRows)]
        related = self._live and not self._self_keys.isdisjoint(listed.tables)
        if len(rows) < 2 or len(rows) < len(step.segments) or related or len(listed.tables) != 1:
            yield replace(step, segments=tuple(self._frozen(step.segments, listed)))
            return
        for number, piece in enumerate(rows, 1):
            size = piece.bytes if isinstance(piece, LiveRows) else piece.end - piece.start
            yield replace(
                step,
                name=f"{listed.name}, {number} of {len(rows)}",
                line=piece.line - 1,
                segments=tuple(self._frozen([piece], listed)),
                rows=piece.rows,
                bytes=size,
                weight=size,
            )

    def _frozen(self, pieces: Iterable[Segment], listed: Listed) -> Iterator[Segment]:
        """Yield segments of a step; large tables that it makes full, and this run made, are loaded frozen."""
        often = Counter(block.table for block in listed.blocks)
        for piece in pieces:
            if (
                isinstance(piece, LiveRows)
                and piece.table in self._fresh
                and piece.bytes > FROZEN_BYTES
                and often[piece.table] == 1
            ):
                place = listed.start
                yield Statements(place, place, piece.line, emptied(piece.table))
                yield replace(piece, freeze=True)
            else:
                yield piece

    def _refuse_another_query(self, block: Block) -> None:
        """Raise BundleError if people read another query in the file than the one that would run."""
        head = head_of(block.table, block.columns, block.query)
        if not self._text.between(self._at, block.start).endswith(head):
            raise BundleError(
                f"{self._file.file} has not the query that manifest.json has for the rows of {block.table}",
                do="export the bundle again",
                file=self._path,
            )


def emptied(table: str) -> str:
    """Return SQL that makes an empty table take frozen rows: it is truncated in the transaction of its rows.

    Rows that are there already are somebody's.
    See https://www.postgresql.org/docs/current/sql-copy.html, under FREEZE.
    """
    what = literal(f"{table} has rows that this run did not bring")
    hint = literal("move them elsewhere or delete them, and apply again")
    return do_block(
        f"LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE;\n"
        f"IF EXISTS (SELECT FROM ONLY {table}) THEN\n"
        f"    RAISE EXCEPTION USING MESSAGE = {what}, HINT = {hint};\n"
        f"END IF;\nTRUNCATE ONLY {table};"
    )


def size_of(block: Block) -> int:
    """Return how large the rows of a block are; about, where they come live."""
    return (block.bytes or 0) if block.query else block.end - block.start


def _made_by(manifest: Manifest, kept: _Kept | None) -> frozenset[str]:
    """Return the tables that a run of the bundle makes, and that none of the target's own can be."""
    if manifest.contents != "all":
        return frozenset()
    made = (QualifiedName(each.in_schema, each.name) for each in manifest.objects if each.kind == "TABLE")
    return frozenset(str(name) for name in made if kept is None or not kept.has_table(name))


def _sharing(cut: Iterable[Sequence[Step]]) -> Iterator[Step]:
    """Yield the steps; small ones that are nothing but rows are joined, for each transaction has its price.

    What was cut because it is large stays so.
    """
    shared: list[Step] = []
    size = blocks = 0
    for steps in cut:
        small = len(steps) == 1 and _is_small(steps[0])
        more = len(steps[0].segments)
        if not small or size + steps[0].bytes > LARGE_BYTES or blocks + more > SHARED_BLOCKS:
            yield from _joined(shared)
            shared, size, blocks = [], 0, 0
        if not small:
            yield from steps
            continue
        shared.append(steps[0])
        size, blocks = size + steps[0].bytes, blocks + more
    yield from _joined(shared)


def _is_small(step: Step) -> bool:
    only_rows = all(isinstance(piece, CopyBlock | LiveRows) for piece in step.segments)
    return only_rows and step.bytes <= LARGE_BYTES and not step.footprint.everything


def _joined(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield the step that does what these do, if there are any."""
    if len(steps) < 2:
        yield from steps
        return
    yield replace(
        steps[0],
        name=f"{steps[0].name} and {len(steps) - 1} more",
        segments=tuple(piece for step in steps for piece in step.segments),
        footprint=joined(step.footprint for step in steps),
        rows=sum(step.rows for step in steps),
        bytes=sum(step.bytes for step in steps),
        weight=sum(step.weight for step in steps),
    )


def _ends_in_copy(data: bytes) -> bool:
    """Whether the last line is a COPY whose rows follow."""
    return data.endswith(b" FROM stdin;\n")
