"""The analysis as a Markdown page, for a wiki or a merge request."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.report import summary
from migplan.report.analysis import Analysis
from migplan.report.tree import tree
from migplan.report.words import Naming, rows
from migplan.text import markdown
from migplan.text.markdown import text
from migplan.text.wording import listed


def as_markdown(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """The page, line by line."""
    graph = analysis.graph
    name = Naming(graph.tables)
    yield from markdown.heading(1, f"{text(analysis.catalog.server.database)}: what depends on what")
    yield from markdown.block(f"{text(summary.headline(analysis))}: {summary.shape(analysis)}.")
    yield from markdown.heading(2, "Tree")
    lines = (line.plain for line in tree(graph, depth=depth, whole=whole))
    yield from markdown.fence("\n".join(lines), "text")
    yield from markdown.heading(2, "Tables in the order of loading")
    yield from markdown.table(
        ("Depth", "Table", "Rows", "Needs", "Needed by", "Blocks"),
        (
            (
                str(graph.depth[table]),
                text(name(table)),
                rows(graph.rows[table]),
                text(
                    listed(
                        [*(["itself"] if table in graph.self_keys else []), *map(name, graph.needs[table])], 6
                    )
                ),
                str(len(graph.dependents[table])),
                str(graph.blocked[table]),
            )
            for table in sorted(graph.tables, key=lambda each: (graph.depth[each], each))
        ),
        align="r-r-rr",
    )
    for title, found in summary.sections(analysis):
        yield from markdown.heading(2, title)
        yield from markdown.fence("\n".join(found), "text")
