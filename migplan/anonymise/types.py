"""What sort of value a type has, as far as showing it goes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from migplan import names
from migplan.catalog.model import Catalog, Type
from migplan.names import QualifiedName


class Sort(StrEnum):
    """Sorts of values."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    BOOLEAN = "boolean"
    UUID = "uuid"
    JSON = "json"
    HSTORE = "hstore"
    BYTES = "bytes"
    NET = "network address"
    PLACE = "place"
    SIZED = "sized"  # too large to be read, and nothing to look at
    SYSTEM = "system"  # the server's own numbers and names
    RANGE = "range"
    ENUM = "enum"
    ROW = "row"
    ARRAY = "array"
    OTHER = "other"


_SORTS: dict[Sort, str] = {
    Sort.TEXT: 'text|character varying|character|citext|"char"|name|varchar|bpchar',
    Sort.NUMBER: "smallint|integer|bigint|numeric|real|double precision|money",
    Sort.MOMENT: "date|timestamp with time zone|timestamp without time zone|time with time zone"
    "|time without time zone|interval|timestamp|timestamptz|time",
    Sort.BOOLEAN: "boolean",
    Sort.UUID: "uuid",
    Sort.JSON: "json|jsonb",
    Sort.HSTORE: "hstore",
    Sort.BYTES: "bytea|bit|bit varying",
    Sort.NET: "inet|cidr|macaddr|macaddr8",
    Sort.PLACE: "point|line|lseg|box|path|polygon|circle|geometry|geography|earth",
    Sort.SIZED: "tsvector|tsquery|vector|halfvec|sparsevec|raster",
    Sort.SYSTEM: "oid|xid|xid8|cid|tid|pg_lsn|txid_snapshot|pg_snapshot|regclass|regtype|regrole|regnamespace"
    "|regproc|regprocedure|regoper|regoperator|regconfig|regdictionary|regcollation",
    Sort.RANGE: "int4range|int8range|numrange|daterange|tsrange|tstzrange|int4multirange|int8multirange"
    "|nummultirange|datemultirange|tsmultirange|tstzmultirange",
}
_BY_NAME = {name: sort for sort, all_names in _SORTS.items() for name in all_names.split("|")}
_MODIFIER = re.compile(r"\([^)]*\)")
_DOMAINS_WITHIN = 10


@dataclass(frozen=True, slots=True)
class Shown:
    """A type, as far as showing goes."""

    sort: Sort
    names: tuple[str, ...] = ()  # of the domains and types that it is, which say something, too
    labels: frozenset[str] = frozenset()  # of an enum, or what a domain's check allows
    fields: tuple[tuple[str, str], ...] = ()  # of a row: name and type of each
    element: str = ""  # of an array: its elements' type


class Types:
    """The types of a catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._types: Mapping[QualifiedName, Type] = {each.name: each for each in catalog.types}
        self._rows = {table.name: table for table in catalog.tables}
        self._known: dict[str, Shown] = {}

    def of(self, text: str) -> Shown:
        """What the type of that name is."""
        if text not in self._known:
            self._known[text] = self._found(text)
        return self._known[text]

    def _found(self, text: str) -> Shown:
        if text.endswith("[]"):
            element = text[:-2]
            while element.endswith("[]"):
                element = element[:-2]
            return Shown(Sort.ARRAY, self.of(element).names, element=element)
        bare = " ".join(_MODIFIER.sub(" ", text).split()) if '"' not in text else _without_modifier(text)
        if bare in _BY_NAME:
            return Shown(_BY_NAME[bare])
        try:
            parts = names.split(bare)
        except ValueError:
            return Shown(Sort.OTHER)
        name = QualifiedName(parts[0], parts[-1])
        if name in self._types:
            return self._of_users(self._types[name])
        if name in self._rows:
            return Shown(Sort.ROW, fields=tuple((each.name, each.type) for each in self._rows[name].columns))
        # What an extension brought is in no list of the catalog, and known by its name alone.
        return Shown(_BY_NAME.get(parts[-1], Sort.OTHER), (parts[-1],))

    def _of_users(self, found: Type, depth: int = 0) -> Shown:
        label = (found.name.name,)
        if found.kind == "enum":
            return Shown(Sort.ENUM, label, frozenset(found.definition))
        if found.kind == "composite":
            return Shown(Sort.ROW, label, fields=tuple(map(_field, found.definition)))
        if found.kind == "range":
            bound = self.of(found.definition[0]).sort if found.definition else Sort.OTHER
            harmless = bound in (Sort.NUMBER, Sort.MOMENT)
            return Shown(Sort.RANGE if harmless else Sort.OTHER, label)
        if not found.definition or depth > _DOMAINS_WITHIN:
            return Shown(Sort.OTHER, label)
        base = self.of(found.definition[0])
        allowed = frozenset[str]().union(*(listed(each, "VALUE") for each in found.definition[1:]))
        return Shown(base.sort, (*label, *base.names), base.labels | allowed, base.fields, base.element)


_LISTED = r"\(*{name}\)?(?:::[\w \"]+)?\)? = ANY \(+ARRAY\[(?P<values>[^\]]*)\]"
_LITERAL = re.compile(r"'((?:[^']|'')*)'")


def listed(definition: str, name: str) -> frozenset[str]:
    """The values that a check allows a column, where it says so by a list."""
    if " = ANY (" not in definition:
        return frozenset()
    pattern = _LISTED.format(name=re.escape(name if name == "VALUE" else names.quoted(name)))
    match = re.search(rf"(?<![\w\"]){pattern}", definition)
    if match is None or " OR " in definition:
        return frozenset()
    return frozenset(each.replace("''", "'") for each in _LITERAL.findall(match["values"]))


def _field(attribute: str) -> tuple[str, str]:
    match = re.match(r'("(?:[^"]|"")+"|\S+) (.*)', attribute, re.S)
    if match is None:
        return attribute, ""
    return names.split(match.group(1))[0], match.group(2)


def _without_modifier(text: str) -> str:
    return re.sub(r"\([^)\"]*\)$", "", text)
