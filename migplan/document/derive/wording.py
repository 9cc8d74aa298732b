"""How documents say names and numbers: short, and the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from migplan.names import QualifiedName, quoted

HOME = "public"


def shown(name: QualifiedName) -> str:
    """A table's name as queries have it: bare in ``public``, where every session looks, and nowhere else.

    A name that begins with pg_ keeps its schema, because the server's own tables are looked at first.
    """
    return str(name) if name.name.startswith("pg_") else name.seen_from(HOME)


def columns_of(columns: Iterable[str]) -> str:
    """``a, b`` as SQL has it."""
    return ", ".join(map(quoted, columns))


def listed(names: Iterable[object], limit: int = 3) -> str:
    """Some names, and how many more there are."""
    every = [str(name) for name in names]
    more = f" and {len(every) - limit:,} more" if len(every) > limit else ""
    return ", ".join(every[:limit]) + more


def joined(words: Sequence[str], by: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return f" {by} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def counted(number: int, thing: str, plural: str = "") -> str:
    """``1 table``, ``1,204 tables``."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def capital(sentence: str) -> str:
    """The sentence with a capital letter in front; names after it stay as they are."""
    return sentence[:1].upper() + sentence[1:]
