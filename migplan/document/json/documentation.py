"""The documentation as JSON, for programs: everything that the pages show, under names that stay.

The document is one object; its tables stand a line each, and are made a line at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from migplan.catalog.fingerprint import fingerprint
from migplan.document.json.table import table
from migplan.document.model import Documentation, GroupDocument
from migplan.document.regions import orphaned, overview_key
from migplan.report import advice
from migplan.text.printable import printable

FORMAT = 1


def as_json(documentation: Documentation, kept: Mapping[str, str] | None = None) -> Iterator[str]:
    """The document in pieces, to be written one after the other: a table is one.

    ``kept`` is what people wrote into the regions of the Markdown pages, by the regions' keys.
    """
    said = kept or {}
    yield "{\n"
    for name, value in _about(documentation, said).items():
        yield f"{_text(name)}: {_text(value)},\n"
    yield '"groups": [\n'
    yield ",\n".join(_text(_group(group, said)) for group in documentation.groups)
    yield '\n],\n"tables": [\n'
    between = ""
    for document in documentation.tables:
        yield between + _text(table(document, documentation.graph, said))
        between = ",\n"
    yield f'\n],\n"advice": {_text(advice.content(documentation.advice))},\n'
    yield f'"migration": {_text(_migration(documentation))}\n'
    yield "}\n"


def _text(value: object) -> str:
    return printable(json.dumps(value, ensure_ascii=False))


def _about(documentation: Documentation, kept: Mapping[str, str]) -> dict[str, Any]:
    catalog, graph = documentation.catalog, documentation.graph
    return {
        "migplan_documentation": FORMAT,
        "database": catalog.server.database,
        "server_version": catalog.server.version,
        "fingerprint": fingerprint(catalog),
        "overview": kept.get(overview_key(), ""),
        "counts": {
            "tables": sum(1 for _ in documentation.tables),
            "groups": len(documentation.groups),
            "foreign_keys": len(graph.all_keys),
            "levels": max(graph.depth.values(), default=0) + 1,
            "rows": sum(document.rows or 0 for document in documentation.tables),
        },
        "enums": {str(each.name): list(each.definition) for each in catalog.types if each.kind == "enum"},
        "hubs": [
            {"table": str(hub.table), "direct": hub.direct, "transitive": hub.transitive}
            for hub in graph.hubs
        ],
        "not_read": [{"what": gap.what, "why": gap.why} for gap in catalog.unread],
        "written_about_what_is_gone": {key: kept[key] for key in orphaned(documentation, kept)},
    }


def _group(group: GroupDocument, kept: Mapping[str, str]) -> dict[str, Any]:
    return {
        "group": group.name,
        "number": group.number,
        "purpose": group.purpose,
        "overview": kept.get(overview_key(group.name), ""),
        "tables": [str(document.name) for document in group.tables],
    }


def _migration(documentation: Documentation) -> dict[str, Any]:
    plan, graph = documentation.plan, documentation.graph
    return {
        "constraints": plan.constraints.value,
        "order": [each.table for each in plan.tables],
        "longest_chain": [str(name) for name in graph.critical_chain],
        "cycles": [
            {
                "tables": [str(name) for name in cycle.tables],
                "keys": [[key.name for key in hop] for hop in cycle.keys],
            }
            for cycle in graph.cycles
        ],
        "leaving_keys": [str(key) for key in graph.leaving],
        "breaks": [
            {"key": each.key, "table": each.table, "how": each.how.value, "reason": each.reason}
            for each in plan.breaks
        ],
    }
