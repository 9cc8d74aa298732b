"""Hierarchies: how many rows of a table that refers to itself are roots, and how many stand below them.

What is counted at export is what must come out: a row whose link was lost is a root that was none before.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg

from migplan.bundle.manifest import SelfReference
from migplan.catalog.model import Catalog, ForeignKey
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.postgres.session import Session

DEEPEST = 1000
"""Levels that are looked at; rows below, of loops, and below a loop are not reached."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The rows of a table that refers to itself."""

    roots: int  # that refer to no row by any of its keys
    linked: int
    references: tuple[SelfReference, ...]  # a key each


def shapes(session: Session, catalog: Catalog, names: Iterable[QualifiedName]) -> dict[QualifiedName, Shape]:
    """Return the shape of each of these tables that has keys to itself and may be read."""
    own = {name: keys for name, keys in own_keys(catalog).items() if name in set(names)}
    found = {name: _shape(session, catalog, name, keys) for name, keys in own.items()}
    return {name: shape for name, shape in found.items() if shape is not None}


def own_keys(catalog: Catalog) -> dict[QualifiedName, list[ForeignKey]]:
    """Return the keys of each table to itself, those of its partitions to it or each other included."""
    found: dict[QualifiedName, list[ForeignKey]] = {}
    for key in catalog.foreign_keys:
        top = catalog.tops[key.table]
        if top == catalog.tops.get(key.referenced):
            found.setdefault(top, []).append(key)
    return found


def operators(catalog: Catalog) -> str:
    """Return a search path for operators: tables are named in full, but ``=`` of citext is citext's."""
    schemas = {extension.schema for extension in catalog.extensions} | {
        type_.name.schema for type_ in catalog.types
    }
    return quoted_list(["pg_catalog", *sorted(schemas - {"pg_catalog"})])


def linked(key: ForeignKey) -> str:
    """Return the condition that a row ``t`` refers to another by the key."""
    return "(" + " AND ".join(f"t.{quoted(column)} IS NOT NULL" for column in key.columns) + ")"


def reached(key: ForeignKey, catalog: Catalog) -> str:
    """The CTE ``reached``: each row below a root, and how deep; the bound ends it where keys are missing."""
    rows = catalog.rows_of(catalog.tops[key.table])
    pairs = list(enumerate(zip(key.columns, key.referenced_columns, strict=True)))
    parents = ", ".join(f"t.{quoted(parent)}" for _, (_, parent) in pairs)
    names = ", ".join(f"key_{place}" for place, _ in pairs)
    follows = " AND ".join(f"t.{quoted(child)} = above.key_{place}" for place, (child, _) in pairs)
    return f"""\
WITH RECURSIVE reached (part, place, depth, {names}) AS (
    SELECT t.tableoid, t.ctid::text, 0, {parents} FROM {rows} t WHERE NOT {linked(key)}
    UNION
    SELECT t.tableoid, t.ctid::text, above.depth + 1, {parents}
    FROM reached above
    JOIN {rows} t ON {follows}
    WHERE above.depth < {DEEPEST}
)"""


def _shape(session: Session, catalog: Catalog, name: QualifiedName, keys: list[ForeignKey]) -> Shape | None:
    """Return the shape of a table; None if the role may not read it, or it does not exist."""
    any_key = " OR ".join(map(linked, keys))
    question = (
        f"SELECT count(*) FILTER (WHERE NOT ({any_key})), count(*) FILTER (WHERE {any_key}) "
        f"FROM {catalog.rows_of(name)} t"
    )
    with session.translate_errors(f"counting the roots of {name}"):
        try:
            with session.transaction(force_rollback=True):
                session.execute(f"SET LOCAL search_path = {operators(catalog)}".encode())
                ((roots, others),) = session.execute(question.encode()).fetchall()
                references = [_reference(session, key, catalog, roots + others) for key in keys]
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.UndefinedTable,
            psycopg.errors.UndefinedColumn,
            psycopg.errors.InvalidSchemaName,
            psycopg.errors.UndefinedFunction,  # a column of another type
        ):
            return None
    return Shape(roots, others, tuple(references))


def _reference(session: Session, key: ForeignKey, catalog: Catalog, rows: int) -> SelfReference:
    question = f"{reached(key, catalog)} SELECT count(*) FROM reached GROUP BY depth ORDER BY depth"
    levels = tuple(number for (number,) in session.execute(question.encode()).fetchall())
    return SelfReference(table=str(key.table), key=key.name, levels=levels, unreached=rows - sum(levels))
