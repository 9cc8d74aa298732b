"""What somebody has edited in a bundle, and a manifest that says it: for `migplan check --accept`.

Files that were edited are read once, in pieces. What no manifest can say (a transaction that ends half-way,
rows without an end, a table that is listed and not created) is refused, with file and line.
"""

from __future__ import annotations

import difflib
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from postgast import pg_query_pb2 as pg

from migplan.bundle import manifest as manifests
from migplan.bundle.check.live_edits import stray_edits, with_queries
from migplan.bundle.check.originals import sql_of
from migplan.bundle.check.problem import Kind, Problem
from migplan.bundle.manifest import Block, BundleFile, LoadedTable, Manifest, MovedObject, Step, SupportFile
from migplan.bundle.paths import BundlePaths
from migplan.errors import BundleError, FileError
from migplan.files import json_of, read_bytes, read_text
from migplan.names import QualifiedName, parse
from migplan.postgres.archive import TABLES, Named
from migplan.sql.effects import Object, effects
from migplan.sql.split import CopyRows, Piece, SqlFileError, Statement, pieces
from migplan.sql.split import parse as parsed
from migplan.sql.tree import relation_name

_SHOWN = 20
_KINDS = {
    pg.OBJECT_TABLE: "TABLE",
    pg.OBJECT_FOREIGN_TABLE: "FOREIGN TABLE",
    pg.OBJECT_VIEW: "VIEW",
    pg.OBJECT_MATVIEW: "MATERIALIZED VIEW",
    pg.OBJECT_SEQUENCE: "SEQUENCE",
    pg.OBJECT_INDEX: "INDEX",
    pg.OBJECT_TYPE: "TYPE",
    pg.OBJECT_DOMAIN: "DOMAIN",
    pg.OBJECT_SCHEMA: "SCHEMA",
}
_BEGIN = frozenset({pg.TRANS_STMT_BEGIN, pg.TRANS_STMT_START})


@dataclass(frozen=True, slots=True)
class Change:
    """A file that was edited, and how its text differs from what was exported, as far as that is known."""

    file: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Edits:
    """What was edited, and the manifest that says it; of what comes out of it, it still says what it did."""

    manifest: Manifest
    digest: str  # of the manifest as it is
    changes: tuple[Change, ...] = ()

    @property
    def runs(self) -> bool:
        """Whether it changes what a run does, or a rollback."""
        names = {file.file for file in self.manifest.files}
        return any(change.file.removeprefix("rollback/") in names for change in self.changes)

    @property
    def definitions(self) -> bool:
        """Whether files with definitions were edited."""
        edited = {change.file for change in self.changes}
        return any(file.file in edited and file.phase != "data" for file in self.manifest.files)


def edits_of(folder: Path) -> Edits:
    """Return the edits in a bundle; raise BundleError with all that a manifest cannot say."""
    manifest, digest = manifests.load_with_digest(folder)
    return _Editing(BundlePaths(folder), manifest, digest).result()


class _Editing:
    def __init__(self, paths: BundlePaths, manifest: Manifest, digest: str) -> None:
        self._paths = paths
        self._manifest = manifest
        self._digest = digest
        self._problems: list[Problem] = []
        self._changes: list[Change] = []
        self._objects = list(manifest.objects)
        self._originals = self._read_originals()

    def result(self) -> Edits:
        files = tuple(map(self._file, self._manifest.files))
        companions = tuple(map(self._companion, self._manifest.companions))
        if self._problems:
            lines = [
                f"{each.file}:{each.line}: {each.what}" if each.line else f"{each.file}: {each.what}"
                for each in self._problems
            ]
            more = [f"and {len(lines) - _SHOWN} more"] if len(lines) > _SHOWN else []
            raise BundleError(
                f"{self._paths.folder} cannot be accepted as it is, and nothing was changed:\n  "
                + "\n  ".join([*lines[:_SHOWN], *more]),
                do="fix these, and run the same command again",
                file=self._paths.manifest,
            )
        tables = tuple(self._loaded(files))
        manifest = self._manifest.model_copy(
            update={
                "files": files,
                "companions": companions,
                "tables": tables,
                "rows": sum(file.rows for file in files),
                "objects": tuple(self._objects),
            }
        )
        return Edits(manifest, self._digest, tuple(self._changes))

    def _file(self, file: BundleFile) -> BundleFile:
        path = self._paths.step(file.file)
        try:
            if manifests.digest(path) == file.sha256:
                return file
            found = self._read(path, file)
        except OSError as error:
            self._note(file.file, None, f"cannot be read: {error.strerror}")
            return file
        except SqlFileError as error:
            self._note(file.file, error.line, error.what)
            return file
        self._changes.append(Change(file.file, self._difference(file.file, sql_of(path, found))))
        return found

    def _read(self, path: Path, file: BundleFile) -> BundleFile:
        """Return what the manifest is to say of an edited file."""
        if file.large_objects:
            self._note(file.file, None, "large objects cannot be edited by hand: export again")
            return file
        update: dict[str, object] = {"sha256": manifests.digest(path), "bytes": path.stat().st_size}
        with path.open("rb") as stream:
            if file.phase == "data":
                reading = _Rows(file, self._manifest.data_format == "insert")
                for piece in pieces(stream, path):
                    reading.see(piece, path)
                steps = reading.steps()
                self._problems += reading.problems
                if self._manifest.is_live and not reading.problems:
                    steps = self._queries(file, steps, path)
                update |= {"steps": steps, "rows": sum(step.rows for step in steps)}
            else:
                self._definitions(pieces(stream, path), path, file)
        return file.model_copy(update=update)

    def _queries(self, file: BundleFile, found: Sequence[Step], path: Path) -> tuple[Step, ...]:
        """Return the steps with the queries that bring their rows now."""
        then, now = self._originals.get(file.file), read_text(path).splitlines()
        if then is None:
            self._note(file.file, None, "how it was exported is not known: export again")
            return file.steps
        stray = list(stray_edits(then, now))
        steps: list[Step] = []
        for each in stray or with_queries(file, found, now, path):
            if isinstance(each, Step):
                steps.append(each)
            else:
                self._note(file.file, *each)
        return tuple(steps) or file.steps

    def _definitions(self, found: Iterator[Piece], path: Path, file: BundleFile) -> None:
        """Take note of what a file creates now."""
        created: set[Named] = set()
        for piece in found:
            if isinstance(piece, CopyRows):
                self._note(file.file, piece.statement.line, "rows stand in data files only")
                continue
            node = parsed(piece, path).stmts[0].stmt
            if node.HasField("transaction_stmt"):
                self._note(file.file, piece.line, "a statement that begins or ends a transaction")
            does = effects(node)
            created |= {named for each in does.creates if (named := _named(each))}
            for each in does.drops:
                if (named := _named(each)) and named in self._listed(file.file):
                    self._note(file.file, piece.line, f"drops {each.name}, which the bundle brings")
        listed = self._listed(file.file)
        for kind, schema, name in sorted(listed - created):
            if kind in TABLES:
                what = f"does not create {QualifiedName(schema, name)} any more, which the manifest lists"
                self._note(file.file, self._line_of(file.file, QualifiedName(schema, name)), what)
        everywhere = {each.named for each in self._objects}
        for kind, schema, name in sorted(created - everywhere):
            self._objects.append(MovedObject(kind=kind, in_schema=schema, name=name, file=file.file))
        gone = {key for key in listed - created if key[0] in _KINDS.values()}
        self._objects = [each for each in self._objects if each.file != file.file or each.named not in gone]

    def _listed(self, file: str) -> set[Named]:
        return {each.named for each in self._objects if each.file == file}

    def _line_of(self, file: str, name: QualifiedName) -> int | None:
        """Return the line in which a table was created when it was exported."""
        for number, line in enumerate(self._originals.get(file, ()), 1):
            if line.startswith("CREATE ") and f" {name} " in f"{line} ":
                return number
        return None

    def _companion(self, companion: SupportFile) -> SupportFile:
        path = self._paths.folder / companion.file
        try:
            digest = manifests.digest(path)
            if digest == companion.sha256:
                return companion
            if path == self._paths.originals:
                self._note(companion.file, None, "was changed: put it back as it was exported")
                return companion
            if path.suffix == ".sql":
                self._statements(path, companion.file)
            lines = self._difference(companion.file, read_text(path).splitlines())
        except OSError as error:
            self._note(companion.file, None, f"cannot be read: {error.strerror}")
            return companion
        except SqlFileError as error:
            self._note(companion.file, error.line, error.what)
            return companion
        self._changes.append(Change(companion.file, lines))
        return companion.model_copy(update={"sha256": digest})

    def _statements(self, path: Path, name: str) -> None:
        """Have every statement of a file beside parsed."""
        rolls_back = name.startswith("rollback/")
        with path.open("rb") as stream:
            for piece in pieces(stream, path):
                if isinstance(piece, Statement):
                    node = parsed(piece, path).stmts[0].stmt
                    if rolls_back and node.HasField("transaction_stmt"):
                        self._note(name, piece.line, "a statement that begins or ends a transaction")

    def _read_originals(self) -> dict[str, list[str]]:
        """Return the text that was exported, by file; nothing where it is not there, or was changed."""
        path = self._paths.originals
        listed = {each.file: each.sha256 for each in self._manifest.companions}
        try:
            data = read_bytes(path)
            if hashlib.sha256(data).hexdigest() != listed.get(path.name):
                return {}
            found = json_of(data, path)
        except FileError:
            return {}
        return found if isinstance(found, dict) else {}

    def _difference(self, name: str, now: Sequence[str]) -> tuple[str, ...]:
        then = self._originals.get(name)
        if then is None:
            return ("was edited; how it was exported is not known",)
        lines = difflib.unified_diff(then, now, f"{name} as exported", f"{name} now", n=2, lineterm="")
        return tuple(lines) or ("rows were edited; there are as many as before",)

    def _loaded(self, files: Iterable[BundleFile]) -> Iterator[LoadedTable]:
        """Yield the tables with the rows that they have now: those of partitions count for their table."""
        then, now = _counted(self._manifest.files), _counted(files)
        homes = {
            block.table: step.tables[0]
            for file in files
            for step in file.steps
            for block in step.blocks
            if len(step.tables) == 1
        }
        change: Counter[str] = Counter()
        for table in {*then, *now}:
            change[homes.get(table, table)] += now[table] - then[table]
        for loaded in self._manifest.tables:
            yield loaded.model_copy(update={"rows": loaded.rows + change[loaded.table]})

    def _note(self, file: str, line: int | None, what: str) -> None:
        self._problems.append(Problem(Kind.PLACE, file, line, what))


def _counted(files: Iterable[BundleFile]) -> Counter[str]:
    found: Counter[str] = Counter()
    for file in files:
        for step in file.steps:
            for block in step.blocks:
                if not block.is_temporary:
                    found[block.table] += block.rows
    return found


def _named(each: Object) -> Named | None:
    """Return kind, schema and name as the manifest has them; None of what is known by other marks there."""
    kind = _KINDS.get(each.type)
    return (
        (kind, "" if kind == "SCHEMA" else each.schema, each.parts[-1])
        if kind and not each.temporary
        else None
    )


@dataclass
class _Transaction:
    """A transaction of a data file, as it is found."""

    line: int
    blocks: list[Block] = field(default_factory=list)
    end: int = 0


class _Rows:
    """The steps of a data file that was edited: its transactions, each for a step of before, in order."""

    def __init__(self, file: BundleFile, inserts: bool) -> None:
        self.problems: list[Problem] = []
        self._file = file
        self._inserts = inserts
        self._done: list[_Transaction] = []
        self._open: _Transaction | None = None
        self._start = 0  # where the settings end
        self._swallowing: CopyRows | None = None  # rows in which a transaction seems to end

    def see(self, piece: Piece, path: Path) -> None:
        """Take the next piece of the file."""
        if isinstance(piece, CopyRows):
            for chunk in piece:
                if b"\nCOMMIT;\n" in chunk:
                    self._swallowing = self._swallowing or piece
            block = Block(
                table=piece.table, columns=piece.columns, rows=piece.rows, start=piece.start, end=piece.end
            )
            self._add(block, piece.statement.line)
            return
        node = parsed(piece, path).stmts[0].stmt
        if node.HasField("transaction_stmt"):
            self._transaction(node.transaction_stmt.kind, piece)
        elif self._open is None:
            settings = "variable_set_stmt", "select_stmt", "do_stmt"  # the last is what stops psql
            if self._done or not any(map(node.HasField, settings)):
                self._note(piece.line, "stands outside of the transactions that are the steps of this file")
            self._start = piece.end + 1
        elif self._inserts and node.HasField("insert_stmt") and _values(node.insert_stmt):
            self._insert(node.insert_stmt, piece)

    def steps(self) -> tuple[Step, ...]:
        """Return the steps of before, with the places and rows of now."""
        if self._open is not None:
            self._note(self._open.line, "a transaction that has no COMMIT")
        if len(self._done) != len(self._file.steps) and self._swallowing is not None:
            copy = self._swallowing
            self._note(
                copy.statement.line, f"the rows of {copy.table} have no end: no line \\. before COMMIT"
            )
        elif len(self._done) != len(self._file.steps):
            behind = self._done[len(self._file.steps) :] or self._done[-1:]
            self._note(
                behind[0].line if behind else 1,
                f"{len(self._done)} transactions, and the manifest has {len(self._file.steps)} steps: each "
                "must stay one transaction, and none may be added",
            )
        if self.problems:
            return self._file.steps
        found, at = [], self._start
        for step, transaction in zip(self._file.steps, self._done, strict=True):
            rows = sum(block.rows for block in transaction.blocks if not block.is_temporary)
            blocks = tuple(transaction.blocks)
            found.append(
                step.model_copy(update={"start": at, "end": transaction.end, "blocks": blocks, "rows": rows})
            )
            at = transaction.end
        return tuple(found)

    def _transaction(self, kind: int, piece: Statement) -> None:
        if kind in _BEGIN and self._open is None:
            self._open = _Transaction(piece.line)
        elif kind == pg.TRANS_STMT_COMMIT and self._open is not None:
            self._open.end = piece.end + 1
            self._done.append(self._open)
            self._open = None
        else:
            self._note(piece.line, "a statement that begins or ends a transaction half-way")

    def _add(self, block: Block, line: int) -> None:
        if self._open is None:
            self._note(line, f"rows of {block.table} stand outside of any transaction")
            return
        number = len(self._done)
        step = self._file.steps[number] if number < len(self._file.steps) else None
        if step is not None and block.table not in {*step.tables, *(each.table for each in step.blocks)}:
            self._note(line, f"rows of {block.table} stand in the step of {step.name}")
        self._open.blocks.append(block)

    def _insert(self, insert: pg.InsertStmt, piece: Statement) -> None:
        table = relation_name(insert.relation)
        columns = tuple(column.res_target.name for column in insert.cols)
        rows = len(insert.select_stmt.select_stmt.values_lists) or 1  # DEFAULT VALUES
        last = self._open.blocks[-1] if self._open and self._open.blocks else None
        if self._open and last and (last.table, last.columns) == (table, columns):
            more = {"rows": last.rows + rows, "end": piece.end + 1}
            self._open.blocks[-1] = last.model_copy(update=more)
            return
        end = piece.end + 1
        self._add(Block(table=table, columns=columns, rows=rows, start=piece.start, end=end), piece.line)

    def _note(self, line: int, what: str) -> None:
        self.problems.append(Problem(Kind.PLACE, self._file.file, line, what))


def _values(insert: pg.InsertStmt) -> bool:
    """Whether it says its rows itself, and no query does."""
    return not insert.HasField("select_stmt") or bool(len(insert.select_stmt.select_stmt.values_lists))


def names_of(manifest: Manifest) -> list[QualifiedName]:
    """Return the tables to which the bundle brings rows."""
    return [parse(table.table) for table in manifest.tables if table.brings_rows]
