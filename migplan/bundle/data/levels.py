"""``levels`` in a data file: first the rows that refer to no other, then the others, parents first."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from migplan.bundle.data.pieces import Rows, loaded_columns, own_rows
from migplan.catalog.model import ForeignKey, Table


def passes(
    table: Table, keys: tuple[ForeignKey, ...], size: int | None, nulled: frozenset[str] = frozenset()
) -> Iterator[Rows]:
    """The two passes, each a COPY block of its own.

    The order within the second does not matter to COPY, which checks keys at its end; it matters to INSERT
    batches, and to whoever reads the file. A row's level is the longest way up to a row without parents.
    """
    columns = loaded_columns(table)
    shown = sql.SQL(", ").join(
        sql.SQL("NULL") if name in nulled else sql.SQL("t.{}").format(sql.Identifier(name))
        for name in columns
    )
    identity = any(column.identity for column in table.columns)
    name = own_rows(table)
    roots = sql.SQL("SELECT {shown} FROM {name} t WHERE {roots}").format(
        shown=shown, name=name, roots=_is_root(keys, "t")
    )
    rest = sql.SQL(
        "WITH RECURSIVE level AS (\n"
        "  SELECT t.tableoid AS part, t.ctid AS place, 0 AS depth, {own} FROM {name} t WHERE {roots}\n"
        "  UNION\n"
        "  SELECT t.tableoid, t.ctid, level.depth + 1, {child} FROM {name} t JOIN level ON {follows}\n"
        "    AND level.depth < {limit}\n"
        ")\n"
        "SELECT {shown} FROM {name} t\n"
        "LEFT JOIN (SELECT part, place, max(depth) AS depth FROM level GROUP BY part, place) l\n"
        "  ON l.part = t.tableoid AND l.place = t.ctid\n"
        "WHERE NOT ({roots})\n"
        "ORDER BY l.depth NULLS LAST, t.tableoid, t.ctid"
    ).format(
        shown=shown,
        name=name,
        roots=_is_root(keys, "t"),
        own=_referenced(keys, "t"),
        child=_referenced(keys, "t"),
        follows=_follows(keys),
        limit=sql.Literal(DEEPEST),
    )
    yield Rows(str(table.name), columns, roots, identity=identity, bytes=size)
    yield Rows(str(table.name), columns, rest, identity=identity, bytes=size)


# Rows that refer to each other in a circle have no level; they come last, in a COPY that checks at its end.
DEEPEST = 10_000


def _is_root(keys: tuple[ForeignKey, ...], alias: str) -> sql.Composed:
    """Every key refers to nothing, or to the row itself."""
    return sql.SQL(" AND ").join(_refers_to_nothing_else(key, alias) for key in keys)


def _refers_to_nothing_else(key: ForeignKey, alias: str) -> sql.Composed:
    nothing = sql.SQL(" OR ").join(
        sql.SQL("{}.{} IS NULL").format(sql.SQL(alias), sql.Identifier(name)) for name in key.columns
    )
    itself = sql.SQL(" AND ").join(
        sql.SQL("{0}.{1} = {0}.{2}").format(sql.SQL(alias), sql.Identifier(here), sql.Identifier(there))
        for here, there in zip(key.columns, key.referenced_columns, strict=True)
    )
    return sql.SQL("({} OR ({}))").format(nothing, itself)


def _referenced(keys: tuple[ForeignKey, ...], alias: str) -> sql.Composed:
    """The values by which children find the row, numbered because keys may share columns."""
    return sql.SQL(", ").join(
        sql.SQL("{}.{} AS {}").format(
            sql.SQL(alias), sql.Identifier(there), sql.Identifier(f"k{number}_{place}")
        )
        for number, key in enumerate(keys)
        for place, there in enumerate(key.referenced_columns)
    )


def _follows(keys: tuple[ForeignKey, ...]) -> sql.Composed:
    """The row refers to the row of the level above by any of the keys, and not to itself."""
    ways = []
    for number, key in enumerate(keys):
        pairs = enumerate(zip(key.columns, key.referenced_columns, strict=True))
        match = sql.SQL(" AND ").join(
            sql.SQL("t.{} = level.{}").format(sql.Identifier(here), sql.Identifier(f"k{number}_{place}"))
            for place, (here, _) in pairs
        )
        ways.append(sql.SQL("({} AND NOT {})").format(match, _refers_to_nothing_else(key, "t")))
    return sql.SQL("({})").format(sql.SQL(" OR ").join(ways))
