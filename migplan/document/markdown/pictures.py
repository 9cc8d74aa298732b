"""Diagrams that pages can show: the whole, the groups, a group, a table among its neighbours.

GitHub gives up on a diagram of more than 500 arrows or 50,000 characters, and people long before. What does
not fit is left out, and the sentence beside the diagram says how much.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migplan.document.markdown.book import Book
from migplan.document.markdown.numbers import rows_in_all
from migplan.document.model import GroupDocument, TableDocument, title
from migplan.names import QualifiedName
from migplan.report.diagrams import Box, arrows_among, flowchart
from migplan.text.wording import counted

NEIGHBOURS = 10  # on each side
WHOLE = 60  # tables
GROUP = 80  # tables
ARROWS = 300
CHARACTERS = 45_000


@dataclass(frozen=True, slots=True)
class Picture:
    """The lines of a diagram, none where there is nothing to see; and what is not in it."""

    lines: tuple[str, ...] = ()
    missing: str = ""


def neighbourhood(document: TableDocument, book: Book) -> Picture:
    """Return the table, what it needs and what needs it; of too many, those on which most others depend."""
    graph = book.documentation.graph
    name = document.name
    if name not in graph.tables:
        return Picture()
    needs, dependents = _most(graph.needs[name], book), _most(graph.dependents[name], book)
    if not needs and not dependents and name not in graph.self_keys:
        return Picture()
    drawn = dict.fromkeys((name, *needs, *dependents))
    mark = {table: f"t{number}" for number, table in enumerate(drawn, 1)}
    own = [
        (mark[name], mark[end], ", ".join(key.columns))
        for key in (*graph.keys_of(name), *graph.self_keys.get(name, ()))
        if (end := book.home.get(key.referenced, key.referenced)) in mark
    ]
    theirs = [
        (mark[start], mark[name], ", ".join(key.columns))
        for key in book.arriving.get(name, ())
        if (start := book.home.get(key.table, key.table)) in mark
    ]
    found = [*own, *theirs]
    boxes = {mark[table]: _box(table, book, bold=table == name) for table in drawn}
    left_out = [
        *_left_out(len(graph.needs[name]) - len(needs), "that it needs"),
        *_left_out(len(graph.dependents[name]) - len(dependents), "that need it"),
        *_left_out(len(found) - ARROWS, "between them", "key"),
    ]
    return Picture(tuple(flowchart(boxes, found[:ARROWS])), _sentence(left_out))


def of_group(group: GroupDocument, book: Book) -> Picture:
    """The tables of a group, and which groups they need."""
    graph = book.documentation.graph
    members = [document.name for document in group.tables if document.name in graph.tables]
    inside = set(members)
    tied = [
        name
        for name in members
        if graph.needs[name] or inside.intersection(graph.dependents[name]) or name in graph.self_keys
    ]
    if not tied:
        return Picture()
    shown = sorted(tied if len(members) > GROUP else members, key=lambda name: -graph.blocked[name])[:GROUP]
    mark = {name: f"t{number}" for number, name in enumerate(sorted(shown), 1)}
    outside = Counter[tuple[QualifiedName, str]]()
    for name in mark:
        for key in graph.keys_of(name):
            other = book.documentation.group_of.get(book.home.get(key.referenced, key.referenced))
            if other and other != group.name:
                outside[name, other] += 1
    others = {other: f"g{number}" for number, other in enumerate(sorted({o for _, o in outside}), 1)}
    boxes = {mark[name]: _box(name, book) for name in mark}
    boxes |= {others[other]: Box(("group", other), round=True) for other in others}
    arrows = [(mark[start], mark[end], columns) for start, end, columns in arrows_among(graph, mark)]
    arrows += [
        (mark[name], others[other], counted(number, "key"))
        for (name, other), number in sorted(outside.items())
    ]
    return _fitted(boxes, arrows, [*_left_out(len(members) - len(shown), "of the group")])


def of_groups(book: Book) -> Picture:
    """The groups, and how many keys lead from one to another."""
    groups = book.documentation.groups
    if len(groups) < 2:
        return Picture()
    mark = {group.name: f"g{number}" for number, group in enumerate(groups, 1)}
    boxes = {
        mark[group.name]: Box(
            (group.name, counted(len(group.tables), "table"), f"{rows_in_all(group.tables)} rows"),
            round=True,
        )
        for group in groups
    }
    pairs = sorted(book.documentation.keys_between_groups.items())
    arrows = [(mark[start], mark[end], counted(number, "key")) for (start, end), number in pairs]
    return _fitted(boxes, arrows, [])


def of_all(book: Book) -> Picture:
    """Return every table, unless there are too many to see."""
    graph = book.documentation.graph
    if not graph.hops:
        return Picture()
    if len(graph.tables) > WHOLE:
        return Picture(missing="Too many tables for one diagram: each group's page has its own.")
    mark = {name: f"t{number}" for number, name in enumerate(graph.tables, 1)}
    boxes = {mark[name]: _box(name, book) for name in mark}
    return _fitted(boxes, [(mark[a], mark[b], columns) for a, b, columns in arrows_among(graph, mark)], [])


def _fitted(
    boxes: Mapping[str, Box], arrows: Sequence[tuple[str, str, str]], left_out: Sequence[str]
) -> Picture:
    """Return the diagram, with arrows and labels left out that a page cannot show."""
    said = list(arrows)
    missing = [*left_out, *_left_out(len(said) - ARROWS, "between them", "key")]
    said = said[:ARROWS]
    lines = tuple(flowchart(boxes, said))
    if sum(map(len, lines)) + len(lines) > CHARACTERS:
        lines = tuple(flowchart(boxes, [(start, end, "") for start, end, _ in said]))
        missing.append("the columns of the keys")
    return Picture(lines, _sentence(missing))


def _most(names: Sequence[QualifiedName], book: Book) -> tuple[QualifiedName, ...]:
    """Return the names on which most others depend, in their given order."""
    blocked = book.documentation.graph.blocked
    kept = set(sorted(names, key=lambda name: (-blocked[name], name))[:NEIGHBOURS])
    return tuple(name for name in names if name in kept)


def _box(name: QualifiedName, book: Book, *, bold: bool = False) -> Box:
    return Box((title(name), str(book.documentation.graph.rows[name])), bold=bold)


def _left_out(number: int, which: str, thing: str = "table") -> list[str]:
    return [f"{counted(number, thing)} {which}"] if number > 0 else []


def _sentence(missing: Sequence[str]) -> str:
    return f"Not in the diagram: {', '.join(missing)}." if missing else ""
