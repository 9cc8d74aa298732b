"""Whether the pages still say what is so. Numbers move all the time, and make no page stale."""

from collections.abc import Iterator, Mapping

from migplan.document.markdown import marks
from migplan.document.markdown.book import DROPPED, Book
from migplan.document.markdown.marks import PageRead
from migplan.document.markdown.pages import edited_at, ours, pages, rendered, structures, written
from migplan.document.model import Documentation
from migplan.errors import MigplanError

_SAID = {
    "index": "what it says of the whole database has changed",
    "order": "the order of loading has changed",
    "findings": "the findings have changed",
    "group": "what it says of the whole group has changed",
    "summary": "what it says of the whole group has changed",
}


def stale(
    existing: Mapping[str, str], documentation: Documentation, *, strict: bool = False
) -> tuple[str, ...]:
    """Return what in the pages is not true any more; ``strict`` compares numbers and samples, too."""
    standing = ours(documentation, existing)
    sentences = list(_outdated(documentation, existing, standing))
    if strict and not sentences:
        sentences += _different(documentation, existing)
    return tuple(dict.fromkeys(sentences))


def _outdated(
    documentation: Documentation,
    existing: Mapping[str, str],
    standing: Mapping[str, PageRead],
) -> Iterator[str]:
    yield from marks.faults(standing)
    wanted = {page.file: [key for key, _ in page.parts] for page in pages(Book(documentation))}
    digests = structures(documentation)
    yield from _files(documentation, existing, standing, wanted, digests)
    found = {
        part.key: (file, part.structure)
        for file, page in standing.items()
        if page.form == marks.FORM
        for part in page.parts
    }
    for file, keys in wanted.items():
        for key in keys:
            if key in found:
                yield from _part(key, file, digests.get(key, ""), *found[key])
            elif key.startswith("table ") and _is_current(standing.get(file)):
                yield f"{_name(key)} has no section"
    known = {key for keys in wanted.values() for key in keys}
    for key, (file, _) in found.items():
        if key not in known and key.startswith("table "):
            yield f"{_name(key)} in {file} is documented and not there any more"


def _part(key: str, file: str, digest: str, stands_in: str, structure: str) -> Iterator[str]:
    if key.startswith("table ") and stands_in != file:
        yield f"{_name(key)} stands in {stands_in} and belongs into {file}"
    if structure == digest:
        return
    if key.startswith("table "):
        yield f"{_name(key)} in {stands_in}: its structure, or what follows from it, has changed"
    else:
        yield f"{stands_in}: {_SAID[key.split()[1]]}"


def _files(
    documentation: Documentation,
    existing: Mapping[str, str],
    standing: Mapping[str, PageRead],
    wanted: Mapping[str, object],
    digests: Mapping[str, str],
) -> Iterator[str]:
    fresh: dict[str, str] = {}
    for file in wanted:
        if file not in standing:
            yield f"{file} is not there"
    for file, page in standing.items():
        if page.form is None:
            if file in wanted:
                yield f"{file} was not written by migplan"
        elif page.form != marks.FORM:
            yield f"{file} was written by another version of migplan, in another form"
        elif page.touched:
            if not fresh:
                fresh = dict(rendered(Book(documentation), digests))
            place = edited_at(existing[file], page, fresh.get(file, ""))
            yield f"{file} was edited outside of the kept regions: {place}"
        if page.form is not None and file not in wanted and file != DROPPED:
            yield f"{file} is about a group that is not there any more"


def _different(documentation: Documentation, existing: Mapping[str, str]) -> Iterator[str]:
    try:
        today = written(documentation, existing)
    except MigplanError as error:
        yield str(error)
        return
    for file, text in today.files.items():
        lines, others = marks.lines_of(text), marks.lines_of(existing.get(file, ""))
        if lines != others:
            line = next(
                (n for n, pair in enumerate(zip(lines, others, strict=False), 1) if pair[0] != pair[1]),
                min(len(lines), len(others)) + 1,
            )
            yield f"{file} is not what would be written today, from line {line} on"


def _is_current(page: PageRead | None) -> bool:
    return page is not None and page.form == marks.FORM


def _name(key: str) -> str:
    return key.removeprefix("table ")
