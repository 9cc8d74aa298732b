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
@click.option(
    "--accept",
    "accepting",
    is_flag=True,
    help="Show what was edited by hand since, and seal the bundle anew as it is now.",
)
@click.option("--yes", is_flag=True, help="With --accept: seal it without asking.")
def check(bundle: Path, allowed: Path | None, accepting: bool, yes: bool) -> None:
    """Read a bundle from end to end, without a database, and say whether it is whole.

    Every file is there and has the bytes that were exported; PostgreSQL's own parser understands every
    statement; steps and rows stand where the manifest says, and as many; whatever a statement needs (a table,
    a column, a sequence, a type, a function) is made before it, or is the target's; rows come before those
    that need them; each file has one that rolls it back.

    Digests show that the files are as the manifest says, and not that nobody changed both: who vouches for
    the manifest is shown by a signature (migplan sign), which --signed-by demands.

    With --accept, files that were edited on purpose become the bundle: the difference is shown, and you are
    asked. A throwaway server loads the bundle as it is now, says what comes out, and rolls it back: an edit
    that does not load, or that the files in rollback/ do not take back, is refused. The manifest keeps the
    digest of before in its history; a signature of before is gone, and receipts of before do not count.

    Of a bundle whose rows come live (export --rows live), definitions may be edited like that, and the
    queries that bring rows: a WHERE that leaves some out, an expression in place of a column. The source is
    asked whether they fit when the bundle is applied.

    A bundle with a problem ends with exit code 1, what is no bundle at all with 2.
    """
    from migplan.bundle.check.examine import examine
    from migplan.report import check as report

    if yes and not accepting:
        raise click.UsageError("--yes goes with --accept")
    if accepting:
        if allowed is not None:
            raise click.UsageError("--accept removes the signature, so --signed-by does not go with it")
        _accept(bundle, yes=yes)
        return
    with screen.progress("reading the bundle") as on_progress:
        found = examine(bundle, on_progress)
    screen.show(report.as_text(found, bundle))
    if found.problems:
        sys.exit(1)
    if allowed is not None:
        _signed(bundle, allowed)


def _accept(bundle: Path, *, yes: bool) -> None:
    """Show what was edited, have it confirmed, and seal the bundle anew."""
    from migplan.bundle import signing
    from migplan.bundle.check.edits import edits_of
    from migplan.bundle.manifest import load_with_digest
    from migplan.bundle.paths import BundlePaths
    from migplan.pipeline.accept import accept
    from migplan.report import check as report
    from migplan.run.bundle import receipt

    edits = edits_of(bundle)
    if not edits.changes:
        screen.show([f"{bundle} is as its manifest says: there is nothing to accept"])
        return
    uses = receipt.uses_of(bundle, edits.digest)
    signed = signing.signature_of(BundlePaths(bundle).manifest).exists()
    screen.show(report.edited(edits, bundle, uses, signed=signed))
    if not yes:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to be asked: --yes accepts it without asking")
        click.confirm("Seal the bundle as it is now?", abort=True)
    with screen.progress("reading the bundle") as on_progress:
        accept(bundle, edits, on_progress)
    screen.show(report.accepted(bundle, edits, load_with_digest(bundle)[1], signed=signed))


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
