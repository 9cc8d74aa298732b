"""No password is ever seen: whatever the command, however its address was given, whatever went wrong."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migplan.cli import main
from migplan.postgres.address import Address
from migplan.postgres.server import ThrowawayServer
from migplan.text.redaction import MASK, redacted, remember, remember_words
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

READERS = ("analyze", "advise", "plan", "export", "rehearse", "document", "catalog", "init")
CHANGERS = ("apply", "status", "verify", "rollback", "maintain")
OTHERS = ("check", "new", "schema", "nonsense")

# Ways to write an address, right and wrong; each has {p} where the password is.
SHAPES = (
    "postgresql://ann:{p}@127.0.0.1:1/shop",
    "postgres://ann:{p}@no-such-host.invalid/shop",
    "postgresql://ann:{p}@127.0.0.1:1/shop?pasword=x",
    "postgresql://ann:{p}@127.0.0.1:port/shop",
    "postgresql://ann:{p}",
    "postgresql://ann:{p}/shop",
    "postgresql:/ann:{p}@127.0.0.1/shop",
    "postgresql//ann:{p}@127.0.0.1/shop",
    "mysql://ann:{p}@127.0.0.1/shop",
    "jdbc:postgresql://127.0.0.1:1/shop?user=ann&password={p}",
    "ann:{p}@127.0.0.1:5432/shop",
    "postgresql://127.0.0.1:1/shop?password={p}",
    "host=127.0.0.1 port=1 user=ann password={p}",
    "host=127.0.0.1 port=1 user=ann pasword=x password='{p}'",
    "host=127.0.0.1 port=one password={p}",
    "dbname=postgresql://ann:{p}@127.0.0.1/shop",
)
PLACES = ("argument", "option", "joined", "wrong option", "number", "environment", "file", "before")
PASSWORDS = st.text("abcXYZ019-_.!$*+~^|", min_size=6, max_size=14).filter(
    lambda text: any(sign.isupper() or sign.isdigit() for sign in text)
)


def words_for(command: str, place: str, address: str) -> tuple[list[str], dict[str, str]]:
    """A command line that gives the address there, and its environment."""
    option = "--target" if command in CHANGERS else "--source"
    match place:
        case "argument":
            return [command, address], {}
        case "option":
            return [command, option, address], {}
        case "joined":
            return [command, f"{option}={address}"], {}
        case "wrong option":
            return [command, "--sauce", address], {}
        case "number":
            return [command, "--jobs", address, "--depth", address], {}
        case "environment":
            Path("migplan.yaml").write_text("source: {url: '${DB}'}\ntargets: {t: {url: '${DB}'}}\n")
            return [command, option, "t" if command in CHANGERS else "source"], {"DB": address}
        case "file":
            Path("migplan.yaml").write_text(f"source:\n  url: {json.dumps(address)}\n")
            return [command], {}
        case _:
            return [address, command], {}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    command=st.sampled_from(READERS + CHANGERS + OTHERS),
    place=st.sampled_from(PLACES),
    shape=st.sampled_from(SHAPES),
    password=PASSWORDS,
    escaped=st.booleans(),
)
def test_no_way_to_give_an_address_shows_its_password(
    nowhere: Path, command: str, place: str, shape: str, password: str, escaped: bool
) -> None:
    for file in nowhere.iterdir():
        if file.is_file():
            file.unlink()
    address = shape.format(p=quote(password, safe="") if escaped else password)
    words, environment = words_for(command, place, address)
    result = CliRunner().invoke(main, words, env=environment)
    assert result.exit_code != 0 or command == "init"
    assert result.exit_code != 3, result.output
    assert "Traceback" not in result.output
    assert password not in result.output
    assert quote(password, safe="") not in result.output
    for file in nowhere.rglob("*"):
        if file.is_file() and file.name != "migplan.yaml":
            assert password not in file.read_text("utf-8", "replace")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("postgresql://u:p@h/d", f"postgresql://u:{MASK}@h/d"),
        ("see postgres://u:a@b:c@h:5432/d?x=y now", f"see postgres://u:{MASK}@h:5432/d?x=y now"),
        ("password=x y", f"password={MASK} y"),
        ("ALTER ROLE r PASSWORD 'it''s' VALID", f"ALTER ROLE r PASSWORD {MASK} VALID"),
        ('{"a": "password=\'x y\'", "b": 1}', f'{{"a": "password={MASK}", "b": 1}}'),
        ('{"a": "password = \'x", "b": "\'"}', f'{{"a": "password = {MASK}", "b": "\'"}}'),
        ("postgresql://h:5432/d", "postgresql://h:5432/d"),
        ("postgresql://u@h:5432/d", "postgresql://u@h:5432/d"),
        ("https://example.org/a:b and c@d", "https://example.org/a:b and c@d"),
    ],
)
def test_what_looks_like_a_password_is_struck_out_wherever_it_comes_from(said: str, shown: str) -> None:
    assert redacted(said) == shown


def test_a_password_that_is_also_a_word_of_its_address_takes_no_word_from_any_text() -> None:
    remember_words(["postgresql://shopkeeper:shopkeeper@h/d", "postgresql://u:postgres@h/d"])
    assert redacted("postgres and shopkeeper") == "postgres and shopkeeper"
    remember_words(["postgresql://shopkeeper@/shop?host=/tmp&port=5432", "host=/tmp:x user=shopkeeper@y"])
    assert redacted("postgresql://shopkeeper@/shop") == "postgresql://shopkeeper@/shop"
    remember(["opensesame"])
    assert redacted("opensesames, opensesame") == f"opensesames, {MASK}"


def test_a_password_is_struck_out_in_whatever_quotes_it_comes() -> None:
    remember(['it\'s "Q" \\ & ü'])
    for text in ("it''s \"Q\" \\ & ü", json.dumps('it\'s "Q" \\ & ü'), quote('it\'s "Q" \\ & ü', safe="")):
        assert "Q" not in redacted(text)


def test_a_short_password_is_not_shown_where_it_stands() -> None:
    result = CliRunner().invoke(main, ["schema", "u:pw@h"])
    assert "pw" not in result.output


@pytest.mark.parametrize("command", READERS)
def test_a_database_is_an_argument_as_well_as_an_option(
    run: Run, newest: Server, newest_database: Callable[[str], Address], command: str
) -> None:
    url = newest.url(newest_database("CREATE TABLE t (id int PRIMARY KEY)").params["dbname"])
    more = {"catalog": ["--out", "c.json"], "document": ["--out", "docs"], "init": ["--force"]}.get(
        command, []
    )
    if command != "rehearse":  # that takes four seconds
        run(command, url, *more)
        run(command, url, "--source", url, *more, *(["--force"] if command == "export" else []))
    said = run(command, url, "--source", "service=other", *more, exit_code=2).stderr
    assert "two different databases are named" in said
    assert (
        "two different databases are named" in run(command, url, "service=other", *more, exit_code=2).stderr
    )


def test_a_target_is_an_argument_too_and_names_of_the_configuration_are(
    run: Run, newest: Server, newest_database: Callable[[str], Address], new_target: str
) -> None:
    source = newest.url(newest_database("CREATE TABLE t (id int PRIMARY KEY)").params["dbname"])
    Path("migplan.yaml").write_text("targets: {there: {url: '${THERE}'}}\n")
    os.environ["THERE"] = new_target
    try:
        run("export", source, "--out", "b")
        assert "there" in run("apply", "b", "there").stdout
        run("status", new_target)
        run("verify", new_target, "b")
        run("rollback", "b", "there", "--yes")
    finally:
        del os.environ["THERE"]
    assert "Missing option '--target'" in run("apply", "b", exit_code=2).stderr
    assert "an argument too many: c" in run("apply", "b", "c", new_target, exit_code=2).stderr


def test_a_password_that_only_libpq_knows_is_known_once_it_was_used(nowhere: Path) -> None:
    with ThrowawayServer(tcp=True) as server:
        params = server.params()
        passfile = nowhere / ".pgpass"
        passfile.write_text(f"*:*:*:*:{params['password']}\n")
        passfile.chmod(0o600)
        url = f"host={params['host']} port={params['port']} user={params['user']} dbname=postgres"
        with contextlib.suppress(FileNotFoundError):
            words = [sys.executable, "-m", "migplan", "analyze", url]
            ran = subprocess.run(
                words,
                capture_output=True,
                text=True,
                env={**os.environ, "PGPASSFILE": str(passfile)},
                check=False,
            )
        assert "has no table" in ran.stderr
        assert params["password"] not in ran.stdout + ran.stderr


def test_no_command_leaves_a_password_in_a_file_a_journal_or_a_log(nowhere: Path, run: Run) -> None:
    with ThrowawayServer(tcp=True) as server:
        password = server.params()["password"]
        source, target = server.create_database("shop"), server.create_database("moved")
        with psycopg.connect(source, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
        said = [
            run(*words)
            for words in (
                ("plan", source),
                ("plan", source, "--check"),
                ("export", source, "--out", "b"),
                ("apply", "b", target, "--log-format", "json"),
                ("apply", "b", target, "--log-format", "json"),
                ("status", target, "--format", "json"),
                ("verify", "b", target, "--source", source),
                ("rollback", "b", target, "--yes", "--log-format", "json"),
                ("rehearse", source, "--target", target, "--out", "c", "--log-format", "json"),
                *(("document", source, "--format", shape, "--out", shape) for shape in ("markdown", "html")),
                ("catalog", source, "--out", "c.json"),
                ("advise", source, "--format", "sarif"),
                ("analyze", source, "--format", "json"),
            )
        ]
        with psycopg.connect(target) as connection:
            tables = connection.execute(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'migplan'::regnamespace"
            )
            journal = [
                str(connection.execute(f"SELECT * FROM migplan.{name}").fetchall())
                for (name,) in tables.fetchall()
            ]
    assert journal
    texts = [result.output for result in said] + journal
    texts += [file.read_text("utf-8", "replace") for file in nowhere.rglob("*") if file.is_file()]
    assert len(texts) > 30
    assert not [text for text in texts if password in text]
