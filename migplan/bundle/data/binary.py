"""Which rows may travel in COPY's binary format: those of types that mean the same to every server.

Binary is read and written faster than text, and nobody looks at it on the way. So only PostgreSQL's own types
are allowed whose binary form holds nothing of the server that sent it. The types of registered names
(``regclass`` ...) travel as numbers that stand for something else elsewhere; ``money`` depends on the locale,
``xml`` on the encoding; what people and extensions have made may do as it likes.

See https://www.postgresql.org/docs/current/sql-copy.html, under Binary Format.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from migplan.text.wording import counted, listed

TYPES = frozenset(
    {
        *("boolean", "smallint", "integer", "bigint", "numeric", "real", "double precision"),
        *("text", "character varying", "character", '"char"', "name", "bytea", "uuid", "json", "jsonb"),
        *("date", "time without time zone", "time with time zone", "interval"),
        *("timestamp without time zone", "timestamp with time zone"),
        *("inet", "cidr", "macaddr", "macaddr8", "bit", "bit varying"),
        *("point", "line", "lseg", "box", "path", "polygon", "circle"),
        *("int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange"),
        *("int4multirange", "int8multirange", "nummultirange"),
        *("tsmultirange", "tstzmultirange", "datemultirange"),
        *("tsvector", "tsquery", "oid", "pg_lsn", "xid8"),
    }
)
"""As ``format_type`` prints them under an empty search path, on which all others are given with a schema."""

_MODIFIER = re.compile(r"\(-?\d+(?:,-?\d+)?\)")
_FIELDS = re.compile(r"interval (?:year|month|day|hour|minute|second)(?: to (?:month|hour|minute|second))?")


def is_allowed(type_: str) -> bool:
    """Whether values of a type, or arrays of them, may travel in binary.

    >>> is_allowed("numeric(10,2)[]"), is_allowed("regclass"), is_allowed("shop.numeric")
    (True, False, False)
    """
    bare = _MODIFIER.sub("", type_.removesuffix("[]"))
    return bare in TYPES or _FIELDS.fullmatch(bare) is not None


def notes(types: Mapping[str, Iterable[str]]) -> list[str]:
    """Return why rows travel as text, where they do: by table, the types of their columns."""
    others = {table: [each for each in found if not is_allowed(each)] for table, found in types.items()}
    barred = sorted({each for found in others.values() for each in found})
    if not barred:
        return []
    tables = sum(bool(found) for found in others.values())
    of = "has columns of types" if tables == 1 else "have columns of types"
    return [
        f"rows travel as text where their binary form could mean something else in the target: "
        f"{counted(tables, 'table')} {of} such as {listed(barred, 10)}"
    ]
