"""Checking a bundle without a database: it is read as a whole, and compared with what its manifest says.

What is asked of it:

* the manifest can be read, and its numbers add up;
* every file is there, none is unknown, and each has the bytes that were exported;
* PostgreSQL's parser understands every statement, and no file needs psql;
* steps and rows stand where the manifest says, as many as it says;
* whatever a statement needs was made before, or is the target's;
* tables are filled before rows have to refer to theirs;
* every file that runs has one that rolls it back.

Each file is read once, in pieces: a bundle can be of any size. Of a file that was edited we say that, and
not also that its bytes have moved.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from postgast import pg_query_pb2 as pg

from migplan.bundle import manifest as manifests
from migplan.bundle.check.loads import Loads
from migplan.bundle.check.order import Order
from migplan.bundle.check.problem import Kind, Place, Problem
from migplan.bundle.data.live_file import head_of
from migplan.bundle.manifest import Block, BundleFile, Manifest, Step
from migplan.bundle.paths import BundlePaths
from migplan.bundle.verified import is_inside
from migplan.files import read_bytes
from migplan.progress import Progress, no_progress
from migplan.sql.split import CopyRows, MetaCommandError, Readable, SqlFileError, Statement, parse, pieces
from migplan.sql.statements import beginning
from migplan.sql.tree import relation_name

_ANEW = "export the bundle again"
_EDITED = "undo the change, or export again; if it is meant: migplan check {folder} --accept"

# A file with one of these was not read to its end, and nobody knows what it creates or fills.
_NOT_READ = frozenset({Kind.MISSING, Kind.SYNTAX, Kind.META_COMMAND})


@dataclass(frozen=True, slots=True)
class Examination:
    """What was read of a bundle, and what is wrong with it."""

    problems: tuple[Problem, ...]
    files: int
    statements: int
    rows: int
    bytes: int
    live: bool = False  # the rows come from the source when the bundle runs


def check(folder: Path) -> tuple[Problem, ...]:
    """Return what is wrong with a bundle; raise FileError if there is none in the folder."""
    return examine(folder).problems


def examine(folder: Path, on_progress: Progress = no_progress) -> Examination:
    """Return what is wrong with a bundle, and how much of it was read."""
    return _Checking(BundlePaths(folder), manifests.load(folder)).result(on_progress)


class _Digesting:
    """A stream that computes the digest of what is read from it."""

    def __init__(self, stream: Readable) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int, /) -> bytes:
        """Read up to so many bytes."""
        found = self._stream.read(size)
        self._digest.update(found)
        self.size += len(found)
        return found

    def finish(self) -> None:
        """Read the rest of the stream."""
        while self.read(1 << 20):
            pass

    @property
    def sha256(self) -> str:
        """The SHA-256 of everything read so far."""
        return self._digest.hexdigest()


class _Checking:
    """Checks one bundle."""

    def __init__(self, paths: BundlePaths, manifest: Manifest) -> None:
        self._paths = paths
        self._manifest = manifest
        self._problems: list[Problem] = []
        self._order = Order()
        self._loads = Loads(manifest)
        self._counted: Counter[str] = Counter()  # rows by the table that they were put into
        self._files = self._statements = self._bytes = 0

    def result(self, on_progress: Progress) -> Examination:
        """Check everything, and return what was found."""
        files, beside = self._listed(), self._beside()
        total = len(files) + len(beside)
        for number, file in enumerate(files):
            on_progress(file.file, number, total)
            self._file(number, file)
        for number, path in enumerate(beside, len(files)):
            on_progress(path.name, number, total)
            self._aside(path)
        self._companions()
        understood = not _NOT_READ.intersection(problem.kind for problem in self._problems)
        self._unlisted()
        self._numbers()
        if understood:
            strategies = {table.table: table.strategy for table in self._manifest.tables}
            self._problems += self._order.problems(strategies)
            if self._manifest.contents != "data":  # else all that they need is the target's
                self._problems += self._loads.problems()
        rows = sum(rows for table, rows in self._counted.items() if not table.startswith(manifests.TEMPORARY))
        return Examination(
            tuple(self._problems), self._files, self._statements, rows, self._bytes, self._manifest.is_live
        )

    # --- files --------------------------------------------------------------------------------------------

    def _file(self, number: int, file: BundleFile) -> None:
        """Check a file that runs."""
        if not self._paths.rollback(file.file).is_file():
            self._note(
                Kind.ROLLBACK, file.file, f"there is no rollback/{file.file} to roll it back", do=_ANEW
            )
        matching = Matching(file)

        def see(found: Found, node: pg.Node | None) -> None:
            matching.see(found)
            place = Place(number, found.start, found.line, file.file)
            if found.rows and (found.rows.count or self._manifest.is_live):
                self._counted[found.rows.table] += found.rows.count
                self._order.fill(found.rows.table, place)
            if node is not None:
                self._order.run(node, place)
                if file.phase != "roles":
                    self._loads.run(node, place, found.beginning)
            elif found.rows:
                self._loads.copy(found.rows.table, found.rows.columns, place)

        stream = self._read(self._paths.step(file.file), file.file, see)
        if stream is None:
            return
        if stream.sha256 != file.sha256:
            size = f": {stream.size:,} bytes, {file.bytes:,} were exported" * (stream.size != file.bytes)
            self._note(
                Kind.CHANGED,
                file.file,
                f"was changed after the export{size}",
                do=_EDITED.format(folder=quote(str(self._paths.folder))),
            )
            return
        matching.close()
        self._problems += matching.problems
        self._queries(file)
        if stream.size != file.bytes:
            self._note(Kind.MANIFEST, file.file, f"{stream.size:,} bytes; the manifest says {file.bytes:,}")

    def _queries(self, file: BundleFile) -> None:
        """Check that people read in the file by which queries rows come from the source."""
        blocks = [block for step in file.steps for block in step.blocks if block.query]
        if not blocks:
            return
        data = read_bytes(self._paths.step(file.file))  # which holds no rows
        for block in blocks:
            if not data.endswith(head_of(block.table, block.columns, block.query), 0, block.start):
                what = f"does not have the query that the manifest has for the rows of {block.table}"
                line = data.count(b"\n", 0, block.start) - 1  # of the comment, which COPY follows
                self._note(Kind.ROWS, file.file, what, line, do=_ANEW)

    def _aside(self, path: Path) -> None:
        """Check a file that people may run by hand."""
        self._read(path, str(path.relative_to(self._paths.folder)), lambda _found, _node: None)

    def _read(self, path: Path, name: str, see: Callable[[Found, pg.Node | None], None]) -> _Digesting | None:
        """Read a file to its end, or to where it cannot be understood."""
        if path.exists() and not path.is_file():
            self._note(Kind.MISSING, name, "is not a regular file", do=_ANEW)
            return None
        try:
            with path.open("rb") as opened:
                stream = _Digesting(opened)
                for found, node in self._found(stream, path, name):
                    see(found, node)
                stream.finish()
        except OSError as error:
            self._note(Kind.MISSING, name, f"cannot be read: {error.strerror}", do=_ANEW)
            return None
        self._files += 1
        self._bytes += stream.size
        return stream

    def _found(self, stream: Readable, path: Path, name: str) -> Iterator[tuple[Found, pg.Node | None]]:
        try:
            for piece in pieces(stream, path):
                self._statements += 1
                if isinstance(piece, CopyRows):
                    yield _copied(piece), None
                elif (node := self._parsed(piece, name)) is not None:
                    rows = _inserted(node.insert_stmt) if node.HasField("insert_stmt") else None
                    said = beginning(piece.text)
                    yield Found(piece.start, piece.end, piece.line, piece.word, rows, said), node
        except MetaCommandError as error:
            self._note(Kind.META_COMMAND, name, error.what, error.line, error.do)
        except SqlFileError as error:
            self._note(Kind.SYNTAX, name, error.what, error.line)

    def _parsed(self, statement: Statement, name: str) -> pg.Node | None:
        try:
            tree = parse(statement, Path(name))
        except SqlFileError as error:
            self._note(Kind.SYNTAX, name, error.what, error.line)
            return None
        if len(tree.stmts) != 1:
            what = f"psql takes this for one statement, PostgreSQL for {len(tree.stmts)}"
            self._note(Kind.SYNTAX, name, what, statement.line)
            return None
        return tree.stmts[0].stmt

    # --- the whole ----------------------------------------------------------------------------------------

    def _listed(self) -> list[BundleFile]:
        """Return the files that run, each once; note names that lead to another folder."""
        listed: dict[str, BundleFile] = {}
        for file in self._manifest.files:
            if file.file in listed:
                self._note(Kind.MANIFEST, self._paths.manifest.name, f"{file.file} is listed twice")
            elif Path(file.file).name != file.file:
                self._note(
                    Kind.MANIFEST, self._paths.manifest.name, f"{file.file!r} is no name of a file here"
                )
            else:
                listed[file.file] = file
        return list(listed.values())

    def _beside(self) -> list[Path]:
        folders = {self._paths.rollback("").name, self._paths.row_counts.parent.name}
        return sorted(path for folder in folders for path in (self._paths.folder / folder).glob("*.sql"))

    def _unlisted(self) -> None:
        known = {file.file for file in self._manifest.files}
        known |= {each.file for each in self._manifest.companions}
        beside = self._beside() if self._manifest.companions else []
        for path in (*sorted(self._paths.folder.glob("*.sql")), *beside):
            name = str(path.relative_to(self._paths.folder))
            if name not in known:
                self._note(
                    Kind.UNLISTED,
                    name,
                    "is not in the manifest",
                    do="move it elsewhere: nothing runs it",
                )

    def _companions(self) -> None:
        """Check the digests of the files beside those that run."""
        for each in self._manifest.companions:
            path = self._paths.folder / each.file
            if not is_inside(each.file):
                what = f"{each.file!r} is no file of the bundle"
                self._note(Kind.MANIFEST, self._paths.manifest.name, what)
            elif not path.is_file():
                self._note(Kind.MISSING, each.file, "is missing", do=_ANEW)
            elif manifests.digest(path) != each.sha256:
                do = _EDITED.format(folder=quote(str(self._paths.folder)))
                self._note(Kind.CHANGED, each.file, "was changed after the export", do=do)

    def _numbers(self) -> None:
        """Compare the manifest's numbers with each other, and with the files if all of them could be read."""
        for what in contradictions(self._manifest):
            self._note(Kind.MANIFEST, self._paths.manifest.name, what, do=_ANEW)
        if any(problem.kind is not Kind.ROLLBACK for problem in self._problems) or self._manifest.is_live:
            return  # of rows that come live there are estimates alone
        known = {table.table: table.rows for table in self._manifest.tables}
        counted: Counter[str] = Counter()
        for table, rows in self._counted.items():
            if not table.startswith(manifests.TEMPORARY):
                counted[self._order.root(table)] += rows
        if not counted.keys() <= known.keys():
            return  # without their definitions, nothing tells whose partitions these are
        for table, rows in known.items():
            if counted[table] != rows:
                what = f"{table} has {rows:,} rows, the files have {counted[table]:,}"
                self._note(Kind.MANIFEST, self._paths.manifest.name, what, do=_ANEW)

    def _note(self, kind: Kind, file: str, what: str, line: int | None = None, do: str = "") -> None:
        self._problems.append(Problem(kind, file, line, what, do))


def _copied(rows: CopyRows) -> Found:
    for _ in rows:
        pass
    statement = rows.statement
    found = FoundRows(rows.table, rows.columns, rows.rows, (rows.start, rows.end))
    return Found(statement.start, rows.end, statement.line, statement.word, found)


def _inserted(insert: pg.InsertStmt) -> FoundRows | None:
    """Return the rows of an INSERT; None if they come from a query."""
    values = len(insert.select_stmt.select_stmt.values_lists)
    if insert.HasField("select_stmt") and not values:
        return None
    return FoundRows(
        relation_name(insert.relation), tuple(column.res_target.name for column in insert.cols), values or 1
    )


# --- whether a file holds what the manifest says: each step and its rows, at their place, all of them


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in a file: a statement, and the rows that it brings, if any."""

    start: int
    end: int
    line: int
    word: str
    rows: FoundRows | None = None
    beginning: str = ""  # its first words


@dataclass(frozen=True, slots=True)
class FoundRows:
    """Rows of a COPY, with the place of their bytes; or of an INSERT, which is a part of such a place."""

    table: str
    columns: tuple[str, ...]
    count: int
    place: tuple[int, int] | None = None


class Matching:
    """Compares what is found in a file, in its order, with the steps of the manifest."""

    def __init__(self, file: BundleFile) -> None:
        self.problems: list[Problem] = []
        self._file = file.file
        self._steps = iter(file.steps)
        self._current = self._next_step()

    def see(self, found: Found) -> None:
        """Take the next statement or rows of the file."""
        while self._current and found.start >= self._current.step.end:
            self._close(self._current)
            self._current = self._next_step()
        current = self._current
        if current is None or found.end <= current.step.start:
            if found.rows and found.rows.place:
                self._note(Kind.PLACE, found.line, f"rows of {found.rows.table} belong to no step")
            return
        if found.start < current.step.start or found.end > current.step.end:
            self._note(Kind.PLACE, found.line, f"step {current.step.name} cuts this in two")
            return
        for what in current.see(found):
            self._note(Kind.PLACE, found.line, what)

    def close(self) -> None:
        """Take the end of the file."""
        while self._current:
            self._close(self._current)
            self._current = self._next_step()

    def _next_step(self) -> _Current | None:
        step = next(self._steps, None)
        return _Current(step) if step else None

    def _close(self, current: _Current) -> None:
        if (current.first, current.last) != ("begin", "commit"):
            self._note(
                Kind.PLACE,
                current.line,
                f"step {current.step.name}: its bytes {current.step.start:,} to {current.step.end:,} "
                "are not one transaction",
            )
        for what in current.missing():
            self._note(Kind.ROWS, current.line, what)

    def _note(self, kind: Kind, line: int | None, what: str) -> None:
        self.problems.append(Problem(kind, self._file, line, what, "export the bundle again"))


class _Current:
    """A step of the manifest, and what was found of it so far."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.line: int | None = None
        self.first = self.last = ""
        self._starts = [block.start for block in step.blocks]
        self._counts: dict[int, int] = {}

    def see(self, found: Found) -> Iterator[str]:
        """Take a statement or rows of the step, and yield what does not fit."""
        if self.line is None:
            self.line, self.first = found.line, found.word
        self.last = found.word
        rows = found.rows
        if rows is None:
            return
        number = bisect_right(self._starts, rows.place[0] if rows.place else found.start) - 1
        block = self.step.blocks[number] if number >= 0 else None
        if rows.place and (block is None or block.start != rows.place[0]):
            yield f"rows of {rows.table} begin at byte {rows.place[0]:,}, and the manifest does not say so"
        elif block and (rows.place or found.start < block.end):
            self._counts[number] = self._counts.get(number, 0) + rows.count
            yield from _differences(found, rows, block)

    def missing(self) -> Iterator[str]:
        """Yield the blocks that have more or fewer rows than the manifest says."""
        for number, block in enumerate(self.step.blocks):
            count = self._counts.get(number)
            if count is None and block.start < block.end:
                yield f"no rows of {block.table} at byte {block.start:,}; the manifest says {block.rows:,}"
            elif (count or 0) != block.rows_in_file:
                yield f"{count or 0:,} rows of {block.table}; the manifest says {block.rows_in_file:,}"


def _differences(found: Found, rows: FoundRows, block: Block) -> Iterator[str]:
    if rows.table != block.table:
        yield f"rows of {rows.table}, where the manifest has rows of {block.table}"
    elif rows.columns != block.columns:
        said, says = ", ".join(rows.columns), ", ".join(block.columns)
        yield f"rows of {rows.table} ({said}); the manifest says ({says})"
    end = rows.place[1] if rows.place else found.end
    if end > block.end or (rows.place and end < block.end):
        yield f"rows of {rows.table} end at byte {end:,}; the manifest says {block.end:,}"


def contradictions(manifest: Manifest) -> Iterator[str]:
    """Yield where the manifest's own numbers do not add up."""
    for file in manifest.files:
        for step in file.steps:
            blocks = sum(block.rows for block in step.blocks if not block.is_temporary)
            if step.rows != blocks:
                yield f"step {step.name} of {file.file} has {step.rows:,} rows, its blocks have {blocks:,}"
        steps = sum(step.rows for step in file.steps)
        if file.rows != steps:
            yield f"{file.file} has {file.rows:,} rows, its steps have {steps:,}"
    files = sum(file.rows for file in manifest.files)
    tables = sum(table.rows for table in manifest.tables)
    if not manifest.rows == files == tables:
        yield f"the bundle has {manifest.rows:,} rows, its files have {files:,}, its tables {tables:,}"
