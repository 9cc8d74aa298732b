"""Writing files so that nobody ever sees half of one."""

from __future__ import annotations

from pathlib import Path

from migplan.errors import FileError


def write_whole(file: Path, text: str) -> None:
    """Write a text aside, then rename it to the file: it appears whole or not at all."""
    aside = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(text, encoding="utf-8")
        aside.replace(file)
    except OSError as error:
        aside.unlink(missing_ok=True)
        raise FileError(f"cannot write {file}: {error.strerror}", file=file) from None
