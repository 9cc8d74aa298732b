"""Whether a target may be changed: one that is protected wants a rehearsal's receipt, and its name typed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from migplan import config as configuration
from migplan.config import Config
from migplan.errors import AddressError, RefusedError
from migplan.postgres import address as addresses
from migplan.postgres.address import Address
from migplan.run import receipt
from migplan.run.receipt import Receipt

without_rehearsal = click.option(
    "--without-rehearsal",
    is_flag=True,
    help="Change a protected target although no receipt says that the bundle was rehearsed; it is journaled.",
)
confirm = click.option(
    "--confirm",
    metavar="NAME",
    help="The name of a protected target, in place of typing it at a question.",
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to change a target: a bundle, or a folder of migrations."""

    name: str
    folder: Path
    digest: str
    rehearse: str  # the command with which that is rehearsed


def asked(
    target: str, address: Address, settings: Config, subject: Subject, said: str | None, unrehearsed: bool
) -> str:
    """What the journal is to say of a rehearsal; a protected target is asked about, or refused."""
    rehearsals = _rehearsals(subject, address)
    note = _note(rehearsals[-1]) if rehearsals else ""
    name = _protected(target, address, settings)
    if name is None:
        return note
    if not rehearsals:
        if not unrehearsed:
            raise RefusedError(
                f"{name} is protected, and no receipt says that {subject.name} was verified elsewhere",
                do=f"rehearse it: {subject.rehearse}; to go on all the same: --without-rehearsal",
            )
        note = "without rehearsal, by --without-rehearsal"
        click.echo(f"warning: {subject.name} goes to {name} without a rehearsal", err=True)
    _confirmed(name, said)
    return note


def _confirmed(name: str, said: str | None) -> None:
    if said is None:
        if not sys.stdin.isatty():
            raise RefusedError(
                f"{name} is protected, and nobody is here to type its name",
                do=f"say it with --confirm {name}",
            )
        said = click.prompt(f"{name} is protected. Type its name to change it", err=True)
    if said != name:
        raise RefusedError(f"{said!r} is not {name!r}: nothing was changed")


def _protected(target: str, address: Address, settings: Config) -> str | None:
    """The name under which the configuration protects this database, however it was called here."""
    for name, each in settings.targets.items():
        if each.protected and (name == target or _same(settings, name, address)):
            return name
    return None


def _same(settings: Config, name: str, address: Address) -> bool:
    try:
        url = configuration.url_of(settings, name)
        other = addresses.parse(url) if url else None
    except AddressError:
        return False  # its variable is not set: then it cannot have been meant
    keys = ("host", "hostaddr", "port", "dbname", "service")
    return other is not None and all(other.params.get(key) == address.params.get(key) for key in keys)


def _rehearsals(subject: Subject, address: Address) -> Sequence[Receipt]:
    """The receipts of what is to be run, but for those of the very target."""
    found = receipt.found(subject.folder, subject.digest)
    if not found:
        return ()
    here = receipt.whereabouts(address)
    return [each for each in found if not each.is_of(here)]


def _note(found: Receipt) -> str:
    return (
        f"rehearsed on {found.target}, verified {found.verified_at}, {found.rows:,} rows in {found.seconds} s"
    )
