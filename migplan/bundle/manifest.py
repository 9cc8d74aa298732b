"""The manifest: what is in a bundle, where every entry of the database went, and what stayed behind."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from migplan.bundle.paths import BundlePaths
from migplan.catalog.layout import as_text
from migplan.config import Layout, ProvidedSection, Strategy
from migplan.errors import FileError
from migplan.files import json_of, read_bytes
from migplan.names import QualifiedName, parse
from migplan.postgres.archive import Named
from migplan.text.wording import counted
from migplan.yamlfile import Section

FORMAT = 2
_FORMER = 1

_IN_NO_SCHEMA = frozenset(
    {
        *("ACCESS METHOD", "CAST", "EVENT TRIGGER", "EXTENSION", "FOREIGN DATA WRAPPER"),
        *("PROCEDURAL LANGUAGE", "PUBLICATION", "SCHEMA", "SERVER", "SUBSCRIPTION", "TRANSFORM"),
        "USER MAPPING",
    }
)


TEMPORARY = "pg_temp."
"""How the names of tables begin that are gone when their step is done."""


class Origin(Section):
    """Where a bundle comes from, when and by which programs; all else is equal in two exports of the same.

    Never a password.
    """

    source: str
    server: str
    snapshot_at: str
    pg_dump: str = ""
    migplan: str = ""
    encoding: str = ""
    collation: str = Field("", description="the database's own, as the operating system calls it")
    place: str = Field("", description="host, port and name of the database, as libpq had them")
    identity: str = Field(
        "",
        description="a digest that only this database of this server has; empty where the role may not ask, "
        "and in bundles that must come out the same on another day",
    )

    def is_of_same_database(self, other: Origin) -> bool:
        """Whether both are of one database, which is what it was; by its address where nothing else tells."""
        if (self.encoding, self.collation) != (other.encoding, other.collation):
            return False
        if self.identity or other.identity:
            return self.identity == other.identity
        return (self.source, self.place) == (other.source, other.place)


class Block(Section):
    """The rows of one COPY statement: the bytes from ``start`` up to, not including, ``end`` are its data.

    Where rows come live from the source there are none: ``query`` reads them there.
    """

    table: str = Field(description="the table that COPY names: a partition stands for itself")
    columns: tuple[str, ...]
    rows: int = Field(description="exact where they are written; else about, and 0 where nobody knows")
    start: int
    end: int
    query: str = Field("", description="that reads them on the source; empty: they are written")
    format: Literal["text", "binary"] = Field("text", description="in which they travel live")
    bytes: int | None = Field(None, description="about how large they are, where they come live")
    edited: bool = Field(False, description="people wrote the query: its rows are not simply the source's")

    @property
    def rows_in_file(self) -> int:
        """How many rows stand in the file: none, where they come live from the source."""
        return 0 if self.query else self.rows

    @property
    def is_temporary(self) -> bool:
        """Whether its rows are values of a second pass, for rows that another block has brought."""
        return self.table.startswith(TEMPORARY)


class Step(Section):
    """A part of a file that is done whole or not at all: the bytes from ``start`` up to ``end``."""

    name: str = Field(description="a table, or what the step does")
    tables: tuple[str, ...] = Field((), description="whose rows it brings or changes")
    needs: tuple[str, ...] = Field((), description="other tables whose rows must be there before")
    large_objects: tuple[int, ...] = Field((), description="numbers of those that it brings, or a part of")
    alone: bool = Field(False, description="everything before it must be done, and nothing runs beside it")
    sequences: tuple[str, ...] = Field(
        (), description="that it sets to what the source says of them when it runs"
    )
    rows: int = 0
    start: int
    end: int
    blocks: tuple[Block, ...] = ()


class BundleFile(Section):
    """A file that runs."""

    file: str
    phase: Literal["roles", "schema", "data", "constraints"]
    group: str = Field(description="empty: of none")
    sha256: str
    bytes: int
    rows: int = 0
    steps: tuple[Step, ...] = ()

    @property
    def large_objects(self) -> tuple[int, ...]:
        """The numbers of the large objects that it brings."""
        return tuple(dict.fromkeys(number for step in self.steps for number in step.large_objects))


class SelfReference(Section):
    """How the rows of a table hang together by a key to the table itself."""

    table: str = Field(description="that declares the key: the table, or a partition of it")
    key: str
    levels: tuple[int, ...] = Field(description="rows that refer to none, to one of these, and so on")
    unreached: int = Field(0, description="rows of loops, and below one")


class LoadedTable(Section):
    """A table whose rows are in the bundle."""

    table: str
    group: str
    depth: int
    rows: int = Field(description="as they are in the file: exact")
    strategy: Strategy
    reason: str = ""
    self_keys: tuple[tuple[str, ...], ...] = Field((), description="columns of each key to the table itself")
    digest: str = Field("", description="of the content, whatever the order of rows; empty: it was not read")
    roots: int | None = Field(None, description="rows that refer to none of the table; none: not counted")
    self_references: tuple[SelfReference, ...] = ()

    @property
    def name(self) -> QualifiedName:
        """Its schema and its name, as two values."""
        return parse(self.table)

    @property
    def brings_rows(self) -> bool:
        """Whether the files have its rows; else only the table is created."""
        return self.strategy is not Strategy.SCHEMA_ONLY


class NamedObject(Section):
    """An object by pg_dump's words: its kind, its schema, and its tag."""

    kind: str
    in_schema: str = Field("", description="empty: it is in none")
    name: str = Field(description="of what belongs to a table, the table's own name comes first")

    @property
    def named(self) -> Named:
        """The same as a value, as pg_dump's entries have it, too."""
        return self.kind, self.in_schema, self.name

    def __str__(self) -> str:
        """As people are told of it."""
        return f"{self.kind} {self.in_schema}.{self.name}" if self.in_schema else f"{self.kind} {self.name}"


class MovedObject(NamedObject):
    """Where an object's definition went."""

    file: str


class LeftObject(NamedObject):
    """What is not in the bundle, and why."""

    why: str


class ReferredKey(Section):
    """Rows of a table that the target provides, to which rows of the bundle refer."""

    table: str
    columns: tuple[str, ...]
    values: int = Field(description="how many different ones the rows refer to")
    keys: tuple[str, ...] = Field(description="the foreign keys, as messages name them")
    together: tuple[str, ...] = Field((), description="tables whose rows belong to these rows")

    @property
    def name(self) -> QualifiedName:
        """The table's schema and name, as two values."""
        return parse(self.table)


class ProvidedObject(NamedObject):
    """What the target must bring by itself, as the source has it."""

    needed_by: tuple[str, ...] = Field(description="objects of the bundle, the first of them")
    only_named: bool = Field(False, description="whether bodies of functions alone speak of it")
    columns: dict[str, str] = Field({}, description="those that are used, with their types")
    unique: tuple[tuple[str, ...], ...] = Field((), description="columns to which foreign keys refer")
    result: str = Field("", description="of a function; of a domain, the type that it stands on")
    labels: tuple[str, ...] = Field((), description="of an enum")
    version: str = Field("", description="of an extension")


class SequenceValue(Section):
    """What a sequence is set to."""

    sequence: str
    value: int | None = Field(None, description="none: the source is asked when the step runs")
    called: bool
    file: str


class NeededExtension(Section):
    """An extension that the bundle's objects use, as the source has it."""

    name: str
    version: str
    in_schema: str


class CarriedKey(Section):
    """A key that rows of the source break: NOT VALID in the bundle, by choice or as in the source."""

    key: str = Field(description="as messages name it")
    rows: int = Field(description="that refer to nothing")
    samples: tuple[tuple[str, ...], ...] = ()
    in_source: bool = Field(False, description="whether it is NOT VALID in the source, too")


class NeededRole(Section):
    """A role that the files name, under its name in the target; never a password."""

    name: str
    why: tuple[str, ...] = Field((), description="what the files name it for")
    login: bool = False
    inherit: bool = True
    connection_limit: int = -1
    valid_until: str = ""
    comment: str = ""
    privileged: tuple[str, ...] = Field(
        (), description="attributes that it has in the source and that only some may give: CREATEDB ..."
    )
    renamed_from: str = Field("", description="the source's role, where it has another name there")
    left_out: tuple[str, ...] = Field(
        (), description="what a role of another name has in the source, and this one does not get"
    )


class NeededMembership(Section):
    """A role that is a member of another in the source."""

    of: str
    member: str
    admin: bool = False
    inherit: bool | None = Field(None, description="none: as the member's own attribute says")
    set: bool = True


class SupportFile(Section):
    """A file beside those that run: a rollback, queries that validate, the page about the order."""

    file: str
    sha256: str


class FormerSeal(Section):
    """What a bundle was before somebody edited it and accepted that."""

    digest: str = Field(description="SHA-256 of the manifest of then")
    accepted_at: str
    accepted_by: str = Field("", description="the user of the operating system")
    files: tuple[str, ...] = Field((), description="that were edited")


class Manifest(Section):
    """The whole of it."""

    migplan_bundle: int = FORMAT
    name: str
    database: str
    postgresql: int = Field(description="major version of the source")
    needs_postgresql: int = Field(description="the oldest major version that understands every file")
    origin: Origin
    catalog: str = Field(description="fingerprint of the structure")
    plan: str = Field(description="digest of the plan")
    constraints: Layout
    contents: Literal["all", "schema", "data"] = "all"
    data_format: Literal["copy", "insert"] = "copy"
    rows_are: Literal["written", "live"] = Field(
        "written", description="live: they come from the source when it runs, and their numbers are estimates"
    )
    keeps_owners: bool = Field(True, description="false: whoever runs the files owns everything")
    roles: dict[str, str] = Field({}, description="what roles of the source are called in the target")
    rows: int = 0
    files: tuple[BundleFile, ...] = ()
    tables: tuple[LoadedTable, ...] = ()
    sequences: tuple[SequenceValue, ...] = ()
    needed_roles: tuple[NeededRole, ...] = Field((), description="the roles that the files name")
    memberships: tuple[NeededMembership, ...] = Field((), description="among these, and in predefined roles")
    foreign_keys: tuple[str, ...] = Field(
        (), description="the keys that must hold afterwards, as messages name them"
    )
    carried: tuple[CarriedKey, ...] = Field((), description="the keys that are known to have orphans")
    extensions: tuple[NeededExtension, ...] = ()
    provides: ProvidedSection = Field(
        ProvidedSection.model_construct(), description="what the target brings, by patterns"
    )
    provided: tuple[ProvidedObject, ...] = Field((), description="what of that the bundle needs")
    referred: tuple[ReferredKey, ...] = Field((), description="rows of it that the bundle's rows refer to")
    companions: tuple[SupportFile, ...] = ()
    refreshed: tuple[tuple[str, str], ...] = Field(
        (), description="schema and name of the materialised views that are filled, in that order"
    )
    objects: tuple[MovedObject, ...] = ()
    left_out: tuple[LeftObject, ...] = ()
    taken_along: tuple[NamedObject, ...] = Field(
        (), description="the objects that were not selected, and are here because others need them"
    )
    notes: tuple[str, ...] = ()
    history: tuple[FormerSeal, ...] = Field((), description="what it was before edits by hand, oldest first")

    @property
    def is_live(self) -> bool:
        """Whether its rows come from the source when it runs, and no file holds them."""
        return self.rows_are == "live"

    def about(self, rows: int) -> str:
        """Return a number of its rows as people are told of it; no file says one of rows that come live."""
        return ("about " if self.is_live else "") + counted(rows, "row")

    @property
    def without_estimates(self) -> Manifest:
        """The same without the numbers that move while nobody alters anything, of rows that come live."""
        if not self.is_live:
            return self
        unknown = {"rows": 0}
        files = (
            file.model_copy(update={**unknown, "steps": tuple(map(_without_estimates, file.steps))})
            for file in self.files
        )
        tables = (table.model_copy(update=unknown) for table in self.tables)
        return self.model_copy(update={**unknown, "files": tuple(files), "tables": tuple(tables)})

    @property
    def blocks(self) -> Iterator[tuple[BundleFile, Step, Block]]:
        """Every block of rows, with the step and the file that it stands in."""
        for file in self.files:
            for step in file.steps:
                for block in step.blocks:
                    yield file, step, block

    @property
    def edited_tables(self) -> frozenset[str]:
        """The tables whose rows come by a query that people wrote."""
        edited = [(step, block) for _, step, block in self.blocks if block.edited]
        return frozenset(name for step, block in edited for name in (*step.tables, block.table))

    @property
    def made_roles(self) -> tuple[NeededRole, ...]:
        """The roles that a file of the bundle makes where they are missing."""
        return self.needed_roles if any(file.phase == "roles" for file in self.files) else ()

    @property
    def large_objects(self) -> tuple[int, ...]:
        """The numbers of all large objects that the bundle brings."""
        return tuple(number for file in self.files for number in file.large_objects)

    def file(self, name: str) -> BundleFile:
        """Return the file of that name; StopIteration where there is none."""
        return next(each for each in self.files if each.file == name)

    def filled_by(self, name: str) -> list[LoadedTable]:
        """Return the tables to which a data file brings rows, in the order of loading."""
        group = self.file(name).group
        return [table for table in self.tables if table.group == group and table.brings_rows]


def _without_estimates(step: Step) -> Step:
    blocks = tuple(block.model_copy(update={"rows": 0, "bytes": None}) for block in step.blocks)
    return step.model_copy(update={"rows": 0, "blocks": blocks})


def save(manifest: Manifest, paths: BundlePaths) -> None:
    """Write the manifest; each item of its lists stands on a line of its own."""
    paths.manifest.write_text(as_written(manifest), encoding="utf-8")


def as_written(manifest: Manifest) -> str:
    """Return the text of a manifest's file."""
    content = manifest.model_dump(mode="json", exclude_defaults=True)
    return as_text({"migplan_bundle": FORMAT, **content})


def load(folder: Path) -> Manifest:
    """The manifest of a bundle."""
    return load_with_digest(folder)[0]


def load_with_digest(folder: Path) -> tuple[Manifest, str]:
    """The manifest of a bundle, and the SHA-256 of the very bytes that it was read from."""
    file = BundlePaths(folder).manifest
    try:
        data = read_bytes(file)
        content = json_of(data, file)
    except FileError as error:
        if file.is_file():
            what = f"{file} is not a manifest: {error.what}"
            raise FileError(what, do="export the bundle again", file=file) from None
        raise FileError(
            f"{folder} is not a bundle: cannot read {file.name}: {error.what}",
            do="write one with: migplan export --out DIR; a folder of migrations is looked at "
            "with: migplan analyze FOLDER",
            file=file,
        ) from None
    return of_content(content, file), hashlib.sha256(data).hexdigest()


def of_content(content: Any, file: Path) -> Manifest:
    """The manifest that a file's JSON holds; those of the former format are read, too."""
    found = content.get("migplan_bundle") if isinstance(content, dict) else None
    if found not in {FORMAT, _FORMER}:
        raise FileError(
            f"{file} has format {found}, and this migplan reads format {FORMAT}",
            do="export the bundle again, or use the migplan that wrote it",
            file=file,
        )
    try:
        manifest = Manifest.model_validate({**content, "migplan_bundle": FORMAT})
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise FileError(f"{file} is not a manifest: {place}: {first['msg']}", file=file) from None
    return manifest if found == FORMAT else _with_schemas(manifest)


def _with_schemas(manifest: Manifest) -> Manifest:
    """Format 1 had schema and name as one text: the schema is the longest one that is known and fits."""
    schemas = {each.name for each in manifest.objects if each.kind == "SCHEMA"} | {"public"}
    schemas |= {parse(table.table).schema for table in manifest.tables}
    beginnings = sorted((f"{schema}." for schema in schemas), key=len, reverse=True)

    def divided(each: Any) -> Any:
        if each.kind not in _IN_NO_SCHEMA:
            for beginning in beginnings:
                if each.name.startswith(beginning):
                    said = {"in_schema": beginning[:-1], "name": each.name.removeprefix(beginning)}
                    return each.model_copy(update=said)
        return each

    objects = tuple(map(divided, manifest.objects))
    return manifest.model_copy(
        update={"objects": objects, "left_out": tuple(map(divided, manifest.left_out))}
    )


def digest(file: Path) -> str:
    """The SHA-256 of a file's bytes."""
    if not file.is_file():  # nobody may keep us waiting at a pipe
        raise FileNotFoundError(errno.ENOENT, "there is no regular file", str(file))
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unreadable(file: Path, why: str | None) -> FileError:
    """Return the error for a file of a bundle that is gone, or that nobody can read."""
    return FileError(f"{file} cannot be read: {why}", do="export the bundle again", file=file)


def changed(file: Path) -> FileError:
    """Return the error for a file that is not what its manifest says."""
    return FileError(f"{file} was changed after the export", do="undo the change, or export again", file=file)
