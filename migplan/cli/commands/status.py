"""``migplan status``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen

if TYPE_CHECKING:
    from migplan.config import Config


@click.command()
@named.arguments("target", "folder", needed=frozenset({"target"}))
@options.target
@options.config
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to say it: json has every step.",
)
def status(folder: Path | None, target: str, settings: Config, form: str) -> None:
    """Say what was run on a target, by whom and when, and what is left to do.

    It is read from the journal in the target itself; nothing is changed, and nobody is kept waiting.
    A run that has come to no end gives exit code 1. Of a FOLDER of migrations that people wrote it is
    said how each of them stands: applied, pending, changed since, or missing; exit code 1 unless all are
    applied. Of the FOLDER of a bundle it is said when the target has another one, and where that is.
    """
    from migplan.pipeline.verify import other_bundle
    from migplan.report import run as report
    from migplan.run.engine.status import status_of

    if named.is_of_people(folder):
        from migplan.cli import migrations as folders

        if not folders.status(folder, named.resolved(target, settings), settings, form):
            sys.exit(1)
        return
    address = named.resolved(target, settings)
    other = other_bundle(folder, address) if folder is not None else ""
    found = status_of(address)
    if form == "json":
        screen.out.print(json.dumps(report.as_value(found), indent=2))
    else:
        screen.show(report.status(found))
    if other:
        screen.show_aside([f"note: {other}"])
    if found.unfinished:
        sys.exit(1)
