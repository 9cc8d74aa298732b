"""The graph as a diagram: Mermaid for pages that render it, dot for Graphviz.

Arrows point from a table to what it needs, as foreign keys do. Names are only ever labels, quoted as the
language wants it; the nodes themselves are numbered.
"""

from __future__ import annotations

import html
from collections.abc import Iterator

from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.report.analysis import Analysis
from migplan.report.words import Naming, rows

READABLE = 150  # tables; of more only those that have keys are drawn, unless all are wanted


def as_mermaid(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """A Mermaid flowchart."""
    graph = analysis.graph
    node = _nodes(graph, depth, whole)
    name = Naming(graph.tables)
    yield "flowchart BT"
    for table, mark in node.items():
        label = _mermaid_text(f"{name(table)}") + f"<br>{rows(graph.rows[table])}"
        yield f'  {mark}["{label}"]'
    for table, referenced, columns in _arrows(graph, node):
        yield f'  {node[table]} -->|"{_mermaid_text(columns)}"| {node[referenced]}'


def as_dot(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """A Graphviz digraph."""
    graph = analysis.graph
    node = _nodes(graph, depth, whole)
    name = Naming(graph.tables)
    yield "digraph foreign_keys {"
    yield "  rankdir=BT;"
    yield '  node [shape=box, fontname="sans-serif"];'
    for table, mark in node.items():
        yield f"  {mark} [label={_dot_text(name(table), rows(graph.rows[table]))}];"
    for table, referenced, columns in _arrows(graph, node):
        yield f"  {node[table]} -> {node[referenced]} [label={_dot_text(columns)}];"
    yield "}"


def _nodes(graph: ForeignKeyGraph, depth: int | None, whole: bool) -> dict[QualifiedName, str]:
    drawn = [name for name in graph.tables if depth is None or graph.depth[name] <= depth]
    if len(drawn) > READABLE and not whole:
        alone = set(graph.isolated)
        drawn = [name for name in drawn if name not in alone]
    return {name: f"t{number}" for number, name in enumerate(drawn, 1)}


def _arrows(
    graph: ForeignKeyGraph, node: dict[QualifiedName, str]
) -> Iterator[tuple[QualifiedName, QualifiedName, str]]:
    found = list(graph.hops)
    found += [(table, table, key) for table, keys in graph.self_keys.items() for key in keys]
    for table, referenced, key in sorted(found, key=lambda arrow: (arrow[2].table, arrow[2].name)):
        if table in node and referenced in node:
            yield table, referenced, ", ".join(key.columns)


def _mermaid_text(text: str) -> str:
    # Mermaid reads HTML entities inside of quotes, written with # in place of &.
    return html.escape(text).replace("&", "#").replace("\n", " ")


def _dot_text(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in lines)
    return '"' + "\\n".join(escaped) + '"'
