"""Rows of a bundle's own files that refer to nothing, found before anything moves, without a database.

Key columns are compared as COPY wrote them. Of the values that are referred to only hashes are held, of one
key at a time; where there are millions they go into files aside, in parts of which one fits into memory.
What cannot be told from the files is said, and is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from struct import Struct
from tempfile import TemporaryFile
from typing import BinaryIO

from postgast import pg_query_pb2 as pg

from migplan.bundle.check.comparable import Form, Types, as_it_is, lenient
from migplan.bundle.check.order import lineage
from migplan.bundle.manifest import Block, LoadedTable, Manifest
from migplan.bundle.paths import BundlePaths
from migplan.bundle.schema.definitions import statements
from migplan.catalog.orphans import SAMPLES
from migplan.progress import Progress, no_progress
from migplan.sql.effects import effects
from migplan.sql.tree import relation_name

HELD = 1_000_000
"""So many hashes are in memory at a time: about 70 MB."""

_CHUNK = 1 << 20
_ONE, _THREE = Struct("q"), Struct("qqq")
_NULL = rb"\N"
_NAME = r'(?:"(?:[^"]|"")+"|[^".\s]+)'
_SAID = re.compile(
    rf"(?P<name>.*): (?P<table>{_NAME}\.{_NAME}) \((?P<columns>.*)\) -> "
    rf"(?P<referenced>{_NAME}\.{_NAME}) \((?P<others>.*)\)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class FileKey:
    """A foreign key, as the files or the manifest have it."""

    name: str
    table: str
    columns: tuple[str, ...]
    referenced: str
    referenced_columns: tuple[str, ...]
    full: bool = False  # MATCH FULL
    unproven: bool = False  # NOT VALID, or not enforced: no row can break it
    period: bool = False
    partitioned: bool = False  # its table is: before PostgreSQL 18 such a key cannot be NOT VALID

    def __str__(self) -> str:
        """As messages, and the manifest, name a key."""
        own, others = ", ".join(self.columns), ", ".join(self.referenced_columns)
        return f"{self.name}: {self.table} ({own}) -> {self.referenced} ({others})"


@dataclass(frozen=True, slots=True)
class FileOrphans:
    """The rows of one key that refer to nothing in the bundle; or why they could not be looked for."""

    key: FileKey
    rows: int = 0
    samples: tuple[tuple[str, ...], ...] = ()
    unread: str = ""


def orphans_in(
    folder: Path, manifest: Manifest, on_progress: Progress = no_progress, *, only: tuple[str, str] = ("", "")
) -> tuple[FileOrphans, ...]:
    """Return the keys that rows of the files break, and those that could not be checked, with the reason.

    ``only`` is the table and the name of the one key to look at.
    """
    files = _Files(folder, manifest)
    found = []
    keys = [key for key in files.keys if only in {("", ""), (key.table, key.name)}]
    for number, key in enumerate(keys):
        on_progress("looking for orphans", number, len(keys))
        why = files.cannot(key)
        orphans = FileOrphans(key, unread=why) if why else files.orphans(key)
        if orphans.rows or orphans.unread:
            found.append(orphans)
    on_progress("looking for orphans", len(keys), len(keys))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    block: Block


@dataclass
class _Files:
    """The keys, column types and rows of a bundle's files."""

    folder: Path
    manifest: Manifest
    homes: dict[str, str] = field(default_factory=dict)  # of a partition: the table that it is a part of
    types: Types = field(default_factory=Types)
    rewritten: dict[str, set[str]] = field(default_factory=dict)  # columns that a second pass sets
    places: dict[str, list[_Place]] = field(default_factory=dict)  # of each table: where its rows are
    _keys: dict[tuple[str, str], FileKey] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.manifest.contents == "data":
            for said in filter(None, map(_said, self.manifest.foreign_keys)):
                self._keys[said.table, said.name] = said
        for _, node in statements(self.folder, self.manifest):
            self.types.see(node)
            self._see(node)
        self._find_rows()

    @property
    def keys(self) -> list[FileKey]:
        """The keys that rows could break."""
        partitioned = set(self.homes.values())
        return [
            replace(key, partitioned=key.table in partitioned)
            for key in self._keys.values()
            if not key.unproven
        ]

    def cannot(self, key: FileKey) -> str:
        """Return why a key cannot be checked; empty if it can."""
        if self.manifest.contents == "schema" or not self._places_of(key.table):
            return ""
        forms = self._forms(key)
        return next((why for why, so in self._objections(key) if so), forms if isinstance(forms, str) else "")

    def _objections(self, key: FileKey) -> Iterator[tuple[str, object]]:
        other = self._loaded.get(self._top(key.referenced))
        there = other is not None and other.brings_rows
        sides = ((key.table, key.columns), (key.referenced, key.referenced_columns))
        yield "the rows come live from the source", self.manifest.is_live
        yield "the rows are INSERT statements", self.manifest.data_format == "insert"
        yield "a PERIOD key cannot be looked at row by row", key.period
        yield "nobody says which columns it refers to", len(key.columns) != len(key.referenced_columns)
        yield f"the rows of {key.referenced} are not in the bundle", not there
        yield (
            "its rows come in by a table above it, and only the server knows their partition",
            any(part in self.places for name, _ in sides for part in lineage(name, self.homes)[1:]),
        )
        yield (
            "its values come in a second pass",
            self.rewritten.get(self._top(key.table), set()) & set(key.columns),
        )
        yield (
            "its columns are not all in the rows",
            any(
                not set(columns) <= set(place.block.columns)
                for name, columns in sides
                for place in self._places_of(name)
            ),
        )

    def orphans(self, key: FileKey) -> FileOrphans:
        """Count the rows that refer to nothing, and take a few of their values."""
        rows = 0
        samples: list[tuple[str, ...]] = []
        for values in self._broken(key):
            rows += 1
            said = tuple("NULL" if value == _NULL else value.decode() for value in values)
            if len(samples) < SAMPLES and said not in samples:
                samples.append(said)
        return FileOrphans(key, rows, tuple(samples))

    def _broken(self, key: FileKey) -> Iterator[Sequence[bytes]]:
        forms = self._forms(key)
        own, others = self._places_of(key.table), self._places_of(key.referenced)
        if not own or isinstance(forms, str):
            return
        own_forms, other_forms = forms
        own_hash, other_hash = _hashing(own_forms), _hashing(other_forms)
        referenced = (
            other_hash(values)
            for place in others
            for _, values in _rows(place, key.referenced_columns)
            if _NULL not in values
        )
        parts = sum(place.block.rows for place in others) // HELD + 1
        with Hashes(parts) as hashes:
            hashes.hold(referenced)
            for number, place in enumerate(own):
                for at, values in _rows(place, key.columns):
                    nulls = values.count(_NULL)
                    if key.full and 0 < nulls < len(values):
                        yield values  # MATCH FULL knows no half a key
                    elif not nulls and not hashes.may_have(own_hash(values), number, at):
                        yield values
            for number, at in hashes.missing():
                yield _row_at(own[number], at, key.columns)

    def _forms(self, key: FileKey) -> tuple[list[Form], list[Form]] | str:
        """Return how the values of each side are compared; or why they cannot be."""
        own_forms, other_forms = [], []
        for column, other in zip(key.columns, key.referenced_columns, strict=False):
            here, there = self.types.of(key.table, column), self.types.of(key.referenced, other)
            if here is None or there is None:
                if self.manifest.contents != "data":
                    return "the files do not say of which type its columns are"
                forms: tuple[Form, Form] | str = (lenient, lenient)
            else:
                forms = self.types.forms(here, there)
            if isinstance(forms, str):
                return forms
            own_forms.append(forms[0])
            other_forms.append(forms[1])
        return own_forms, other_forms

    def _see(self, node: pg.Node) -> None:
        """Take the keys and partitions that a statement defines, and the columns that an UPDATE sets."""
        if node.HasField("update_stmt"):
            update = node.update_stmt
            columns = {target.res_target.name for target in update.target_list}
            self.rewritten.setdefault(relation_name(update.relation), set()).update(columns)
            return
        found = effects(node)
        for each in found.children:
            if each.is_partition and each.child.type == pg.OBJECT_TABLE:  # and no index
                self.homes[each.child.name] = each.parent.name
        for key in found.keys if node.HasField("alter_table_stmt") else ():
            self._keys[key.table.name, key.name] = FileKey(
                key.name,
                key.table.name,
                key.columns,
                key.referenced.name,
                key.referenced_columns,
                full=key.full,
                unproven=not (key.valid and key.enforced),
                period=key.period,
            )

    def _find_rows(self) -> None:
        paths = BundlePaths(self.folder)
        loaded = {table.table for table in self.manifest.tables}
        for file, step, block in self.manifest.blocks:
            if not block.is_temporary:
                self.places.setdefault(block.table, []).append(_Place(paths.step(file.file), block))
                if block.table not in loaded and len(step.tables) == 1:
                    self.homes.setdefault(block.table, step.tables[0])

    def _places_of(self, table: str) -> list[_Place]:
        """Return the blocks of a table and of its partitions."""
        return self._families.get(table, [])

    @cached_property
    def _families(self) -> dict[str, list[_Place]]:
        found: dict[str, list[_Place]] = {}
        for name, places in self.places.items():
            for each in lineage(name, self.homes):
                found.setdefault(each, []).extend(places)
        return found

    @cached_property
    def _loaded(self) -> dict[str, LoadedTable]:
        return {table.table: table for table in self.manifest.tables}

    def _top(self, table: str) -> str:
        return lineage(table, self.homes)[-1]


class Hashes:
    """A set of hashes; if they are too many for memory, they and those looked for are kept in files."""

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._held: set[int] = set()
        self._stack = ExitStack()
        self._there: list[BinaryIO] = []
        self._wanted: list[BinaryIO] = []

    def __enter__(self) -> Hashes:
        if self._parts > 1:
            files: list[BinaryIO] = [
                self._stack.enter_context(TemporaryFile())  # noqa: SIM115
                for _ in range(2 * self._parts)
            ]
            self._there, self._wanted = files[: self._parts], files[self._parts :]
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def hold(self, hashes: Iterable[int]) -> None:
        """Add hashes."""
        if self._parts == 1:
            self._held.update(hashes)
            return
        for each in hashes:
            self._there[each % self._parts].write(_ONE.pack(each))

    def may_have(self, wanted: int, number: int, at: int) -> bool:
        """Return False if a hash is surely not there; ``missing`` has what turns out not to be."""
        if self._parts == 1:
            return wanted in self._held
        self._wanted[wanted % self._parts].write(_THREE.pack(wanted, number, at))
        return True

    def missing(self) -> Iterator[tuple[int, int]]:
        """Yield the places of hashes that turned out not to be there."""
        for there, wanted in zip(self._there, self._wanted, strict=True):
            held = {each for (each,) in _unpacked(there, _ONE)}
            for each, number, at in _unpacked(wanted, _THREE):
                if each not in held:
                    yield number, at


def _unpacked(file: BinaryIO, form: Struct) -> Iterator[tuple[int, ...]]:
    file.seek(0)
    while data := file.read(form.size << 15):
        yield from form.iter_unpack(data)


def _hashing(forms: Sequence[Form]) -> Callable[[Sequence[bytes]], int]:
    """Return a function that hashes values to 64 bits, which collide too rarely to matter."""
    if all(form is as_it_is for form in forms):
        return lambda values: hash(tuple(values))
    return lambda values: hash(tuple(form(value) for form, value in zip(forms, values, strict=True)))


def _rows(place: _Place, columns: Sequence[str]) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the start of every row of a block, and its values in these columns."""
    block = place.block
    wanted = [block.columns.index(column) for column in columns]
    upto = max(wanted) + 1
    with place.path.open("rb") as stream:
        stream.seek(block.start)
        at, left, rest, passed = block.start, block.end - block.start, b"", 0
        while left > 0 and (data := stream.read(min(_CHUNK, left))):
            left -= len(data)
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                values = line.split(b"\t", upto)
                yield at, [values[number] for number in wanted]
                at += passed + len(line) + 1
                passed = 0
            if len(rest) >= _CHUNK:
                whole, rest = len(rest), _without(rest, wanted)
                passed += whole - len(rest)


def _without(begun: bytes, wanted: Collection[int]) -> bytes:
    """Return the beginning of a long row, with the columns emptied that are not wanted."""
    fields = begun.split(b"\t")
    return b"\t".join(value if number in wanted else b"" for number, value in enumerate(fields))


def _row_at(place: _Place, at: int, columns: Sequence[str]) -> list[bytes]:
    with place.path.open("rb") as stream:
        stream.seek(at)
        values = stream.readline().rstrip(b"\n").split(b"\t")
    return [values[place.block.columns.index(column)] for column in columns]


def _said(text: str) -> FileKey | None:
    """Return the key that a manifest's text names; None if it names none."""
    found = _SAID.fullmatch(text)
    if found is None:
        return None
    columns, others = (tuple(found[part].split(", ")) for part in ("columns", "others"))
    return FileKey(found["name"], found["table"], columns, found["referenced"], others)
