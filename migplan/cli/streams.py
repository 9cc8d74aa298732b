"""The two streams that a command writes to: no secret leaves by them, and nothing that a terminal obeys."""

import codecs
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from migplan.errors import FileError
from migplan.text.printable import printable, spelled
from migplan.text.redaction import redacted

_SPELLED = "migplan.spelled"


def _spell_out(error: UnicodeError) -> tuple[str, int]:
    """What an encoding cannot hold, spelled as JSON spells it."""
    assert isinstance(error, UnicodeEncodeError)
    return "".join(map(spelled, error.object[error.start : error.end])), error.end


codecs.register_error(_SPELLED, _spell_out)


def cleaned(text: str, keep: str = "\n\t") -> str:
    """The text without secrets, and with everything spelled out that a terminal would obey."""
    return printable(redacted(text), keep=keep)


class Outlet:
    """A text stream in front of another one; whatever is written to it is cleaned."""

    def __init__(self, beneath: TextIO, name: str, *, styled: bool = False) -> None:
        self.beneath, self._name, self._is_styled = beneath, name, styled
        # For who writes escape sequences of its own, and cleans what comes between them.
        self.styled = self if styled else Outlet(beneath, name, styled=True)

    @property
    def encoding(self) -> str:
        """What the stream beneath encodes text in."""
        return self.beneath.encoding or "utf-8"

    @property
    def errors(self) -> str:
        """Nothing fails: what cannot be encoded is spelled out."""
        return _SPELLED

    def write(self, text: str) -> int:
        """Write a text, cleaned."""
        if not isinstance(text, str):
            raise TypeError(f"text belongs here, and not {type(text).__name__}")
        if not text:  # click tries what a stream takes by writing nothing, and a full disk refuses that
            return 0
        with self._failing():
            self.beneath.write(redacted(text) if self._is_styled else cleaned(text))
        return len(text)

    def writelines(self, lines: Iterator[str]) -> None:
        """Write several."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Hand on what is held back."""
        with self._failing():
            self.beneath.flush()

    def isatty(self) -> bool:
        """Whether a terminal is at its end."""
        return self.beneath.isatty()

    def fileno(self) -> int:
        """The number of the file beneath."""
        return self.beneath.fileno()

    @contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            raise
        except OSError as error:
            discard(self.beneath)
            if self._name == "error":  # then there is nobody left to tell
                return
            raise FileError(f"cannot write to standard {self._name}: {error.strerror}") from None


@contextmanager
def guarded() -> Iterator[None]:
    """Put an outlet in front of stdout and stderr while a block runs."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _outlet(sys.stdout, "output"), _outlet(sys.stderr, "error")
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def discard(stream: TextIO) -> None:
    """Lead a stream that fails to nowhere: Python would complain once more when it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _outlet(stream: Any, name: str) -> TextIO:
    if isinstance(stream, Outlet):
        return cast("TextIO", stream)
    if stream is None:  # whoever started us closed it
        stream = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it lives as long as we do
    with suppress(AttributeError, ValueError):
        stream.reconfigure(errors=_SPELLED)
    return cast("TextIO", Outlet(stream, name))
