"""Rows alone are rolled back: just those of the run, and nothing else happens to anybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from migplan.bundle.undo import batches, truncate_sql
from migplan.bundle.verified import VerifiedBundle, load_verified
from migplan.errors import RefusedError, StepError
from migplan.postgres.address import Address
from migplan.run.undo import delete_rows
from migplan.run.undo.losses import Losses
from tests.export import rich
from tests.export.loading import assert_same, contents, export, psql, remembered, run_with_psql
from tests.run.rolling import KilledError, applied, ask, lost, schema, stopping, taken_back, verified
from tests.servers import MakeDatabase, Server

pytestmark = pytest.mark.slow

Target = tuple[VerifiedBundle, Address, str]
SOURCE = """
    CREATE TABLE city (id int PRIMARY KEY, name text);
    CREATE TABLE guest (id int PRIMARY KEY, city int REFERENCES city ON DELETE CASCADE, name text);
    CREATE TABLE node (id int PRIMARY KEY, up int REFERENCES node ON DELETE RESTRICT);
    CREATE TABLE egg (id int PRIMARY KEY, hen int);
    CREATE TABLE hen (id int PRIMARY KEY, egg int REFERENCES egg);
    ALTER TABLE egg ADD FOREIGN KEY (hen) REFERENCES hen;
    CREATE TABLE part (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
    INSERT INTO city VALUES (1, 'A'), (2, 'B');
    INSERT INTO guest VALUES (1, 1, 'Ana'), (2, 2, 'Ben');
    INSERT INTO node VALUES (1, NULL), (2, 1), (3, 2);
    INSERT INTO egg VALUES (1, NULL), (2, NULL); INSERT INTO hen VALUES (1, 1), (2, 2);
    UPDATE egg SET hen = id;
    INSERT INTO part VALUES (1, '2025-05-05'), (2, '2025-06-06');
    CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'it fires'; END $$;
    CREATE TRIGGER a BEFORE DELETE ON guest FOR EACH ROW EXECUTE FUNCTION no();
    CREATE TRIGGER of_statement AFTER DELETE ON guest EXECUTE FUNCTION no(); -- the cascade's, too
    CREATE TRIGGER b BEFORE TRUNCATE ON guest EXECUTE FUNCTION no();
    ALTER TABLE guest ENABLE ALWAYS TRIGGER b;
    CREATE TRIGGER c AFTER DELETE ON part FOR EACH ROW EXECUTE FUNCTION no();
    CREATE TABLE loose (n int); INSERT INTO loose VALUES (1), (2);
    CREATE RULE kept AS ON DELETE TO city DO INSTEAD NOTHING;
"""
COUNT = "SELECT (SELECT count(*) FROM {})"
TABLES = ("city", "guest", "node", "egg", "hen", "part")


def rows(server: Server, name: str) -> dict[str, int]:
    return {table: ask(server, name, f"SELECT count(*) FROM {table}")[0][0] for table in TABLES}


@pytest.fixture
def target(newest: Server, newest_database: MakeDatabase) -> Target:
    """A target that has the rows, and more tables than the bundle knows."""
    source = newest_database(SOURCE)
    bundle = verified(newest, source.params["dbname"], "--constraints", "with-schema")
    address = newest_database("")
    applied(bundle, address)
    return bundle, address, address.params["dbname"]


def execute(server: Server, name: str, script: str) -> None:
    with server.connect(dbname=name) as connection:
        connection.execute(script.encode())


@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_the_demo_is_emptied_and_loaded_again(
    newest: Server, layout: str, newest_database: MakeDatabase
) -> None:
    bundle = verified(newest, newest.demo, "--constraints", layout)
    address = newest_database("")
    name = address.params["dbname"]
    applied(bundle, address)
    before = schema(newest, name)
    undone = taken_back(bundle, address, data_only=True)
    assert undone.run
    assert (undone.run.state, lost(undone).rows) == ("stopped", bundle.manifest.rows)
    assert schema(newest, name) == before
    assert ask(newest, name, "SELECT count(*) FROM guest_reservations") == [(0,)]
    assert lost(undone).before_rows == ("04-schema-guest.sql" if layout == "after-data" else "")
    if lost(undone).before_rows:
        taken_back(bundle, address, to=lost(undone).before_rows)
    applied(bundle, address)
    execute(newest, name, "DROP SCHEMA migplan CASCADE")
    assert_same(contents(newest, name), remembered(newest, newest.demo), ordered=False)


@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_the_rich_database_is_emptied(
    newest: Server, layout: str, newest_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delete_rows, "WORTH_IT", 0)  # whatever can be truncated is
    bundle = verified(newest, rich.database(newest), "--constraints", layout)
    address = newest_database("")
    applied(bundle, address)
    before = schema(newest, address.params["dbname"])
    undone = taken_back(bundle, address, data_only=True)
    assert (lost(undone).rows, lost(undone).others) == (bundle.manifest.rows, 0)
    assert schema(newest, address.params["dbname"]) == before
    assert all(table.rows == 0 for table in lost(taken_back(bundle, address)).tables)


@pytest.mark.parametrize("worth", [0, 500])
@pytest.mark.parametrize("at_once", [1, 100])
def test_triggers_rules_and_circles(
    newest: Server, target: Target, worth: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, address, name = target
    monkeypatch.setattr(delete_rows, "WORTH_IT", worth)
    monkeypatch.setattr(batches, "BATCH", at_once)
    execute(
        newest, name, "CREATE PUBLICATION every FOR ALL TABLES; ALTER TABLE loose REPLICA IDENTITY NOTHING"
    )
    before = schema(newest, name)
    assert lost(taken_back(bundle, address, data_only=True)).others == 0
    assert set(rows(newest, name).values()) == {0}
    assert ask(newest, name, "SELECT count(*) FROM loose") == [(0,)]
    assert schema(newest, name) == before
    with pytest.raises(Exception, match="it fires"):
        execute(newest, name, "TRUNCATE guest")
    with pytest.raises(Exception, match="does not have a replica identity and publishes deletes"):
        execute(newest, name, "DELETE FROM loose")
    applied(bundle, address)
    assert set(rows(newest, name).values()) == {2, 3}


def test_rows_of_others_stay_unless_people_say_otherwise(newest: Server, target: Target) -> None:
    bundle, address, name = target
    execute(newest, name, "INSERT INTO city VALUES (9, 'new'); INSERT INTO part VALUES (9, '2025-09-09')")
    execute(newest, name, "UPDATE guest SET name = 'other', city = 9 WHERE id = 2; UPDATE egg SET hen = 2")
    seen: list[Losses] = []
    with pytest.raises(RefusedError, match=r"2 rows of public\.egg refer to public\.hen, by the key egg_"):
        taken_back(bundle, address, data_only=True)
    execute(newest, name, "UPDATE egg SET hen = NULL; DELETE FROM hen")
    undone = taken_back(bundle, address, data_only=True, agreed=seen.append)
    assert rows(newest, name) == {"city": 1, "guest": 1, "node": 0, "egg": 2, "hen": 0, "part": 1}
    by_name = {table.table: table for table in seen[0].tables}
    assert by_name["public.city"].others == by_name["public.guest"].others == 1
    assert (seen[0].rows, lost(undone).others, seen[0].loses_others) == (10, 5, False)


def test_changed_rows_go_when_asked(newest: Server, target: Target) -> None:
    bundle, address, name = target
    execute(newest, name, "INSERT INTO city VALUES (9, 'new'); UPDATE guest SET city = 9")
    undone = taken_back(bundle, address, data_only=True, also_changed=True)
    assert lost(undone).loses_others
    assert set(rows(newest, name).values()) == {0}


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "NO ACTION"])
def test_tables_that_the_run_did_not_fill_are_never_touched(
    newest: Server, target: Target, action: str
) -> None:
    bundle, address, name = target
    execute(
        newest,
        name,
        f"CREATE TABLE theirs (id int, guest int REFERENCES guest ON DELETE {action});"
        "INSERT INTO theirs VALUES (1, 2), (2, NULL)",
    )
    with pytest.raises(RefusedError, match=r"rows of public\.theirs refer to public\.guest, by the key th"):
        taken_back(bundle, address, data_only=True)
    assert rows(newest, name)["guest"] == 2
    execute(newest, name, "UPDATE theirs SET guest = NULL")
    taken_back(bundle, address, data_only=True)
    assert ask(newest, name, "SELECT count(*), count(guest) FROM theirs") == [(2, 0)]
    assert set(rows(newest, name).values()) == {0}


def test_rows_that_come_after_the_question_are_not_lost(newest: Server, target: Target) -> None:
    bundle, address, name = target
    come = lambda _losses: None  # noqa: E731
    with stopping(1, "rollback"), pytest.raises(KilledError):
        taken_back(bundle, address, data_only=True, agreed=come)
    execute(newest, name, "INSERT INTO guest VALUES (7, 1, 'late')")
    with pytest.raises((RefusedError, StepError)):  # her city would have to go along
        taken_back(bundle, address)
    assert rows(newest, name)["city"] == 2
    execute(
        newest,
        name,
        "DROP TRIGGER a ON guest; DROP TRIGGER of_statement ON guest; DELETE FROM guest WHERE id = 7",
    )
    assert taken_back(bundle, address).resumed
    assert set(rows(newest, name).values()) == {0}


def test_rows_for_a_schema_that_was_there_leave_its_own(
    newest: Server, newest_database: MakeDatabase
) -> None:
    lines = [line for line in SOURCE.splitlines() if not re.match(" *(INSERT|UPDATE)", line)]
    source, target = newest_database(SOURCE), newest_database("\n".join(lines))
    name = target.params["dbname"]
    execute(newest, name, "INSERT INTO city VALUES (99, 'before')")
    bundle = verified(newest, source.params["dbname"], "--data-only")
    before = schema(newest, name)
    applied(bundle, target)
    assert rows(newest, name)["city"] == 3
    assert taken_back(bundle, target).whole
    assert ask(newest, name, "SELECT * FROM city") == [(99, "before")]
    assert schema(newest, name) == before


def test_materialised_views_show_what_is_left(newest: Server, newest_database: MakeDatabase) -> None:
    views = """
        CREATE MATERIALIZED VIEW cities AS SELECT name FROM city;
        CREATE MATERIALIZED VIEW "of Cities" AS SELECT count(*) FROM cities;
    """
    there = "CREATE TABLE city (id int PRIMARY KEY, name text);"
    source = newest_database(f"{there} INSERT INTO city VALUES (1, 'A'); {views}")
    target = newest_database(f"{there} {views} REFRESH MATERIALIZED VIEW cities WITH NO DATA;")
    name = target.params["dbname"]
    execute(newest, name, "INSERT INTO city VALUES (9, 'old')")
    bundle = verified(newest, source.params["dbname"], "--data-only")
    applied(bundle, target)
    assert ask(newest, name, "SELECT count(*) FROM cities") == [(2,)]
    assert taken_back(bundle, target).whole
    filled = "SELECT relname, relispopulated FROM pg_class WHERE relkind = 'm' ORDER BY 1"
    assert ask(newest, name, filled) == [("cities", False), ("of Cities", True)]


def test_an_index_whose_parts_are_keys_of_partitions(newest: Server, newest_database: MakeDatabase) -> None:
    source = newest_database("""
        CREATE TABLE p (a int) PARTITION BY LIST (a);
        CREATE TABLE "P 1" PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (a);
        CREATE TABLE leaf PARTITION OF "P 1" FOR VALUES IN (1);
        CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
        ALTER TABLE leaf ADD PRIMARY KEY (a); ALTER TABLE p2 ADD PRIMARY KEY (a);
        CREATE UNIQUE INDEX ON p (a);
        INSERT INTO p VALUES (1), (2);
    """)
    bundle = verified(newest, source.params["dbname"])
    address = newest_database("")
    name = address.params["dbname"]
    empty = schema(newest, name)
    applied(bundle, address)
    whole = schema(newest, name)
    taken_back(bundle, address, to="10-data-all.sql")
    assert ask(newest, name, "SELECT count(*) FROM p") == [(2,)]
    applied(bundle, address)
    assert schema(newest, name) == whole
    assert taken_back(bundle, address).whole
    assert schema(newest, name) == empty


@pytest.mark.parametrize("layout", ["after-data", "with-schema"])
def test_files_empty_tables_a_batch_at_a_time(
    newest: Server,
    layout: str,
    newest_database: MakeDatabase,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (batches, truncate_sql):
        monkeypatch.setattr(module, "BATCH", 2)
        monkeypatch.setattr(module, "MOST_REFERENCING", 2)
    source = newest_database(
        SOURCE + "CREATE TABLE visit (guest int REFERENCES guest, hen int REFERENCES hen);"
    )
    export(newest.url(source.params["dbname"]), tmp_path / "b", "--constraints", layout)
    bundle = load_verified(tmp_path / "b")
    target = newest_database("")
    name = target.params["dbname"]
    run_with_psql(bundle.paths.folder, newest.url(name))
    assert set(rows(newest, name).values()) == {2, 3}
    for file in reversed(bundle.manifest.files):
        if file.phase != "schema":
            psql(newest.url(name), "--file", str(bundle.paths.rollback(file.file)))
    assert set(rows(newest, name).values()) == {0}
    if layout == "with-schema":
        files = [file.file for file in bundle.manifest.files if file.phase == "data"]
        text = "".join(bundle.paths.rollback(file).read_text("utf-8") for file in files)
        assert text.count("TRUNCATE TABLE") > 1
        assert "DELETE FROM ONLY public.city" in text
