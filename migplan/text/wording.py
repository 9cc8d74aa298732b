"""Numbers with their word, sizes and lists of names, as messages, reports and documents say them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches


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


_PART = 4  # letters that say enough of a name by themselves
CODE = 0.75
"""How near a code of a rule must be: codes are alike, and another number is another rule."""


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


def nearest(word: str, known: Collection[str], cutoff: float = 0.6) -> str:
    """Return the known word that comes nearest, whatever its case; empty if none does.

    >>> nearest("triger", ["TABLE", "TRIGGER"]), nearest("x", ["TABLE"])
    ('TRIGGER', '')
    """
    if word in known:
        return word
    folded = {each.casefold(): each for each in sorted(known, reverse=True)}
    said = word.casefold()
    near = get_close_matches(said, sorted(folded), n=5, cutoff=cutoff)
    return next((folded[each] for each in near if _is_slip(said, each)), "")


def _is_slip(word: str, meant: str) -> bool:
    """Whether a word is another one mistyped, or a part of it: letters in common alone mean nothing.

    One letter in four may be missing, superfluous, another one, or in its neighbour's place.
    """
    if len(word) >= _PART and word in meant:
        return True
    before, last = list[int](), list(range(len(meant) + 1))
    for i, letter in enumerate(word, 1):
        row = [i]
        for j, other in enumerate(meant, 1):
            row.append(min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other)))
            if i > 1 and j > 1 and (letter, word[i - 2]) == (meant[j - 2], other):
                row[j] = min(row[j], before[j - 2] + 1)
        before, last = last, row
    return last[-1] <= max(1, min(len(word), len(meant)) // 4)


def did_you_mean(
    word: str, known: Collection[str], otherwise: str = "there are: {names}", cutoff: float = 0.6
) -> str:
    """Return the question whether the nearest known word was meant; where none is near, say which there are.

    A mapping says what is shown in place of each word that people may write.

    >>> did_you_mean("Triger", ["TABLE", "TRIGGER"])
    'did you mean TRIGGER?'
    >>> did_you_mean("x", ["a", "b"], "its groups are: {names}")
    'its groups are: a, b'
    """
    shown = known if isinstance(known, Mapping) else {each: each for each in known}
    if near := nearest(word, shown, cutoff):
        return f"did you mean {shown[near]}?"
    return otherwise.replace("{names}", listed(sorted({*shown.values()}), 8) or "none")
