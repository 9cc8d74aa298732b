"""Text that cannot do anything to a terminal, a page or a reader: what is not seen is spelled out.

Names, comments, rows and servers' messages can hold anything: escape sequences that paint or type, marks that
turn the writing round, characters without width, half a surrogate. Outside of SQL they are spelled as JSON
would (``\\u202e``), which makes it also the right way to write them in JSON.
"""

import re
import unicodedata
from collections.abc import Callable

# Joiners make one emoji of several, and belong to the spelling of some languages: of none that is ASCII.
_JOINERS = "\u200c\u200d"
_ODD = re.compile(r"[^ -~]")
_PIECES = re.compile(
    r"--[^\n]*|/\*.*?\*/|\$(?P<tag>(?:[A-Za-z_]\w*)?)\$.*?\$(?P=tag)\$|\b[eE]'(?:[^'\\]|\\.|'')*'"
    r"|(?P<before>\w|&)?(?P<mark>[\"'])(?P<inside>(?:(?!(?P=mark)).|(?P=mark){2})*)(?P=mark)",
    re.S,
)


def printable(text: str, *, keep: str = "", spell: Callable[[str], str] | None = None) -> str:
    """The text with everything spelled out that is not seen, but for what is to be kept (``\\n``, say)."""
    if text.isprintable():
        return text
    return _ODD.sub(lambda found: _shown(found, keep, spell or spelled), text)


def printable_sql(text: str) -> str:
    """SQL that means the same and can be shown: names and strings with ``U&`` where something is not seen.

    See https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS-UESCAPE.
    """
    if not _is_seen(text, "\n\t"):
        text = _PIECES.sub(_with_unicode_escapes, text)
    return printable(text, keep="\n\t")


def _shown(found: re.Match[str], keep: str, spell: Callable[[str], str]) -> str:
    sign = found.group()
    if sign in keep or _harmless(sign):
        return sign
    if sign in _JOINERS:
        around = (
            found.string[max(found.start() - 1, 0) : found.start()],
            found.string[found.end() : found.end() + 1],
        )
        if all(each > "~" and (_harmless(each)) for each in around):
            return sign
    return spell(sign)


def spelled(sign: str) -> str:
    """Return a character as JSON spells it."""
    code = ord(sign)
    if code < 0x10000:
        return f"\\u{code:04x}"
    return f"\\u{0xD800 + (code - 0x10000 >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _harmless(sign: str) -> bool:
    return sign.isprintable() or unicodedata.category(sign) == "Zs"


def _is_seen(text: str, keep: str) -> bool:
    return printable(text, keep=keep) == text


def _with_unicode_escapes(found: re.Match[str]) -> str:
    inside = found["inside"]
    # Comments stay what they are; E'', U&"" and dollars have rules of their own.
    if inside is None or _is_seen(inside, "\n\t") or found["before"]:
        return found.group()
    escaped = "".join(_escaped(sign) for sign in inside)
    return f"U&{found['mark']}{escaped}{found['mark']}"


def _escaped(sign: str) -> str:
    if sign == "\\":
        return "\\\\"
    if _harmless(sign):
        return sign
    return f"\\{ord(sign):04x}" if ord(sign) < 0x10000 else f"\\+{ord(sign):06x}"
