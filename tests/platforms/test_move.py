"""The recipe of the README on hosts like Supabase and RDS: what they provide stays, byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from psycopg import sql

from tests.cli.conftest import Run
from tests.platforms.building import DEVELOPER, HERE, PROJECT, SCHEMAS, dump, project
from tests.servers import Server

SHOP = (HERE / "shop.sql").read_text()
OURS = re.compile(
    r"on_auth_user_created|Avatars are public|Members (upload|see what)|ADD TABLE ONLY public\.posts"
)
STATE = (HERE / "state.sql").read_text()


def state(server: Server, name: str, schemas: Sequence[str] = SCHEMAS) -> list[object]:
    with server.connect(dbname=name) as connection:
        return list(connection.execute(STATE.encode(), {"schemas": list(schemas)}).fetchall())


def database(server: Server, *scripts: str) -> str:
    """The name of a new database of a host like RDS: the host's, then its owner's scripts run in it."""
    name = server.create_database()
    with server.connect(dbname=name) as connection:
        connection.execute((HERE / "rds.sql").read_bytes())
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO master").format(sql.Identifier(name)))
    with server.connect(dbname=name, user="master") as connection:
        for script in scripts:
            connection.execute(script.encode())
    return name


def to_work(source: str, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SOURCE_URL", "STAGING_URL"):
        monkeypatch.setenv(name, source)
    monkeypatch.setenv("PRODUCTION_URL", target)


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_a_project_is_moved_and_the_platform_stays_as_it_was(
    host: Server, run: Run, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    source = project(host, 1, PROJECT)
    target = project(host, 1)  # its users are there, by the platform's own means
    with host.connect(dbname=target) as connection:
        connection.execute("INSERT INTO auth.users (id, email) VALUES (gen_random_uuid(), 'new@example.com')")
        connection.execute("INSERT INTO vault.secrets (name, secret) VALUES ('new', 'of the target')")
    to_work(host.url(source, user=DEVELOPER), host.url(target, user=DEVELOPER), monkeypatch)
    before, dumped = state(host, target), dump(host, target)

    assert "platform: supabase" in run("init", host.url(source, user=DEVELOPER)).stdout
    text = Path("migplan.yaml").read_text().replace("protected: true", "protected: false")
    Path("migplan.yaml").write_text(text.replace("constraints: after-data", f"constraints: {layout}"))
    run("plan")
    run("export")
    run("check", "migrations/migration")
    applied = run("apply", "--target", "production")
    assert "pgrst_ddl_watch" not in applied.stderr, (
        "the platform's event triggers are not people's to disable"
    )
    verified = run("verify", "--target", "production", "--source", "source")
    assert "The target is what migration and the source say" in verified.stdout
    assert "default privileges gave" not in verified.stdout, "what anon may do is what anon might before"
    after = dump(host, target)
    added = [line for line in set(after.splitlines()) - set(dumped.splitlines()) if not OURS.search(line)]
    assert not [line for line in added if line.strip() and not line.startswith(("--", "    "))]
    assert not set(dumped.splitlines()) - set(after.splitlines())
    assert not [row for row in before if row not in state(host, target) and row[0] != "publication"]  # type: ignore[index]

    run("rollback", "--target", "production", "--yes", "--drop-journal")
    assert dump(host, target) == dumped
    assert state(host, target) == before


@pytest.mark.slow
def test_a_database_of_rds_is_moved_to_another(
    host: Server, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = database(host, SHOP), database(host)
    to_work(host.url(source, user="master"), host.url(target, user="master"), monkeypatch)
    assert "looks like Amazon RDS" in run("analyze", host.url(source, user="master")).stdout
    assert "platform: rds" in run("init", host.url(source, user="master")).stdout
    text = Path("migplan.yaml").read_text()
    Path("migplan.yaml").write_text(text.replace("protected: true", "protected: false"))
    run("plan")
    run("export")
    before = state(host, target, ["public"])
    run("apply", "--target", "production")
    run("verify", "--target", "production", "--source", "source")
    run("rollback", "--target", "production", "--yes", "--drop-journal")
    assert state(host, target, ["public"]) == before


@pytest.mark.slow
def test_nothing_is_taken_of_a_project_of_which_nobody_said_where_it_goes(host: Server, run: Run) -> None:
    url = host.url(project(host, 1, PROJECT), user=DEVELOPER)
    for command in (["plan", url], ["export", url, "--no-plan"], ["plan", url, "--exclude", "posts"]):
        refused = run(*command, exit_code=2)
        assert "this looks like Supabase" in refused.stderr
        assert "--platform supabase" in refused.stderr
    assert not list(Path().rglob("*.sql"))
    shown = run("analyze", url).stdout
    assert "Say --platform supabase" in shown
    advice = run("advise", url, "--fail-on", "never").stdout
    assert "about what Supabase provides left out" in advice
    assert "auth.users" not in advice.partition("Not judged")[0].replace("each delete from auth.users", "")
    assert 'policy "Members upload" on storage.objects' in advice


@pytest.mark.slow
def test_what_needs_the_platform_is_named_on_the_way_to_a_plain_server(host: Server, run: Run) -> None:
    url = host.url(project(host, 1, PROJECT), user=DEVELOPER)
    refused = run("export", url, "--platform", "none", "--no-plan", exit_code=2)
    assert "TABLE auth.users" in refused.stderr
    assert "FUNCTION auth.uid()" in refused.stderr
    assert "--with-needed" in refused.stderr
    assert "--provided" in refused.stderr
    assert not list(Path().rglob("*.sql"))
