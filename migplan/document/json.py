"""The documentation as JSON, for programs: everything that the pages show, under names that stay.

The document is one object; its tables stand a line each, and are made a line at a time.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from migplan.catalog.fingerprint import fingerprint
from migplan.catalog.model import ForeignKey
from migplan.document.model import Documentation, GroupDocument, Integration, TableDocument
from migplan.document.regions import integration_key, notes_key, orphaned, overview_key, purpose_key
from migplan.graph import ForeignKeyGraph
from migplan.report import advice
from migplan.report.analysis import cycles
from migplan.report.fields import picked, plain
from migplan.text.printable import printable

FORMAT = 1

# Fields that are called in JSON as they are in the model.
_CHECK = "name definition validated enforced comment"
_KEY = "name columns deferrable comment"
_FOREIGN_KEY = (
    "name table columns referenced referenced_columns on_delete on_delete_columns on_update match deferrable "
    "initially_deferred validated enforced comment"
)
_POLICY = "name command roles permissive using check"
_TRIGGER = "name timing events level function enabled definition"
_PATTERN = "title sql performance"


def as_json(documentation: Documentation, kept: Mapping[str, str] | None = None) -> Iterator[str]:
    """Return the document in pieces, to be written one after the other: a table is one.

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
        yield between + _text(_table(document, documentation.graph, said))
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
        "enums": {str(each.name): each.definition for each in catalog.types if each.kind == "enum"},
        "hubs": [picked(hub, "table direct transitive") for hub in graph.hubs],
        "not_read": [picked(gap, "what why") for gap in catalog.unread],
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
        "constraints": plan.constraints,
        "order": [each.table for each in plan.tables],
        "longest_chain": plain(graph.critical_chain),
        "cycles": cycles(graph),
        "leaving_keys": [str(key) for key in graph.leaving],
        "provided_keys": [str(key) for key in graph.provided],
        "breaks": [picked(each, "key table how reason") for each in plan.breaks],
    }


def _table(document: TableDocument, graph: ForeignKeyGraph, kept: Mapping[str, str]) -> dict[str, Any]:
    """Return all of a table's section; what people wrote stands beside what the database says."""
    found, name = document.table, document.name
    table_bytes, index_bytes = document.bytes
    return {
        "table": str(name),
        "schema": name.schema,
        "name": name.name,
        "kind": found.kind,
        "group": document.group,
        "level": document.depth,
        "comment": found.comment,
        "purpose": kept.get(purpose_key(name), ""),
        "notes": kept.get(notes_key(name), ""),
        "rows": document.rows,
        "rows_exact": document.rows_exact,
        "table_bytes": table_bytes,
        "index_bytes": index_bytes,
        "persistence": found.persistence,
        "needs": plain(graph.needs[name]),
        "needed_by": plain(graph.dependents[name]),
        **_structure(document),
        **_practice(document, kept.get(integration_key(name), "")),
    }


def _structure(document: TableDocument) -> dict[str, Any]:
    """Return what a table is made of."""
    found = document.table
    return {
        "columns": [
            {
                "name": column.name,
                "type": column.type,
                "nullable": not column.not_null,
                **picked(column, "default identity generated collation"),
                "description": column.comment,
            }
            for column in found.columns
        ],
        "primary_key": picked(found.primary_key, _KEY) if found.primary_key else None,
        "unique_keys": [picked(key, _KEY) for key in found.unique_keys],
        "foreign_keys": [_foreign_key(key) for key in found.foreign_keys],
        "referred_to_by": [_foreign_key(key) for key in document.incoming],
        "checks": [picked(check, _CHECK) for check in (*found.checks, *found.exclusions)],
        "indexes": [
            {
                "name": each.index.name,
                "definition": each.definition,
                **picked(each.index, "columns method unique valid predicate constraint"),
                "serves": each.serves,
                **picked(each.index, "comment bytes scans"),
            }
            for each in document.indexes
        ],
        **picked(found, "row_security force_row_security"),
        "policies": [
            {
                **picked(each.policy, _POLICY),
                "definition": each.definition,
                "purpose": each.purpose,
                "comment": each.policy.comment,
            }
            for each in document.policies
        ],
        "triggers": [
            {**picked(each.trigger, _TRIGGER), "purpose": each.purpose, "comment": each.trigger.comment}
            for each in document.triggers
        ],
        "rules": [picked(rule, "name definition") for rule in found.rules],
        "partition_key": found.partition_key,
        "partitions": [
            {
                "table": str(part.name),
                "bound": part.partition_bound,
                "rows": part.rows,
                "rows_exact": part.rows_exact,
                "bytes": part.total_bytes,
            }
            for part in document.partitions
        ],
        "of_type": str(found.of_type) if found.of_type else None,
        "inherits": [str(parent) for parent in found.inherits],
    }


def _foreign_key(key: ForeignKey) -> dict[str, Any]:
    return picked(key, _FOREIGN_KEY)


def _practice(document: TableDocument, written: str) -> dict[str, Any]:
    """Return how a table is used and moved."""
    samples, notes = document.samples, document.migration
    return {
        "samples": {
            "columns": samples.columns,
            "rows": samples.rows,
            "replaced": [{"column": column, "why": why} for column, why in samples.replaced],
            "not_read": samples.unread,
        }
        if samples
        else None,
        "patterns": [picked(each, _PATTERN) for each in document.patterns],
        "statements": [
            {"sql": each.text, **picked(each, "calls mean_milliseconds rows")} for each in document.statements
        ],
        "performance": picked(document.performance, "reads writes growth notes indexing"),
        "migration": {
            "strategy": document.strategy,
            "reason": document.reason,
            **picked(notes, "before do dont handling volume"),
        },
        "integration": _integration(document.integration, written) if document.integration else None,
        "findings": [advice.finding_as_json(each) for each in document.findings],
    }


def _integration(found: Integration, written: str) -> dict[str, Any]:
    return {
        "platform": found.platform,
        "external_ids": found.external_ids,
        "sync_fields": [{"column": column, "says": says} for column, says in found.sync_fields],
        "credentials": found.credentials,
        "queries": [picked(each, _PATTERN) for each in found.queries],
        "written": written,
    }
