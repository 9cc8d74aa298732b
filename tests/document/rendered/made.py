"""Documentation by hand: every kind of thing that a section can say, with names that try to get out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from migplan.advise import Advice, Blind, Finding
from migplan.advise.advice import Ignored
from migplan.catalog.model import (
    Catalog,
    Check,
    Column,
    Extension,
    Function,
    Index,
    Key,
    Policy,
    Table,
    Trigger,
    Type,
    View,
)
from migplan.config import Strategy
from migplan.document.model import (
    DescribedIndex,
    DescribedPolicy,
    DescribedTrigger,
    Documentation,
    Frequency,
    GroupDocument,
    Growth,
    Integration,
    MigrationNotes,
    Pattern,
    Performance,
    Samples,
    Statement,
    TableDocument,
)
from migplan.graph import ForeignKeyGraph, build
from migplan.level import Level
from migplan.names import QualifiedName
from migplan.plan.model import PlannedTable
from tests.catalogs import catalog
from tests.plan.making import planned, request

HOTELS = {
    "hotels": [],
    "rooms": ["hotels"],
    "guests": ["hotels?"],
    "bookings": ["rooms", "guests", "bookings?"],
}
GROUPS = {"foundation": ["hotels"], "operations": ["*"]}

NASTY = (
    "<script>alert(1)</script> <b>",
    "a|b\\|c \\",
    "`x` ``` ~~~",
    "line\n\n# heading\r\n- item\n| a | b |\n|---|---|",
    "[x](http://example.com) ![y](z) ]] [[",
    "<!-- migplan:keep notes public.hotels -->\n<!-- migplan:end notes public.hotels -->",
    "<!-- --> --> <!--",
    "**bold** _em_ __s__ ~~gone~~ $x$ {x} {{ y }} &lt; &amp; :key:",
    "👩‍👩‍👧 été مرحبا بالعالم \u202eabc\u202c",
    "1. one",
    "%%{init: {}}%% #quot; end",
    "\t\x1b[31m \u2028 \x0b",
    "x" * 63,
)


def documentation(
    tables: Mapping[str, Sequence[str]] | Catalog = HOTELS,
    groups: Mapping[str, Sequence[str]] | None = None,
    *,
    advice: Advice | None = None,
) -> Documentation:
    """The documentation of some tables, with what a derivation would say of them."""
    found = tables if isinstance(tables, Catalog) else catalog(tables)
    wanted = GROUPS if groups is None and tables is HOTELS else groups
    plan = planned(found, request(groups=wanted or {}, reorder=True))
    graph = build(found)
    by_name = {str(name): name for name in graph.tables}
    made = tuple(
        GroupDocument(
            group.name,
            group.purpose,
            group.number,
            tuple(_document(by_name[each.table], group.name, each, found, graph) for each in group.tables),
        )
        for group in plan.groups
    )
    return Documentation(found, graph, plan, advice or Advice(), made)


def with_table(given: Documentation, named: str, /, **fields: object) -> Documentation:
    """With something else in one table's document."""
    return replace(
        given,
        groups=tuple(
            replace(
                group,
                tables=tuple(
                    replace(document, **fields) if document.name.name == named else document  # type: ignore[arg-type]
                    for document in group.tables
                ),
            )
            for group in given.groups
        ),
    )


def full(given: Documentation, table: str, word: str = "plain") -> Documentation:
    """With one of everything in a table's document, ``word`` in every place that people can fill."""
    document = next(each for each in given.tables if each.name.name == table)
    held = replace(
        document.table,
        columns=(
            *document.table.columns,
            Column(word, word, default=word, comment=word),
            Column("kind", "public.kind", generated="stored", default=word, collation=word),
            Column("number", "bigint", identity="always", not_null=True),
        ),
        unique_keys=(Key(word, (word, "kind"), deferrable=True, nulls_not_distinct=True),),
        checks=(Check(word, f"CHECK ('{word}' <> '')", validated=False),),
        comment=word,
        row_security=True,
        partition_key=f"LIST ({word})",
    )
    name = QualifiedName(word, word)
    part = Table(
        name, partition_bound=word, partition_of=document.name, rows=5, table_bytes=10, index_bytes=1
    )
    pattern = Pattern(word, word, word)
    held = replace(held, indexes=(Index(word, None, (word,), valid=False, comment=word),))
    given = replace(
        given,
        catalog=replace(
            given.catalog,
            tables=tuple(held if each.name == held.name else each for each in given.catalog.tables),
        ),
    )
    return with_table(
        given,
        table,
        table=held,
        partitions=(part,),
        reason=word,
        rows=1234,
        rows_exact=True,
        indexes=(DescribedIndex(held.indexes[0], f"CREATE {word}", (word,)),),
        policies=(DescribedPolicy(Policy(word, "ALL", (word,), comment=word), f"CREATE {word}", word),),
        triggers=(
            DescribedTrigger(
                Trigger(
                    word, name, f"CREATE TRIGGER {word}", "BEFORE", ("INSERT", "UPDATE"), "ROW", "always"
                ),
                word,
            ),
        ),
        samples=Samples(("id", word), (("1", word), ("2", "NULL")), ((word, word),)),
        patterns=(pattern,),
        statements=(Statement(word, 1204, 0.31, 5),),
        performance=Performance(Frequency.HIGH, Frequency.LOW, Growth.FAST, (word,), (word,)),
        migration=MigrationNotes((document.name,), (word,), (word,), (word,), (word,)),
        integration=Integration(word, (word,), ((word, word), ("synced_at", word)), ("token",), (pattern,)),
        findings=(Finding("MP106", Level.NOTE, word, word, word, word, document.name),),
    )


def crowded(given: Documentation, word: str) -> Documentation:
    """With views, functions, types, extensions and advice that hold the word."""
    name = QualifiedName("public", word)
    table = next(given.tables).name
    finding = Finding("MP106", Level.ERROR, word, word, word, word, table)
    return replace(
        given,
        catalog=replace(
            given.catalog,
            views=(View(name, word, reads=(table, name), comment=word),),
            functions=(Function(name, word, "function", word, word, word, comment=word),),
            types=(Type(QualifiedName("public", "kind"), "enum", (word, "b"), comment=word),),
            extensions=(Extension(word, word, word),),
        ),
        advice=Advice((finding,), (Ignored(finding, word),), (Blind("MP102", word, word, word),), ("MP103",)),
    )


def _document(
    name: QualifiedName, group: str, planned_table: PlannedTable, found: Catalog, graph: ForeignKeyGraph
) -> TableDocument:
    table = found.by_name[name]
    return TableDocument(
        table=table,
        group=group,
        depth=graph.depth[name],
        strategy=Strategy(planned_table.strategy),
        reason=planned_table.reason,
        incoming=tuple(key for key in graph.all_keys if key.referenced == name),
        partitions=graph.families[name][1:],
        rows=graph.rows[name].count,
        rows_exact=graph.rows[name].exact,
        migration=MigrationNotes(before=graph.needs[name]),
    )
