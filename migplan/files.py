"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from migplan.errors import FileError


def write_whole(file: Path, text: str) -> None:
    """Write a text aside, then rename it to the file: it appears whole or not at all."""
    write_chunks(file, (text,))


def write_chunks(file: Path, chunks: Iterable[str]) -> None:
    """The same for a text that is not to be in memory as a whole."""
    aside = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("w", encoding="utf-8") as open_file:
            open_file.writelines(chunks)
        aside.replace(file)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FileError(f"cannot write {file}: {error.strerror}", file=file) from None
