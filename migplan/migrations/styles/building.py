"""What every style builds its migrations with."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from migplan.errors import FileError
from migplan.migrations.model import Kind, Migration, Part, Remark, Thing, ThingKind, Told
from migplan.migrations.source_files import Directive, SourceFile, directives, load, marks, words
from migplan.names import quoted, split

_SECTION = re.compile(rb"^[ \t]*--[ \t]*migplan:[ \t]*(up|down|verify)\b[^\n]*(?:\n|\Z)", re.MULTILINE)
_NUMBER = re.compile(r"(\d{4}-\d\d-\d\d(?:[T_-]?\d{4,6})?|\d+(?:\.\d+)*)(?:[_\-. ]|$)")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_STAMP = re.compile(r"(?:19|20)\d{6}(?:\d\d){0,3}")  # a day, with the time of day or without


@dataclass
class Listing:
    """The files of a folder by name, and what is to be said about them."""

    path: Path
    files: tuple[Path, ...]  # those directly in it
    remarks: list[Remark] = field(default_factory=list)
    _sources: dict[Path, SourceFile] = field(default_factory=dict)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of its files."""
        return frozenset(file.name for file in self.files)

    def source(self, file: Path) -> SourceFile:
        """A file, read once."""
        if file not in self._sources:
            self._sources[file] = load(file)
        return self._sources[file]

    def note(self, file: Path, what: str, line: int = 1, *, left_out: bool = False) -> None:
        """Have something said."""
        self.remarks.append(Remark(file, what, line, left_out))

    def whole(self, file: Path) -> Part:
        """All of a file that stands beside another one."""
        return self.source(file).part()

    def migration(
        self,
        source: SourceFile,
        name: str,
        number: str = "",
        *,
        up: Part | None = None,
        kind: Kind = "sql",
        down: Part | None = None,
        verify: Part | None = None,
        requires: Iterable[str] = (),
        in_transaction: bool = True,
        repeatable: bool = False,
        conflicts: tuple[str, ...] = (),
    ) -> Migration:
        """Return the migration of a file, with what the directives of its up part say.

        A down part without a statement, as tools write it to begin with, is none.
        """
        given = {"up": up or source.part(), "down": down, "verify": verify}
        parts = self._sections(given) if kind != "python" else given
        up, down, verify = parts["up"] or source.part(), parts.get("down"), parts.get("verify")
        if down and self._says_nothing(down):
            if down.file != up.file:
                self.note(down.file, "has no statement: the way back is derived from what the migration does")
            down = None
        needed, schedule = list(requires), ""
        told: list[Told] = []
        for directive in directives(source, up):
            match directive.word:
                case "requires":
                    needed += re.split(r"[,\s]+", directive.rest)
                case "needs" | "provides":
                    told.append(_told(source, directive))
                case "no-transaction":
                    in_transaction = False
                case "maintenance":
                    kind, schedule = "maintenance", directive.rest
                case _:
                    pass
        if not source.data[up.start : up.end].strip():
            self.note(source.file, "nothing is in it", up.line)
        return Migration(
            name=name,
            number=number,
            kind=kind,
            up=up,
            digest=source.digest(up),
            byte_digest=source.byte_digest(up),
            down=down,
            verify=verify,
            told=tuple(told),
            requires=tuple(dict.fromkeys(each for each in needed if each)),
            in_transaction=in_transaction,
            repeatable=repeatable,
            conflicts=conflicts,
            schedule=schedule,
        )

    def _sections(self, given: Mapping[str, Part | None]) -> dict[str, Part | None]:
        """Return the parts of a migration by their names, cut where a line begins another one."""
        found: dict[str, Part | None] = {}
        for word, part in given.items():
            for name, mark, piece in self._cut(word, part) if part else ():
                other = found.get(name) or (given.get(name) if name != word else None)
                source = self.source(piece.file)
                if other and other.file != piece.file:
                    what = f"there is a section {name}, and {other.file.name} beside it"
                    raise source.error(what, piece.start, "keep one of them")
                if other and source.data[other.start : other.end].strip():
                    raise source.error(f"a second section {name}", mark, "one of each is enough")
                found[name] = piece
        return found

    def _says_nothing(self, part: Part) -> bool:
        return words(self.source(part.file).data[part.start : part.end], part.file) == b""

    def _cut(self, word: str, part: Part) -> Iterator[tuple[str, int, Part]]:
        """Yield the sections of a part: their names, where the lines stand that begin them, and the rest."""
        source = self.source(part.file)
        found = marks(source, _SECTION) if b"migplan:" in source.data else []
        found = [mark for mark in found if part.start <= mark.start() < part.end]
        ends = [*(mark.start() for mark in found), part.end]
        yield word, part.start, replace(part, end=ends[0])
        for mark, end in zip(found, ends[1:], strict=True):
            yield mark[1].decode(), mark.start(), source.part(mark.end(), end)


def _told(source: SourceFile, directive: Directive) -> Told:
    """The thing that a directive names: ``table hotels``, ``function app.touch``, ``column hotels.id``."""
    first, _, rest = directive.rest.partition(" ")
    kind = ThingKind(first.lower()) if first.lower() in set(ThingKind) - {ThingKind.OTHER} else None
    try:
        parts = split(rest.strip() if kind else directive.rest)
    except ValueError:
        parts = ()
    kind = kind or ThingKind.TABLE
    wanted = 1 if kind in _BARE else 3 if kind in _OF_TABLES else 2
    if len(parts) == wanted - 1 and wanted > 1:
        parts = ("public", *parts)
    if len(parts) != wanted:
        kinds = ", ".join(each for each in ThingKind if each is not ThingKind.OTHER)
        raise source.error(
            f"{directive.rest!r} after -- migplan: {directive.word} names nothing",
            directive.start,
            f"write a kind and a name, such as: table public.hotels; kinds are: {kinds}",
        )
    return Told(directive.word == "needs", Thing(kind, ".".join(map(quoted, parts))), directive.line)


_BARE = frozenset({ThingKind.SCHEMA, ThingKind.EXTENSION, ThingKind.ROLE})
_OF_TABLES = frozenset({ThingKind.COLUMN, ThingKind.CONSTRAINT, ThingKind.TRIGGER, ThingKind.POLICY})


def listing(path: Path) -> Listing:
    """The files of a folder."""
    try:
        files = tuple(sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != "."))
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}", file=path) from None
    return Listing(path, files)


def number_of(name: str) -> str:
    """The number that a name begins with."""
    found = _NUMBER.match(name)
    return found[1] if found else ""


def by_number(migration: Migration) -> tuple[int, int, tuple[int, ...], str]:
    """Where a migration stands: numbers by their value, then names; what repeats, seeds and upkeep follow."""
    kinds: dict[Kind, int] = {"sql": 0, "python": 0, "seed": 2, "maintenance": 3}
    last = 1 if migration.repeatable else kinds[migration.kind]
    stamp = re.sub(r"\D", "", migration.number) if _DATE.match(migration.number) else migration.number
    digits = tuple(
        int(part.ljust(14, "0") if _STAMP.fullmatch(part) else part) for part in re.findall(r"\d+", stamp)
    )
    return last, not digits, digits, migration.name
