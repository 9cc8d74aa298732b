"""The table of contents of a pg_dump archive: every object with its definition, and what it depends on.

Only the custom format (``-Fc``) of a schema is read, in the versions that PostgreSQL 12 to 18 write; any
other is refused by name. pg_dump composes the SQL, we only sort it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO

from migplan.errors import ArchiveError

MAGIC = b"PGDMP"
KNOWN = ((1, 14), (1, 15), (1, 16))


class Section(StrEnum):
    """When pg_dump itself would restore an entry."""

    NONE = "none"  # comments and privileges: with what they belong to
    PRE_DATA = "pre-data"
    DATA = "data"
    POST_DATA = "post-data"


_SECTIONS = {1: Section.NONE, 2: Section.PRE_DATA, 3: Section.DATA, 4: Section.POST_DATA}


Named = tuple[str, str, str]
"""An object by pg_dump's kind, its schema ('' for none) and pg_dump's tag."""

TABLES = frozenset({"TABLE", "FOREIGN TABLE"})
RELATIONS = TABLES | {"VIEW", "MATERIALIZED VIEW"}
TYPES = frozenset({"TYPE", "DOMAIN", "SHELL TYPE"})
ROUTINES = frozenset({"FUNCTION", "PROCEDURE", "AGGREGATE"})


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or something about one: a comment, a privilege, a default."""

    id: int
    kind: str  # as pg_dump calls it: TABLE, FK CONSTRAINT, ACL ...
    schema: str
    tag: str  # its name; of what belongs to a table, the table's name, a blank, and its own
    section: Section
    definition: str
    drop: str
    owner: str
    tablespace: str
    access_method: str
    needs: tuple[int, ...]
    partitioned: bool = False  # told since format 1.16, before which such a table had no access method

    @property
    def named(self) -> Named:
        """What it is known by elsewhere: numbers are of one archive."""
        return self.kind, self.schema, self.tag


@dataclass(frozen=True, slots=True)
class Archive:
    """Everything that pg_dump found, in the order in which it would restore it."""

    format: tuple[int, int]
    server_version: str
    pg_dump_version: str
    entries: tuple[Entry, ...]


def read(data: bytes) -> Archive:
    """Parse an archive; raise ArchiveError for formats that are not known, and damaged ones."""
    try:
        return _Reader(data).archive()
    except (IndexError, UnicodeDecodeError, KeyError) as error:
        raise ArchiveError(f"pg_dump's archive ends early or is damaged ({error})") from None


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = BytesIO(data)
        if self._bytes(5) != MAGIC:
            raise ArchiveError("this is not an archive of pg_dump's custom format")
        major, minor, revision = self._bytes(3)
        self._version = (major, minor)
        if self._version not in KNOWN:
            known = ", ".join(f"{one}.{other}" for one, other in KNOWN)
            raise ArchiveError(
                f"pg_dump wrote an archive of format {major}.{minor}.{revision}, "
                f"and this migplan reads {known}",
                do="use a pg_dump of PostgreSQL 12 to 18; MIGPLAN_PG_BIN names the folder to look into first",
            )
        self._int_size, self._offset_size, kind = self._bytes(3)
        if kind != 1:
            raise ArchiveError("this archive is not of pg_dump's custom format")

    def archive(self) -> Archive:
        if self._version >= (1, 15):
            self._bytes(1)  # the compression's method; a table of contents is never compressed
        else:
            self._int()
        for _ in range(7):  # when it was made
            self._int()
        self._text()  # the database
        server, program = self._text(), self._text()
        return Archive(self._version, server, program, tuple(self._entries()))

    def _entries(self) -> Iterator[Entry]:
        for _ in range(self._int()):
            number, _had_dumper = self._int(), self._int()
            self._text(), self._text()  # the catalog and oid of the object
            tag, kind = self._text(), self._text()
            section = _SECTIONS[self._int()]
            definition, drop, _copy = self._text(), self._text(), self._text()
            schema, tablespace, access_method = self._text(), self._text(), self._text()
            relation = chr(self._int()) if self._version >= (1, 16) else ""
            owner = self._text()
            self._text()  # whether it has oids: not since version 12
            needs = []
            while (need := self._optional_text()) is not None:
                needs.append(int(need))
            self._bytes(1 + self._offset_size)  # where its data are: a schema has none
            yield Entry(
                id=number,
                kind=kind,
                schema=schema,
                tag=tag,
                section=section,
                definition=definition,
                drop=drop,
                owner=owner,
                tablespace=tablespace,
                access_method=access_method,
                needs=tuple(sorted(set(needs))),
                partitioned=relation == "p",
            )

    def _bytes(self, count: int) -> bytes:
        found = self._data.read(count)
        if len(found) < count:
            raise IndexError(f"byte {self._data.tell()} of it is the last")
        return found

    def _int(self) -> int:
        negative = self._bytes(1)[0]
        value = int.from_bytes(self._bytes(self._int_size), "little")
        return -value if negative else value

    def _optional_text(self) -> str | None:
        length = self._int()
        return None if length < 0 else self._bytes(length).decode()

    def _text(self) -> str:
        return self._optional_text() or ""
