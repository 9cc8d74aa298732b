"""Folders of migrations that are tried before a target sees them: analyze --try, apply, rehearse."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from migplan.run.bundle import receipt
from tests.cli.conftest import Run
from tests.cli.folders import SHOP, Write, asked
from tests.servers import Server


def test_a_failure_is_the_answer_no(new_target: str, write: Write, run: Run) -> None:
    write(**SHOP, _004_bad="DO $$ BEGIN EXECUTE 'ALTER TABLE orderz ADD x int'; END $$;")
    said = run("analyze", "m", "--try", exit_code=1).stdout
    assert '004_bad.sql:1: relation "orderz" does not exist' in said
    assert "4 migrations: 3 run, 1 fails" in said
    found = json.loads(run("analyze", "m", "--try", "--format", "json", exit_code=1).stdout)
    assert [each["state"] for each in found["files"]] == ["ok", "ok", "ok", "failed"]
    assert found["files"][1]["locks"] == [
        {
            "relation": "public.customers",
            "mode": "SHARE ROW EXCLUSIVE",
            "blocks": "blocks writes; reads go on",
        }
    ]
    assert found["files"][3]["failure"]["sqlstate"] == "42P01"


_BROUGHT = "no file makes {}, which Supabase brings along: say --platform supabase"


def test_what_a_platform_brings_along_is_hinted_at(new_target: str, write: Write, run: Run) -> None:
    write(_001_t="CREATE TABLE public.t (u uuid REFERENCES auth.users (id));")
    assert _BROUGHT.format("schema auth") in run("rehearse", "m", exit_code=1).stdout
    assert _BROUGHT.format("schema auth") in run("analyze", "m", "--try", exit_code=1).stdout
    assert "brings along" not in run("analyze", "m", "--try", "--platform", "none", exit_code=1).stdout
    run("analyze", "m", "--try", "--platform", "supabase")
    write(_002_own="CREATE SCHEMA auth;")
    assert "brings along" not in run("analyze", "m", "--try", exit_code=1).stdout, "a file makes it"


def test_a_role_that_a_platform_brings_along_is_hinted_at(write: Write, run: Run) -> None:
    write(_001_t="DO $$BEGIN EXECUTE 'GRANT USAGE ON SCHEMA public TO ' || 'service' || '_role'; END$$;")
    said = run("analyze", "m", "--try", exit_code=1).stdout
    assert _BROUGHT.format("role service_role") in said


def test_what_a_target_has_stands_before_the_first_file(new_target: str, write: Write, run: Run) -> None:
    with psycopg.connect(new_target) as connection:
        connection.execute("CREATE TABLE users (id int PRIMARY KEY, name text)")
    write(_001_notes="CREATE TABLE notes (id int PRIMARY KEY, of int NOT NULL REFERENCES users);")
    run("analyze", "m", "--try", exit_code=1)
    said = run("analyze", "m", "--try", "--target", new_target).stdout
    assert "1 migration: 1 run" in said
    assert "on the schema of postgresql://" in said
    # What is there before is kept by the first run: later ones, and verify, begin with it.
    run("apply", "m", "--target", new_target)
    write(_002_more="INSERT INTO notes VALUES (1, 7);")
    tried = run("apply", "m", "--target", new_target, exit_code=2).stderr
    assert "002_more could not be judged there: the scratch database has the definitions" in tried
    assert "on the schema of postgresql://" in tried
    with psycopg.connect(new_target) as connection:
        connection.execute("INSERT INTO users VALUES (7, 'x')")
    run("apply", "m", "--target", new_target)
    assert asked(new_target, "SELECT file FROM migplan.kept WHERE file LIKE '(%'") == [("(base)",)]


def test_an_order_that_works_is_tried_before_the_target_sees_it(
    new_target: str, write: Write, run: Run
) -> None:
    write(
        _001_view="CREATE VIEW v AS SELECT id FROM t;",
        _002_t="CREATE TABLE t (id int);",
        _003_same="CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';",
    )
    said = run("apply", "m", "--target", new_target, "--reorder").stderr
    assert "In the order 001_view, 002_t, 003_same:" in said
    assert "001_view fails" in said


def test_what_is_in_the_way_of_a_trial_is_said(write: Write, run: Run) -> None:
    write(**SHOP)
    assert "--keep-going is for a trial" in run("analyze", "m", "--keep-going", exit_code=2).stderr
    assert "is for a folder of migrations" in run("analyze", "--try", exit_code=2).stderr
    assert (
        "no migration _002_more" in run("analyze", "m", "--try", "--after", "_002_more", exit_code=2).stderr
    )
    assert "--jobs is for bundles" in run("rehearse", "m", "--jobs", "2", exit_code=2).stderr


def test_a_folder_is_rehearsed_and_leaves_a_receipt(new_target: str, write: Write, run: Run) -> None:
    folder = write(
        **SHOP,
        _004_seen="ALTER TABLE orders ADD seen boolean;\n-- migplan: down\nALTER TABLE orders DROP seen;",
    )
    said = run("rehearse", "m").stdout
    stages = [line.split()[0] for line in said.splitlines() if " s  " in line and line.startswith("  ")]
    assert stages[-4:] == ["apply", "verify", "rollback", "apply"]
    assert "4 migrations rolled back, each to what was there before it" in said
    (file,) = Path("m.receipts").glob("*.json")
    assert receipt.Receipt.model_validate_json(file.read_bytes()).bundle == folder.name


def test_a_way_back_that_leaves_something_is_seen(new_target: str, write: Write, run: Run) -> None:
    write(
        _001_t="CREATE TABLE t (id int);\nCREATE TYPE mood AS ENUM ('ok');\n-- migplan: down\nDROP TABLE t;"
    )
    said = run("rehearse", "m", exit_code=1).stdout
    assert "001_t: enum public.mood is there" in said
    assert not Path("m.receipts").exists()


def test_a_definition_in_other_words_is_as_it_was(target: str, write: Write, run: Run) -> None:
    write(
        _001_t="CREATE TABLE public.t (state varchar, n int, CONSTRAINT t_c CHECK (state IN ('a', 'b')));\n"
        "CREATE UNIQUE INDEX t_n ON public.t (n) WHERE state IN ('a', 'b');",
        _002_without="DROP INDEX public.t_n; ALTER TABLE public.t DROP CONSTRAINT t_c;",
        _003_more="CREATE TABLE public.more (n int);",
    )
    assert "3 migrations rolled back, each to what was there before it" in run("rehearse", "m").stdout
    run("apply", "m", "--target", target)
    for _ in range(3):
        run("rollback", "m", "--target", target, "--yes")
    assert asked(target, "SELECT to_regclass('t')") == [(None,)]


def test_a_column_that_comes_back_out_of_its_place_is_said(new_target: str, write: Write, run: Run) -> None:
    write(
        _001_t="CREATE TABLE public.t (a int, b int, c int);",
        _002_drop="ALTER TABLE public.t DROP COLUMN a;",
        _003_by_hand="ALTER TABLE public.t DROP COLUMN b;\n-- migplan: down\nALTER TABLE public.t ADD b int;",
    )
    line = "column public.t.{} comes back behind columns that it stood before"
    found = json.loads(run("analyze", "m", "--try", "--format", "json").stdout)
    ways = [each["way_back"] for each in found["files"]]
    assert [way["out_of_place"] for way in ways] == [[], [line.format("a")], [line.format("b")]]
    assert not [way for way in ways if way["wrong"] or way["none"]]
    said = run("rehearse", "m").stdout
    assert "3 migrations rolled back, each to what was there before it, but for the order of columns" in said
    assert f"003_by_hand: {line.format('b')}" in said
    run("apply", "m", "--target", new_target)
    run("rollback", "m", "--target", new_target, "--yes")
    said = run("rollback", "m", "--target", new_target, "--yes").stdout
    assert "ADD COLUMN a integer /* it comes back as the last column, which it was not before */;" in said


def test_each_file_before_one_without_a_way_back_is_tried(new_target: str, write: Write, run: Run) -> None:
    write(
        _001_t="CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1);",
        _002_wrong="CREATE TYPE public.mood AS ENUM ('ok');\n-- migplan: down\nSELECT 1;",
        _003_gone="DELETE FROM public.t;",
        _004_more="ALTER TABLE public.t ADD m int;",
    )
    said = run("rehearse", "m", exit_code=1).stdout
    assert "1 thing not as before" in said
    assert "002_wrong: enum public.mood is there" in said
    Path("m", "002_wrong.sql").unlink()
    said = run("rehearse", "m").stdout
    assert (
        "2 of 3 migrations rolled back; the others have no way back alone, but all of them have one" in said
    )
    assert "003_gone: rows of table public.t were deleted (1)" in said


def test_what_no_role_may_dump_has_stand_ins(newest: Server, new_target: str, write: Write, run: Run) -> None:
    with newest.connect(dbname=str(conninfo_to_dict(new_target)["dbname"])) as connection:
        connection.execute(
            "CREATE TYPE mood AS ENUM ('ok'); CREATE TABLE users (id int PRIMARY KEY, mood mood);"
            "CREATE TABLE secret (); CREATE ROLE migplan_trial_app LOGIN PASSWORD 'of the app';"
            "GRANT CREATE ON SCHEMA public TO migplan_trial_app;"
            "GRANT SELECT, REFERENCES ON users TO migplan_trial_app"
        )
        write(_001_notes="CREATE TABLE notes (of int NOT NULL REFERENCES users, mood mood);")
        as_app = make_conninfo(new_target, user="migplan_trial_app", password="of the app")
        said = run("analyze", "m", "--try", "--target", as_app).stdout
        assert "on stand-ins for what the files need of the target" in said
        assert "permission denied for table secret" in said
        connection.execute("DROP OWNED BY migplan_trial_app; DROP ROLE migplan_trial_app")


_WHAT_IS_THERE = """
    SELECT 'column', attrelid::text, attname, attnum::text FROM pg_attribute WHERE NOT attisdropped
    UNION ALL SELECT 'file', oid::text, relname, relfilenode::text FROM pg_class
    UNION ALL SELECT 'row', id::text, name, xmin::text FROM guests
    ORDER BY 1, 2, 3, 4
"""


def test_a_folder_is_rehearsed_on_what_a_target_has(new_target: str, write: Write, run: Run) -> None:
    with psycopg.connect(new_target) as connection:
        connection.execute(
            "CREATE TABLE guests (id int PRIMARY KEY, name text); INSERT INTO guests VALUES (1, 'Eva')"
        )
    write(
        _001_notes="CREATE TABLE public.notes (guest int REFERENCES public.guests);",
        _002_seen="ALTER TABLE public.guests ADD seen boolean;",
    )
    before = asked(new_target, _WHAT_IS_THERE)
    assert "2 migrations rolled back" in run("rehearse", "m", "--source", new_target).stdout
    assert asked(new_target, _WHAT_IS_THERE) == before, "of a source only its definitions are read"

    write(_003_rows="INSERT INTO public.notes VALUES (1);")
    said = run("rehearse", "m", "--target", new_target).stdout
    assert "3 migrations rolled back, each to what was there before it" in said
    stages = [line.split(" s ")[0].split()[:-1] for line in said.splitlines() if " s  " in line[:30]]
    assert [*map(" ".join, stages[-4:])] == ["apply", "verify", "rollback", "apply again"]
    assert asked(new_target, "SELECT guest FROM notes") == [(1,)], "it went there, back, and there again"
    refused = run("rehearse", "m", "--target", new_target, exit_code=2).stderr
    assert "has 001_notes of this folder already, and a rehearsal would roll it back" in refused
    run("rollback", "m", "--target", new_target, "--all", "--yes")
    after = [each for each in asked(new_target, _WHAT_IS_THERE) if each in before]
    assert after == before, "what the target had is what it had, down to its files and rows"
