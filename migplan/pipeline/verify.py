"""The receipt that says that a target is what its bundle says."""

from collections import Counter
from pathlib import Path

from migplan.bundle.verified import VerifiedBundle
from migplan.postgres.address import Address
from migplan.run.bundle import receipt
from migplan.run.engine.status import status_of
from migplan.verify.verification import Verification


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
        tables_by_count=strengths["count"],
        steps=receipt.timings_of(applied_by.entries),
    )
    return receipt.save(found, bundle.paths.folder)
