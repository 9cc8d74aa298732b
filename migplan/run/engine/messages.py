"""Messages of a step: statements of its file, between statements of ours, with their lines."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from migplan.run.engine.steps import Statements
from migplan.sql.split import Statement, pieces

SIZE = 1 << 20
_SHOWN = 200
_READING = re.compile("standard_conforming_strings|backslash_quote", re.IGNORECASE)


@dataclass
class Message:
    """Statements that go to the server together; it answers each by itself."""

    opening: str = ""
    closing: str = ""
    size: int = 0  # of what is of the file
    _texts: list[tuple[str, int]] = field(default_factory=list)  # of the file, each with its line
    _ours: set[int] = field(default_factory=set)  # those of them that we have put between the file's

    def __str__(self) -> str:
        return "".join((self.opening, *(text for text, _ in self._texts), self.closing))

    def takes(self, text: str) -> bool:
        """Whether a text can be sent in the same message.

        It must not become too large; and the server takes a message apart before it does anything, so what
        changes how it reads texts has to come before the message.
        """
        if not self._texts:
            return True
        return self.size + len(text) <= SIZE and not _READING.search(self._texts[-1][0])

    def add(self, text: str, line: int, *, is_ours: bool = False) -> None:
        """Add a text that begins on a line."""
        if is_ours:
            self._ours.add(len(self._texts))
        self._texts.append((text, line))
        self.size += len(text)

    def answers(self) -> Iterator[int]:
        """Yield which answers are to statements of the file."""
        first = len(_statements(self.opening))
        for at, (text, _) in enumerate(self._texts):
            last = first + len(_statements(text))
            yield from range(first, last) if at not in self._ours else ()
            first = last

    def is_opening(self, number: int) -> bool:
        """Whether an answer is to one of our statements before those of the file."""
        return number < len(_statements(self.opening))

    def place(self, number: int, position: int) -> tuple[int, str] | None:
        """Return the line and the beginning of a statement, by its answer and the server's position.

        What the server cannot take apart has one answer for the whole message: then the position tells.
        """
        number -= len(_statements(self.opening))
        position -= len(self.opening) + 1
        for text, line in self._texts:
            found = _statements(text)
            if 0 <= position < len(text):
                before = len(text[:position].encode())
                begun = [each for each in found if each.start <= before]
                return line + text.count("\n", 0, position), _shown(begun[-1]) if begun else ""
            if position < 0 <= number < len(found):
                return line + found[number].line - 1, _shown(found[number])
            number -= len(found)
            position -= len(text)
        return None


def texts_of(piece: Statements, stream: BinaryIO, file: str) -> Iterator[tuple[str, int]]:
    """Yield the text of statements with their lines, about a megabyte at a time."""
    if piece.text is not None:
        yield f"{piece.text}\n", piece.line
        return
    stream.seek(piece.start)
    if piece.end - piece.start <= SIZE:
        text = stream.read(piece.end - piece.start).decode()
        yield f"{text}\n;\n", piece.line  # it may end with a comment
        return
    gathered: list[Statement] = []
    size = 0
    for each in pieces(_Part(stream, piece.end - piece.start), Path(file)):
        assert isinstance(each, Statement)
        gathered.append(each)
        size += len(each.text)
        if size >= SIZE:
            yield _lines(gathered), piece.line + gathered[0].line - 1
            gathered, size = [], 0
    if gathered:
        yield _lines(gathered), piece.line + gathered[0].line - 1


def _lines(statements: Sequence[Statement]) -> str:
    """Return statements as one text, each on its own line as in the file; comments become empty lines."""
    lines: list[str] = []
    at = statements[0].line
    for each in statements:
        lines.append("\n" * (each.line - at) + each.text)
        at = each.line + each.text.count("\n")
    return "".join(lines) + "\n;\n"


class _Part(io.RawIOBase):
    """The next bytes of a stream, up to a size."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._left = size

    def read(self, size: int = -1, /) -> bytes:
        """Some of them."""
        found = self._stream.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(found)
        return found


def _statements(text: str) -> list[Statement]:
    found = pieces(io.BytesIO(text.encode()), Path("step"))
    return [each for each in found if isinstance(each, Statement)]


def _shown(statement: Statement) -> str:
    shown = " ".join(statement.text.split())
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}..."
