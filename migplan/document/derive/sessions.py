"""Conditions of policies, taken apart: what they compare with the session, and what with other tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from migplan.catalog.model import Table
from migplan.document.derive.columns import is_tenant

NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_]\w*)'
_CAST = rf"(?:::(?:{NAME}\.)?(?:{NAME}|character varying|bigint)(?:\[\])?)?"
_SETTING = re.compile(r"current_setting\('([^']+)'")
_CLAIM = re.compile(r"(?:auth\.jwt\(\)|request\.jwt).*?->>\s*'([^']+)'", re.DOTALL)
_PERSON = re.compile(r"\bauth\.uid\(\)|\b(?:CURRENT_USER|SESSION_USER|current_user_id\(\))", re.IGNORECASE)
_CALL = re.compile(rf"((?:{NAME}\.)?{NAME})\(\)")
_CALLED = re.compile(rf"((?:{NAME}\.)?{NAME})\(")
_WORDS = re.compile(r"[()]|\b(?:CASE|END|BETWEEN|OR|AND)\b")
_LITERAL = re.compile(r"'(?:[^']|'')*'")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A column that a policy compares with something of the session."""

    column: str
    source: str  # what of the session, in words
    personal: bool = False  # a person's own rows, rather than those of a tenant


@lru_cache(maxsize=2**14)
def stripped(text: str) -> str:
    """An expression without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def parenthesised(text: str) -> str:
    """An expression in exactly one pair of parentheses."""
    return f"({stripped(text)})"


@lru_cache(maxsize=2**14)
def conjuncts(text: str) -> tuple[str, ...]:
    """The parts of a condition that all have to hold."""
    return (stripped(text),) if len(alternatives(text)) > 1 else _divided(text, "AND")


@lru_cache(maxsize=2**14)
def alternatives(text: str) -> tuple[str, ...]:
    """The parts of a condition one of which has to hold. The server puts AND within OR in parentheses."""
    return _divided(text, "OR")


def _divided(text: str, by: str) -> tuple[str, ...]:
    text = stripped(text)
    depth, start, parts = 0, 0, []
    for found in _WORDS.finditer(_hidden(text)):
        word = found.group()
        if word in ("(", "CASE"):
            depth += 1
        elif word in (")", "END"):
            depth -= 1
        elif depth == 0 and word == "BETWEEN":
            return (text,)
        elif depth == 0 and word == by:
            parts.append(text[start : found.start()])
            start = found.end()
    return tuple(stripped(part) for part in (*parts, text[start:]))


def call_in(text: str) -> tuple[str, str] | None:
    """The name and the arguments of a call, where the whole expression is one."""
    found = _CALLED.match(text)
    if found is None or not closes_at_end(text, found.end() - 1):
        return None
    return found[1], text[found.end() : -1]


def compared(condition: str, table: Table) -> Iterator[Comparison]:
    """Columns of the table that must equal something of the session."""
    for part in conjuncts(condition):
        found = comparison(part, table)
        if found is not None:
            yield found


def comparison(part: str, table: Table) -> Comparison | None:
    """One part as a comparison of a column with the session, if it is one; a function may do it by itself."""
    if len(alternatives(part)) > 1:
        return None
    if (call := call_in(part)) and (column := column_in(call[1], table)) and is_tenant(column):
        return Comparison(column, f"what {call[0]}() looks for")
    for left, right in _sides(part):
        column = column_in(left, table)
        if column is None or _speaks_of(column, right):
            continue
        source = source_in(right)
        if source:
            return Comparison(column, source, personal=bool(_PERSON.search(right)))
    return None


def _speaks_of(column: str, text: str) -> bool:
    """Whether the column stands in it, other than in a literal."""
    return re.search(rf"(?<!\w){re.escape(column)}(?!\w)", _LITERAL.sub("", text)) is not None


def source_in(text: str) -> str:
    """What of the session an expression reads, in words; empty when it is something else."""
    inner = stripped(text)
    if re.match(r"SELECT\b", inner) and re.search(r"\bFROM\b", _hidden(inner)):
        return ""
    if setting := _SETTING.search(inner):
        return f"the setting {setting[1]}"
    if claim := _CLAIM.search(inner):
        return f"the claim {claim[1]} of the token"
    if person := _PERSON.search(inner):
        return f"the one who asks ({person.group()})"
    if call := _CALL.search(inner):
        return f"what {call[1]}() says"
    return ""


def column_in(text: str, table: Table) -> str | None:
    """The column of the table that an expression is, casts aside."""
    inner = stripped(text)
    found = re.fullmatch(rf"\(?({NAME})\)?{_CAST}", inner)
    if found is None:
        return None
    name = found[1]
    name = name[1:-1].replace('""', '"') if name.startswith('"') else name
    return name if any(column.name == name for column in table.columns) else None


def _sides(part: str) -> Iterator[tuple[str, str]]:
    """Both sides of an equation, either way round."""
    bare = _hidden(part)
    depth = 0
    for place, character in enumerate(bare):
        depth += (character == "(") - (character == ")")
        if depth == 0 and bare[place : place + 3] == " = ":
            left, right = part[:place], part[place + 3 :]
            yield left, right
            yield right, left
            return


def closes_at_end(text: str, place: int) -> bool:
    """Whether the parenthesis that opens there is closed at the very end."""
    return _closing(text[place:]) == len(text) - place - 1


def _closing(text: str) -> int:
    """Where the parenthesis with which the text begins is closed."""
    depth = 0
    for place, character in enumerate(_hidden(text)):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return place
    return -1


def _hidden(text: str) -> str:
    """The text with what stands in quotes blanked, length kept."""
    return _QUOTED.sub(lambda found: "_" * len(found.group()), text)
