"""Showing a value: what was decided of its column, and then what the value itself looks like."""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from migplan.anonymise import literals
from migplan.anonymise.decisions import Decision, Place, Shape, decide
from migplan.anonymise.detectors import Looking, Sighting, sightings
from migplan.anonymise.stand_ins import REDACTED, StandIns, masked_id
from migplan.anonymise.types import Shown, Sort, Types
from migplan.anonymise.words import words_of
from migplan.config import ColumnKind

NULL = "NULL"
EMPTY = "''"
WIDTH = 60
_DEPTH = 8
_LONGEST_CATEGORY = 48
_ITEMS = 20
# With so many digits before its point, a number may be somebody's telephone or document.
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{7}")
# Degrees have that many decimals, and few other numbers whose column says nothing of them.
_COORDINATE = re.compile(r"-?\d{1,3}\.\d{4,}")
# A day long ago, without a time, in a column whose name says nothing: a birthday, for all we know.
_DAY = re.compile(r"(\d{4})-\d\d-\d\d(?:[ T]00:00:00(?:\.0+)?(?:[+-]\d\d(?::\d\d)?)?)?(?: BC)?$")
_LAST_BIRTHS = 2010
_DAYS = frozenset(
    (
        "created", "updated", "modified", "deleted", "published", "released", "issued", "signed", "valid",
        "start", "started", "begin", "end", "ended", "due", "expires", "expiry", "effective", "closed",
        "opened", "founded", "period", "month", "year", "week", "holiday", "season", "version",
    )
)  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Codes: of currencies, countries, languages, short numbers, time zones.
_CODE = re.compile(
    r"\d{1,6}|[A-Z]{2,3}|[a-z]{2}(?:[-_][A-Za-z]{2})?"
    r"|(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific|Etc)(?:/[A-Z][A-Za-z_-]+){1,2}"
)
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/#-]{0,47}")
_CAPITALISED = re.compile(r"(?<![A-Za-z])[A-Z][a-z]{2,}")
_KEY = re.compile(r"[\w.:@$ -]{1,60}")
_JSON_WITHIN = frozenset(  # what is said of a whole object is said of all that is in it
    set(ColumnKind)
    - {ColumnKind.KEEP, ColumnKind.JSON, ColumnKind.TEXT, ColumnKind.EXTERNAL_ID, ColumnKind.URL}
)


class Showing:
    """How values of one catalog are shown."""

    def __init__(self, types: Types, stand_ins: StandIns, vocabulary: frozenset[str]) -> None:
        self._types = types
        self._stand_ins = stand_ins
        self._vocabulary = vocabulary

    def cell(self, decision: Decision, place: Place, type_: str, value: Any) -> str:
        """A value as one line of at most sixty characters."""
        return one_line(self._shown(decision, place, self._types.of(type_), value, 0))

    def _shown(self, decision: Decision, place: Place, shown: Shown, value: Any, depth: int) -> str:
        sized = (ColumnKind.BINARY, ColumnKind.SIZE)
        if value is None:
            found = NULL
        elif decision.kind in sized or shown.sort in (Sort.BYTES, Sort.SIZED) or _is_large(shown, value):
            found = _size(value)
        elif depth > _DEPTH:
            found = REDACTED
        elif shown.sort is Sort.BOOLEAN and decision.is_kept:
            found = {"t": "true", "f": "false"}.get(str(value).lower(), str(value).lower())
        elif shown.sort is Sort.ARRAY:
            found = self._array(decision, place, shown, value, depth)
        elif decision.kind is ColumnKind.JSON:
            found = self._structure(place, shown, value, depth)
        else:
            found = self.text_of(decision, _as_text(value), words_of(place.name))
        return found

    def _array(self, decision: Decision, place: Place, shown: Shown, value: Any, depth: int) -> str:
        elements = value if isinstance(value, Sequence) and not isinstance(value, str) else None
        if elements is None:
            elements = literals.array(_as_text(value))
        if elements is None:
            return self._stand_ins.of(ColumnKind.TEXT, _as_text(value))
        element = self._types.of(shown.element)
        pieces = [self._shown(decision, place, element, each, depth + 1) for each in elements[:_ITEMS]]
        return "{" + ", ".join(pieces) + (", …" if len(elements) > _ITEMS else "") + "}"

    def _structure(self, place: Place, shown: Shown, value: Any, depth: int) -> str:
        words = words_of(place.name)
        own = decide(Place(place.name), Shown(Sort.TEXT, shown.names)).kind
        inside = own if own in _JSON_WITHIN else None
        if shown.sort is Sort.ROW:
            return self._row(place, shown, value, inside, depth)
        if shown.sort is Sort.HSTORE and isinstance(value, str):
            value = literals.hstore(value)
        elif isinstance(value, str):
            try:
                value = json.loads(value, parse_int=_Number, parse_float=_Number, parse_constant=_Number)
            except (ValueError, RecursionError):
                value = None
        if value is None:
            return "[JSON]" if shown.sort is not Sort.HSTORE else "[hstore]"
        return _printed(self._walked(value, inside, words, depth))

    def _row(self, place: Place, shown: Shown, value: Any, inside: ColumnKind | None, depth: int) -> str:
        values = literals.record(value) if isinstance(value, str) else None
        if isinstance(value, Mapping):
            values = [value.get(name) for name, _ in shown.fields]
        if values is None or len(values) != len(shown.fields):
            return self._stand_ins.of(ColumnKind.TEXT, _as_text(value))
        pieces = []
        for (name, type_), each in zip(shown.fields, values, strict=True):
            field, kind = Place(name, table=place.table), self._types.of(type_)
            inner = self._types.of(kind.element) if kind.sort is Sort.ARRAY else kind
            decision = decide(field, inner)
            if (
                inside
                and inner.sort is not Sort.BOOLEAN
                and decision.kind in (ColumnKind.KEEP, ColumnKind.TEXT)
            ):
                decision = Decision(inside, decision.why)
            pieces.append(self._shown(decision, field, kind, each, depth + 1))
        return "(" + ", ".join(pieces) + ")"

    def _walked(self, value: Any, inside: ColumnKind | None, words: tuple[str, ...], depth: int) -> Any:
        """What is in JSON, each piece decided by the key it stands under, and by those above."""
        if value is None or isinstance(value, bool):
            return value
        if depth > _DEPTH:
            return REDACTED
        if isinstance(value, Mapping):
            pairs = list(value.items())[:_ITEMS]
            return {self._key(str(key)): self._under(str(key), each, inside, depth) for key, each in pairs}
        if isinstance(value, list | tuple):
            return [self._walked(each, inside, words, depth + 1) for each in value[:_ITEMS]]
        if inside is not None:
            return self._masked(inside, str(value))
        sort = Sort.TEXT if isinstance(value, str) and not isinstance(value, _Number) else Sort.NUMBER
        shown = self.text_of(decide(Place("_".join(words)), Shown(sort)), str(value), words)
        return _Number(shown) if sort is Sort.NUMBER and shown == str(value) else shown

    def _under(self, key: str, value: Any, inside: ColumnKind | None, depth: int) -> Any:
        own = decide(Place(key), Shown(Sort.TEXT)).kind
        if own in _JSON_WITHIN and not (isinstance(value, _Number | int | float) and inside is None):
            inside = own
        return self._walked(value, inside, words_of(key), depth + 1)

    def _key(self, key: str) -> str:
        """A key, if it is made of words that things are called by; anything may be a key in JSON."""
        words = words_of(key)
        short = [word for word in words if len(word) <= 2 and not word.isdigit()]
        known = all(
            word in self._vocabulary or (len(word) <= 4 if word.isdigit() else len(word) <= 2)
            for word in words
        )
        if known and words and len(short) <= 1 and _KEY.fullmatch(key) and not sightings(key):
            return key
        return "key " + self._stand_ins.of(ColumnKind.NAME, key).rpartition(" ")[2]

    def text_of(self, decision: Decision, value: str, words: tuple[str, ...]) -> str:
        """A single value, by what was decided and by what it looks like."""
        if decision.shape is Shape.BY_HAND:
            return redacted(value, sightings(value, Looking.FOR_SECRETS))
        if not value.strip():
            return EMPTY
        if decision.kind is not ColumnKind.KEEP:
            return self._masked(decision.kind, value, words)
        if decision.shape in (Shape.NUMBER, Shape.ANY):
            return self._plain(decision, value, words)
        seen = sightings(value)
        return self._instead(seen, value) if seen else self._named(decision, value, words)

    def _named(self, decision: Decision, value: str, words: tuple[str, ...]) -> str:
        """A category or a key, if the value has the looks of one."""
        if value in decision.allowed:
            return value
        if decision.shape is Shape.ID:
            return value if _is_id(value) else masked_id(value, self._prefixes(words))
        return value if self.is_category(value) else self._stand_ins.of(ColumnKind.TEXT, value)

    def _plain(self, decision: Decision, value: str, words: tuple[str, ...]) -> str:
        """Numbers, moments, ids: they are shown, but for numbers that may be somebody's."""
        if _UUID.fullmatch(value):
            return value
        if decision.shape is Shape.NUMBER and _LONG_NUMBER.search(value):
            return self._stand_ins.of(ColumnKind.NUMBER, value)
        if decision.shape is Shape.NUMBER and _COORDINATE.fullmatch(value) and 1 <= abs(float(value)) <= 180:
            return self._stand_ins.of(ColumnKind.PLACE, value)
        if (day := _DAY.match(value)) and int(day[1]) < _LAST_BIRTHS and not _DAYS.intersection(words):
            return self._stand_ins.of(ColumnKind.BIRTH, value)
        seen = sightings(value, Looking.FOR_SECRETS)
        return self._instead(seen, value) if seen else value

    def _masked(self, kind: ColumnKind, value: str, words: tuple[str, ...] = ()) -> str:
        if kind is ColumnKind.EXTERNAL_ID:
            seen = sightings(value)
            whole = [
                each for each in seen if each.kind in (ColumnKind.EMAIL, ColumnKind.NUMBER, ColumnKind.IP)
            ]
            return self._instead(tuple(whole), value) if whole else masked_id(value, self._prefixes(words))
        return self._stand_ins.of(kind, value)

    def _instead(self, seen: Sequence[Sighting], value: str) -> str:
        """What stands in for a value in which something was seen: all of it goes, not only that piece."""
        first = seen[0]
        if len(seen) == 1 and first.kind is ColumnKind.EMAIL and (first.start, first.end) == (0, len(value)):
            return self._stand_ins.of(ColumnKind.EMAIL, value)
        return REDACTED if first.kind is ColumnKind.SECRET else self._stand_ins.of(first.kind, value)

    def _prefixes(self, words: tuple[str, ...]) -> frozenset[str]:
        """Beginnings of the words that the column and the catalog use: ``MOTO`` of motopress."""
        return (
            frozenset(word[:length] for word in words for length in range(2, len(word) + 1))
            | _PLATFORM_PREFIXES
        )

    def is_category(self, value: str) -> bool:
        """A code, or words that things are called by: any other word may be somebody's name."""
        if len(value) > _LONGEST_CATEGORY or _CODE.fullmatch(value):
            return len(value) <= _LONGEST_CATEGORY
        words = words_of(value)
        return bool(words) and all(word in self._vocabulary for word in words)


_PLATFORM_PREFIXES = frozenset(("moto", "mphb", "cus", "sub", "pi", "ch", "evt", "inv", "ext", "res", "ref"))


class _Number(str):
    """A number as it is written, which no float would give back."""

    __slots__ = ()


def _is_id(value: str) -> bool:
    return bool(_ID.fullmatch(value)) and not _CAPITALISED.search(value)


def _is_large(shown: Shown, value: Any) -> bool:
    """Whether only the size of a value was read: a number where no number can be."""
    return isinstance(value, int) and shown.sort not in (Sort.NUMBER, Sort.BOOLEAN, Sort.SYSTEM)


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _size(value: Any) -> str:
    if isinstance(value, int):
        return f"({value:,} bytes)"
    length = len(value) if isinstance(value, bytes | bytearray | memoryview) else 0
    return f"({length:,} bytes)" if length else "(bytes)"


def _printed(value: Any) -> str:
    """JSON on one line, numbers as they were written."""
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, Mapping):
        pairs = (f"{json.dumps(key, ensure_ascii=False)}: {_printed(each)}" for key, each in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_printed, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def redacted(text: str, seen: Sequence[Sighting]) -> str:
    """The text, with a mark in place of what was seen."""
    return "".join(_with_marks(text, seen))


def _with_marks(text: str, seen: Sequence[Sighting]) -> Iterator[str]:
    at = 0
    for each in seen:
        yield text[at : each.start]
        yield REDACTED
        at = each.end
    yield text[at:]


def one_line(text: str) -> str:
    """A text without line breaks and characters that are not seen, cut where it gets long."""
    clean = text[: WIDTH * 20]
    if not clean.isprintable():
        clean = "".join(" " if unicodedata.category(each)[0] in "CZ" else each for each in clean)
    clean = " ".join(clean.split())
    return clean if len(clean) <= WIDTH else clean[: WIDTH - 1].rstrip() + "…"
