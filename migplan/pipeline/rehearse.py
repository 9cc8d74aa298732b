"""A rehearsal: the whole move on a target that does not matter, there and back and there again.

Each stage is told as it ends. A stage whose answer is no is the last one.
"""

import shlex
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from migplan.bundle.paths import BundlePaths
from migplan.bundle.verified import VerifiedBundle
from migplan.catalog.compare import differences
from migplan.catalog.large_objects import read_large_objects
from migplan.catalog.roles import read_roles
from migplan.errors import RefusedError
from migplan.pipeline import analyze, verify
from migplan.pipeline.apply import LiveRowsFrom, apply_bundle
from migplan.postgres.address import Address
from migplan.postgres.session import connect
from migplan.progress import Progress, no_progress
from migplan.run.bundle.apply import ApplyOptions
from migplan.run.bundle.kept import LocalBundle
from migplan.run.bundle.receipt import Timing, timings_of
from migplan.run.engine import events
from migplan.run.engine.events import OnEvent
from migplan.run.engine.journal import journal_reader
from migplan.run.engine.status import status_of
from migplan.run.engine.target import RunResult
from migplan.run.undo.rollback import RollbackOptions, rollback
from migplan.text.wording import counted
from migplan.verify.target import verify_target

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Stage:
    """What was done, and what came of it."""

    name: str
    seconds: float
    said: str
    holds: bool = True
    details: tuple[str, ...] = ()


@dataclass
class Rehearsal:
    """A bundle being rehearsed; what it is worth knowing afterwards gathers here."""

    bundle: VerifiedBundle
    target: Address
    running: ApplyOptions
    on_progress: Progress = no_progress
    on_event: OnEvent = events.ignore
    live: LiveRowsFrom | None = None  # of a bundle without rows
    warnings: list[str] = field(default_factory=list)
    timings: tuple[Timing, ...] = ()
    seconds: float = 0.0  # of the apply, as a whole
    holds: bool = True

    def stages(self) -> Iterator[Stage]:
        """Apply, verify, roll back, look that all is as it was, and apply again."""
        self._refuse_runs()
        before, beside = analyze.read_catalog(self.target), self._beside()
        for stage in (self._apply, self._verify, self._roll_back):
            yield self._kept(stage())
            if not self.holds:
                return
        seconds, after = timed(lambda: analyze.read_catalog(self.target))
        found = [*map(str, differences(before, after)), *_changed(beside, self._beside())]
        said = "the target is as it was before"
        if found:
            said = f"{counted(len(found), 'thing')} {'is' if len(found) == 1 else 'are'} not as before"
        yield self._kept(Stage("compare", seconds, said, not found, tuple(found)))
        if self.holds:
            yield self._kept(self._apply_again())

    def _beside(self) -> frozenset[str]:
        """Those of the bundle's roles and large objects that are there, which no catalog has."""
        manifest = self.bundle.manifest
        with connect(self.target) as session:
            roles = read_roles(session, (role.name for role in manifest.made_roles)).roles
            large = read_large_objects(session, manifest.large_objects) if manifest.large_objects else ()
        return frozenset(f"role {each.name}" for each in roles) | {
            f"large object {each.oid}" for each in large
        }

    def _refuse_runs(self) -> None:
        """Raise RefusedError if the target holds a run: its rollback would be part of the rehearsal."""
        with journal_reader(self.target) as reader:
            runs = reader.journal.runs() if reader.journal.exists else []
        if stands := [run for run in runs if run.stands]:
            raise RefusedError(
                f"{self.target} holds what run {stands[-1].run} ({stands[-1].bundle}) brought, and a "
                "rehearsal would roll it back",
                do="use an empty database, or scratch; or roll it back: migplan rollback --target "
                + shlex.quote(self.target.name or "TARGET"),
            )

    def _apply(self) -> Stage:
        seconds, done = timed(self._applied)
        status = status_of(self.target)
        run = next(each for each in status.runs if each.run.run == done.run.run)
        self.timings = timings_of(run.entries)
        self.seconds = done.seconds
        return Stage("apply", seconds, self._brought(done))

    def _verify(self) -> Stage:
        jobs, folder = self.running.options.jobs, self.bundle.paths.folder
        proofs = verify.proofs_of(folder, self.target)
        seconds, found = timed(
            lambda: verify_target(self.target, folder, None, jobs, self.on_progress, None, proofs)
        )
        if found.holds:
            receipt = verify.receipt_of(self.bundle, self.target, found)
            said = f"every check holds; receipt {receipt}" if receipt else "every check holds"
            return Stage("verify", seconds, said)
        wrong = tuple(map(str, found.differences))
        return Stage("verify", seconds, counted(len(wrong), "difference"), holds=False, details=wrong)

    def _roll_back(self) -> Stage:
        seconds, gone = timed(
            lambda: rollback(LocalBundle.of(self.bundle), self.target, RollbackOptions(), self.on_event)
        )
        return Stage("rollback", seconds, f"{counted(gone.steps, 'step')} rolled back")

    def _apply_again(self) -> Stage:
        seconds, done = timed(self._applied)
        return Stage("apply again", seconds, self._brought(done))

    def _brought(self, done: RunResult) -> str:
        large = len(self.bundle.manifest.large_objects)
        more = f", {counted(large, 'large object')}" if large else ""
        return f"{counted(done.steps, 'step')}, {counted(done.rows, 'row')}{more}"

    def _applied(self) -> RunResult:
        return apply_bundle(self.bundle, self.target, self.running, self._listen, self.live)

    def _listen(self, event: events.Event) -> None:
        if isinstance(event, events.Warned | events.Noticed) and event.text not in self.warnings:
            self.warnings.append(event.text)
        self.on_event(event)

    def _kept(self, stage: Stage) -> Stage:
        self.holds = self.holds and stage.holds
        return stage


def holds_bundle(folder: Path) -> bool:
    """Whether there is a bundle in a folder, whole or not."""
    return BundlePaths(folder).manifest.exists()


def _changed(before: frozenset[str], after: frozenset[str]) -> list[str]:
    return [f"{each}: still there" for each in sorted(after - before)] + [
        f"{each}: gone" for each in sorted(before - after)
    ]


def timed(work: Callable[[], Value]) -> tuple[float, Value]:
    """Return how many seconds something took, and what it returned."""
    started = time.monotonic()
    found = work()
    return time.monotonic() - started, found
