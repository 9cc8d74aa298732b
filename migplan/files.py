"""Writing files so that nobody ever sees half of one, and reading those that may be anything by now."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from migplan.errors import FileError


def write_whole(file: Path, text: str) -> None:
    """Write a text aside, then rename it to the file: it appears whole or not at all."""
    write_chunks(file, (text,))


def write_chunks(file: Path, chunks: Iterable[str]) -> None:
    """The same for a text that is not to be in memory as a whole."""
    aside = file.with_name(f".{file.name}.part")
    if file.exists() and not file.is_file():  # a rename would take the place of a device, or of a pipe
        raise FileError(f"cannot write {file}: it is there, and is not a regular file", file=file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as open_file:
            open_file.writelines(chunks)
        aside.replace(file)
    except OSError as error:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
        raise FileError(f"cannot write {file}: {error.strerror}", file=file) from None


def read_bytes(file: Path) -> bytes:
    """The bytes of a file; ``FileError`` says only why there are none: callers know what they should be."""
    try:
        # What waits for a writer, or never ends, is no file that somebody committed.
        if not stat.S_ISREG(file.stat().st_mode):
            raise FileError("Is a directory" if file.is_dir() else "it is not a regular file", file=file)
        return file.read_bytes()
    except OSError as error:
        raise FileError(error.strerror or type(error).__name__, file=file) from None
    except ValueError as error:  # a name with a null byte in it
        raise FileError(str(error), file=file) from None


def read_text(file: Path) -> str:
    """The text of a file; ``FileError`` as :func:`read_bytes`."""
    try:
        return read_bytes(file).decode()
    except UnicodeDecodeError as error:
        raise FileError(f"it is not UTF-8 text: byte {error.start} is none of it", file=file) from None


def read_json(file: Path) -> Any:
    """The JSON of a file, every key once and every number one; ``FileError`` as :func:`read_text`."""
    text = read_text(file)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise FileError(f"line {error.lineno}, column {error.colno}: {error.msg}", file=file) from None
    except ValueError as error:
        raise FileError(str(error), file=file) from None
    except RecursionError:
        raise FileError("it is nested too deeply", file=file) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for number, (key, _) in enumerate(pairs) if key in dict(pairs[:number]))
        raise ValueError(f"{twice!r} stands in one object twice")
    return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number that JSON knows")
