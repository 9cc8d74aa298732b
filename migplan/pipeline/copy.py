"""From a source to a target in one go, with a bundle in between that has everything but the rows."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.catalog.changes import State
from migplan.config import Config
from migplan.errors import FileError
from migplan.pipeline.apply import LiveRowsFrom, apply_bundle
from migplan.pipeline.export import Exported, ExportOptions, export_bundle
from migplan.pipeline.verify import proofs_of
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from migplan.progress import Progress
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.bundle.kept import FOLDER
from migplan.run.bundle.snapshot import refuse_shared
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.target import RunResult
from migplan.verify.proved import Proofs
from migplan.verify.target import verify_target
from migplan.verify.verification import Verification


@dataclass(frozen=True, slots=True)
class Copied:
    """A copy that came to its end, and what proves it."""

    bundle: VerifiedBundle
    run: RunResult
    bytes: int = 0  # that rows took on their way, now
    proof: Verification | None = None  # None: nobody wanted it, or nothing was left to do

    @property
    def holds(self) -> bool:
        """Whether nothing differs, as far as anybody looked."""
        return self.proof is None or self.proof.holds


class Watcher(Protocol):
    """Hears how far a copy is, and permits its run."""

    def writing(self) -> AbstractContextManager[Progress]:
        """Hear of the bundle that is written, for a block."""

    def written(self, exported: Exported | None, bundle: VerifiedBundle) -> ApplyOptions:
        """Permit the run of a bundle, or raise; without an export it was begun before, and goes on."""

    def running(self, bundle: VerifiedBundle) -> AbstractContextManager[OnEvent]:
        """Hear of the run, for a block."""

    def verifying(self) -> AbstractContextManager[Progress]:
        """Hear of the proof, for a block."""


def copy(
    live: LiveRowsFrom,
    target: Address,
    config: Config,
    wanted: ExportOptions,
    watcher: Watcher,
) -> Copied:
    """Plan and write a bundle without rows, run it with rows of the source, and prove what came of it.

    A run of such a bundle that was begun in the target goes on. StepError says where a run stopped.
    """
    with closing(connect(live.source)) as session:
        refuse_shared(session)  # before anything is written
    exported = None
    bundle = _begun(target, wanted)
    if bundle is None:
        with watcher.writing() as on_progress:
            exported = export_bundle(live.source, config, wanted, on_progress)
        bundle = load_verified(exported.folder)
    state: State = exported.state if exported else frozenset()
    options = watcher.written(exported, bundle)
    with watcher.running(bundle) as on_event:
        moved = _Moved(on_event)
        run = apply_bundle(bundle, target, options, moved, replace(live, state=state))
    if run.nothing_to_do or not live.proves:
        return Copied(bundle, run, moved.bytes)
    proofs = proofs_of(bundle.paths.folder, target) or Proofs()
    with watcher.verifying() as on_progress:
        proof = verify_target(
            target,
            bundle.paths.folder,
            None,
            options.options.jobs,
            on_progress,
            None,
            replace(proofs, fresh=True),
        )
    return Copied(bundle, run, moved.bytes, proof)


@dataclass
class _Moved:
    """Counts the bytes of rows on their way."""

    on_event: OnEvent
    bytes: int = 0

    def __call__(self, event: events.Event) -> None:
        if isinstance(event, events.Moved):
            self.bytes += event.bytes
        self.on_event(event)


def _begun(target: Address, wanted: ExportOptions) -> VerifiedBundle | None:
    """Return the live bundle of a run that was begun in the target and has not ended, if it is there."""
    with journal_reader(target) as reader:
        runs = reader.journal.runs() if reader.journal.exists else []
    for run in reversed([run for run in runs if run.kind == "apply" and run.is_open]):
        folder = wanted.out or Path("migrations") / str(run.before.get(FOLDER, run.bundle))
        with suppress(FileError):
            bundle = load_verified(folder)
            if bundle.digest == run.digest and bundle.manifest.is_live:
                return bundle
    return None
