"""How documents say names and numbers: short, and the same everywhere."""

from collections.abc import Iterable

from migplan.names import QualifiedName, quoted

HOME = "public"


def shown(name: QualifiedName) -> str:
    """Return a table's name for queries: without its schema in ``public``, where every session looks.

    A name that begins with pg_ keeps its schema, because the server's own tables are looked at first.
    """
    return str(name) if name.name.startswith("pg_") else name.seen_from(HOME)


def columns_of(columns: Iterable[str]) -> str:
    """``a, b`` as SQL has it."""
    return ", ".join(map(quoted, columns))
