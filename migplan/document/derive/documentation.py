"""Deriving the documentation: catalog, graph, plan and advice become what each table's section says."""

from collections.abc import Mapping
from dataclasses import replace

from migplan.advise import Advice
from migplan.catalog.model import Catalog, Server, Table, unobserved
from migplan.document.derive import indexes, migration, policies, queries, triggers
from migplan.document.derive.facts import Facts
from migplan.document.derive.integrations import integration
from migplan.document.derive.performance import Period, performance, period
from migplan.document.model import (
    DescribedIndex,
    Documentation,
    Frequency,
    GroupDocument,
    Growth,
    Samples,
    Statement,
    TableDocument,
)
from migplan.graph import ForeignKeyGraph, build
from migplan.names import QualifiedName
from migplan.plan.model import Plan, PlannedGroup, PlannedTable

_NOTHING: Mapping[QualifiedName, tuple[Statement, ...]] = {}


def documented(
    catalog: Catalog,
    graph: ForeignKeyGraph,
    plan: Plan,
    advice: Advice,
    samples: Mapping[QualifiedName, Samples] | None = None,
    statements: Mapping[QualifiedName, tuple[Statement, ...]] = _NOTHING,
) -> Documentation:
    """Return the documentation of the plan's tables that the catalog has, in the plan's groups and order."""
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
            patterns=queries.drafted(table, facts),
            statements=self._statements.get(name, ()),
            performance=performance(table, facts, self._period),
            migration=migration.notes(table, planned, facts),
            integration=integration(table, facts),
            findings=facts.findings.get(name, ()),
        )


_NOWHERE = Server("", "", 0, "", "", "", "", superuser=False, read_at="")


def structural(documentation: Documentation) -> Documentation:
    """Return it without rows, sizes, samples, statements, counters, and what follows from them.

    Strategies stay, for they are in the plan; their reasons go, because some of them count rows.
    """
    catalog = _catalog(documentation.catalog)
    tables = catalog.by_name
    groups = tuple(
        GroupDocument(
            group.name,
            group.purpose,
            group.number,
            tuple(_section(each, tables[each.name]) for each in group.tables),
        )
        for group in documentation.groups
    )
    return Documentation(
        catalog, build(catalog), _plan(documentation.plan), _advice(documentation.advice), groups
    )


def _catalog(catalog: Catalog) -> Catalog:
    return replace(
        catalog,
        server=_NOWHERE,
        schemas=tuple(replace(schema, usable=True) for schema in catalog.schemas),
        tables=tuple(_table(table) for table in catalog.tables),
        sequences=tuple(replace(sequence, last_value=None) for sequence in catalog.sequences),
        views=tuple(
            replace(view, indexes=tuple(map(unobserved, view.indexes))) if view.indexes else view
            for view in catalog.views
        ),
        unread=(),
        vitals=None,
    )


def _table(table: Table) -> Table:
    return replace(
        unobserved(table),
        foreign_keys=tuple(map(unobserved, table.foreign_keys)),
        indexes=tuple(map(unobserved, table.indexes)),
    )


def _section(section: TableDocument, table: Table) -> TableDocument:
    indexes = {index.name: index for index in table.indexes}
    return replace(
        section,
        table=table,
        reason="",
        incoming=tuple(map(unobserved, section.incoming)),
        partitions=tuple(map(_table, section.partitions)),
        rows=None,
        rows_exact=False,
        indexes=tuple(
            DescribedIndex(indexes[each.index.name], each.definition, each.serves) for each in section.indexes
        ),
        samples=None,
        statements=(),
        performance=replace(
            section.performance,
            reads=Frequency.UNKNOWN,
            writes=Frequency.UNKNOWN,
            growth=Growth.UNKNOWN,
            notes=(),
        ),
        migration=replace(section.migration, volume=()),
        findings=tuple(finding for finding in section.findings if not finding.observed),
    )


def _plan(plan: Plan) -> Plan:
    groups = tuple(
        group.model_copy(
            update={
                "rows": 0,
                "tables": tuple(
                    table.model_copy(update={"rows": None, "estimated": False, "reason": ""})
                    for table in group.tables
                ),
            }
        )
        for group in plan.groups
    )
    breaks = tuple(each.model_copy(update={"reason": ""}) for each in plan.breaks)
    return plan.model_copy(update={"rows": 0, "groups": groups, "breaks": breaks})


def _advice(advice: Advice) -> Advice:
    """Return what follows from the structure; what rules could not look at depends on the role."""
    return Advice(
        findings=advice.structural,
        ignored=tuple(each for each in advice.ignored if not each.finding.observed),
        off=advice.off,
    )
