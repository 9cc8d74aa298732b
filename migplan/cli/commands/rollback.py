"""``migplan rollback``."""

from __future__ import annotations

import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen
from migplan.cli.boundary import INTERRUPTED, sentence
from migplan.errors import BundleError, FileError, StepError

if TYPE_CHECKING:
    from migplan.cli import permission
    from migplan.config import Config
    from migplan.postgres.address import Address
    from migplan.report.run import Words
    from migplan.run.bundle.kept import LocalBundle
    from migplan.run.engine.events import Event, OnEvent
    from migplan.run.engine.journal import Run
    from migplan.run.undo.losses import Losses
    from migplan.run.undo.rollback import RollbackOptions


_OF_BUNDLES = {
    "data_only": "is for bundles: a migration is rolled back with what it made; its rows go with its tables",
    "drop_journal": "is for bundles: the journal also says which migrations of other folders are applied",
    "abandon": "is for bundles: migrations that failed are gone on with by apply, or rolled back",
}
"""Options that say nothing of a folder of migrations, and why."""


@click.command()
@named.arguments("target", "bundle", needed=frozenset({"target"}), gone=True)
@options.target
@options.config
@click.option(
    "--to",
    metavar="FILE",
    default="",
    help="Roll back what came after this file, which stays: its name, or its number.",
)
@click.option(
    "--only", default="", metavar="NAME", help="Of a folder: this migration alone, if nothing needs it."
)
@click.option(
    "--all", "everything", is_flag=True, help="Of a folder: all of its migrations, back to nothing."
)
@click.option("--data-only", is_flag=True, help="Take away the rows that the run brought; the schema stays.")
@click.option(
    "--also-changed",
    is_flag=True,
    help="With --data-only: also rows that were there before, or were changed since. Of a folder: also what "
    "others have changed since.",
)
@click.option("--drop-journal", is_flag=True, help="Drop the journal (schema migplan), too, at the end.")
@click.option(
    "--abandon",
    is_flag=True,
    help="End the run that cannot go on, as it stands: what is done of it stays, and another can be applied.",
)
@click.option("--dry-run", is_flag=True, help="Show what would be lost, and every step; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts. A protected target wants --confirm.")
@options.confirm
@options.lock_timeout
@options.log_format
def rollback(
    bundle: Path | None,
    target: str,
    settings: Config,
    to: str,
    only: str,
    everything: bool,
    data_only: bool,
    also_changed: bool,
    drop_journal: bool,
    abandon: bool,
    dry_run: bool,
    yes: bool,
    confirm: str | None,
    lock_timeout: float,
    log_format: str,
) -> None:
    """Roll back the last run on a target: its files in reverse order, by the bundle's own rollback files.

    The journal in the target keeps what that needs, so BUNDLE, the folder that was applied, need not be
    there; where it is, and is not what was applied, that is said, and what was applied is rolled back.

    What will be lost is shown with numbers, and asked for: rows that the run brought, and rows that were
    there before or came since. What was there before the run (extensions, schemas, privileges) stays, and is
    put back as it was.

    A run that failed half-way is rolled back just as well. A rollback that was interrupted goes on with the
    same command; until then nothing can be applied.

    BUNDLE can also be a folder of migrations that people wrote: the last one is rolled back, those after --to
    NAME, --only NAME, or --all. Where people wrote no down part, the way back is the one that was derived
    when the migration was applied, from what it did to the target; it is shown with the rows that go.
    """
    from migplan.cli import permission, runs
    from migplan.report import rollback as report
    from migplan.run.engine.options import Limits, RunOptions
    from migplan.run.undo.rollback import RollbackOptions, foreseen
    from migplan.run.undo.rollback import abandon as ended_by_hand

    if named.is_of_people(bundle):
        _refuse_of_bundles()  # before any server is asked
    address = named.resolved(target, settings)
    protection = permission.protection(target, address, settings)
    run_options = RunOptions(1, Limits(lock_timeout), protected_as=protection.mark)
    folder = None if abandon and not named.is_of_people(bundle) else _folder_of_people(bundle, address)
    if folder is not None:
        from migplan.cli import migrations as folders
        from migplan.run.migrations.revert import RevertOptions

        _refuse_of_bundles()
        back = RevertOptions(only, to, everything, also_changed, run_options)
        asked = folders.Asked(protection, confirm, yes, dry_run, log_format)
        folders.rollback(folder, address, settings, back, asked)
        return
    options.refuse_given({"only": "is for folders of migrations, and this is a bundle"})
    options.refuse_several("to", "everything")
    if also_changed and not data_only:
        raise click.UsageError(
            "--also-changed goes with --data-only: tables that are dropped take all rows along"
        )
    ask = _Asking(target, protection, confirm, yes)
    if abandon:
        screen.show(report.abandoned(ended_by_hand(address, run_options, ask.whether_to_abandon), address))
        return
    beside = _beside(bundle, settings)
    wanted = RollbackOptions(to, data_only, also_changed, drop_journal, run_options, ask.whether_to_take_back)
    if dry_run:
        found = foreseen(beside, address, wanted)
        if found is None:
            screen.show([f"{address}: there is no run to roll back in its journal"])
            return
        screen.show(report.losses(found[0]))
        screen.show(report.foreseen(found[1]))
        return
    _take_back(
        beside, address, wanted, runs.words_of(beside.folder if beside.named else None, target), log_format
    )


def _refuse_of_bundles() -> None:
    options.refuse_given(_OF_BUNDLES)
    options.refuse_several("to", "only", "everything")


def _take_back(
    beside: LocalBundle, address: Address, wanted: RollbackOptions, words: Words, log_format: str
) -> None:
    from migplan.cli import runs
    from migplan.report import rollback as report
    from migplan.run.undo.rollback import rollback as roll_back

    with ExitStack() as stack:
        try:
            result = roll_back(beside, address, wanted, _later(stack, log_format))
        except StepError as error:
            runs.name_event_trigger(error, address)
            _failed(error, words.rollback)
        except KeyboardInterrupt:
            click.echo(
                "migplan: stopped; what was not committed is rolled back; what was done stays done", err=True
            )
            click.echo(f"  -> go on: {words.rollback}", err=True)
            sys.exit(INTERRUPTED)
    screen.show(report.done(result, address, words.apply, words.rollback))


def _later(stack: ExitStack, log_format: str) -> OnEvent:
    """Progress that begins with the first event: a bar would be in the way of the question before."""
    from migplan.cli import runs

    begun: list[OnEvent] = []

    def on_event(event: Event) -> None:
        if not begun:
            begun.append(stack.enter_context(runs.progress(log_format)))
        begun[0](event)

    return on_event


def _folder_of_people(given: Path | None, address: Address) -> Path | str | None:
    """The folder of migrations that is meant, by its name where it is gone; None where it is a bundle."""
    from migplan.run.engine.journal import journal_reader

    if named.is_of_people(given):
        return given
    if given is not None and given.exists():
        return None
    from migplan.run.migrations.revert import applied_last

    with journal_reader(address) as reader:
        last = applied_last(reader.journal)
    return last if last and (given is None or given.resolve().name == last) else None


def _beside(given: Path | None, settings: Config) -> LocalBundle:
    """The folder that was named, or that is meant without a name, as far as there is a bundle in it."""
    from migplan.bundle import manifest as manifests
    from migplan.bundle.verified import load_verified
    from migplan.run.bundle.kept import LocalBundle

    try:
        folder = named.bundle_folder(given, settings)
    except FileError:
        return LocalBundle(named=False)
    by_name = given is not None
    try:
        verified = load_verified(folder)
        return LocalBundle(folder, verified, manifest=verified.manifest, named=by_name)
    except (BundleError, FileError) as error:
        manifest = None
        with suppress(FileError):
            manifest = manifests.load(folder)
        return LocalBundle(folder, None, error.what, manifest, by_name)


@dataclass(frozen=True, slots=True)
class _Asking:
    """Asks people whether to go on, when they have seen what is at stake."""

    target: str
    protection: permission.Protection
    confirm: str | None
    yes: bool

    def whether_to_take_back(self, found: Losses) -> None:
        """By name, where the target is protected, or rows would go that the run did not bring."""
        from migplan.report import rollback as report

        screen.show(report.losses(found))
        self.protection.confirm(self.confirm)
        if self.yes or self.protection.name:
            return
        if self._somebody_is_there() and found.everything and found.loses_others:
            name = _name(self.target, found.address)
            typed = click.prompt(f"Rows will be lost that the run did not bring. Type {name} to go on")
            if typed.strip() != name:
                raise click.Abort
        else:
            click.confirm("Go on?", abort=True)

    def whether_to_abandon(self, run: Run, stays: str) -> None:
        """Whatever stays of it, nobody will roll it back."""
        from migplan.report import rollback as report

        screen.show(report.to_abandon(run, stays))
        self.protection.confirm(self.confirm)
        if not self.yes and not self.protection.name and self._somebody_is_there():
            click.confirm("Go on?", abort=True)

    def _somebody_is_there(self) -> bool:
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to be asked: --yes rolls it back without asking")
        return True


def _name(target: str, address: Address) -> str:
    """What people call the target: its name in migplan.yaml, or that of the database."""
    return address.name or address.params.get("dbname") or target


def _failed(error: StepError, again: str) -> None:
    from migplan.report.run import fate

    click.echo(sentence(error), err=True)
    for label, text in (("statement", error.statement), ("hint", error.hint), ("context", error.context)):
        if text:
            click.echo(f"  {label}: {text}", err=True)
    click.echo(f"  {fate(error, None)}; what was rolled back before stays so", err=True)
    click.echo(f"  -> when the cause is gone, go on with: {again}", err=True)
    sys.exit(2)
