"""The order of migrations: by what they need of each other, then by name.

The statements of all files are walked through a small model of a catalog, in the order of the names. A
statement needs the file that made what it uses. Where that is made only later, or was dropped before, the
statement surely fails: the names contradict the needs. What is dropped goes after its uses, and is made again
after that.

What may fail and may not is a doubt: it is said, and the file is tried. That goes for all that stands in a
body of PL/pgSQL, that a condition may pass over, and for what SQL may have made that is put together when it
runs. What stands in a body is needed when it runs, and not when the function is made.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise

from migplan.digraph import Graph, digraph, strong_components, topological_order
from migplan.migrations.catalog import OF_TABLES, RELATIONS, Catalog, Entry, Place
from migplan.migrations.file_analysis import FileAnalysis
from migplan.migrations.model import Thing, ThingKind, Use
from migplan.migrations.uses.objects import transition_table
from migplan.names import split

_PUBLIC = Thing(ThingKind.SCHEMA, "public")
_CHANGES = frozenset({"creates", "drops", "renames"})


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
        """Whether the later one drops, or renames, what the earlier one uses."""
        return self.need.how in {"drops", "renames"} and self.made.how not in {"creates", "renames"}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A statement that may fail, for a reason that only the server can tell."""

    migration: str
    need: Use
    by: str  # where the thing is made, or dropped; empty where no statement tells
    made: Use | None
    through: Use | None = None

    @property
    def is_body(self) -> bool:
        """Whether it stands in the body of a function that nothing here calls: no file fails for it."""
        return self.need.inside is not None


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A thing that is created twice, and not dropped between."""

    thing: Thing
    first: tuple[str, Use]
    second: tuple[str, Use]
    is_sure: bool = True  # False: it may have been dropped between, or not be made at all

    @property
    def is_harmless(self) -> bool:
        """Whether the second says IF NOT EXISTS or OR REPLACE."""
        return self.second[1].tolerant

    @property
    def is_wrong(self) -> bool:
        """Whether the second statement surely fails."""
        return self.is_sure and not self.is_harmless


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
    is_clouded: bool = False  # SQL that cannot be read, or an extension, may have made it before

    @property
    def is_sure(self) -> bool:
        """Whether it is needed for certain."""
        return self.need.sure and not self.need.tolerant and not self.is_clouded


class Order:
    """What migrations need of each other, computed once from their files in the order of the names.

    With ``trust_names`` the order is that of the names; what contradicts it is still said. Of what is dropped
    or renamed before a file makes it, the target is thought to have one, but for what is known to be
    ``lacking``.
    """

    def __init__(
        self,
        file_analyses: Sequence[FileAnalysis],
        *,
        trust_names: bool = False,
        lacking: frozenset[Thing] = frozenset(),
    ) -> None:
        self.file_analyses = tuple(each for each in file_analyses if each.migration.is_ordered)
        self.names = tuple(each.migration.name for each in self.file_analyses)
        self.trust_names = trust_names
        self.lacking = lacking
        self._at = {name: at for at, name in enumerate(self.names)}
        self._found = Walk(self.file_analyses, lacking)
        for _ in self._found.files():
            pass
        for each in file_analyses:
            if not each.migration.is_ordered:
                self._found.upkeep(each)

    # --- answers -----------------------------------------------------------------------------------------

    @cached_property
    def needs(self) -> Mapping[str, tuple[Reason, ...]]:
        """Of each migration, why it needs which others: one reason for each, in their order."""
        found: dict[str, list[Reason]] = {name: [] for name in self.names}
        for (first, then), reason in sorted(self._found.needs.items(), key=lambda item: item[0]):
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
        if self.trust_names:
            return self.names
        if self._orders:
            return tuple(self.names[at] for at in self._orders[0].order)
        return tuple(self.names[at] for at in self._by_needs())

    @property
    def works(self) -> bool:
        """Whether an order is known that works, as far as files tell, where that of the names does not."""
        return bool(self._orders)

    @cached_property
    def ambiguity(self) -> tuple[tuple[str, ...], ...]:
        """Orders that work, as far as files tell, and lead to different schemas; none if all lead to one."""
        by_schema = {each.schema: each.order for each in reversed(self._orders)}
        every = [each for each in self._orders if by_schema[each.schema] == each.order]
        return tuple(tuple(self.names[at] for at in each.order) for each in every) if len(every) > 1 else ()

    @cached_property
    def _orders(self) -> Sequence[Tried]:
        """The orders that work where that of the names does not, the best of them first."""
        if not self.contradictions and not any(each.is_wrong for each in self.duplicates):
            return ()
        return working_orders(self.file_analyses, self.lacking, self._by_needs())

    def _by_needs(self) -> tuple[int, ...]:
        needs, after, chain = self._found.needs, self._found.after, self._found.chain
        files = range(len(self.names))
        edges = {(a, b) for a, b in (*needs, *after) if a != b}
        circles = _circles(digraph(files, edges))
        edges |= chain
        for circle in _circles(digraph(files, edges)):
            if circle not in circles:  # the order of changes alone is no reason for a cycle
                edges -= {
                    (a, b)
                    for a, b in chain
                    if a in circle and b in circle and (a, b) not in needs and (a, b) not in after
                }
        left = enumerate(_circles(digraph(files, edges)))
        within = {at: number for number, circle in left for at in circle}
        edges -= {(a, b) for a, b in edges if a > b and a in within and within[a] == within.get(b)}
        order = topological_order(digraph(files, edges))
        assert order is not None, "no circle is left"
        return tuple(order)

    @cached_property
    def contradictions(self) -> tuple[Reason, ...]:
        """Where the order of the names is not one that works: a statement surely fails there."""
        found = [reason for (a, b), reason in self._edges() if a >= b]
        return tuple(sorted(found, key=lambda each: (self._at[each.migration], each.need.line)))

    @cached_property
    def cycles(self) -> tuple[Cycle, ...]:
        """Files that need each other, so that no order works; of each knot, a shortest way round."""
        if self.works:
            return ()
        graph = digraph((), ((a, b) for (a, b), _ in self._edges() if a != b))
        return tuple(sorted(map(self._way_round, _circles(graph)), key=lambda cycle: cycle.migrations))

    @property
    def doubts(self) -> tuple[Doubt, ...]:
        """What may fail, in the order of the names."""
        return tuple(self._found.doubts)

    @property
    def missing(self) -> tuple[Missing, ...]:
        """What nobody makes, by kind and name."""
        return tuple(sorted(self._found.missing.values(), key=lambda each: each.thing))

    @property
    def duplicates(self) -> tuple[Duplicate, ...]:
        """What is made twice and not dropped between, in the order of the names."""
        return tuple(self._found.duplicates)

    @property
    def made_later(self) -> frozenset[Missing]:
        """What is dropped or renamed before a file makes it: the target has it, or a name is wrong."""
        return frozenset(each for each in self.missing if self._found.is_made_later(each.thing))

    def after(self, names: Sequence[str]) -> Catalog:
        """Return the catalog as some migrations leave it that run in that order, on an empty database."""
        by_name = {each.migration.name: each for each in self.file_analyses}
        walk = Walk([by_name[name] for name in names if name in by_name])
        for _ in walk.files():
            pass
        return walk.catalog

    def _edges(self) -> Iterator[tuple[tuple[int, int], Reason]]:
        needs = self._found.needs
        yield from needs.items()
        yield from ((edge, reason) for edge, reason in self._found.after.items() if edge not in needs)

    def _way_round(self, circle: frozenset[int]) -> Cycle:
        import networkx as nx  # noqa: PLC0415 - for the message alone

        edges = dict(self._edges())
        knot = nx.DiGraph((a, b) for a, b in edges if a != b).subgraph(circle)
        start = min(circle)
        ways = [nx.shortest_path(knot, then, start) for then in sorted(knot.successors(start))]
        way = [start, *min(ways, key=len)]
        pairs = list(pairwise(way))
        return Cycle(tuple(self.names[at] for at in way[:-1]), tuple(edges[pair] for pair in pairs))


class Walk:
    """The statements of files, walked through a catalog in their order; and what was found on the way."""

    def __init__(
        self, file_analyses: Sequence[FileAnalysis], lacking: frozenset[Thing] = frozenset()
    ) -> None:
        self.catalog = Catalog()
        self.blocked: list[tuple[int, int]] = []  # a drop, and who made what it would take along
        self._lacking = lacking
        self.needs: dict[tuple[int, int], Reason] = {}  # (who is needed, who needs it)
        self.after: dict[tuple[int, int], Reason] = {}  # likewise, but only one after the other
        self.chain: set[tuple[int, int]] = set()
        self.doubts: list[Doubt] = []
        self._doubted: set[tuple[object, ...]] = set()
        self.missing: dict[Thing, Missing] = {}
        self.duplicates: list[Duplicate] = []
        self._names = [each.migration.name for each in file_analyses]
        self._bodies: dict[Thing, list[Use]] = defaultdict(list)
        self._coming: dict[Thing, list[tuple[int, Place]]] = defaultdict(
            list
        )  # who makes or drops it, and when
        self.clouds: set[ThingKind] = set()  # what SQL that cannot be read may have made or dropped
        self._brought: set[ThingKind] = set()  # what extensions may have brought
        self._made: dict[Thing, Entry] = {}  # by the statement, under the names that it says or implies
        self._step = 0
        self._files = file_analyses
        self._foresee(file_analyses)

    def files(self) -> Iterator[str]:
        """Walk through the files; yield the name of each when it is done: the catalog is as it leaves it."""
        for at, analysed in enumerate(self._files):
            self._require(at, analysed, self._files)
            for _, uses in groupby(analysed.uses, key=lambda use: use.number):
                self._statement(at, tuple(uses))
            yield analysed.migration.name

    def _foresee(self, file_analyses: Sequence[FileAnalysis]) -> None:
        step = 0
        for at, analysed in enumerate(file_analyses):
            for use in analysed.uses:
                step += 1
                if use.inside is not None:
                    self._bodies[use.inside].append(use)
                elif use.how in _CHANGES:
                    place = Place(at, use, step)
                    self._coming[use.thing].append((step, place))
                    if use.to is not None:
                        self._coming[use.to].append((step, place))

    def _require(self, at: int, analysed: FileAnalysis, file_analyses: Sequence[FileAnalysis]) -> None:
        for wanted in analysed.migration.requires:
            if wanted not in self._names:
                continue  # maintenance, which has no place in the order
            other = self._names.index(wanted)
            thing = Thing(ThingKind.OTHER, f"migration {wanted}")
            line = analysed.migration.up.line
            said = Use("needs", thing, line, f"-- migplan: requires {wanted}")
            made = Use("creates", thing, file_analyses[other].migration.up.line, "")
            self._note_need(Place(at, said), Place(other, made))

    def upkeep(self, analysed: FileAnalysis) -> None:
        """Note what maintenance needs and nobody makes; it has no place in the order."""
        for use in analysed.uses:
            if use.how not in _CHANGES and not any(
                self.catalog.find(each) or each in self._coming for each in (use.thing, *use.also)
            ):
                self._note_missing(analysed.migration.name, use)

    # --- a statement -------------------------------------------------------------------------------------

    def _statement(self, at: int, uses: Sequence[Use]) -> None:
        """What a statement does at once: what it makes is there for all that it needs."""
        if self._does_nothing(uses[0]):
            self._step += len(uses)
            return
        kept = {use.unless for use in uses if use.unless is not None and self._is_made(use.unless)}
        unsure = {each for each in kept if not self._is_made(each, sure=True)}
        unsure |= {use.unless for use in uses if use.unless and self._may_be(use.unless)} - kept
        self._made.clear()
        waiting: list[Place] = []
        needed: list[tuple[Thing, Entry]] = []
        for said in uses:
            self._step += 1
            if said.unless in kept - unsure:
                continue
            # What may be there already may have other parts.
            use = replace(said, sure=False, tolerant=True) if said.unless in unsure else said
            if not self._one(Place(at, use, self._step), needed):
                waiting.append(Place(at, use, self._step))
        for place in waiting:
            if (entry := self._meant(place.use)) is not None:
                self._met(place, entry, needed)
            else:
                self._unmet(place)
        for thing, entry in needed:
            user = self._made.get(thing) or self.catalog.get(thing)
            if user is not None and user is not entry:
                entry.dependents[user] = None

    def _one(self, place: Place, needed: list[tuple[Thing, Entry]]) -> bool:
        """Do what a use does; return whether that is so: what it needs may come with the statement."""
        use = place.use
        if use.how in _CHANGES:
            _DOES[use.how](self, place)
        elif use.how == "clouds":
            if use.inside is None:
                self.clouds |= use.clouds
        elif (entry := self._meant(use)) is not None:
            self._met(place, entry, needed)
        else:
            return False
        return True

    def _does_nothing(self, first: Use) -> bool:
        """Whether a statement says IF EXISTS of a table that is not there, or of which nobody knows."""
        if first.how != "alters" or not first.tolerant or not first.sure or first.thing.kind in OF_TABLES:
            return False
        return self._meant(first) is None and any(
            each in self._coming or each in self.catalog.gone for each in (first.thing, *first.also)
        )

    def _is_made(self, thing: Thing, *, sure: bool = False) -> bool:
        entry = self.catalog.find(thing) if thing.kind in RELATIONS else self.catalog.get(thing)
        return entry is not None and not entry.is_ghost and (entry.sure or not sure)

    def _may_be(self, thing: Thing) -> bool:
        """Whether it may be a column of a table whose columns nobody says."""
        return thing.kind is ThingKind.COLUMN and self.catalog.find(thing) is not None

    def _meant(self, use: Use) -> Entry | None:
        for thing in (use.thing, *use.also):
            entry = self.catalog.find(thing)
            if entry is not None:
                return entry
        return None

    def _met(self, place: Place, entry: Entry, needed: list[tuple[Thing, Entry]]) -> None:
        use = place.use
        entry.users.append(place)
        if use.by is not None:
            if (user := self._made.get(use.by)) is not None:
                entry.dependents[user] = None
            else:
                needed.append((use.by, entry))
        if entry.made is not None:
            self._note_need(place, entry.made)
        if use.how == "alters":
            self._alter(place, entry)
        elif use.how == "calls" and use.inside is None:
            self._follow(place, entry.thing)

    def _alter(self, place: Place, entry: Entry) -> None:
        use = place.use
        if use.thing.kind is not ThingKind.TABLE:
            if entry.altered is not None and entry.altered.at != place.at:
                self.chain.add((entry.altered.at, place.at))
            entry.altered = place
        if use.detail == "no identity":
            for part in list(entry.parts):
                if part.thing.kind is ThingKind.SEQUENCE:
                    self.catalog.drop(part, place)
        elif use.detail in {"attached", "detached"} and use.of is not None:
            parent = self.catalog.find(use.of)
            if parent is not None:
                (self.catalog.attach if use.detail == "attached" else self.catalog.detach)(entry, parent)
        elif use.of is not None:
            self.catalog.own(entry, use.of)

    # --- making, dropping, renaming ----------------------------------------------------------------------

    def _make(self, place: Place) -> None:
        use = place.use
        if use.thing.kind is ThingKind.OTHER:
            self.catalog.make(use, place)
            return
        if use.thing.kind is ThingKind.COLUMN and use.thing.name.endswith(".*"):
            if use.of is not None and (table := self.catalog.find(use.of)) is not None:
                table.is_open = True
            return
        other = self.catalog.find(use.thing) if use.tolerant and use.thing.kind in RELATIONS else None
        if other is not None and other.thing.kind is not use.thing.kind:
            return  # IF NOT EXISTS is about all relations
        if use.thing.kind is ThingKind.EXTENSION:
            self._brought |= set(ThingKind) - OF_TABLES
        again = self.catalog.gone.get(use.thing)
        known = self.catalog.get(use.thing)
        was_sure = known is None or known.sure
        entry, first = self.catalog.make(use, place)
        self._made[use.thing] = entry
        if again is not None and again.at != place.at:
            reason = Reason(self._names[place.at], use, self._names[again.at], again.use)
            self.after.setdefault((again.at, place.at), reason)
        if first is not None and first.use is not use:
            self._duplicate(entry, first, place, was_sure=was_sure)

    def _duplicate(self, entry: Entry, first: Place, place: Place, *, was_sure: bool) -> None:
        use = place.use
        last = self.duplicates[-1] if self.duplicates else None
        if last is not None and use.of == last.thing and use.number == last.second[1].number:
            return  # the columns of a table that is made twice
        clouded = entry.thing.kind in self.clouds
        sure = was_sure and use.sure and first.use.sure and not clouded
        found = Duplicate(
            use.thing, (self._names[first.at], first.use), (self._names[place.at], use), is_sure=sure
        )
        self.duplicates.append(found)

    def _drop(self, place: Place) -> None:
        use = place.use
        entry = self._meant(use)
        if entry is None and use.thing.kind is ThingKind.SCHEMA:
            entry = self.catalog.ghost(use.thing)
        if (entry is None or entry.is_ghost) and use.thing != _PUBLIC:
            self._unmet(place)
        if entry is None:
            entry = self.catalog.get(use.thing)
            if entry is None:
                _, maker = self._maker_to_come(place)
                of_later_table = self.catalog.has_no_table(use.thing) or (
                    maker is not None and self._comes_with_its_table(maker)
                )
                if use.sure and not of_later_table and not (maker and use.thing in self._lacking):
                    self.catalog.gone[use.thing] = place
                return
        if entry.thing.kind in RELATIONS and use.thing.kind in OF_TABLES:
            if (known := self.catalog.get(use.thing)) is not None:
                self.catalog.drop(known, place)
            return  # a part of a table that nobody knows
        if entry.made is not None:
            self._note_need(place, entry.made)
        self._after_users(place, entry)
        if use.sure and not use.cascade:
            self.blocked += ((place.at, made.at) for made in self.catalog.held_by(entry))
        self.catalog.drop(entry, place)

    def _after_users(self, place: Place, entry: Entry) -> None:
        for user in entry.users:
            if user.at != place.at and user.use.sure:
                reason = Reason(self._names[place.at], place.use, self._names[user.at], user.use)
                self.after.setdefault((user.at, place.at), reason)

    def _rename(self, place: Place) -> None:
        use = place.use
        assert use.to is not None
        entry = self._meant(use)
        again = self.catalog.gone.get(use.to)
        if use.thing == _PUBLIC:
            entry = self.catalog.ghost(use.thing)
        if entry is None or (use.thing.kind in OF_TABLES and entry.thing.kind in RELATIONS):
            if entry is None:
                if use.tolerant:
                    return
                self._unmet(place)
            if use.thing not in self._lacking:
                self.catalog.gone[use.thing] = place
            entry = self.catalog.ghost(use.to)
            entry.made = place
        else:
            if entry.made is not None:
                self._note_need(place, entry.made)
            self._after_users(place, entry)
            there = self.catalog.get(use.to)
            if there is not None and there is not entry and there.made is not None:
                self._duplicate(there, there.made, place, was_sure=there.sure)
            self.catalog.rename(entry, use.to, place)
            entry.made = place
        if again is not None and again.at != place.at:
            reason = Reason(self._names[place.at], use, self._names[again.at], again.use)
            self.after.setdefault((again.at, place.at), reason)

    # --- what is not there -------------------------------------------------------------------------------

    def _unmet(self, place: Place) -> None:
        use = place.use
        thing, maker = self._maker_to_come(place)
        comes = maker is not None and (use.thing in self._lacking or self._comes_with_its_table(maker))
        if use.how in {"drops", "renames"} and not comes:
            maker = None  # whoever drops something to make it again, has it
        if use.tolerant and (use.how == "drops" or use.sure):
            return
        if maker is None and self.catalog.has_no_table(use.thing):
            return  # the table is what is missing
        if use.inside is not None and self._is_transition(use.thing):
            return
        dropper = self.catalog.gone.get(thing)
        clouded = thing.kind in self.clouds
        if maker is not None:
            if use.sure and not (clouded and maker.use.tolerant):
                self._note_need(place, maker)
            else:
                self._doubt(place, maker)
        elif dropper is not None:
            if use.sure and dropper.use.sure and not clouded:
                reason = Reason(self._names[dropper.at], dropper.use, self._names[place.at], use)
                self.after.setdefault((place.at, dropper.at), reason)
            else:
                self._doubt(place, dropper)
        else:
            self._note_missing(self._names[place.at], use)
        if use.inside is None and use.how != "drops":
            self.catalog.ghost(use.thing)

    def is_made_later(self, thing: Thing) -> bool:
        """Whether a statement makes this, or gives it its name."""
        return any(
            place.use.how == "creates" or place.use.to == thing for _, place in self._coming.get(thing, ())
        )

    def faults(self, there: Collection[Thing]) -> Iterator[tuple[int, int]]:
        """Yield two files for each statement that surely fails in this order: its own, and the other one.

        ``there`` is what the target has, of what files make.
        """
        yield from (edge for edge in (*self.needs, *self.after) if edge[0] >= edge[1])
        yield from self.blocked
        at = {name: number for number, name in enumerate(self._names)}
        yield from ((at[each.first[0]], at[each.second[0]]) for each in self.duplicates if each.is_wrong)
        for each in self.missing.values():
            if each.is_sure and each.thing not in there and self.is_made_later(each.thing):
                yield at[each.migration], at[each.migration]

    def _maker_to_come(self, place: Place) -> tuple[Thing, Place | None]:
        """What a use means, and who makes it later; nobody, if it is dropped before that: it is there."""
        for thing in (place.use.thing, *place.use.also):
            coming = self._coming.get(thing, ())
            for _, other in coming[bisect_right(coming, place.step, key=lambda item: item[0]) :]:
                if other.use.how == "creates" or other.use.to == thing:
                    return thing, other
                if not other.use.tolerant:
                    break
        for thing in (place.use.thing, *place.use.also):
            if thing in self.catalog.gone:
                return thing, None
        return place.use.thing, None

    def _comes_with_its_table(self, maker: Place) -> bool:
        """Whether the table of what is made is not there before, and is made by the same file."""
        table = maker.use.of
        return (
            table is not None
            and not self._is_made(table)
            and any(other.at == maker.at and other.use.how == "creates" for _, other in self._coming[table])
        )

    def _doubt(self, place: Place, other: Place | None, through: Use | None = None) -> None:
        name = self._names[other.at] if other is not None else ""
        if other is not None and other.at == place.at and place.use.inside is not None:
            return
        made = other.use if other is not None else None
        found = Doubt(self._names[place.at], place.use, name, made, through)
        key = (found.migration, place.use.line, place.use.thing, through.thing if through else None)
        if key not in self._doubted:
            self._doubted.add(key)
            self.doubts.append(found)

    def _note_need(self, place: Place, maker: Place, through: Use | None = None) -> None:
        if place.at == maker.at and maker.step <= place.step:
            return
        reason = Reason(self._names[place.at], place.use, self._names[maker.at], maker.use, through)
        self.needs.setdefault((maker.at, place.at), reason)

    def _note_missing(self, name: str, use: Use) -> None:
        thing = use.thing
        clouded = thing.kind in self.clouds or thing.kind in self._brought
        noted = self.missing.get(thing)
        found = Missing(thing, name, use, clouded)
        if noted is None or (found.is_sure and not noted.is_sure):
            self.missing[thing] = found
        if use.how == "calls" and use.inside is None:
            self.clouds |= set(ThingKind)  # nobody here knows what it does

    def _is_transition(self, table: Thing) -> bool:
        """Whether a trigger gives this name to the rows that its function sees."""
        return transition_table(split(table.name)[-1]) in self._coming

    # --- what a function does when it is called ----------------------------------------------------------

    def _follow(self, call: Place, function: Thing) -> None:
        """What the body of a function that runs here uses may be needed; what it makes may be there."""
        seen, border = {function}, [function]
        while border:
            for use in self._bodies.get(border.pop(), ()):
                if use.how == "clouds":
                    self.clouds |= use.clouds
                    continue
                inner = Place(call.at, use, call.step)
                entry = self._meant(use)
                if entry is None:
                    _, maker = self._maker_to_come(inner)
                    if maker is not None and not self.catalog.has_no_table(use.thing):
                        self._doubt(call, maker, use)
                    continue
                if entry.made is not None and use.sure:
                    self._note_need(call, entry.made, use)
                if entry.thing.kind is ThingKind.FUNCTION and entry.thing not in seen:
                    seen.add(entry.thing)
                    border.append(entry.thing)


@dataclass(frozen=True, slots=True)
class Tried:
    """An order of files that works, and what it leads to."""

    order: tuple[int, ...]
    schema: frozenset[tuple[object, ...]]


_USES_WALKED = 300_000
"""How many uses are walked through in search of an order that works."""


def working_orders(
    file_analyses: Sequence[FileAnalysis], lacking: frozenset[Thing], by_needs: tuple[int, ...]
) -> list[Tried]:
    """Return the orders that work of that by the needs, and those in which one file has another place.

    A file with a wrong number has to go elsewhere in the order of the names; it is one of those that fail
    there, or one that makes or drops what these use. Those that move the least come first.
    """
    uses = sum(len(each.uses) for each in file_analyses) or 1
    by_names = _walked(file_analyses, lacking)
    there = by_names.missing.keys() - lacking
    found: list[Tried] = []
    seen: set[tuple[int, ...]] = set()
    orders = [by_needs, *_moves(file_analyses, {at for fault in by_names.faults(there) for at in fault})]
    for order in orders[: max(_USES_WALKED // uses, 1)]:
        if order not in seen:
            seen.add(order)
            walk = _walked([file_analyses[at] for at in order], lacking)
            if not any(True for _ in walk.faults(there)):
                found.append(Tried(order, walk.catalog.told()))
    return found


def _moves(file_analyses: Sequence[FileAnalysis], blamed: Collection[int]) -> Iterator[tuple[int, ...]]:
    """Yield the orders in which one of the files that are at fault has another place, the nearest first."""
    names = range(len(file_analyses))
    things = {use.thing for at in blamed for use in file_analyses[at].uses}
    changers = [
        at
        for at, each in enumerate(file_analyses)
        if at in blamed or any(use.how in _CHANGES and use.thing in things for use in each.uses)
    ]
    moves = sorted((abs(to - at), at not in blamed, at, to) for at in changers for to in names if at != to)
    for _, _, at, to in moves:
        rest = [other for other in names if other != at]
        yield (*rest[:to], at, *rest[to:])


def _walked(file_analyses: Sequence[FileAnalysis], lacking: frozenset[Thing]) -> Walk:
    walk = Walk(file_analyses, lacking)
    for _ in walk.files():
        pass
    return walk


_DOES = {"creates": Walk._make, "drops": Walk._drop, "renames": Walk._rename}


def _circles(graph: Graph[int]) -> list[frozenset[int]]:
    return sorted((frozenset(c) for c in strong_components(graph) if len(c) > 1), key=min)
