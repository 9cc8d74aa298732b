"""What commands that write a bundle are told of it: what goes in, and how."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from migplan.cli import options, screen

if TYPE_CHECKING:
    from migplan.bundle.data.inserts import InsertStyle
    from migplan.bundle.options import Contents
    from migplan.config import Config
    from migplan.pipeline.export import Exported, ExportOptions
    from migplan.pipeline.plan import ChosenPlan
    from migplan.postgres.address import Address
    from migplan.progress import Progress

Command = TypeVar("Command", bound=Callable[..., Any])

_OPTIONS = (
    click.option(
        "--out",
        type=click.Path(path_type=Path, file_okay=False),
        metavar="DIR",
        help="The bundle's folder. Default: migrations/NAME, by the plan's name.",
    ),
    click.option(
        "--constraints",
        type=click.Choice(["after-data", "with-schema"]),
        help="Keys and indexes after the rows (the default), or with the schema. A plan's file decides that, "
        "and with --replan this becomes the plan's.",
    ),
    click.option(
        "--data-only",
        is_flag=True,
        help="Rows, for a schema that is there already: into live constraints, by its owner.",
    ),
    click.option(
        "--rows-of",
        multiple=True,
        metavar="GLOB",
        help="Rows alone, of tables that the target provides, such as auth.users: a bundle of its own, to be "
        "applied before the others. Nothing of these tables is altered: their triggers fire (repeatable).",
    ),
    click.option(
        "--group",
        "groups",
        multiple=True,
        metavar="NAME",
        help="Only files of these groups (repeatable).",
    ),
    click.option("--no-owner", is_flag=True, help="Whoever runs the files will own everything."),
    click.option("--no-privileges", is_flag=True, help="Leave out GRANT, REVOKE and default privileges."),
    click.option(
        "--role",
        "roles",
        multiple=True,
        metavar="OLD=NEW",
        help="Owners, grants and policies of OLD will be those of NEW (repeatable).",
    ),
    click.option(
        "--with-roles",
        is_flag=True,
        help="Add 00-roles.sql: the roles that the files name, made where they are missing, without "
        "passwords.",
    ),
    options.choosing,
    click.option(
        "--database-settings",
        is_flag=True,
        help="Carry what ALTER DATABASE SET and ALTER ROLE IN DATABASE SET have set; values may be secrets.",
    ),
    click.option(
        "--with-large-objects/--without-large-objects",
        "large_objects",
        default=None,
        help="Take all large objects, or none. Default: all, where no tables are selected.",
    ),
    click.option(
        "--check-orphans",
        is_flag=True,
        help="Look for rows that refer to nothing before anything is written; stop if there are any.",
    ),
    click.option(
        "--carry-orphans",
        is_flag=True,
        help="Look for them, and write the keys that they break NOT VALID, on record.",
    ),
    options.with_plan,
    click.option("--force", is_flag=True, help="Overwrite files of the bundle that were edited."),
    options.access,
)


@dataclass(frozen=True, slots=True)
class BundleWish:
    """What was said of a bundle that is to be written."""

    reading: options.Reading
    plan: Path | None
    out: Path | None
    constraints: str | None
    data_only: bool
    rows_of: tuple[str, ...]
    groups: tuple[str, ...]
    no_owner: bool
    no_privileges: bool
    roles: tuple[str, ...]
    with_roles: bool
    choice_wish: options.ChoiceWish
    database_settings: bool
    large_objects: bool | None
    check_orphans: bool
    carry_orphans: bool
    plan_wish: options.PlanWish
    force: bool
    access: str | None

    @property
    def address(self) -> Address:
        """The database that it is written of."""
        return self.reading.address

    @property
    def contents(self) -> Contents:
        """All, or rows alone."""
        if self.rows_of and self.plan is not None:
            raise click.UsageError("--rows-of writes a bundle of rows alone, without a plan")
        return "data" if self.rows_of or self.data_only else "all"

    @property
    def settings(self) -> Config:
        """The configuration, with what was said in place of what it says."""
        settings = options.with_access(self.reading.settings, self.access)
        return _with_layout(
            _of_rows(settings, self.rows_of), self.constraints, rows_only=self.contents == "data"
        )

    def wanted(
        self,
        *,
        jobs: int,
        schema_only: bool = False,
        inserts: InsertStyle | None = None,
        digests: bool = True,
        live: bool = False,
    ) -> ExportOptions:
        """Find the plan, say which it is, and return what the export wants."""
        from migplan.bundle.options import Options
        from migplan.bundle.schema.roles import Owners
        from migplan.catalog.counts import Exactness
        from migplan.pipeline.export import ExportOptions

        chosen = self._chosen()
        return ExportOptions(
            out=self.out,
            options=Options(
                contents="schema" if schema_only else self.contents,
                jobs=jobs,
                inserts=inserts,
                choice=self.choice_wish.choice(privileges=not self.no_privileges),
                owners=Owners(kept=not self.no_owner, roles=_roles(self.roles)),
                groups=self.groups,
                large_objects=self.large_objects,
                database_settings=self.database_settings,
                with_roles=self.with_roles,
                digests=digests,
                live=live,
                untouched=bool(self.rows_of),
            ),
            exactness=Exactness.ESTIMATE if chosen.plan or live else Exactness.AUTO,
            force=self.force,
            check_orphans=self.check_orphans,
            carry_orphans=self.carry_orphans,
            plan=chosen,
        )

    def _chosen(self) -> ChosenPlan:
        from migplan.pipeline.plan import ChosenPlan, Part

        if self.rows_of:
            return ChosenPlan()
        reading = self.reading
        part = Part(reading.patterns, self.groups, rows_only=self.contents == "data")
        return self.plan_wish.chosen(
            self.plan, reading.configured, reading.catalog, part=part, layout=self.constraints
        )


def writing_a_bundle(command: Command) -> Command:
    """Add what is said of a bundle that is written; the command gets it as ``bundle_wish``."""

    @wraps(command)
    def wished(**given: Any) -> None:
        said = {each.name: given.pop(each.name) for each in fields(BundleWish)}
        command(bundle_wish=BundleWish(**said), **given)

    for option in reversed(_OPTIONS):
        wished = option(wished)
    return cast("Command", options.reading(saved=False, counted=False)(wished))


def foreseen(address: Address, settings: Config, wanted: ExportOptions) -> None:
    """Say what would be written."""
    from migplan.pipeline.export import preview_export
    from migplan.report import export as report

    with screen.progress("reading the catalog") as on_progress, options.ways_on(address):
        found = preview_export(address, settings, wanted, on_progress)
    screen.show(report.foreseen(*found, wanted.options.contents, live=wanted.options.live))


def exported(address: Address, settings: Config, wanted: ExportOptions, on_progress: Progress) -> Exported:
    """Write it."""
    from migplan.pipeline.export import export_bundle

    with ways_on(address):
        return export_bundle(address, settings, wanted, on_progress)


@contextmanager
def ways_on(address: Address) -> Iterator[None]:
    """Say what can be done where it would lack something.

    Orphans are an answer, and no failure: each key is shown, and the exit code is 1.
    """
    from migplan.bundle.data.orphan_keys import OrphansError
    from migplan.report import export as report

    try:
        with options.ways_on(address):
            yield
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
