"""golang-migrate: ``1_name.up.sql`` and ``1_name.down.sql``; others write ``V1.name.up.sql``."""

import re
from collections.abc import Iterator

from migplan.migrations.model import Migration, Style
from migplan.migrations.styles.building import Listing

STYLE = Style.GOLANG_MIGRATE
_NAME = re.compile(r"([Vv]?(\d+)[._-].+)\.(up|down)\.sql")


def recognises(listing: Listing) -> bool:
    """A number, and ``.up.sql``; ``.down.sql`` alone is a companion of plain files."""
    return any((name := _NAME.fullmatch(file.name)) and name[3] == "up" for file in listing.files)


def read(listing: Listing) -> Iterator[Migration]:
    """The migrations of the folder."""
    for file in listing.files:
        name = _NAME.fullmatch(file.name)
        if name is None:
            if file.suffix == ".sql":
                listing.note(
                    file, "is neither NUMBER_name.up.sql nor .down.sql, and is not read", left_out=True
                )
            continue
        if name[3] == "down":
            if f"{name[1]}.up.sql" not in listing.names:
                listing.note(file, f"stands beside nothing: there is no {name[1]}.up.sql")
            continue
        source = listing.source(file)
        down = file.with_name(f"{name[1]}.down.sql")
        back = listing.whole(down) if down.name in listing.names else None
        yield listing.migration(source, name[1], name[2], down=back)
