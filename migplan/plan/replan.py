"""Planning again: what people set in the plan's file stays, the rest is made anew, and both are said."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from migplan.catalog.model import Catalog
from migplan.catalog.selection import Selected
from migplan.config import Layout, Strategy
from migplan.digraph import connected_components, digraph
from migplan.errors import GroupingError, PlanError
from migplan.graph import ForeignKeyGraph, build
from migplan.names import Pattern, QualifiedName
from migplan.plan import proposal
from migplan.plan.cuts import is_of, ways_to_cut
from migplan.plan.decisions import FILE_FIELDS, FILE_KINDS, ByHand, by_hand, generated, is_generated
from migplan.plan.groups import Bond, Group, Wish, accommodated, bonds, claimed, placed, settled
from migplan.plan.make import NARROW, Request, file_names, make, structure_of
from migplan.plan.model import Plan, PlannedCut, PlannedGroup, PlannedTable
from migplan.plan.renames import Renames, recognised
from migplan.text.wording import listed


@dataclass(frozen=True, slots=True)
class Replanned:
    """A plan made again, and what there is to say about it."""

    plan: Plan
    kept: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of the plan that is made again."""

    proposal: Plan | None = None  # as migplan last wrote it
    catalog: Catalog | None = None  # of that time
    asked: Request | None = None  # what the configuration wanted then


def replan(
    selected: Selected, graph: ForeignKeyGraph, request: Request, written: Plan, before: Before
) -> Replanned:
    """Plan again over a plan's file: groups, numbers, files and order stay but for what changes force.

    Where it is lost what migplan last wrote, all in which the file differs from migplan's own choice counts
    as set by hand.
    """
    renames = _renames(written, before, selected.catalog, graph)
    base = _under(renames, written)
    assert base is not None
    request = _translated(request, renames)
    asked = _translated(before.asked, renames) if before.asked else None
    request, stale = _without_the_gone(request, asked, graph)
    today = _fresh(selected, graph, request)
    decisions = by_hand(base, _under(renames, before.proposal) or today, today)
    then = build(renames.catalog(before.catalog)) if before.catalog else None
    known = {(bond.table, bond.needs) for bond in bonds(then)} if then else None
    shelves = Shelves.of(base, request, asked, decisions, graph)
    if not shelves.place:
        plan = make(selected, graph, request)
        return Replanned(plan, (), (*_settings_changed(written, plan), *changes(base, plan)))
    shelves.settle(known, graph, reorder=request.reorder)
    wishes = shelves.wishes(request, asked)
    places = {table.table: place for place, table in enumerate(base.tables)}
    plan = make(
        selected,
        graph,
        replace(
            request,
            groups=wishes,
            strategies=_strategies(request, asked, decisions, graph),
            order={graph.by_text[table]: place for table, place in places.items() if table in graph.by_text},
            cuts=decisions.cuts,
            reorder=False,
        ),
    )
    plan = marked(plan, decisions, base)
    told = Told(shelves.reasons, _unaltered(then, graph) if then and renames else frozenset())
    told_again = not then or not any(Pattern(text).matches(name) for text in stale for name in then.tables)
    changed = (
        *renames.lines(),
        *(() if told_again else (f"migplan.yaml: it still names {listed(stale)}, which is gone",)),
        *_settings_changed(written, plan),
        *changes(base, plan, told),
        *cuts_given_up(base, plan, graph),
    )
    return Replanned(plan, tuple(kept(decisions, plan)), changed)


def _fresh(selected: Selected, graph: ForeignKeyGraph, request: Request) -> Plan | None:
    """Return what migplan would choose by itself; None where the configuration contradicts the keys now."""
    try:
        return make(selected, graph, replace(request, reorder=False))
    except GroupingError:
        return None


def _renames(written: Plan, before: Before, now: Catalog, graph: ForeignKeyGraph) -> Renames:
    if before.catalog is None:
        return Renames({}, {})
    then = before.catalog
    planned = {then.by_text[table.table] for table in written.tables if table.table in then.by_text}
    live = graph.tables.keys()
    tables = recognised(then, now, planned - live, live - then.by_name.keys())
    return Renames.of(tables, then, now)


def _under(renames: Renames, plan: Plan | None) -> Plan | None:
    """Return a plan with its tables under the names that they have now."""
    if plan is None or not renames:
        return plan
    names = {str(old): str(new) for old, new in renames.tables.items()}
    groups = tuple(
        group.model_copy(
            update={
                "tables": tuple(
                    table.model_copy(update={"table": names.get(table.table, table.table)})
                    for table in group.tables
                )
            }
        )
        for group in plan.groups
    )
    breaks = tuple(
        cut.model_copy(update={"table": names.get(cut.table, cut.table), "key": renames.text(cut.key)})
        for cut in plan.breaks
    )
    return plan.model_copy(update={"groups": groups, "breaks": breaks})


def _translated(request: Request, renames: Renames) -> Request:
    """Return what the configuration wants, by the names that tables have now."""
    if not renames:
        return request
    names = {str(old): str(new) for old, new in renames.tables.items()}
    bare = {old.name: str(new) for old, new in renames.tables.items()}
    return replace(
        request,
        groups=tuple(
            replace(wish, patterns=tuple(names.get(each) or bare.get(each, each) for each in wish.patterns))
            for wish in request.groups
        ),
        strategies={renames.name(name): way for name, way in request.strategies.items()},
    )


def _without_the_gone(
    request: Request, asked: Request | None, graph: ForeignKeyGraph
) -> tuple[Request, tuple[str, ...]]:
    """Return the request without names of tables that are gone since, and these names.

    What nobody asked for before is kept: it is a mistake, and refused.
    """
    if asked is None:
        return request, ()
    known = {text for wish in asked.groups for text in wish.patterns} | {
        str(name) for name in asked.strategies
    }
    wanted = [text for wish in request.groups for text in wish.patterns] + [*map(str, request.strategies)]
    gone = {text for text in wanted if text in known and not any(map(Pattern(text).matches, graph.tables))}
    groups = [
        replace(wish, patterns=left)
        for wish in request.groups
        if (left := tuple(text for text in wish.patterns if text not in gone))
    ]
    strategies = {name: way for name, way in request.strategies.items() if str(name) not in gone}
    return replace(request, groups=tuple(groups), strategies=strategies), tuple(sorted(gone))


def _unaltered(then: ForeignKeyGraph, now: ForeignKeyGraph) -> frozenset[str]:
    """Return the tables that are what they were, under the names of today."""
    return frozenset(
        str(name)
        for name in now.tables
        if name in then.tables and structure_of(name, then) == structure_of(name, now)
    )


def _strategies(
    request: Request, asked: Request | None, decisions: ByHand, graph: ForeignKeyGraph
) -> dict[QualifiedName, Strategy]:
    """Return what the configuration and the file set; of the two, what was edited since counts."""
    then = asked.strategies if asked else request.strategies
    edited = {name for name, way in request.strategies.items() if then.get(name) is not way}
    own = {graph.by_text[table]: way for table, way in decisions.strategies.items() if table in graph.by_text}
    return {**request.strategies, **{name: way for name, way in own.items() if name not in edited}}


def _settings_changed(before: Plan, after: Plan) -> Iterator[str]:
    """Yield what an option, or an edit of migplan.yaml, changed of the plan as a whole."""
    if before.constraints != after.constraints:
        yield f"layout: constraints {after.constraints.value} instead of {before.constraints.value}"
    if before.name != after.name:
        yield f"name: {after.name} instead of {before.name}"
    if before.selection != after.selection:
        then, now = (plan.selection.model_dump(exclude_defaults=True) for plan in (before, after))
        yield f"selection: {_said(now)} instead of {_said(then)}"


def _said(selection: Mapping[str, Sequence[str]]) -> str:
    return "; ".join(f"{key} {', '.join(value)}" for key, value in selection.items()) or "everything"


class Shelves:
    """The groups of a plan, filled again: what had a place keeps it, what is new gets one."""

    def __init__(self, heads: Sequence[PlannedGroup], decisions: ByHand) -> None:
        self.heads = list(heads)
        self.names = [head.name for head in heads]
        self.place: dict[QualifiedName, int] = {}
        self.reasons: dict[str, str] = {}  # of tables that are new, or were moved
        self._decisions = decisions

    @classmethod
    def of(
        cls, base: Plan, request: Request, asked: Request | None, decisions: ByHand, graph: ForeignKeyGraph
    ) -> Shelves:
        """Return the groups of a plan's file with the tables that are left, and what was edited since."""
        shelves = cls(base.groups, decisions)
        for at, group in enumerate(base.groups):
            for table in group.tables:
                if table.table in graph.by_text:
                    shelves.place[graph.by_text[table.table]] = at
        if request.groups:
            shelves._follow_configuration(request, asked, graph)
        return shelves

    def _follow_configuration(self, request: Request, asked: Request | None, graph: ForeignKeyGraph) -> None:
        """Put tables where migplan.yaml wants them: new ones, and those that it wanted elsewhere before."""
        then = (asked or request).groups
        claimed_then = _claims(then, graph)
        names_then = {wish.name for wish in then}
        for name, at in claimed(request.groups, graph).items():
            wish = request.groups[at].name
            if name in self.place and claimed_then.get(name, wish) == wish:
                continue
            home = self._shelf_of(wish, names_then, claimed_then, request)
            if name in self.place and self.place[name] != home:
                self.reasons[str(name)] = "migplan.yaml says so"
            self.place[name] = home

    def _shelf_of(
        self,
        wish: str,
        then: Collection[str],
        claimed_then: Mapping[QualifiedName, str],
        request: Request,
    ) -> int:
        if wish in self.names:
            return self.names.index(wish)
        homes = Counter(
            self.place[name] for name, own in claimed_then.items() if own == wish and name in self.place
        )
        if wish in then and homes:  # people renamed or dissolved it: where most of its tables are now
            return min(homes, key=lambda at: (-homes[at], at))
        line = [each.name for each in request.groups]
        before = [self.names.index(each) for each in line[: line.index(wish)] if each in self.names]
        return self._insert(wish, max(before, default=-1) + 1)

    def _insert(self, name: str, at: int) -> int:
        self.names.insert(at, name)
        self.place = {table: place + (place >= at) for table, place in self.place.items()}
        return at

    def settle(
        self,
        known: Collection[tuple[QualifiedName, QualifiedName]] | None,
        graph: ForeignKeyGraph,
        *,
        reorder: bool,
    ) -> None:
        """Give every table a place that the keys allow, with the fewest moves.

        Where keys that were there before contradict the groups, people put them so: GroupingError, but with
        ``reorder``. ``known`` are these keys, as table and what it needs; None: every key.
        """
        given = dict(self.place)
        against = [
            bond
            for bond in bonds(graph)
            if bond.table in given and bond.needs in given and given[bond.needs] > given[bond.table]
        ]
        if against and (reorder or any(known is None or (b.table, b.needs) in known for b in against)):
            self._settle_as_people_wish(graph, reorder=reorder)
            given = dict(self.place)
        place = accommodated(given, graph)
        for unit in _islands([name for name in graph.tables if name not in place], graph):
            place |= dict.fromkeys(unit, self._shelf_for_island(unit, place))
        for name, at in place.items():
            if name in given and given[name] != at:
                self.reasons[str(name)] = _why_moved(name, against, graph)
            elif name not in given:
                self.reasons[str(name)] = _why_there(name, at, place, graph)
        self.place = place

    def _settle_as_people_wish(self, graph: ForeignKeyGraph, *, reorder: bool) -> None:
        """Let :func:`settled` decide, which refuses what is wrong, or takes another order."""
        place = placed(self.place, graph)
        members: list[list[QualifiedName]] = [[] for _ in self.names]
        for name in graph.tables:
            members[place.get(name, 0)].append(name)
        groups = [Group(name, tables=tuple(own)) for name, own in zip(self.names, members, strict=True)]
        found = settled([group for group in groups if group.tables], graph, reorder=reorder)
        self.names = [group.name for group in found]
        homes = {name: at for at, group in enumerate(found) for name in group.tables}
        self.place = {name: homes[name] for name in self.place}

    def _shelf_for_island(self, unit: Collection[QualifiedName], place: Mapping[QualifiedName, int]) -> int:
        """Return the group for tables that no key ties to others: where most of their schema are."""
        schemas = {name.schema for name in unit}
        homes = Counter(at for name, at in place.items() if name.schema in schemas)
        if homes:
            return min(homes, key=lambda at: (-homes[at], at))
        last = max(place.values(), default=-1)
        name = _free_name(proposal.slug(min(schemas)), self.names)
        number = self._number_of(last) + 1 if last >= 0 else 1
        if last >= 0 and number == NARROW + 1:  # files of two digits have no room for another one
            return last
        return self._insert(name, last + 1)

    def _number_of(self, at: int) -> int:
        heads = {head.name: head.number for head in self.heads}
        return max((heads.get(name, 0) for name in self.names[: at + 1]), default=0)

    def wishes(self, request: Request, asked: Request | None) -> tuple[Wish, ...]:
        """Return the groups that have tables, numbered as they were."""
        heads = {head.name: head for head in self.heads}
        then = {wish.name: wish for wish in (asked or request).groups}
        edited = {wish.name: wish for wish in request.groups if then.get(wish.name) != wish}
        members: dict[int, list[str]] = {}
        for table, at in self.place.items():
            members.setdefault(at, []).append(str(table))
        found, numbers, last = [], [], 0
        for at in sorted(members):
            name = self.names[at]
            head, wish = heads.get(name), edited.get(name)
            was = then.get(name)
            number = head.number if head else 0
            marks = self._decisions.heads.get(name, ())
            # The name that people gave a schema file stays, and with it the number that it begins with.
            named = "files" in marks and head and not is_generated("schema", name, head.schema_file)
            fixed = "number" in marks or bool(named and number)
            if wish and wish.number and (was is None or was.number != wish.number):
                number, fixed = wish.number, True
            purpose = head.purpose if head else ""
            if wish and (was is None or was.purpose != wish.purpose):
                purpose = wish.purpose
            number = number or last + 1
            last = number
            numbers.append((number, fixed))
            found.append(Wish(name, tuple(sorted(members[at])), None, purpose))
        return tuple(replace(wish, number=n) for wish, n in zip(found, _rising(numbers), strict=True))


def _claims(wishes: Sequence[Wish], graph: ForeignKeyGraph) -> dict[QualifiedName, str]:
    """Return the group that names each table, where patterns may mean tables that are gone."""
    texts = {text for wish in wishes for text in wish.patterns}
    alive = {text for text in texts if any(map(Pattern(text).matches, graph.tables))}
    left = [replace(wish, patterns=tuple(filter(alive.__contains__, wish.patterns))) for wish in wishes]
    return {name: wishes[at].name for name, at in claimed(left, graph).items()}


def _islands(names: Sequence[QualifiedName], graph: ForeignKeyGraph) -> list[list[QualifiedName]]:
    """Return tables without a place, together with those that they are tied to."""
    among = set(names)
    ties = ((bond.table, bond.needs) for bond in bonds(graph) if {bond.table, bond.needs} <= among)
    return sorted(sorted(unit) for unit in connected_components(digraph(names, ties)))


def _why_moved(name: QualifiedName, against: Sequence[Bond], graph: ForeignKeyGraph) -> str:
    own = [bond for bond in against if name in (bond.table, bond.needs)]
    if own:
        return f"because of {own[0].why}"
    near = {bond.table for bond in against} | {bond.needs for bond in against}
    ties = [bond for bond in bonds(graph) if name in (bond.table, bond.needs)]
    close = [bond for bond in ties if {bond.table, bond.needs} & near] or ties
    return f"it follows, because of {close[0].why}" if close else ""


def _why_there(
    name: QualifiedName, at: int, place: Mapping[QualifiedName, int], graph: ForeignKeyGraph
) -> str:
    beside = [
        other
        for bond in bonds(graph)
        if name in (bond.table, bond.needs)
        for other in (bond.table, bond.needs)
        if other != name and place.get(other) == at
    ]
    if beside:
        return f"beside {listed(dict.fromkeys(beside), 2)}"
    of_schema = any(other.schema == name.schema and place[other] == at for other in place if other != name)
    return f"where most of schema {name.schema} is" if of_schema else "since nothing ties it to another"


def _free_name(wanted: str, taken: Sequence[str]) -> str:
    names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 3)))
    return next(name for name in names if name not in taken)


def _rising(numbers: Sequence[tuple[int, bool]]) -> list[int | None]:
    """Numbers that rise with the groups: names move, numbers stay. ``True``: that one was set by hand."""
    bare = [number for number, _ in numbers]
    if any(own for _, own in numbers) and bare != sorted(set(bare)):
        return [number if own else None for number, own in numbers]
    result: list[int | None] = []
    last = 0
    for number in sorted(bare):
        last = max(number, last + 1)
        result.append(last)
    return result


def marked(plan: Plan, decisions: ByHand, written: Plan) -> Plan:
    """Return the plan with people's decisions marked, and with the file names that the groups had."""
    heads = {group.name: group for group in written.groups}
    orderly = any("place" in marks for marks in decisions.heads.values())
    filed = _with_files(plan.groups, heads, decisions, plan.constraints)
    groups = tuple(_marked_group(group, decisions, orderly=orderly) for group in filed)
    files = Counter(file for group in groups for file in group.files)
    twice = [file for file, count in files.items() if count > 1]
    if twice:
        raise PlanError(
            f"two groups would have the file {twice[0]}",
            do="give one of them another name in the plan, or let migplan name both with --fresh",
        )
    return plan.model_copy(update={"groups": groups})


def _with_files(
    groups: Sequence[PlannedGroup],
    heads: Mapping[str, PlannedGroup],
    decisions: ByHand,
    layout: Layout,
) -> Iterator[PlannedGroup]:
    """Yield the groups with the files that they had, but where name, number or layout say otherwise."""
    wide = max(group.number for group in groups) > NARROW
    wide |= any(generated(head) and re.match(r"\d{3}-", head.schema_file) for head in heads.values())
    for group in groups:
        head = heads.get(group.name)
        files: tuple[str | None, ...] = file_names(group.name, group.number, wide=wide, layout=layout)
        if head is not None and "files" in decisions.heads.get(group.name, ()):
            # What has a number of migplan's goes on with the group's own; the other names are people's.
            own = (head.schema_file, head.data_file, head.constraints_file)
            files = tuple(
                new if not (new and old) or is_generated(kind, group.name, old) else old
                for kind, old, new in zip(FILE_KINDS, own, files, strict=True)
            )
        yield group.model_copy(update=dict(zip(FILE_FIELDS, files, strict=True)))


def _marked_group(group: PlannedGroup, decisions: ByHand, *, orderly: bool) -> PlannedGroup:
    marks = tuple(mark for mark in decisions.heads.get(group.name, ()) if mark != "place")
    if orderly:  # a place is one among others: the order of the groups is decided as a whole
        marks += ("place",)
    tables = tuple(_marked_table(table, group.name, decisions) for table in group.tables)
    return group.model_copy(update={"by_hand": marks, "tables": tables})


def _marked_table(table: PlannedTable, group: str, decisions: ByHand) -> PlannedTable:
    marks = []
    if decisions.groups.get(table.table) == group:  # --reorder may have moved it on
        marks.append("group")
    if table.table in decisions.strategies:
        marks.append("strategy")
    return table.model_copy(update={"by_hand": tuple(marks)})


def kept(decisions: ByHand, plan: Plan) -> Iterator[str]:
    """Yield a line for each decision of people that the new plan keeps."""
    for table in sorted(plan.tables, key=lambda table: table.table):
        if "group" in table.by_hand:
            yield f"kept: {table.table} in group {decisions.groups[table.table]}"
    for table in sorted(plan.tables, key=lambda table: table.table):
        if "strategy" in table.by_hand:
            yield f"kept: {table.table} by {table.strategy.value}"
    for group in plan.groups:
        said = [_KEPT[mark] for mark in group.by_hand if mark in _KEPT]
        if said:
            yield f"kept: of group {group.name} {', '.join(said)}"
    if any("place" in group.by_hand for group in plan.groups):
        yield "kept: the order of the groups"
    for cut in plan.breaks:
        if cut.by_hand:
            yield f"kept: the cut at {cut.key} ({cut.how.value})"


def cuts_given_up(before: Plan, after: Plan, graph: ForeignKeyGraph) -> Iterator[str]:
    """Yield a line for each cut of a plan that the next one has not taken over, with the reason."""
    held = {(cut.table, cut.key.partition(" (")[0], cut.how) for cut in after.breaks}
    for cut in before.breaks:
        if (cut.table, cut.key.partition(" (")[0], cut.how) not in held:
            yield f"cut: no longer at {cut.key} ({cut.how.value}): {_why_given_up(cut, after, graph)}"


def _why_given_up(cut: PlannedCut, after: Plan, graph: ForeignKeyGraph) -> str:
    if after.constraints is not Layout.WITH_SCHEMA:
        return "keys are created after the rows"
    name = graph.by_text.get(cut.table)
    key = next((each for each in graph.keys_of(name) if is_of(cut, name, each)), None) if name else None
    if name is None or key is None:
        return f"the {'table' if name is None else 'key'} is gone"
    if not any(name in circle and key.referenced in circle for circle in graph.circles):
        return "no circle of keys goes through it any more"
    if cut.how not in ways_to_cut(key, name, graph):
        return "it cannot be cut so any more"
    return "another cut is cheaper; one that is named under breaks by hand stays"


_KEPT = {
    "name": "its name",
    "purpose": "its purpose",
    "number": "its number",
    "files": "its files",
    "order": "the order of its tables, where the keys allow it",
}


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of changes beside the plans."""

    reasons: Mapping[str, str] = field(default_factory=dict)  # why a table is in its group, or was moved
    unaltered: frozenset[str] = frozenset()  # tables of which only names have changed, theirs or others'

    def why(self, table: str) -> str:
        """Return the reason as it follows a sentence."""
        reason = self.reasons.get(table)
        return f", {reason}" if reason else ""


def changes(before: Plan, after: Plan, told: Told = Told()) -> Iterator[str]:
    """Yield a line for each difference between the tables and groups of two plans."""
    old = {table.table: table for table in before.tables}
    new = {table.table: table for table in after.tables}
    homes, places = before.group_of, after.group_of
    for name in sorted(new.keys() - old.keys()):
        yield f"new: {name}, in group {places[name]}{told.why(name)}, by {new[name].strategy.value}"
    for name in sorted(old.keys() - new.keys()):
        yield f"gone: {name}, which was in group {homes[name]}"
    for name in sorted(old.keys() & new.keys()):
        yield from _changes_of(old[name], new[name], (homes[name], places[name]), told)
    yield from _changes_of_groups(before, after)


def _changes_of(then: PlannedTable, now: PlannedTable, homes: tuple[str, str], told: Told) -> Iterator[str]:
    name, (home, place) = now.table, homes
    if then.structure != now.structure and then.structure and name not in told.unaltered:
        yield f"altered: {name}"
    if home != place:
        yield f"moved: {name} from group {home} to {place}{told.why(name)}"
    if then.strategy != now.strategy:
        yield f"strategy: {name} by {now.strategy.value} instead of {then.strategy.value}: {now.reason}"
    elif then.keys != now.keys and then.structure == now.structure:
        keys, old = (", ".join(each.keys) or "none" for each in (now, then))
        yield f"keys: {name} by {now.strategy.value} for {keys} instead of {old}"
    if then.rows != now.rows:
        yield f"rows: {name} has {_rows(now)} instead of {_rows(then)}"


def _changes_of_groups(before: Plan, after: Plan) -> Iterator[str]:
    old = {group.name: group for group in before.groups}
    new = {group.name: group for group in after.groups}
    for name, group in new.items():
        if name not in old:
            yield f"group: {name} is new"
        elif group.files != old[name].files:
            yield f"files: group {name} has {', '.join(group.files)} instead of {', '.join(old[name].files)}"
    for name in old:
        if name not in new:
            yield f"group: {name} is gone"


def _rows(table: PlannedTable) -> str:
    if table.rows is None:
        return "an unknown number"
    return f"{'about ' if table.estimated else ''}{table.rows:,}"
