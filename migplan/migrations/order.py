"""The order of migrations: by what they need of each other, then by name.

A file needs the one that makes what it uses: the last before it by name, or else the first after it, and
then the names contradict the needs. What is dropped goes after its uses, and is made again after that.

What stands in a body of PL/pgSQL is needed when it runs and not before. So it is no reason to change the
order, and only said, unless a statement of a file calls the function: then it is needed there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import networkx as nx

from migplan.migrations.definitions import Definitions, Place
from migplan.migrations.duplicates import Duplicate, duplicates
from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import Thing, ThingKind, Use

_OF_TABLES = frozenset({ThingKind.COLUMN, ThingKind.CONSTRAINT, ThingKind.TRIGGER, ThingKind.POLICY})


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a migration comes after another: what it needs, and where that is made.

    Where something is dropped that another one still uses, ``need`` is the drop and ``made`` the use.
    ``through`` is the line in the body of a function that ``need`` calls.
    """

    migration: str
    need: Use
    by: str
    made: Use
    through: Use | None = None

    @property
    def is_about_dropping(self) -> bool:
        """Whether the later one drops what the earlier one uses."""
        return self.need.how == "drops" and self.made.how != "creates"


@dataclass(frozen=True, slots=True)
class Cycle:
    """Migrations that need each other, each the next one."""

    migrations: tuple[str, ...]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Missing:
    """A thing that nobody in the folder makes, so that the target has to have it; and who needs it first."""

    thing: Thing
    migration: str
    need: Use

    @property
    def is_sure(self) -> bool:
        """Whether it is needed for certain."""
        return self.need.sure and not self.need.tolerant


class Order:
    """What migrations need of each other, computed once from their files in the order of the names."""

    def __init__(self, file_analyses: Sequence[FileAnalysis]) -> None:
        self.file_analyses = tuple(each for each in file_analyses if each.migration.is_ordered)
        self.names = tuple(each.migration.name for each in self.file_analyses)
        self._upkeep = tuple(each for each in file_analyses if not each.migration.is_ordered)
        self._at = {name: at for at, name in enumerate(self.names)}
        self._definitions = Definitions([each.uses for each in self.file_analyses])
        self._needs: dict[tuple[int, int], Reason] = {}  # (who is needed, who needs it)
        self._after: dict[tuple[int, int], Reason] = {}  # likewise, but only one after the other
        self._chain: set[tuple[int, int]] = set()
        self._perhaps: list[Reason] = []
        self._missing: dict[Thing, Missing] = {}
        self._bodies: dict[Thing, list[Use]] = defaultdict(list)
        self._read()

    # --- answers -----------------------------------------------------------------------------------------

    @cached_property
    def needs(self) -> Mapping[str, tuple[Reason, ...]]:
        """Of each migration, why it needs which others: one reason for each, in their order."""
        found: dict[str, list[Reason]] = {name: [] for name in self.names}
        for (first, then), reason in sorted(self._needs.items(), key=lambda item: item[0]):
            if first != then:
                found[self.names[then]].append(reason)
        return {name: tuple(reasons) for name, reasons in found.items()}

    @cached_property
    def dependents(self) -> Mapping[str, tuple[Reason, ...]]:
        """Of each migration, who needs it, and why: it cannot be rolled back before them."""
        found: dict[str, list[Reason]] = {name: [] for name in self.names}
        for reasons in self.needs.values():
            for reason in reasons:
                found[reason.by].append(reason)
        return {name: tuple(reasons) for name, reasons in found.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """The names in an order that works; within a cycle, where none does, by name."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_nodes_from(range(len(self.names)))
        graph.add_edges_from((a, b) for a, b in (*self._needs, *self._after) if a != b)
        circles = _circles(graph)
        for a, b in self._chain:
            graph.add_edge(a, b)
        for circle in _circles(graph):
            if circle not in circles:  # the order of changes alone is no reason for a cycle
                graph.remove_edges_from(
                    (a, b)
                    for a, b in self._chain
                    if a in circle and b in circle and (a, b) not in self._needs and (a, b) not in self._after
                )
        for circle in _circles(graph):
            graph.remove_edges_from([(a, b) for a, b in graph.subgraph(circle).edges if a > b])
        return tuple(self.names[at] for at in nx.lexicographical_topological_sort(graph))

    @cached_property
    def contradictions(self) -> tuple[Reason, ...]:
        """Where the order of the names is not one that works."""
        found = [reason for (a, b), reason in self._edges() if a > b or (a == b and reason is not None)]
        return tuple(sorted(found, key=lambda each: (self._at[each.migration], each.need.line)))

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """Files that need each other, so that no order works; of each knot, a shortest way round."""
        graph: nx.DiGraph[int] = nx.DiGraph((a, b) for (a, b), _ in self._edges() if a != b)
        return tuple(
            sorted(map(self._way_round, map(graph.subgraph, _circles(graph))), key=lambda c: c.migrations)
        )

    @property
    def perhaps(self) -> tuple[Reason, ...]:
        """Functions whose body uses what is made later: they must not be called before that."""
        return tuple(self._perhaps)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What nobody makes, by kind and name."""
        return tuple(sorted(self._missing.values(), key=lambda each: each.thing))

    @cached_property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """What is made twice, in the order that works."""
        by_name = dict(zip(self.names, self.file_analyses, strict=True))
        return tuple(duplicates([(name, by_name[name].uses) for name in self.order]))

    # --- reading -----------------------------------------------------------------------------------------

    def _edges(self) -> Iterator[tuple[tuple[int, int], Reason]]:
        yield from self._needs.items()
        yield from ((edge, reason) for edge, reason in self._after.items() if edge not in self._needs)

    def _read(self) -> None:
        for use in (use for each in self.file_analyses for use in each.uses):
            if use.inside is not None:
                self._bodies[use.inside].append(use)
        for at, analysed in enumerate(self.file_analyses):
            for wanted in analysed.migration.requires:
                self._require(at, wanted)
            for use in analysed.uses:
                self._use(Place(at, use))
        for analysed in self._upkeep:
            for use in analysed.uses:
                if use.how != "creates" and self._definitions.meant(use) is None:
                    self._note_missing(analysed.migration.name, use)
        self._sequence()

    def _require(self, at: int, wanted: str) -> None:
        if wanted not in self._at:
            return  # maintenance, which has no place in the order
        thing = Thing(ThingKind.OTHER, f"migration {wanted}")
        said = Use("needs", thing, self.file_analyses[at].migration.up.line, f"-- migplan: requires {wanted}")
        made = Use("creates", thing, self.file_analyses[self._at[wanted]].migration.up.line, "")
        self._need(Place(at, said), Place(self._at[wanted], made))

    def _use(self, place: Place) -> None:
        use = place.use
        if use.how == "creates":
            return
        thing = self._definitions.meant(use)
        if thing is None:
            self._note_missing(self.names[place.at], use)
            return
        maker = self._definitions.maker(thing, place)
        if maker is None:
            if not (use.how == "drops" and use.tolerant):
                self._note_missing(self.names[place.at], use)
        elif maker.is_before(place):
            self._need(place, maker)
            dropper = self._definitions.dropper(thing, maker, place)
            if dropper is not None and dropper.at != place.at and use.sure and not use.tolerant:
                self._drop(dropper, [place])
        elif use.sure and not use.tolerant:
            self._need(place, maker)
        else:
            self._doubt(place, maker)
        if use.how == "calls" and use.inside is None:
            self._follow(place, thing)

    def _doubt(self, place: Place, maker: Place) -> None:
        if place.use.inside is not None and maker.at != place.at:
            reason = Reason(self.names[place.at], place.use, self.names[maker.at], maker.use)
            self._perhaps.append(reason)

    def _need(self, place: Place, maker: Place, through: Use | None = None) -> None:
        if place.at == maker.at and maker.is_before(place):
            return
        reason = Reason(self.names[place.at], place.use, self.names[maker.at], maker.use, through)
        self._needs.setdefault((maker.at, place.at), reason)

    def _follow(self, call: Place, function: Thing) -> None:
        """What the body of a function that runs here uses is needed here."""
        seen, border = {function}, [function]
        while border:
            for use in self._bodies.get(border.pop(), ()):
                thing = self._definitions.meant(use)
                if thing is None:
                    continue
                maker = self._definitions.maker(thing, call)
                if maker is not None and (not maker.is_before(call) or use.sure):
                    self._need(call, maker, use)
                if thing.kind is ThingKind.FUNCTION and thing not in seen:
                    seen.add(thing)
                    border.append(thing)

    def _note_missing(self, name: str, use: Use) -> None:
        thing = use.thing
        if use.how == "drops" and use.tolerant:
            return
        if thing.kind in _OF_TABLES and self._definitions.is_open(thing):
            return
        if use.inside is not None and self._definitions.is_transition(thing):
            return
        noted = self._missing.get(thing)
        found = Missing(thing, name, use)
        if noted is None or (found.is_sure and not noted.is_sure):
            self._missing[thing] = found

    def _sequence(self) -> None:
        """Drops after uses, makers after drops, and changes of one thing in the order of their names."""
        users: dict[Thing, list[Place]] = defaultdict(list)
        for at, analysed in enumerate(self.file_analyses):
            for use in analysed.uses:
                thing = self._definitions.meant(use) or use.thing
                if use.how == "alters" and use.thing.kind is not ThingKind.TABLE:
                    self._chain.update(
                        (place.at, at)
                        for place in users[thing][-1:]
                        if place.use.how == "alters" and place.at != at
                    )
                if use.how == "drops":
                    self._drop(Place(at, use), users.pop(thing, []))
                elif use.how == "creates" and thing in self._definitions.dropped:
                    self._made_again(Place(at, use), thing)
                if use.how != "drops" and (use.how == "alters" or thing in self._definitions.dropped):
                    users[thing].append(Place(at, use))

    def _drop(self, drop: Place, users: Sequence[Place]) -> None:
        for user in users:
            if user.at != drop.at and user.use.sure:
                reason = Reason(self.names[drop.at], drop.use, self.names[user.at], user.use)
                self._after.setdefault((user.at, drop.at), reason)

    def _made_again(self, made: Place, thing: Thing) -> None:
        for drop in self._definitions.dropped[thing]:
            if drop.at < made.at:
                reason = Reason(self.names[made.at], made.use, self.names[drop.at], drop.use)
                self._after.setdefault((drop.at, made.at), reason)

    def _way_round(self, knot: nx.DiGraph[int]) -> Cycle:
        edges = dict(self._edges())
        start = min(knot)
        ways = [nx.shortest_path(knot, then, start) for then in sorted(knot.successors(start))]
        way = [start, *min(ways, key=len)]
        pairs = list(pairwise(way))
        return Cycle(tuple(self.names[at] for at in way[:-1]), tuple(edges[pair] for pair in pairs))


def _circles(graph: nx.DiGraph[int]) -> list[frozenset[int]]:
    return sorted((frozenset(c) for c in nx.strongly_connected_components(graph) if len(c) > 1), key=min)
