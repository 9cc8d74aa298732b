"""Tools whose files have a mark before the SQL that runs, and another one before the way back.

==========================  ==========================  ======================================
dbmate                      ``-- migrate:up``           ``-- migrate:down``
goose                       ``-- +goose Up``            ``-- +goose Down``
sql-migrate                 ``-- +migrate Up``          ``-- +migrate Down``
==========================  ==========================  ======================================

Marks around single statements (``-- +goose StatementBegin``) are comments to migplan.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from migplan.migrations.model import Migration, Style
from migplan.migrations.source_files import SourceFile, marks
from migplan.migrations.styles.building import Listing, number_of

_COMMENTS = re.compile(rb"(?:\s|--[^\n]*(?:\n|\Z))*")


@dataclass(frozen=True)
class Marked:
    """A tool of that kind."""

    STYLE: Style
    up: str  # as its manual writes it
    mark: re.Pattern[bytes]  # its groups: up or down, and what follows on the line
    outside: re.Pattern[bytes]  # what says, in the up part or on its mark, that no transaction is wanted

    def recognises(self, listing: Listing) -> bool:
        """One file with the mark is enough: the others without it are mistakes to be named."""
        return any(
            file.suffix == ".sql"
            and self.mark.search(listing.source(file).data)
            and marks(listing.source(file), self.mark)
            for file in listing.files
        )

    def read(self, listing: Listing) -> Iterator[Migration]:
        """The migrations of the folder."""
        for file in listing.files:
            if file.suffix == ".sql":
                yield self._of(listing, listing.source(file))

    def _of(self, listing: Listing, source: SourceFile) -> Migration:
        found = marks(source, self.mark)
        words = [each[1].lower() for each in found]
        if words[:1] != [b"up"]:
            raise source.error(
                f"there is no line {self.up}", source.begin, f"{self.STYLE} wants one in every file"
            )
        if not _COMMENTS.fullmatch(source.data, source.begin, found[0].start()):
            raise source.error(
                f"there is SQL before {self.up}, which {self.STYLE} would not run", source.begin
            )
        if len(found) > 2 or words[1:] == [b"up"]:
            raise source.error("a second section of one kind", found[-1].start())
        down = found[1] if len(found) > 1 else None
        up = source.part(found[0].end(), down.start() if down else None)
        head = source.data[source.begin : found[0].end()]
        outside = self.outside.search(head) or self.outside.search(source.data, up.start, up.end)
        return listing.migration(
            source,
            source.file.stem,
            number_of(source.file.stem),
            up=up,
            down=source.part(down.end()) if down else None,
            in_transaction=not outside,
        )


DBMATE = Marked(
    Style.DBMATE,
    "-- migrate:up",
    re.compile(rb"^--[ \t]*migrate:(up|down)\b([^\n]*)(?:\n|\Z)", re.MULTILINE),
    re.compile(rb"^--[ \t]*migrate:up\b[^\n]*transaction:false", re.MULTILINE),
)
GOOSE = Marked(
    Style.GOOSE,
    "-- +goose Up",
    re.compile(rb"^--[ \t]*\+goose[ \t]+(up|down)\b([^\n]*)(?:\n|\Z)", re.MULTILINE | re.IGNORECASE),
    re.compile(rb"^--[ \t]*\+goose[ \t]+no[ \t]+transaction\b", re.MULTILINE | re.IGNORECASE),
)
SQL_MIGRATE = Marked(
    Style.SQL_MIGRATE,
    "-- +migrate Up",
    re.compile(rb"^--[ \t]*\+migrate[ \t]+(up|down)\b([^\n]*)(?:\n|\Z)", re.MULTILINE | re.IGNORECASE),
    re.compile(rb"^--[ \t]*\+migrate[ \t]+up\b[^\n]*notransaction", re.MULTILINE | re.IGNORECASE),
)
