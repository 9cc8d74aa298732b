"""The way back is derived where it can be, undoes what was done on a real server, and is refused else."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.migrations.model import Thing, ThingKind
from migplan.migrations.reversal import Reversal, derive
from migplan.migrations.source_files import load
from migplan.postgres.address import Address
from migplan.postgres.binaries import find_installations
from tests.servers import Server

BEFORE = """
CREATE SCHEMA app;
CREATE TABLE public.hotels (id int PRIMARY KEY, name text, stars int, price int NOT NULL);
CREATE TABLE app.rooms (id int PRIMARY KEY, hotel int);
CREATE TYPE public.colour AS ENUM ('red');
CREATE FUNCTION public.stay() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE public.parts (id int) PARTITION BY RANGE (id);
CREATE TABLE public.part_one (id int);
"""

UP = """
CREATE SCHEMA extra;
CREATE TYPE mood AS ENUM ('fine', 'well');
ALTER TYPE mood ADD VALUE 'best';
CREATE TYPE public.pair AS (a int, b mood);
CREATE DOMAIN extra."odd name" AS text CHECK (VALUE <> '');
CREATE SEQUENCE numbers;
CREATE TABLE a (id serial PRIMARY KEY, b int, m mood DEFAULT 'fine', o extra."odd name");
CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a (id));
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b) REFERENCES b (id);
INSERT INTO b VALUES (1, NULL);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE FUNCTION extra.f(x int, OUT y text, VARIADIC z mood[] DEFAULT '{}') LANGUAGE sql AS 'SELECT ''''';
CREATE PROCEDURE p(text, numeric(10, 2)) LANGUAGE sql AS 'SELECT 1';
CREATE AGGREGATE total(int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE TRIGGER touch BEFORE UPDATE ON public.hotels FOR EACH ROW EXECUTE FUNCTION touch();
CREATE TRIGGER "Own" BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION touch();
CREATE INDEX ON hotels (name, lower(name), lower(name || 'x'), (stars + 1)) INCLUDE (id);
CREATE UNIQUE INDEX named ON app.rooms (hotel);
CREATE VIEW v AS SELECT id FROM hotels;
CREATE MATERIALIZED VIEW mv AS SELECT id FROM v;
CREATE TABLE copied AS SELECT id FROM hotels;
ALTER TABLE hotels ADD COLUMN "new column" int DEFAULT 3 CHECK ("new column" > 0), ADD CHECK (stars > 0);
ALTER TABLE hotels ADD UNIQUE (name, stars);
ALTER TABLE app.rooms ADD FOREIGN KEY (hotel) REFERENCES public.hotels (id) NOT VALID;
ALTER TABLE app.rooms VALIDATE CONSTRAINT rooms_hotel_fkey;
ALTER TABLE hotels ALTER name SET NOT NULL, ALTER price DROP NOT NULL;
ALTER TABLE hotels ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY "own rows" ON hotels USING (true);
ALTER TABLE parts ATTACH PARTITION part_one FOR VALUES FROM (0) TO (9);
GRANT SELECT (id, name), UPDATE ON hotels TO PUBLIC;
GRANT USAGE ON SCHEMA app TO PUBLIC;
GRANT ALL ON a TO PUBLIC;
ALTER TABLE hotels RENAME COLUMN stars TO rating;
ALTER TABLE a RENAME TO a2;
ALTER INDEX app.named RENAME TO other_name;
COMMENT ON TABLE a2 IS 'gone with it';
SET search_path = extra, public;
CREATE TABLE here (id int);
CREATE FUNCTION g() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""


def reversal(path: Path, sql: str, *before: Thing) -> Reversal:
    file = path / "1_a.sql"
    file.write_text(sql)
    return derive(load(file).part(), before=before)


def test_the_derived_way_back_leaves_nothing(
    newest: Server, newest_database: Callable[[str], Address], tmp_path: Path
) -> None:
    name = newest_database(BEFORE).params["dbname"]
    before = dumped(newest, name)
    back = reversal(tmp_path, UP)
    assert not back.cannot
    with newest.connect(dbname=name) as connection:
        connection.execute(UP)
        assert dumped(newest, name) != before
        connection.execute("RESET search_path")
        connection.execute(back.text)
    assert dumped(newest, name) == before


def dumped(server: Server, name: str) -> str:
    """The schema as pg_dump of that version writes it."""
    pg_dump = next(each for each in find_installations() if each.major == server.major).program("pg_dump")
    url = server.url(name)
    done = subprocess.run([pg_dump, "--schema-only", url], capture_output=True, text=True, check=True)
    return "".join(
        line
        for line in done.stdout.splitlines(keepends=True)
        if not line.startswith(("\\restrict", "\\unrestrict"))
    )


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("DROP TABLE a", "what was dropped"),
        ("ALTER TABLE a DROP COLUMN x", "the values of the column are gone"),
        ("ALTER TABLE a ALTER x TYPE bigint", "what the type was before"),
        ("ALTER TABLE a ALTER x SET DEFAULT 1", "what the default was"),
        ("ALTER TABLE a ADD COLUMN IF NOT EXISTS x int", "whether the column is new"),
        ("UPDATE a SET x = 1", "rows are changed"),
        ("TRUNCATE a", "the rows that were there"),
        ("ALTER TYPE m ADD VALUE 'x'", "a value cannot be taken from an enum"),
        ("SELECT f()", "functions that it calls"),
        ("DO $$ BEGIN NULL; END $$", "what a DO block has done"),
        ("REVOKE ALL ON a FROM b", "has no opposite"),
    ],
)
def test_what_cannot_be_derived_is_named_with_its_line(tmp_path: Path, sql: str, why: str) -> None:
    back = reversal(tmp_path, f"CREATE TABLE z ();\n{sql};")
    (cannot,) = back.cannot
    assert (cannot.line, cannot.statement) == (2, sql)
    assert why in cannot.why
    assert back.cannot
    assert back.statements == ("DROP TABLE public.z",)


def test_what_was_there_before_is_not_dropped(tmp_path: Path) -> None:
    table, function = Thing(ThingKind.TABLE, "public.a"), Thing(ThingKind.FUNCTION, "public.f")
    back = reversal(
        tmp_path, "CREATE TABLE IF NOT EXISTS a ();\nCREATE EXTENSION IF NOT EXISTS citext;", table
    )
    assert not back.cannot
    assert back.statements == ()
    assert [each.line for each in back.kept] == [1, 2]
    sql = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2';"
    assert reversal(tmp_path, sql, function).cannot
    assert reversal(tmp_path, sql).statements == ("DROP FUNCTION public.f()",)


def test_indexes_built_concurrently_go_likewise(tmp_path: Path) -> None:
    back = reversal(tmp_path, "CREATE INDEX CONCURRENTLY i ON s.a (x);")
    assert back.statements == ("DROP INDEX CONCURRENTLY s.i",)
