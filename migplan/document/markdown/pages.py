"""The folder: its pages from the documentation and from what people wrote, and nothing of theirs lost.

Nothing here touches a disk. Pages come in as texts by their file names, and go out likewise; writing again
what was written changes nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain

from migplan.document.derive.documentation import structural
from migplan.document.markdown import marks
from migplan.document.markdown.book import ADVISORS, DROPPED, INDEX, ORDER, Book
from migplan.document.markdown.environment import lines
from migplan.document.markdown.marks import PageRead
from migplan.document.model import Documentation
from migplan.document.regions import coded
from migplan.errors import RefusedError
from migplan.text import markdown
from migplan.text.wording import counted, listed

Lines = Callable[[], list[str]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page, by its parts; each is rendered when it is asked for."""

    file: str
    parts: tuple[tuple[str, Lines], ...]


@dataclass(frozen=True, slots=True)
class Pages:
    """What the folder is to hold."""

    files: Mapping[str, str]
    removed: tuple[str, ...] = ()  # pages of ours that are not wanted any more
    dropped: tuple[str, ...] = ()  # regions that have just lost their place; their text is in DROPPED.md


def pages(book: Book) -> Iterator[Page]:
    """Every page, in the order in which people read them."""
    yield Page(INDEX, (("part index", partial(lines, "index.md.j2", book)),))
    yield Page(ORDER, (("part order", partial(lines, "order.md.j2", book)),))
    yield Page(ADVISORS, (("part findings", partial(lines, "advisors.md.j2", book)),))
    for chapter in book.chapters:
        group, number = chapter.group, chapter.number
        head = ("group.md.j2", "") if number == 1 else ("continuation.md.j2", f".{number}")
        opening = partial(lines, head[0], book, group=group, chapter=chapter)
        parts: list[tuple[str, Lines]] = [(f"part group {group.name}{head[1]}", opening)]
        for document in chapter.tables:
            part = partial(lines, "table.md.j2", book, document=document)
            parts.append((f"table {coded(document.name)}", part))
        if chapter.last:
            part = partial(lines, "summary.md.j2", book, group=group, chapter=chapter)
            parts.append((f"part summary {group.name}", part))
        yield Page(chapter.file, tuple(parts))


def structures(documentation: Documentation) -> dict[str, str]:
    """Return the digest of each part, rendered from the structure alone."""
    book = Book(structural(documentation), single=True)
    return {key: marks.digest(part()) for page in pages(book) for key, part in page.parts}


def rendered(book: Book, structure: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each page's name and text, one at a time."""
    for page in pages(book):
        parts = (marks.part(key, structure.get(key, "0" * 8), part()) for key, part in page.parts)
        yield page.file, marks.whole(chain.from_iterable(parts))


def written(documentation: Documentation, existing: Mapping[str, str], *, overwrite: bool = False) -> Pages:
    """Return the pages, with what people wrote in the existing ones.

    Refused where a region cannot be told from its surroundings, and, unless overwriting is asked for, where
    something would be lost that is not in a region.
    """
    standing = ours(documentation, existing)
    bodies = marks.bodies(standing)
    book = Book(documentation, {key: region.body for key, region in bodies.items()})
    files = dict(rendered(book, structures(documentation)))
    wanted = {key for text in files.values() for key in marks.keys_in(text)}
    left = {key: region for key, region in sorted(bodies.items()) if key not in wanted}
    if left:
        files[DROPPED] = _dropped({key: region.body for key, region in left.items()})
    if not overwrite:
        _refuse_losses(existing, standing, files)
    return Pages(
        files=files,
        removed=tuple(file for file, page in standing.items() if page.form is not None and file not in files),
        dropped=tuple(key for key, region in left.items() if region.file != DROPPED),
    )


def ours(documentation: Documentation, existing: Mapping[str, str]) -> dict[str, PageRead]:
    """Return the existing pages that migplan wrote, or that stand where it would write."""
    wanted = {INDEX, ORDER, ADVISORS, DROPPED, *(chapter.file for chapter in Book(documentation).chapters)}
    read = {
        file: marks.read(text)
        for file, text in sorted(existing.items())
        if file in wanted or marks.PREFIX in text
    }
    return {file: page for file, page in read.items() if file in wanted or page.form is not None}


def edited_at(text: str, page: PageRead, fresh: str) -> str:
    """Return where a page was edited outside of its regions, as far as that can be found out."""
    known = set(marks.lines_of(fresh))
    touched = [part for part in page.parts if part.touched]
    own = list(marks.own_lines(text))
    if touched:
        begin = touched[0].line
        end = min((part.line for part in page.parts if part.line > begin), default=len(text))
        own = [(number, line) for number, line in own if begin < number < end]
    strange = next((number for number, line in own if line.strip() and line not in known), None)
    section = f", in the section of {touched[0].key.partition(' ')[2]}" if touched else ""
    return f"line {strange or (touched[0].line if touched else 1)}{section}"


def _dropped(bodies: Mapping[str, str]) -> str:
    def written() -> Iterator[str]:
        yield from markdown.heading(1, "What has lost its place")
        yield from markdown.block(
            "These texts were written about tables or groups that are not there any more. When one comes "
            "back under its old name, so does its text. What is deleted here is gone."
        )
        for key, body in bodies.items():
            yield from markdown.heading(2, markdown.text(key))
            yield from markdown.block(*marks.region(key, body))

    return marks.whole(marks.part("part dropped", marks.digest(()), written()))


def _refuse_losses(
    existing: Mapping[str, str], standing: Mapping[str, PageRead], files: Mapping[str, str]
) -> None:
    foreign = [file for file, page in standing.items() if page.form is None and file in files]
    if foreign:
        raise RefusedError(
            f"{listed(foreign, 5)} would be overwritten, and "
            f"{'was' if len(foreign) == 1 else 'were'} not written by migplan",
            do="move what is in the way, or choose another folder with --out; --overwrite replaces it",
        )
    edited = [
        f"{file} ({edited_at(existing[file], page, files.get(file, ''))})"
        for file, page in standing.items()
        if page.touched
    ]
    if edited:
        raise RefusedError(
            f"{counted(len(edited), 'page')} edited outside of the kept regions: {listed(edited, 5)}",
            do="move the text into a region such as notes; --overwrite throws it away",
        )
