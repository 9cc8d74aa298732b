"""Whether what is to be run was signed by somebody whom the configuration allows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from migplan.bundle import signing
from migplan.bundle.verified import VerifiedBundle
from migplan.config import Config
from migplan.errors import SignatureError
from migplan.run.bundle.receipt import Receipt

key = click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Sign what is written with this SSH key: a private one, or the public one of a key in the agent.",
)


def demanded(bundle: VerifiedBundle, settings: Config) -> str:
    """Who signed a bundle, where the configuration names allowed signers; SignatureError if nobody did."""
    wanted = settings.signatures
    if not wanted.allowed_signers:
        return ""
    manifest = bundle.paths.manifest
    if not wanted.required and not signing.signature_of(manifest).exists():
        click.echo(f"warning: {bundle.paths.folder} is not signed", err=True)
        return ""
    name, content = signing.signer(manifest, Path(wanted.allowed_signers), signing.BUNDLE)
    # What is run is what was signed, also where somebody was quick between the two.
    if hashlib.sha256(content).hexdigest() != bundle.digest:
        raise SignatureError(f"{manifest} was changed while it was read", do="find out who does that")
    return name


def vouched_for(receipt: Receipt, file: Path, settings: Config) -> bool:
    """Whether a receipt counts: where signatures are required, only one that somebody signed who may."""
    wanted = settings.signatures
    if not wanted.required:
        return True
    try:
        _, content = signing.signer(file, Path(wanted.allowed_signers), signing.RECEIPT)
        return Receipt.model_validate_json(content) == receipt
    except (SignatureError, ValueError) as error:
        said = error.what if isinstance(error, SignatureError) else f"{file} was changed while it was read"
        click.echo(f"warning: a receipt does not count: {said}", err=True)
        return False
