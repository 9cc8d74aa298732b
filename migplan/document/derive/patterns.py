"""Queries that a table's keys, indexes and policies suggest: two to five, each of which runs as it stands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from migplan.catalog.model import Table
from migplan.document.derive.facts import Facts
from migplan.document.derive.listings import between_days, newest, waiting
from migplan.document.derive.lookups import a_few, by_primary_key, by_unique_key, how_many, page_by_page
from migplan.document.derive.relatives import children_counted, hierarchy, of_parent
from migplan.document.derive.searches import searching
from migplan.document.model import Pattern

Drafter = Callable[[Table, Facts], Iterator[Pattern]]

# In this order the first five are taken.
DRAFTERS: tuple[Drafter, ...] = (
    by_primary_key,
    of_parent,
    hierarchy,
    between_days,
    searching,
    children_counted,
    newest,
    waiting,
    by_unique_key,
)
# What there is to ask of any table, where the others have less than two to suggest.
ANYWAY: tuple[Drafter, ...] = (page_by_page, a_few, how_many)

MOST = 5
LEAST = 2


def drafted(table: Table, facts: Facts) -> tuple[Pattern, ...]:
    """The queries for one table; what a drafter has beyond two comes after what all the others have."""
    each = [tuple(drafter(table, facts)) for drafter in DRAFTERS]
    found: dict[str, Pattern] = {}
    for pattern in (*_flat(several[:2] for several in each), *_flat(several[2:] for several in each)):
        if len(found) < MOST:
            found.setdefault(pattern.sql, pattern)
    for pattern in _flat(drafter(table, facts) for drafter in ANYWAY):
        if len(found) < LEAST:
            found.setdefault(pattern.sql, pattern)
    return tuple(found.values())


_flat = chain.from_iterable
