"""dbmate: ``20251001015000_name.sql`` with ``-- migrate:up`` and ``-- migrate:down`` in it."""

import re
from collections.abc import Iterator

from migplan.migrations.model import Migration, Style
from migplan.migrations.source_files import marks
from migplan.migrations.styles.building import Listing, number_of

STYLE = Style.DBMATE
_MARK = re.compile(rb"^--[ \t]*migrate:(up|down)\b([^\n]*)(?:\n|\Z)", re.MULTILINE)
_COMMENTS = re.compile(rb"(?:\s|--[^\n]*(?:\n|\Z))*")


def recognises(listing: Listing) -> bool:
    """One file with the mark is enough: the others without it are mistakes to be named."""
    return any(
        file.suffix == ".sql"
        and b"migrate:up" in listing.source(file).data
        and _MARK.search(listing.source(file).data)
        for file in listing.files
    )


def read(listing: Listing) -> Iterator[Migration]:
    """The migrations of the folder."""
    for file in listing.files:
        if file.suffix != ".sql":
            continue
        source = listing.source(file)
        found = marks(source, _MARK)
        if not found or found[0][1] != b"up":
            raise source.error(
                "there is no line -- migrate:up", source.begin, "dbmate wants one in every file"
            )
        if not _COMMENTS.fullmatch(source.data, source.begin, found[0].start()):
            raise source.error("there is SQL before -- migrate:up, which dbmate would not run", source.begin)
        if len(found) > 2 or (len(found) == 2 and found[1][1] == b"up"):
            raise source.error("a second section of one kind", found[-1].start())
        down = found[1] if len(found) > 1 else None
        yield listing.migration(
            source,
            file.stem,
            number_of(file.stem),
            up=source.part(found[0].end(), down.start() if down else None),
            down=source.part(down.end()) if down else None,
            in_transaction=b"transaction:false" not in found[0][2],
        )
