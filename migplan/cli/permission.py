"""Whether a target may be changed: signatures, and for a protected one a rehearsal's receipt and its name."""

import hashlib
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from migplan import config as configuration
from migplan.bundle import signing
from migplan.bundle.verified import VerifiedBundle
from migplan.config import Config
from migplan.errors import MigplanError, RefusedError, SignatureError
from migplan.postgres import address as addresses
from migplan.postgres.address import Address
from migplan.postgres.identity import Identity, who_is
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.run.bundle import receipt
from migplan.run.bundle.receipt import Receipt
from migplan.run.engine.journal import journal_reader


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to change a target: a bundle, or a folder of migrations."""

    name: str
    folder: Path
    digest: str
    rehearse: str  # the command with which that is rehearsed


@dataclass(frozen=True, slots=True)
class Protection:
    """Whether a database is protected, by what it is and not by how it was called."""

    name: str = ""  # what people have to type; empty: nothing
    why: str = ""
    doubtful: bool = False  # a protected target could not be asked whether it is this database

    @property
    def mark(self) -> str:
        """The name that the database's own journal is to remember."""
        return "" if self.doubtful else self.name

    def confirm(self, said: str | None) -> None:
        """Have the name typed, or compare it with what ``--confirm`` says; RefusedError if it is another."""
        if not self.name:
            return
        if said is None:
            if not sys.stdin.isatty():
                raise RefusedError(
                    f"{self.why}, and nobody is here to type its name",
                    do=f"say it with --confirm {shlex.quote(self.name)}; --yes does not say it",
                )
            said = click.prompt(f"{self.why}. Type {self.name} to change it", err=True)
        if said != self.name:
            raise RefusedError(f"{said!r} is not {self.name!r}: nothing was changed")


@dataclass(frozen=True, slots=True)
class Granted:
    """That a target may be changed."""

    protected_as: str = ""
    rehearsal: str = ""  # what the journal is to say of one


def asked(
    target: str, address: Address, settings: Config, subject: Subject, said: str | None, unrehearsed: bool
) -> Granted:
    """Have a protected target confirmed, and a rehearsal's receipt shown; RefusedError if either is not."""
    rehearsals = _rehearsals(subject, address, settings)
    note = _note(rehearsals[-1]) if rehearsals else ""
    found = protection(target, address, settings)
    if not found.name:
        return Granted("", note)
    if not rehearsals and not found.doubtful:
        if not unrehearsed:
            raise RefusedError(
                f"{found.why}, and no receipt says that {subject.name} was verified elsewhere",
                do=f"rehearse it: {subject.rehearse}; to go on all the same: --without-rehearsal",
            )
        note = "without rehearsal, by --without-rehearsal"
        click.echo(f"warning: {subject.name} goes to {found.name} without a rehearsal", err=True)
    found.confirm(said)
    return Granted(found.mark, note)


def protection(target: str, address: Address, settings: Config) -> Protection:
    """Whether a database is protected: as one that migplan.yaml protects, or by its own journal."""
    if target == SCRATCH:
        return Protection()
    protected = [name for name, each in settings.targets.items() if each.protected]
    if target in protected:
        return Protection(target, f"{target} is protected")
    with journal_reader(address) as reader:
        here = who_is(reader.session)
        marks = reader.journal.protections
    unknown = []
    for name in protected:
        there = _asked_for(name, settings)
        if isinstance(there, str):
            unknown.append(f"{name} is protected, and cannot be asked whether it is this database ({there})")
        elif there.is_that_of(here):
            return Protection(name, f"{address} is {name}, which is protected")
    if marks:
        return Protection(marks[-1], f"{address} is protected, as {marks[-1]}, says its journal")
    if unknown and target not in settings.targets:
        database = address.params.get("dbname", "") or "yes"
        return Protection(database, unknown[0], doubtful=True)
    return Protection()


def _asked_for(name: str, settings: Config) -> Identity | str:
    """Which database a target of migplan.yaml is; or why that cannot be told."""
    try:
        url = configuration.url_of(settings, name)
        there = addresses.parse(url, name=name) if url else None
        if there is None:
            return "it has no address"
        with journal_reader(there) as reader:
            return who_is(reader.session)
    except MigplanError as error:
        return error.what.splitlines()[0]


def _rehearsals(subject: Subject, address: Address, settings: Config) -> Sequence[Receipt]:
    """The receipts of what is to be run, but for those of the very target."""
    found = receipt.found(
        subject.folder, subject.digest, lambda each, file: vouched_for(each, file, settings)
    )
    if not found:
        return ()
    here = receipt.whereabouts(address)
    return [each for each in found if not each.is_of(here)]


def _note(found: Receipt) -> str:
    return (
        f"rehearsed on {found.target}, verified {found.verified_at}, {found.rows:,} rows in {found.seconds} s"
    )


def signed_by(bundle: VerifiedBundle, settings: Config) -> str:
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
