"""Receipts: that a bundle was applied somewhere, and verified there, with its figures.

They stand beside the bundle, ``migrations/muva.receipts/``, to be committed with it. A receipt is for the
bundle whose digest it has, and for no other. Beside them stand the notes that runs leave as they begin: that
a target's journal names the bundle. What either names is not overwritten by the next export, but kept as
``migrations/muva.DIGEST/``, with the first eight digits of its digest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pydantic import Field, ValidationError

from migplan.bundle import manifest as manifests
from migplan.bundle.paths import BundlePaths
from migplan.errors import FileError
from migplan.files import read_json, write_whole
from migplan.postgres.address import Address
from migplan.postgres.identity import identity_of
from migplan.postgres.scratch import NAME as SCRATCH
from migplan.postgres.session import Session
from migplan.postgres.versions import dotted
from migplan.run.engine.journal import Entry, journal_reader
from migplan.yamlfile import Section

FORMAT = 1
_KEPT = re.compile(r"(.+)\.[0-9a-f]{8}", re.DOTALL)


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
    large_objects: int = 0
    notes: tuple[str, ...] = Field((), description="what the journal says of the run, such as settings")
    steps: tuple[Timing, ...] = ()

    def is_of(self, here: Whereabouts) -> bool:
        """Whether it is of this database; a receipt proves nothing about another one."""
        if here.identity and self.identity:
            return self.identity == here.identity
        return self.target == here.target


class Begun(Section):
    """That a run of a bundle began on a target, so that the target's journal names it. Never a password."""

    migplan_begun: int = FORMAT
    bundle: str
    digest: str
    target: str
    identity: str = ""
    begun_at: str


@dataclass(frozen=True, slots=True)
class Uses:
    """Who needs a bundle: the targets that it was applied to, and the receipts of throwaway servers."""

    targets: tuple[str, ...] = ()
    rehearsals: int = 0


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
    kept = _KEPT.fullmatch(bundle.resolve().name)
    if kept:  # one that an export put aside has its receipts where they were
        before = _beside(bundle, f"{kept[1]}.receipts")
        if before.is_dir():
            return before
    return _beside(bundle, f"{bundle.resolve().name}.receipts")


def _beside(bundle: Path, name: str) -> Path:
    found = bundle.resolve().with_name(name)
    said = bundle.parent / name
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
    return _written(receipt, folder_of(bundle) / f"{moment}-{_words(receipt.target)}.json")


def leave_note(name: str, digest: str, bundle: Path, session: Session) -> Path | None:
    """Note beside a bundle that a run of it begins; nothing is noted of a throwaway server."""
    if session.address.name == SCRATCH:
        return None
    note = Begun(
        bundle=name,
        digest=digest,
        target=str(session.address),
        identity=identity_of(session),
        begun_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return _written(note, folder_of(bundle) / f"begun-{digest[:8]}-{_words(note.target)}.json")


def _written(value: Section, file: Path) -> Path:
    write_whole(file, json.dumps(value.model_dump(mode="json"), indent=1) + "\n")
    return file


def _words(target: str) -> str:
    """Return what of a target's name can be a part of a file's."""
    where = target.partition(" ")[0].partition("?")[0].rpartition("@")[2]
    words = "".join(letter if letter.isalnum() else " " for letter in where).split()
    return "-".join(words)[-40:] or "target"


def uses_of(bundle: Path, digest: str) -> Uses:
    """Return who needs the bundle of that digest, as far as its folder tells."""
    every: list[Receipt | Begun] = [*found(bundle, digest), *_notes(bundle, digest)]
    lasting = [each.target for each in every if not each.target.startswith(f"{SCRATCH} (")]
    return Uses(tuple(dict.fromkeys(lasting)), len(every) - len(lasting))


def _notes(bundle: Path, digest: str) -> list[Begun]:
    read = []
    for file in sorted(folder_of(bundle).glob("begun-*.json")):
        with suppress(FileError, ValidationError):
            read.append(Begun.model_validate(read_json(file)))
    return [each for each in read if each.digest == digest]


def kept_name(bundle: Path, digest: str) -> Path:
    """Return the folder in which an export keeps a bundle that it would overwrite."""
    return _beside(bundle, f"{bundle.resolve().name}.{digest[:8]}")


def find_kept(bundle: Path, digest: str) -> Path | None:
    """Return the folder in which a bundle was kept that stood in this one; None if it is not there."""
    folder = kept_name(bundle, digest)
    try:
        return folder if manifests.digest(BundlePaths(folder).manifest) == digest else None
    except OSError:
        return None


def is_kept(folder: Path) -> bool:
    """Whether a folder is one that an export has put aside, beside the one that took its place."""
    kept = _KEPT.fullmatch(folder.resolve().name)
    return kept is not None and BundlePaths(_beside(folder, kept[1])).manifest.is_file()


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
