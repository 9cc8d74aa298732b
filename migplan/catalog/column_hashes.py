"""One number for a row, from the values of its columns and not from their text.

To print a row and to hash what was printed costs a server three times what it costs to send the row. Most
types have a hash of their own, which hash indexes and partitions rest upon. It is taken where only the same
value has it: numbers are printed, for 1.0 and 1.00 are one to their hash, as zero and minus zero are.

Each column's hash has a seed of its own, its place; put together by exclusive or they are mixed once more, or
two rows could trade values unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from psycopg import sql

_ALIKE = {"character varying": "text", "smallint": "bigint", "integer": "bigint"}
"""Types whose values hash like the same ones of another type."""

_VALUE = {
    "smallint": "pg_catalog.hashint2extended({value}, {seed})",
    "integer": "pg_catalog.hashint4extended({value}, {seed})",
    "bigint": "pg_catalog.hashint8extended({value}, {seed})",
    "boolean": "pg_catalog.hashint4extended({value}::pg_catalog.int4, {seed})",
    "uuid": "pg_catalog.uuid_hash_extended({value}, {seed})",
    "timestamp without time zone": "pg_catalog.timestamp_hash_extended({value}, {seed})",
    "timestamp with time zone": (
        "pg_catalog.timestamp_hash_extended(pg_catalog.timezone(interval '0', {value}), {seed})"
    ),
    **dict.fromkeys(
        ("text", "character varying"), 'pg_catalog.hashtextextended({value} COLLATE "C", {seed})'
    ),
    **dict.fromkeys(
        ("numeric", "json", "jsonb", "date", "interval", "time without time zone", "time with time zone"),
        'pg_catalog.hashtextextended({value}::pg_catalog.text COLLATE "C", {seed})',
    ),
    "bytea": "pg_catalog.hash_array_extended(ARRAY[{value}], {seed})",
    "real": "pg_catalog.hash_array_extended(ARRAY[pg_catalog.float4send({value})], {seed})",
    "double precision": "pg_catalog.hash_array_extended(ARRAY[pg_catalog.float8send({value})], {seed})",
}
_ARRAY = "pg_catalog.hash_array_extended(ARRAY[pg_catalog.array_send({value})], {seed})"
_LINE = 'pg_catalog.hashtextextended(ROW({values})::pg_catalog.text COLLATE "C", {seed})'

_MODIFIER = re.compile(r"\(-?\d+(?:,-?\d+)?\)")
_SPREAD = 0x9E3779B97F4A7C15  # odd, and far from any other multiple of itself

PROBE = """
    pg_catalog.hashtextextended('migplan' COLLATE "C", 1) # pg_catalog.hashint2extended(int2 '-2', 3)
    # pg_catalog.hashint4extended(-4, 5) # pg_catalog.hashint8extended(int8 '-6000000000', 7)
    # pg_catalog.uuid_hash_extended(uuid '00112233-4455-6677-8899-aabbccddeeff', 8)
    # pg_catalog.timestamp_hash_extended(timestamp '2025-01-01 12:00:00.000001', 9)
    # pg_catalog.hash_array_extended(ARRAY[pg_catalog.array_send(ARRAY[1.5, NULL, 1e100])], 10)
    # pg_catalog.hash_array_extended(ARRAY[pg_catalog.float8send(0.1), pg_catalog.float4send(0.1)], 11)
"""
"""A number to which every server comes that hashes as we know it."""

KNOWN = -522872613512826777


def base(type_: str) -> str:
    """Return what decides how values of a type are hashed.

    >>> base("numeric(10,2)"), base("integer"), base("character varying(20)[]")
    ('numeric', 'bigint', 'character varying[]')
    """
    bare = _MODIFIER.sub("", type_)
    return _ALIKE.get(bare, bare)


def number_of(columns: Sequence[str], types: Sequence[str]) -> sql.Composable:
    """The number of a row ``t`` by columns of these types; rows of other values have another, most surely."""
    parts, printed = [], []
    for place, (name, type_) in enumerate(zip(columns, types, strict=True), 1):
        value = sql.Identifier("t", name)
        form = _form(_MODIFIER.sub("", type_))
        if not form:
            printed.append(value)
            continue
        null = (place * _SPREAD + 2**63) % 2**64 - 2**63
        hashed = sql.SQL(form).format(value=value, seed=sql.Literal(place))
        parts.append(sql.SQL("coalesce({}, {}::pg_catalog.int8)").format(hashed, sql.Literal(str(null))))
    if printed or not parts:
        parts.append(sql.SQL(_LINE).format(values=sql.SQL(", ").join(printed), seed=sql.Literal(0)))
    return _together(parts)


def _form(type_: str) -> str:
    """How a value of a type is hashed; empty where it is printed along with others."""
    if type_.endswith("[]"):
        return _ARRAY if type_[:-2] in _VALUE else ""
    return _VALUE.get(type_, "")


def _together(parts: list[sql.Composed]) -> sql.Composable:
    """Exclusive or of all, as a tree that is not deep however many there are."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    return sql.SQL("({} # {})").format(_together(parts[:half]), _together(parts[half:]))
