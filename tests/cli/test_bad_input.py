"""Bad input: one clear sentence, what to do, exit code 2; no traceback, and never a password."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.postgres import read_again
from migplan.postgres.address import Address
from migplan.postgres.server import ThrowawayServer
from tests.cli.conftest import Run
from tests.run.running import until
from tests.servers import Server

SECRET = "h4rd-to-gu3ss"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("nonsense", "neither a URL nor a name"),
        ("mysql://root@localhost/shop", "only PostgreSQL"),
        (f"postgresql://u:{SECRET}@127.0.0.1:1/shop", "no server answers there"),
        (f"postgresql://u:{SECRET}@no-such-host.invalid/shop", "host's name is not known"),
        (f"postgresql://u:{SECRET}@x@localhost/shop", "must be escaped"),
        (f"postgresql://u:{SECRET}/x@localhost/shop", "must be escaped"),
        (f"postgresql://u:%zz{SECRET}@localhost/shop", "cannot be read as a PostgreSQL address"),
        (f"host=localhost pasword={SECRET}", "cannot be read as a PostgreSQL address"),
        ("service=no_such_service", "no service of that name"),
        ("", "neither a URL nor a name"),
    ],
)
def test_an_address_that_leads_nowhere(run: Run, url: str, said: str) -> None:
    result = run("analyze", "--source", url, exit_code=2)
    assert said in result.stderr
    assert "  -> " in result.stderr
    assert SECRET not in result.output
    assert result.stdout == ""


@pytest.mark.slow
def test_a_wrong_password_a_missing_database_and_a_missing_role(run: Run) -> None:
    with ThrowawayServer(tcp=True) as server:
        good = server.conninfo()
        wrong = server.conninfo(password=SECRET)
        assert "password was not accepted" in (text := run("analyze", "--source", wrong, exit_code=2).output)
        assert SECRET not in text
        password = server.params()["password"]
        for url, said in (
            (good.removesuffix("/postgres") + "/nope", "no database of that name"),
            (server.conninfo(user="nobody_here", password=SECRET), "password was not accepted"),
        ):
            result = run("analyze", "--source", url, exit_code=2)
            assert said in result.stderr
            assert password not in result.output
            assert SECRET not in result.output


def test_no_source_at_all(run: Run) -> None:
    assert "migplan init" in run("analyze", exit_code=2).stderr


def test_an_empty_database(run: Run, newest: Server, newest_database: Callable[[str], Address]) -> None:
    url = newest.url(newest_database("").params["dbname"])
    for command in ("analyze", "plan"):
        assert "has no table" in run(command, "--source", url, exit_code=2).stderr


def test_schemas_and_tables_that_are_not_there(run: Run, demo_url: str) -> None:
    assert (
        "did you mean public?"
        in run("analyze", "--source", demo_url, "--schema", "pubic", exit_code=2).stderr
    )
    said = run("analyze", "--source", demo_url, "--table", "gest_reservations", exit_code=2).stderr
    assert "did you mean public.guest_reservations?" in said
    said = run("analyze", "--source", demo_url, "--schema", "public", "--exclude", "*", exit_code=2).stderr
    assert "the selection leaves no table" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("groups:\n  - name: a\n    tables: [hotelz]\n", "did you mean public.hotels?"),
        (
            "groups:\n  - name: a\n    tables: [hotels]\n  - name: b\n    tables: [hotels, '*']\n",
            "more than one group",
        ),
        ("groups:\n  - name: a\n   tables: [x]\n", "migplan.yaml:3:"),
        ("grops: []\n", "migplan.yaml:1:1: 'grops' is not known here\n  -> did you mean groups?"),
        ("plan:\n  constraint: after-data\n", "migplan.yaml:2:3: 'constraint' is not known here"),
        ("plan:\n  constraints: sometimes\n", "migplan.yaml:2:3: plan.constraints"),
        ("strategies:\n  hotelz: copy\n", "no such table is selected"),
        ("strategies:\n  hotels: levels\n", "none of its rows refers to another row"),
        (f"source:\n  url: postgresql://u:{SECRET}@h/d\n", "migplan.yaml:2:3: a password does not belong"),
        ("- a\n- b\n", "migplan.yaml:1:1"),
        ("plan: {name: a}\nplan: {name: b}\n", "a second time"),
        ("\tplan: x\n", "migplan.yaml:1:1"),
    ],
)
def test_a_configuration_that_is_wrong(run: Run, demo_url: str, text: str, said: str) -> None:
    Path("migplan.yaml").write_text(text)
    result = run("plan", "--source", demo_url, exit_code=2)
    assert said in result.stderr
    assert SECRET not in result.output


def test_files_that_are_not_there_or_not_what_they_should_be(run: Run, demo_url: str) -> None:
    Path("x.json").write_text('{"half": ')
    assert "there is no" in run("analyze", "--config", "no.yaml", exit_code=2).stderr
    assert "cannot read the catalog" in run("analyze", "--from", "no.json", exit_code=2).stderr
    assert (
        "not a catalog that migplan wrote: line 1" in run("analyze", "--from", "x.json", exit_code=2).stderr
    )
    said = run("plan", "--source", demo_url, "--check", "--out", "no.yaml", exit_code=2).stderr
    assert "there is no plan no.yaml" in said
    Path("folder").mkdir()
    assert "cannot write" in run("catalog", "--source", demo_url, "--out", "folder", exit_code=2).stderr
    assert not [file for file in Path().iterdir() if file.name.endswith(".part")]


def test_a_role_that_may_not_look(
    run: Run, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    name = newest_database("""
        CREATE SCHEMA closed;
        CREATE TABLE closed.vault (id int PRIMARY KEY);
        CREATE TABLE open_door (id int PRIMARY KEY, v int REFERENCES closed.vault);
    """).params["dbname"]
    role = f"migplan_test_guest_{os.getpid()}"
    with newest.connect(dbname=name) as connection:
        connection.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{SECRET}'".encode())
    try:
        url = newest.url(name, user=role, password=SECRET)
        result = run("analyze", "--source", url)
        assert "schema closed: the role has no USAGE on it" in result.stdout
        assert "rows of closed.vault: the role may not SELECT from it" in result.stdout
        assert "closed.vault" in result.stdout.partition("Not read")[0]
        orphans = run("analyze", "--source", url, "--check-orphans", exit_code=None)
        assert "not looked at: permission denied" in orphans.output
        assert SECRET not in result.output + orphans.output
    finally:
        with newest.connect() as connection:
            connection.execute(f"DROP ROLE {role}".encode())


def at_work(server: Server, name: str) -> bool:
    """Whether migplan has a session in the database, and is asking something."""
    query = (
        "SELECT FROM pg_stat_activity "
        "WHERE datname = %s AND application_name = 'migplan' AND state = 'active'"
    )
    with server.connect() as connection:
        return bool(connection.execute(query, [name]).rowcount)


@pytest.mark.slow
def test_ctrl_c_stops_with_a_sentence_and_exit_code_130(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    name = newest_database("CREATE TABLE t (id int PRIMARY KEY)").params["dbname"]
    with newest.connect(dbname=name) as locker, locker.transaction():
        locker.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        words = [
            sys.executable,
            "-m",
            "migplan",
            "analyze",
            "--counts",
            "exact",
            "--source",
            newest.url(name),
        ]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            until(lambda: at_work(newest, name), "it never connected")
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert said == "migplan: stopped\n"


@pytest.mark.slow
def test_a_locked_table_is_waited_for_but_not_for_ever(
    run: Run, newest: Server, newest_database: Callable[[str], Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(read_again, "PATIENCE", 0.0)
    name = newest_database("CREATE TABLE t (id int PRIMARY KEY)").params["dbname"]
    with newest.connect(dbname=name) as locker, locker.transaction():
        locker.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        said = run("analyze", "--source", newest.url(name), exit_code=2).stderr
    assert "a lock of others was in the way" in said or "another session held a lock" in said
    assert "pg_stat_activity" in said
