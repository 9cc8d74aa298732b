"""``migplan new``."""

from datetime import datetime
from pathlib import Path

import click

from migplan.cli import screen
from migplan.errors import FileError
from migplan.files import write_whole


@click.command()
@click.argument("name")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("migrations"),
    show_default=True,
    metavar="DIR",
    help="The folder of the migrations.",
)
@click.option(
    "--python", is_flag=True, help="A data step in Python: rows in batches, rather than one statement."
)
def new(name: str, folder: Path, python: bool) -> None:
    """Write a new migration to begin with, after the habits of its folder.

    It has the next number where the folder counts, and the time where it does not; two files where the folder
    keeps the way back in a file of its own. Files that are there are never overwritten.
    """
    from migplan.migrations import template

    now = datetime.now().astimezone()
    files = (template.new_data_step if python else template.new_sql)(folder, name, now)
    for file in files:
        if file.path.exists():
            raise FileError(
                f"{file.path} is there already, and was left as it is", do="wait a second", file=file.path
            )
    for file in files:
        write_whole(file.path, file.text)
        screen.show([f"{file.path} is written"])
