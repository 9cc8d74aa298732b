"""How a table is worked with: samples, queries, statistics, findings, what a move minds, other systems."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from migplan.advise import Finding
from migplan.document.html.blocks import (
    bullets,
    codes,
    coloured,
    facts,
    folded,
    grid,
    mark,
    muted,
    paragraph,
    part,
    sql,
)
from migplan.document.html.links import Links
from migplan.document.html.writing import NOTHING, Markup, code, element, joined
from migplan.document.model import Frequency, Growth, Pattern, TableDocument

SHORT = 8  # columns; the samples of a wider table lie on their side


def samples(document: TableDocument) -> Markup:
    """Rows whose values may be shown, and which columns hold stand-ins."""
    found = document.samples
    if found is None:
        return NOTHING
    if found.unread:
        return part("Sample rows", muted(found.unread))
    if not found.rows:
        return part("Sample rows", muted("There are no rows."))
    replaced = NOTHING
    if found.replaced:
        reasons = joined(
            [joined([code(column), f" ({why})" if why else ""]) for column, why in found.replaced], ", "
        )
        replaced = element("p", "Stand-ins, not what the rows hold: ", reasons, ".", class_="muted")
    shown = [[element("code", value, class_="value") for value in row] for row in found.rows]
    if len(found.columns) <= SHORT:
        return part("Sample rows", grid(found.columns, shown), replaced)
    heads = ("Column", *(f"Row {number}" for number in range(1, len(shown) + 1)))
    lines = ((code(column), *(row[place] for row in shown)) for place, column in enumerate(found.columns))
    return part("Sample rows", grid(heads, lines), replaced)


def patterns(document: TableDocument) -> Markup:
    """Queries that the structure suggests, and those that the server has counted."""
    counted = (
        (
            f"{statement.calls:,}",
            f"{statement.mean_milliseconds:,.2f} ms",
            f"{statement.rows:,}",
            element("code", coloured(statement.text), class_="lines"),
        )
        for statement in document.statements
    )
    return joined(
        (
            part("Common queries", *map(_pattern, document.patterns)),
            part(
                "Queries that the server has counted",
                grid(("Calls", "Mean", "Rows", "Query"), counted, {0, 1, 2}),
            ),
        )
    )


def _pattern(pattern: Pattern) -> Markup:
    return folded(
        pattern.title, sql(pattern.sql), muted(pattern.performance) if pattern.performance else NOTHING
    )


def performance(document: TableDocument) -> Markup:
    """What statistics say, and which ways of asking are served."""
    found = document.performance
    said = [
        (name, value.value)
        for name, value in (("Reads", found.reads), ("Writes", found.writes), ("Growth", found.growth))
        if value not in (Frequency.UNKNOWN, Growth.UNKNOWN)
    ]
    return part("Performance", facts(said) if said else NOTHING, bullets((*found.notes, *found.indexing)))


def findings(found: Iterable[Finding], title: str = "Advice") -> Markup:
    """Each finding with its reason and what would fix it."""
    return part(title, *map(finding, found))


def finding(found: Finding, about: str | None = None) -> Markup:
    """A finding; ``about`` stands in for its title and its object where that is clear already."""
    about = joined([found.title, " ", code(found.what)]) if about is None else about
    return element(
        "div",
        element(
            "p", mark(found.level.value, found.level.value), " ", code(found.code), " ", about, class_="title"
        ),
        paragraph(found.why),
        sql(found.fix) if found.fix else NOTHING,
        class_=f"finding {found.level.value}",
    )


def migration(document: TableDocument, links: Links) -> Markup:
    """What a move has to mind."""
    notes = document.migration
    before = joined(map(links.table, notes.before), ", ") if notes.before else "nothing: it can go first"
    told = facts((("Strategy", document.strategy.value), ("To be loaded before", before)))
    return part(
        "Migration",
        told,
        paragraph(document.reason) if document.reason else NOTHING,
        _advised("Do", notes.do, "do"),
        _advised("Don't", notes.dont, "dont"),
        _advised("Handling", notes.handling),
        _advised("Volume", notes.volume),
    )


def _advised(title: str, notes: tuple[str, ...], class_: str | None = None) -> Markup:
    return joined((element("h5", title), bullets(notes, class_))) if notes else NOTHING


def integration(document: TableDocument) -> Markup:
    """What ties the table to another system."""
    found = document.integration
    if found is None:
        return NOTHING

    def told() -> Iterator[tuple[str, str]]:
        yield "Platform", found.platform
        if found.external_ids:
            yield "External ids", codes(found.external_ids)
        if found.credentials:
            yield "Credentials", codes(found.credentials)

    fields = ((code(column), says) for column, says in found.sync_fields)
    return part(
        "Integration",
        facts(told()),
        grid(("Sync field", "What it says"), fields),
        *map(_pattern, found.queries),
    )
