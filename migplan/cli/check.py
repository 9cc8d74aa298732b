"""``migplan check``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from migplan.bundle.checking import examine
from migplan.cli import screen
from migplan.report import check as report


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path))
def check(bundle: Path) -> None:
    """Read a bundle from end to end, without a database, and say whether it is whole.

    Every file is there and has the bytes that were exported; PostgreSQL's own parser understands every
    statement; steps and rows stand where the manifest says, and as many; tables come before the keys that
    refer to them, and rows before those that need them; each file has one that takes it back.

    A bundle with a problem ends with exit code 1, what is no bundle at all with 2.
    """
    with screen.progress("reading the bundle") as told:
        found = examine(bundle, told)
    screen.show(report.as_text(found, bundle))
    if found.problems:
        sys.exit(1)
