"""What stands above and below the tree: counts, hubs, rows, cycles, findings, and what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from migplan.advise import by_rule
from migplan.postgres.versions import dotted
from migplan.report.advice import not_judged
from migplan.report.analysis import Analysis
from migplan.report.words import Naming, rows
from migplan.text.wording import counted, listed

SHOWN_HUBS = 6
SHOWN_TABLES = 6
SHOWN_LEVELS = 15
SHOWN_FINDINGS = 5
SHOWN_WAYS = 3
BAR = 30

Section = tuple[str, tuple[str, ...]]


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
    """The sections below the tree; those with nothing to say are not there."""
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
    digits = max(len(rows(graph.rows[table])) for table in shown)
    for table in shown:
        share = (graph.rows[table].count or 0) / total
        bar = "█" * max(1, round(share * BAR))
        yield f"{name(table):{width}}  {rows(graph.rows[table]):>{digits}}  {share:6.1%}  {bar}"
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
    for key in analysis.graph.leaving[:SHOWN_FINDINGS]:
        yield f"{key.label} leads out of it: the rows referred to must be there before"
    if len(analysis.graph.leaving) > SHOWN_FINDINGS:
        yield f"… and {counted(len(analysis.graph.leaving) - SHOWN_FINDINGS, 'more key')} leading out of it"
    arriving = analysis.selected.arriving
    if arriving:
        lead = "leads" if len(arriving) == 1 else "lead"
        yield f"{counted(len(arriving), 'key')} from outside {lead} into it: {listed(arriving, 2)}"


def _unread(analysis: Analysis) -> Iterator[str]:
    gaps = analysis.catalog.unread
    for gap in gaps[:10]:
        yield f"{gap.what}: {gap.why}"
    if len(gaps) > 10:
        yield f"… and {len(gaps) - 10:,} more"
