"""Tables in batches: children first, circles whole, and never more at once than was said."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan.bundle.undo import batches
from migplan.bundle.undo.batches import with_referencing

NODES = st.integers(0, 11)


@given(st.lists(st.tuples(NODES, NODES), max_size=30), st.permutations(range(12)), st.integers(1, 5))
def test_children_come_first_and_circles_stay_together(
    pairs: list[tuple[int, int]], tables: list[int], at_once: int
) -> None:
    needs: dict[int, set[int]] = {}
    for child, parent in pairs:
        needs.setdefault(child, set()).add(parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batches, "BATCH", at_once)
        found = batches.batches(tables, needs)
    assert sorted(table for batch in found for table in batch) == list(range(12))
    where = {table: number for number, batch in enumerate(found) for table in batch}
    for child, parent in pairs:
        assert where[child] <= where[parent]
        if child in reached(parent, needs):
            assert where[child] == where[parent]
    for batch in found:
        if len(batch) > at_once:  # then it is a circle, and nothing else
            assert all(other in reached(batch[0], needs) for other in batch[1:])


def test_without_keys_the_last_comes_first() -> None:
    assert batches.batches(list("abc"), {}) == [["c", "b", "a"]]
    assert batches.batches([], {}) == []


def test_what_refers_to_a_table_is_counted_up_to_a_limit() -> None:
    many = 2 * batches.MOST_REFERENCING
    chain = {number: {number + 1} for number in range(many)}
    assert with_referencing(many - 3, chain) == set(range(many - 3, 801))
    assert with_referencing(0, chain) is None


def reached(table: int, needs: Mapping[int, set[int]]) -> set[int]:
    """What a table needs, directly or through others."""
    found: set[int] = set()
    waiting = [table]
    while waiting:
        new = needs.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found
