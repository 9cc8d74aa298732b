"""``migplan copy``."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import bundle_options, named, options, screen

if TYPE_CHECKING:
    from migplan.bundle.verified import VerifiedBundle
    from migplan.cli.commands.apply import Applying
    from migplan.pipeline.copy import Copied
    from migplan.pipeline.export import Exported
    from migplan.progress import Progress
    from migplan.report.run import Words
    from migplan.run.bundle.apply import ApplyOptions
    from migplan.run.engine.events import OnEvent


@click.command()
@named.arguments("source", "plan")
@click.option(
    "--target",
    metavar="URL|NAME",
    help="The database to fill: a URL, a libpq connection string, or a name of migplan.yaml.",
)
@bundle_options.writing_a_bundle
@options.no_verify
@options.max_rate
@options.source_jobs
@options.no_analyze
@options.jobs("Sessions of each server that work side by side. The steps are the same, whatever the number.")
@options.lock_timeout
@options.statement_timeout
@options.retries
@click.option(
    "--dry-run", is_flag=True, help="Say what would be copied, by estimate; write and change nothing."
)
@options.without_rehearsal
@options.confirm
@options.log_format
def copy(
    bundle_wish: bundle_options.BundleWish,
    target: str | None,
    no_verify: bool,
    max_rate: int | None,
    source_jobs: int | None,
    no_analyze: bool,
    jobs: int,
    lock_timeout: float,
    statement_timeout: float,
    retries: int,
    dry_run: bool,
    without_rehearsal: bool,
    confirm: str | None,
    log_format: str,
) -> None:
    """Copy a database to a target in one go: definitions, and rows that go from server to server.

    A bundle is written that has everything but the rows, as `migplan export --rows live` does, and run at
    once, as `migplan apply BUNDLE --source SOURCE` does: by the same plan, with the same preflight, journal,
    retries and rollback. All rows are of one moment of the source. Each step's rows are read back and
    compared before they are committed; at the end every object and every sequence is compared (--no-verify
    leaves both out), and the tables are analyzed (--no-analyze does not).

    When it stops half-way, the same command goes on: with the bundle that was begun, and a new moment of the
    source. What is done and still the same there stays, the rest comes again.

    A target that differs ends with exit code 1.
    """
    from migplan.cli.commands.apply import Applying
    from migplan.pipeline.apply import LiveRowsFrom
    from migplan.pipeline.copy import copy as copied
    from migplan.run.engine.options import Limits, RunOptions

    if target is None:
        raise click.UsageError("Missing option '--target'.")
    wish = bundle_wish
    settings, source = wish.settings, wish.address
    wanted = wish.wanted(jobs=jobs, live=True)
    if dry_run:
        bundle_options.foreseen(source, settings, wanted)
        return
    address = named.resolved(target, settings)
    run_options = RunOptions(jobs, Limits(lock_timeout, statement_timeout), retries)
    applying = Applying(
        *(target, address, settings, run_options, confirm, without_rehearsal, log_format),
        source=wish.reading.source,
        analyzes=not no_analyze,
    )
    watcher = _Watcher(applying, wish.out)
    with bundle_options.ways_on(source):
        live = LiveRowsFrom(source, not no_verify, max_rate or 0, source_jobs or 0)
        found = copied(live, address, settings, wanted, watcher)
    _show(found, watcher.words(found.bundle), applying)
    if not found.holds:
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class _Watcher:
    """Shows how far the copy is."""

    applying: Applying
    out: Path | None

    def words(self, bundle: VerifiedBundle) -> Words:
        """The commands to go on with."""
        from migplan.cli import runs

        target, named_source = self.applying.target, self.applying.source
        words = runs.words_of(bundle.paths.folder, target, source=named_source)
        source = f" --source {named.as_typed(named_source)}" if named_source is not None else ""
        out = f" --out {shlex.quote(str(self.out))}" if self.out is not None else ""
        return replace(words, apply=f"migplan copy{source} --target {named.as_typed(target)}{out}")

    def writing(self) -> AbstractContextManager[Progress]:
        """Show that the bundle is written."""
        return screen.progress("reading the catalog")

    def written(self, exported: Exported | None, bundle: VerifiedBundle) -> ApplyOptions:
        """Say where the bundle is and what it lacks, and ask whether it may run."""
        from migplan.report import export as report

        folder = bundle.paths.folder
        said = f"Bundle: {folder}, without rows" if exported else f"Bundle: {folder}, which was begun"
        screen.show([said])
        if exported:
            screen.show(report.to_know(bundle.manifest, advice=False))
        return self.applying.permitted(bundle)

    @contextmanager
    def running(self, bundle: VerifiedBundle) -> Iterator[OnEvent]:
        """Show how far the run is, or how it ended."""
        from migplan.cli import runs

        with (
            runs.shown_failures(self.applying.address, self.words(bundle), bundle),
            runs.progress(self.applying.log_format) as on_event,
        ):
            yield on_event

    def verifying(self) -> AbstractContextManager[Progress]:
        """Show that the target is compared."""
        return screen.progress("verifying")


def _show(found: Copied, words: Words, applying: Applying) -> None:
    """Say what came of it."""
    from migplan.report import run as report
    from migplan.report import verification
    from migplan.run.engine.status import status_of

    proof = found.proof
    status = status_of(applying.address)
    screen.show(report.done(found.run, status, words, found.bundle.manifest, proved=proof is not None))
    if found.run.nothing_to_do:
        screen.show([f"Compare it with what came then: {words.verify}"])
    if found.bytes:
        screen.show([report.rate(found.bytes, found.run.seconds)])
    if proof is not None and proof.holds:
        screen.show([*(f"Note: {note}" for note in proof.notes), verification.closing(proof)])
    elif proof is not None:
        screen.show(["", *verification.as_text(proof)])
