"""``migplan status``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from migplan import config as configuration
from migplan.cli import options, screen
from migplan.report import run as report
from migplan.run.status import status_of


@click.command()
@options.target
@options.config
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def status(target: str, config_file: Path | None, form: str) -> None:
    """Say what was run on a target, by whom and when, and what is left to do.

    It is read from the journal in the target itself; nothing is changed, and nobody is kept waiting.
    A run that has come to no end gives exit code 1.
    """
    found = status_of(options.resolved(target, configuration.find(config_file)))
    if form == "json":
        screen.out.print(json.dumps(report.as_value(found), indent=2))
    else:
        screen.show(report.status(found))
    if found.unfinished:
        sys.exit(1)
