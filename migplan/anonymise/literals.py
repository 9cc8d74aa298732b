"""Arrays, rows and hstore as the server prints them, split into their elements."""

import re
from collections.abc import Iterator

_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|NULL)(?:, |$)', re.S)
_UNESCAPED = re.compile(r"\\(.)", re.S)


def array(text: str) -> list[str | None] | None:
    """Every element of an array, of however many dimensions, one after another; None when it is no array."""
    text = re.sub(r"^\[[-\d:\]\[]+\]=", "", text)
    if not (text.startswith("{") and text.endswith("}")):
        return None
    found: list[str | None] = []
    for piece, was_quoted in _pieces(text, "{},"):
        if was_quoted or piece:
            found.append(None if piece == "NULL" and not was_quoted else piece)
    return found


def record(text: str) -> list[str | None] | None:
    """The fields of a row; None when it is no row."""
    if not (text.startswith("(") and text.endswith(")")):
        return None
    return [piece if was_quoted or piece else None for piece, was_quoted in _pieces(text[1:-1] + ",", ",")]


def hstore(text: str) -> dict[str, str | None] | None:
    """The pairs of an hstore; None when it is none."""
    pairs: dict[str, str | None] = {}
    at = 0
    while at < len(text):
        match = _PAIR.match(text, at)
        if match is None:
            return None
        value = match.group(2)
        pairs[_UNESCAPED.sub(r"\1", match.group(1))] = None if value is None else _UNESCAPED.sub(r"\1", value)
        at = match.end()
    return pairs


def _pieces(text: str, separators: str) -> Iterator[tuple[str, bool]]:
    """What stands between separators, quotes and escapes undone, and whether it was in quotes."""
    piece: list[str] = []
    inside = was_quoted = False
    at = 0
    while at < len(text):
        character = text[at]
        if character == "\\" and at + 1 < len(text):
            at += 1
            piece.append(text[at])
        elif character == '"':
            if inside and text[at + 1 : at + 2] == '"':
                at += 1
                piece.append('"')
            else:
                inside, was_quoted = not inside, True
        elif not inside and character in separators:
            yield "".join(piece), was_quoted
            piece, was_quoted = [], False
        else:
            piece.append(character)
        at += 1
