"""Options that several commands share, and how they become values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, TypeGuard, TypeVar, cast

import click

from migplan import config as configuration
from migplan.bundle.paths import BundlePaths
from migplan.catalog.counts import Exactness
from migplan.config import Config, SelectionSection
from migplan.errors import AddressError, FileError
from migplan.files import Access
from migplan.postgres import address
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
config = click.option(
    "--config",
    "config_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The configuration. Default: migplan.yaml of this folder, if there is one.",
)
from_catalog = click.option(
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
access = click.option(
    "--access",
    type=click.Choice([access.value for access in Access]),
    help="Who may read files that hold rows: their owner alone (0600 in a folder of 0700, the default), also "
    "the owner's group, or everyone.",
)
counts = click.option(
    "--counts",
    type=click.Choice([exactness.value for exactness in Exactness]),
    default=Exactness.AUTO.value,
    show_default=True,
    help="How rows are counted: auto counts small tables and takes the planner's estimate of large ones (~).",
)


def arguments(
    database: str, other: str = "", *, needed: frozenset[str] = frozenset(), text: bool = False
) -> Callable[[Command], Command]:
    """Let a command take its database as an argument as well as by the option ``--DATABASE``.

    ``other`` is what else may stand there, in either order: a path, or with ``text`` a word. A word is the
    database when it looks like an address, or is a name of migplan.yaml and of no file.
    """

    def taking(command: Command) -> Command:
        @wraps(command)
        def taken(words: tuple[str, ...], **given: Any) -> None:
            of_database, of_other = _told_apart(words, given.get("config_file"), alone=not other)
            given[database] = _one_database(of_database, given[database], database)
            if len(of_other) > bool(other):
                raise click.UsageError(f"there is an argument too many: {' '.join(of_other[bool(other) :])}")
            if other:
                found = of_other[0] if of_other else None
                given[other] = found if text or found is None else Path(found)
            for name in sorted(needed):
                if given[name] is None:
                    said = f"option '--{name}'" if name == database else f"argument '{name.upper()}'"
                    raise click.UsageError(f"Missing {said}.")
            command(**given)

        shown = f"[{other.upper()}] [URL|NAME]" if other else "[URL|NAME]"
        return cast("Command", click.argument("words", nargs=-1, metavar=shown)(taken))

    return taking


def _told_apart(
    words: Sequence[str], config_file: Path | None, *, alone: bool
) -> tuple[list[str], list[str]]:
    """The words that mean a database, and all others."""
    databases: list[str] = []
    others: list[str] = []
    for word in words:
        is_database = alone or (address.looks_like_one(word) and not Path(word).exists())
        if not is_database and not Path(word).exists():
            is_database = word in configuration.names(configuration.find(config_file))
        (databases if is_database else others).append(word)
    return databases, others


def _one_database(words: Sequence[str], option: str | None, name: str) -> str | None:
    said = [*dict.fromkeys(words), *([option] if option is not None and option not in words else [])]
    if len(said) > 1:
        raise click.UsageError(
            f"the database is named twice, and not the same: give it as an argument, or with --{name}"
        )
    return said[0] if said else None


def selection(command: Command) -> Command:
    """The filters by schema and table."""
    for option in (
        click.option("--exclude", metavar="GLOB", multiple=True, help="Leave out these tables (repeatable)."),
        click.option(
            "--table",
            "tables",
            metavar="GLOB",
            multiple=True,
            help="Only these tables: guest_*, sales.*, or a name (repeatable).",
        ),
        click.option(
            "--schema",
            "schemas",
            metavar="GLOB",
            multiple=True,
            help="Only tables of these schemas (repeatable).",
        ),
    ):
        command = option(command)
    return command


def with_access(config: Config, access: str | None) -> Config:
    """The configuration, with what the command line says of who may read."""
    return config if access is None else config.model_copy(update={"access": Access(access)})


def with_selection(
    settings: Config, schemas: tuple[str, ...], tables: tuple[str, ...], exclude: tuple[str, ...]
) -> Config:
    """The configuration, with what the command line selects in place of what the file does."""
    said = settings.selection
    if schemas or tables:
        said = SelectionSection(schemas=schemas, tables=tables, exclude=exclude)
    elif exclude:
        said = said.model_copy(update={"exclude": (*said.exclude, *exclude)})
    return settings.model_copy(update={"selection": said})


def resolved(text: str | None, settings: Config) -> Address:
    """The database that an option, the configuration or the environment names."""
    if text is None:
        if settings.source is not None:
            text = "source"
        elif found := address.from_environment():
            return found
        else:
            raise AddressError(
                "no database is named",
                do="give --source postgresql://user@host/database, or write migplan.yaml with: migplan init",
            )
    url = configuration.url_of(settings, text)
    if url is not None:
        return address.parse(url, name=text)
    if not address.looks_like_one(text):
        raise AddressError(
            f"{text!r} is neither a URL nor a name of migplan.yaml",
            do=configuration.suggestion(settings, text)
            or "write it as postgresql://user@host:5432/database or service=NAME",
        )
    return address.parse(text)


def bundle_folder(given: Path | None) -> Path:
    """The bundle that was named, or the only one under migrations/."""
    if given is not None:
        return given
    home = Path("migrations")
    found = sorted(each.parent for each in home.glob("*/manifest.json"))
    if len(found) == 1:
        return found[0]
    if found:
        raise FileError(
            f"there are {len(found)} bundles under {home}: {', '.join(str(each) for each in found)}",
            do="name one of them",
            file=home,
        )
    raise FileError(
        f"there is no bundle under {home}", do="name its folder, or write one with: migplan export", file=home
    )


def is_of_people(path: Path | None) -> TypeGuard[Path]:
    """Whether a folder holds migrations that people wrote, and no bundle."""
    return path is not None and path.is_dir() and not BundlePaths(path).manifest.exists()
