"""A table's section: its parts, in the order in which they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migplan.catalog.model import TableKind
from migplan.document.markdown import marks, practice, structure, wording
from migplan.document.markdown.book import Book, anchor, purpose_key, title
from migplan.document.markdown.pictures import neighbourhood
from migplan.document.model import TableDocument
from migplan.text import markdown
from migplan.text.markdown import code, text


def section(document: TableDocument, book: Book) -> Iterator[str]:
    """The lines of a table's section, from its anchor on."""
    for part in PARTS:
        yield from part(document, book)


def opening(document: TableDocument, book: Book) -> Iterator[str]:
    """Its name, what it is for, and its measures."""
    yield from markdown.block(f'<a id="{anchor(document.name)}"></a>')
    yield from markdown.heading(2, text(title(document.name)))
    yield from _purpose(document, book)
    table, indexes = wording.bytes_of(document)
    total = None if table is None or indexes is None else table + indexes
    outgoing = len(document.table.foreign_keys)
    platform = document.integration
    yield from markdown.bullets(
        (
            *_kind(document),
            f"**Row Count:** {'unknown' if document.rows is None else wording.rows(document)}",
            f"**Table Size:** {wording.size(table)}",
            f"**Indexes Size:** {wording.size(indexes)}",
            f"**Total Size:** {wording.size(total)}",
            f"**Dependency Level:** {document.depth}",
            f"**Foreign Keys:** IN: {len(document.incoming)}, OUT: {outgoing}",
            *([f"**Integration Platform:** {text(platform.platform)}"] if platform else []),
        )
    )


def neighbours(document: TableDocument, book: Book) -> Iterator[str]:
    """The table among those that it needs, and those that need it."""
    picture = neighbourhood(document, book)
    if picture.lines:
        yield from markdown.heading(3, "Neighbourhood")
        yield from markdown.fence("\n".join(picture.lines), "mermaid")
        if picture.missing:
            yield from markdown.block(picture.missing)


PARTS: tuple[Callable[[TableDocument, Book], Iterator[str]], ...] = (
    opening,
    neighbours,
    structure.schema,
    structure.primary_key,
    structure.foreign_keys,
    structure.rules_of_rows,
    structure.indexes,
    structure.policies,
    structure.triggers,
    structure.partitions,
    practice.samples,
    practice.integration,
    practice.patterns,
    practice.performance,
    practice.findings,
    practice.migration,
    practice.notes,
)


def _purpose(document: TableDocument, book: Book) -> Iterator[str]:
    comment = list(markdown.prose(document.table.comment or ""))
    key = purpose_key(document.name)
    body = book.kept.get(key, "")
    if comment:
        yield f"**Purpose:** {comment[0]}"
        yield from comment[1:]
        if not body.strip():
            return
    elif body.strip():
        yield from markdown.block("**Purpose:**")
    else:
        yield from markdown.block(
            "**Purpose:** not written down yet. Give the table a comment, or write between the two comments "
            "below this line: it is kept."
        )
    yield from marks.region(key, body)


def _kind(document: TableDocument) -> Iterator[str]:
    table = document.table
    if table.kind is not TableKind.TABLE:
        yield f"**Kind:** {table.kind.value}"
    if table.persistence != "permanent":
        yield f"**Persistence:** {text(table.persistence)}: empty after a crash"
    if table.inherits:
        yield f"**Inherits:** {', '.join(code(parent) for parent in table.inherits)}"
    if table.of_type:
        yield f"**Of the type:** {code(table.of_type)}"
