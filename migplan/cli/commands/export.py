"""``migplan export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import bundle_options, named, options, screen

if TYPE_CHECKING:
    from migplan.pipeline.export import Exported


@click.command()
@named.arguments("source", "plan")
@bundle_options.writing_a_bundle
@click.option("--schema-only", is_flag=True, help="Definitions, and no rows.")
@click.option(
    "--rows",
    type=click.Choice(["written", "live"]),
    default="written",
    show_default=True,
    help="Written into the files, or brought live from the source when migplan apply runs the bundle.",
)
@options.jobs("Connections that read rows, all on one snapshot. The files come out the same.")
@click.option(
    "--data-format",
    type=click.Choice(["copy", "insert"]),
    default="copy",
    show_default=True,
    help="COPY blocks, or INSERT statements for editors that cannot COPY.",
)
@click.option(
    "--batch", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows of one INSERT."
)
@click.option(
    "--on-conflict-do-nothing", is_flag=True, help="INSERTs that skip rows which are there already."
)
@click.option(
    "--without-digests",
    is_flag=True,
    help="Record no digests of the tables' content: `migplan verify` will count rows only.",
)
@options.sign
@click.option("--dry-run", is_flag=True, help="Say what would be written, and how large; write nothing.")
def export(
    bundle_wish: bundle_options.BundleWish,
    schema_only: bool,
    rows: str,
    jobs: int,
    data_format: str,
    batch: int,
    on_conflict_do_nothing: bool,
    without_digests: bool,
    key: Path | None,
    dry_run: bool,
) -> None:
    """Write the bundle: numbered SQL files that people review, commit and run, with psql alone if they like.

    PLAN is a file that `migplan plan` wrote, and people may have edited; else plans/NAME.yaml is used, and
    without any the plan is made on the spot. A plan that the database has drifted from in what is exported is
    refused. Catalog, definitions and rows are all of one moment of the source, and nothing is written to it.
    The files are written aside and renamed: an interrupted export leaves nothing half-made, and files that
    people edited are not overwritten without --force.

    With --rows live no row is read: each block has the query that brings its rows from the source when
    `migplan apply` runs the bundle.
    """
    from migplan.bundle.data.inserts import InsertStyle

    wish = bundle_wish
    if dry_run and (wish.check_orphans or wish.carry_orphans):
        raise click.UsageError("--dry-run writes no bundle, and orphans are looked for when one is written")
    if schema_only and wish.contents == "data":
        raise click.UsageError("--schema-only brings no rows: leave out --data-only and --rows-of")
    live = rows == "live"
    _refuse_with_live(live, schema_only, data_format, without_digests)
    settings = wish.settings
    wanted = wish.wanted(
        jobs=jobs,
        schema_only=schema_only,
        inserts=InsertStyle(batch, on_conflict_do_nothing) if data_format == "insert" else None,
        digests=not without_digests,
        live=live,
    )
    address = wish.address
    if dry_run:
        bundle_options.foreseen(address, settings, wanted)
        return
    with screen.progress("reading the catalog") as on_progress:
        found = bundle_options.exported(address, settings, wanted, on_progress)
    _show(found, key)


def _show(found: Exported, key: Path | None) -> None:
    """Say what was written, and sign it if there is a key."""
    from migplan.bundle import signing
    from migplan.bundle.paths import BundlePaths
    from migplan.report import export as report

    screen.show(report.written(found.folder, found.manifest))
    if found.stays is not None:
        same = found.stays
        screen.show([report.unchanged(found.folder, same.digest, same.uses, signed=same.signed)])
    if found.former is not None:
        former = found.former
        screen.show(report.replaced(former.digest, former.uses, former.kept))
    if key is not None:
        screen.show([f"Signature: {signing.sign(BundlePaths(found.folder).manifest, key, signing.BUNDLE)}"])


def _refuse_with_live(live: bool, schema_only: bool, data_format: str, without_digests: bool) -> None:
    """Raise UsageError where something is asked of rows that no file holds."""
    if not live:
        return
    if schema_only:
        raise click.UsageError("--schema-only brings no rows: leave out --rows live")
    if data_format == "insert":
        raise click.UsageError("live rows travel by COPY: --data-format insert is for rows that are written")
    if without_digests:
        raise click.UsageError(
            "--rows live reads no rows and records no digests: leave out --without-digests"
        )
