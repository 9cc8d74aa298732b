"""Folders of migrations, made from a text for each file."""

from __future__ import annotations

from pathlib import Path

from migplan.migrations.analysis import Analysis, analyze
from migplan.migrations.model import Use
from migplan.migrations.source_files import load, statements_of
from migplan.migrations.uses import uses


def folder(path: Path, **files: str | bytes) -> Path:
    """Write files: ``_001_hotels=...`` is ``001_hotels.sql``."""
    return written(path, {f"{name.removeprefix('_')}.sql": text for name, text in files.items()})


def written(path: Path, files: dict[str, str | bytes]) -> Path:
    """Write files by their names."""
    for name, text in files.items():
        file = path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def analysis(path: Path, **files: str) -> Analysis:
    """The analysis of a folder of such files."""
    return analyze(folder(path, **files))


def uses_of(path: Path, sql: str) -> tuple[Use, ...]:
    """The uses of one file."""
    file = path / "one.sql"
    file.write_text(sql)
    return uses(statements_of(load(file).part()))


def said(path: Path, sql: str) -> set[str]:
    """The same as ``creates table public.hotels``; what is not sure has a question mark."""
    return {
        f"{use.how} {use.thing}{f' to {use.to.name}' if use.to else ''}{'' if use.sure else '?'}"
        for use in uses_of(path, sql)
        if use.how != "clouds"
    }
