"""What people wrote: the regions of all pages, wherever they stand, by their keys."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from migplan.document.markdown.marks import PageRead
from migplan.errors import FileError

_KEEP = re.compile(r"^<!-- migplan:keep (.+) -->$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Region:
    """A region with something in it, and where it was found."""

    body: str
    file: str
    line: int


def bodies(pages: Mapping[str, PageRead]) -> dict[str, Region]:
    """Every region that is not empty; FileError where it is not certain what belongs to whom."""
    wrong = list(faults(pages))
    if wrong:
        file = Path(wrong[0].partition(":")[0])
        raise FileError(
            "; ".join(wrong[:5]) + (f"; and {len(wrong) - 5:,} more" if len(wrong) > 5 else ""),
            do="fix the marks, so that what is written between them can be kept",
            file=file,
        )
    return {key: region for key, region in _regions(pages) if region.body.strip()}


def faults(pages: Mapping[str, PageRead]) -> Iterator[str]:
    """Regions that cannot be told from their surroundings: file, line, and what is wrong."""
    for file, page in pages.items():
        yield from (f"{file}:{line}: {what}" for line, what in page.faults)
    seen: dict[str, Region] = {}
    for key, region in _regions(pages):
        if not region.body.strip():
            continue
        other = seen.setdefault(key, region)
        if other.body.strip() != region.body.strip():
            place = f"{other.file}:{other.line}"
            yield f"{region.file}:{region.line}: the region {key!r} stands in {place} with another text"


def keys_in(text: str) -> Iterator[str]:
    """The keys of a page's regions."""
    return (found.group(1) for found in _KEEP.finditer(text))


def _regions(pages: Mapping[str, PageRead]) -> Iterator[tuple[str, Region]]:
    for file, page in pages.items():
        for region in page.regions:
            yield region.key, Region(region.body, file, region.line)
