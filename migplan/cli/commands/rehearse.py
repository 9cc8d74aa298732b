"""``migplan rehearse``."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Iterator
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
    from migplan.pipeline.apply import LiveRowsFrom
    from migplan.pipeline.export import ExportOptions
    from migplan.pipeline.plan import ChosenPlan
    from migplan.pipeline.rehearse import Stage
    from migplan.pipeline.rehearse_folder import FolderRehearsal
    from migplan.postgres.address import Address


_OF_BUNDLES = dict.fromkeys(
    ("out", "jobs", "fresh", "force", "kinds", "with_needed", "without_dangling_keys", "ignored", "again"),
    "is for bundles, and a folder of migrations is rehearsed",
) | {"provided": "is for bundles: what migrations need and none of them makes comes with --on or --source"}
_OF_FOLDERS = dict.fromkeys(
    ("on", "after", "scratch", "seed", "shape"), "is for folders of migrations, and a bundle is rehearsed"
)


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
@options.on_bundle
@options.after
@options.scratch
@click.option("--seed", is_flag=True, help="Of a folder of migrations: run its seeds, too.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Of a folder of migrations: how to say what came of it.",
)
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
    on: Path | None,
    after: str,
    scratch: str | None,
    seed: bool,
    shape: str,
    log_format: str,
) -> None:
    """Go through the whole move on a target that does not matter, there and back and there again.

    BUNDLE is applied, verified and rolled back; the target must be as it was before; and it is applied once
    more. At the end stands what production will take. A receipt beside the bundle says that it was
    rehearsed: protected targets ask for it, and take no bundle with another digest.

    Without BUNDLE, the one that is there is rehearsed, as it is, and its source is not asked: migrations/NAME
    by the plan's name, or the only one under migrations/. Only where there is none, or with --fresh, it is
    exported. BUNDLE can also be a plan's file: the bundle that was made of this very plan is taken, else it
    is exported by it. The rows of a bundle that was exported with --rows live come from --source.

    BUNDLE can also be a folder of migrations that people wrote. They are run file by file on a scratch
    server, on what a bundle (--on) or a database (--source) has before them, or on a target that does not
    matter; then they are verified, rolled back one by one, each compared with what was there before it, and
    run again.

    Exit code 1 means that something did not hold, 2 that it could not be tried.
    """
    settings = options.on_platform(settings, platform)
    settings = options.with_provided(settings, provided)
    _refuse_protected(target, settings)
    if named.is_of_people(bundle):
        options.refuse_given(_OF_BUNDLES)
        of_folder = OfFolder(bundle, source, target, on, after, scratch, seed, shape == "json", log_format)
        sys.exit(of_folder.rehearse(settings))
    options.refuse_given(_OF_FOLDERS)
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
    found = asked.bundle(bundle)
    if not rehearsed(found, target, settings, jobs, log_format, _live(found, source, settings)):
        sys.exit(1)


def _live(bundle: VerifiedBundle, source: str | None, settings: Config) -> LiveRowsFrom | None:
    """Return where the rows of a bundle come from that has none; None if it has them."""
    from migplan.pipeline.apply import LiveRowsFrom

    if not bundle.manifest.is_live:
        return None
    if source is None:
        raise RefusedError(
            f"the rows of {bundle.paths.folder} come live from its source, and none was named",
            do=f"migplan rehearse {shlex.quote(str(bundle.paths.folder))} --source SOURCE",
        )
    return LiveRowsFrom(named.resolved(source, settings))


def _refuse_protected(target: str, settings: Config) -> None:
    from migplan.cli import permission
    from migplan.postgres.scratch import NAME as SCRATCH

    if target != SCRATCH:
        found = permission.protection(target, named.resolved(target, settings), settings)
        if found.name:
            raise RefusedError(
                f"{found.why}; and a rehearsal changes its target",
                do="rehearse on another target, or without --target on a throwaway server",
            )


@dataclass(frozen=True, slots=True)
class OfFolder:
    """What people said of a folder of migrations to rehearse."""

    folder: Path
    source: str | None
    target: str
    on: Path | None
    after: str
    scratch: str | None
    seeds: bool
    as_json: bool
    log_format: str

    def rehearse(self, settings: Config) -> int:
        """Rehearse it, and show it; return the exit code."""
        from migplan.cli import runs
        from migplan.cli.boundary import FAILED
        from migplan.pipeline.analyze_folder import analyze_folder
        from migplan.pipeline.rehearse_folder import FolderRehearsal
        from migplan.report import trial as report

        with ExitStack() as stack:
            on_event = stack.enter_context(runs.progress(self.log_format, quiet=True))
            lent = named.resolved(self.scratch, settings) if self.scratch is not None else None
            rehearsal = FolderRehearsal(
                analyze_folder(self.folder, settings), self.seeds, on_event, lent=lent
            )
            stages = self._shown(rehearsal, self._stages(rehearsal, settings))
        if self.as_json:
            found = rehearsal
            folder = found.analysis.folder
            said = report.as_json(folder, found.server, found.base, found.notes, found.files)
            told = [(each.name, each.seconds, each.holds, each.said, each.details) for each in stages]
            screen.show([report.stages_as_json(said, told, found.receipt)])
        elif rehearsal.receipt:
            screen.show([f"Receipt: {rehearsal.receipt}"])
        elif rehearsal.holds:
            screen.show(["No receipt: not all of the files were run here."])
        if rehearsal.holds:
            return 0
        return 1 if rehearsal.is_judged else FAILED

    def _stages(self, rehearsal: FolderRehearsal, settings: Config) -> Iterator[Stage]:
        from migplan.pipeline import trial
        from migplan.postgres.scratch import NAME as SCRATCH
        from migplan.run.migrations.trial import major_of

        if self.target != SCRATCH:
            if self.on or self.source:
                raise click.UsageError(
                    "--on and --source say what a scratch server has, and --target is none"
                )
            yield from rehearsal.on_target(named.resolved(self.target, settings))
            return
        if self.on and self.source:
            raise click.UsageError("--on and --source both say what is there before: give one of them")
        origin = named.resolved(self.source, settings) if self.source is not None else None
        base = trial.base_for(rehearsal.analysis, settings, self.on, origin)
        yield from rehearsal.on_scratch(base, major_of(origin) if origin else None, self.after)

    def _shown(self, rehearsal: FolderRehearsal, stages: Iterator[Stage]) -> list[Stage]:
        """Show each stage as it ends, and behind the first one what came of each file."""
        from migplan.report import rehearsal as stage_report
        from migplan.report import trial as report

        done = []
        for stage in stages:
            done.append(stage)
            if self.as_json:
                continue
            if len(done) == 1:
                screen.show(report.heading(rehearsal.server, rehearsal.base, rehearsal.notes))
                screen.show(report.table(rehearsal.files))
                screen.show([""])
            screen.show(
                stage_report.stage(
                    stage.name, stage.seconds, stage.said, holds=stage.holds, details=stage.details
                )
            )
        return done


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
        there = self._as_it_is(folder)
        of_export = {
            "--source": self.source is not None and not there.manifest.is_live,
            "--out": self.out is not None,
            "--fresh or --force": self.fresh,
        }
        wrong = [name for name, is_said in of_export.items() if is_said]
        if wrong := [*wrong, *self.of_export]:
            raise click.UsageError(
                f"{folder} is rehearsed as it is, and {wrong[0]} applies only when one is written"
            )
        return there

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
        """Return the bundle that is there already; it must be one of the source that was named."""
        verified = self._as_it_is(folder)
        said = str(named.resolved(self.source, self.settings)) if self.source is not None else ""
        if said and said.partition("?")[0] != verified.manifest.origin.source:
            raise RefusedError(
                f"{folder} is there already, of {verified.manifest.origin.source}, and not of {said}",
                do=f"rehearse it with: migplan rehearse {folder}; or write one of that database, with --out "
                "elsewhere, or with --fresh over it",
            )
        return verified

    def _as_it_is(self, folder: Path) -> VerifiedBundle:
        """Return the bundle of a folder; it is refused as `apply` refuses it."""
        from migplan.bundle.verified import load_verified
        from migplan.cli import permission

        verified = load_verified(folder)
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


def rehearsed(
    bundle: VerifiedBundle,
    target: str,
    settings: Config,
    jobs: int,
    log_format: str,
    live: LiveRowsFrom | None = None,
) -> bool:
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
        running = ApplyOptions(RunOptions(jobs), platform=host_of_target(settings, target), analyzes=False)
        if scratch and scratch.notes:
            said, *details = scratch.notes
            screen.show(report.stage("stand-ins", 0, said, holds=True, details=details))
        rehearsal = Rehearsal(bundle, where, running, on_event=on_progress, live=live)
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
    from migplan.report.export import replaced, unchanged

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
    if found.stays is not None:
        same = found.stays
        screen.show([unchanged(found.folder, same.digest, same.uses, signed=same.signed)])
    if found.former is not None:
        screen.show(replaced(found.former.digest, found.former.uses, found.former.kept))
    return load_verified(found.folder)
