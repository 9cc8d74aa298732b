"""Catalogs for tests, written so that their keys can be seen at a glance.

::

    catalog({"a": [], "b": ["a"], "c": ["b?", "c?!"]})

``b`` has a NOT NULL key to ``a``; ``c`` has a key to ``b`` that may be NULL, and a deferrable one to itself
that may be NULL. A name without a schema is in ``public``. After a table stand the marks of its key:

===  ===================  ===  ==============
?    may be NULL          ~    NOT VALID
!    DEFERRABLE           %    NOT ENFORCED
=    MATCH FULL
===  ===================  ===  ==============

``b(x, y?)`` names the columns, and makes a composite key of several. Everything made here is a plain frozen
value of the catalog's own classes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from migplan.catalog.model import Catalog, Column, ForeignKey, Key, Schema, Server, Table, TableKind
from migplan.names import QualifiedName

SERVER = Server(
    address="user@host:5432/shop",
    database="shop",
    version=180006,
    version_text="PostgreSQL 18.6",
    encoding="UTF8",
    collation="C",
    role="user",
    superuser=False,
    read_at="2025-01-01T00:00:00+00:00",
)

_KEY = re.compile(r"(?P<table>[^?!~%=(]+)(?:\((?P<columns>[^)]*)\))?(?P<marks>[?!~%=]*)")


def name(text: str) -> QualifiedName:
    """``a`` is ``public.a``."""
    schema, dot, table = text.rpartition(".")
    return QualifiedName(schema if dot else "public", table)


def catalog(
    tables: Mapping[str, Sequence[str]],
    *,
    rows: Mapping[str, int | None] | int | None = 10,
    partitions: Mapping[str, Sequence[str]] | None = None,
    inherits: Mapping[str, Sequence[str]] | None = None,
    foreign: Iterable[str] = (),
    null_fractions: Mapping[str, float] | None = None,
) -> Catalog:
    """A catalog with these tables and keys; ``null_fractions`` are given by the names of constraints."""
    partition_of = {part: parent for parent, parts in (partitions or {}).items() for part in parts}
    made = []
    for text, keys in tables.items():
        columns, foreign_keys = _keys(name(text), keys, null_fractions or {})
        made.append(
            Table(
                name=name(text),
                kind=_kind(text, partitions or {}, foreign),
                columns=(Column("id", "integer", not_null=True), *columns),
                primary_key=Key(f"{name(text).name}_pkey", ("id",), primary=True),
                foreign_keys=foreign_keys,
                partition_key="LIST (id)" if text in (partitions or {}) else None,
                partition_of=name(partition_of[text]) if text in partition_of else None,
                inherits=tuple(map(name, (inherits or {}).get(text, ()))),
                rows=rows.get(text, 10) if isinstance(rows, Mapping) else rows,
                rows_exact=True,
            )
        )
    made.sort(key=lambda table: table.name)
    schemas = sorted({table.name.schema for table in made})
    return Catalog(server=SERVER, schemas=tuple(map(Schema, schemas)), tables=tuple(made))


def altered(found: Catalog, table: str, **fields: object) -> Catalog:
    """The catalog with one table changed."""
    return replace(
        found,
        tables=tuple(
            replace(each, **fields) if each.name == name(table) else each  # type: ignore[arg-type]
            for each in found.tables
        ),
    )


def _kind(text: str, partitions: Mapping[str, Sequence[str]], foreign: Iterable[str]) -> TableKind:
    if text in partitions:
        return TableKind.PARTITIONED
    return TableKind.FOREIGN if text in foreign else TableKind.TABLE


def _keys(
    table: QualifiedName, texts: Sequence[str], null_fractions: Mapping[str, float]
) -> tuple[tuple[Column, ...], tuple[ForeignKey, ...]]:
    columns: dict[str, Column] = {}
    keys = []
    for text in texts:
        found = _KEY.fullmatch(text)
        assert found, f"{text} is no key"
        referenced, marks = name(found["table"]), found["marks"]
        own = []
        for part in _columns(found["columns"], table, referenced, columns):
            column = part.rstrip("?")
            own.append(column)
            columns[column] = Column(column, "integer", not_null="?" not in part + marks)
        constraint = f"{table.name}_{'_'.join(own)}_fkey"
        keys.append(
            ForeignKey(
                name=constraint,
                table=table,
                columns=tuple(own),
                referenced=referenced,
                referenced_columns=("id", *(f"id{place}" for place in range(2, len(own) + 1))),
                referenced_key=f"{referenced.name}_pkey",
                deferrable="!" in marks,
                validated="~" not in marks,
                enforced="%" not in marks,
                match="FULL" if "=" in marks else "SIMPLE",
                null_fraction=null_fractions.get(constraint),
            )
        )
    return tuple(columns.values()), tuple(sorted(keys, key=lambda key: key.name))


def _columns(
    given: str | None, table: QualifiedName, referenced: QualifiedName, taken: Mapping[str, Column]
) -> Iterator[str]:
    if given:
        yield from (part.strip() for part in given.split(","))
        return
    wanted = "parent" if table == referenced else referenced.name
    names = (f"{wanted}{place or ''}_id" for place in (0, *range(2, 100)))
    yield next(each for each in names if each not in taken)
