"""Putting a query together: names quoted, parameters numbered as they come."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import count

from migplan.names import quoted

PAGE = 50


class Parameters:
    """``$1``, ``$2``, ... in the order in which they are asked for."""

    def __init__(self) -> None:
        self._numbers = count(1)

    def __call__(self) -> str:
        return f"${next(self._numbers)}"


def equal(columns: Iterable[str], given: Parameters, of: str = "") -> list[str]:
    """``a = $1``, ``b = $2``; with ``of`` the columns of a table by that other name."""
    return [f"{column(name, of)} = {given()}" for name in columns]


def column(name: str, of: str = "") -> str:
    """``a``, or ``child.a``."""
    return f"{of}.{quoted(name)}" if of else quoted(name)


def written(*clauses: str, where: Iterable[str] = ()) -> str:
    """The statement, a clause a line; the conditions go before the first of what follows them."""
    conditions = "\n  AND ".join(where)
    lines = list(clauses)
    if conditions:
        after = next((n for n, clause in enumerate(lines) if clause.startswith(_AFTER_WHERE)), len(lines))
        lines.insert(after, f"WHERE {conditions}")
    return "\n".join(lines) + ";"


def unlike(taken: Iterable[str], wanted: str) -> str:
    """A name that none of the columns has already."""
    names = set(taken)
    return next(each for each in _variants(wanted) if each not in names)


def _variants(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}_{number}" for number in count(2))


_AFTER_WHERE = ("GROUP BY", "ORDER BY", "LIMIT")
