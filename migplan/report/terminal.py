"""The analysis for people: headline, tree, sections. Styled for a terminal, plain for everything else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.report import summary
from migplan.report.analysis import Analysis
from migplan.report.tree import Line, tree
from migplan.report.words import Naming, rows
from migplan.text.wording import counted, listed

GAP = 2


def as_tree(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[Text]:
    """The dependency tree with all that belongs to it."""
    yield from _top(analysis)
    yield from _aligned(tree(analysis.graph, depth=depth, whole=whole))
    yield from _bottom(analysis)


def as_levels(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[Text]:
    """The tables level by level: what could be loaded side by side."""
    graph = analysis.graph
    name = Naming(graph.tables)
    yield from _top(analysis)
    for level in range(max(graph.depth.values(), default=-1) + 1):
        if depth is not None and level > depth:
            break
        here = [table for table in graph.tables if graph.depth[table] == level]
        known = sum(graph.rows[table].count or 0 for table in here)
        yield Text(f"Depth {level}: {counted(len(here), 'table')}, {counted(known, 'row')}", style="bold")
        limit = len(here) if whole or len(graph.tables) <= 100 else 10
        lines = [
            Line("  ", name(table), rows(graph.rows[table]), _needs(table, graph, name))
            for table in here[:limit]
        ]
        yield from _aligned(lines)
        if here[limit:]:
            yield Text(f"  … {counted(len(here) - limit, 'more table')}", style="dim")
        yield Text()
    yield from _bottom(analysis, first_line=False)


def _needs(table: QualifiedName, graph: ForeignKeyGraph, name: Naming) -> str:
    needs = [*(["itself"] if table in graph.self_keys else []), *map(name, graph.needs[table])]
    return f"needs {listed(needs, 5)}" if needs else ""


def _top(analysis: Analysis) -> Iterator[Text]:
    yield Text(summary.headline(analysis), style="bold")
    yield Text(summary.shape(analysis))
    yield Text()


def _bottom(analysis: Analysis, *, first_line: bool = True) -> Iterator[Text]:
    for title, lines in summary.sections(analysis):
        if first_line:
            yield Text()
        first_line = True
        yield Text(title, style="bold")
        yield from (Text(f"  {line}") for line in lines)


def _aligned(lines: Sequence[Line]) -> Iterator[Text]:
    """Tree lines with their row counts under each other, and marks after them."""
    named = [line for line in lines if not line.quiet]
    width = max((len(line.branches) + len(line.text) for line in named), default=0)
    digits = max((len(line.rows) for line in named), default=0)
    for line in lines:
        text = Text(line.branches, style="dim")
        if line.quiet:
            text.append(line.text, style="dim")
            yield text
            continue
        text.append(line.text, style="default not dim")
        gap = width - len(line.branches) - len(line.text) + GAP
        text.append(" " * gap + line.rows.rjust(digits), style="cyan not dim")
        if line.mark:
            text.append("  " + line.mark, style="yellow not dim")
        yield text
