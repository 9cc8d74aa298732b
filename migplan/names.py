"""Names of database objects: how they are held, shown, quoted, and matched.

A name is held exactly as PostgreSQL stores it. Quotes appear only when it is shown or put into SQL.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_PART = re.compile(r'"((?:[^"]|"")+)"|([^".]+)')

# Words that PostgreSQL 13 to 18 reserve for themselves in some place where a table or a column is named
# (pg_get_keywords() with catcode other than U). Quoting one too many is harmless; one too few is not.
RESERVED = frozenset(
    """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean
    both case cast char character check coalesce collate collation column concurrently constraint create
    cross current_catalog current_date current_role current_schema current_time current_timestamp
    current_user dec decimal default deferrable desc distinct do else end except exists extract false
    fetch float for foreign freeze from full grant greatest group grouping having ilike in initially
    inner inout int integer intersect interval into is isnull join json json_array json_arrayagg
    json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value
    lateral leading least left like limit localtime localtimestamp merge_action national natural nchar
    none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay
    placing position precision primary real references returning right row select session_user setof
    similar smallint some substring symmetric system_user table tablesample then time timestamp to
    trailing treat trim true union unique user using values varchar variadic verbose when where window
    with xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot
    xmlserialize xmltable
    """.split()  # noqa: SIM905 - they are read more easily like this
)


@lru_cache(maxsize=2**16)
def quoted(identifier: str) -> str:
    """The identifier as SQL, in quotes where the server's ``quote_ident`` puts them.

    >>> print(quoted("hotels"), quoted("order"), quoted('6" pipe'))
    hotels "order" "6"" pipe"
    """
    if _PLAIN.fullmatch(identifier) and identifier not in RESERVED:
        return identifier
    return '"' + identifier.replace('"', '""') + '"'


def quoted_list(identifiers: Iterable[str]) -> str:
    """The identifiers as SQL, with commas between them."""
    return ", ".join(map(quoted, identifiers))


@dataclass(frozen=True, slots=True, order=True)
class QualifiedName:
    """A schema and a name in it. Sorts by schema, then name; prints as SQL would have it."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def seen_from(self, schema: str) -> str:
        """How a reader in ``schema`` would say it: without the schema when it is the same one."""
        return quoted(self.name) if self.schema == schema else str(self)


def by_any_name(names: Iterable[QualifiedName]) -> dict[str, str]:
    """The whole name by each way in which people may write it: with its schema, and without."""
    every = list(names)
    return {name.name: str(name) for name in every} | {str(name): str(name) for name in every}


def parse(text: str, default_schema: str = "public") -> QualifiedName:
    """The name that a person wrote: ``hotels``, ``public.hotels`` or ``"My Schema"."T"``.

    Unquoted letters are kept as they are written, because people copy names from where they see
    them; ``ValueError`` when it is not a name of one or two parts.
    """
    parts = split(text)
    if len(parts) == 1:
        return QualifiedName(default_schema, parts[0])
    if len(parts) == 2:
        return QualifiedName(parts[0], parts[1])
    raise ValueError(f"{text!r} has {len(parts)} parts, and a table's name has one or two")


def split(text: str) -> tuple[str, ...]:
    """The parts of a dotted name, quotes taken off; dots inside of quotes do not divide."""
    parts: list[str] = []
    at = 0
    while True:
        match = _PART.match(text, at)
        if match is None:
            raise ValueError(f"{text!r} is not a name: write schema.table, with quotes around odd parts")
        inside, plain = match.groups()
        parts.append(plain if inside is None else inside.replace('""', '"'))
        at = match.end()
        if at == len(text):
            return tuple(parts)
        if text[at] != ".":
            raise ValueError(f"{text!r} is not a name: a dot must follow {match.group()}")
        at += 1


@dataclass(frozen=True, slots=True)
class Pattern:
    """A glob over table names, as people write it: ``hotels``, ``guest_*``, ``sales.*``, ``*.audit``.

    Without a dot it is about the table's name in any schema. A quoted
    part is taken to the letter: ``"odd*name"`` has no wildcard in it.
    """

    text: str

    def matches(self, name: QualifiedName) -> bool:
        """Whether the name is one of those that the pattern means."""
        pieces = self.pieces
        if len(pieces) == 1:
            return part_matches(pieces[0], name.name)
        return part_matches(pieces[0], name.schema) and part_matches(pieces[1], name.name)

    @property
    def pieces(self) -> tuple[str, ...]:
        """The one or two parts, quotes still on; ``ValueError`` when there are more."""
        pieces = tuple(match.group() for match in _PART.finditer(self.text))
        if ".".join(pieces) != self.text or not 1 <= len(pieces) <= 2:
            raise ValueError(f"{self.text!r} is not a table pattern: write table, schema.table or schema.*")
        return pieces

    @property
    def is_literal(self) -> bool:
        """Whether it names one table rather than a family of them."""
        return not any(
            character in piece for piece in self.pieces if not piece.startswith('"') for character in "*?["
        )


def part_matches(piece: str, name: str) -> bool:
    """Whether one part of a pattern, a glob or a name in quotes, means the name."""
    if piece.startswith('"'):
        return piece[1:-1].replace('""', '"') == name
    return fnmatchcase(name, piece)


class Naming:
    """Says names without their schema where all that is shown is in one, and whole else."""

    def __init__(self, names: Iterable[QualifiedName]) -> None:
        schemas = {name.schema for name in names}
        self._home = schemas.pop() if len(schemas) == 1 else None

    def __call__(self, name: QualifiedName) -> str:
        return name.seen_from(self._home) if self._home is not None else str(name)
