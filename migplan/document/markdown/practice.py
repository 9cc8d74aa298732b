"""How a table is used and moved: samples, queries, performance, findings, migration notes."""

from __future__ import annotations

from collections.abc import Iterator

from migplan.advise import Finding
from migplan.document.derive.wording import capital
from migplan.document.markdown import marks
from migplan.document.markdown.book import Book, integration_key, notes_key
from migplan.document.model import Frequency, Growth, Pattern, Samples, TableDocument
from migplan.names import quoted
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted

WIDE = 8  # columns; the samples of a wider table are shown on their side
LONG = 80  # characters of a sample


def samples(document: TableDocument, _book: Book) -> Iterator[str]:
    """Rows with stand-ins for what must not be shown."""
    found = document.samples
    if found is None:
        return
    yield from markdown.heading(3, "Sample Data")
    if not found.rows:
        why = f"None: {text(found.unread)}." if found.unread else "None: there are no rows."
        yield from markdown.block(why)
        return
    yield from _rows(found)
    if found.replaced:
        held = ", ".join(f"{code(quoted(column))} ({text(why)})" for column, why in found.replaced)
        yield from markdown.block(f"Stand-ins instead of the real values: {held}.")
    else:
        yield from markdown.block("No column was found to hold what must not be shown.")


def integration(document: TableDocument, book: Book) -> Iterator[str]:
    """What ties the table to another system; what no catalog says is for people to write."""
    found = document.integration
    if found is None:
        return
    yield from markdown.heading(3, "Integration-Specific Details")
    key = integration_key(document.name)
    body = book.kept.get(key, "")
    if not body.strip():
        yield from markdown.block(
            "**API Endpoint(s), Sync Frequency, Sync Direction:** not written down yet. No catalog says "
            "them; what is written between the two comments below this line is kept."
        )
    yield from marks.region(key, body)
    yield from markdown.block(f"**Integration Platform:** {text(found.platform)}")
    mapped = ", ".join(code(quoted(column)) for column in found.external_ids) or "no column holds one"
    yield from markdown.block(f"**External ID Mapping:** {mapped}")
    fields = [(column, "Identifier in the other system.") for column in found.external_ids]
    fields += [pair for pair in found.sync_fields if pair[0] not in found.external_ids]
    named = {column for column, _ in fields}
    fields += [(column, "Credential.") for column in found.credentials if column not in named]
    if fields:
        yield from markdown.block("**Key Fields:**")
        yield from markdown.bullets(f"{code(quoted(column))}: {text(says)}" for column, says in fields)
    if found.credentials:
        held = ", ".join(code(quoted(column)) for column in found.credentials)
        yield from markdown.block(f"**Credentials:** {held}")
    yield from _patterns("Sync Query", found.queries)


def patterns(document: TableDocument, _book: Book) -> Iterator[str]:
    """Queries that the structure suggests, and those that the server has counted."""
    yield from markdown.heading(3, "Common Query Patterns")
    if document.patterns:
        yield from _patterns("Pattern", document.patterns)
    else:
        yield from markdown.block("No key, index or policy suggests one.")
    if document.statements:
        yield from markdown.heading(4, "Counted by the server (pg_stat_statements)")
    for statement in document.statements:
        yield from markdown.fence(statement.text)
        yield from markdown.block(
            f"**Performance:** {counted(statement.calls, 'call')}, "
            f"{statement.mean_milliseconds:,.1f} ms on average, {counted(statement.rows, 'row')}"
        )


def performance(document: TableDocument, book: Book) -> Iterator[str]:
    """What the statistics say, and which ways of asking are served."""
    found = document.performance
    here = book.page_of[document.name]
    yield from markdown.heading(3, "Performance Notes")
    yield from markdown.bullets(
        (
            f"**Read Frequency:** {_often(found.reads)}",
            f"**Write Frequency:** {_often(found.writes)}",
            f"**Growth Rate:** {_often(found.growth)}",
            f"**Indexing Strategy:** {' '.join(_sentence(each) for each in found.indexing) or 'no index'}",
            *(_sentence(note) for note in found.notes),
            f"**Advisors:** {_codes(document, book, here)}",
        )
    )


def findings(document: TableDocument, book: Book) -> Iterator[str]:
    """What the advisors found about the table, with the SQL to fix it."""
    if document.findings:
        yield from markdown.heading(3, "Advisor Findings")
    for finding in document.findings:
        yield from one_finding(finding, book, book.page_of[document.name])


def one_finding(finding: Finding, book: Book, here: str) -> Iterator[str]:
    """A finding in a table's section."""
    yield from markdown.block(
        f"**{book.to_rule(finding.code, here)}, {finding.level.value}: {text(finding.title)}.** "
        f"{text(finding.what)}: {_sentence(finding.why)}"
    )
    if finding.fix:
        yield from markdown.fence(finding.fix)


def migration(document: TableDocument, book: Book) -> Iterator[str]:
    """What a move has to mind."""
    notes = document.migration
    here = book.page_of[document.name]
    before = book.to_tables(notes.before, here) or "nothing has to be there"
    reason = f": {_sentence(document.reason)}" if document.reason else ""
    yield from markdown.heading(3, "Migration Notes")
    yield from markdown.bullets(
        (f"**Before it:** {before}", f"**Strategy:** {code(document.strategy.value)}{reason}")
    )
    for heading, sign, items in (("DO:", "✅", notes.do), ("DON'T:", "❌", notes.dont)):
        if items:
            yield from markdown.heading(4, heading)
            yield from markdown.bullets(f"{sign} {_sentence(item)}" for item in items)
    handling = (*notes.handling, *notes.volume)
    yield from markdown.block(f"**Special Handling:**{'' if handling else ' none'}")
    yield from markdown.bullets(_sentence(item) for item in handling)


def notes(document: TableDocument, book: Book) -> Iterator[str]:
    """Room for whatever people want to add."""
    key = notes_key(document.name)
    yield from markdown.heading(3, "Notes")
    yield from marks.region(key, book.kept.get(key, ""))


def _rows(found: Samples) -> Iterator[str]:
    if len(found.columns) <= WIDE:
        header = [code(quoted(column)) for column in found.columns]
        yield from markdown.table(header, ([_value(value) for value in row] for row in found.rows))
        return
    header = ["Column", *(f"Row {number}" for number in range(1, len(found.rows) + 1))]
    yield from markdown.table(
        header,
        (
            (code(quoted(column)), *(_value(row[place]) for row in found.rows))
            for place, column in enumerate(found.columns)
        ),
    )


def _value(value: str) -> str:
    return text(value if len(value) <= LONG else f"{value[: LONG - 1]}…")


def _patterns(kind: str, found: tuple[Pattern, ...]) -> Iterator[str]:
    for number, pattern in enumerate(found, 1):
        yield from markdown.heading(4, f"{kind} {number}: {text(pattern.title)}")
        yield from markdown.fence(pattern.sql)
        if pattern.performance:
            yield from markdown.block(f"**Performance:** {text(pattern.performance)}")


def _often(value: Frequency | Growth) -> str:
    return capital(value.value)


def _sentence(said: str) -> str:
    shown = text(said)
    return shown if shown.endswith((".", "!", "?", ":")) else f"{shown}."


def _codes(document: TableDocument, book: Book, here: str) -> str:
    codes = sorted({finding.code for finding in document.findings})
    return ", ".join(book.to_rule(each, here) for each in codes) or "nothing found"
