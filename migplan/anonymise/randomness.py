"""Telling a random string from what a person would call something."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import pairwise
from math import log2

_UUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)
_SEPARATORS = re.compile(r"[_\-./=+~:]+")
_CHANGES = re.compile(r"(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_HEX = re.compile(r"[0-9a-fA-F]{16,}")


@lru_cache(maxsize=2**12)
def looks_random(text: str, shortest: int = 12) -> bool:
    """Whether a string, or a piece of it, is such as machines make: keys, digests, encoded bytes.

    >>> looks_random("a8Kd93kQz1Lm"), looks_random("idx_guest_reservations_2024_01")
    (True, False)
    """
    if len(text) < shortest or (_UUID.fullmatch(text) and "-" in text):
        return False
    return any(_piece(piece, shortest) for piece in _SEPARATORS.split(text)) or _rich(text)


def _piece(piece: str, shortest: int) -> bool:
    if len(piece) < shortest:
        return False
    digits = sum(character.isdigit() for character in piece)
    letters = len(piece) - digits
    if _HEX.fullmatch(piece) and digits and letters:
        return True
    if not letters:
        return len(piece) >= 20
    changes = len(_CHANGES.findall(piece))
    if digits >= 2 and letters >= 2 and changes >= 3:
        return True
    return len(piece) >= 14 and _case_changes(piece) >= 5 and not _is_camel(piece)


def _case_changes(piece: str) -> int:
    return sum(a.isupper() != b.isupper() for a, b in pairwise(piece))


def _is_camel(piece: str) -> bool:
    """``mphbBookingStatusCode``: words of three letters and more, each with one capital."""
    return bool(re.fullmatch(r"[A-Z]{0,3}[a-z]*(?:[A-Z][a-z]{2,}|[A-Z]{2,4}$)*\d*", piece))


def _rich(text: str) -> bool:
    """Many different characters of every sort, in a text that is too long to be a name."""
    if len(text) < 20 or not (
        re.search("[a-z]", text) and re.search("[A-Z]", text) and re.search(r"\d", text)
    ):
        return False
    counts = Counter(text)
    entropy = -sum(n / len(text) * log2(n / len(text)) for n in counts.values())
    return entropy > 4.2 and max(map(len, _SEPARATORS.split(text))) >= 10
