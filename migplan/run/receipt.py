"""Receipts: that a bundle was applied somewhere, and verified there, with its figures.

They stand beside the bundle, ``migrations/muva.receipts/``, to be committed with it. A receipt is for the
bundle whose digest it has, and for no other.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import Field, ValidationError

from migplan.files import write_whole
from migplan.run.status import RunStatus
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


def folder_of(bundle: Path) -> Path:
    """Where the receipts of a bundle are."""
    folder = bundle.resolve()
    return folder.with_name(f"{folder.name}.receipts")


def timings_of(status: RunStatus) -> tuple[Timing, ...]:
    """The steps of a run, with what they took."""
    return tuple(
        Timing(
            file=entry.file,
            name=entry.name,
            rows=entry.rows or 0,
            seconds=round(entry.duration.total_seconds(), 3) if entry.duration else 0.0,
        )
        for entry in status.entries
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


def found(bundle: Path, digest: str) -> Sequence[Receipt]:
    """The receipts of exactly this bundle, the newest last; what is no receipt is passed over."""
    receipts = []
    for file in sorted(folder_of(bundle).glob("*.json")):
        try:
            receipt = Receipt.model_validate_json(file.read_bytes())
        except (OSError, ValidationError):
            continue
        if receipt.digest == digest and receipt.migplan_receipt == FORMAT:
            receipts.append(receipt)
    return sorted(receipts, key=lambda receipt: receipt.verified_at)
