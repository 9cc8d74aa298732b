"""``migplan verify``."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.errors import JournalError

if TYPE_CHECKING:
    from migplan.config import Config
    from migplan.verify.verification import Verification


_OF_BUNDLES = {
    "source": "is for bundles: a folder of migrations is not made from a database",
    "jobs": "is for bundles: a folder of migrations is verified by one session",
}
"""Options that say nothing of a folder of migrations, and why."""


@click.command()
@named.arguments("target", "bundle", needed=frozenset({"target"}))
@options.target
@click.option(
    "--source",
    metavar="URL|NAME",
    help="Compare with the live source, too, at one moment of each.",
)
@click.option(
    "--scratch",
    metavar="URL|NAME",
    envvar="MIGPLAN_SCRATCH",
    show_envvar=True,
    help="A server of the target's version on which a database may be made, and dropped again, to read "
    "definitions on. Default: a throwaway server of our own, where one is needed.",
)
@options.config
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json", "markdown"]),
    default="text",
    show_default=True,
    help="How to say it.",
)
@options.jobs("Connections to each server that compute digests, all on one snapshot.")
@options.sign
@click.option(
    "--report",
    "report_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Of a folder: write the report that teams hand on, in Markdown.",
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Of a folder: compare what its migrations have nothing to do with, too.",
)
def verify(
    bundle: Path | None,
    target: str,
    source: str | None,
    scratch: str | None,
    settings: Config,
    shape: str,
    jobs: int,
    key: Path | None,
    report_file: Path | None,
    everything: bool,
) -> None:
    """Prove that a target is what its bundle says, and change nothing there.

    BUNDLE is a bundle's folder; without one, migrations/NAME by the plan's name is meant, or the only one
    under migrations/. Rows are counted, and their content is compared by digests that the server computes;
    every foreign key is looked at row by row; sequences must be beyond their columns; and every object is
    compared with the one that was exported. Rows that differ are named by their keys, as far as can be told.

    A server prints a definition from its own tree, and may print one in two ways: where texts differ, the
    bundle's definitions are built on a scratch server of the target's version, and what that prints is what
    the target must print. Without such a server, the difference is said with that reason, and counts.

    BUNDLE can also be a folder of migrations that people wrote: those that are applied run on a scratch
    server, too, and what they made or changed there is what the target must have; the verify part of each is
    run. Without a server it is judged by the names in their SQL alone, and said so.

    A target that differs ends with exit code 1, and each difference has its name.
    """
    from migplan.bundle import signing
    from migplan.bundle.verified import load_verified
    from migplan.pipeline.verify import other_bundle, proofs_of, receipt_of
    from migplan.report import verification as report
    from migplan.verify.target import verify_target

    if named.is_of_people(bundle):
        from migplan.cli import migrations as folders

        options.refuse_given(_OF_BUNDLES)
        lent = named.resolved(scratch, settings) if scratch is not None else None
        wanted = folders.VerifyOptions(shape, report_file, lent, everything, key)
        if not folders.verify(bundle, named.resolved(target, settings), settings, wanted):
            sys.exit(1)
        return
    if report_file is not None or everything:
        raise click.UsageError("--report and --all are for folders of migrations, and this is a bundle")
    folder = named.bundle_folder(bundle, settings)
    address = named.resolved(target, settings)
    origin = named.resolved(source, settings) if source is not None else None
    lent = named.resolved(scratch, settings) if scratch is not None else None
    with screen.progress("verifying") as on_progress:
        proofs = proofs_of(folder, address)
        found = verify_target(address, folder, origin, jobs, on_progress, lent, proofs)
    with suppress(JournalError):  # which concerns nobody who only compares
        if other := other_bundle(folder, address):
            found = replace(found, notes=(*found.notes, other))
    match shape:
        case "json":
            screen.show(report.as_json(found))
        case "markdown":
            screen.show(report.as_markdown(found))
        case _:
            screen.show(report.as_text(found))
            _show_way(found, folder, target)
    receipt = receipt_of(load_verified(folder), address, found) if found.holds else None
    if receipt and shape == "text":
        screen.show([f"Receipt: {receipt}"])
    if receipt and key is not None:
        screen.show_aside([f"Signature: {signing.sign(receipt, key, signing.RECEIPT)}"])
    if not found.holds:
        sys.exit(1)


def _show_way(found: Verification, folder: Path, target: str) -> None:
    """Show the command that brings a bundle of which the target has nothing."""
    from migplan.bundle.manifest import load
    from migplan.cli import runs

    if found.lacks_tables:
        live = " --source SOURCE" if load(folder).is_live else ""
        screen.show([f"Apply it with: {runs.words_of(folder, target).apply}{live}"])
