"""``migplan sign``."""

from pathlib import Path

import click

from migplan.cli import screen
from migplan.errors import FileError


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="An SSH key: a private one, or the public one of a key that an agent holds.",
)
def sign(path: Path, key: Path) -> None:
    """Sign a bundle, or a receipt: say with an SSH key that you vouch for it.

    PATH is a bundle's folder, or the file of a receipt. Of a bundle the manifest is signed, which holds the
    digests of all other files; they are compared before. The signature stands beside the file, with .sig at
    the end of its name, and is made by `ssh-keygen -Y sign`: keys in hardware and agents work as there.

    \b
    Who may sign is a file of ssh-keygen's form, a line a person:
      ann@example.com namespaces="migplan-bundle,migplan-receipt" ssh-ed25519 AAAA...

    `migplan check --signed-by FILE` compares; with this in migplan.yaml, apply asks for signatures:

    \b
      signatures:
        allowed_signers: signers
        required: true
    """
    from migplan.bundle import signing
    from migplan.bundle.verified import load_verified
    from migplan.run.bundle import receipt

    if path.is_dir():
        file, purpose = load_verified(path).paths.manifest, signing.BUNDLE
    elif receipt.is_one(path):
        file, purpose = path, signing.RECEIPT
    else:
        raise FileError(f"{path} is neither a bundle's folder nor a receipt", file=path)
    screen.show([f"{signing.sign(file, key, purpose)} is written"])
