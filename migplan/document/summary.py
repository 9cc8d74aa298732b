"""What writing documents came to, and what is stale in them, for people."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.text import Text

from migplan.document.markdown import Book, Pages
from migplan.document.model import Documentation
from migplan.report import advice
from migplan.report.section import section
from migplan.text.wording import counted, listed

_SHOWN = 20


def pages_written(
    documentation: Documentation, out: Path, pages: Pages, changed: Sequence[str]
) -> Iterator[Text]:
    """Return the pages, what people have to know about them, and where to begin reading."""
    tables = sum(1 for _ in documentation.tables)
    new = len(changed) == len(pages.files)
    news = "all of them written" if new else _news(len(changed))
    yield Text(
        f"{out}: {counted(len(pages.files), 'page')} about {counted(tables, 'table')}; {news}", style="bold"
    )
    width = max(map(len, pages.files))
    held = {chapter.file: len(chapter.tables) for chapter in Book(documentation).chapters}
    for name in pages.files:
        about = counted(held[name], "table") if name in held else ""
        yield Text(f"  {name:{width}}  {about:>12}{'  changed' if name in changed and not new else ''}")
    yield from section("Taken away, for no group has that name any more", pages.removed, _SHOWN)
    yield from section(
        "What people wrote about what is not there any more is kept in DROPPED.md", pages.dropped
    )
    yield from section("Samples", _samples(documentation))
    yield from section("Advice", [advice.headline(documentation.advice)])
    yield Text()
    yield Text(f"Begin with: {out / 'README.md'}")


def _news(changed: int) -> str:
    return f"{changed:,} of them changed" if changed else "nothing has changed"


def one_file(documentation: Documentation, file: Path) -> Iterator[Text]:
    """Return the same for a single file that holds everything."""
    tables = sum(1 for _ in documentation.tables)
    yield Text(f"{file}: {counted(tables, 'table')}, {advice.headline(documentation.advice)}", style="bold")
    yield from section("Samples", _samples(documentation))


def staleness(stale: Sequence[str], out: Path) -> Iterator[Text]:
    """Return what is stale, and the command that writes it again."""
    if not stale:
        yield Text(f"{out} fits the database")
        return
    yield Text(f"{out} is stale:", style="bold")
    yield from (Text(f"  {line}") for line in stale)
    yield Text(f"  -> write it again with: migplan document --out {out}", style="dim")


def _samples(documentation: Documentation) -> Iterator[str]:
    shown = [document.samples for document in documentation.tables if document.samples]
    rows = sum(len(samples.rows) for samples in shown)
    replaced = sum(len(samples.replaced) for samples in shown)
    if not shown:
        return
    rows_of = f"{counted(rows, 'row')} of {counted(len(shown), 'table')}"
    yield f"{rows_of}; {counted(replaced, 'column')} shown by stand-ins"
    silent = [str(each.name) for each in documentation.tables if each.samples and each.samples.unread]
    if silent:
        yield f"none of {listed(silent, 5)}: their sections say why"
