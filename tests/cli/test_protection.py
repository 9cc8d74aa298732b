"""A protected target is known by what it is, however it is called, and every command that changes it asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migplan.bundle.verified import load_verified
from migplan.cli import main
from migplan.errors import RefusedError
from migplan.postgres.address import parse
from migplan.postgres.identity import who_is
from migplan.postgres.session import connect
from migplan.run.bundle import receipt
from migplan.run.bundle.apply import ApplyOptions, apply
from tests.cli.conftest import Run
from tests.cli.folders import asked
from tests.servers import Server

pytestmark = pytest.mark.slow

PROTECTED = "targets: {prd: {url: '${PRD}', protected: true}, other: {url: '${OTHER}'}}\n"
NAMED = ("--confirm", "prd", "--without-rehearsal")


@dataclass(frozen=True)
class Places:
    """A source, a target that migplan.yaml protects, and ways to spell the latter."""

    source: str
    target: str
    spellings: dict[str, str]


@pytest.fixture
def places(newest: Server, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    source = newest.create_database("CREATE TABLE t (n int PRIMARY KEY); INSERT INTO t VALUES (1)")
    target = newest.create_database()
    url = newest.url(target)
    params = conninfo_to_dict(url)
    host, link = str(params["host"]), nowhere / "s"
    others = ("127.0.0.1", host.upper())
    if host.startswith("/"):
        link.symlink_to(host)
        others = (str(link), f"{host}/")
    service = nowhere / "services"
    service.write_text("[it]\n" + "".join(f"{name}={value}\n" for name, value in params.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(service))
    monkeypatch.setenv("PRD", url)
    monkeypatch.setenv("OTHER", newest.url(source))
    (nowhere / "migplan.yaml").write_text(PROTECTED)
    spellings = {
        "name": "prd",
        "link": make_conninfo(url, host=others[0]),
        "slash": make_conninfo(url, host=others[1]),
        "service": "service=it",
        "words": make_conninfo(url, application_name="x"),
    }
    with newest.superuser("pw") as name:
        spellings["role"] = newest.url(target, user=name, password="pw")
        yield Places(newest.url(source), url, spellings)
    newest.drop_database(source)
    newest.drop_database(target)


def applied(places: Places, run: Run, *words: str) -> None:
    run("export", "--source", places.source, "--out", "b")
    run("apply", "b", "--target", "prd", *NAMED, *words)


def test_every_command_that_changes_a_target_can_be_told_its_name() -> None:
    changing = set()
    context = click.Context(main)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command
        options = {option.name for option in command.params if isinstance(option, click.Option)}
        if "target" in options and name not in {"analyze", "status", "verify", "rehearse"}:
            changing.add(name)
            assert "confirm" in options, name
    assert {"apply", "rollback", "maintain"} <= changing


def test_no_spelling_goes_round_it(places: Places, run: Run) -> None:
    (Path("m") / "maintenance").mkdir(parents=True)
    (Path("m") / "001_a.sql").write_text("CREATE TABLE a ();")
    (Path("m") / "maintenance" / "vacuum.sql").write_text("-- migplan: maintenance 0 3 * * *\nANALYZE;")
    applied(places, run)
    for target in places.spellings.values():
        for words in (
            ("apply", "b", "--target", target, "--without-rehearsal"),
            ("apply", "m", "--target", target, "--without-rehearsal"),
            ("rollback", "b", "--target", target, "--yes"),
            ("rollback", "--target", target, "--yes"),
            ("maintain", "vacuum", "--folder", "m", "--target", target),
            ("rehearse", "--source", places.source, "--out", "r", "--target", target),
        ):
            said = run(*words, exit_code=2).stderr
            assert "protected" in said, words
    assert asked(places.target, "SELECT kind, state FROM migplan.run") == [("apply", "done")]
    run("apply", "m", "--target", places.spellings["slash"], *NAMED)
    assert "protected" in run("rollback", "m", "--target", places.target, "--yes", exit_code=2).stderr
    run("rollback", "m", "--target", places.target, "--yes", "--confirm", "prd")
    run("maintain", "vacuum", "--folder", "m", "--target", places.spellings["link"], "--confirm", "prd")
    run("rollback", "--target", places.spellings["role"], "--yes", "--confirm", "prd")


def test_the_target_itself_remembers(places: Places, run: Run) -> None:
    """Where there is no migplan.yaml, or none that says so, its journal does."""
    applied(places, run)
    Path("migplan.yaml").unlink()
    for words in (("rollback",), ("apply", "b")):
        extra = ("--yes",) if words == ("rollback",) else ("--without-rehearsal",)
        said = run(*words, "--target", places.target, *extra, exit_code=2).stderr
        assert "is protected, as prd, says its journal" in said
    bundle = load_verified(Path("b"))
    with pytest.raises(RefusedError, match="says its journal"):
        apply(bundle, parse(places.target), ApplyOptions())
    asked(places.target, "UPDATE migplan.run SET state = 'failed', finished_at = NULL RETURNING 1")
    said = run("rollback", "--abandon", "--target", places.target, "--yes", exit_code=2).stderr
    assert "--confirm prd" in said
    said = run("rollback", "--abandon", "--target", places.target, "--confirm", "prd").stdout
    assert "is abandoned" in said


def test_a_protection_that_cannot_be_asked_is_not_passed_over(
    places: Places, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("export", "--source", places.source, "--out", "b")
    monkeypatch.delenv("PRD")
    said = run("apply", "b", "--target", places.target, exit_code=2).stderr
    assert "prd is protected, and cannot be asked whether it is this database" in said
    name = conninfo_to_dict(places.target)["dbname"]
    run("apply", "b", "--target", places.target, "--confirm", name)


def test_a_plain_role_that_may_not_ask_for_the_servers_number(server: Server) -> None:
    with (
        connect(server.address("postgres")) as one,
        connect(server.address("template1")) as other,
    ):
        one.autocommit = True
        here = who_is(one)
        one.execute("BEGIN; CREATE ROLE migplan_asks; SET LOCAL ROLE migplan_asks")
        assert who_is(one) == here, "every role may"
        one.execute("RESET ROLE; REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        one.execute("SET LOCAL ROLE migplan_asks")
        now = who_is(one)
        assert (now.lasting, now.is_that_of(here)) == ("", True)
        assert not now.is_that_of(who_is(other))
        one.execute("ROLLBACK")


def test_a_receipt_is_of_a_database_and_not_of_its_address(places: Places, run: Run) -> None:
    applied(places, run)
    run("verify", "b", "--target", places.spellings["link"])
    assert "no receipt" in run("apply", "b", "--target", "prd", "--confirm", "prd", exit_code=2).stderr
    (file,) = receipt.folder_of(Path("b")).glob("[0-9]*.json")
    assert json.loads(file.read_text())["identity"]
