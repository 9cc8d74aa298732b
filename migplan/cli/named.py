"""Databases and folders that the words of a command line name, and what they are."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeGuard, TypeVar, cast

import click

from migplan.text.wording import did_you_mean

if TYPE_CHECKING:
    from migplan.config import Config
    from migplan.postgres.address import Address

Command = TypeVar("Command", bound=Callable[..., Any])


def arguments(
    database: str,
    other: str = "",
    *,
    needed: frozenset[str] = frozenset(),
    text: bool = False,
    gone: bool = False,
) -> Callable[[Command], Command]:
    """Let a command take its database as an argument as well as by the option ``--DATABASE``.

    ``other`` is what else may stand there, in either order: a path, or with ``text`` a word. A word is the
    database when it looks like an address, or is a name of migplan.yaml and of no file. ``gone`` lets the
    path name what is not there any more.
    """

    def taking(command: Command) -> Command:
        @wraps(command)
        def taken(words: tuple[str, ...], **given: Any) -> None:
            of_database, of_other = _told_apart(words, given.get("config_file"), alone=not other)
            given[database] = _one_database(of_database, given[database], database)
            if len(of_other) > bool(other):
                slips = [] if text or given[database] else of_other  # one is a database, by another name
                _refuse_more(of_other[bool(other) :], slips, other, given.get("config_file"))
            if other:
                found = next(iter(of_other), None)
                if found is not None and not (text or gone):
                    _refuse_missing(found, other, given.get("config_file"))
                given[other] = found if text or found is None else Path(found)
            both = {each: given.get(each) for each in ("source", "target")}
            for name, value in {**both, database: given[database], other: given.get(other)}.items():
                if value is not None:
                    click.get_current_context().meta[f"migplan.{name}"] = as_typed(str(value))
            for name in sorted(needed):
                if given[name] is None:
                    said = f"option '--{name}'" if name == database else f"argument '{name.upper()}'"
                    raise click.UsageError(f"Missing {said}.")
            command(**given)

        shown = f"[{other.upper()}] [URL|NAME]" if other else "[URL|NAME]"
        return cast("Command", click.argument("words", nargs=-1, metavar=shown)(taken))

    return taking


_MAKE = {
    "plan": "make one with: migplan plan --out",
    "bundle": "write one with: migplan export --out",
    "folder": "write the first migration of one with: migplan new NAME --dir",
}


def _refuse_more(words: list[str], slips: list[str], other: str, config_file: Path | None) -> NoReturn:
    """Raise an error for arguments that are too many, or for one of ``slips`` that means nothing."""
    for word in reversed(slips if other else ()):
        _refuse_missing(word, other, config_file)
    raise click.UsageError(f"there is an argument too many: {' '.join(words)}")


def _refuse_missing(word: str, other: str, config_file: Path | None) -> None:
    """Raise FileError if a word is neither a path that is there nor a name of migplan.yaml."""
    from migplan import config as configuration
    from migplan.errors import FileError

    path = Path(word)
    if path.exists():
        return
    beside = [str(path.parent / each.name) for each in path.parent.glob("*")] if path.parent.is_dir() else []
    known = [*configuration.names(configuration.find(config_file)), *beside]
    make = f"{_MAKE[other]} {shlex.quote(word)}"
    if not path.suffix and path.name == word:
        make += "; a database is a URL, or a name under targets of migplan.yaml"
    raise FileError(
        f"{word} is not there: no {other} of that name, and no database that migplan.yaml knows",
        do=did_you_mean(word, known, make),
        file=path,
    )


def as_typed(text: str) -> str:
    """Return a word of the command line for a command to be pasted; a password is left out."""
    from migplan.errors import AddressError
    from migplan.postgres import address

    if address.looks_like_one(text) and not Path(text).exists():
        try:
            text = address.parse(text).without_password(text)
        except AddressError:
            return "TARGET"
    return shlex.quote(text)


def filled_in(text: str) -> str:
    """Return advice with what the command line has named: databases and the folder."""
    context = click.get_current_context(silent=True)
    named = context.meta if context else {}
    databases = ("target", "--target TARGET"), ("source", "--source SOURCE")
    for what, written in (*databases, ("bundle", " FOLDER"), ("folder", " FOLDER")):
        if known := named.get(f"migplan.{what}"):
            text = text.replace(written, f"{written.rpartition(' ')[0]} {known}")
    return text


def _told_apart(
    words: Sequence[str], config_file: Path | None, *, alone: bool
) -> tuple[list[str], list[str]]:
    """The words that mean a database, and all others."""
    from migplan import config as configuration
    from migplan.postgres import address

    databases: list[str] = []
    others: list[str] = []
    for word in words:
        is_database = alone or (address.looks_like_one(word) and not Path(word).exists())
        if not is_database and not Path(word).exists():
            is_database = word == "scratch" or word in configuration.names(configuration.find(config_file))
        (databases if is_database else others).append(word)
    return databases, others


def _one_database(words: Sequence[str], option: str | None, name: str) -> str | None:
    said = [*dict.fromkeys(words), *([option] if option is not None and option not in words else [])]
    if len(said) > 1:
        raise click.UsageError(f"two different databases are named: give it as an argument, or with --{name}")
    return said[0] if said else None


def resolved(text: str | None, settings: Config) -> Address:
    """The database that an option, the configuration or the environment names."""
    return _known_pooler(_resolved(text, settings), settings)


def _known_pooler(address: Address, settings: Config) -> Address:
    """The address, and, where it is known for a pooler that shares sessions, what to connect to instead."""
    from migplan import platforms
    from migplan.config import Mode

    host, port = address.endpoint
    found = platforms.connection(platforms.known(settings.platforms), host, port) if host else None
    if found is None or found.mode is not Mode.TRANSACTION:
        return address
    return replace(address, sessions_at=found.instead(host, port))


def _resolved(text: str | None, settings: Config) -> Address:
    from migplan import config as configuration
    from migplan.errors import AddressError
    from migplan.postgres import address
    from migplan.postgres.scratch import NAME as SCRATCH
    from migplan.postgres.scratch import kept

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
    if text == SCRATCH:
        if running := kept():
            return running
        raise AddressError(
            "no scratch server is running: one lives as long as the command that starts it",
            do="migplan rehearse goes there, proves it and goes back on one of its own; to have one for "
            "several commands, keep it in another terminal: migplan apply --target scratch --keep",
        )
    url = configuration.url_of(settings, text)
    if url is not None:
        return address.parse(url, name=text)
    if not address.looks_like_one(text):
        if text and is_of_people(Path(text)):
            raise AddressError(f"{text} is a folder, and a database is asked for", do=OF_PEOPLE)
        raise AddressError(
            f"{text!r} is neither a URL nor a name of migplan.yaml",
            do=configuration.suggestion(settings, text)
            or "write it as postgresql://user@host:5432/database or service=NAME",
        )
    return address.parse(text)


def bundle_folder(given: Path | None, settings: Config) -> Path:
    """The bundle that was named, else the one under migrations/ by the plan's name, or the only one there."""
    from migplan.errors import FileError

    if found := given or default_bundle(settings.plan.name):
        return found
    home = Path("migrations")
    raise FileError(
        f"there is no bundle under {home}", do="name its folder, or write one with: migplan export", file=home
    )


def default_bundle(plan: str) -> Path | None:
    """Return the bundle under migrations/ by a plan's name, or the only one; None if there is none.

    Which of several is meant is said. FileError if none of them has the plan's name.
    """
    from migplan.errors import FileError
    from migplan.run.bundle import receipt

    home = Path("migrations")
    every = sorted(each.parent for each in home.glob("*/manifest.json"))
    found = [each for each in every if not receipt.is_kept(each)]
    others = [each for each in found if each.name != plan]
    if len(found) < 2:
        return found[0] if found else None
    if len(others) == len(found):
        raise FileError(
            f"there are {len(found)} bundles under {home}, and none by the plan's name, {plan}: "
            f"{', '.join(str(each) for each in found)}",
            do="name one of them",
            file=home,
        )
    beside = ", ".join(map(str, others))
    click.echo(f"note: {home / plan} is meant, by the plan's name; beside it: {beside}", err=True)
    return home / plan


OF_PEOPLE = (
    "of a folder of migrations there are: migplan analyze, rehearse, apply, status, verify and rollback"
)
"""What can be done with one, for who asks a command that knows none."""


def is_of_people(path: Path | None) -> TypeGuard[Path]:
    """Whether a folder holds migrations that people wrote, and no bundle."""
    from migplan.bundle.paths import BundlePaths

    return path is not None and path.is_dir() and not BundlePaths(path).manifest.exists()
