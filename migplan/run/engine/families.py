"""Tables that are one to the server: what is done to a table reaches its partitions and its heirs.

Partitions are worked on side by side, and what concerns the whole waits for all of them: a key to a
partitioned table needs its primary key, which is none before the last partition's index is attached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from migplan.run.engine.footprints import EXCLUSIVE, PARTS, Footprint, Reading, joined
from migplan.sql.effects import effects
from migplan.sql.tree import statement_tree

_FOUNDING = re.compile(r"\bATTACH\s+PARTITION\b|\bINHERITS\s*\(", re.IGNORECASE)


class Families:
    """What is known of them, from the statements seen so far."""

    def __init__(self) -> None:
        self._parents: dict[str, set[str]] = {}
        self._table_of: dict[str, str] = {}  # of each index

    def see(self, text: str) -> None:
        """Learn from a statement that makes tables."""
        if not _FOUNDING.search(text):
            return
        for each in effects(statement_tree(text)).children:
            self._parents.setdefault(each.child.name, set()).add(each.parent.name)

    def footprint(self, reading: Reading) -> Footprint:
        """What a statement concerns, the families of its tables included."""
        if reading.index:
            index, table = reading.index
            self._table_of[index] = table
        return self.widened(reading.footprint)

    def has_parts(self, table: str) -> bool:
        """Whether it is partitioned, or has heirs."""
        return any(table in parents for parents in self._parents.values())

    def widened(self, footprint: Footprint) -> Footprint:
        """A footprint of tables (or their indexes), and of those that they are parts of."""
        if footprint.everything:
            return footprint
        found = dict(footprint.things)
        for thing, how in footprint.things:
            table = self._table_of.get(thing)
            if table and how == EXCLUSIVE:
                found.setdefault(table, PARTS)
            for above in self._above(table or thing):
                found.setdefault(above, PARTS)
        return joined([Footprint(tuple(found.items()))])

    def _above(self, table: str) -> Iterator[str]:
        for parent in sorted(self._parents.get(table, ())):
            yield parent
            yield from self._above(parent)
