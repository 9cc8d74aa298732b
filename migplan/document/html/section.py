"""A table's section of the page, its parts in the order in which they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migplan.catalog.model import TableKind
from migplan.document.html import practice, structure
from migplan.document.html.blocks import codes, facts, mark, muted, paragraph, part, written
from migplan.document.html.links import Links, group_id, table_id
from migplan.document.html.pictures import Pictures
from migplan.document.html.svg import drawn
from migplan.document.html.writing import NOTHING, Markup, element, joined
from migplan.document.markdown.book import integration_key, notes_key, purpose_key, title
from migplan.document.model import Documentation, TableDocument
from migplan.graph.graph import Rows
from migplan.report.words import amount, rows


@dataclass(frozen=True)
class Sections:
    """What sections share."""

    documentation: Documentation
    links: Links
    pictures: Pictures
    enums: Mapping[str, tuple[str, ...]]
    kept: Mapping[str, str]

    def table(self, document: TableDocument) -> Markup:
        """A table's section."""
        links = self.links
        around = self.pictures.around(document)
        name = element("h3", element("a", title(document.name), href=f"#{table_id(document.name)}"))
        return element(
            "article",
            element("header", name, _marks(document, links)),
            _purpose(document),
            self.said(purpose_key(document.name)),
            facts(self._facts(document)),
            drawn(around) if around else NOTHING,
            structure.columns(document, self.enums),
            structure.keys(document, links),
            structure.indexes(document),
            structure.security(document),
            structure.triggers(document),
            structure.partitions(document),
            practice.samples(document),
            practice.patterns(document),
            practice.performance(document),
            practice.findings(document.findings),
            practice.migration(document, links),
            practice.integration(document),
            self.said(integration_key(document.name)) if document.integration else NOTHING,
            part("Notes", self.said(notes_key(document.name))),
            id=table_id(document.name),
            class_=links.hue(document.name),
            data_name=str(document.name).lower(),
        )

    def said(self, key: str) -> Markup:
        """What people wrote into a region."""
        text = self.kept.get(key, "").strip("\n")
        return written(text) if text.strip() else NOTHING

    def _facts(self, document: TableDocument) -> list[tuple[str, str]]:
        key = document.table.primary_key
        table, indexes = self._bytes(document)
        return [
            ("Rows", rows(Rows(document.rows, document.rows_exact))),
            ("Table", _size(table)),
            ("Indexes", _size(indexes)),
            ("In all", _size(None if table is None or indexes is None else table + indexes)),
            ("Level", str(document.depth)),
            ("Primary key", codes(key.columns) if key else "none"),
        ]

    def _bytes(self, document: TableDocument) -> tuple[int | None, int | None]:
        """The size of table and indexes, partitions included; None where the server would not say."""
        family = (document.table, *document.partitions)
        tables = [each.table_bytes for each in family if each.table_bytes is not None]
        indexes = [each.index_bytes for each in family if each.index_bytes is not None]
        return sum(tables) if tables else None, sum(indexes) if indexes else None


def _marks(document: TableDocument, links: Links) -> Markup:
    table = document.table
    group = element("a", document.group, href=f"#{group_id(document.group)}", class_="mark group")
    marks = [group]
    marks += [mark(table.kind.value)] if table.kind is not TableKind.TABLE else []
    marks += [mark(table.persistence)] if table.persistence != "permanent" else []
    marks += [mark("row-level security")] if table.row_security else []
    marks += [mark(document.integration.platform)] if document.integration else []
    marks += [mark(f"of the type {table.of_type}")] if table.of_type else []
    inherits = joined(map(links.table, table.inherits), ", ") if table.inherits else NOTHING
    return element("p", joined(marks, " "), *([" inherits from ", inherits] if inherits else []))


def _purpose(document: TableDocument) -> Markup:
    if document.table.comment:
        return paragraph(document.table.comment)
    return muted("The database does not say what it is for: it has no comment.")


def _size(size: int | None) -> str:
    return "?" if size is None else amount(size)
