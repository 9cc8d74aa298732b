"""What is logged, where it goes, and what is never in it."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from migplan import __version__
from migplan.cli import logs, main
from migplan.cli.commands import schema
from migplan.text.redaction import statement_for_log
from tests.cli.conftest import Run
from tests.servers import MakeDatabase, Server

SECRET = "N0body-Knows-This"
LOG = logging.getLogger("migplan.tests")


@pytest.fixture
def talking(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """`migplan schema config` says something at each level."""

    class Models(dict[str, object]):
        def __getitem__(self, name: str) -> object:
            LOG.debug("a detail")
            LOG.info("an event with %s and\na \x1b[31mred line", f"postgresql://ann:{SECRET}@host/shop")
            LOG.warning("a warning")
            return super().__getitem__(name)

    monkeypatch.setattr(schema, "_MODELS", Models(schema._MODELS))
    yield
    assert not logs._ALL.handlers or all(isinstance(each, logging.NullHandler) for each in logs._ALL.handlers)
    assert logs._ALL.level == logging.NOTSET, "each command leaves it as it was"


@pytest.mark.parametrize(
    ("before", "after", "heard"),
    [
        ((), (), ()),
        (("-v",), (), ("INFO", "WARNING")),
        ((), ("--verbose",), ("INFO", "WARNING")),
        (("-vv",), (), ("DEBUG", "INFO", "WARNING")),
        (("-v",), ("-v",), ("DEBUG", "INFO", "WARNING")),
        ((), ("-vvv",), ("DEBUG", "INFO", "WARNING")),
    ],
    ids=str,
)
def test_how_much_is_said(
    run: Run, talking: None, before: tuple[str, ...], after: tuple[str, ...], heard: tuple[str, ...]
) -> None:
    said = run(*before, "schema", "config", *after)
    assert (f" INFO migplan: migplan {__version__}, Python " in said.stderr.partition("\n")[0]) == bool(heard)
    lines = [line for line in said.stderr.splitlines() if " migplan.tests: " in line]
    assert tuple(line.split()[1] for line in lines) == heard
    assert json.loads(said.stdout), "stdout is data"
    assert SECRET not in said.output
    assert "\x1b" not in said.output


@pytest.mark.parametrize("place", ["before", "after"])
def test_a_file_has_it_for_its_owner_only(run: Run, talking: None, nowhere: Path, place: str) -> None:
    file = nowhere / "log"
    file.write_text("what was there\n")
    file.chmod(0o644)
    words = ("--log-file", str(file))
    said = run(*words, "schema", "config") if place == "before" else run("schema", "config", *words)
    assert said.stderr == ""
    assert file.stat().st_mode & 0o777 == 0o600
    first, begins, event, warning, end = file.read_text().splitlines()
    assert first == "what was there"
    assert f"INFO migplan: migplan {__version__}, Python 3." in begins
    assert begins.endswith(f"migplan --log-file {file} schema config") == (place == "before")
    assert event.endswith(
        r"INFO migplan.tests: an event with postgresql://ann:********@host/shop and\u000aa \u001b[31mred line"
    )
    assert warning.endswith("WARNING migplan.tests: a warning")
    assert "INFO migplan: ended with exit code 0 after " in end


def test_a_file_has_statements_when_they_are_asked_for(run: Run, talking: None, nowhere: Path) -> None:
    run("schema", "config", "--log-file", "log", "-vv")
    assert "DEBUG migplan.tests: a detail" in (nowhere / "log").read_text()
    run("-vv", "schema", "config", "--log-file", "other")
    assert "DEBUG migplan.tests: a detail" in (nowhere / "other").read_text()


@pytest.mark.parametrize("place", ["/dev/null", ".", "no/such/folder/log"])
def test_a_file_that_cannot_be_written(run: Run, place: str) -> None:
    said = run("schema", "config", "--log-file", place, exit_code=2)
    assert said.stderr.startswith(f"migplan: cannot write {place}: ")
    assert not said.stdout


def test_a_disk_that_is_full_stops_nothing(
    run: Run, talking: None, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, text: str) -> int:
        raise OSError(28, "No space left on device")

    opened = logs.os.fdopen  # type: ignore[attr-defined]

    def fdopen(*arguments: object, **more: object) -> object:
        stream = opened(*arguments, **more)

        class Full:
            write = full
            close = stream.close

        return Full()

    monkeypatch.setattr(logs.os, "fdopen", fdopen)  # type: ignore[attr-defined]
    said = run("schema", "config", "--log-file", "log")
    assert said.stderr == "migplan: log is not written any more: No space left on device\n"
    assert json.loads(said.stdout)


def test_what_nobody_foresaw_is_kept_whole(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: object, **__: object) -> str:
        raise ZeroDivisionError(f"with postgresql://ann:{SECRET}@host/shop")

    monkeypatch.setattr("tempfile.tempdir", str(nowhere))
    monkeypatch.setattr(schema.json, "dumps", failing)  # type: ignore[attr-defined]
    said = CliRunner().invoke(main, ["-v", "schema", "config", "--log-file", "log"])
    assert said.exit_code == 3
    assert "Traceback" not in said.output
    text = (nowhere / "log").read_text()
    assert (
        "ERROR migplan: migplan: this was not foreseen: ZeroDivisionError in migplan/cli/commands/schema.py"
        in text
    )
    assert "Traceback (most recent call last):\n" in text
    assert "ZeroDivisionError: with postgresql://ann:********@host/shop\n" in text
    assert text.splitlines()[-1].endswith("s")
    assert "ended with exit code 3 after " in text.splitlines()[-1]
    assert SECRET not in text + said.output


def test_what_a_command_fails_over_is_in_the_file_too(run: Run, nowhere: Path) -> None:
    url = f"postgresql://ann:{SECRET}@127.0.0.1:1/shop"
    said = run("analyze", url, "-vv", "--log-file", "log", exit_code=2)
    text = (nowhere / "log").read_text()
    assert "ERROR migplan: migplan: cannot connect to postgresql://ann@127.0.0.1:1/shop" in text
    assert "migplan analyze postgresql://ann:********@127.0.0.1:1/shop" in text
    assert "ended with exit code 2" in text
    assert "INFO migplan.postgres.session: no session at postgresql://ann@127.0.0.1:1/shop: " in said.stderr
    assert SECRET not in text + said.output


def test_a_library_is_silent() -> None:
    program = "import logging, migplan; logging.getLogger('migplan.postgres').warning('hear me')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
    ran = subprocess.run(
        [sys.executable, "-c", f"import logging; logging.basicConfig(); {program}"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stderr == "WARNING:migplan.postgres:hear me\n"


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        (
            "SELECT  1,\n -- a comment\n 'it''s', E'a\\'b' FROM t1 /* b */ WHERE x = 4.5e3",
            "SELECT ?, ?, ? FROM t1 WHERE x = ?",
        ),
        ('SELECT $1, %s FROM "it\'s 5"', 'SELECT $1, %s FROM "it\'s 5"'),
        ("DO $$secret$$; DO $a$it's $$ $a$", "DO ?; DO ?"),
        (b"INSERT INTO t VALUES ('not closed", "INSERT ..."),
        ("SELECT $x$ not closed", "SELECT ..."),
        ("'not closed", " ..."),
        ("SELECT /* not closed 'x'", "SELECT ..."),
        ('SELECT "not closed 5', "SELECT ..."),
        ("", ""),
        ("SELECT " + "x, " * 100, "SELECT " + "x, " * 64 + "x ..."),
    ],
)
def test_statements_without_their_values(statement: str | bytes, shown: str) -> None:
    assert statement_for_log(statement) == shown


@pytest.mark.slow
def test_a_whole_move(
    run: Run,
    newest: Server,
    newest_database: MakeDatabase,
    new_target: str,
    nowhere: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = "CREATE TABLE t (n int PRIMARY KEY, t text); INSERT INTO t VALUES (1, 'a literal of a row')"
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1761955200")  # the moment is said, too
    source = newest_database(script).params["dbname"]
    with newest.superuser(SECRET) as role:
        url = newest.url(source, user=role, password=SECRET)
        quiet = run("export", "--source", url, "--out", "quiet")
        loud = run("-vv", "export", "--source", url, "--out", "loud", "--log-file", "log")
    assert loud.stdout.replace("loud", "quiet") == quiet.stdout
    for said in (
        "exports its snapshot",
        f"is open, as {role}: PostgreSQL",
        "reads one moment of",
        "is closed",
    ):
        assert f"{said}" in loud.stderr
    assert re.search(r"DEBUG migplan.postgres.session: session \d+ begins SELECT ", loud.stderr)
    assert " migplan.files: wrote the folder " in loud.stderr
    words = ("apply", "loud", "--target", new_target, "-vv", "--log-format", "json", "--log-file", "log")
    told = run(*words).stderr
    events = [json.loads(line) for line in told.splitlines()]
    assert {"log", "planned", "began", "finished"} <= {each["event"] for each in events}
    texts = [each["text"] for each in events if each["event"] == "log"]
    assert any(text.startswith("step 1 begins: 01-schema") for text in texts)
    assert any(text.startswith("run 1 is done") for text in texts)
    assert {each["level"] for each in events if each["event"] == "log"} == {"debug", "info"}
    log = (nowhere / "log").read_text()
    assert "a literal of a row" not in log + told + loud.stderr
    assert SECRET not in log + told + loud.stderr
