"""dbmate: ``20251001015000_name.sql`` with ``-- migrate:up`` and ``-- migrate:down`` in it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from migplan.migrations.model import Migration, Style
from migplan.migrations.source_files import marks
from migplan.migrations.styles.building import Listing, made, number_of

STYLE = Style.DBMATE
_MARK = re.compile(rb"^--[ \t]*migrate:(up|down)\b([^\n]*)(?:\n|\Z)", re.MULTILINE)
_COMMENTS = re.compile(rb"(?:\s|--[^\n]*(?:\n|\Z))*")


def recognises(listing: Listing) -> bool:
    """One file with the mark is enough: the others without it are mistakes to be named."""
    return any(
        file.suffix == ".sql"
        and b"migrate:up" in listing.text(file).data
        and _MARK.search(listing.text(file).data)
        for file in listing.files
    )


def read(listing: Listing) -> Iterator[Migration]:
    """The migrations of the folder."""
    for file in listing.files:
        if file.suffix != ".sql":
            continue
        text = listing.text(file)
        found = marks(text, _MARK)
        if not found or found[0][1] != b"up":
            raise text.error("there is no line -- migrate:up", text.begin, "dbmate wants one in every file")
        if not _COMMENTS.fullmatch(text.data, text.begin, found[0].start()):
            raise text.error("there is SQL before -- migrate:up, which dbmate would not run", text.begin)
        if len(found) > 2 or (len(found) == 2 and found[1][1] == b"up"):
            raise text.error("a second section of one kind", found[-1].start())
        down = found[1] if len(found) > 1 else None
        yield made(
            listing,
            text,
            text.part(found[0].end(), down.start() if down else None),
            file.stem,
            number_of(file.stem),
            down=text.part(down.end()) if down else None,
            in_transaction=b"transaction:false" not in found[0][2],
        )
