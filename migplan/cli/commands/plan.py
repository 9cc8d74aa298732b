"""``migplan plan``."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from migplan.cli import named, options, screen

if TYPE_CHECKING:
    from migplan.catalog.model import Catalog
    from migplan.config import Config


@click.command()
@named.arguments("source")
@options.reading()
@click.option(
    "--out",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="The plan's file; - prints it. Default: plans/NAME.yaml, by the name in migplan.yaml.",
)
@click.option(
    "--constraints",
    type=click.Choice(["after-data", "with-schema"]),
    help="Keys and indexes after the rows (fast, the default), or with the schema (live while rows come in).",
)
@click.option("--reorder", is_flag=True, help="Where groups contradict the keys, take the order that works.")
@click.option("--fresh", is_flag=True, help="Plan from nothing, whatever the plan's file says.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing: compare the plan's file with the database. Exit code 1 when they differ.",
)
def plan(
    reading: options.Reading,
    counts: str,
    out: Path | None,
    constraints: str | None,
    reorder: bool,
    fresh: bool,
    check: bool,
) -> None:
    """Decide groups, order and strategies, with a reason for each, and write them to a file.

    The file is meant to be read and edited. Planning again changes only what the database's changes force,
    and says each with its reason: groups, numbers, files and order stay, and so do layout, selection and what
    people set. A new table goes where its neighbours are, a renamed one keeps its place. An option counts
    more than the file, and the file more than migplan.yaml, unless that was edited since; --fresh plans from
    nothing.

    Beside plans/NAME.yaml stands plans/NAME.seen.json, with the catalog that the plan was made from: commit
    both. Of literals that could be secrets it holds only what shows that they have changed.
    """
    from migplan.catalog.counts import Exactness
    from migplan.config import Layout
    from migplan.pipeline.plan import default_file, make_plan, plan_in_use, request_of, write_plan
    from migplan.plan import file as plan_file
    from migplan.report import plan as report

    settings = reading.settings
    if constraints:
        settings = settings.model_copy(
            update={"plan": settings.plan.model_copy(update={"constraints": Layout(constraints)})}
        )
    file = out or default_file(settings)
    if check:
        _check(out or plan_in_use(settings) or file, reading.catalog(Exactness.ESTIMATE), settings)
        return
    found = reading.catalog(Exactness(counts))
    to_screen = str(file) == "-"
    request = replace(request_of(settings, found), reorder=reorder)
    before = file if not fresh and not to_screen and file.is_file() else None
    if out and not to_screen and before is None and settings.plan.name == "migration":
        request = replace(request, name=file.stem.lstrip(".") or request.name)
    asked = {"constraints": constraints, "selection": any(reading.selected)}
    result = make_plan(
        found,
        settings,
        request,
        before,
        [name for name, said in asked.items() if said],
        reading.configured,
    )
    if to_screen:
        click.echo(plan_file.dumps(result.plan), nl=False)
        return
    write_plan(result, file)
    screen.show(
        report.as_text(result.plan, file, again=before is not None, kept=result.kept, changed=result.changed)
    )


def _check(file: Path, catalog: Catalog, settings: Config) -> None:
    from migplan.pipeline.plan import find_drift, find_uncompared

    drifted = find_drift(file, catalog, settings)
    unseen = find_uncompared(file, catalog)
    if not drifted:
        screen.show([f"{file} fits {catalog.server.address}", *unseen])
        return
    count = f"{len(drifted)} differences" if len(drifted) > 1 else "1 difference"
    screen.show(
        [
            f"{file} no longer fits {catalog.server.address}: {count}",
            *(f"  {line}" for line in drifted),
            *unseen,
        ]
    )
    screen.show([f"plan again with: migplan plan --out {file}"])
    sys.exit(1)
