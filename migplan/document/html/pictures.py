"""Which boxes and lines a diagram has: of the whole database, of a group, of a table and those around it."""

from collections.abc import Iterable, Mapping, Sequence

from migplan.catalog.model import ForeignKey
from migplan.document.html.links import Links, group_id, table_id
from migplan.document.html.svg import Card, Figure
from migplan.document.model import Documentation, GroupDocument, TableDocument, title
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.report.diagrams import READABLE
from migplan.text.wording import counted

NEIGHBOURS = 8  # at each side of a table

_LINES = "; each line goes from a table to one that it needs."

Pair = tuple[QualifiedName, QualifiedName]


class Pictures:
    """The diagrams of a documentation."""

    def __init__(self, documentation: Documentation, links: Links) -> None:
        self._documentation = documentation
        self._graph: ForeignKeyGraph = documentation.graph
        self._links = links
        self._ties = _ties(documentation.graph)

    def whole(self) -> Figure:
        """Return every table, or every group where there are too many tables to see."""
        documents = [document.name for document in self._documentation.tables]
        if len(documents) > READABLE:
            return self._groups()
        return Figure(
            "diagram",
            "The whole database",
            f"{counted(len(documents), 'table')}{_LINES}",
            [self._card(name, self._graph.depth[name]) for name in documents],
            self._lines(documents),
        )

    def _groups(self) -> Figure:
        groups = self._documentation.groups
        keys = self._documentation.keys_between_groups
        return Figure(
            "diagram",
            "The groups of the database",
            f"{counted(len(groups), 'group')}; each line goes from a group to one that it needs.",
            [
                Card(
                    group.name,
                    layer,
                    group.name,
                    counted(len(group.tables), "table"),
                    f"#{group_id(group.name)}",
                    self._links.hue_of(group.name),
                )
                for group, layer in zip(groups, _group_layers(groups, keys), strict=True)
            ],
            {
                (one, other): f"{one} → {other}: {counted(number, 'key')}"
                for (one, other), number in keys.items()
            },
        )

    def group(self, group: GroupDocument) -> Figure | None:
        """Return a group's tables and what they need of other groups; None when they are too many to see."""
        own = [document.name for document in group.tables]
        outside = sorted({need for name in own for need in self._graph.needs[name]} - set(own))
        if len(own) > READABLE:
            return None
        if len(own) + len(outside) > READABLE:
            outside = []
        depth = self._graph.depth
        lines = self._lines(own, outside)
        dashed = ", and what they need of other groups, with dashed outlines" if outside else ""
        return Figure(
            f"diagram-{group_id(group.name)}",
            f"The group {group.name}",
            f"{counted(len(own), 'table')}{dashed}{_LINES if lines else '.'}",
            [
                *(self._card(name, depth[name]) for name in own),
                *(self._card(name, depth[name], "outside") for name in outside),
            ],
            lines,
        )

    def around(self, document: TableDocument) -> Figure | None:
        """Return a table between what it needs and what needs it; None when there is neither."""
        name, graph = document.name, self._graph
        needs = sorted(graph.needs[name], key=lambda other: (-graph.depth[other], other))
        users = [user for user in graph.dependents[name] if user not in graph.needs[name]]
        if not needs and not users:
            return None
        left, right = needs[:NEIGHBOURS], users[:NEIGHBOURS]
        cards = [self._card(name, 1, "here"), *(self._card(each, 0) for each in left)]
        cards += [self._card(each, 2) for each in right]
        near = {pair: self._told(pair) for pair in _star(name, (*left, *right)) if pair in self._ties}
        lines = {(str(one), str(other)): text for (one, other), text in near.items()}
        for layer, more in ((0, len(needs) - len(left)), (2, len(users) - len(right))):
            if more:
                cards.append(_more(layer, more))
                here, there = str(name), f"more {layer}"
                lines[(here, there) if layer == 0 else (there, here)] = ""
        return Figure(
            f"diagram-{table_id(name)}",
            f"{name} and the tables around it",
            f"It needs {counted(len(needs), 'other table')}; "
            f"{counted(len(graph.dependents[name]), 'other table')} {_need(len(graph.dependents[name]))} it.",
            cards,
            lines,
        )

    def _card(self, name: QualifiedName, layer: int, kind: str | None = None) -> Card:
        own = self._graph.self_keys.get(name)
        detail = f"{self._graph.rows[name]} rows{'  ↻' if own else ''}"
        hint = f"{name}: {detail}" if not own else f"{name}: {self._graph.rows[name]} rows, refers to itself"
        label, href, hue = title(name), self._links.href(name), self._links.hue(name)
        return Card(str(name), layer, label, detail, href, hue, kind, hint)

    def _lines(
        self, names: Sequence[QualifiedName], outside: Iterable[QualifiedName] = ()
    ) -> dict[tuple[str, str], str]:
        """The lines from these tables to each other, and to those outside."""
        shown = {*names, *outside}
        return {
            (str(name), str(need)): self._told((name, need))
            for name in names
            for need in self._graph.needs[name]
            if need in shown
        }

    def _told(self, pair: Pair) -> str:
        return "; ".join(map(str, self._ties[pair]))


def _ties(graph: ForeignKeyGraph) -> Mapping[Pair, list[ForeignKey]]:
    found: dict[Pair, list[ForeignKey]] = {}
    for table, needed, key in graph.hops:
        found.setdefault((table, needed), []).append(key)
    return found


def _star(name: QualifiedName, others: Iterable[QualifiedName]) -> list[Pair]:
    return [pair for other in others for pair in ((name, other), (other, name))]


def _more(layer: int, number: int) -> Card:
    return Card(f"more {layer}", layer, f"and {number:,} more", kind="more")


def _need(number: int) -> str:
    return "needs" if number == 1 else "need"


def _group_layers(groups: Sequence[GroupDocument], keys: Mapping[tuple[str, str], int]) -> list[int]:
    """Return the length of each group's longest chain; keys to later groups do not count."""
    layer: dict[str, int] = {}
    for group in groups:
        below = [layer[needed] for needed in layer if (group.name, needed) in keys]
        layer[group.name] = max(below, default=-1) + 1
    return list(layer.values())
