"""Numbers with their word, sizes and lists of names, as messages, reports and documents say them."""

from collections.abc import Iterable, Sequence


def counted(number: int, thing: str, plural: str = "") -> str:
    """Return a number with its word.

    >>> counted(1, "row"), counted(1204, "row"), counted(2, "index", "indexes")
    ('1 row', '1,204 rows', '2 indexes')
    """
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def amount(size: int) -> str:
    """Return a number of bytes: ``812 B``, ``1.2 MB``."""
    number, units = float(size), ["B", "kB", "MB", "GB", "TB"]
    while number >= 1000 and len(units) > 1:
        number, units = number / 1000, units[1:]
    return f"{number:.0f} {units[0]}" if units[0] == "B" else f"{number:.1f} {units[0]}"


def listed(names: Iterable[object], limit: int = 3, by: str = ", ") -> str:
    """Return the first names, and how many more there are.

    >>> listed(["a", "b", "c", "d"])
    'a, b, c and 1 more'
    """
    every = [str(name) for name in names]
    more = f" and {len(every) - limit:,} more" if len(every) > limit else ""
    return by.join(every[:limit]) + more


def joined(words: Sequence[str], by: str = "and") -> str:
    """Return ``a``, ``a and b``, ``a, b and c``."""
    return f" {by} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))
