"""``migplan maintain``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen

if TYPE_CHECKING:
    from migplan.config import Config


@click.command()
@named.arguments("target", "name", needed=frozenset({"name"}), text=True)
@click.option(
    "--folder",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder of migrations that it belongs to.",
)
@click.option("--target", metavar="URL|NAME", help="The database to run it on.")
@click.option(
    "--emit",
    type=click.Choice(["pg_cron", "crontab"]),
    help="Run nothing: print what has pg_cron, or cron, run it by its schedule.",
)
@options.config
@options.lock_timeout
@options.statement_timeout
@options.confirm
def maintain(
    name: str,
    folder: Path,
    target: str | None,
    emit: str | None,
    settings: Config,
    lock_timeout: float,
    statement_timeout: float,
    confirm: str | None,
) -> None:
    """Run recurring SQL of a folder once, now, and write down what came of it.

    NAME is a file of the folder's maintenance/, or one with `-- migplan: maintenance SCHEDULE` on top. It
    runs in one transaction with its entry in the journal, which also keeps the rows that it returned.
    """
    from migplan.cli import permission
    from migplan.pipeline import migrations
    from migplan.pipeline.analyze_folder import analyze_folder
    from migplan.run.engine.options import Limits, RunOptions
    from migplan.run.migrations import maintain as maintenance

    analysis = analyze_folder(folder, settings)
    if emit is not None:
        migration = maintenance.upkeep(analysis, name).migration
        text = (
            maintenance.pg_cron(migration)
            if emit == "pg_cron"
            else maintenance.crontab(migration, str(folder), target or "TARGET")
        )
        screen.show([text])
        return
    if target is None:
        raise click.UsageError("name the database with --target, or print a schedule with --emit")
    address = named.resolved(target, settings)
    protection = permission.protection(target, address, settings)
    protection.confirm(confirm)
    run_options = RunOptions(1, Limits(lock_timeout, statement_timeout), protected_as=protection.mark)
    analysis, note = migrations.recognised_in(analysis, address)
    screen.show_aside([note] if note else [])
    done = maintenance.maintain(analysis, name, address, run_options)
    screen.show([*done.said, f"{name} ran in {address} as run {done.run}, {done.seconds:.1f} s"])
