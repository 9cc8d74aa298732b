"""Receipts: that a bundle was applied somewhere, and verified there, with its figures.

They stand beside the bundle, ``migrations/muva.receipts/``, to be committed with it. A receipt is for the
bundle whose digest it has, and for no other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, ValidationError

from migplan.errors import FileError
from migplan.files import read_json, write_whole
from migplan.postgres.address import Address
from migplan.postgres.identity import identity_of
from migplan.postgres.versions import dotted
from migplan.run.engine.journal import Entry, journal_reader
from migplan.yamlfile import Section

FORMAT = 1


class Timing(Section):
    """A step, and what it took."""

    file: str
    name: str
    rows: int
    seconds: float


class Receipt(Section):
    """What was applied and verified, where, when and how fast. Never a password."""

    migplan_receipt: int = FORMAT
    bundle: str
    digest: str = Field(description="SHA-256 of the bundle's manifest, or of all migrations of a folder")
    target: str
    identity: str = Field("", description="digest of the server's and the database's own numbers")
    server: str
    applied_at: str
    verified_at: str
    rows: int
    seconds: float = Field(description="from the first step to the last")
    tables_by_content: int = Field(0, description="tables whose rows were compared by digest")
    tables_by_count: int = Field(0, description="tables whose rows were only counted")
    steps: tuple[Timing, ...] = ()

    def is_of(self, here: Whereabouts) -> bool:
        """Whether it is of this database; a receipt proves nothing about another one."""
        if here.identity and self.identity:
            return self.identity == here.identity
        return self.target == here.target


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The identity of a database."""

    target: str
    identity: str  # empty where the role may not ask for it
    server: str


def whereabouts(address: Address) -> Whereabouts:
    """Return the identity of the database at an address."""
    with journal_reader(address) as reader:
        identity = identity_of(reader.session)
        return Whereabouts(str(address), identity, dotted(reader.session.version))


def folder_of(bundle: Path) -> Path:
    """Return the folder of a bundle's receipts, which is beside the bundle."""
    folder = bundle.resolve()
    found = folder.with_name(f"{folder.name}.receipts")
    said = bundle.parent / found.name
    return said if said.resolve() == found else found  # "." and links stand somewhere else


def timings_of(entries: Iterable[Entry]) -> tuple[Timing, ...]:
    """Return the time that each step took, of those that are done."""
    return tuple(
        Timing(
            file=entry.file,
            name=entry.name,
            rows=entry.rows or 0,
            seconds=round(entry.duration.total_seconds(), 3) if entry.duration else 0.0,
        )
        for entry in entries
        if entry.state == "done"
    )


def save(receipt: Receipt, bundle: Path) -> Path:
    """Write a receipt beside its bundle."""
    moment = receipt.verified_at.replace(":", "").replace("-", "")[:15]
    where = receipt.target.partition(" ")[0].partition("?")[0].rpartition("@")[2]
    words = "".join(letter if letter.isalnum() else " " for letter in where).split()
    file = folder_of(bundle) / f"{moment}-{'-'.join(words)[-40:] or 'target'}.json"
    write_whole(file, json.dumps(receipt.model_dump(mode="json"), indent=1) + "\n")
    return file


def is_one(file: Path) -> bool:
    """Whether a file holds a receipt."""
    return _read(file) is not None


def found(
    bundle: Path, digest: str, counts: Callable[[Receipt, Path], bool] = lambda _receipt, _file: True
) -> Sequence[Receipt]:
    """Return the receipts of exactly this bundle that count, the newest last.

    Skip files that are not receipts.
    """
    receipts = []
    for file in sorted(folder_of(bundle).glob("*.json")):
        receipt = _read(file)
        if receipt and receipt.digest == digest and counts(receipt, file):
            receipts.append(receipt)
    return sorted(receipts, key=lambda receipt: receipt.verified_at)


def _read(file: Path) -> Receipt | None:
    try:
        receipt = Receipt.model_validate(read_json(file))
    except (FileError, ValidationError):
        return None
    return receipt if receipt.migplan_receipt == FORMAT else None
