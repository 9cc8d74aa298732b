r"""Taking an SQL file apart, as psql would: into statements, and the rows after ``COPY ... FROM stdin``.

A file is read once, from its beginning to its end. Only one statement, or one chunk of rows, is in memory
at a time, so that a file can be of any size. A statement ends at a semicolon that stands

* outside of quotes of every kind and of comments, which may be nested;
* outside of parentheses (``CREATE RULE ... DO (...; ...)``);
* outside of a routine's ``BEGIN ATOMIC ... END``.

Whether rows follow a statement is asked of PostgreSQL's own parser. They end at a line that is ``\.``.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import postgast

from migplan.errors import FileError
from migplan.sql.tree import relation_name, words

CHUNK = 1 << 18
LONGEST = 1 << 28
"""No statement is longer than this: a quote that is never closed must not swallow gigabytes of rows."""


class Readable(Protocol):
    """What bytes are read from, in chunks."""

    def read(self, size: int, /) -> bytes:
        """So many bytes or fewer; none at the end."""


@dataclass(eq=False)
class SqlFileError(FileError):
    """An SQL file that cannot be taken apart, and where (lines start at 1)."""

    line: int = field(default=1, kw_only=True)

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(eq=False)
class MetaCommandError(SqlFileError):
    """A command for psql where SQL should be."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: the bytes from ``start`` up to ``end``, with its semicolon, without comments around it."""

    start: int
    end: int
    line: int
    text: str
    word: str  # the first one, in lower case: 'select', 'copy'


class CopyRows:
    """A COPY statement and its rows: the bytes from ``start`` up to ``end``, without the line that ends them.

    Iterate over it for the bytes of the rows, in chunks that end anywhere. That has to be done before the
    next piece of the file is asked for; what is not taken until then is passed over. ``end`` and
    ``rows`` are known afterwards.
    """

    def __init__(self, statement: Statement, table: str, columns: tuple[str, ...], window: _Window) -> None:
        self.statement = statement
        self.table = table
        self.columns = columns
        self.start = self.end = window.offset + 1
        self.line = window.line + 1
        self.rows = 0
        self._window = window
        self._before = 1  # the window begins at the newline before the rows: the mark of their end needs it
        self._open = True

    def __iter__(self) -> Iterator[bytes]:
        while self._open:
            if chunk := self._next():
                yield chunk

    def _next(self) -> bytes:
        """The bytes that are rows for certain; of an end that is only half in sight, nothing yet."""
        window, before = self._window, self._before
        mark = _END_OF_ROWS.search(window.data, window.at)
        if mark and (window.ended or mark[0].endswith(b"\n")):
            chunk = window.data[window.at + before : mark.start() + 1]
            self._close(mark)
            return chunk
        if window.ended:
            raise window.error(f"the rows of {self.table} have no end: no line \\.", self.statement.line)
        upto = mark.start() if mark else max(window.at, len(window.data) - _MARK_BEGUN)
        chunk = window.data[window.at + before : upto]
        if upto > window.at:
            self._before = 0
        window.advance(upto)
        window.more()
        return chunk

    def _close(self, mark: re.Match[bytes]) -> None:
        window = self._window
        window.advance(mark.start() + 1)
        self.end = window.offset
        self.rows = window.line - self.line
        window.advance(mark.end())
        self._open = False


Piece = Statement | CopyRows


def pieces(stream: Readable, file: Path, *, chunk: int = CHUNK) -> Iterator[Piece]:
    """The statements and rows of a file in their order; ``file`` is what complaints call it."""
    window = _Window(stream, file, chunk)
    while (statement := _statement(window)) is not None:
        target = _target(statement, window) if statement.word == "copy" else None
        if target is None:
            yield statement
            continue
        rows = CopyRows(statement, *target, window)
        yield rows
        for _ in rows:
            pass


def parse(statement: Statement, file: Path) -> postgast.ParseResult:
    """Return a statement's tree; raise SqlFileError, with the line of the file, where it cannot be parsed."""
    try:
        return postgast.parse(statement.text)
    except postgast.PgQueryError as error:
        line = statement.line + statement.text.count("\n", 0, max(error.cursorpos - 1, 0))
        raise SqlFileError(error.message, file=file, line=line) from None


class _Window:
    """The part of a file that is looked at: ``data`` from ``at`` on. It is valid UTF-8 without NUL."""

    def __init__(self, stream: Readable, file: Path, chunk: int) -> None:
        self.data = b""
        self.at = 0
        self.line = 1  # at that place
        self.ended = False  # there is nothing behind data
        self._before = 0  # bytes of the file before data
        self._stream = stream
        self.file = file
        self._chunk = chunk
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    @property
    def offset(self) -> int:
        """The place as an offset into the file."""
        return self._before + self.at

    def advance(self, to: int) -> None:
        """Move on to this index of data."""
        self.line += self.data.count(b"\n", self.at, to)
        self.at = to

    def more(self) -> None:
        """Forget what is behind and read on, the more of it the longer the window is already."""
        found = self._stream.read(max(self._chunk, len(self.data) - self.at))
        self._before += self.at
        self.data = self.data[self.at :] + found
        self.at = 0
        self.ended = not found
        self._examine(found)

    def error(self, what: str, line: int) -> SqlFileError:
        """The complaint about a line of the file."""
        return SqlFileError(what, file=self.file, line=line)

    def line_at(self, index: int) -> int:
        """The line of an index of data."""
        return self.line + self.data.count(b"\n", self.at, index)

    def _examine(self, found: bytes) -> None:
        if b"\0" in found:
            raise self.error("a NUL byte, which no text can have", self.line_at(self.data.index(b"\0")))
        try:
            self._decoder.decode(found, final=self.ended)
        except UnicodeDecodeError as error:
            index = max(len(self.data) - len(error.object) + error.start, 0)
            byte = error.object[error.start]
            raise self.error(f"byte 0x{byte:02x} is not UTF-8", self.line_at(index)) from None


# --- tokens -----------------------------------------------------------------------------------------------

# Between two literals of which the first is E'...', this makes the second one its continuation.
_CONTINUED = rb"(?:[ \t\f\v]|--[^\r\n]*+)*+[\r\n](?:\s|--[^\r\n]*+)*+"
_ESCAPED = rb"'(?:[^'\\]++|\\.|'')*+'"

_TOKEN = re.compile(
    rb"""
      (?P<plain> (?:                                    # what cannot matter, as much of it as there is
          [^\w\\'"$();/\-\x80-\xff]++
        | \d[\w.]*+
        | '(?:[^']++|'')*+'
        | "(?:[^"]++|"")*+"
        | [eE]%(escaped)s (?:%(continued)s%(escaped)s)*+ (?!%(continued)s')
        | --[^\r\n]*+
        | -(?!-)
        | /(?!\*)
      )++ )
    | (?P<quote>     [eE]?' | " )                       # one that is closed stands above
    | (?P<word>      [A-Za-z_\x80-\xff][\w$\x80-\xff]*+ )
    | (?P<dollar>    \$ (?:[A-Za-z_\x80-\xff][\w\x80-\xff]*+)? \$ )
    | (?P<parameter> \$[\w\x80-\xff]*+ )
    | (?P<comment>   /\* )
    | (?P<open>      \( )
    | (?P<close>     \) )
    | (?P<semicolon> ; )
    | (?P<backslash> \\[^\s;]*+ )
    """
    % {b"escaped": _ESCAPED, b"continued": _CONTINUED},
    re.VERBOSE | re.DOTALL,
)


def _simple(deep: int) -> bytes:
    """What a statement mostly is: words, numbers, quotes, and parentheses that are closed, so many deep."""
    inside = rb"| \( " + _simple(deep - 1) + rb" \)" if deep else b""
    return (
        rb"""(?:
          [^\w\\'"$();/\-\x80-\xff]++
        | (?! [eE]' | (?i:atomic) ) [A-Za-z_\x80-\xff][\w$\x80-\xff]*+
        | \d[\w.]*+
        | '(?:[^']++|'')*+'
        | "(?:[^"]++|"")*+"
        | --[^\r\n]*+
        | -(?!-)
        | /(?!\*)
        """
        + inside
        + rb")*+"
    )


_WHOLE = re.compile(rb"(?= ([A-Za-z_\x80-\xff][\w$\x80-\xff]*+) )" + _simple(4) + rb";", re.VERBOSE)
"""A whole statement at one look, which saves most of the time: its tokens would say the same."""

_UNFINISHED = {
    "quote": "a quote that is not closed",
    "dollar": "a dollar quote that is not closed",
    "comment": "a comment that is not closed",
}
_BLANK = re.compile(rb"(?:\s++|--[^\r\n]*+)++")
_EDGE_OF_COMMENT = re.compile(rb"/\*|\*/")
_ROUTINE = re.compile(rb"create (?:or replace )?(?:function|procedure)\b")
_REST_OF_LINE = re.compile(rb"[ \t\r]*+\n")
_END_OF_ROWS = re.compile(rb"\n\\\.\r?(?:\n|\Z)")
_MARK_BEGUN = 2  # bytes that may begin the mark, and are not enough to tell


def _token(window: _Window, place: int) -> tuple[str, bytes]:
    """The token so many bytes on, whole: more is read as long as more could belong to it. '' at the end."""
    while True:
        begin, size = window.at + place, len(window.data)
        found = _TOKEN.match(window.data, begin)
        kind = str(found.lastgroup) if found else ""
        end = _end(kind, found, window.data) if found else -1
        if 0 <= end < size or (end == size and window.ended):
            return kind, window.data[begin:end]
        if window.ended:
            if begin == size:
                return "", b""
            raise window.error(_UNFINISHED[kind], window.line_at(begin))
        if size - window.at > LONGEST:
            raise window.error("no end of this statement: is a quote or ( not closed?", window.line)
        window.more()


def _end(kind: str, found: re.Match[bytes], data: bytes) -> int:
    """Where a token ends; -1 where that is not in data."""
    if kind == "quote":
        return -1
    if kind == "dollar":
        closing = data.find(found[0], found.end())
        return closing + len(found[0]) if closing >= 0 else -1
    if kind == "comment":
        depth = 0
        for edge in _EDGE_OF_COMMENT.finditer(data, found.start()):
            depth += 1 if edge[0] == b"/*" else -1
            if not depth:
                return edge.end()
        return -1
    return found.end()


# --- statements -------------------------------------------------------------------------------------------


class _Nesting:
    """What a place in a statement is inside of."""

    def __init__(self) -> None:
        self.words: list[bytes] = []  # the first four
        self._parentheses = 0
        self._bodies = 0
        self._word = b""

    @property
    def outside(self) -> bool:
        """Whether a semicolon here ends the statement."""
        return not self._parentheses and not self._bodies

    def see(self, kind: str, token: bytes) -> None:
        """Pass a token."""
        if kind == "open":
            self._parentheses += 1
        elif kind == "close":
            self._parentheses = max(self._parentheses - 1, 0)
        elif kind == "word":
            self._see_word(token.lower())

    def _see_word(self, word: bytes) -> None:
        if len(self.words) < 4:
            self.words.append(word)
        if self._bodies and not self._parentheses:
            self._bodies += {b"case": 1, b"end": -1}.get(word, 0)
        elif word == b"atomic" and self._word == b"begin" and _ROUTINE.match(b" ".join(self.words)):
            self._bodies = 1
        self._word = word


def _statement(window: _Window) -> Statement | None:
    """The next statement; None when there is no other."""
    if not _skip_blank(window):
        return None
    if whole := _WHOLE.match(window.data, window.at):
        return _taken(window, whole.end() - window.at, whole[1].lower())
    nesting, place, kind = _Nesting(), 0, "plain"
    while kind and not (kind == "semicolon" and nesting.outside):
        kind, token = _token(window, place)
        if kind == "backslash":
            raise MetaCommandError(
                f"{token.decode()} is a command of psql's, and no SQL",
                do="write it as SQL: files run without psql, too",
                file=window.file,
                line=window.line_at(window.at + place),
            )
        nesting.see(kind, token)
        place += len(token)
    return _taken(window, place, nesting.words[0] if nesting.words else b"")


def _taken(window: _Window, size: int, word: bytes) -> Statement:
    """The next bytes as a statement."""
    start, line = window.offset, window.line
    text = window.data[window.at : window.at + size].decode()
    window.advance(window.at + size)
    return Statement(start, window.offset, line, text, word.decode())


def _skip_blank(window: _Window) -> bool:
    """Pass over blanks, comments and empty statements; whether anything follows."""
    while True:
        blank = _BLANK.match(window.data, window.at)
        if blank and blank.end() < len(window.data):
            window.advance(blank.end())
        if window.data[window.at : window.at + 1].isalpha():
            return True
        kind, token = _token(window, 0)
        if kind == "plain":
            blank = _BLANK.match(token)
            passed = blank.end() if blank else 0
        else:
            passed = len(token) if kind in {"comment", "semicolon"} else 0
        if not passed:
            return bool(kind)
        window.advance(window.at + passed)


def _target(statement: Statement, window: _Window) -> tuple[str, tuple[str, ...]] | None:
    """The table and columns of a COPY that rows follow; the window is left at the newline before them."""
    copy = parse(statement, window.file).stmts[0].stmt.copy_stmt
    if not copy.is_from or copy.is_program or copy.filename:
        return None
    options = [node.def_elem for node in copy.options]
    if any(option.defname == "format" and option.arg.string.sval != "text" for option in options):
        raise window.error("rows of COPY in a format other than text", statement.line)
    _to_rows(window, statement.line)
    return relation_name(copy.relation), words(copy.attlist)


def _to_rows(window: _Window, line: int) -> None:
    while b"\n" not in window.data[window.at :] and not window.ended:
        window.more()
    rest = _REST_OF_LINE.match(window.data, window.at)
    if rest is None:
        raise window.error("nothing but a new line may follow COPY ... FROM stdin;", line)
    window.advance(rest.end() - 1)
