"""A plan's file as people edited it: what of it cannot be done, and what follows from what can.

What migplan wrote and nobody touched is taken as it stands. Where people chose a layout, a cut or a strategy,
what hangs on it is settled anew: the keys of the strategy, its reason, the strategies of other tables of the
circle. Depths, and the name of the database, are those of the database that is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from migplan.catalog.model import Catalog, ForeignKey
from migplan.catalog.selection import Selected
from migplan.config import Layout, Strategy
from migplan.digraph import digraph, topological_order
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName, by_any_name
from migplan.plan.cuts import Cut, cuts, ways_to_cut
from migplan.plan.groups import Group, contradictions, moves, partition_hint
from migplan.plan.make import NARROW, Request, file_names, reason_of, situation_of
from migplan.plan.model import Plan, PlannedCut, PlannedGroup, PlannedTable
from migplan.plan.order import loading_order, order_needs
from migplan.plan.strategies import LIVE_ONLY, decide, objection
from migplan.plan.strategies.situation import Situation
from migplan.plan.treatment import label_of
from migplan.text.wording import did_you_mean, listed
from migplan.yamlfile import Marks, Place

_AGAIN = "--replan plans again, and keeps what was set by hand"


@dataclass(frozen=True)
class Edited:
    """A plan's file beside what migplan last wrote there, and the database that it is for."""

    plan: Plan
    marks: Marks
    proposal: Plan | None  # None: it is lost, and the file speaks for itself
    known: Collection[str]  # the tables that were there when the plan was made
    catalog: Catalog  # all of it
    selected: Selected
    graph: ForeignKeyGraph

    def completed(self, layout: Layout | None = None) -> Plan:
        """Return the plan that runs; raise YamlError for what cannot be done, with its line.

        ``layout`` takes the place of the file's. Tables that are gone are left out: that is drift.
        """
        wanted = layout or self.plan.constraints
        live = wanted is Layout.WITH_SCHEMA
        request = Request(self.plan.name, wanted, strategies=self._by_hand)
        # All strategies are settled anew where the layout is another than migplan wrote the file for.
        again = (self.proposal or self.plan).constraints is not wanted
        self._refuse_groups()
        self._refuse_strategies(request, again=again)
        if not again:
            self._refuse_keys(request)
            self._refuse_half(request)
            self._refuse_files()
        self._refuse_cuts(live=live)
        opened, anew = self._opened(request, again=again)
        groups = [
            self._group(number, group, opened, anew, request)
            for number, group in enumerate(self.plan.groups)
            if any(table.table in self.graph.by_text for table in group.tables)
        ]
        if not groups:
            raise self.marks.error(("groups",), "the plan has no tables", _AGAIN)
        return self.plan.model_copy(
            update={
                "database": self.selected.catalog.server.database,
                "constraints": wanted,
                "left_out": tuple(map(str, self.selected.left_out)),
                "breaks": tuple(self._planned_cut(cut) for cut in opened),
                "groups": tuple(self._in_order(groups, opened, anew) if live else groups),
            }
        )

    # --- what people changed

    @cached_property
    def _then(self) -> Mapping[str, PlannedTable]:
        return {table.table: table for table in self.proposal.tables} if self.proposal else {}

    @cached_property
    def _places(self) -> Mapping[str, Place]:
        return {
            table.table: ("groups", at, "tables", number)
            for at, group in enumerate(self.plan.groups)
            for number, table in enumerate(group.tables)
        }

    def _chose(self, table: PlannedTable) -> bool:
        """Return whether people chose the table's strategy since migplan last wrote the file."""
        then = self._then.get(table.table)
        return then is not None and then.strategy is not table.strategy

    def _chose_keys(self, table: PlannedTable) -> bool:
        then = self._then.get(table.table)
        return then is not None and then.keys != table.keys

    @cached_property
    def _cut_by_hand(self) -> bool:
        if self.proposal is None:
            return False
        return _cuts_of(self.plan) != _cuts_of(self.proposal)

    @cached_property
    def _by_hand(self) -> Mapping[QualifiedName, Strategy]:
        """The strategies that people set, now or before."""
        return {
            self.graph.by_text[table.table]: table.strategy
            for table in self.plan.tables
            if table.table in self.graph.by_text and ("strategy" in table.by_hand or self._chose(table))
        }

    # --- what cannot be done

    def refuse_tables(self) -> None:
        """Raise YamlError for tables that are not there and never were, and for those that were taken out."""
        every = {str(table.name) for table in self.catalog.tables}
        provided = set(map(str, self.selected.provided))  # since the plan was made: they are left out
        for table in self.plan.tables:
            text = table.table
            if text in self.graph.by_text or text in provided & set(self.known):
                continue
            if text in self.known and text not in every:
                continue
            place = (*self._places[text], "table")
            if hint := partition_hint(text, self.graph):
                raise self.marks.error(place, f"{text} is a partition", hint)
            if text in every:
                what = f"{text} is in the plan, and the plan's selection leaves it out"
                raise self.marks.error(place, what, "take its line away, or change the selection")
            do = did_you_mean(text, by_any_name(self.graph.tables), _AGAIN)
            raise self.marks.error(place, f"the database has no table {text}", do)
        gone = [text for text in self.graph.by_text if text not in self._places and text in set(self.known)]
        if gone:
            raise self.marks.error(
                ("groups",),
                f"{listed(gone)} {'stands' if len(gone) == 1 else 'stand'} in no group",
                "to leave a table out, name it in the plan under selection, exclude; to leave out its rows, "
                f"keep it with strategy: schema-only; {_AGAIN}",
            )

    def _refuse_groups(self) -> None:
        """Raise YamlError for groups whose order contradicts the keys."""
        names = self.graph.by_text
        groups = [
            Group(group.name, tables=tuple(names[t.table] for t in group.tables if t.table in names))
            for group in self.plan.groups
        ]
        found = {name for group in groups for name in group.tables}
        if found != set(self.graph.tables):  # new tables are drift, and belong to no group yet
            groups.append(Group("", tables=tuple(sorted(set(self.graph.tables) - found))))
        for bond in contradictions(groups, self.graph):
            if {bond.needs, bond.table} <= found:
                at = {name: group.name for group in groups for name in group.tables}
                what = f"{bond.why} needs group {at[bond.needs]} before group {at[bond.table]}"
                advice = [str(move) for move in moves(groups, self.graph) if move.to and move.origin]
                do = listed(advice, 3, "; ") or "change the order of the groups"
                raise self.marks.error((*self._places[str(bond.table)], "table"), what, do)

    def _refuse_strategies(self, request: Request, *, again: bool) -> None:
        for table in self.plan.tables:
            name = self.graph.by_text.get(table.table)
            if name is not None and (name in self._by_hand or not (self._then or again)):
                why = objection(situation_of(name, self.graph, (), request), table.strategy)
                if why:
                    what = f"{table.table} cannot be loaded by {table.strategy.value}: {why}"
                    do = "set another strategy"
                    raise self.marks.error((*self._places[table.table], "strategy"), what, do)

    def _refuse_keys(self, request: Request) -> None:
        """Raise YamlError for keys that a table does not have, or that its strategy can do nothing with."""
        for table in self.plan.tables:
            if table.table not in self.graph.by_text or (self._then and not self._chose_keys(table)):
                continue
            name = self.graph.by_text[table.table]
            situation = situation_of(name, self.graph, (), request)
            labels = {label_of(key, name): key for key in situation.every_key}
            place = (*self._places[table.table], "keys")
            for text in table.keys:
                key = labels.get(text)
                if key is None:
                    do = did_you_mean(text, labels.keys(), "its keys are: {names}")
                    raise self.marks.error(place, f"{table.table} has no foreign key {text}", do)
                if why := _no_use(key, table.strategy, situation):
                    what = f"{table.strategy.value} can do nothing with the key {text}: {why}"
                    raise self.marks.error(place, what, "take the key away, or set another strategy")

    def _refuse_half(self, request: Request) -> None:
        """Raise YamlError where only some of the keys are named that a strategy is about as a whole."""
        for table in self.plan.tables:
            whole = table.strategy in (Strategy.COPY, Strategy.LEVELS)
            if not whole or table.table not in self.graph.by_text or not self._chose_keys(table):
                continue
            name = self.graph.by_text[table.table]
            own = situation_of(name, self.graph, (), request).binding_self_keys
            missing = [label for key in own if (label := label_of(key, name)) not in table.keys]
            if missing and (table.keys or self._then[table.table].keys):
                what = (
                    f"{table.strategy.value} is about every key of the table to itself: add {listed(missing)}"
                )
                do = "or set another strategy, which may be about some of them"
                raise self.marks.error((*self._places[table.table], "keys"), what, do)

    def _refuse_files(self) -> None:
        for at, group in enumerate(self.plan.groups):
            after = self.plan.constraints is Layout.AFTER_DATA
            if after and group.constraints_file is None:
                what = f"group {group.name} has no constraints_file, where its keys and indexes go"
                raise self.marks.error(("groups", at), what, "give it one, such as 20-constraints-NAME.sql")
            if not after and group.constraints_file is not None:
                what = f"group {group.name} has a constraints_file, and keys are created with the schema"
                raise self.marks.error(("groups", at, "constraints_file"), what, "take the line away")

    def _refuse_cuts(self, *, live: bool) -> None:
        """Raise YamlError for cuts that are none, and for circles that they leave closed."""
        for at, cut in enumerate(self.plan.breaks):
            place: Place = ("breaks", at)
            if not live:
                if self._cut_by_hand or self.proposal is None:
                    what = "no circle is cut where keys are created after the rows"
                    raise self.marks.error(place, what, "take the cut away, or set constraints: with-schema")
                return
            name = self.graph.by_text.get(cut.table)
            if name is None:
                if cut.table in self.known:
                    continue
                raise self.marks.error((*place, "table"), f"the plan has no table {cut.table}", _AGAIN)
            keys = {key.label: key for key in self.graph.keys_of(name)}
            if cut.key not in keys:
                do = did_you_mean(cut.key, keys.keys(), "its keys are: {names}")
                raise self.marks.error((*place, "key"), f"{cut.table} has no key {cut.key}", do)
            if cut.how not in self._ways(keys[cut.key], name):
                what = f"{keys[cut.key].name} cannot be cut by {cut.how.value}"
                do = "it can be by " + ", ".join(way.value for way in self._ways(keys[cut.key], name))
                raise self.marks.error((*place, "how"), what, do)
        if live and self._cut_by_hand:
            self._refuse_closed()

    def _ways(self, key: ForeignKey, name: QualifiedName) -> list[Strategy]:
        if self._by_hand.get(name) is Strategy.SCHEMA_ONLY:
            return [Strategy.SCHEMA_ONLY]
        return list(ways_to_cut(key, name, self.graph)) if key.validated else [Strategy.CONSTRAINT_LATER]

    def _refuse_closed(self) -> None:
        cut = {(each.table, each.key) for each in self.plan.breaks}
        for circle in self.graph.circles:
            left = [
                (table, other)
                for table, other, key in self.graph.hops
                if {table, other} <= circle and key.enforced and (str(table), key.label) not in cut
            ]
            if topological_order(digraph((), left)) is None:
                import networkx as nx  # noqa: PLC0415 - for the message alone

                way = [edge[0] for edge in nx.find_cycle(nx.DiGraph(left))]
                what = f"the circle {' -> '.join(map(str, [*way, way[0]]))} is cut at none of its keys"
                raise self.marks.error(("breaks",), what, "name one of its keys here, or " + _AGAIN)

    # --- what follows

    def _opened(self, request: Request, *, again: bool) -> tuple[tuple[Cut, ...], set[QualifiedName]]:
        """Return the cuts that hold, and the tables whose strategies have to be settled anew."""
        names, everything = self.graph.by_text, set(self.graph.tables)
        if request.layout is not Layout.WITH_SCHEMA:
            return (), everything if again else self._chosen
        in_file = tuple(self._cuts_in_file())
        if self._cut_by_hand:
            circles = {name for circle in self.graph.circles for name in circle}
            circles |= {cut.node for cut in in_file}
            return in_file, everything if again else self._chosen | circles
        if again:
            return cuts(self.graph, request.strategies), everything
        touched = {
            name
            for circle in self.graph.circles
            if any(self._chose(table) for table in self.plan.tables if names.get(table.table) in circle)
            for name in circle
        }
        if not touched:
            return in_file, self._chosen
        new = [cut for cut in cuts(self.graph, request.strategies) if cut.node in touched]
        kept = [cut for cut in in_file if cut.node not in touched]
        opened = sorted([*kept, *new], key=lambda cut: (cut.key.table, cut.key.name))
        return tuple(opened), self._chosen | touched

    @cached_property
    def _chosen(self) -> set[QualifiedName]:
        """The tables whose strategy people chose, and those that lack the keys that it is about."""
        return {
            self.graph.by_text[table.table]
            for table in self.plan.tables
            if table.table in self.graph.by_text
            and (self._chose(table) or (not self._then and not table.keys and table.strategy in LIVE_ONLY))
        }

    def _cuts_in_file(self) -> Iterator[Cut]:
        for cut in self.plan.breaks:
            name = self.graph.by_text.get(cut.table)
            key = next((k for k in self.graph.keys_of(name) if k.label == cut.key), None) if name else None
            if name is not None and key is not None:
                yield Cut(name, key, cut.how, rewritten=None, by_hand=True)

    def _planned_cut(self, cut: Cut) -> PlannedCut:
        """Return a cut with the file's reason, or with its own where people turned it to another."""
        same = (str(cut.node), cut.key.label, cut.how)
        for written in self.plan.breaks:
            if (written.table, written.key, written.how) == same:
                then = self.proposal.breaks if self.proposal else ()
                stale = any(
                    old.reason == written.reason and (old.table, old.key, old.how) != same for old in then
                )
                return written.model_copy(update={"reason": "set by hand"}) if stale else written
        return PlannedCut(
            key=cut.key.label, table=str(cut.node), how=cut.how, reason="follows from what was set by hand"
        )

    def _group(
        self,
        at: int,
        group: PlannedGroup,
        opened: tuple[Cut, ...],
        anew: set[QualifiedName],
        request: Request,
    ) -> PlannedGroup:
        tables = tuple(
            self._table(table, opened, anew, request)
            for table in group.tables
            if table.table in self.graph.by_text
        )
        constraints_file = group.constraints_file
        if request.layout is Layout.WITH_SCHEMA:
            constraints_file = None
        elif constraints_file is None:
            constraints_file = self._free_name(at, group)
        return group.model_copy(
            update={
                "constraints_file": constraints_file,
                "rows": sum(table.rows or 0 for table in tables if table.brings_rows),
                "tables": tables,
            }
        )

    def _free_name(self, at: int, group: PlannedGroup) -> str:
        numbers = [each.number or place for place, each in enumerate(self.plan.groups, 1)]
        wide = max(numbers) > NARROW
        name = file_names(group.name, numbers[at], wide=wide, layout=Layout.AFTER_DATA)[2]
        assert name is not None
        taken = {file for each in self.plan.groups for file in each.files}
        return name if name not in taken else f"999-constraints-{group.name}.sql"

    def _table(
        self, table: PlannedTable, opened: tuple[Cut, ...], anew: set[QualifiedName], request: Request
    ) -> PlannedTable:
        name = self.graph.by_text[table.table]
        update: dict[str, object] = {"depth": self.graph.depth[name]}
        if name in anew:
            decision = decide(situation_of(name, self.graph, opened, request))
            then = self._then.get(table.table)
            update["strategy"] = decision.strategy
            if then is None or not self._chose_keys(table):
                update["keys"] = tuple(label_of(key, name) for key in decision.keys)
            if then is None or then.reason == table.reason:
                update["reason"] = reason_of(name, decision, self.graph)
        return table.model_copy(update=update)

    def _in_order(
        self, groups: list[PlannedGroup], opened: Collection[Cut], anew: Collection[QualifiedName]
    ) -> list[PlannedGroup]:
        """Return the groups with their tables in an order that live keys allow: the file's, where it does.

        Where it does not, it is settled anew for tables whose strategies are, and refused for others.
        """
        names = self.graph.by_text
        place = {names[table.table]: at for at, table in enumerate(t for g in groups for t in g.tables)}
        needs = order_needs(self.graph, opened)
        wrong = [
            (name, need)
            for name in place
            for need in sorted(needs[name])
            if place.get(need, -1) > place[name]
        ]
        for name, need in wrong:
            if not {name, need} & set(anew):
                what = f"{name} stands before {need}, whose rows it needs first while keys are live"
                do = f"move it behind {need}, or set constraints: after-data"
                raise self.marks.error((*self._places[str(name)], "table"), what, do)
        if not wrong:
            return groups
        order = {name: at for at, name in enumerate(loading_order(self.graph, opened, place))}
        return [
            group.model_copy(
                update={"tables": tuple(sorted(group.tables, key=lambda t: order[names[t.table]]))}
            )
            for group in groups
        ]


def _cuts_of(plan: Plan) -> set[tuple[str, str, Strategy]]:
    return {(cut.table, cut.key, cut.how) for cut in plan.breaks}


def _no_use(key: ForeignKey, strategy: Strategy, situation: Situation) -> str:
    """Return why a strategy can do nothing with a key; empty if it can."""
    own = key in situation.self_keys
    return {
        Strategy.COPY: "" if own else "the order of the tables keeps it",
        Strategy.LEVELS: "" if own else "it refers to another table",
        Strategy.DEFERRED: "" if key.deferrable else "it is not DEFERRABLE",
        Strategy.NULL_THEN_UPDATE: "" if key in situation.nullable else "none of its columns may be NULL",
        Strategy.CONSTRAINT_LATER: "",
        Strategy.SCHEMA_ONLY: "the table stays empty",
    }[strategy]


def cut_down(plan: Plan, names: Collection[str]) -> Plan:
    """Return the part of a plan that is about these tables; groups and files keep their names."""
    groups = []
    for group in plan.groups:
        tables = tuple(table for table in group.tables if table.table in names)
        if tables:
            rows = sum(table.rows or 0 for table in tables if table.brings_rows)
            groups.append(group.model_copy(update={"tables": tables, "rows": rows}))
    return plan.model_copy(
        update={
            "groups": tuple(groups),
            "breaks": tuple(cut for cut in plan.breaks if cut.table in names),
            "rows": sum(group.rows for group in groups),
        }
    )


def words_kept(written: Plan, proposal: Plan | None, again: Plan) -> Plan:
    """Return a plan that was made again with the reasons that people wrote into its file.

    What migplan last wrote stays without them, so that they are known for people's the next time, too.
    """
    then = {table.table: table for table in proposal.tables} if proposal else {}
    mine = {
        table.table: table
        for table in written.tables
        if table.table in then and then[table.table].reason != table.reason
    }

    def worded(table: PlannedTable) -> PlannedTable:
        own = mine.get(table.table)
        if own is None or own.strategy is not table.strategy:
            return table
        return table.model_copy(update={"reason": own.reason})

    groups = [group.model_copy(update={"tables": tuple(map(worded, group.tables))}) for group in again.groups]
    return again.model_copy(update={"groups": tuple(groups)}) if mine else again
