"""The dependency tree: every table once in full, under the deepest one that it needs.

Where it is needed elsewhere it is only named. A thousand tables read like forty: what is small and has
nothing below it is folded, levels are left out from the bottom, and both are said.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from migplan.graph import ForeignKeyGraph
from migplan.names import Naming, QualifiedName
from migplan.text.wording import counted, listed

READABLE = 100  # lines
SHOWN_ROOTS = 12
SHOWN_CHILDREN = 6
DEEPEST = 100
"""Levels that are shown at the most: behind them the branches alone would fill several screens."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the tree: its branches, its text, and what stands at its right."""

    branches: str
    text: str
    rows: str = ""
    mark: str = ""  # what is special about the table
    quiet: bool = False  # a reference or a fold, not a table

    @property
    def plain(self) -> str:
        """The line as plain text, without alignment."""
        return "  ".join(filter(None, (self.branches + self.text, self.rows, self.mark)))


@dataclass(frozen=True, slots=True)
class Fold:
    """How much of the tree is shown."""

    depth: int | None = None
    children: int | None = None
    roots: int | None = None


def tree(graph: ForeignKeyGraph, *, depth: int | None = None, whole: bool = False) -> tuple[Line, ...]:
    """Return the tree's lines, folded when there would be too many and ``whole`` is not asked for."""
    lines, folded = folded_tree(graph, depth=depth, whole=whole)
    if not folded:
        return lines
    return (*lines, Line("", "(folded: --all shows every table, --depth N so many levels)", quiet=True))


def folded_tree(
    graph: ForeignKeyGraph, *, depth: int | None = None, whole: bool = False
) -> tuple[tuple[Line, ...], bool]:
    """Return the lines, and whether they had to be folded."""
    shape = _Tree(graph)
    if depth is not None or whole:
        return tuple(shape.lines(Fold(depth=depth))), False
    deepest = max(graph.depth.values(), default=0)
    levels = range(deepest, 0, -1) if deepest <= 30 else (30, 20, 10, 8, 6, 5, 4, 3, 2, 1)
    folds = (Fold(), *(Fold(level, SHOWN_CHILDREN, SHOWN_ROOTS) for level in levels))
    for fold in folds:
        lines = tuple(islice(shape.lines(fold), READABLE + 1))
        if len(lines) <= READABLE:
            return lines, fold != Fold()
    return tuple(shape.lines(folds[-1])), True


class _Tree:
    def __init__(self, graph: ForeignKeyGraph) -> None:
        self._graph = graph
        self._name = Naming(graph.tables)
        self._home = {name: self._deepest_need(name) for name in graph.tables}
        self._below: dict[QualifiedName, list[QualifiedName]] = {name: [] for name in graph.tables}
        for name, home in self._home.items():
            if home is not None:
                self._below[home].append(name)
        self._circle = {name: number for number, circle in enumerate(graph.circles, 1) for name in circle}

    def lines(self, fold: Fold) -> Iterator[Line]:
        tops = [name for name, home in self._home.items() if home is None]
        connected = self._sorted([name for name in tops if self._below[name] or self._graph.dependents[name]])
        among = set(connected)
        alone = self._sorted([name for name in tops if name not in among])
        yield from self._tops(connected, fold)
        yield from self._tops(alone, fold)

    def _tops(self, names: Sequence[QualifiedName], fold: Fold) -> Iterator[Line]:
        limit = fold.roots if fold.roots is not None and len(names) > fold.roots + 1 else len(names)
        for name in names[:limit]:
            yield self._line(name, "")
            yield from self._children(name, "", 0, fold)
        if names[limit:]:
            rest = names[limit:]
            under = sum(self._size(name) - 1 for name in rest)
            below = f", {counted(under, 'table')} below them" if under else ""
            yield Line(
                "",
                f"… {counted(len(rest), 'more table')} without needs{below}: {self._few(rest)}",
                quiet=True,
            )

    def _children(self, name: QualifiedName, branches: str, level: int, fold: Fold) -> Iterator[Line]:
        own = self._sorted(self._below[name])
        others = [user for user in self._graph.dependents[name] if self._home[user] != name]
        if level >= min(DEEPEST, DEEPEST if fold.depth is None else fold.depth):
            hidden = self._size(name) - 1
            if hidden:
                yield Line(f"{branches}└─ ", f"… {counted(hidden, 'table')} below", quiet=True)
            return
        shown = own
        if fold.children is not None and len(own) > fold.children + 1:
            shown = own[: fold.children]
        folded = own[len(shown) :]
        last = len(shown) - 1 if not folded and not others else None
        for place, child in enumerate(shown):
            end = place == last
            yield self._line(child, branches + ("└─ " if end else "├─ "))
            yield from self._children(child, branches + ("   " if end else "│  "), level + 1, fold)
        if folded:
            under = sum(self._size(child) - 1 for child in folded)
            below = f" and {counted(under, 'table')} below them" if under else ""
            end_fold = "├─ " if others else "└─ "
            yield Line(
                branches + end_fold,
                f"… {counted(len(folded), 'more table')}{below}: {self._few(folded)}",
                quiet=True,
            )
        if others:
            yield Line(f"{branches}└─ ", f"↗ {listed(map(self._name, others), 6)}", quiet=True)

    def _line(self, name: QualifiedName, branches: str) -> Line:
        marks = [f"↻ {', '.join(key.columns)}" for key in self._graph.self_keys.get(name, ())]
        if name in self._circle:
            marks.append(f"⟲ cycle {self._circle[name]}")
        family = {table.name for table in self._graph.families[name]}
        brought = sorted({key.referenced for key in self._graph.provided if key.table in family})
        if brought:
            marks.append(f"⇢ {listed(brought)}")
        parts = self._graph.partitions.get(name, ())
        if parts:
            marks.append(counted(len(parts), "partition"))
        return Line(branches, self._name(name), str(self._graph.rows[name]), "  ".join(marks))

    def _deepest_need(self, name: QualifiedName) -> QualifiedName | None:
        """Return the table below which this one is shown; a circle is shown below what it needs."""
        graph = self._graph
        circle = next((circle for circle in graph.circles if name in circle), None)
        if circle is not None and name != min(circle):
            return min(circle)
        needs = (
            graph.needs[name]
            if circle is None
            else [need for member in sorted(circle) for need in graph.needs[member]]
        )
        outside = [need for need in needs if circle is None or need not in circle]
        return min(outside, key=lambda need: (-graph.depth[need], -graph.blocked[need], need), default=None)

    def _sorted(self, names: Sequence[QualifiedName]) -> list[QualifiedName]:
        return sorted(names, key=lambda name: (-self._graph.blocked[name], name))

    def _size(self, name: QualifiedName) -> int:
        """The tables shown in full at and below a table."""
        total, border = 0, [name]
        while border:
            total += len(border)
            border = [child for parent in border for child in self._below[parent]]
        return total

    def _few(self, names: Sequence[QualifiedName]) -> str:
        return listed(map(self._name, names), 4)
