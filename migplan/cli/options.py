"""Options that several commands share, and how they become values."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click
from click.core import ParameterSource

from migplan.cli import named
from migplan.errors import GroupingError, RefusedError

if TYPE_CHECKING:
    from migplan.bundle.schema.chosen import Choice
    from migplan.catalog.counts import Exactness
    from migplan.catalog.model import Catalog
    from migplan.catalog.selection import Selection
    from migplan.config import Config, Layout
    from migplan.pipeline.plan import ChosenPlan, Part
    from migplan.postgres.address import Address

Command = TypeVar("Command", bound=Callable[..., Any])

source = click.option(
    "--source",
    metavar="URL|NAME",
    help="The database to read, also as an argument: a URL, a libpq connection string, or a name of "
    "migplan.yaml. Default: source of migplan.yaml, else PGHOST, PGDATABASE and their kind.",
)
target = click.option(
    "--target",
    metavar="URL|NAME",
    help="The database to change, also as an argument: a URL, a libpq connection string, or a name of "
    "migplan.yaml.",
)
scratch = click.option(
    "--scratch",
    metavar="URL|NAME",
    envvar="MIGPLAN_SCRATCH",
    show_envvar=True,
    help="A server on which databases may be made, and dropped again, to try things on. Default: a throwaway "
    "server of our own, of the target's version.",
)
on_bundle = click.option(
    "--on",
    "on",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="BUNDLE",
    help="Of a folder of migrations: what stands before the first of them, as a bundle of production has it: "
    "migplan export --schema-only writes one. Its rows are not read.",
)
after = click.option(
    "--after",
    default="",
    metavar="NAME",
    help="Of a folder of migrations: the last one that is in BUNDLE already; those after it are run.",
)
_config_file = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The configuration. Default: migplan.yaml of this folder, if there is one.",
)
_from_catalog = click.option(
    "--from",
    "from_catalog",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Read a catalog that `migplan catalog` saved, instead of a database.",
)
lock_timeout = click.option(
    "--lock-timeout",
    type=click.FloatRange(0),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="How long a step waits for somebody else's lock; 0: for ever.",
)
statement_timeout = click.option(
    "--statement-timeout",
    type=click.FloatRange(0),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="How long a statement may take; 0: as long as it needs.",
)
retries = click.option(
    "--retries",
    type=click.IntRange(0, 100),
    default=5,
    show_default=True,
    help="How often a step is tried again after a deadlock, a lock not to be had, or a lost session.",
)
access = click.option(
    "--access",
    type=click.Choice(["owner", "group", "everyone"]),
    help="Who may read files that hold rows: their owner alone (0600 in a folder of 0700, the default), also "
    "the owner's group, or everyone.",
)
counts = click.option(
    "--counts",
    type=click.Choice(["auto", "exact", "estimate"]),
    default="auto",
    show_default=True,
    help="How rows are counted: auto counts small tables and takes the planner's estimate of large ones (~).",
)
log_format = click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How progress is told on stderr: for people, or a line of JSON an event (docs/copy.md).",
)
_plan_options = (
    click.option(
        "--no-plan", "ignored", is_flag=True, help="Use no plan file: go by a plan that is made on the spot."
    ),
    click.option(
        "--replan",
        "again",
        is_flag=True,
        help="Plan anew first, keep what was set by hand, write the plan's file, and go on with it.",
    ),
)
_choice_options = (
    click.option(
        "--without",
        "kinds",
        multiple=True,
        metavar="KIND",
        help="Leave out objects of a kind, as pg_dump calls it: TRIGGER, PUBLICATION ... (repeatable).",
    ),
    click.option(
        "--with-needed",
        is_flag=True,
        help="Take along what the selection needs: referenced tables with their rows, types, functions ...",
    ),
    click.option(
        "--without-dangling-keys",
        is_flag=True,
        help="Leave out foreign keys to tables that are not brought, and list them.",
    ),
)
platform = click.option(
    "--platform",
    metavar="NAME",
    help="The managed host of the target, whose own schemas, roles and extensions are left alone: supabase, "
    "rds, aurora, cloudsql, azure, neon, heroku, one of migplan.yaml's, or none. Default: platform of "
    "migplan.yaml.",
)
without_rehearsal = click.option(
    "--without-rehearsal",
    is_flag=True,
    help="Change a protected target although no receipt says that the bundle was rehearsed; it is journaled.",
)


class _Rate(click.ParamType[int]):
    """Bytes a second, with a unit or without."""

    name = "rate"
    _UNITS: Mapping[str, int] = MappingProxyType({"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000})

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes."""
        found = re.fullmatch(r"(\d+)\s*([kmg]?)b?(?:/s)?", str(value), re.IGNORECASE)
        number = int(found[1]) * self._UNITS[found[2].lower()] if found else 0
        if not number:
            self.fail(f"{value!r} is no number of bytes a second, such as 500k, 20M or 1G", param, ctx)
        return number


max_rate = click.option(
    "--max-rate",
    type=_Rate(),
    metavar="BYTES",
    help="How many bytes of live rows may pass in a second, all sessions together: 500k, 20M, 1G. "
    "Default: as many as can.",
)
source_jobs = click.option(
    "--source-jobs",
    type=click.IntRange(1, 64),
    metavar="N",
    help="How many sessions may read live rows of the source at once; the others build indexes and keys "
    "meanwhile. Default: as many as --jobs.",
)
no_verify = click.option(
    "--no-verify",
    is_flag=True,
    help="Do not read rows back that come live, to compare them with the source before they are committed.",
)
no_analyze = click.option(
    "--no-analyze",
    is_flag=True,
    help="Do not have the target count what the planner needs of the tables that came (ANALYZE).",
)
confirm = click.option(
    "--confirm",
    metavar="NAME",
    help="The name of a protected target, in place of typing it at a question.",
)
sign = click.option(
    "--sign",
    "key",
    type=click.Path(path_type=Path),
    metavar="KEY",
    help="Sign what is written with this SSH key: a private one, or the public one of a key in the agent.",
)
provided = click.option(
    "--provided",
    metavar="GLOB",
    multiple=True,
    help="What the target brings, beside `provided` of migplan.yaml: a schema, extension or role (auth), or "
    "objects (public.spatial_ref_sys). It is not created, its rows are not taken, and the target is asked "
    "for what is needed of it (repeatable).",
)
_selection = (
    click.option(
        "--schema",
        "schemas",
        metavar="GLOB",
        multiple=True,
        help="Only tables of these schemas (repeatable).",
    ),
    click.option(
        "--table",
        "tables",
        metavar="GLOB",
        multiple=True,
        help="Only these tables: guest_*, sales.*, or a name (repeatable).",
    ),
    click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out these tables (repeatable)."),
)


def jobs(help_: str) -> Callable[[Command], Command]:
    """Return the option ``--jobs``; a command says what its sessions do."""
    return click.option("--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help=help_)


def config(command: Command) -> Command:
    """Add ``--config``; the command gets the configuration as ``settings``."""

    @wraps(command)
    def configured(config_file: Path | None, **given: Any) -> None:
        command(settings=_configuration(config_file), **given)

    return _config_file(cast("Command", configured))


def _configuration(file: Path | None) -> Config:
    """The configuration, with platforms that there are."""
    from migplan import config as configuration
    from migplan.pipeline.platforms import refuse_unknown

    settings = configuration.find(file)
    refuse_unknown(settings)
    return settings


def on_platform(settings: Config, name: str | None) -> Config:
    """The configuration, with what the command line says of the target's host."""
    from migplan.pipeline.platforms import host_named

    if name is None:
        return settings
    return settings.model_copy(update={"platform": host_named(settings, name).name})


@dataclass(frozen=True)
class Reading:
    """What a command that reads a database was told: which one, or which saved catalog, and what of it."""

    source: str | None
    from_catalog: Path | None
    config_file: Path | None
    selected: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # --schema, --table, --exclude
    platform: str | None = None
    provided: tuple[str, ...] = ()

    @cached_property
    def configured(self) -> Config:
        """The configuration as it is, whatever the command line selects."""
        return with_provided(on_platform(_configuration(self.config_file), self.platform), self.provided)

    @cached_property
    def settings(self) -> Config:
        """The configuration, with what the command line selects in place of what the file does."""
        from migplan import config as configuration

        settings = self.configured
        schemas, tables, exclude = self.selected
        said = settings.selection
        if schemas or tables:
            said = configuration.SelectionSection(schemas=schemas, tables=tables, exclude=exclude)
        elif exclude:
            said = said.model_copy(update={"exclude": (*said.exclude, *exclude)})
        return settings.model_copy(update={"selection": said})

    @property
    def patterns(self) -> Selection:
        """What the command line selects by itself."""
        from migplan.catalog.selection import Selection

        return Selection(*self.selected)

    @property
    def address(self) -> Address:
        """The database."""
        return named.resolved(self.source, self.settings)

    def catalog(self, exactness: Exactness, *, vitals: bool = False, attributes: bool = True) -> Catalog:
        """Read the catalog of the database, with progress, or load the saved one."""
        from migplan.catalog import store
        from migplan.cli import screen
        from migplan.pipeline.analyze import read_catalog

        if self.from_catalog:
            return store.load(self.from_catalog)
        address = self.address
        with screen.progress("reading the catalog") as on_progress:
            return read_catalog(address, exactness, on_progress, vitals=vitals, attributes=attributes)


def reading(*, saved: bool = True, counted: bool = True) -> Callable[[Command], Command]:
    """Add the options that name a database and select tables of it; the command gets them as ``reading``.

    ``saved``: with ``--from``; ``counted``: with ``--counts``, which the command gets as ``counts``.
    """

    def adding(command: Command) -> Command:
        @wraps(command)
        def read(
            source: str | None,
            config_file: Path | None,
            schemas: tuple[str, ...],
            tables: tuple[str, ...],
            exclude: tuple[str, ...],
            platform: str | None,
            provided: tuple[str, ...],
            from_catalog: Path | None = None,
            **given: Any,
        ) -> None:
            selected = schemas, tables, exclude
            told = Reading(source, from_catalog, config_file, selected, platform, provided)
            command(reading=told, **given)

        added = [source, *([_from_catalog] if saved else []), _config_file, *_selection, platform, provided]
        added += [counts] if counted else []
        for option in reversed(added):
            read = option(read)
        return cast("Command", read)

    return adding


def with_provided(config: Config, globs: Sequence[str]) -> Config:
    """The configuration, with what the command line says that the target brings."""
    from pydantic import ValidationError

    from migplan.config import ProvidedSection

    try:
        more = ProvidedSection.model_validate(list(globs))
    except ValidationError as error:
        raise click.BadParameter(str(error.errors()[0]["ctx"]["error"]), param_hint="--provided") from None
    return config.model_copy(update={"provided": config.provided | more}) if globs else config


def with_access(config: Config, access: str | None) -> Config:
    """The configuration, with what the command line says of who may read."""
    from migplan.files import Access

    return config if access is None else config.model_copy(update={"access": Access(access)})


@dataclass(frozen=True, slots=True)
class PlanWish:
    """What a command that goes by a plan was told of it."""

    ignored: bool  # --no-plan
    again: bool  # --replan

    def chosen(
        self,
        named: Path | None,
        settings: Config,
        catalog: Callable[[Exactness], Catalog],
        *,
        part: Part | None = None,
        layout: str | None = None,
    ) -> ChosenPlan:
        """Find the plan to use, make it anew where that is wanted, and say which it is.

        ``settings`` is the configuration without what the command line selects, which is the ``part``;
        ``layout`` is what the command line wants.
        """
        from migplan.config import Layout

        found = self.find(named, settings, part)
        return self.settled(found, settings, catalog, Layout(layout) if layout else None)

    def find(self, named: Path | None, settings: Config, part: Part | None = None) -> ChosenPlan:
        """Find the plan to use, and say nothing."""
        from migplan.pipeline.plan import find_plan

        if self.ignored and (named is not None or self.again):
            other = "a plan is named" if named is not None else "--replan makes a new plan"
            raise click.UsageError(f"{other}, and --no-plan says that none is used")
        return find_plan(named, settings, ignored=self.ignored, part=part)

    def settled(
        self,
        chosen: ChosenPlan,
        settings: Config,
        catalog: Callable[[Exactness], Catalog],
        layout: Layout | None = None,
    ) -> ChosenPlan:
        """Make the plan that was found anew where that is wanted, and say which it is."""
        from migplan.cli import screen
        from migplan.pipeline.plan import unlike_configuration

        if self.again:
            return _planned_again(chosen, settings, catalog, layout)
        screen.show([str(chosen)])
        if chosen.plan is not None and layout not in (None, chosen.plan.constraints):
            raise RefusedError(
                f"{chosen.file} is made for constraints {chosen.plan.constraints.value}, and --constraints "
                "asks for another layout",
                do="with --replan it becomes the plan's; --no-plan goes by a plan made on the spot",
            )
        for line in unlike_configuration(chosen, settings):
            screen.show([f"Note: {line}; the plan decides, --replan takes what migplan.yaml says"])
        return chosen


def _planned_again(
    chosen: ChosenPlan, settings: Config, catalog: Callable[[Exactness], Catalog], layout: Layout | None
) -> ChosenPlan:
    from migplan.catalog.counts import Exactness
    from migplan.cli import screen
    from migplan.pipeline.plan import find_plan, make_plan, request_of, write_plan
    from migplan.report import plan as report

    if chosen.file is None:
        raise RefusedError("there is no plan to make again", do="write one with: migplan plan")
    found = catalog(Exactness.AUTO)
    configured = settings
    if layout is not None:
        settings = settings.model_copy(
            update={"plan": settings.plan.model_copy(update={"constraints": layout})}
        )
    asked = ("constraints",) if layout is not None else ()
    try:
        request = request_of(settings, found)
        result = make_plan(found, settings, request, chosen.file, asked, configured)
    except GroupingError as error:
        error.do = f"migplan plan --out {chosen.file} --reorder; or edit it: {error.do}"
        raise
    write_plan(result, chosen.file)
    again = find_plan(chosen.file, settings, part=chosen.part)
    screen.show([str(again), *report.again(result.changed)])
    return again


def with_plan(command: Command) -> Command:
    """Add ``--no-plan`` and ``--replan``; the command gets them as ``plan_wish``."""

    @wraps(command)
    def wished(ignored: bool, again: bool, **given: Any) -> None:
        command(plan_wish=PlanWish(ignored, again), **given)

    for option in reversed(_plan_options):
        wished = option(wished)
    return cast("Command", wished)


@dataclass(frozen=True, slots=True)
class ChoiceWish:
    """What a command that writes a bundle was told to leave out, and to take along."""

    kinds: tuple[str, ...]  # --without
    needed: bool
    dangling_keys: bool

    def choice(self, *, privileges: bool = True) -> Choice:
        """The kinds as pg_dump writes them, and the rest."""
        from migplan.bundle.schema.chosen import Choice

        kinds = frozenset(" ".join(kind.upper().split()) for kind in self.kinds)
        return Choice(privileges, kinds, self.needed, self.dangling_keys)

    @property
    def said(self) -> Mapping[str, bool]:
        """Of each option whether it was said."""
        return {
            "--without": bool(self.kinds),
            "--with-needed": self.needed,
            "--without-dangling-keys": not self.dangling_keys,
        }


def choosing(command: Command) -> Command:
    """Add what is left out and taken along; the command gets it as ``choice_wish``."""

    @wraps(command)
    def wished(kinds: tuple[str, ...], with_needed: bool, without_dangling_keys: bool, **given: Any) -> None:
        command(choice_wish=ChoiceWish(kinds, with_needed, not without_dangling_keys), **given)

    for option in reversed(_choice_options):
        wished = option(wished)
    return cast("Command", wished)


def refuse_given(whys: Mapping[str, str]) -> None:
    """Raise UsageError if one of these parameters is given on the command line; each has its reason."""
    context = click.get_current_context()
    for each in context.command.params:
        if each.name in whys and context.get_parameter_source(each.name) is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{each.opts[0]} {whys[each.name]}")


def refuse_several(*names: str) -> None:
    """Raise UsageError if more than one of these parameters is given."""
    context = click.get_current_context()
    given = [
        each.opts[0] for each in context.command.params if each.name in names and context.params[each.name]
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} exclude each other")


@contextmanager
def ways_on(address: Address) -> Iterator[None]:
    """Say what can be done where a bundle would lack something, as commands to paste."""
    from migplan.bundle.schema.chosen import LacksError
    from migplan.text.redaction import redacted

    try:
        yield
    except LacksError as error:
        plain = str(replace(address, name=None))  # without the password, which libpq finds elsewhere
        words = ["migplan", *click.get_current_context().find_root().obj]
        words = [word if redacted(word) == word else plain for word in words]

        words += error.options

        def command(*more: str) -> str:
            return shlex.join([*words, *more])

        ways = []
        if all(lack.can_come for lack in error.lacks):
            ways.append(f"take it along: {command('--with-needed')}")
        names = dict.fromkeys(lack.name for lack in error.lacks)
        provided = (word for name in names for word in ("--provided", name))
        ways.append(f"the target has it: {command(*provided)}")
        if error.without:
            ways.append(f"leave out what needs it: {command(*error.without)}")
        error.do = "\n     ".join([*ways, *([f"in each of them, {error.more}"] if error.more else [])])
        raise
