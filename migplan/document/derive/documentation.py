"""Deriving the documentation: catalog, graph, plan and advice become what each table's section says."""

from __future__ import annotations

from collections.abc import Mapping

from migplan.advise import Advice
from migplan.catalog.model import Catalog, Table
from migplan.document.derive import indexes, migration, patterns, policies, triggers
from migplan.document.derive.facts import Facts
from migplan.document.derive.integrations import integration
from migplan.document.derive.performance import Period, performance, period
from migplan.document.derive.structural import structural
from migplan.document.model import Documentation, GroupDocument, Samples, Statement, TableDocument
from migplan.graph import ForeignKeyGraph
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedGroup, PlannedTable

__all__ = ["documented", "structural"]

_NOTHING: Mapping[QualifiedName, tuple[Statement, ...]] = {}


def documented(
    catalog: Catalog,
    graph: ForeignKeyGraph,
    plan: Plan,
    advice: Advice,
    samples: Mapping[QualifiedName, Samples] | None = None,
    statements: Mapping[QualifiedName, tuple[Statement, ...]] = _NOTHING,
) -> Documentation:
    """Every table of the plan that the catalog has, in the plan's groups and order."""
    making = _Making(Facts(catalog, graph, advice), samples, statements)
    groups = tuple(making.group(group) for group in plan.groups)
    return Documentation(catalog, graph, plan, advice, groups)


class _Making:
    """What sections are made from; partitions stand in the section of the table that they are parts of."""

    def __init__(
        self,
        facts: Facts,
        samples: Mapping[QualifiedName, Samples] | None,
        statements: Mapping[QualifiedName, tuple[Statement, ...]],
    ) -> None:
        self._facts = facts
        self._samples = samples
        self._statements = statements
        self._period: Period | None = period(facts)
        self._tables = {str(name): table for name, table in facts.graph.tables.items()}

    def group(self, group: PlannedGroup) -> GroupDocument:
        """A group with the sections of its tables."""
        tables = self._tables
        there = [(planned, tables[planned.table]) for planned in group.tables if planned.table in tables]
        sections = tuple(self._section(group.name, planned, table) for planned, table in there)
        return GroupDocument(group.name, group.purpose, group.number, sections)

    def _section(self, group: str, planned: PlannedTable, table: Table) -> TableDocument:
        facts, name = self._facts, table.name
        rows = facts.graph.rows[name]
        return TableDocument(
            table=table,
            group=group,
            depth=planned.depth,
            strategy=planned.strategy,
            reason=planned.reason,
            incoming=facts.incoming.get(name, ()),
            partitions=facts.graph.families[name][1:],
            rows=rows.count,
            rows_exact=rows.exact,
            indexes=indexes.described(table, facts),
            policies=policies.described(table),
            triggers=triggers.described(table, facts),
            samples=self._samples.get(name) if self._samples is not None else None,
            patterns=patterns.drafted(table, facts),
            statements=self._statements.get(name, ()),
            performance=performance(table, facts, self._period),
            migration=migration.notes(table, planned, facts),
            integration=integration(table, facts),
            findings=facts.findings.get(name, ()),
        )
