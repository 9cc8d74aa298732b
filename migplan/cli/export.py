"""``migplan export``."""

from __future__ import annotations

from pathlib import Path

import click

from migplan import config as configuration
from migplan import pipeline
from migplan.bundle.inserts import InsertStyle
from migplan.bundle.options import Options
from migplan.bundle.placing import Choice
from migplan.bundle.roles import Owners
from migplan.cli import options, screen
from migplan.config import Layout


@click.command()
@click.argument("plan", required=False, type=click.Path(path_type=Path))
@options.source
@options.config
@options.selection
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The bundle's folder. Default: migrations/NAME.",
)
@click.option(
    "--constraints",
    type=click.Choice([layout.value for layout in Layout]),
    help="Without a plan: keys and indexes after the rows, or with the schema.",
)
@click.option("--schema-only", "contents", flag_value="schema", help="Definitions, no rows.")
@click.option(
    "--data-only",
    "contents",
    flag_value="data",
    help="Rows, for a schema that is there already, into live constraints.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Connections that read rows, all on one snapshot.",
)
@click.option(
    "--data-format",
    type=click.Choice(["copy", "insert"]),
    default="copy",
    show_default=True,
    help="COPY blocks, or INSERT statements for editors that cannot COPY.",
)
@click.option(
    "--batch", type=click.IntRange(1, 100000), default=1000, show_default=True, help="Rows of one INSERT."
)
@click.option(
    "--on-conflict-do-nothing", is_flag=True, help="INSERTs that skip rows which are there already."
)
@click.option("--no-owner", is_flag=True, help="Whoever runs the files will own everything.")
@click.option("--no-privileges", is_flag=True, help="Leave out GRANT and REVOKE.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited.")
def export(
    plan: Path | None,
    source: str | None,
    config_file: Path | None,
    schemas: tuple[str, ...],
    tables: tuple[str, ...],
    exclude: tuple[str, ...],
    out: Path | None,
    constraints: str | None,
    contents: str | None,
    jobs: int,
    data_format: str,
    batch: int,
    on_conflict_do_nothing: bool,
    no_owner: bool,
    no_privileges: bool,
    force: bool,
) -> None:
    """Write the bundle: numbered SQL files that people review, commit, and can run with psql alone.

    PLAN is a file that `migplan plan` wrote; without one the plan is made on the spot. Catalog, definitions and
    rows are all of one moment of the source.
    """
    settings = options.with_selection(configuration.find(config_file), schemas, tables, exclude)
    layout = "with-schema" if contents == "data" else constraints
    if layout:
        settings = settings.model_copy(
            update={"plan": settings.plan.model_copy(update={"constraints": Layout(layout)})}
        )
    wanted = pipeline.Exporting(
        out=out or Path("migrations") / (plan.stem if plan else settings.plan.name),
        options=Options(
            contents=contents or "all",
            jobs=jobs,
            inserts=InsertStyle(batch, on_conflict_do_nothing) if data_format == "insert" else None,
            choice=Choice(privileges=not no_privileges),
            owners=Owners(kept=not no_owner),
        ),
        force=force,
        plan_file=plan,
    )
    with screen.progress("reading the catalog") as told:
        manifest = pipeline.exported(options.resolved(source, settings), settings, wanted, told)
    screen.show(
        [
            f"{wanted.out}: {len(manifest.files)} files, {manifest.rows:,} rows",
            *(f"left out: {each.kind} {each.name}: {each.why}" for each in manifest.left_out),
        ]
    )
