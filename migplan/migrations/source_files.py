"""Files of a folder as bytes: read once, held to UTF-8, cut into parts, and opened again part by part.

A part is a range of the file as it lies on the disk, so a byte order mark stands before the first part, and a
carriage return belongs to the line that it ends. Digests leave both out: a checkout on another system is the
same migration.
"""

import codecs
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import postgast
from postgast import pg_query_pb2 as pg

from migplan.errors import FileError
from migplan.files import read_bytes
from migplan.migrations.model import Part
from migplan.sealed_files import Seal
from migplan.sql.split import MetaCommandError, SqlFileError, Statement, pieces
from migplan.sql.statements import Parsed, parsed

_OTHER_ENCODINGS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_COMMENTS = frozenset({pg.SQL_COMMENT, pg.C_COMMENT})
_MAY_COPY = re.compile(rb"\bcopy\b.*?\bstdin\b", re.IGNORECASE | re.DOTALL)
_NOT_A_LINE = re.compile(rb"[^\n]")
_DIRECTIVE = re.compile(
    rb"^[ \t]*(?:--|#)[ \t]*migplan:[ \t]*([\w-]*)[ \t]*([^\r\n]*?)[ \t\r]*$", re.MULTILINE
)
DIRECTIVES = ("requires", "needs", "provides", "no-transaction", "maintenance", "up", "down", "verify")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file and its bytes."""

    file: Path
    data: bytes

    @property
    def begin(self) -> int:
        """Where its text begins: behind the byte order mark, if there is one."""
        return len(codecs.BOM_UTF8) if self.data.startswith(codecs.BOM_UTF8) else 0

    def line(self, at: int) -> int:
        """The line of an offset, from 1."""
        return self.data.count(b"\n", 0, at) + 1

    def part(self, start: int | None = None, end: int | None = None) -> Part:
        """A part of it; all of it, when nothing is said."""
        first = self.begin if start is None else start
        last = len(self.data) if end is None else end
        return Part(self.file, first, last, self.line(first), Seal.of_bytes(self.data))

    def byte_digest(self, part: Part) -> str:
        """The SHA-256 of a part, the same on every system."""
        return hashlib.sha256(self._bytes(part)).hexdigest()

    def digest(self, part: Part) -> str:
        """The SHA-256 of a part's statements: another comment or white space makes no other migration.

        Of what cannot be taken apart as SQL, it is that of the bytes.
        """
        said = words(self._bytes(part), self.file)
        return hashlib.sha256(said).hexdigest() if said is not None else self.byte_digest(part)

    def _bytes(self, part: Part) -> bytes:
        return self.data[part.start : part.end].replace(b"\r\n", b"\n")

    def error(self, what: str, at: int, do: str = "") -> SqlFileError:
        """The complaint about a place."""
        return SqlFileError(what, file=self.file, line=self.line(at), do=do)


def words(text: bytes, file: Path) -> bytes | None:
    """Return the words of statements without comments and white space, and rows of COPY as they are.

    The words are those of PostgreSQL's own scanner, written as they stand in the file, but for upper case
    outside of quotes: unlike a parse tree, that is the same in every version of the parser. None, if it is no
    SQL.
    """
    if file.suffix != ".sql":
        return None
    try:
        if not _MAY_COPY.search(text):
            return b"\0".join(_words(text))
        found: list[bytes] = []
        for piece in pieces(io.BytesIO(text), file):
            if isinstance(piece, Statement):
                found += _words(piece.text.encode())
            else:
                found += [*_words(piece.statement.text.encode()), b"".join(piece)]
        return b"\0".join(found)
    except (SqlFileError, postgast.PgQueryError):
        return None


def _words(text: bytes) -> Iterator[bytes]:
    ended = True  # behind a semicolon, or at the beginning: another one says nothing
    lower = text.lower()
    for token in postgast.scan(text.decode()).tokens:
        if token.token in _COMMENTS:
            continue
        start, end = token.start, token.end
        word = lower[start:end]
        if word == b";":
            ended = True
            continue
        if ended:
            yield b";"
            ended = False
        quotes = b"'" in word or b'"' in word or word.startswith(b"$")
        yield text[start:end] if quotes else word


@dataclass(frozen=True, slots=True)
class Directive:
    """A line ``-- migplan: WORD REST``."""

    word: str
    rest: str
    start: int
    end: int
    line: int


def load(file: Path) -> SourceFile:
    """Read a file; raise SqlFileError with its line where it is not UTF-8."""
    try:
        data = read_bytes(file)
    except FileError as error:
        raise FileError(f"{file} cannot be read: {error.what}", file=file) from None
    source = SourceFile(file, data)
    if data.startswith(_OTHER_ENCODINGS):
        raise source.error("the file is UTF-16, and has to be UTF-8", 0, "save it again as UTF-8")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise source.error(f"byte 0x{data[error.start]:02x} is not UTF-8", error.start) from None
    return source


def reopened(part: Part) -> io.BytesIO:
    """A stream of a part in which offsets and lines are those of the file: what precedes it is blank."""
    data = load(part.file).data
    if part.seal and part.seal != Seal.of_bytes(data):
        raise FileError(
            f"{part.file} was changed after it was read, when the command began",
            do="run the same command again",
            file=part.file,
        )
    return io.BytesIO(_NOT_A_LINE.sub(b" ", data[: part.start]) + data[part.start : part.end])


def directives(source: SourceFile, part: Part | None = None) -> Iterator[Directive]:
    """The directives of a part; one that migplan does not know is refused rather than passed over."""
    if b"migplan:" not in source.data:
        return
    start, end = (part.start, part.end) if part else (source.begin, len(source.data))
    for found in _DIRECTIVE.finditer(source.data, start, end):
        word, rest = found[1].decode(), found[2].decode()
        if word not in DIRECTIVES:
            known = ", ".join(DIRECTIVES)
            raise source.error(
                f"-- migplan: {word} is no directive of migplan's", found.start(), f"known: {known}"
            )
        yield Directive(word, rest, found.start(), found.end(), source.line(found.start()))


def marks(source: SourceFile, pattern: re.Pattern[bytes]) -> list[re.Match[bytes]]:
    """Where the pattern marks the beginning of a section: not inside of a quote, a comment or rows.

    A mark counts when the file, cut there, is whole.
    """
    found, begin = [], source.begin
    for mark in pattern.finditer(source.data, source.begin):
        if _is_whole(source, begin, mark.start()):
            found.append(mark)
            begin = mark.start()
    return found


def _is_whole(source: SourceFile, start: int, end: int) -> bool:
    before = _NOT_A_LINE.sub(b" ", source.data[:start])
    try:
        for _ in pieces(io.BytesIO(before + source.data[start:end]), source.file):
            pass
    except MetaCommandError:
        return True  # it will be refused with the statements
    except SqlFileError as error:
        return not error.what.startswith(("a quote", "a dollar", "a comment", "the rows of"))
    return True


def statements_of(part: Part) -> Iterator[Parsed]:
    """Every statement of a part, parsed."""
    return parsed(reopened(part), part.file)
