"""Every command explains itself, and the reference has it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import click
import pytest

import migplan
from migplan.cli import main
from tests.cli.conftest import Run

CHECKOUT = Path(migplan.__file__).parents[1]


def commands(name: str = "migplan", command: click.Command = main) -> list[tuple[str, click.Command]]:
    found = [(name, command)]
    if isinstance(command, click.Group):
        context = click.Context(command)
        for child in sorted(command.list_commands(context)):
            sub = command.get_command(context, child)
            assert sub is not None
            found += commands(f"{name} {child}", sub)
    return found


COMMANDS = pytest.mark.parametrize(("name", "command"), commands(), ids=[name for name, _ in commands()])


@COMMANDS
def test_every_command_has_help(name: str, command: click.Command) -> None:
    assert command.help
    assert len(command.help.split()) >= 5
    assert command.get_short_help_str(200).endswith(".")


@COMMANDS
def test_every_option_has_help(name: str, command: click.Command) -> None:
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert not silent


@COMMANDS
def test_every_command_has_a_section_in_the_reference(name: str, command: click.Command) -> None:
    assert f"\n## {name}\n" in (CHECKOUT / "docs" / "reference.md").read_text()


def test_every_command_stands_in_the_changelog() -> None:
    text = (CHECKOUT / "CHANGELOG.md").read_text()
    assert not [name for name, command in commands()[1:] if f"`{name}" not in text]


def test_the_reference_is_what_the_help_says_today() -> None:
    spec = importlib.util.spec_from_file_location("generate", CHECKOUT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (CHECKOUT / "docs" / "reference.md").read_text() == generate.reference()


def test_the_top_level_help_says_how_to_begin_and_what_exit_codes_mean(run: Run) -> None:
    text = run("--help").stdout
    assert "migplan analyze --source postgresql://" in text
    assert "Exit codes" in text


def test_the_version_is_printed(run: Run) -> None:
    assert migplan.__version__ in run("--version").stdout
