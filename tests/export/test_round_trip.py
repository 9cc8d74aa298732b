"""The promise of a bundle: psql alone makes the same database of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.config import Layout
from tests.databases import DATABASES
from tests.export.loading import assert_same, contents, copied, export, remembered
from tests.servers import Server

pytestmark = pytest.mark.slow


@pytest.mark.in_turn
@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("name", list(DATABASES))
def test_the_same_database_comes_out(server: Server, name: str, layout: Layout, tmp_path: Path) -> None:
    comes_out(server, name, layout, "copy", tmp_path)


@pytest.mark.parametrize("layout", list(Layout))
@pytest.mark.parametrize("name", list(DATABASES))
def test_the_same_comes_out_of_inserts(newest: Server, name: str, layout: Layout, tmp_path: Path) -> None:
    """The rows are the same text, and the statements are ours, whatever the version."""
    comes_out(newest, name, layout, "insert", tmp_path)


def comes_out(server: Server, name: str, layout: Layout, form: str, tmp_path: Path) -> None:
    source = DATABASES[name](server)
    bundle = tmp_path / "bundle"
    export(server.url(source), bundle, "--constraints", layout.value, "--data-format", form)
    with copied(server, bundle) as target:
        found = contents(server, target)
    # Levels and second passes give rows another place in the table.
    assert_same(found, remembered(server, source), ordered=layout is Layout.AFTER_DATA)


LATER_WORDS = """
    CREATE TYPE merge_action AS ENUM ('a', 'b');
    CREATE TABLE audit (id int PRIMARY KEY, system_user text CHECK (system_user <> 'me'), kind merge_action);
    CREATE FUNCTION fits(json json) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
    CREATE FUNCTION json_value(text, text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1 || $2';
    CREATE INDEX ON audit (json_value(system_user, 'x')) WHERE system_user > 'a';
    CREATE VIEW seen AS SELECT id, system_user, json_value(system_user, 'y') AS json FROM audit;
    INSERT INTO audit VALUES (1, 'carol', 'a');
"""


@pytest.mark.parametrize("layout", list(Layout))
def test_names_that_a_later_version_took_for_itself(
    servers: dict[str, Server], newest: Server, layout: Layout, bundle: Path
) -> None:
    """PostgreSQL 15 writes system_user without quotes, where 16 reads a function of its own."""
    older = next((each for each in servers.values() if each.major < 16), None)
    if older is None:
        pytest.skip("takes a server before PostgreSQL 16")
    source = older.create_database(LATER_WORDS)
    export(older.url(source), bundle, "--constraints", layout.value)
    with copied(newest, bundle) as target, newest.connect(dbname=target) as connection:
        checked, seen = connection.execute(
            "SELECT pg_get_constraintdef(oid), (SELECT seen.system_user || json FROM seen)"
            " FROM pg_constraint WHERE conrelid = 'audit'::regclass AND contype = 'c'"
        ).fetchone() or ("", "")
    assert '"system_user"' in checked
    assert seen == "carolcaroly"


def test_the_access_method_of_a_partitioned_table(newest: Server, bundle: Path) -> None:
    """It is what later partitions get; pg_dump writes it as a command of its own."""
    if newest.major < 17:
        pytest.skip("partitioned tables have access methods since PostgreSQL 17")
    source = newest.create_database(
        "CREATE ACCESS METHOD pile TYPE TABLE HANDLER heap_tableam_handler;"
        'CREATE TABLE "In Parts" (n int) PARTITION BY RANGE (n) USING pile;'
        'CREATE TABLE first PARTITION OF "In Parts" FOR VALUES FROM (1) TO (9) USING heap;'
        "CREATE TABLE plain (n int) PARTITION BY RANGE (n)"
    )
    export(newest.url(source), bundle)
    with copied(newest, bundle) as target:
        assert_same(contents(newest, target), contents(newest, source))


@pytest.mark.parametrize("layout", list(Layout))
def test_a_materialised_view_is_filled_where_nothing_else_follows(
    newest: Server, layout: Layout, bundle: Path
) -> None:
    source = newest.create_database(
        "CREATE TABLE plain (n int); INSERT INTO plain VALUES (1), (2);"
        "CREATE MATERIALIZED VIEW large AS SELECT * FROM plain WHERE n > 1"
    )
    export(newest.url(source), bundle, "--constraints", layout.value)
    with copied(newest, bundle) as target, newest.connect(dbname=target) as connection:
        assert connection.execute("SELECT n FROM large").fetchall() == [(2,)]
