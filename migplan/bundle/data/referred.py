"""Rows that the target is to have already: to which rows of provided tables the bundle's own rows refer.

The values stand in a file beside the others, ``provided/keys.sql``: the target is asked whether it has them
before anything is changed, and a rehearsal on a throwaway server begins with them.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from migplan.bundle.data.readers import Readers
from migplan.bundle.data.steps import RowBlock
from migplan.bundle.manifest import ReferredKey
from migplan.bundle.schema import ddl
from migplan.catalog.model import Catalog, ForeignKey
from migplan.names import QualifiedName, quoted, quoted_list

_END = b"\\.\n"
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_ESCAPED = {b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}

Group = tuple[QualifiedName, tuple[str, ...]]
"""A provided table, and columns of it to which keys refer."""


def referring_keys(catalog: Catalog, loaded: Collection[QualifiedName]) -> dict[Group, list[ForeignKey]]:
    """Return the keys of loaded tables to provided ones; those that need not hold are passed over."""
    found: dict[Group, list[ForeignKey]] = {}
    for key in catalog.foreign_keys:
        must_hold = key.validated and key.enforced and not key.period
        if must_hold and key.table in loaded and key.referenced in catalog.provided_by_name:
            found.setdefault((key.referenced, key.referenced_columns), []).append(key)
    return dict(sorted(found.items()))


def write_referred(
    catalog: Catalog, groups: Mapping[Group, Sequence[ForeignKey]], readers: Readers, path: Path
) -> tuple[ReferredKey, ...]:
    """Write the values to which the rows refer as COPY blocks, and return how many there are."""
    path.parent.mkdir(exist_ok=True)
    found = []
    with path.open("wb") as sink:
        sink.write(f"{_HEADER}{ddl.SESSION}{ddl.DATA}".encode())
        for (table, columns), keys in groups.items():
            sink.write(f"\nCOPY {table} ({quoted_list(columns)}) FROM stdin;\n".encode())
            block = RowBlock(str(table), columns, _query(catalog, keys))
            amount = readers.read(block, sink)
            sink.write(_END)
            labels = tuple(key.label for key in keys)
            found.append(ReferredKey(table=str(table), columns=columns, values=amount.rows, keys=labels))
    return tuple(found)


_HEADER = """\
-- Keys of rows that the target is to have by itself, and to which rows of the bundle refer. It is no step:
-- a target is asked for them before anything is changed, and a throwaway server gets them before all else.

"""


def _query(catalog: Catalog, keys: Sequence[ForeignKey]) -> str:
    """Return the query for the different values of several keys to the same columns, in their order."""
    parts = []
    for key in keys:
        present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in key.columns)
        columns, table = quoted_list(key.columns), catalog.rows_of(key.table)
        parts.append(f"SELECT DISTINCT {columns} FROM {table} WHERE {present}")  # noqa: S608 - quoted
    order = ", ".join(str(place) for place, _ in enumerate(keys[0].columns, 1))
    return " UNION ".join(parts) + f" ORDER BY {order}"


def referred_values(lines: Iterable[bytes]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield the values that such a file holds, each with the number of its block, from 0."""
    number, inside = -1, False
    for line in lines:
        if inside and line == _END:
            inside = False
        elif inside:
            yield number, tuple(_value(field) for field in line.rstrip(b"\n").split(b"\t"))
        elif line.startswith(b"COPY "):
            number, inside = number + 1, True


def _value(field: bytes) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), found.group(1)), field).decode()
