"""The first page: what database it is, what is in it, and the way to every table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from migplan.document.markdown import marks, wording
from migplan.document.markdown.book import ADVISORS, ORDER, Book, overview_key, page_of_group, title
from migplan.document.markdown.pictures import Picture, of_all, of_groups
from migplan.document.model import TableDocument
from migplan.postgres.versions import dotted
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted

SHOWN_LABELS = 12
SHOWN_GAPS = 50


def index(book: Book) -> Iterator[str]:
    """The page."""
    yield from _opening(book)
    yield from _groups(book)
    yield from _tables(book)
    yield from _diagram("Groups as a Diagram", of_groups(book))
    yield from _diagram("All Tables as a Diagram", of_all(book))
    yield from _others(book)
    yield from _not_read(book)


def _not_read(book: Book) -> Iterator[str]:
    """What the role that looked may not see: it is said, or the pages would look complete."""
    gaps = book.documentation.catalog.unread
    if not gaps:
        return
    yield from markdown.heading(2, "Not Read")
    yield from markdown.bullets(f"{code(gap.what)}: {text(gap.why)}" for gap in gaps[:SHOWN_GAPS])
    if len(gaps) > SHOWN_GAPS:
        yield from markdown.block(f"And {counted(len(gaps) - SHOWN_GAPS, 'more gap')}.")


def _opening(book: Book) -> Iterator[str]:
    catalog = book.documentation.catalog
    documents = list(book.documentation.tables)
    yield from markdown.heading(1, f"Database {text(catalog.server.database)}")
    yield from markdown.bullets(
        (
            f"**PostgreSQL:** {_version(book)}",
            f"**Tables:** {len(documents):,} in {counted(len(book.documentation.groups), 'group')}",
            f"**Total Rows:** {wording.rows_in_all(documents)}",
            f"**Total Size:** {wording.size_in_all(documents)}",
            f"**Foreign Keys:** {len(book.documentation.graph.all_keys):,}",
            f"**Dependency Levels:** {wording.levels(documents)}",
            f"**Advisor Findings:** {len(book.documentation.advice.findings):,}",
        )
    )
    yield from markdown.heading(2, "Overview")
    key = overview_key()
    yield from marks.region(key, book.kept.get(key, ""))
    yield from markdown.bullets(
        (
            f"{book.to_page(ORDER, ORDER)}: what is loaded when, and why",
            f"{book.to_page(ADVISORS, ADVISORS)}: what the advisors found, with the SQL to fix it",
        )
    )


def _version(book: Book) -> str:
    """With the minor version where it is looked at as it is today; an update changes no structure."""
    server = book.documentation.catalog.server
    return str(server.major) if book.single else dotted(server.version)


def _groups(book: Book) -> Iterator[str]:
    yield from markdown.heading(2, "Groups")
    yield from markdown.block("In the order of loading.")
    yield from markdown.table(
        ("#", "Group", "Purpose", "Tables", "Rows", "Size", "Levels"),
        (
            (
                str(place),
                book.to_page(group.name, page_of_group(group.name)),
                text(group.purpose),
                f"{len(group.tables):,}",
                wording.rows_in_all(group.tables),
                wording.size_in_all(group.tables),
                wording.levels(group.tables),
            )
            for place, group in enumerate(book.documentation.groups, 1)
        ),
        align="r--rrrr",
    )


def _tables(book: Book) -> Iterator[str]:
    levels: dict[int, list[TableDocument]] = defaultdict(list)
    for document in book.documentation.tables:
        levels[document.depth].append(document)
    yield from markdown.heading(2, "Tables by Level")
    for level, documents in sorted(levels.items()):
        yield from markdown.heading(3, f"Level {level}")
        yield from markdown.table(
            ("Table", "Purpose", "Group", "Rows", "Needed by"),
            (_row(document, book) for document in sorted(documents, key=lambda each: each.name)),
            align="---rr",
        )


def _row(document: TableDocument, book: Book) -> Sequence[str]:
    dependents = book.documentation.graph.dependents.get(document.name, ())
    return (
        book.to_table(document.name),
        text(book.purpose(document)),
        book.to_page(document.group, page_of_group(document.group)),
        wording.rows(document),
        f"{len(dependents):,}",
    )


def _diagram(heading: str, picture: Picture) -> Iterator[str]:
    if picture.lines or picture.missing:
        yield from markdown.heading(2, heading)
    if picture.lines:
        yield from markdown.fence("\n".join(picture.lines), "mermaid")
    if picture.missing:
        yield from markdown.block(picture.missing)


def _others(book: Book) -> Iterator[str]:
    """Views, functions, types, extensions in short: their pages are their definitions."""
    catalog = book.documentation.catalog
    views = [
        (
            code(title(view.name)),
            "materialised view" if view.materialized else "view",
            ", ".join(book.to_table(name) for name in view.reads) or "-",
            text(view.comment or ""),
        )
        for view in catalog.views
    ]
    functions = [
        (
            code(f"{title(function.name)}({function.arguments})"),
            text(function.kind),
            code(function.returns) if function.returns else "-",
            text(function.language) + (", SECURITY DEFINER" if function.security_definer else ""),
            text(function.comment or ""),
        )
        for function in catalog.functions
    ]
    types = [
        (code(title(type_.name)), text(type_.kind), _made_of(type_.definition), text(type_.comment or ""))
        for type_ in catalog.types
    ]
    extensions = [(code(each.name), code(each.version), code(each.schema)) for each in catalog.extensions]
    for heading, header, rows in (
        ("Views", ("View", "Kind", "Reads", "Comment"), views),
        ("Functions", ("Function", "Kind", "Returns", "Language", "Comment"), functions),
        ("Types", ("Type", "Kind", "Made of", "Comment"), types),
        ("Extensions", ("Extension", "Version", "Schema"), extensions),
    ):
        if rows:
            yield from markdown.heading(2, heading)
            yield from markdown.table(header, rows)
    alone = [sequence for sequence in catalog.sequences if sequence.owned_by is None]
    if alone:
        yield from markdown.heading(2, "Sequences of no Column")
        yield from markdown.bullets(code(title(sequence.name)) for sequence in alone)


def _made_of(definition: Sequence[str]) -> str:
    more = len(definition) - SHOWN_LABELS
    return ", ".join(map(code, definition[:SHOWN_LABELS])) + (f" and {more:,} more" if more > 0 else "")
