"""What is around the tables: settings of the database, comments of extensions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from migplan.verify.target import verify_target
from migplan.verify.verification import Verification
from tests.export.conftest import PASSWORD
from tests.export.loading import export, psql, run_with_psql
from tests.servers import Server
from tests.verify.conftest import said

pytestmark = pytest.mark.slow

SECRET = "a secret, 100% 'quoted'"
SETTINGS = """
ALTER DATABASE {name} SET search_path = "$user", "Odd, one", public;
ALTER DATABASE {name} SET app.jwt_secret = 'a secret, 100% ''quoted''';
ALTER DATABASE {name} SET work_mem = '8MB';
ALTER ROLE {role} IN DATABASE {name} SET search_path = app;
"""
SCHEMA = "CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY); INSERT INTO app.t VALUES (1), (2);"


@contextmanager
def databases(server: Server, script: str) -> Iterator[tuple[str, str]]:
    """A source, and an empty target."""
    source, target = server.create_database(script), server.create_database()
    try:
        yield source, target
    finally:
        server.drop_database(source)
        server.drop_database(target)


def verified(server: Server, target: str, bundle: Path) -> Verification:
    return verify_target(server.address(target), bundle)


def settings(server: Server, name: str) -> list[tuple[str, str]]:
    with server.connect(dbname=name) as connection:
        return connection.execute(
            "SELECT setrole::regrole::text, unnest(setconfig) FROM pg_db_role_setting s "
            "JOIN pg_database d ON d.oid = s.setdatabase WHERE datname = current_database() ORDER BY 1, 2"
        ).fetchall()


def everything_written(folder: Path) -> str:
    return "".join(path.read_text("utf-8") for path in folder.rglob("*") if path.is_file())


def test_settings_are_named_and_their_values_are_shown_nowhere(
    newest: Server, role: Callable[..., str], bundle: Path
) -> None:
    reader = role(newest, "migplan_settings_reader")
    with databases(newest, SCHEMA) as (source, target):
        with newest.connect(dbname=source) as connection:
            connection.execute(SETTINGS.format(name=source, role=reader).encode())
        manifest = export(newest.url(source), bundle)
        (note,) = [note for note in manifest.notes if "settings of the database" in note]
        assert "app.jwt_secret, search_path, work_mem, search_path of role migplan_settings_reader" in note
        text = everything_written(bundle)
        assert "a secret, 100%" not in text
        assert "8MB" not in text
        run_with_psql(bundle, newest.url(target))
        assert settings(newest, target) == []
        assert said(verified(newest, target, bundle)) == []
        with newest.connect() as connection:
            connection.execute(f"ALTER DATABASE \"{target}\" SET work_mem = '9MB'".encode())
        found = verified(newest, target, bundle)
        assert said(found) == []
        assert "the target's database has settings of its own: work_mem" in found.notes


@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_settings_are_carried_on_request(
    newest: Server, role: Callable[..., str], bundle: Path, layout: str
) -> None:
    reader, other = role(newest, "migplan_settings_reader"), role(newest, "migplan_settings_other")
    with databases(newest, SCHEMA) as (source, target):
        with newest.connect(dbname=source) as connection:
            connection.execute(SETTINGS.format(name=source, role=reader).encode())
        words = ("--database-settings", "--constraints", layout, "--role", f"{reader}={other}")
        export(newest.url(source), bundle, *words)
        run_with_psql(bundle, newest.url(target))
        there = settings(newest, target)
        assert there == [
            ("-", f"app.jwt_secret={SECRET}"),
            ("-", 'search_path="$user", "Odd, one", public'),
            ("-", "work_mem=8MB"),
            (other, "search_path=app"),
        ]
        assert said(verified(newest, target, bundle)) == []
        with newest.connect() as connection:
            connection.execute(
                f"ALTER DATABASE \"{target}\" SET app.jwt_secret = 'another';"
                f'ALTER DATABASE "{target}" RESET work_mem'.encode()
            )
        found = said(verified(newest, target, bundle))
        assert sorted(found) == [
            "Others: setting app.jwt_secret of the database: setting differs",
            "Others: setting work_mem of the database: missing",
        ]
        for file in sorted((bundle / "rollback").iterdir(), reverse=True):
            psql(newest.url(target), "--file", str(file))
        assert settings(newest, target) == []


def test_what_may_not_be_set_says_no_value(newest: Server, role: Callable[..., str], bundle: Path) -> None:
    owner = role(newest, "migplan_settings_owner")
    with databases(newest, SCHEMA) as (source, target):
        with newest.connect(dbname=source) as connection:
            connection.execute(f"ALTER DATABASE \"{source}\" SET app.jwt_secret = 'the secret'".encode())
        export(newest.url(source), bundle, "--database-settings", "--no-owner")
        with newest.connect(dbname=target) as connection:
            connection.execute(f'GRANT CREATE ON DATABASE "{target}" TO {owner}'.encode())
        with pytest.raises(AssertionError) as failure:
            run_with_psql(bundle, newest.url(target, user=owner, password=PASSWORD))
        assert "the setting app.jwt_secret cannot be made in this database" in str(failure.value)
        assert "the secret" not in str(failure.value)


EXTENSION = "CREATE TABLE t (id int); CREATE EXTENSION hstore; COMMENT ON EXTENSION hstore IS 'pairs';"


def test_comments_of_extensions_are_carried(newest: Server, bundle: Path) -> None:
    with databases(newest, EXTENSION) as (source, target):
        export(newest.url(source), bundle)
        run_with_psql(bundle, newest.url(target))
        comment = "SELECT obj_description(oid, 'pg_extension') FROM pg_extension WHERE extname = 'hstore'"
        assert psql(newest.url(target), "-c", comment).strip() == "pairs"
        assert said(verified(newest, target, bundle)) == []
        psql(newest.url(target), "-c", "COMMENT ON EXTENSION hstore IS 'others'")
        assert said(verified(newest, target, bundle)) == [
            "Attributes: extension hstore: comment: pairs -> others"
        ]
        for file in sorted((bundle / "rollback").iterdir(), reverse=True):
            psql(newest.url(target), "--file", str(file))


def test_an_extension_of_somebody_else_keeps_its_comment(
    newest: Server, role: Callable[..., str], bundle: Path
) -> None:
    owner = role(newest, "migplan_extension_owner")
    with databases(newest, EXTENSION) as (source, target):
        export(newest.url(source), bundle, "--no-owner")
        with newest.connect(dbname=target) as connection:
            connection.execute(
                f'CREATE EXTENSION hstore; ALTER DATABASE "{target}" OWNER TO {owner}'.encode()
            )
        run_with_psql(bundle, newest.url(target, user=owner, password=PASSWORD))
        found = verified(newest, target, bundle)
        assert said(found) == []
        assert "only their owner may change the comments of extensions: hstore" in found.notes
