"""The receipt that says that a target is what its bundle says."""

from collections import Counter
from pathlib import Path

from migplan.bundle import manifest as manifests
from migplan.bundle.verified import VerifiedBundle
from migplan.postgres.address import Address
from migplan.run.bundle import receipt
from migplan.run.bundle.kept import kept_in
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.status import status_of
from migplan.verify.proved import Proofs
from migplan.verify.verification import Verification


def other_bundle(folder: Path, address: Address) -> str:
    """Return that a target has another bundle of that name than a folder, and where that is kept; or ''.

    FileError says that there is no bundle in the folder.
    """
    manifest, digest = manifests.load_with_digest(folder)
    with journal_reader(address) as reader:
        runs = reader.journal.runs() if reader.journal.exists else []
    applied = [run for run in runs if run.stands and run.bundle == manifest.name]
    if not applied or digest in {run.digest for run in applied}:
        return ""
    last = applied[-1]
    return (
        f"{folder} holds another bundle ({digest[:8]}) than run {last.run} of {last.bundle} has brought to "
        f"the target ({last.digest[:8]}, begun {last.started_at:%Y-%m-%d %H:%M}){kept_in(folder, last)}"
    )


def proofs_of(folder: Path, address: Address) -> Proofs | None:
    """Return what the target's journal has of rows that came live, by the last run of the bundle there."""
    manifest, digest = manifests.load_with_digest(folder)
    if not manifest.is_live:
        return None
    with journal_reader(address) as reader:
        runs = reader.journal.runs() if reader.journal.exists else []
        stands = [run for run in runs if run.stands and run.digest == digest]
        kept = reader.journal.proofs(stands[-1].run) if stands else {}
    return Proofs([piece for pieces in kept.values() for piece in pieces])


def receipt_of(bundle: VerifiedBundle, address: Address, proof: Verification) -> Path | None:
    """Write a receipt for a bundle that a run brought to the target, now that it is verified there."""
    status = status_of(address)
    runs = [each for each in status.runs if each.run.kind == "apply" and each.run.digest == bundle.digest]
    if not proof.holds or not runs or runs[-1].run.finished_at is None or runs[-1].run.state != "done":
        return None
    applied_by = runs[-1]
    here = receipt.whereabouts(address)
    strengths = Counter(table.strength for table in proof.tables)
    ended = applied_by.run.finished_at
    assert ended is not None
    found = receipt.Receipt(
        bundle=bundle.name,
        digest=bundle.digest,
        target=here.target,
        identity=here.identity,
        server=proof.server,
        applied_at=ended.isoformat(timespec="seconds"),
        verified_at=proof.read_at,
        rows=sum(entry.rows or 0 for entry in applied_by.entries),
        seconds=round((ended - applied_by.run.started_at).total_seconds(), 3),
        tables_by_content=strengths["content"],
        large_objects=len(bundle.manifest.large_objects),
        tables_by_count=strengths["count"],
        notes=tuple(applied_by.run.notes),
        steps=receipt.timings_of(applied_by.entries),
    )
    return receipt.save(found, bundle.paths.folder)
