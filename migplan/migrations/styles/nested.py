"""Tools with a folder for each migration: Prisma's ``NAME/migration.sql``, diesel's ``NAME/up.sql``.

The way back is ``NAME/down.sql``. diesel keeps a migration out of a transaction by
``run_in_transaction = false`` in ``NAME/metadata.toml``.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from migplan.migrations.model import Migration, Style
from migplan.migrations.styles.building import Listing, number_of

_OUTSIDE = re.compile(rb"^\s*run_in_transaction\s*=\s*false\b", re.MULTILINE)


@dataclass(frozen=True)
class Nested:
    """A tool of that kind."""

    STYLE: Style
    up: str  # what the file is called

    def recognises(self, listing: Listing) -> bool:
        """By folders with such a file, of which there are more than SQL files beside them."""
        beside = sum(file.suffix == ".sql" for file in listing.files)
        return sum(1 for _ in self._folders(listing)) > beside

    def read(self, listing: Listing) -> Iterator[Migration]:
        """The migrations of the folder."""
        for folder in self._folders(listing):
            source = listing.source(folder / self.up)
            down, settings = folder / "down.sql", folder / "metadata.toml"
            yield listing.migration(
                source,
                folder.name,
                number_of(folder.name),
                down=listing.whole(down) if down.is_file() else None,
                in_transaction=not (settings.is_file() and _OUTSIDE.search(settings.read_bytes())),
            )

    def _folders(self, listing: Listing) -> Iterator[Path]:
        for folder in sorted(listing.path.iterdir()):
            if folder.is_dir() and (folder / self.up).is_file():
                yield folder


PRISMA = Nested(Style.PRISMA, "migration.sql")
DIESEL = Nested(Style.DIESEL, "up.sql")
