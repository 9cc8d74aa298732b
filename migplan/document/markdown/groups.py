"""A group's page: what is in it, the sections of its tables in the order of loading, and what it comes to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain

from migplan.document.markdown import marks, wording
from migplan.document.markdown.book import ADVISORS, INDEX, ORDER, Book, Chapter, overview_key, page_of_group
from migplan.document.markdown.pictures import of_group
from migplan.document.model import GroupDocument, TableDocument
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted


def overview(group: GroupDocument, book: Book) -> Iterator[str]:
    """The head of the page: totals, navigation, the group as a diagram."""
    tables = group.tables
    yield from markdown.heading(1, f"{text(group.name)}: tables")
    if group.purpose:
        yield from markdown.block(f"**Purpose:** {text(group.purpose)}")
    yield from markdown.bullets(
        (
            f"**Tables Documented:** {len(tables):,}",
            f"**Total Rows:** {wording.rows_in_all(tables)}",
            f"**Total Size:** {wording.size_in_all(tables)}",
            f"**Dependency Levels:** {wording.levels(tables)}",
        )
    )
    yield from markdown.heading(2, "Overview")
    key = overview_key(group.name)
    yield from marks.region(key, book.kept.get(key, ""))
    platforms = _platforms(tables)
    if platforms:
        yield from markdown.block("Tables of integrations:")
        yield from markdown.bullets(
            f"**{text(name)}:** {book.to_tables((each.name for each in found), page_of_group(group.name))}"
            for name, found in sorted(platforms.items())
        )
    yield from markdown.heading(2, "Navigation")
    yield from markdown.bullets(_entry(document, book) for document in tables)
    picture = of_group(group, book)
    if picture.lines:
        yield from markdown.heading(2, "Diagram")
        yield from markdown.fence("\n".join(picture.lines), "mermaid")
    if picture.missing:
        yield from markdown.block(picture.missing)


def continuation(chapter: Chapter, book: Book) -> Iterator[str]:
    """The head of a large group's second page, and of those after it."""
    name = chapter.group.name
    yield from markdown.heading(1, f"{text(name)}: tables, page {chapter.number}")
    page = page_of_group(name)
    yield from markdown.block(f"All tables of the group: {book.to_page(page, page)}.")


def summary(group: GroupDocument, book: Book) -> Iterator[str]:
    """The end of the page: what it comes to, when it is loaded, and where to go on."""
    tables = group.tables
    here = next(each.file for each in book.chapters if each.group is group and each.last)
    yield from markdown.heading(2, "Summary")
    yield from markdown.bullets(
        (
            f"**Total Tables:** {len(tables):,}",
            f"**Total Rows:** {wording.rows_in_all(tables)}",
            f"**Total Size:** {wording.size_in_all(tables)}",
            f"**Dependency Levels:** {wording.levels(tables)}",
            f"**Migration Order:** {_order(group, book)}",
            f"**Strategies:** {_strategies(tables)}",
            f"**RLS:** {_row_security(tables)}",
            f"**Advisor Findings:** {_findings(tables)}",
        )
    )
    platforms = _platforms(tables)
    if platforms:
        yield from markdown.block("**Integration Status:**")
        yield from markdown.bullets(
            f"**{text(name)}:** {counted(len(found), 'table')}, {wording.rows_in_all(found)} rows"
            for name, found in sorted(platforms.items())
        )
    files = next((g.files for g in book.documentation.plan.groups if g.name == group.name), ())
    if files:
        yield from markdown.block(f"**Files of the Bundle:** {', '.join(map(code, files))}")
    unprotected = [each.name for each in tables if not each.table.row_security]
    if unprotected and len(unprotected) < len(tables):
        yield from markdown.block(f"**Without RLS:** {book.to_tables(unprotected, here)}")
    yield from markdown.heading(2, "Related Documentation")
    yield from markdown.bullets(_related(group, book))


def _entry(document: TableDocument, book: Book) -> str:
    purpose = book.purpose(document)
    said = f" - {text(purpose)}" if purpose else ""
    link = book.to_table(document.name, page_of_group(document.group))
    rows = "rows unknown" if document.rows is None else f"{wording.rows(document)} rows"
    return f"{link}{said} (Level {document.depth}, {rows})"


def _order(group: GroupDocument, book: Book) -> str:
    groups = [each.name for each in book.documentation.groups]
    place = groups.index(group.name) + 1
    needed = {
        other
        for document in group.tables
        for need in document.migration.before
        if (other := book.group_of.get(need)) and other != group.name
    }
    behind = ", ".join(_to_group(name, book) for name in groups if name in needed)
    after = f", after {behind}" if needed else ""
    return f"group {place:,} of {len(groups):,}{after}"


def _to_group(name: str, book: Book) -> str:
    return book.to_page(name, page_of_group(name))


def _strategies(tables: Sequence[TableDocument]) -> str:
    found = Counter(document.strategy.value for document in tables)
    return ", ".join(f"{number:,} by {code(way)}" for way, number in sorted(found.items())) or "none"


def _row_security(tables: Sequence[TableDocument]) -> str:
    on = sum(document.table.row_security for document in tables)
    return f"on for {on:,} of {counted(len(tables), 'table')}"


def _findings(tables: Sequence[TableDocument]) -> str:
    levels = Counter(found.level for found in chain.from_iterable(each.findings for each in tables))
    return (
        ", ".join(counted(levels[level], level.value) for level in sorted(levels, key=lambda each: each.rank))
        or "none"
    )


def _platforms(tables: Sequence[TableDocument]) -> dict[str, list[TableDocument]]:
    found: dict[str, list[TableDocument]] = defaultdict(list)
    for document in tables:
        if document.integration:
            found[document.integration.platform].append(document)
    return found


def _related(group: GroupDocument, book: Book) -> Iterator[str]:
    groups = [each.name for each in book.documentation.groups]
    place = groups.index(group.name)
    yield f"{book.to_page(INDEX, INDEX)}: all tables"
    yield f"{book.to_page(ORDER, ORDER)}: what is loaded when, and why"
    yield f"{book.to_page(ADVISORS, ADVISORS)}: what the advisors found"
    for other, which in ((place - 1, "the group before"), (place + 1, "the group after")):
        if 0 <= other < len(groups):
            page = page_of_group(groups[other])
            yield f"{book.to_page(page, page)}: {which}"
