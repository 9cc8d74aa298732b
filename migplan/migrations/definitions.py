"""Who makes and who drops each thing of a folder, and so whom a need is about."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from migplan.migrations.model import Thing, ThingKind, Use
from migplan.migrations.uses.objects import transition_table
from migplan.names import quoted, split

_ALIKE = {ThingKind.TABLE: ThingKind.SEQUENCE, ThingKind.SEQUENCE: ThingKind.TABLE}
_SYSTEM_COLUMNS = frozenset({"ctid", "xmin", "xmax", "cmin", "cmax", "tableoid", "oid"})


@dataclass(frozen=True, slots=True)
class Place:
    """A use, and the number of the migration that it stands in."""

    at: int
    use: Use

    def is_before(self, other: Place) -> bool:
        """Whether it comes first; things of one line are there for each other."""
        return self.at < other.at or (self.at == other.at and self.use.line <= other.use.line)


class Definitions:
    """The places where things are made and dropped, in the order of the names."""

    def __init__(self, files: Sequence[Iterable[Use]]) -> None:
        self.made: dict[Thing, list[Place]] = defaultdict(list)
        self.dropped: dict[Thing, list[Place]] = defaultdict(list)
        self._belongs: dict[Thing, Thing] = {}
        for at, uses in enumerate(files):
            for use in uses:
                place = Place(at, use)
                if use.how == "creates":
                    self.made[use.thing].append(place)
                    home = use.of or use.thing.schema
                    if home is not None:
                        self._belongs[use.thing] = home
                    if use.thing.kind is ThingKind.CONSTRAINT:
                        self.made[_index_of(use.thing)].append(place)
                elif use.how == "drops":
                    self.dropped[self.meant(use) or use.thing].append(place)

    def meant(self, use: Use) -> Thing | None:
        """The thing that somebody makes and that a use may be about."""
        for thing in (use.thing, *use.also):
            for candidate in self._candidates(thing):
                if candidate in self.made:
                    return candidate
        return None

    def _candidates(self, thing: Thing) -> Iterator[Thing]:
        yield thing
        if thing.kind in _ALIKE:
            yield Thing(_ALIKE[thing.kind], thing.name)
        elif thing.kind is ThingKind.COLUMN:
            yield Thing(thing.kind, f"{table_of(thing).name}.*")

    def maker(self, thing: Thing, need: Place) -> Place | None:
        """Who makes a thing for a need: the last one before it, else the first one after it."""
        before = [place for place in self.made[thing] if place.is_before(need)]
        later = [place for place in self.made[thing] if not place.is_before(need)]
        if before and (not later or self.dropper(thing, before[-1], need) is None):
            return before[-1]
        if not later or self._replaces(thing, later[0]):
            return None
        return later[0]

    def dropper(self, thing: Thing, made: Place, need: Place) -> Place | None:
        """Who dropped a thing, or what it belongs to, between the two."""
        found: Thing | None = thing
        while found is not None:
            for place in self.dropped.get(found, ()):
                if made.is_before(place) and place.is_before(need) and place.use is not need.use:
                    return place
            found = self._belongs.get(found)
        return None

    def _replaces(self, thing: Thing, made: Place) -> bool:
        """Whether the thing was there before the folder: somebody drops it, without IF EXISTS, to make it."""
        return any(
            place.is_before(made) and not place.use.tolerant
            for place in self.dropped.get(thing, ())
            if not any(first.is_before(place) for first in self.made[thing])
        )

    def is_transition(self, table: Thing) -> bool:
        """Whether a trigger gives this name to the rows that its function sees."""
        return transition_table(split(table.name)[-1]) in self.made

    def is_open(self, thing: Thing) -> bool:
        """Whether nobody can say from the folder if there is such a thing of a table."""
        if thing.kind is ThingKind.COLUMN and split(thing.name)[-1] in _SYSTEM_COLUMNS:
            return True
        table = table_of(thing)
        return table not in self.made or Thing(ThingKind.COLUMN, f"{table.name}.*") in self.made


def table_of(thing: Thing) -> Thing:
    """The table of a column, a constraint, a trigger or a policy, by its name."""
    return Thing(ThingKind.TABLE, ".".join(map(quoted, split(thing.name)[:-1])))


def _index_of(constraint: Thing) -> Thing:
    """The index that stands behind a constraint: it is in the table's schema."""
    schema, _, name = split(constraint.name)
    return Thing(ThingKind.INDEX, f"{quoted(schema)}.{quoted(name)}")
