"""An analysis, and every shape that people may ask for: tree, levels, JSON, diagrams, Markdown."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.text import Text

from migplan.advise import Advice, Finding, by_rule
from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import Catalog
from migplan.catalog.orphans import Orphans
from migplan.catalog.selection import Selected
from migplan.graph import ForeignKeyGraph
from migplan.names import Naming, QualifiedName, quoted
from migplan.postgres.versions import dotted
from migplan.report import advice
from migplan.report.advice import not_judged
from migplan.report.diagrams import READABLE, Box, arrows_among, flowchart
from migplan.report.fields import picked, plain
from migplan.report.tree import Line, tree
from migplan.text import markdown
from migplan.text.markdown import text
from migplan.text.wording import counted, listed

FORMAT = 1  # of the JSON
_KEY = "name table columns referenced referenced_columns on_delete on_update deferrable validated enforced"
SHOWN_HUBS = 6
SHOWN_TABLES = 6
SHOWN_LEVELS = 15
SHOWN_FINDINGS = 5
SHOWN_WAYS = 3
BAR = 30
GAP = 2  # between the tree and its numbers

Section = tuple[str, tuple[str, ...]]


@dataclass(frozen=True)
class Analysis:
    """A selected part of a catalog, its graph, and what is to be said about them."""

    selected: Selected
    graph: ForeignKeyGraph
    advice: Advice = Advice()
    orphans: tuple[Orphans, ...] | None = None  # None: nobody asked
    hint: str = ""  # what to say of the platform that it looks like

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the rules found, without what people ignore."""
        return self.advice.findings

    @property
    def catalog(self) -> Catalog:
        """The selected part."""
        return self.selected.catalog

    @property
    def rows_in_all(self) -> tuple[int, bool]:
        """All rows, and whether every one was counted."""
        known = [rows.count for rows in self.graph.rows.values() if rows.count is not None]
        return sum(known), all(rows.exact for rows in self.graph.rows.values())


# --- what stands above and below the tree -------------------------------------------------------------------


def headline(analysis: Analysis) -> str:
    """The database in one sentence."""
    server = analysis.catalog.server
    graph = analysis.graph
    total, exact = analysis.rows_in_all
    return (
        f"{server.database} on PostgreSQL {dotted(server.version)}: {counted(len(graph.tables), 'table')}, "
        f"{counted(len(graph.all_keys), 'foreign key')}, {'' if exact else 'about '}{counted(total, 'row')}"
    )


def shape(analysis: Analysis) -> str:
    """The graph in one sentence."""
    graph = analysis.graph
    deepest = max(graph.depth.values(), default=0)
    parts = [
        counted(len(graph.roots), "root"),
        f"depth {deepest}",
        counted(len(graph.components), "component"),
        counted(len(graph.circles), "cycle") if graph.circles else "no cycle",
    ]
    if graph.self_keys:
        own = sum(len(keys) for keys in graph.self_keys.values())
        tables = len(graph.self_keys)
        parts.append(
            f"{counted(tables, 'table')} referring to {'itself' if tables == 1 else 'themselves'} "
            f"by {counted(own, 'key')}"
        )
    return ", ".join(parts)


def sections(analysis: Analysis) -> Iterator[Section]:
    """Return the sections below the tree that have something to say."""
    for title, lines in (
        ("Longest chain", _chain(analysis)),
        ("Load first", _hubs(analysis)),
        ("Levels", _levels(analysis)),
        ("Rows", _rows(analysis)),
        ("Cycles", _cycles(analysis)),
        ("Refer to themselves", _self_references(analysis)),
        ("Orphans", _orphans(analysis)),
        ("Findings", _findings(analysis)),
        ("Outside of the selection", _outside(analysis)),
        ("Not read", _unread(analysis)),
    ):
        found = tuple(lines)
        if found:
            yield title, found


def _chain(analysis: Analysis) -> Iterator[str]:
    chain = analysis.graph.critical_chain
    if len(chain) > 1:
        name = Naming(analysis.graph.tables)
        shown = [name(table) for table in chain]
        yield " -> ".join(
            shown if len(shown) <= 12 else [*shown[:5], f"({len(shown) - 10} more)", *shown[-5:]]
        )


def _hubs(analysis: Analysis) -> Iterator[str]:
    graph = analysis.graph
    name = Naming(graph.tables)
    hubs = graph.hubs[:SHOWN_HUBS]
    width = max((len(name(hub.table)) for hub in hubs), default=0)
    for hub in hubs:
        yield (
            f"{name(hub.table):{width}}  depth {graph.depth[hub.table]}, "
            f"needed by {counted(hub.direct, 'table')} directly, blocks {hub.transitive:,} in all"
        )
    if len(graph.hubs) > SHOWN_HUBS:
        yield f"… and {counted(len(graph.hubs) - SHOWN_HUBS, 'more table')} that others need"


def _levels(analysis: Analysis) -> Iterator[str]:
    graph = analysis.graph
    levels = Counter(graph.depth.values())
    if len(levels) < 2:
        return
    deepest, most = max(levels), max(levels.values())
    shown = sorted(levels) if len(levels) <= SHOWN_LEVELS else [*range(SHOWN_LEVELS - 2), deepest]
    for level in shown:
        if level > shown[0] and level - 1 not in shown:
            rest = sum(number for other, number in levels.items() if other not in shown)
            yield f"… depth {SHOWN_LEVELS - 2} to {deepest - 1}: {counted(rest, 'table')}"
        bar = "█" * max(1, round(levels[level] / most * BAR))
        yield f"depth {level:<3} {counted(levels[level], 'table'):>12}  {bar}"


def _rows(analysis: Analysis) -> Iterator[str]:
    graph = analysis.graph
    total, _ = analysis.rows_in_all
    if not total:
        return
    name = Naming(graph.tables)
    ranked = sorted(graph.tables, key=lambda table: (-(graph.rows[table].count or 0), table))
    shown = [table for table in ranked[:SHOWN_TABLES] if graph.rows[table].count]
    width = max(len(name(table)) for table in shown)
    digits = max(len(str(graph.rows[table])) for table in shown)
    for table in shown:
        share = (graph.rows[table].count or 0) / total
        bar = "█" * max(1, round(share * BAR))
        yield f"{name(table):{width}}  {graph.rows[table]!s:>{digits}}  {share:6.1%}  {bar}"
    rest = [graph.rows[table].count or 0 for table in ranked[len(shown) :]]
    if rest:
        others, rows_there = counted(len(rest), "other table"), counted(sum(rest), "row")
        yield f"{others}: {rows_there}, {rest.count(0):,} of them empty"


def _cycles(analysis: Analysis) -> Iterator[str]:
    graph = analysis.graph
    name = Naming(graph.tables)
    for number, circle in enumerate(graph.circles, 1):
        ways = [cycle for cycle in graph.cycles if circle.issuperset(cycle.tables)]
        yield f"cycle {number}: {counted(len(circle), 'table')}: {listed(map(name, sorted(circle)), 8)}"
        for way in ways[:SHOWN_WAYS]:
            yield "  " + " -> ".join(map(name, (*way.tables, way.tables[0])))
            for hop in way.keys:
                yield from (f"    {key.label}" for key in hop)
        if len(ways) > SHOWN_WAYS:
            yield f"  … and {counted(len(ways) - SHOWN_WAYS, 'more way')} round, or more"


def _self_references(analysis: Analysis) -> Iterator[str]:
    name = Naming(analysis.graph.tables)
    for table, keys in analysis.graph.self_keys.items():
        pairs = "; ".join(f"{', '.join(key.columns)} -> {', '.join(key.referenced_columns)}" for key in keys)
        yield f"{name(table)}: {pairs}"


def _orphans(analysis: Analysis) -> Iterator[str]:
    if analysis.orphans is None:
        return
    if not analysis.orphans:
        keys = counted(len(analysis.graph.all_keys), "foreign key")
        yield f"none: every row of {keys} refers to a row that is there"
    for orphans in analysis.orphans:
        if orphans.unread:
            yield f"{orphans.key.label}: not looked at: {orphans.unread}"
            continue
        samples = "; ".join(", ".join(values) for values in orphans.samples)
        refer = "refers" if orphans.rows == 1 else "refer"
        yield (f"{orphans.key.label}: {counted(orphans.rows, 'row')} {refer} to nothing, such as {samples}")


def _findings(analysis: Analysis) -> Iterator[str]:
    for (level, code, title), found in by_rule(analysis.findings):
        yield f"{level.value} {code}, {title}: {len(found):,}"
        for finding in found[:SHOWN_FINDINGS]:
            yield f"  {finding.what}: {finding.why}"
        if len(found) > SHOWN_FINDINGS:
            yield f"  … and {len(found) - SHOWN_FINDINGS:,} more"
    if analysis.findings:
        yield "what fixes them: migplan advise"
    advice = analysis.advice
    if advice.ignored:
        yield f"{counted(len(advice.ignored), 'finding')} ignored, for reasons that migplan.yaml holds"
    for line in not_judged(advice.blind):
        yield f"not judged: {line}"


def _outside(analysis: Analysis) -> Iterator[str]:
    for left_out in analysis.selected.left_out:
        yield f"left out: {left_out}"
    yield from _provided(analysis)
    for key in analysis.graph.leaving[:SHOWN_FINDINGS]:
        yield f"{key.label} leads out of it: the rows referred to must be there before"
    if len(analysis.graph.leaving) > SHOWN_FINDINGS:
        yield f"… and {counted(len(analysis.graph.leaving) - SHOWN_FINDINGS, 'more key')} leading out of it"
    arriving = analysis.selected.arriving
    if arriving:
        lead = "leads" if len(arriving) == 1 else "lead"
        yield f"{counted(len(arriving), 'key')} from outside {lead} into it: {listed(arriving, 2)}"


def _provided(analysis: Analysis) -> Iterator[str]:
    brought = analysis.selected.provided
    if not brought:
        return
    schemas = [quoted(name) for name in sorted({name.schema for name in brought})]
    yield f"provided by the target: {counted(len(brought), 'table')} of {listed(schemas, 8)}"
    keys = analysis.graph.provided
    for key in keys[:SHOWN_FINDINGS]:
        yield f"{key.label} refers to what the target provides"
    if len(keys) > SHOWN_FINDINGS:
        yield f"… and {counted(len(keys) - SHOWN_FINDINGS, 'more key')} to it"
    for table in analysis.catalog.provided:
        people_made = [f"trigger {each.name}" for each in table.triggers]
        people_made += [f"policy {each.name}" for each in table.policies]
        if people_made:
            yield f"{table.name}, provided, carries what people made: {listed(people_made, 8)}"


def _unread(analysis: Analysis) -> Iterator[str]:
    gaps = analysis.catalog.unread
    for gap in gaps[:10]:
        yield f"{gap.what}: {gap.why}"
    if len(gaps) > 10:
        yield f"… and {len(gaps) - 10:,} more"


# --- for people ---------------------------------------------------------------------------------------------


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
            Line("  ", name(table), str(graph.rows[table]), _needs(table, graph, name))
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
    yield Text(headline(analysis), style="bold")
    yield Text(shape(analysis))
    if analysis.hint:
        yield Text(analysis.hint, style="yellow")
    yield Text()


def _bottom(analysis: Analysis, *, first_line: bool = True) -> Iterator[Text]:
    for title, lines in sections(analysis):
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


# --- as a page, for a wiki or a merge request ---------------------------------------------------------------


def as_markdown(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """The page, line by line."""
    graph = analysis.graph
    name = Naming(graph.tables)
    yield from markdown.heading(1, f"{text(analysis.catalog.server.database)}: what depends on what")
    yield from markdown.block(f"{text(headline(analysis))}: {shape(analysis)}.")
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
                str(graph.rows[table]),
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
    for title, found in sections(analysis):
        yield from markdown.heading(2, title)
        yield from markdown.fence("\n".join(found), "text")


# --- as diagrams --------------------------------------------------------------------------------------------


def as_mermaid(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """A Mermaid flowchart."""
    graph = analysis.graph
    node = _nodes(graph, depth, whole)
    name = Naming(graph.tables)
    yield from flowchart(
        {mark: Box((name(table), str(graph.rows[table]))) for table, mark in node.items()},
        (
            (node[table], node[referenced], columns)
            for table, referenced, columns in arrows_among(graph, node)
        ),
    )


def as_dot(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:
    """A Graphviz digraph."""
    graph = analysis.graph
    node = _nodes(graph, depth, whole)
    name = Naming(graph.tables)
    yield "digraph foreign_keys {"
    yield "  rankdir=BT;"
    yield '  node [shape=box, fontname="sans-serif"];'
    for table, mark in node.items():
        yield f"  {mark} [label={_dot_text(name(table), str(graph.rows[table]))}];"
    for table, referenced, columns in arrows_among(graph, node):
        yield f"  {node[table]} -> {node[referenced]} [label={_dot_text(columns)}];"
    yield "}"


def _nodes(graph: ForeignKeyGraph, depth: int | None, whole: bool) -> dict[QualifiedName, str]:
    drawn = [name for name in graph.tables if depth is None or graph.depth[name] <= depth]
    if len(drawn) > READABLE and not whole:
        alone = set(graph.isolated)
        drawn = [name for name in drawn if name not in alone]
    return {name: f"t{number}" for number, name in enumerate(drawn, 1)}


def _dot_text(*lines: str) -> str:
    escaped = (line.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ") for line in lines)
    return '"' + "\\n".join(escaped) + '"'


# --- for programs -------------------------------------------------------------------------------------------


def as_json(analysis: Analysis, *, depth: int | None = None, whole: bool = False) -> Iterator[str]:  # noqa: ARG001
    """One JSON document; ``depth`` leaves out the tables below it."""
    yield json.dumps(content(analysis, depth), ensure_ascii=False, indent=2)


def content(analysis: Analysis, depth: int | None = None) -> dict[str, Any]:
    """The document as values."""
    graph, server = analysis.graph, analysis.catalog.server
    rows, exact = analysis.rows_in_all
    shown = [name for name in graph.tables if depth is None or graph.depth[name] <= depth]
    return {
        "migplan_analysis": FORMAT,
        "database": server.database,
        "server_version": server.version,
        "read_at": server.read_at,
        "fingerprint": fingerprint(analysis.catalog),
        "hint": analysis.hint or None,
        "counts": {
            "tables": len(graph.tables),
            "foreign_keys": len(graph.all_keys),
            "roots": len(graph.roots),
            "leaves": len(graph.leaves),
            "components": len(graph.components),
            "depth": max(graph.depth.values(), default=0),
            "rows": rows,
            "rows_exact": exact,
        },
        "tables": [_table_as_json(analysis, name) for name in shown],
        "foreign_keys": [picked(key, _KEY) for key in graph.all_keys],
        "longest_chain": plain(graph.critical_chain),
        "hubs": [picked(hub, "table direct transitive") for hub in graph.hubs],
        "components": plain(graph.components),
        "cycles": cycles(graph),
        **advice.content(analysis.advice),
        "orphans": _orphans_as_json(analysis),
        "outside": {
            "left_out": [picked(gap, "schema tables of") for gap in analysis.selected.left_out],
            "leaving_keys": [picked(key, _KEY) for key in graph.leaving],
            "provided_tables": plain(analysis.selected.provided),
            "provided_keys": [picked(key, _KEY) for key in graph.provided],
            "arriving_keys": [picked(key, _KEY) for key in analysis.selected.arriving],
        },
        "not_read": [picked(gap, "what why") for gap in analysis.catalog.unread],
    }


def _table_as_json(analysis: Analysis, name: Any) -> dict[str, Any]:
    graph = analysis.graph
    table, rows = graph.tables[name], graph.rows[name]
    return {
        "table": str(name),
        "kind": table.kind.value,
        "depth": graph.depth[name],
        "rows": rows.count,
        "rows_exact": rows.exact,
        **picked(table, "table_bytes index_bytes"),
        "needs": plain(graph.needs[name]),
        "needed_by": plain(graph.dependents[name]),
        "blocks": graph.blocked[name],
        "refers_to_itself_by": [key.name for key in graph.self_keys.get(name, ())],
        "partitions": plain(graph.partitions.get(name, ())),
    }


def cycles(graph: ForeignKeyGraph) -> list[dict[str, Any]]:
    """Return the ways round in circles, for every JSON that holds some."""
    return [
        {"tables": plain(cycle.tables), "keys": [[key.name for key in hop] for hop in cycle.keys]}
        for cycle in graph.cycles
    ]


def _orphans_as_json(analysis: Analysis) -> list[dict[str, Any]] | None:
    if analysis.orphans is None:
        return None
    return [
        {
            "key": orphans.key.name,
            "table": str(orphans.key.table),
            "rows": None if orphans.unread else orphans.rows,
            "samples": orphans.samples,
            "not_read": orphans.unread,
        }
        for orphans in analysis.orphans
    ]


# --- all of them --------------------------------------------------------------------------------------------

FORMATS: Mapping[str, Callable[..., Iterator[Text | str]]] = {
    "tree": as_tree,
    "levels": as_levels,
    "json": as_json,
    "mermaid": as_mermaid,
    "dot": as_dot,
    "markdown": as_markdown,
}
"""Every shape of an analysis: a function of the analysis, ``depth`` and ``whole``."""
