"""``migplan rehearse``."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import options, screen
from migplan.errors import RefusedError

if TYPE_CHECKING:
    from migplan.bundle.verified import VerifiedBundle
    from migplan.config import Config
    from migplan.pipeline.export import ExportOptions
    from migplan.postgres.address import Address


@click.command()
@options.arguments("source", "plan")
@options.source
@click.option(
    "--target",
    default="scratch",
    show_default=True,
    metavar="URL|NAME",
    help="Where to rehearse: a throwaway server of our own, or an empty database.",
)
@options.config
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where the bundle goes. Default: migrations/NAME, by the plan's name.",
)
@options.jobs("Sessions that work side by side, in each stage.")
@click.option("--force", is_flag=True, help="Overwrite files of the bundle that were edited.")
@options.no_plan
@options.platform
@options.provided
@options.log_format
def rehearse(
    plan: Path | None,
    source: str | None,
    target: str,
    settings: Config,
    out: Path | None,
    jobs: int,
    force: bool,
    no_plan: bool,
    platform: str | None,
    provided: tuple[str, ...],
    log_format: str,
) -> None:
    """Go through the whole move on a target that does not matter, there and back and there again.

    The plan is checked against the source, the bundle is exported, applied, verified and rolled back; the
    target must be as it was before; and the bundle is applied once more. At the end stands what production
    will take. A receipt beside the bundle says that it was rehearsed: protected targets ask for it.

    Exit code 1 means that something did not hold, 2 that it could not be tried.
    """
    from migplan.bundle.options import Options
    from migplan.cli import permission
    from migplan.pipeline.export import ExportOptions
    from migplan.postgres.scratch import NAME as SCRATCH

    settings = options.on_platform(settings, platform)
    settings = options.with_provided(settings, provided)
    address = options.resolved(source, settings)
    if target != SCRATCH:
        found = permission.protection(target, options.resolved(target, settings), settings)
        if found.name:
            raise RefusedError(f"{found.why}; and a rehearsal changes its target", do="use another one")
    chosen = options.chosen_plan(plan, settings, ignored=no_plan)
    wanted = ExportOptions(out=out, options=Options(jobs=jobs), force=force, plan=chosen)
    bundle = _bundle(address, settings, wanted)
    if not on(bundle, target, settings, jobs, log_format):
        sys.exit(1)


def on(bundle: VerifiedBundle, target: str, settings: Config, jobs: int, log_format: str) -> bool:
    """Rehearse a bundle, and show it; whether everything held."""
    from migplan.cli import runs
    from migplan.pipeline.apply import scratch_for
    from migplan.pipeline.platforms import host_of_target
    from migplan.pipeline.rehearse import Rehearsal
    from migplan.postgres.scratch import NAME as SCRATCH
    from migplan.report import rehearsal as report
    from migplan.run.bundle.apply import ApplyOptions
    from migplan.run.engine.options import RunOptions

    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_for(bundle)) if target == SCRATCH else None
        where = scratch.address if scratch else options.resolved(target, settings)
        stack.enter_context(
            runs.shown_failures(
                where, runs.words_of(bundle.paths.folder, target, gone=scratch is not None), bundle
            )
        )
        on_progress = stack.enter_context(runs.progress(log_format, quiet=True))
        running = ApplyOptions(RunOptions(jobs), platform=host_of_target(settings, target))
        rehearsal = Rehearsal(bundle, where, running, on_event=on_progress)
        for stage in rehearsal.stages():
            screen.show(
                report.stage(stage.name, stage.seconds, stage.said, holds=stage.holds, details=stage.details)
            )
        if rehearsal.timings:
            screen.show(
                report.summary(
                    rehearsal.timings,
                    rehearsal.seconds,
                    jobs,
                    rehearsal.warnings,
                    scratch=scratch is not None,
                )
            )
        return rehearsal.holds


def _bundle(source: Address, settings: Config, wanted: ExportOptions) -> VerifiedBundle:
    """Check the plan, if there is one, and export."""
    from migplan.bundle.verified import load_verified
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.analyze import read_catalog
    from migplan.pipeline.export import export_bundle
    from migplan.pipeline.plan import find_drift
    from migplan.report import rehearsal as report

    plan = wanted.plan.file
    if plan is not None:
        started = time.monotonic()
        drifted = find_drift(plan, read_catalog(source, Exactness.ESTIMATE), settings)
        said = f"{plan} fits" if not drifted else f"{plan} no longer fits"
        screen.show(
            report.stage("plan", time.monotonic() - started, said, holds=not drifted, details=drifted)
        )
        if drifted:
            sys.exit(1)
    started = time.monotonic()
    exactness = Exactness.ESTIMATE if plan else Exactness.AUTO
    with screen.progress("exporting") as on_progress:
        folder, manifest = export_bundle(source, settings, replace(wanted, exactness=exactness), on_progress)
    said = f"{folder}: {len(manifest.files)} files, {manifest.rows:,} rows"
    screen.show(report.stage("export", time.monotonic() - started, said, holds=True))
    return load_verified(folder)
