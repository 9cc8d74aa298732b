"""The marks in our pages: comments that say whose text follows, and by which digest its age is known.

::

    <!-- migplan:table public.rooms 3f9c21ab 77d0e1f2 -->    a part begins: of its structure, of its text
    <!-- migplan:keep notes public.rooms -->                 from here on people write
    <!-- migplan:end notes public.rooms -->                  ... to here
    <!-- migplan:page 1 5d41402abc4b2a76 -->                 the page ends: form, and all that is not people's

A mark stands in a line of its own.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from migplan.errors import FileError

FORM = 1
"""Of the pages; a page of another form was written by another migplan."""

PREFIX = "<!-- migplan:"
_KEEP = re.compile(r"^<!-- migplan:keep (.+) -->$", re.MULTILINE)
_PART = re.compile(r"<!-- migplan:((?:table|part) .+) ([0-9a-f]{8}) ([0-9a-f]{8}) -->")
_REGION = re.compile(r"<!-- migplan:(keep|end) (.+) -->")
_PAGE = re.compile(r"<!-- migplan:page (\d+) ([0-9a-f]{16}) -->")


def digest(lines: Iterable[str], length: int = 8) -> str:
    """A short digest of some lines."""
    text = "\n".join((*lines, ""))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def region(key: str, body: str) -> Iterator[str]:
    """The lines of a kept region."""
    yield f"<!-- migplan:keep {key} -->"
    if body.strip():
        yield from body.split("\n")
    yield f"<!-- migplan:end {key} -->"


def part(key: str, structure: str, lines: Iterable[str]) -> Iterator[str]:
    """Return the lines of a part of a page behind its mark."""
    kept = list(lines)
    yield f"<!-- migplan:{key} {structure} {digest(_ours(kept))} -->"
    yield from kept


def whole(lines: Iterable[str]) -> str:
    """Return a page's text, with the mark at its end."""
    kept = list(lines)
    return "\n".join((*kept, f"<!-- migplan:page {FORM} {digest(_ours(kept), 16)} -->")) + "\n"


def _ours(lines: Iterable[str]) -> Iterator[str]:
    return (line for line, theirs in _told_apart(lines) if not theirs)


def _told_apart(lines: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Return each line, and whether people wrote it."""
    inside = ""
    for line in lines:
        found = _REGION.fullmatch(line.strip()) if PREFIX in line else None
        if inside and found and found.group(1) == "end" and found.group(2) == inside:
            inside = ""
        yield line, bool(inside)
        if not inside and found and found.group(1) == "keep":
            inside = found.group(2)


def _end(line: str) -> re.Match[str] | None:
    """The mark of a page's end, where the line is one."""
    return _PAGE.fullmatch(line.strip()) if PREFIX in line else None


@dataclass(frozen=True, slots=True)
class PartRead:
    """A part as it stands in a page."""

    key: str
    structure: str
    line: int
    touched: bool  # its text is not the one that was written


@dataclass(frozen=True, slots=True)
class RegionRead:
    """A kept region as it stands in a page."""

    key: str
    body: str
    line: int


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page as it stands in the folder."""

    form: int | None  # None: it has no mark, and is not ours
    touched: bool
    parts: tuple[PartRead, ...]
    regions: tuple[RegionRead, ...]
    faults: tuple[tuple[int, str], ...]  # of its regions: line, and what is wrong


def read(text: str) -> PageRead:
    """Return a page's parts, regions and faults."""
    lines = lines_of(text)
    told = list(_told_apart(lines))
    ends = [match for line, theirs in told if not theirs and (match := _end(line))]
    ours = [line for line, theirs in told if not theirs and not _end(line)]
    regions, faults = _regions(lines)
    return PageRead(
        form=int(ends[-1].group(1)) if ends else None,
        touched=bool(ends) and (len(ends) > 1 or digest(ours, 16) != ends[-1].group(2)),
        parts=tuple(_parts(told)),
        regions=tuple(regions),
        faults=tuple(faults),
    )


def own_lines(text: str) -> Iterator[tuple[int, str]]:
    """A page's lines outside of regions, each with its number."""
    for number, (line, theirs) in enumerate(_told_apart(lines_of(text)), 1):
        if not theirs and PREFIX not in line:
            yield number, line


def lines_of(text: str) -> list[str]:
    """Return a text's lines, whatever the editor or Git made of their ends."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").rstrip().split("\n")


def _parts(told: Iterable[tuple[str, bool]]) -> Iterator[PartRead]:
    at: tuple[re.Match[str], int] | None = None
    own: list[str] = []
    for number, (line, theirs) in enumerate(told, 1):
        if theirs:
            continue
        found = _PART.fullmatch(line.strip()) if PREFIX in line else None
        if (found or _end(line)) and at:
            yield _part_read(at, own)
            at = None
        if found:
            at, own = (found, number), []
        elif at:
            own.append(line)
    if at:
        yield _part_read(at, own)


def _part_read(at: tuple[re.Match[str], int], own: list[str]) -> PartRead:
    found, number = at
    return PartRead(found.group(1), found.group(2), number, touched=digest(own) != found.group(3))


def _regions(lines: list[str]) -> tuple[list[RegionRead], list[tuple[int, str]]]:
    regions: list[RegionRead] = []
    faults: list[tuple[int, str]] = []
    opened: tuple[str, int] | None = None
    for number, line in enumerate(lines, 1):
        found = _REGION.fullmatch(line.strip()) if PREFIX in line else None
        if not found:
            continue
        what, key = found.groups()
        if what == "keep":
            if opened:
                faults.append((number, f"the region {key!r} begins within the region {opened[0]!r}"))
            opened = key, number
        elif not opened:
            faults.append((number, f"the region {key!r} ends and was not begun"))
        elif key != opened[0]:
            faults.append((number, f"the region {opened[0]!r} of line {opened[1]} ends as {key!r}"))
            opened = None
        else:
            regions.append(RegionRead(key, "\n".join(lines[opened[1] : number - 1]), opened[1]))
            opened = None
    if opened:
        faults.append((opened[1], f"the region {opened[0]!r} has no end"))
    return regions, faults


# --- what people wrote, in all pages ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Region:
    """A region with something in it, and where it was found."""

    body: str
    file: str
    line: int


def bodies(pages: Mapping[str, PageRead]) -> dict[str, Region]:
    """Return the regions that hold something; raise FileError where marks are broken."""
    wrong = list(faults(pages))
    if wrong:
        file = Path(wrong[0].partition(":")[0])
        raise FileError(
            "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""),
            do="fix the marks, so that what is written between them can be kept",
            file=file,
        )
    return {key: region for key, region in _regions_of(pages) if region.body.strip()}


def faults(pages: Mapping[str, PageRead]) -> Iterator[str]:
    """Return what is wrong with the marks of regions: file, line, and what it is."""
    for file, page in pages.items():
        yield from (f"{file}:{line}: {what}" for line, what in page.faults)
    seen: dict[str, Region] = {}
    for key, region in _regions_of(pages):
        if not region.body.strip():
            continue
        other = seen.setdefault(key, region)
        if other.body.strip() != region.body.strip():
            place = f"{other.file}:{other.line}"
            yield f"{region.file}:{region.line}: the region {key!r} stands in {place} with another text"


def keys_in(text: str) -> Iterator[str]:
    """The keys of a page's regions."""
    return (found.group(1) for found in _KEEP.finditer(text))


def _regions_of(pages: Mapping[str, PageRead]) -> Iterator[tuple[str, Region]]:
    for file, page in pages.items():
        for region in page.regions:
            yield region.key, Region(region.body, file, region.line)
