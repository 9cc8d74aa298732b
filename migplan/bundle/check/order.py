"""Whether a bundle's order agrees with its keys, as its SQL alone tells it.

Places are compared, not file names: a key holds for the rows that come in behind the statement which
creates it, in either layout.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence

from postgast import pg_query_pb2 as pg

from migplan.bundle.check.problem import Kind, Place, Problem
from migplan.config import Strategy
from migplan.sql.effects import ForeignKey, effects

# These load rows whose keys cannot hold at once.
_OUT_OF_ORDER = frozenset({Strategy.DEFERRED, Strategy.NULL_THEN_UPDATE, Strategy.CONSTRAINT_LATER})


class Order:
    """Gathers what files attach, refer to and fill, while they are read."""

    def __init__(self) -> None:
        self._homes: dict[str, str] = {}  # of a partition: the table that it is a part of
        self._keys: list[tuple[ForeignKey, Place]] = []
        self._filled: dict[str, list[Place]] = {}

    def fill(self, table: str, place: Place) -> None:
        """Take note of rows that are loaded into a table."""
        self._filled.setdefault(table, []).append(place)

    def run(self, node: pg.Node, place: Place) -> None:
        """Take note of what a statement attaches and refers to."""
        found = effects(node)
        self._homes |= {each.child.name: each.parent.name for each in found.children if each.is_partition}
        self._keys += [(key, place) for key in found.keys if key.enforced]

    def root(self, table: str) -> str:
        """Return the topmost table that a table is a partition of; itself if it is none."""
        return lineage(table, self._homes)[-1]

    def problems(self, strategies: Mapping[str, Strategy]) -> Iterator[Problem]:
        """Yield rows that come too early."""
        filled = self._with_partitions()
        for key, place in self._keys:
            table, referenced = key.table.name, key.referenced.name
            if table != referenced and strategies.get(self.root(table)) not in _OUT_OF_ORDER:
                yield from _filling(key, place, filled.get(table, []), filled.get(referenced, []))

    def _with_partitions(self) -> Mapping[str, list[Place]]:
        """Return the places where rows of each table, or of its partitions, are loaded."""
        filled: dict[str, list[Place]] = {}
        for table, places in self._filled.items():
            for each in lineage(table, self._homes):
                filled.setdefault(each, []).extend(places)
        for places in filled.values():
            places.sort()
        return filled


def _name(key: ForeignKey) -> str:
    return key.name or f"a key of {key.table.name}"


def lineage(table: str, homes: Mapping[str, str]) -> list[str]:
    """Return a table and those of which it is a partition, up to the topmost one."""
    found = [table]
    while (home := homes.get(found[-1])) is not None and home not in found:
        found.append(home)
    return found


def _filling(
    key: ForeignKey, place: Place, rows: Sequence[Place], referenced: Sequence[Place]
) -> Iterator[Problem]:
    """Yield rows that are loaded before rows to which they may refer, while their key is in force."""
    first = bisect_right(rows, place)
    if first < len(rows) and referenced and referenced[-1] > rows[first]:
        needed = f"rows of {key.referenced.name} ({referenced[-1]})"
        what = f"rows of {key.table.name} come before {needed}, which {_name(key)} needs"
        yield _problem(rows[first], what)


def _problem(place: Place, what: str) -> Problem:
    return Problem(Kind.ORDER, place.file, place.line, what, "plan and export again")
