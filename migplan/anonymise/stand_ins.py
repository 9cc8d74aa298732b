"""Stand-ins: the same for the same value wherever it stands, and too few of them to tell the value by.

A code word is one of 17,576. Whoever guesses a name and computes its word has only learnt that one name in
17,576 has it, key or no key; that is why it is so short.
"""

import hmac
import re
import unicodedata
from string import ascii_uppercase

from migplan.config import ColumnKind

REDACTED = "[redacted]"
_NOT_LETTERS = re.compile(r"[\W_]+")
_RUN = re.compile(r"[^\W_]+")
_LONGEST_RUN = 8

_FORMS: dict[ColumnKind, str] = {
    ColumnKind.NAME: "Name {word}",
    ColumnKind.EMAIL: "{small}@example.com",
    ColumnKind.PHONE: "+000 000 {number:04}",
    ColumnKind.ADDRESS: "Address {word}",
    ColumnKind.TEXT: "Text {word}",
    ColumnKind.URL: "https://{small}.example.com/",
    ColumnKind.IP: "192.0.2.{octet}",
    ColumnKind.DOCUMENT: "Document {word}",
    ColumnKind.NUMBER: "0000 {number:04}",
    ColumnKind.SECRET: REDACTED,
    ColumnKind.BIRTH: "1900-01-01",
    ColumnKind.PLACE: "(0, 0)",
    ColumnKind.MONEY: "[amount]",
    ColumnKind.BINARY: "[bytes]",
    ColumnKind.SIZE: "[large]",
    ColumnKind.JSON: "[JSON]",
}


class StandIns:
    """What stands in for values, by the key of the settings."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of(self, kind: ColumnKind, value: str) -> str:
        """What is shown in place of the value."""
        form = _FORMS.get(kind, "Text {word}")
        if "{" not in form:
            return form
        number = self._number(kind, value)
        word = _word(number)
        return form.format(word=word, small=word.lower(), number=number % 10_000, octet=1 + number % 254)

    def _number(self, kind: ColumnKind, value: str) -> int:
        told = f"{kind.value}\0{_normal(kind, value)}".encode("utf-8", "surrogatepass")
        return int.from_bytes(hmac.digest(self._key, told, "sha256")[:8])


def masked_id(value: str, known_prefixes: frozenset[str]) -> str:
    """``MOTO_xxxxx``: the prefix that is known to be one, the separators, and nothing else.

    >>> masked_id("MOTO_12345", frozenset({"moto"}))
    'MOTO_xxxxx'
    """
    head = re.match(r"([A-Za-z]{2,12})[_\-.:/#]", value)
    kept = head.group(1) if head and head.group(1).lower() in known_prefixes else ""
    rest = value[len(kept) :][:60]
    rest = "".join(each if each.isalnum() or each in "_-.:/# " else "-" for each in rest)
    return kept + _RUN.sub(lambda run: "x" * min(len(run.group()), _LONGEST_RUN), rest)


def _normal(kind: ColumnKind, value: str) -> str:
    """One spelling of what people spell in several ways."""
    value = unicodedata.normalize("NFKC", value).strip()
    match kind:
        case ColumnKind.PHONE | ColumnKind.NUMBER:
            return re.sub(r"\D", "", value).lstrip("0") or value
        case ColumnKind.DOCUMENT:
            return _NOT_LETTERS.sub("", value).casefold()
        case ColumnKind.NAME | ColumnKind.ADDRESS:
            return " ".join(value.split()).casefold()
        case ColumnKind.EMAIL | ColumnKind.IP:
            return value.casefold()
    return value


def _word(number: int) -> str:
    letters = ascii_uppercase
    return letters[number % 26] + letters[number // 26 % 26] + letters[number // 676 % 26]
