"""``ADVISORS.md``: what the rules found, what people live with, and what could not be judged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from migplan.advise import Finding
from migplan.document.markdown.book import ADVISORS, INDEX, Book, rule_anchor
from migplan.level import Level
from migplan.text import markdown
from migplan.text.markdown import code, text
from migplan.text.wording import counted


def advisors(book: Book) -> Iterator[str]:
    """The page."""
    advice = book.documentation.advice
    yield from markdown.heading(1, f"Advisors on {text(book.documentation.catalog.server.database)}")
    yield from markdown.block(f"What the rules of migplan found. {book.to_page(INDEX, INDEX)}: all tables.")
    by_rule: dict[str, list[Finding]] = defaultdict(list)
    for finding in advice.findings:
        by_rule[finding.code].append(finding)
    yield from markdown.heading(2, "Summary")
    yield from _summary(by_rule, book)
    yield from markdown.heading(2, "Findings")
    if not by_rule:
        yield from markdown.block("None.")
    for each in sorted(by_rule, key=lambda each: (by_rule[each][0].level.rank, each)):
        yield from _rule(each, by_rule[each], book)
    yield from _ignored(book)
    yield from _blind(book)
    if advice.off:
        yield from markdown.heading(2, "Switched off")
        yield from markdown.block(f"By the settings: {', '.join(map(code, advice.off))}.")


def _summary(by_rule: dict[str, list[Finding]], book: Book) -> Iterator[str]:
    advice = book.documentation.advice
    levels = Counter(finding.level for finding in advice.findings)
    yield from markdown.bullets(
        (
            *(f"**{text(level.value)}:** {levels[level]:,}" for level in sorted(levels, key=_rank)),
            f"**Ignored:** {len(advice.ignored):,}",
            f"**Not judged:** {len(advice.blind):,}",
        )
    )
    if by_rule:
        yield from markdown.table(
            ("Rule", "Level", "Title", "Findings"),
            (
                (book.to_rule(each, ADVISORS), found[0].level.value, text(found[0].title), f"{len(found):,}")
                for each, found in sorted(by_rule.items())
            ),
            align="---r",
        )


def _rank(level: Level) -> int:
    return level.rank


def _rule(rule: str, found: Sequence[Finding], book: Book) -> Iterator[str]:
    yield from markdown.block(f'<a id="{rule_anchor(rule)}"></a>')
    yield from markdown.heading(3, f"{text(rule)}: {text(found[0].title)}")
    yield from markdown.block(f"**{text(found[0].level.value)}**, {counted(len(found), 'finding')}.")
    yield from markdown.bullets(
        f"{_where(finding, book)}{text(finding.what)}: {text(finding.why)}" for finding in found
    )
    fixes = list(dict.fromkeys(finding.fix for finding in found if finding.fix))
    if fixes:
        yield from markdown.fence("\n".join(fixes))


def _where(finding: Finding, book: Book) -> str:
    return f"{book.to_table(finding.table)}: " if finding.table else ""


def _ignored(book: Book) -> Iterator[str]:
    ignored = book.documentation.advice.ignored
    if ignored:
        yield from markdown.heading(2, "Ignored")
        yield from markdown.table(
            ("Rule", "Object", "Finding", "Reason"),
            (
                (text(each.finding.code), text(each.finding.what), text(each.finding.why), text(each.reason))
                for each in ignored
            ),
        )


def _blind(book: Book) -> Iterator[str]:
    blind = book.documentation.advice.blind
    if blind:
        yield from markdown.heading(2, "Not Judged")
        yield from markdown.table(
            ("Rule", "Title", "Object", "Why"),
            ((text(b.code), text(b.title), text(b.what) or "the whole rule", text(b.why)) for b in blind),
        )
