"""Deciding what a column holds: by its name, type, comment, and what may stand in it; the strictest wins.

A text whose name says nothing is masked. It is shown only as a category or as a key, and then only if the
value itself looks like one; which is for :mod:`migplan.anonymise.values` to see.
"""

from dataclasses import dataclass
from enum import StrEnum

from migplan.anonymise import words as vocabulary
from migplan.anonymise.types import Shown, Sort
from migplan.anonymise.words import PEOPLE, PLATFORMS, is_category, is_tally, said_by, words_of
from migplan.config import ColumnKind


class Shape(StrEnum):
    """What a value must look like to be shown, of those that may be."""

    ANY = "any"
    CATEGORY = "category"
    ID = "id"
    NUMBER = "number"
    BY_HAND = "by hand"  # people said so, and only what is surely a secret is taken out


@dataclass(frozen=True, slots=True)
class Decision:
    """What a column holds, and why we think so."""

    kind: ColumnKind
    why: str
    shape: Shape = Shape.ANY
    allowed: frozenset[str] = frozenset()  # values that the structure lists: they are nobody's data

    @property
    def is_kept(self) -> bool:
        """Whether values are shown, as far as they look harmless."""
        return self.kind is ColumnKind.KEEP


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, as far as that says something of it."""

    name: str
    comment: str = ""
    table: str = ""
    is_key: bool = False
    listed: frozenset[str] = frozenset()


_OF_OTHERS = frozenset(("external", "ext", "remote", "externo"))
_IDS = frozenset(("id", "ids", "uid", "uuid", "guid", "ref"))
# What the name of an id says of the thing it names, not of itself: guest_id is no guest.
_OF_THE_THING = frozenset(
    (ColumnKind.NAME, ColumnKind.ADDRESS, ColumnKind.TEXT, ColumnKind.URL, ColumnKind.EMAIL, ColumnKind.PHONE)
)
_NUMBERS_THAT_TELL = frozenset(
    (
        ColumnKind.SECRET, ColumnKind.DOCUMENT, ColumnKind.BIRTH, ColumnKind.NUMBER, ColumnKind.PHONE,
        ColumnKind.PLACE, ColumnKind.MONEY, ColumnKind.IP, ColumnKind.ADDRESS,
    )
)  # fmt: skip
_COMMENTS_TELL = frozenset(
    (
        ColumnKind.SECRET, ColumnKind.DOCUMENT, ColumnKind.BIRTH, ColumnKind.NUMBER, ColumnKind.EMAIL,
        ColumnKind.PHONE, ColumnKind.PLACE, ColumnKind.MONEY,
    )
)  # fmt: skip
_HARMLESS = (ColumnKind.KEEP, "its type holds nothing of a person")
_NUMBERED = (("code",), ("number",), ("numero",), ("sku",))
_WHOLE = {
    Sort.BOOLEAN: _HARMLESS,
    Sort.SYSTEM: _HARMLESS,
    Sort.BYTES: (ColumnKind.BINARY, "its bytes are not looked into"),
    Sort.NET: (ColumnKind.IP, "its type holds network addresses"),
    Sort.PLACE: (ColumnKind.PLACE, "its type holds places"),
    Sort.SIZED: (ColumnKind.SIZE, "its values are large, and made from others"),
}


def decide(place: Place, shown: Shown) -> Decision:
    """What stands in a place whose values have that type."""
    words = words_of(place.name)
    by_name = _said(words, shown)
    match shown.sort:
        case Sort.ENUM:
            found = Decision(ColumnKind.KEEP, "its type lists the values", Shape.CATEGORY, shown.labels)
        case Sort.MOMENT | Sort.RANGE:
            found = _moment(place, by_name, shown)
        case Sort.UUID:
            found = _uuid(place, by_name, words)
        case Sort.NUMBER:
            found = _number(place, by_name, words)
        case Sort.JSON | Sort.HSTORE | Sort.ROW:
            found = _structured(by_name)
        case Sort.TEXT:
            found = _text(place, by_name, words, shown)
        case Sort.OTHER | Sort.ARRAY:
            why = _name_says(by_name) if by_name else "its type is not known"
            found = Decision(by_name or ColumnKind.TEXT, why)
        case _:
            found = Decision(*_WHOLE[shown.sort])
    return found


def _said(words: tuple[str, ...], shown: Shown) -> ColumnKind | None:
    said = said_by(words)
    if said is None or (said in _OF_THE_THING and shown.names):
        for name in shown.names:  # a domain is often called what it holds
            said = said_by(words_of(name)) or said
    return said


def _name_says(kind: ColumnKind) -> str:
    return f"its name says {kind.value}"


def _by_comment(place: Place) -> ColumnKind | None:
    said = said_by(words_of(place.comment)) if place.comment else None
    return said if said in _COMMENTS_TELL else None


def _moment(place: Place, by_name: ColumnKind | None, shown: Shown) -> Decision:
    if by_name is ColumnKind.BIRTH or _by_comment(place) is ColumnKind.BIRTH:
        return Decision(ColumnKind.BIRTH, "it is when somebody was born")
    if shown.sort is Sort.RANGE:
        return Decision(ColumnKind.KEEP, "its type is a range", Shape.NUMBER)
    return Decision(ColumnKind.KEEP, "its type is of time")


def _uuid(place: Place, by_name: ColumnKind | None, words: tuple[str, ...]) -> Decision:
    if by_name is ColumnKind.SECRET and not (words[-1] in _IDS and _is_session(words)) and not place.is_key:
        return Decision(ColumnKind.SECRET, _name_says(ColumnKind.SECRET))
    return Decision(ColumnKind.KEEP, "it is an id")


def _is_session(words: tuple[str, ...]) -> bool:
    return (
        said_by(tuple(word for word in words if word not in ("session", "sesion"))) is not ColumnKind.SECRET
    )


def _number(place: Place, by_name: ColumnKind | None, words: tuple[str, ...]) -> Decision:
    if words and words[-1] in _IDS and by_name in _OF_THE_THING:
        by_name = None
    tallied = is_tally(words) or words[-1:] == ("tokens",) or is_category(words)
    if by_name in _NUMBERS_THAT_TELL and not (tallied and by_name is not ColumnKind.MONEY):
        return Decision(by_name, _name_says(by_name))
    said = None if place.is_key or tallied else _by_comment(place)
    if said in _NUMBERS_THAT_TELL:
        return Decision(said, f"its comment says {said.value}")
    if words[-1:] == ("id",) and not place.is_key and words[0] in _OF_OTHERS:
        return Decision(ColumnKind.EXTERNAL_ID, "it is another system's id")
    if place.is_key or vocabulary.is_count(words) or words[-1:] == ("id",):
        return Decision(ColumnKind.KEEP, "it is a key, a measure or a count")
    return Decision(ColumnKind.KEEP, "it is a number", Shape.NUMBER)


def _structured(by_name: ColumnKind | None) -> Decision:
    if by_name is ColumnKind.SECRET:
        return Decision(by_name, _name_says(by_name))
    inside = by_name if by_name not in (None, ColumnKind.TEXT, ColumnKind.URL) else None
    why = "what is inside is decided key by key"
    return Decision(ColumnKind.JSON, f"{_name_says(inside)}; {why}" if inside else why)


def _text(place: Place, by_name: ColumnKind | None, words: tuple[str, ...], shown: Shown) -> Decision:
    allowed = place.listed | shown.labels
    if by_name is not ColumnKind.SECRET and allowed:
        return Decision(ColumnKind.KEEP, "a check lists the values", Shape.CATEGORY, allowed)
    if is_category(words) and not any(said_by(words_of(name)) for name in shown.names):
        return Decision(ColumnKind.KEEP, "its name says a category", Shape.CATEGORY)
    is_id = bool(words) and words[-1] in _IDS
    if by_name is not None and not (is_id and by_name in _OF_THE_THING):
        return Decision(by_name, _name_says(by_name))
    by_comment = _by_comment(place)
    if by_comment and not place.is_key:
        return Decision(by_comment, f"its comment says {by_comment.value}")
    return _text_id(place, words, is_id=is_id)


def _text_id(place: Place, words: tuple[str, ...], *, is_id: bool) -> Decision:
    if place.is_key:
        if PEOPLE.intersection(words_of(place.table)):
            return Decision(ColumnKind.EXTERNAL_ID, "it is a key that may tell a person")
        return Decision(ColumnKind.KEEP, "it is a key", Shape.ID)
    if is_id or PLATFORMS.intersection(words) or words[-1:] in _NUMBERED:
        return Decision(ColumnKind.EXTERNAL_ID, "it is another system's id")
    return Decision(ColumnKind.TEXT, "free text is not shown")
