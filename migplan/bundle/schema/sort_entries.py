"""The order within a file: everything of one table together, as far as needs allow; always the same."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from migplan.bundle.schema.ownership import FOLLOWERS, Ownership
from migplan.digraph import digraph, topological_order
from migplan.names import QualifiedName
from migplan.postgres.archive import Section

# Within a table, the order in which a reader wants to see it.
_RANKS: Mapping[str, int] = {
    "SEQUENCE": 0,
    "TABLE": 1,
    "FOREIGN TABLE": 1,
    "SEQUENCE OWNED BY": 2,
    "DEFAULT": 3,
    "TABLE ATTACH": 4,
    "CONSTRAINT": 5,
    "CHECK CONSTRAINT": 6,
    "INDEX": 7,
    "INDEX ATTACH": 8,
    "STATISTICS": 9,
    "FK CONSTRAINT": 10,
    "RULE": 11,
    "TRIGGER": 12,
    "ROW SECURITY": 13,
    "POLICY": 14,
}
_ELSEWHERE = 15

_BEFORE, _BEHIND = -1, 1_000_000

SortKey = tuple[int, int, int]


def sort_entries(
    numbers: Collection[int], ownership: Ownership, position: Mapping[QualifiedName, int]
) -> list[int]:
    """Return the entries of one file in their order; ``position`` is each table's place in the plan."""
    here = set(numbers)
    key: dict[int, SortKey] = {}
    for number in sorted(here, key=ownership.order.__getitem__):
        key[number] = _key(number, ownership, position, key)
    _pull_up(here, ownership, key)
    needs = ((need, number) for number in here for need in ownership.needs[number] & here)
    order = topological_order(digraph(sorted(here), needs), key.__getitem__)
    assert order is not None, "an archive lists what is needed first"
    return order


def _key(
    number: int, ownership: Ownership, position: Mapping[QualifiedName, int], before: Mapping[int, SortKey]
) -> SortKey:
    """Return an entry's sort key; ``before`` has the keys of all that it needs here.

    What has no table of its own stands before all tables, as pg_dump has it, or behind the last one that it
    needs.
    """
    entry = ownership.entries[number]
    owner = ownership.owner.get(number)
    subject = number
    if entry.kind in FOLLOWERS:  # beside what it is about
        subject = min(ownership.needs[number], default=number)
    if owner is not None:
        rank = _RANKS.get(ownership.entries[subject].kind, _ELSEWHERE)
        return (position.get(owner, _BEHIND), rank, ownership.order[subject])
    if ownership.entries[subject].section is Section.POST_DATA:
        return (_BEHIND, _ELSEWHERE, ownership.order[subject])
    needed = (before[need][0] for need in ownership.needs[number] if need in before)
    return (max(needed, default=_BEFORE), _ELSEWHERE, ownership.order[subject])


def _pull_up(here: set[int], ownership: Ownership, key: dict[int, SortKey]) -> None:
    """Move what belongs to no table before the first entry that needs it."""
    for number in sorted(here, key=ownership.order.__getitem__, reverse=True):
        for need in ownership.needs[number] & here:
            if need not in ownership.owner and key[need] > key[number]:
                key[need] = key[number]
