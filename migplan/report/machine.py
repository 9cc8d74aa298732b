"""The analysis as JSON, for programs: everything that the other shapes show, and nothing folded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import ForeignKey
from migplan.report import advice
from migplan.report.analysis import Analysis

FORMAT = 1


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
        "tables": [_table(analysis, name) for name in shown],
        "foreign_keys": [_key(key) for key in graph.all_keys],
        "longest_chain": [str(name) for name in graph.critical_chain],
        "hubs": [
            {"table": str(hub.table), "direct": hub.direct, "transitive": hub.transitive}
            for hub in graph.hubs
        ],
        "components": [[str(name) for name in members] for members in graph.components],
        "cycles": [
            {
                "tables": [str(name) for name in cycle.tables],
                "keys": [[key.name for key in hop] for hop in cycle.keys],
            }
            for cycle in graph.cycles
        ],
        **advice.content(analysis.advice),
        "orphans": _orphans(analysis),
        "outside": {
            "left_out": [
                {"schema": gap.schema, "tables": gap.tables, "of": gap.of}
                for gap in analysis.selected.left_out
            ],
            "leaving_keys": [_key(key) for key in graph.leaving],
            "arriving_keys": [_key(key) for key in analysis.selected.arriving],
        },
        "not_read": [{"what": gap.what, "why": gap.why} for gap in analysis.catalog.unread],
    }


def _table(analysis: Analysis, name: Any) -> dict[str, Any]:
    graph = analysis.graph
    table, rows = graph.tables[name], graph.rows[name]
    return {
        "table": str(name),
        "kind": table.kind.value,
        "depth": graph.depth[name],
        "rows": rows.count,
        "rows_exact": rows.exact,
        "table_bytes": table.table_bytes,
        "index_bytes": table.index_bytes,
        "needs": [str(need) for need in graph.needs[name]],
        "needed_by": [str(user) for user in graph.dependents[name]],
        "blocks": graph.blocked[name],
        "refers_to_itself_by": [key.name for key in graph.self_keys.get(name, ())],
        "partitions": [str(part) for part in graph.partitions.get(name, ())],
    }


def _key(key: ForeignKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "table": str(key.table),
        "columns": list(key.columns),
        "referenced": str(key.referenced),
        "referenced_columns": list(key.referenced_columns),
        "on_delete": key.on_delete,
        "on_update": key.on_update,
        "deferrable": key.deferrable,
        "validated": key.validated,
        "enforced": key.enforced,
    }


def _orphans(analysis: Analysis) -> list[dict[str, Any]] | None:
    if analysis.orphans is None:
        return None
    return [
        {
            "key": orphans.key.name,
            "table": str(orphans.key.table),
            "rows": None if orphans.unread else orphans.rows,
            "samples": [list(values) for values in orphans.samples],
            "not_read": orphans.unread,
        }
        for orphans in analysis.orphans
    ]
