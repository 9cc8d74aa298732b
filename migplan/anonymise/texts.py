"""Texts that come out of a database (comments, SQL), without what gives anybody away.

SQL is looked through literal by literal, and outside of literals only for what is surely a secret: a long
number in a check is no telephone. Names of objects stay as they are.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from migplan.anonymise.detectors import Looking, sightings
from migplan.anonymise.stand_ins import REDACTED
from migplan.anonymise.values import redacted

_LITERAL = re.compile(
    r"\b[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?P=tag)\$|\$\$.*?\$\$"
    r"|--[^\n]*|/\*.*?\*/",
    re.S,
)
_CODE = re.compile(
    r"::|\(\(|^\s*(?:select|with|create|alter|for values|check|exclude|foreign key|primary key|unique|insert|"
    r"update|delete|merge|range|list|hash)\b|\w\(|^'.*'$|\bcurrent_\w+|^\(.*\)$",
    re.IGNORECASE | re.S,
)
# Functions whose first argument is the name of a setting, an object, a unit or a language.
_TAKES_A_NAME = re.compile(
    r"\b(?:current_setting|set_config|nextval|currval|setval|date_trunc|date_part|to_ts\w+|timezone|\w+_to_ts\w+)"
    r"\(\(*$"
)
_MAY_HOLD_DATA = re.compile(r"['$@]|--|/\*|://|\d{8}")
_CAST_TO_NUMBER = re.compile(r"\)*::\"?(?:big|small)?(?:int|numeric|double|real|oid|bit|integer)")


def shown(text: str) -> str:
    """A text, be it SQL or prose, with marks."""
    return code(text) if _CODE.search(text) else prose(text)


def prose(text: str) -> str:
    """What people wrote, with marks."""
    return redacted(text, sightings(text))


@lru_cache(maxsize=2**13)
def code(text: str) -> str:
    """SQL with marks; the literals around them stay literals."""
    # First what spans several pieces: the name of a secret, an equals sign and a literal.
    text = redacted(text, _spanning(text))
    found: list[str] = []
    at = 0
    for literal in _LITERAL.finditer(text):
        found.append(text[at : literal.start()])
        found.append(_literal(literal.group(), text[literal.end() : literal.end() + 24]))
        at = literal.end()
    found.append(text[at:])
    return "".join(found)


def _spanning(text: str) -> list[Any]:
    return [
        each for each in sightings(text, Looking.AT_CODE) if not _within_literal(text, each.start, each.end)
    ]


def _within_literal(text: str, start: int, end: int) -> bool:
    return any(each.start() < start and end < each.end() for each in _LITERAL.finditer(text))


def _literal(text: str, after: str) -> str:
    if _CAST_TO_NUMBER.match(after) and re.fullmatch(r"'-?[\d.]+'", text):
        return text
    return redacted(text, sightings(text))


def strict(text: str, harmless: Callable[[str, str], bool]) -> str:
    """SQL with a mark for every string that is not known to be harmless, by itself and what follows it."""

    def instead(literal: re.Match[str]) -> str:
        said = literal.group()
        if not said.endswith("'") or REDACTED in said:
            return said
        begin = said.index("'") + 1
        if _TAKES_A_NAME.search(text, max(literal.start() - 40, 0), literal.start()):
            return said
        value, after = said[begin:-1].replace("''", "'"), text[literal.end() : literal.end() + 24]
        if harmless(value, after) or (_CAST_TO_NUMBER.match(after) and re.fullmatch(r"-?[\d.]+", value)):
            return said
        return f"{said[:begin]}{REDACTED}'"

    if not _MAY_HOLD_DATA.search(text):  # most indexes: names of columns, and nothing else
        return text
    text = code(text)
    return _LITERAL.sub(instead, text)
