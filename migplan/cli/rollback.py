"""``migplan rollback``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from migplan import config as configuration
from migplan import pipeline
from migplan.bundle.sealed import unseal
from migplan.cli import options, running, screen
from migplan.cli.apply import words_of
from migplan.cli.boundary import INTERRUPTED, sentence
from migplan.errors import StepError
from migplan.postgres.address import Address
from migplan.report import rollback as report
from migplan.run.events import Event, Told
from migplan.run.execute import Ways
from migplan.run.losses import Losses
from migplan.run.rollback import Undoing
from migplan.run.session import Limits


@click.command()
@options.arguments("target", "bundle", needed=frozenset({"target"}))
@options.target
@options.config
@click.option(
    "--to",
    metavar="FILE",
    default="",
    help="Take back what came after this file, which stays: its name, or its number.",
)
@click.option(
    "--only", default="", metavar="NAME", help="Of a folder: this migration alone, if nothing needs it."
)
@click.option("--data-only", is_flag=True, help="Take away the rows that the run brought; the schema stays.")
@click.option(
    "--also-changed",
    is_flag=True,
    help="With --data-only: also rows that were there before, or were changed since.",
)
@click.option("--drop-journal", is_flag=True, help="Drop the journal (schema migplan), too, at the end.")
@click.option("--dry-run", is_flag=True, help="Show what would be lost, and every step; change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@options.lock_timeout
@running.log_format
def rollback(
    bundle: Path | None,
    target: str,
    config_file: Path | None,
    to: str,
    only: str,
    data_only: bool,
    also_changed: bool,
    drop_journal: bool,
    dry_run: bool,
    yes: bool,
    lock_timeout: float,
    log_format: str,
) -> None:
    """Take back the last run on a target: its files in reverse order, by the bundle's own rollback files.

    BUNDLE is the folder that was applied. What will be lost is shown with numbers, and asked for: rows that
    the run brought, and rows that were there before or came since. What was there before the run (extensions,
    schemas, privileges) stays, and is put back as it was.

    A run that failed half-way is taken back just as well. A rollback that was interrupted goes on with the
    same command; until then nothing can be applied.

    BUNDLE can also be a folder of migrations that people wrote: the last one is taken back, those after --to
    NAME, or --only NAME. Where a file has no down part, the way back is derived from it, and shown.
    """
    if options.is_of_people(bundle):
        from migplan.cli import folder as folders  # noqa: PLC0415 - runs of bundles need none of it
        from migplan.run.revert import Reverting  # noqa: PLC0415

        settings = configuration.find(config_file)
        where = options.resolved(target, settings)
        back = Reverting(only, to, Ways(1, Limits(lock_timeout)))
        folders.rollback(bundle, where, settings, back, yes=yes, dry_run=dry_run)
        return
    if also_changed and not data_only:
        raise click.UsageError(
            "--also-changed goes with --data-only: tables that are dropped take all rows along"
        )
    settings = configuration.find(config_file)
    sealed = unseal(options.bundle_folder(bundle))
    address = options.resolved(target, settings)
    wanted = Undoing(
        to, data_only, also_changed, drop_journal, Ways(1, Limits(lock_timeout)), _asking(target, yes=yes)
    )
    if dry_run:
        found = pipeline.rollback_foreseen(sealed, address, wanted)
        if found is None:
            screen.show([f"{address}: there is no run to take back"])
            return
        screen.show(report.losses(found[0]))
        screen.show(report.foreseen(found[1]))
        return
    words = words_of(sealed.paths.folder, target)
    again = words.rollback
    with running.interruptible(), ExitStack() as stack:
        try:
            result = pipeline.rolled_back(sealed, address, _later(stack, log_format), wanted)
        except StepError as error:
            _failed(error, again)
        except KeyboardInterrupt:
            click.echo(
                "migplan: stopped; what was going on was rolled back; what was done stays done", err=True
            )
            click.echo(f"  -> go on: {again}", err=True)
            sys.exit(INTERRUPTED)
    screen.show(report.done(result, address, words.apply, again))


def _later(stack: ExitStack, log_format: str) -> Told:
    """Progress that begins with the first event: a bar would be in the way of the question before."""
    begun: list[Told] = []

    def told(event: Event) -> None:
        if not begun:
            begun.append(stack.enter_context(running.account(log_format)))
        begun[0](event)

    return told


def _asking(target: str, *, yes: bool) -> Callable[[Losses], None]:
    """Show what would be lost, and ask; by name, where rows would go that the run did not bring."""

    def agreed(found: Losses) -> None:
        screen.show(report.losses(found))
        if yes:
            return
        if not sys.stdin.isatty():
            raise click.UsageError("nobody is there to be asked: --yes takes it back without asking")
        if found.everything and found.loses_others:
            name = _name(target, found.address)
            typed = click.prompt(f"Rows will be lost that the run did not bring. Type {name} to go on")
            if typed.strip() != name:
                raise click.Abort
        else:
            click.confirm("Go on?", abort=True)

    return agreed


def _name(target: str, address: Address) -> str:
    """What people call the target: its name in migplan.yaml, or that of the database."""
    return address.name or address.params.get("dbname") or target


def _failed(error: StepError, again: str) -> None:
    click.echo(sentence(error), err=True)
    for label, text in (("statement", error.statement), ("hint", error.hint), ("context", error.context)):
        if text:
            click.echo(f"  {label}: {text}", err=True)
    click.echo(
        f"  rolled back: {error.step}, and nothing else; what was taken back before stays so", err=True
    )
    click.echo(f"  -> when the cause is gone, go on with: {again}", err=True)
    sys.exit(2)
