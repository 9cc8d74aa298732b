"""The analysis as a Markdown page, for a wiki or a merge request."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.report import summary
from migplan.report.analysis import Analysis
from migplan.report.tree import tree
from migplan.report.words import Naming, listed, rows


def as_markdown(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """The page, line by line."""
    graph = analysis.graph
    name = Naming(graph.tables)
    yield f"# {_text(analysis.catalog.server.database)}: what depends on what"
    yield ""
    yield f"{_text(summary.headline(analysis))}: {summary.shape(analysis)}."
    yield ""
    yield "## Tree"
    yield ""
    yield "```text"
    for line in tree(graph, depth=depth, whole=whole):
        yield "  ".join(part for part in (line.branches + line.text, line.rows, line.mark) if part)
    yield "```"
    yield ""
    yield "## Tables in the order of loading"
    yield ""
    yield "| Depth | Table | Rows | Needs | Needed by | Blocks |"
    yield "|---:|---|---:|---|---:|---:|"
    for table in sorted(graph.tables, key=lambda each: (graph.depth[each], each)):
        own = ["itself"] if table in graph.self_keys else []
        needs = listed([*own, *map(name, graph.needs[table])], 6)
        yield (
            f"| {graph.depth[table]} | {_text(name(table))} | {rows(graph.rows[table])} | {_text(needs)} "
            f"| {len(graph.dependents[table])} | {graph.blocked[table]} |"
        )
    for title, lines in summary.sections(analysis):
        yield ""
        yield f"## {title}"
        yield ""
        yield "```text"
        yield from lines
        yield "```"


def _text(text: str) -> str:
    """Text that Markdown shows as it is, also in a table."""
    for special in "\\`*_{}[]<>|#~":
        text = text.replace(special, f"\\{special}")
    return " ".join(text.split())
