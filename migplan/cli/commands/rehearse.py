"""``migplan rehearse``."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.errors import RefusedError

if TYPE_CHECKING:
    from migplan.bundle.verified import VerifiedBundle
    from migplan.config import Config
    from migplan.pipeline.export import ExportOptions
    from migplan.pipeline.plan import ChosenPlan
    from migplan.postgres.address import Address


@click.command()
@named.arguments("source", "bundle")
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
    help="Where the bundle is, or is written. Default: migrations/NAME, by the plan's name.",
)
@options.jobs("Sessions that work side by side, in each stage.")
@click.option("--fresh", is_flag=True, help="Write the bundle anew, though there is one already.")
@click.option("--force", is_flag=True, help="The same, also over files of the bundle that were edited.")
@options.choosing
@options.with_plan
@options.platform
@options.provided
@options.log_format
def rehearse(
    bundle: Path | None,
    source: str | None,
    target: str,
    settings: Config,
    out: Path | None,
    jobs: int,
    fresh: bool,
    force: bool,
    choice_wish: options.ChoiceWish,
    plan_wish: options.PlanWish,
    platform: str | None,
    provided: tuple[str, ...],
    log_format: str,
) -> None:
    """Go through the whole move on a target that does not matter, there and back and there again.

    BUNDLE is applied, verified and rolled back; the target must be as it was before; and it is applied once
    more. At the end stands what production will take. A receipt beside the bundle says that it was
    rehearsed: protected targets ask for it, and take no bundle with another digest.

    Without BUNDLE, the one that is there is rehearsed, as it is, and its source is not asked: migrations/NAME
    by the plan's name, or the only one under migrations/. Only where there is none, or with --fresh, it is
    exported. BUNDLE can also be a plan's file: the bundle that was made of this very plan is taken, else it
    is exported by it.

    Exit code 1 means that something did not hold, 2 that it could not be tried.
    """
    from migplan.cli import permission
    from migplan.postgres.scratch import NAME as SCRATCH

    settings = options.on_platform(settings, platform)
    settings = options.with_provided(settings, provided)
    if target != SCRATCH:
        found = permission.protection(target, named.resolved(target, settings), settings)
        if found.name:
            raise RefusedError(
                f"{found.why}; and a rehearsal changes its target",
                do="rehearse on another target, or without --target on a throwaway server",
            )
    of_export = {
        "--platform": platform is not None,
        "--provided": bool(provided),
        "--no-plan": plan_wish.ignored,
        "--replan": plan_wish.again,
        **choice_wish.said,
    }
    said = tuple(name for name, is_said in of_export.items() if is_said)
    fresh = fresh or force or plan_wish.again
    asked = Asked(source, settings, out, jobs, plan_wish, choice_wish, fresh, force, said)
    if not on(asked.bundle(bundle), target, settings, jobs, log_format):
        sys.exit(1)


@dataclass(frozen=True, slots=True)
class Asked:
    """What people said of the bundle to rehearse: which it is, or how it is written."""

    source: str | None
    settings: Config
    out: Path | None
    jobs: int
    plan_wish: options.PlanWish
    choice_wish: options.ChoiceWish
    fresh: bool
    force: bool
    of_export: tuple[str, ...] = ()  # what else was said that only an export asks

    def bundle(self, given: Path | None) -> VerifiedBundle:
        """Return the bundle that is meant: one that is there, else a new one."""
        from migplan.pipeline.rehearse import holds_bundle

        if given is not None and not given.is_file():
            return self._named(given)
        plan = self.plan_wish.find(given, self.settings)
        folder = self._folder(plan)
        if self.fresh or folder is None or not holds_bundle(folder):
            return self._exported(plan)
        there = self._there(folder)
        if unused := [name for name in self.of_export if name != "--no-plan"]:
            click.echo(
                f"note: {folder} is there, and rehearsed as it is: {unused[0]} applies only when one is "
                f"written; "
                f"migplan rehearse --fresh writes it again",
                err=True,
            )
        if plan.plan is not None and there.manifest.plan != plan.plan.digest:
            if given is not None:
                click.echo(f"note: {folder} was not made of {given} as it is now", err=True)
                return self._exported(plan)
            click.echo(
                f"note: {folder} was not made of {plan.file} as it is now; "
                f"migplan rehearse --fresh writes it again",
                err=True,
            )
        return there

    def _named(self, folder: Path) -> VerifiedBundle:
        """Return the bundle in a folder that people named; nothing that an export asks goes with it."""
        of_export = {
            "--source": self.source is not None,
            "--out": self.out is not None,
            "--fresh or --force": self.fresh,
        }
        wrong = [name for name, is_said in of_export.items() if is_said]
        if wrong := [*wrong, *self.of_export]:
            raise click.UsageError(
                f"{folder} is rehearsed as it is, and {wrong[0]} applies only when one is written"
            )
        if named.is_of_people(folder):
            raise RefusedError(
                f"{folder} is no bundle, and only bundles are rehearsed",
                do=f"try migrations out with: migplan apply {folder} --target scratch",
            )
        return self._there(folder)

    def _folder(self, plan: ChosenPlan) -> Path | None:
        """Return where the bundle is, or goes; None where only the plan that is yet to be made can tell."""
        from migplan.pipeline.rehearse import holds_bundle

        if self.out is not None:
            return self.out
        folder = Path("migrations") / (plan.plan.name if plan.plan else self.settings.plan.name)
        if holds_bundle(folder) or plan.plan is not None or self.fresh:
            return folder
        return named.default_bundle(folder.name) or folder

    def _there(self, folder: Path) -> VerifiedBundle:
        """Return the bundle of a folder; it is refused as `apply` refuses it."""
        from migplan.bundle.verified import load_verified
        from migplan.cli import permission

        verified = load_verified(folder)
        said = str(named.resolved(self.source, self.settings)) if self.source is not None else ""
        if said and said.partition("?")[0] != verified.manifest.origin.source:
            raise RefusedError(
                f"{folder} is there already, of {verified.manifest.origin.source}, and not of {said}",
                do=f"rehearse it with: migplan rehearse {folder}; or write one of that database, with --out "
                "elsewhere, or with --fresh over it",
            )
        if name := permission.signed_by(verified, self.settings):
            screen.show_aside([f"{folder} is signed by {name}"])
        return verified

    def _exported(self, plan: ChosenPlan) -> VerifiedBundle:
        from migplan.bundle.options import Options
        from migplan.pipeline.analyze import read_catalog
        from migplan.pipeline.export import ExportOptions

        address = named.resolved(self.source, self.settings)
        plan = self.plan_wish.settled(plan, self.settings, lambda counts: read_catalog(address, counts))
        wished = Options(jobs=self.jobs, choice=self.choice_wish.choice())
        wanted = ExportOptions(out=self.out, options=wished, force=self.force, plan=plan)
        with options.ways_on(address):
            return _bundle(address, self.settings, wanted)


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

    screen.show([report.opening(bundle.paths.folder, bundle.digest, bundle.manifest)])
    with ExitStack() as stack:
        scratch = stack.enter_context(scratch_for(bundle)) if target == SCRATCH else None
        where = scratch.address if scratch else named.resolved(target, settings)
        stack.enter_context(
            runs.shown_failures(
                where, runs.words_of(bundle.paths.folder, target, gone=scratch is not None), bundle
            )
        )
        on_progress = stack.enter_context(runs.progress(log_format, quiet=True))
        running = ApplyOptions(RunOptions(jobs), platform=host_of_target(settings, target))
        if scratch and scratch.notes:
            said, *details = scratch.notes
            screen.show(report.stage("stand-ins", 0, said, holds=True, details=details))
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
    from migplan.report.export import replaced

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
        found = export_bundle(source, settings, replace(wanted, exactness=exactness), on_progress)
    said = f"{found.folder}: {len(found.manifest.files)} files, {found.manifest.rows:,} rows"
    screen.show(report.stage("export", time.monotonic() - started, said, holds=True))
    if found.former is not None:
        screen.show(replaced(found.former.digest, found.former.uses, found.former.kept))
    return load_verified(found.folder)
