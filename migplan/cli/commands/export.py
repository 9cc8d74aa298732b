"""``migplan export``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from migplan.cli import named, options, screen
from migplan.progress import Progress

if TYPE_CHECKING:
    from migplan.bundle.options import Contents
    from migplan.config import Config
    from migplan.pipeline.export import Exported, ExportOptions
    from migplan.postgres.address import Address


@click.command()
@named.arguments("source", "plan")
@options.reading(saved=False, counted=False)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The bundle's folder. Default: migrations/NAME, by the plan's name.",
)
@click.option(
    "--constraints",
    type=click.Choice(["after-data", "with-schema"]),
    help="Keys and indexes after the rows (the default), or with the schema. A plan's file decides that, "
    "and with --replan this becomes the plan's.",
)
@click.option("--schema-only", "contents", flag_value="schema", help="Definitions, and no rows.")
@click.option(
    "--data-only",
    "contents",
    flag_value="data",
    help="Rows, for a schema that is there already: into live constraints, by its owner.",
)
@click.option(
    "--rows-of",
    "rows_of",
    multiple=True,
    metavar="GLOB",
    help="Rows alone, of tables that the target provides, such as auth.users: a bundle of its own, to be "
    "applied before the others. Nothing of these tables is altered: their triggers fire (repeatable).",
)
@click.option(
    "--rows",
    type=click.Choice(["written", "live"]),
    default="written",
    show_default=True,
    help="Written into the files, or brought live from the source when migplan apply runs the bundle.",
)
@click.option(
    "--group", "groups", multiple=True, metavar="NAME", help="Only files of these groups (repeatable)."
)
@options.jobs("Connections that read rows, all on one snapshot. The files come out the same.")
@click.option(
    "--data-format",
    type=click.Choice(["copy", "insert"]),
    default="copy",
    show_default=True,
    help="COPY blocks, or INSERT statements for editors that cannot COPY.",
)
@click.option(
    "--batch", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="Rows of one INSERT."
)
@click.option(
    "--on-conflict-do-nothing", is_flag=True, help="INSERTs that skip rows which are there already."
)
@click.option("--no-owner", is_flag=True, help="Whoever runs the files will own everything.")
@click.option("--no-privileges", is_flag=True, help="Leave out GRANT, REVOKE and default privileges.")
@click.option(
    "--role",
    "roles",
    multiple=True,
    metavar="OLD=NEW",
    help="Owners, grants and policies of OLD will be those of NEW (repeatable).",
)
@click.option(
    "--with-roles",
    is_flag=True,
    help="Add 00-roles.sql: the roles that the files name, made where they are missing, without passwords.",
)
@options.choosing
@click.option(
    "--database-settings",
    is_flag=True,
    help="Carry what ALTER DATABASE SET and ALTER ROLE IN DATABASE SET have set; values may be secrets.",
)
@click.option(
    "--with-large-objects/--without-large-objects",
    "large_objects",
    default=None,
    help="Take all large objects, or none. Default: all, where no tables are selected.",
)
@click.option(
    "--check-orphans",
    is_flag=True,
    help="Look for rows that refer to nothing before anything is written; stop if there are any.",
)
@click.option(
    "--carry-orphans",
    is_flag=True,
    help="Look for them, and write the keys that they break NOT VALID, on record.",
)
@click.option(
    "--without-digests",
    is_flag=True,
    help="Record no digests of the tables' content: `migplan verify` will count rows only.",
)
@options.with_plan
@options.sign
@click.option("--force", is_flag=True, help="Overwrite files of the bundle that were edited.")
@click.option("--dry-run", is_flag=True, help="Say what would be written, and how large; write nothing.")
@options.access
def export(
    reading: options.Reading,
    plan: Path | None,
    out: Path | None,
    constraints: str | None,
    contents: str | None,
    rows_of: tuple[str, ...],
    rows: str,
    groups: tuple[str, ...],
    jobs: int,
    data_format: str,
    batch: int,
    on_conflict_do_nothing: bool,
    no_owner: bool,
    no_privileges: bool,
    roles: tuple[str, ...],
    with_roles: bool,
    choice_wish: options.ChoiceWish,
    database_settings: bool,
    large_objects: bool | None,
    without_digests: bool,
    check_orphans: bool,
    carry_orphans: bool,
    plan_wish: options.PlanWish,
    key: Path | None,
    force: bool,
    dry_run: bool,
    access: str | None,
) -> None:
    """Write the bundle: numbered SQL files that people review, commit and run, with psql alone if they like.

    PLAN is a file that `migplan plan` wrote, and people may have edited; else plans/NAME.yaml is used, and
    without any the plan is made on the spot. A plan that the database has drifted from in what is exported is
    refused. Catalog, definitions and rows are all of one moment of the source, and nothing is written to it.
    The files are written aside and renamed: an interrupted export leaves nothing half-made, and files that
    people edited are not overwritten without --force.

    With --rows live no row is read: each block has the query that brings its rows from the source when
    `migplan apply` runs the bundle.
    """
    from migplan.bundle.data.inserts import InsertStyle
    from migplan.bundle.options import Options
    from migplan.bundle.schema.roles import Owners
    from migplan.catalog.counts import Exactness
    from migplan.pipeline.export import ExportOptions
    from migplan.pipeline.plan import ChosenPlan, Part

    if dry_run and (check_orphans or carry_orphans):
        raise click.UsageError("--dry-run writes no bundle, and orphans are looked for when one is written")
    live = rows == "live"
    _refuse_with_live(live, contents, data_format, without_digests)
    contents = _contents(contents, rows_of, plan)
    rows_only = contents == "data"
    settings = _of_rows(options.with_access(reading.settings, access), rows_of)
    settings = _with_layout(settings, constraints, rows_only=rows_only)
    part = Part(reading.patterns, groups, rows_only=rows_only)
    chosen = ChosenPlan()
    if not rows_of:
        chosen = plan_wish.chosen(plan, reading.configured, reading.catalog, part=part, layout=constraints)
    wanted = ExportOptions(
        out=out,
        options=Options(
            contents=contents,
            jobs=jobs,
            inserts=InsertStyle(batch, on_conflict_do_nothing) if data_format == "insert" else None,
            choice=choice_wish.choice(privileges=not no_privileges),
            owners=Owners(kept=not no_owner, roles=_roles(roles)),
            groups=groups,
            large_objects=large_objects,
            database_settings=database_settings,
            with_roles=with_roles,
            digests=not without_digests,
            live=live,
            untouched=bool(rows_of),
        ),
        exactness=Exactness.ESTIMATE if chosen.plan or live else Exactness.AUTO,
        force=force,
        check_orphans=check_orphans,
        carry_orphans=carry_orphans,
        plan=chosen,
    )
    address = reading.address
    if dry_run:
        _foreseen(address, settings, wanted)
        return
    with screen.progress("reading the catalog") as on_progress:
        found = _exported(address, settings, wanted, on_progress)
    _show(found, key)


def _show(found: Exported, key: Path | None) -> None:
    """Say what was written, and sign it if there is a key."""
    from migplan.bundle import signing
    from migplan.bundle.paths import BundlePaths
    from migplan.report import export as report

    screen.show(report.written(found.folder, found.manifest))
    if found.stays is not None:
        same = found.stays
        screen.show([report.unchanged(found.folder, same.digest, same.uses, signed=same.signed)])
    if found.former is not None:
        former = found.former
        screen.show(report.replaced(former.digest, former.uses, former.kept))
    if key is not None:
        screen.show([f"Signature: {signing.sign(BundlePaths(found.folder).manifest, key, signing.BUNDLE)}"])


def _foreseen(address: Address, settings: Config, wanted: ExportOptions) -> None:
    """Say what would be written."""
    from migplan.pipeline.export import preview_export
    from migplan.report import export as report

    with screen.progress("reading the catalog") as on_progress, options.ways_on(address):
        foreseen = preview_export(address, settings, wanted, on_progress)
    screen.show(report.foreseen(*foreseen, wanted.options.contents, live=wanted.options.live))


def _exported(address: Address, settings: Config, wanted: ExportOptions, on_progress: Progress) -> Exported:
    """Orphans are an answer, and no failure: each key is shown, and the exit code is 1."""
    from migplan.bundle.data.orphan_keys import OrphansError
    from migplan.pipeline.export import export_bundle
    from migplan.report import export as report

    try:
        with options.ways_on(address):
            return export_bundle(address, settings, wanted, on_progress)
    except OrphansError as found:
        screen.show(report.orphaned(found))
        sys.exit(1)


def _with_layout(settings: Config, layout: str | None, *, rows_only: bool) -> Config:
    from migplan.config import Layout

    if rows_only and layout == Layout.AFTER_DATA.value:
        raise click.UsageError("--data-only loads into live constraints: --constraints with-schema")
    layout = Layout.WITH_SCHEMA.value if rows_only else layout
    if layout is None:
        return settings
    plan = settings.plan.model_copy(update={"constraints": Layout(layout)})
    return settings.model_copy(update={"plan": plan})


def _refuse_with_live(live: bool, contents: str | None, data_format: str, without_digests: bool) -> None:
    """Raise UsageError where something is asked of rows that no file holds."""
    if not live:
        return
    if contents == "schema":
        raise click.UsageError("--schema-only brings no rows: leave out --rows live")
    if data_format == "insert":
        raise click.UsageError("live rows travel by COPY: --data-format insert is for rows that are written")
    if without_digests:
        raise click.UsageError(
            "--rows live reads no rows and records no digests: leave out --without-digests"
        )


def _contents(said: str | None, rows_of: Sequence[str], plan: Path | None) -> Contents:
    if rows_of and (said == "schema" or plan is not None):
        raise click.UsageError("--rows-of writes a bundle of rows alone, without a plan")
    return cast("Contents", "data" if rows_of else said or "all")


def _of_rows(settings: Config, tables: Sequence[str]) -> Config:
    """The settings for the rows of these tables alone, whatever the target provides."""
    from migplan import platforms
    from migplan.config import ProvidedSection, SelectionSection

    if not tables:
        return settings
    return settings.model_copy(
        update={
            "selection": SelectionSection(tables=tuple(tables)),
            "provided": ProvidedSection(),
            "platform": platforms.NONE,
            "groups": (),
            "plan": settings.plan.model_copy(update={"name": f"{settings.plan.name}-rows", "file": None}),
        }
    )


def _roles(said: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in said:
        old, equals, new = text.partition("=")
        if not (old and equals and new):
            raise click.BadParameter(f"{text!r} is not of the form OLD=NEW", param_hint="--role")
        if found.setdefault(old, new) != new:
            raise click.BadParameter(f"{old} is to be both {found[old]} and {new}", param_hint="--role")
    return found
