"""``migplan check``."""

import sys
from pathlib import Path

import click

from migplan.cli import screen
from migplan.errors import SignatureError


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
@click.option(
    "--signed-by",
    "allowed",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also demand a signature by one of these: a file of allowed signers, as ssh-keygen has it.",
)
def check(bundle: Path, allowed: Path | None) -> None:
    """Read a bundle from end to end, without a database, and say whether it is whole.

    Every file is there and has the bytes that were exported; PostgreSQL's own parser understands every
    statement; steps and rows stand where the manifest says, and as many; tables come before the keys that
    refer to them, and rows before those that need them; each file has one that rolls it back.

    Digests show that the files are as the manifest says, and not that nobody changed both: who vouches for
    the manifest is shown by a signature (migplan sign), which --signed-by demands.

    A bundle with a problem ends with exit code 1, what is no bundle at all with 2.
    """
    from migplan.bundle.check.examine import examine
    from migplan.report import check as report

    with screen.progress("reading the bundle") as on_progress:
        found = examine(bundle, on_progress)
    screen.show(report.as_text(found, bundle))
    if found.problems:
        sys.exit(1)
    if allowed is not None:
        _signed(bundle, allowed)


def _signed(bundle: Path, allowed: Path) -> None:
    """Show who signed the bundle; one that nobody signed who may is an answer, and no failure."""
    from migplan.bundle import signing
    from migplan.bundle.paths import BundlePaths

    manifest = BundlePaths(bundle).manifest
    try:
        name, _ = signing.signer(manifest, allowed, signing.BUNDLE)
    except SignatureError as error:
        screen.show([error.what])
        sys.exit(1)
    screen.show([f"signed by {name}, whom {allowed} allows"])
