"""Marks of tools that are not the folder's: what follows them may be the way back, and must not run."""

import re

from migplan.migrations.model import Migration, Style
from migplan.migrations.source_files import SourceFile, marks, statements_of
from migplan.sql.split import SqlFileError

_OF_TOOLS = (
    ("dbmate", rb"--[ \t]*migrate:(?:up|down)\b"),
    ("goose", rb"--[ \t]*\+goose[ \t]+(?:up|down)\b"),
    ("sql-migrate", rb"--[ \t]*\+migrate[ \t]+(?:up|down)\b"),
    ("micrate", rb"--[ \t]*\+micrate[ \t]+(?:up|down)\b"),
    ("rambler", rb"--[ \t]*rambler[ \t]+(?:up|down)\b"),
    ("node-pg-migrate", rb"--[ \t]*(?:up|down)[ \t]+migration\b"),
    ("tern", rb"-{2,}[ \t]*create above[ \t]*/[ \t]*drop below"),
    ("MyBatis Migrations", rb"--[ \t]*//[ \t]*@undo\b"),
    ("yoyo or another tool", rb"--[ \t]*@(?:up|down)\b"),
)
_TOOL = re.compile(
    rb"^[ \t]*(?:" + b"|".join(b"(" + pattern + b")" for _, pattern in _OF_TOOLS) + rb")[^\n]*(?:\n|\Z)",
    re.MULTILINE | re.IGNORECASE,
)
_UP = re.compile(rb"\bup\b", re.IGNORECASE)
# A comment that says nothing else; it is a mark if there is one of each, and statements below the second.
_BARE = re.compile(
    rb"^[ \t]*--[ \t=#*>-]*(up|down)(?:grade)?[ \t]*:?[ \t=#*<-]*\r?(?:\n|\Z)", re.MULTILINE | re.IGNORECASE
)


def refuse_foreign_marks(source: SourceFile, migration: Migration, style: Style) -> None:
    """Raise SqlFileError with the line of a mark in a migration's up part that another tool would obey."""
    if migration.kind == "python":
        return
    up = migration.up
    if _TOOL.search(source.data, up.start, up.end):
        found = [mark for mark in marks(source, _TOOL) if up.start <= mark.start() < up.end]
        ends = [*(mark.start() for mark in found[1:]), up.end]
        for mark, end in zip(found, ends, strict=False):
            which = mark.lastindex or 1
            if not _UP.search(mark[which]) and _has_statements(source, mark, end):
                tool = _OF_TOOLS[which - 1][0]
                raise _refused(source, mark, f"is a mark of {tool}'s", style)
    bare = list(_BARE.finditer(source.data, up.start, up.end))
    if {mark[1].lower() for mark in bare} == {b"up", b"down"}:
        last = next(mark for mark in marks(source, _BARE) if mark[1].lower() == b"down")
        if _has_statements(source, last, up.end):
            raise _refused(source, last, "looks like the beginning of the way back", style)


def _has_statements(source: SourceFile, mark: re.Match[bytes], end: int) -> bool:
    """Whether there is anything to run from a mark up to an end: a way back in comments runs nowhere."""
    return next(statements_of(source.part(mark.end(), end)), None) is not None


def _refused(source: SourceFile, mark: re.Match[bytes], what: str, style: Style) -> SqlFileError:
    line = " ".join(mark[0].decode().split())
    return source.error(
        f"{line!r} {what}, and migplan would run what is below it; nothing was run",
        mark.start(),
        f"take the mark out; the way back is written {style.way_back}",
    )
