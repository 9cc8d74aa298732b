"""Markdown that shows what it is given as it is: names, comments and values can hold anything.

Pages have to come out the same on GitHub (CommonMark) and with MkDocs (Python-Markdown), which do not agree
on what a backslash escapes. Entities mean the same to both. Every function that yields lines yields a whole
block, the blank line behind it included.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from markupsafe import Markup

from migplan.text.printable import printable, printable_sql

_ENTITIES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;"} | {sign: f"&#{ord(sign)};" for sign in "\\`*[]{}|~$"}
)
# Within a word an underscore is only itself.
_EMPHASIS = re.compile(r"(?<!\w)_++|_++(?!\w)")
_AT_THE_START = re.compile(r"[#+=:!?-]|(?<=\d)[.)]")
_BACKTICKS = re.compile("`+")
_NOT_IN_CODE = re.compile(r"[`|<&\\]|^\s|\s$|\s\s|^$")
_MARK = "<!-- migplan:"


def visible(value: str) -> str:
    """Return the value in one line, invisible and right-to-left characters spelled out."""
    return printable(" ".join(value.split()))


def text(value: object) -> Markup:
    """Return text that is shown as it is, also in a table, a heading or a link."""
    return _escaped(str(value))


@lru_cache(maxsize=2**13)  # names and types come again and again
def _escaped(value: str) -> Markup:
    safe = visible(value).translate(_ENTITIES)
    return Markup(_EMPHASIS.sub(lambda found: "&#95;" * len(found.group()), safe))


def prose(value: str) -> Iterator[str]:
    """Return paragraphs, none of which becomes a list or a heading."""
    for part in re.split(r"\n\s*\n", value.replace("\r\n", "\n")):
        line = str(text(part))
        found = _AT_THE_START.match(line, len(line) - len(line.lstrip("0123456789")))
        if found:
            line = f"{line[: found.start()]}&#{ord(found.group())};{line[found.end() :]}"
        if line:
            yield from block(line)


def code(value: object) -> Markup:
    """Return a name, type or value as code; as plain text where some readers would end the code too early."""
    shown = str(value)
    if not shown.isprintable():
        shown = visible(shown)
    return text(shown) if _NOT_IN_CODE.search(shown) else Markup(f"`{shown}`")


def link(label: object, target: str) -> Markup:
    """Return a link; the target is ours, and needs no escape."""
    return Markup(f"[{text(label)}]({target})")


def block(*lines: str) -> Iterator[str]:
    """Some lines that belong together."""
    yield from lines
    yield ""


def heading(level: int, title: str) -> Iterator[str]:
    """A heading; the title is markup already."""
    yield from block(f"{'#' * level} {title}")


def table(header: Sequence[str], rows: Iterable[Sequence[str]], align: str = "") -> Iterator[str]:
    """A table; ``align`` has an ``r`` for each column of numbers. The cells are markup already."""
    yield _row(header)
    yield _row(["---:" if side == "r" else "---" for side in align.ljust(len(header))])
    yield from map(_row, rows)
    yield ""


def fence(content: str, language: str = "sql") -> Iterator[str]:
    """Return a block of code, between fences that nothing in it can close."""
    # A mark in somebody's string would be read as one of ours on the next run.
    shown = content.replace("\r\n", "\n").replace(_MARK, _MARK.replace("migplan", "(migplan)")).strip("\n")
    if language == "sql":
        shown = printable_sql(shown)
    longest = max(map(len, _BACKTICKS.findall(shown)), default=0)
    ticks = "`" * max(3, longest + 1)
    yield f"{ticks}{language}"
    for line in shown.split("\n"):
        yield printable(line, keep="\t").rstrip()
    yield ticks
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
