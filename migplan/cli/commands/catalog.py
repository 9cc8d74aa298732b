"""``migplan catalog``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen

if TYPE_CHECKING:
    from migplan.config import Config


@click.command()
@named.arguments("source")
@options.source
@options.config
@options.counts
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The file to write.",
)
def catalog(source: str | None, settings: Config, counts: str, out: Path) -> None:
    """Save all that a database says of itself, to work on without it.

    The file holds names, types, keys, definitions, counts and sizes; no row of any table. `migplan analyze`,
    `migplan plan` and `migplan advise` take it with --from.

    What else ALTER can change stands there too (`attributes`: publications, storage, text search, digests of
    settings), so that `migplan plan --check --from FILE` sees it. In a catalog that an earlier migplan saved
    it is missing, and --check says so.

    It is exact, as the catalog.json of a bundle is: literals of defaults, policies and other definitions
    stand in it. Look before you commit it.
    """
    from migplan.catalog import store
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.analyze import read_catalog

    address = named.resolved(source, settings)
    with screen.progress("reading the catalog") as on_progress:
        found = read_catalog(address, Exactness(counts), on_progress, vitals=True)
    store.save(found, out)
    screen.show(
        [f"{out}: {len(found.tables):,} tables of {found.server.address}, as of {found.server.read_at}"]
    )
    screen.show(f"not read: {gap.what}: {gap.why}" for gap in found.unread)
