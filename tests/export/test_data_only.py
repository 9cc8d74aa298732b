"""Rows alone, into a schema that is there already, with everything live and no superuser."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg import sql

from tests.export import rich
from tests.export.conftest import PASSWORD
from tests.export.loading import assert_same, contents, copied, export, psql, remembered, run_with_psql
from tests.servers import Server

pytestmark = pytest.mark.slow

OWNER = "migplan_plain_owner"


def owned_database(server: Server) -> str:
    name = server.create_database()
    with server.connect() as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} OWNER TO {}").format(sql.Identifier(name), sql.Identifier(OWNER))
        )
    return name


def test_a_plain_owner_loads_the_rich_database(
    server: Server, role: Callable[..., str], bundle: Path, tmp_path: Path
) -> None:
    owner_loads(server, "copy", role, bundle, tmp_path)


def test_a_plain_owner_loads_the_rich_database_by_inserts(
    newest: Server, role: Callable[..., str], bundle: Path, tmp_path: Path
) -> None:
    owner_loads(newest, "insert", role, bundle, tmp_path)


def owner_loads(server: Server, form: str, role: Callable[..., str], bundle: Path, tmp_path: Path) -> None:
    rich.make_roles(server)
    role(server, OWNER)
    source, target = owned_database(server), owned_database(server)
    as_owner = [server.url(name, user=OWNER, password=PASSWORD) for name in (source, target)]
    script = tmp_path / "rich.sql"
    script.write_text(rich.script(server, superuser=False), encoding="utf-8")
    psql(as_owner[0], "--file", str(script))

    # A superuser reads: policies are forced upon the owner himself.
    export(server.url(source), bundle, "--schema-only", "--constraints", "with-schema")
    run_with_psql(bundle, as_owner[1])
    rows = bundle.with_name("rows")
    manifest = export(server.url(source), rows, "--data-only", "--data-format", form)
    assert {file.phase for file in manifest.files} == {"data"}
    run_with_psql(rows, as_owner[1])

    assert_same(contents(server, target), contents(server, source), ordered=False)


def test_schema_alone_has_everything_but_rows(server: Server, bundle: Path) -> None:
    source, target = rich.database(server), server.create_database()
    for layout in ("after-data", "with-schema"):
        export(server.url(source), bundle, "--schema-only", "--constraints", layout, "--force")
        run_with_psql(bundle, server.url(target))
        assert contents(server, target).schema == remembered(server, source).schema
        server.drop_database(target)
        target = server.create_database()
    server.drop_database(target)


def test_insert_may_skip_what_is_there(newest: Server, bundle: Path) -> None:
    source = newest.demo
    export(newest.url(source), bundle)
    rows = bundle.with_name("rows")
    export(
        newest.url(source),
        rows,
        "--data-only",
        "--data-format",
        "insert",
        "--on-conflict-do-nothing",
        "--batch",
        "7",
    )
    target = newest.create_database()
    try:
        for folder in (bundle, rows):
            run_with_psql(folder, newest.url(target))
        assert_same(contents(newest, target), remembered(newest, source), ordered=False)
    finally:
        newest.drop_database(target)


def test_parents_come_before_children_row_by_row(server: Server, bundle: Path) -> None:
    source = server.create_database(
        "CREATE TABLE deep (id int PRIMARY KEY, parent int REFERENCES deep, twin int REFERENCES deep);"
        "INSERT INTO deep SELECT n, nullif(n + 1, 31), CASE WHEN n % 3 = 0 THEN least(n + 5, 30) END"
        " FROM generate_series(1, 30) n; INSERT INTO deep VALUES (99, 99, 1), (98, NULL, 99)"
    )
    words = ["--constraints", "with-schema", "--data-format", "insert", "--batch", "1"]
    export(server.url(source), bundle, *words)
    with copied(server, bundle) as target:
        assert_same(contents(server, target), contents(server, source), ordered=False)
    server.drop_database(source)


def test_what_a_deferred_key_objects_to_is_said(newest: Server, bundle: Path) -> None:
    """And not that triggers cannot be switched on again while its check is pending."""
    source = newest.create_database(
        "CREATE TABLE once (n int UNIQUE DEFERRABLE INITIALLY DEFERRED);"
        "CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
        "CREATE TRIGGER loud BEFORE INSERT ON once FOR EACH ROW EXECUTE FUNCTION quiet();"
        "INSERT INTO once VALUES (1), (2)"
    )
    export(newest.url(source), bundle, "--data-only")
    with pytest.raises(AssertionError, match="duplicate key value"):
        run_with_psql(bundle, newest.url(source))
