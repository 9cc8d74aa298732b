"""One table of the documentation as values that JSON has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from migplan.catalog.model import Column, ForeignKey, Key, Table
from migplan.document.model import (
    DescribedIndex,
    DescribedPolicy,
    DescribedTrigger,
    Integration,
    Pattern,
    Samples,
    TableDocument,
)
from migplan.document.regions import integration_key, notes_key, purpose_key
from migplan.graph import ForeignKeyGraph
from migplan.report.advice import finding_as_json


def table(document: TableDocument, graph: ForeignKeyGraph, kept: Mapping[str, str]) -> dict[str, Any]:
    """All of a table's section; what people wrote stands beside what the database says."""
    found, name = document.table, document.name
    return {
        "table": str(name),
        "schema": name.schema,
        "name": name.name,
        "kind": found.kind.value,
        "group": document.group,
        "level": document.depth,
        "comment": found.comment,
        "purpose": kept.get(purpose_key(name), ""),
        "notes": kept.get(notes_key(name), ""),
        "rows": document.rows,
        "rows_exact": document.rows_exact,
        "table_bytes": document.bytes[0],
        "index_bytes": document.bytes[1],
        "persistence": found.persistence,
        "needs": [str(need) for need in graph.needs[name]],
        "needed_by": [str(user) for user in graph.dependents[name]],
        "columns": [_column(column) for column in found.columns],
        "primary_key": _key(found.primary_key) if found.primary_key else None,
        "unique_keys": [_key(key) for key in found.unique_keys],
        "foreign_keys": [_foreign_key(key) for key in found.foreign_keys],
        "referred_to_by": [_foreign_key(key) for key in document.incoming],
        "checks": [
            {
                "name": check.name,
                "definition": check.definition,
                "validated": check.validated,
                "enforced": check.enforced,
                "comment": check.comment,
            }
            for check in (*found.checks, *found.exclusions)
        ],
        "indexes": [_index(each) for each in document.indexes],
        "row_security": found.row_security,
        "force_row_security": found.force_row_security,
        "policies": [_policy(each) for each in document.policies],
        "triggers": [_trigger(each) for each in document.triggers],
        "rules": [{"name": rule.name, "definition": rule.definition} for rule in found.rules],
        "partition_key": found.partition_key,
        "partitions": [_partition(each) for each in document.partitions],
        "of_type": str(found.of_type) if found.of_type else None,
        "inherits": [str(parent) for parent in found.inherits],
        "samples": _samples(document.samples) if document.samples else None,
        "patterns": [_pattern(each) for each in document.patterns],
        "statements": [
            {
                "sql": each.text,
                "calls": each.calls,
                "mean_milliseconds": each.mean_milliseconds,
                "rows": each.rows,
            }
            for each in document.statements
        ],
        "performance": _performance(document),
        "migration": _migration(document),
        "integration": _integration(document.integration, kept.get(integration_key(name), "")),
        "findings": [finding_as_json(each) for each in document.findings],
    }


def _column(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": column.type,
        "nullable": not column.not_null,
        "default": column.default,
        "identity": column.identity,
        "generated": column.generated,
        "collation": column.collation,
        "description": column.comment,
    }


def _key(key: Key) -> dict[str, Any]:
    return {
        "name": key.name,
        "columns": list(key.columns),
        "deferrable": key.deferrable,
        "comment": key.comment,
    }


def _foreign_key(key: ForeignKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "table": str(key.table),
        "columns": list(key.columns),
        "referenced": str(key.referenced),
        "referenced_columns": list(key.referenced_columns),
        "on_delete": key.on_delete,
        "on_delete_columns": list(key.on_delete_columns),
        "on_update": key.on_update,
        "match": key.match,
        "deferrable": key.deferrable,
        "initially_deferred": key.initially_deferred,
        "validated": key.validated,
        "enforced": key.enforced,
        "comment": key.comment,
    }


def _index(described: DescribedIndex) -> dict[str, Any]:
    index = described.index
    return {
        "name": index.name,
        "definition": described.definition,
        "columns": list(index.columns),
        "method": index.method,
        "unique": index.unique,
        "valid": index.valid,
        "predicate": index.predicate,
        "constraint": index.constraint,
        "serves": list(described.serves),
        "comment": index.comment,
        "bytes": index.bytes,
        "scans": index.scans,
    }


def _policy(described: DescribedPolicy) -> dict[str, Any]:
    policy = described.policy
    return {
        "name": policy.name,
        "command": policy.command,
        "roles": list(policy.roles),
        "permissive": policy.permissive,
        "using": policy.using,
        "check": policy.check,
        "definition": described.definition,
        "purpose": described.purpose,
        "comment": policy.comment,
    }


def _trigger(described: DescribedTrigger) -> dict[str, Any]:
    trigger = described.trigger
    return {
        "name": trigger.name,
        "timing": trigger.timing,
        "events": list(trigger.events),
        "level": trigger.level,
        "function": str(trigger.function),
        "enabled": trigger.enabled,
        "definition": trigger.definition,
        "purpose": described.purpose,
        "comment": trigger.comment,
    }


def _partition(part: Table) -> dict[str, Any]:
    return {
        "table": str(part.name),
        "bound": part.partition_bound,
        "rows": part.rows,
        "rows_exact": part.rows_exact,
        "bytes": part.total_bytes,
    }


def _samples(samples: Samples) -> dict[str, Any]:
    return {
        "columns": list(samples.columns),
        "rows": [list(row) for row in samples.rows],
        "replaced": [{"column": column, "why": why} for column, why in samples.replaced],
        "not_read": samples.unread,
    }


def _pattern(pattern: Pattern) -> dict[str, Any]:
    return {"title": pattern.title, "sql": pattern.sql, "performance": pattern.performance}


def _performance(document: TableDocument) -> dict[str, Any]:
    found = document.performance
    return {
        "reads": found.reads.value,
        "writes": found.writes.value,
        "growth": found.growth.value,
        "notes": list(found.notes),
        "indexing": list(found.indexing),
    }


def _migration(document: TableDocument) -> dict[str, Any]:
    notes = document.migration
    return {
        "strategy": document.strategy.value,
        "reason": document.reason,
        "before": [str(name) for name in notes.before],
        "do": list(notes.do),
        "dont": list(notes.dont),
        "handling": list(notes.handling),
        "volume": list(notes.volume),
    }


def _integration(found: Integration | None, said: str) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "platform": found.platform,
        "external_ids": list(found.external_ids),
        "sync_fields": [{"column": column, "says": says} for column, says in found.sync_fields],
        "credentials": list(found.credentials),
        "queries": [_pattern(each) for each in found.queries],
        "written": said,
    }
