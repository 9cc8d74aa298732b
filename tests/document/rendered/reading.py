"""Pages read back as GitHub reads them, and everything in them that would not come out as it should."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from markdown_it import MarkdownIt
from markdown_it.token import Token

PARSER = MarkdownIt("commonmark").enable("table")
_OURS = re.compile(r'<!-- migplan:[^\n]*? -->|<a id="[^"<>]+">|</a>')
_ID = re.compile(r'<a id="([^"]+)">')


def faults(files: Mapping[str, str]) -> list[str]:
    """What is wrong with the pages, in sentences."""
    found = [f"{file}: {fault}" for file, text in files.items() for fault in _page(text)]
    ids = {file: _ID.findall(text) for file, text in files.items()}
    found += [f"{file}: an id stands twice" for file, each in ids.items() if len(each) != len(set(each))]
    for file, text in files.items():
        for token in inline(PARSER.parse(text)):
            if token.type == "link_open":
                page, _, place = str(token.attrs["href"]).partition("#")
                target = str(PurePosixPath(file).with_name(page)) if page else file
                if target not in files or (place and place not in ids[target]):
                    found.append(f"{file}: a link leads to nothing: {token.attrs['href']}")
    return found


def inline(tokens: list[Token]) -> Iterator[Token]:
    """Every token, also those within a line."""
    for token in tokens:
        yield token
        yield from token.children or ()


def headings(text: str) -> list[str]:
    """The headings as they are read."""
    tokens = PARSER.parse(text)
    return [shown(tokens[place + 1]) for place, token in enumerate(tokens) if token.type == "heading_open"]


def tables(text: str) -> list[list[list[str]]]:
    """Every table: its rows, the header first, with the text of each cell."""
    found: list[list[list[str]]] = []
    tokens = PARSER.parse(text)
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append(shown(tokens[place + 1]))
    return found


def fences(text: str, language: str = "sql") -> list[str]:
    """What stands in fences."""
    return [token.content for token in PARSER.parse(text) if token.type == "fence" and token.info == language]


def shown(token: Token) -> str:
    """The text that a reader sees."""
    seen = ("text", "code_inline", "text_special")
    return "".join(child.content for child in token.children or () if child.type in seen)


def _page(text: str) -> Iterator[str]:
    lines = text.split("\n")
    tokens = PARSER.parse(text)
    if not text.endswith("-->\n"):
        yield "it does not end with its mark"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield f"line {number} ends in blanks"
    yield from _strangers(tokens)
    yield from _blocks(tokens, lines)


def _strangers(tokens: list[Token]) -> Iterator[str]:
    """What our pages have no use for."""
    for token in inline(tokens):
        if token.type in ("html_block", "html_inline"):
            rest = _OURS.sub("", token.content).strip()
            if rest:
                yield f"HTML that is not ours: {rest[:80]}"
        if token.type in ("code_block", "image", "hr"):
            yield f"{token.type}: {token.content[:80]}"


def _blocks(tokens: list[Token], lines: list[str]) -> Iterator[str]:
    """Fences that are not closed, rows that are not in their tables."""
    fenced: set[int] = set()
    tabled: set[int] = set()
    for token in tokens:
        start, end = token.map or (0, 0)
        if token.type == "fence":
            fenced |= set(range(start, end))
            if lines[end - 1] != token.markup:
                yield f"the fence of line {start + 1} is not closed"
        if token.type == "table_open":
            tabled |= set(range(start, end))
            if len({line.count("|") for line in lines[start:end]}) != 1:
                yield f"the table of line {start + 1} has rows of different lengths"
    for number, line in enumerate(lines):
        if line.startswith("|") and number not in fenced | tabled:
            yield f"line {number + 1} is not in its table"
        if "```" in line and not line.startswith("<!--") and number not in fenced:
            yield f"line {number + 1} has a fence outside of one"
