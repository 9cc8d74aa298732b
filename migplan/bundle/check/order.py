"""Whether a bundle's order agrees with its keys, as its SQL alone tells it.

Places are compared, not file names: a key holds for the rows that come in behind the statement which
creates it, in either layout.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from postgast import pg_query_pb2 as pg

from migplan.bundle.check.problem import Kind, Problem
from migplan.config import Strategy
from migplan.sql.effects import TABLES, ForeignKey, effects

# These load rows whose keys cannot hold at once.
_OUT_OF_ORDER = frozenset({Strategy.DEFERRED, Strategy.NULL_THEN_UPDATE, Strategy.CONSTRAINT_LATER})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a bundle; the one that runs first is the smaller one."""

    number: int  # of the file
    offset: int
    line: int
    file: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Order:
    """Gathers what files create, attach, refer to and fill, while they are read."""

    def __init__(self) -> None:
        self._created: dict[str, Place] = {}
        self._homes: dict[str, str] = {}  # of a partition: the table that it is a part of
        self._keys: list[tuple[ForeignKey, Place]] = []
        self._filled: dict[str, list[Place]] = {}

    @property
    def referenced(self) -> frozenset[str]:
        """The tables that keys refer to."""
        return frozenset(key.referenced.name for key, _ in self._keys)

    def fill(self, table: str, place: Place) -> None:
        """Take note of rows that are loaded into a table."""
        self._filled.setdefault(table, []).append(place)

    def run(self, node: pg.Node, place: Place) -> None:
        """Take note of what a statement creates, attaches and refers to."""
        found = effects(node)
        for each in found.creates:
            if each.type in TABLES:
                self._created.setdefault(each.name, place)
        self._homes |= {each.child.name: each.parent.name for each in found.children if each.is_partition}
        self._keys += [(key, place) for key in found.keys if key.enforced]

    def root(self, table: str) -> str:
        """Return the topmost table that a table is a partition of; itself if it is none."""
        return lineage(table, self._homes)[-1]

    def problems(self, strategies: Mapping[str, Strategy], promised: Collection[str]) -> Iterator[Problem]:
        """Yield what comes too early. A table that was not ``promised`` may exist in the target."""
        for key, place in self._keys:
            yield from self._creation(key, place, promised)
        filled = self._with_partitions()
        for key, place in self._keys:
            table, referenced = key.table.name, key.referenced.name
            if table != referenced and strategies.get(self.root(table)) not in _OUT_OF_ORDER:
                yield from _filling(key, place, filled.get(table, []), filled.get(referenced, []))

    def _creation(self, key: ForeignKey, place: Place, promised: Collection[str]) -> Iterator[Problem]:
        referenced = key.referenced.name
        created = self._created.get(referenced)
        if created is None:
            if referenced in promised:
                yield _problem(place, f"{_name(key)} refers to {referenced}, which no file creates")
        elif created > place:
            what = f"{_name(key)} refers to {referenced}, which is created later, at {created}"
            yield _problem(place, what)

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
    return Problem(Kind.ORDER, place.file, place.line, what, "plan and export anew")
