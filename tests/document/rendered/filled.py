"""A documentation in which every part of every section holds something, whatever the catalog."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from migplan.advise import Advice, Blind, Finding
from migplan.advise.advice import Ignored
from migplan.catalog.model import Catalog, ForeignKey
from migplan.document.model import (
    DescribedIndex,
    DescribedPolicy,
    DescribedTrigger,
    Documentation,
    Frequency,
    Growth,
    Integration,
    MigrationNotes,
    Pattern,
    Performance,
    Samples,
    Statement,
    TableDocument,
)
from migplan.level import Level
from migplan.names import QualifiedName, quoted
from tests.document.rendered import made


def documentation(found: Catalog, groups: Mapping[str, Sequence[str]] | None = None) -> Documentation:
    """Everything about the catalog's tables, said in the same words for each."""
    incoming: dict[QualifiedName, list[ForeignKey]] = {}
    for key in found.foreign_keys:
        incoming.setdefault(key.referenced, []).append(key)
    findings = tuple(_findings(found))
    advice = Advice(
        findings=findings,
        ignored=tuple(Ignored(finding, "we live with <it>") for finding in findings[:1]),
        blind=(Blind("MP999", "a rule that is blind", "", "nobody gave it eyes"),),
        off=("MP998",),
    )
    bare = made.documentation(found, groups, advice=advice)
    return replace(
        bare,
        groups=tuple(
            replace(group, tables=tuple(_filled(each, bare, incoming) for each in group.tables))
            for group in bare.groups
        ),
    )


def _findings(catalog: Catalog) -> Iterator[Finding]:
    """One for each table."""
    levels = list(Level)
    for number, table in enumerate(catalog.tables):
        level = levels[number % 3]
        title, fix = f"a finding of the level {level}", f"DROP TABLE {table.name};"
        yield Finding(f"MP90{level.rank}", level, title, str(table.name), "because a < b", fix, table.name)


def _filled(
    document: TableDocument, bare: Documentation, incoming: Mapping[QualifiedName, Sequence[ForeignKey]]
) -> TableDocument:
    table, name, graph = document.table, document.name, bare.graph
    columns = tuple(column.name for column in table.columns)
    first = columns[0] if columns else "ctid"
    query = Pattern(f"By {first}", f"SELECT *\nFROM {name}\nWHERE {quoted(first)} = $1;", "an index finds it")
    counted = f"SELECT count(*) FROM {name} WHERE {quoted(first)} > $1"
    return replace(
        document,
        incoming=tuple(incoming.get(name, ())),
        partitions=graph.families[name][1:],
        indexes=tuple(
            DescribedIndex(index, index.definition or f"CREATE INDEX {quoted(index.name)}", ("look-ups",))
            for index in table.indexes
        ),
        policies=tuple(
            DescribedPolicy(policy, f"CREATE POLICY {quoted(policy.name)}", "own rows")
            for policy in table.policies
        ),
        triggers=tuple(DescribedTrigger(trigger, "keeps the time") for trigger in table.triggers),
        samples=Samples(columns, (tuple("xxxxx" for _ in columns),) * 2, ((first, "an id"),)),
        patterns=(query,),
        statements=(Statement(counted, 1204, 0.52, 1204),),
        performance=Performance(
            Frequency.HIGH, Frequency.LOW, Growth.SLOW, ("no bloat",), ("every key is served",)
        ),
        migration=MigrationNotes(
            before=graph.needs[name],
            do=("keep the ids",),
            dont=("do not truncate it: it is a hub",),
            handling=("rows refer to rows",),
            volume=("few rows",),
        ),
        integration=Integration("Generic", (first,), ((first, "which row it is there"),), (first,), (query,)),
        findings=(
            Finding("MP901", Level.WARNING, "a finding", str(name), "because a < b", "SELECT 1;", name),
        ),
    )
