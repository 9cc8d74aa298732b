"""``migplan apply``."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.text import Text

from migplan.cli import named, options, screen
from migplan.errors import RefusedError
from migplan.names import quoted

if TYPE_CHECKING:
    from migplan.bundle.verified import VerifiedBundle
    from migplan.cli import permission
    from migplan.config import Config
    from migplan.pipeline.apply import LiveRowsFrom
    from migplan.postgres.address import Address
    from migplan.postgres.scratch import Scratch
    from migplan.report.run import Words
    from migplan.run.bundle.apply import ApplyOptions
    from migplan.run.engine.options import RunOptions


_OF_BUNDLES = {
    "jobs": "is for bundles: migrations run one after the other",
    "keep": "is for bundles: a folder of migrations leaves nothing on the server of the target scratch",
    "check_orphans": "is for bundles, whose rows are known before they come in",
    "carry_orphans": "is for bundles, whose keys are added after the rows",
    "source": "is for bundles whose rows come live",
    "no_verify": "is for bundles whose rows come live",
    "max_rate": "is for bundles whose rows come live",
    "source_jobs": "is for bundles whose rows come live",
    "no_analyze": "is for bundles, which say what they have filled",
}
"""Options that say nothing of a folder of migrations, and why."""


@dataclass(frozen=True, slots=True)
class _OfFolder:
    """The options that are for folders of migrations alone."""

    to: str
    reorder: bool
    trust_names: bool
    seed: bool
    strict: bool
    verify: bool
    repair: bool
    adopt: bool
    yes: bool
    no_try: bool
    scratch: str | None

    def apply(
        self,
        folder: Path,
        target: str,
        settings: Config,
        run_options: RunOptions,
        confirm: str | None,
        *,
        without_rehearsal: bool,
        dry_run: bool,
        log_format: str,
    ) -> None:
        """Apply a folder."""
        if self.yes and not (self.repair or self.adopt):
            raise click.UsageError(
                "--yes goes with --repair and --adopt: apply asks nothing else that it would answer"
            )
        from migplan.cli import migrations as folders
        from migplan.run.migrations.apply import MigrateOptions

        if self.adopt:
            self._refuse_with_adopt()
            asked = folders.Adopting(self.to, self.scratch, confirm, without_rehearsal, self.yes, dry_run)
            folders.adopt(folder, target, settings, run_options, asked)
            return
        folders.apply(
            folder,
            target,
            settings,
            MigrateOptions(self.to, self.seed, self.reorder, verify=self.verify, options=run_options),
            confirm=confirm,
            without_rehearsal=without_rehearsal,
            strict=self.strict,
            trust_names=self.trust_names,
            repair=self.repair,
            yes=self.yes,
            tries=not self.no_try,
            scratch=self.scratch,
            dry_run=dry_run,
            log_format=log_format,
        )

    def _refuse_with_adopt(self) -> None:
        """Raise UsageError if one is given that says how migrations run."""
        running = ("reorder", "trust_names", "seed", "strict", "verify", "repair", "no_try")
        if given := [f"--{each.replace('_', '-')}" for each in running if getattr(self, each)]:
            raise click.UsageError(f"{', '.join(given)}: with --adopt nothing runs on the target")

    def refuse(self) -> None:
        """Raise UsageError if one is given, for a bundle."""
        context = click.get_current_context()
        given = [
            f"--{each.name.replace('_', '-')}"
            for each in fields(self)
            if context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE
        ]
        if given:
            raise click.UsageError(f"{', '.join(given)}: for folders of migrations, and this is a bundle")


def _of_folders(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options as one argument, ``of_folder``."""

    @click.option("--to", default="", metavar="NAME", help="Of a folder: the last migration to apply.")
    @click.option(
        "--reorder",
        is_flag=True,
        help="Of a folder: where the order of the names contradicts what files need, take one that works.",
    )
    @click.option(
        "--trust-names",
        is_flag=True,
        help="Of a folder: take the order of the names as it is; what contradicts it is said, not refused.",
    )
    @click.option(
        "--seed", is_flag=True, help="Of a folder: run its seeds, too, whether or not they ran before."
    )
    @click.option("--strict", is_flag=True, help="Of a folder: stop at what lint warns of.")
    @click.option(
        "--verify",
        is_flag=True,
        help="Of a folder: run each migration's verify part in its own transaction, and stop at a "
        "difference: the migration is rolled back. What cannot be in one transaction is looked at after it.",
    )
    @click.option(
        "--repair",
        is_flag=True,
        help="Of a folder: take over files that were changed after they were applied, once their difference "
        "is shown and you agree. Nothing of them runs.",
    )
    @click.option(
        "--adopt",
        is_flag=True,
        help="Of a folder: take what is pending, up to --to, as applied, for the target has it by psql or by "
        "another tool. It is compared with what the files make on a scratch server; nothing runs on it.",
    )
    @click.option("--yes", is_flag=True, help="With --repair and --adopt: do not ask.")
    @click.option(
        "--no-try",
        is_flag=True,
        help="Of a folder: do not try on a scratch server what is to be applied, before the target sees it.",
    )
    @options.scratch
    @wraps(command)
    def with_options(**given: Any) -> None:
        of_folder = _OfFolder(**{each.name: given.pop(each.name) for each in fields(_OfFolder)})
        command(**given, of_folder=of_folder)

    return with_options


@click.command()
@named.arguments("target", "bundle", needed=frozenset({"target"}))
@options.target
@options.config
@click.option(
    "--source",
    metavar="URL|NAME",
    help="Where the rows come from, of a bundle that was exported with --rows live.",
)
@options.no_verify
@options.max_rate
@options.source_jobs
@options.no_analyze
@options.jobs("Sessions that work side by side. The steps are the same, whatever the number.")
@click.option("--dry-run", is_flag=True, help="Print every step with its locks; change nothing.")
@click.option(
    "--keep",
    is_flag=True,
    help="Leave the server of the target scratch running until Ctrl-C; till then other commands find it by "
    "that name, too.",
)
@options.lock_timeout
@options.statement_timeout
@options.retries
@click.option(
    "--check-orphans",
    is_flag=True,
    help="Before anything moves, look in the bundle's rows for those that would break a key.",
)
@click.option(
    "--carry-orphans",
    is_flag=True,
    help="Add the keys that rows break NOT VALID, and leave them so; it is journaled.",
)
@_of_folders
@options.without_rehearsal
@options.confirm
@options.log_format
def apply(
    bundle: Path | None,
    target: str,
    settings: Config,
    source: str | None,
    no_verify: bool,
    max_rate: int | None,
    source_jobs: int | None,
    no_analyze: bool,
    jobs: int,
    dry_run: bool,
    keep: bool,
    lock_timeout: float,
    statement_timeout: float,
    retries: int,
    check_orphans: bool,
    carry_orphans: bool,
    of_folder: _OfFolder,
    without_rehearsal: bool,
    confirm: str | None,
    log_format: str,
) -> None:
    """Run a bundle on a target: once, whole, and from where it stopped.

    BUNDLE is a folder that `migplan export` wrote; without one, migrations/NAME by the plan's name is meant,
    or the only one there. The target `scratch` is always there: a throwaway server to rehearse on.

    The rows of a bundle that was exported with --rows live come from its source (--source), which must be the
    database that it was made of, with the same tables: all of one moment, and each step's rows are read back
    and compared before they are committed.

    Before the first change everything that stands in the way is listed. Each step and its entry in the
    journal (schema migplan of the target) are one transaction: whatever happens, the same command goes on
    with the first step that is not done, and `migplan rollback` rolls back what is. At the end the tables
    that came are analyzed, as far as the role may, so that queries are planned well at once (--no-analyze
    leaves that out).

    BUNDLE can also be a folder of migrations that people wrote. Those that the target does not have yet are
    applied in the order that their names and needs give, each in one transaction as far as it can be in one.
    Before the target sees them they are tried on a scratch server, on what the target had before the first of
    them; what fails there stops the command, unless it comes of something that only the target has.
    """
    from migplan.bundle.verified import load_verified
    from migplan.cli import permission, runs
    from migplan.pipeline.apply import preview_steps
    from migplan.postgres.scratch import NAME as SCRATCH
    from migplan.postgres.scratch import kept
    from migplan.report import run as report
    from migplan.run.engine.options import Limits, RunOptions

    run_options = RunOptions(jobs, Limits(lock_timeout, statement_timeout), retries)
    if named.is_of_people(bundle):
        options.refuse_given(_OF_BUNDLES)
        of_folder.apply(
            *(bundle, target, settings, run_options, confirm),
            without_rehearsal=without_rehearsal,
            dry_run=dry_run,
            log_format=log_format,
        )
        return
    of_folder.refuse()
    live = _live(source, settings, no_verify=no_verify, max_rate=max_rate, source_jobs=source_jobs)
    verified = load_verified(named.bundle_folder(bundle, settings))
    if name := permission.signed_by(verified, settings):
        screen.show_aside([f"{verified.paths.folder} is signed by {name}"])
    with ExitStack() as stack:
        throwaway = stack.enter_context(_scratch(verified)) if target == SCRATCH and not kept() else None
        address = throwaway.address if throwaway else named.resolved(target, settings)
        words = runs.words_of(verified.paths.folder, target, gone=bool(throwaway) and not keep, source=source)
        if dry_run:
            screen.show(report.foreseen(*preview_steps(verified, address)))
            return
        carried = _carried(verified, carry_orphans) if check_orphans or carry_orphans else frozenset()
        applying = Applying(
            *(target, address, settings, run_options, confirm, without_rehearsal, log_format),
            source=source,
            analyzes=not no_analyze,
        )
        applying.run(verified, words, live, carried)
        if throwaway and keep:
            _wait(throwaway, words)


@dataclass(frozen=True, slots=True)
class Applying:
    """What people said of how a bundle is to be run on a target."""

    target: str
    address: Address
    settings: Config
    options: RunOptions
    confirm: str | None
    without_rehearsal: bool
    log_format: str
    source: str | None  # of live rows, as people named it; None: the configuration or the environment does
    analyzes: bool = True

    def run(
        self,
        bundle: VerifiedBundle,
        words: Words,
        live: LiveRowsFrom | None,
        carried: frozenset[str] = frozenset(),
    ) -> None:
        """Run it if that is permitted, and show what came of it."""
        from migplan.cli import runs
        from migplan.pipeline.apply import apply_bundle
        from migplan.report import run as report
        from migplan.run.engine.status import status_of

        wanted = self.permitted(bundle, carried)
        with runs.shown_failures(self.address, words, bundle):
            with runs.progress(self.log_format) as on_progress:
                done = apply_bundle(bundle, self.address, wanted, on_progress, live)
            screen.show(report.done(done, status_of(self.address), words, bundle.manifest))

    def permitted(self, bundle: VerifiedBundle, carried: frozenset[str] = frozenset()) -> ApplyOptions:
        """Ask whether it may run there; RefusedError if it may not."""
        from migplan.cli import permission
        from migplan.pipeline.platforms import host_of_target
        from migplan.run.bundle.apply import ApplyOptions

        permit = permission.asked(
            *(self.target, self.address, self.settings, _subject(bundle, self.source)),
            *(self.confirm, self.without_rehearsal),
        )
        run_options = replace(self.options, protected_as=permit.protected_as)
        host = host_of_target(self.settings, self.target)
        return ApplyOptions(run_options, carried, permit.rehearsal, host, self.analyzes)


def _live(
    source: str | None,
    settings: Config,
    *,
    no_verify: bool,
    max_rate: int | None,
    source_jobs: int | None,
) -> LiveRowsFrom | None:
    """Return where rows come from that no file holds."""
    from migplan.pipeline.apply import LiveRowsFrom

    if source is None:
        chosen = {"--no-verify": no_verify, "--max-rate": max_rate, "--source-jobs": source_jobs}
        if given := next((name for name, value in chosen.items() if value), ""):
            raise click.UsageError(f"{given} goes with --source: it is for rows that come live")
        return None
    return LiveRowsFrom(named.resolved(source, settings), not no_verify, max_rate or 0, source_jobs or 0)


@contextmanager
def _scratch(bundle: VerifiedBundle) -> Iterator[Scratch]:
    """A throwaway server for this bundle; what people should know of it is shown."""
    from migplan.pipeline.apply import scratch_for

    with scratch_for(bundle) as server:
        screen.show_aside(server.notes)
        yield server


def _subject(bundle: VerifiedBundle, source: str | None) -> permission.Subject:
    from migplan.cli import permission

    folder = bundle.paths.folder
    rehearse = f"migplan rehearse {shlex.quote(str(folder))}"
    if bundle.manifest.is_live:
        rehearse += f" --source {named.as_typed(source or 'source')}"
    return permission.Subject(bundle.name, folder, bundle.digest, rehearse)


def _carried(bundle: VerifiedBundle, carry: bool) -> frozenset[str]:
    """The keys that rows of the bundle break; the command ends here if they are not to be carried."""
    if bundle.manifest.is_live:
        raise RefusedError(
            "the rows of this bundle come live from its source: its files cannot be searched for orphans",
            do="look in the source: migplan export SOURCE --rows live --check-orphans, or --carry-orphans",
        )
    from migplan.bundle.check.file_orphans import orphans_in
    from migplan.config import Layout
    from migplan.report import run as report

    with screen.progress("looking for orphans") as on_progress:
        found = orphans_in(bundle.paths.folder, bundle.manifest, on_progress)
    screen.show(report.orphans(found, carry=carry))
    broken = [each for each in found if each.rows]
    if broken and not carry:
        sys.exit(1)
    if broken and bundle.manifest.constraints is Layout.WITH_SCHEMA:
        raise RefusedError(
            "these keys are in force before the rows come in, and cannot be carried any more",
            do="export with --carry-orphans, or with --constraints after-data",
        )
    if whole := [str(each.key) for each in broken if each.key.partitioned]:
        raise RefusedError(
            f"keys of partitioned tables cannot be NOT VALID before PostgreSQL 18: {', '.join(whole)}",
            do="fix the rows in the source and export again",
        )
    return frozenset(f"{quoted(each.key.name)} of {each.key.table}" for each in broken)


def _wait(server: Scratch, words: Words) -> None:
    from migplan.postgres.scratch import findable

    with findable(server):
        screen.show(
            [
                "",
                Text(f"PostgreSQL {server.version} stays until Ctrl-C. In another terminal:", style="bold"),
                f"  psql '{server.url}'",
                f"  {words.verify}",
                f"  {words.rollback}",
            ]
        )
        while True:
            time.sleep(3600)
