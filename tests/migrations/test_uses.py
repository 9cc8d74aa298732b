"""What statements make and need is read from their trees, bodies of functions included."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migplan import demo
from migplan.catalog.counts import Exactness
from migplan.migrations.analysis import analyze
from migplan.migrations.model import Thing, ThingKind
from migplan.names import QualifiedName, quoted
from migplan.pipeline.analyze import read_catalog
from migplan.sql.default_names import LONGEST_NAME, default_name
from tests.migrations.folders import analysis, said, uses_of
from tests.servers import Server

CASES: dict[str, tuple[str, set[str]]] = {
    "a key needs the table and the columns": (
        "CREATE TABLE rooms (id serial PRIMARY KEY, hotel int REFERENCES hotels (id));",
        {
            "creates table public.rooms",
            "creates column public.rooms.id",
            "creates sequence public.rooms_id_seq",
            "creates constraint public.rooms.rooms_pkey",
            "creates column public.rooms.hotel",
            "creates constraint public.rooms.rooms_hotel_fkey",
            "needs table public.hotels",
            "needs column public.hotels.id",
        },
    ),
    "types, of people and of extensions": (
        "CREATE TABLE a (m public.mood[], v vector(3), n citext, t timestamptz, i interval);",
        {
            "creates table public.a",
            *(f"creates column public.a.{name}" for name in "mvnti"),
            "needs type public.mood",
            "needs extension vector",
            "needs extension citext",
        },
    ),
    "a view, its CTEs and the functions it calls": (
        "CREATE VIEW v AS WITH c AS (SELECT * FROM a), a AS (SELECT 1) SELECT now(), f(1) FROM c, a, s.b;",
        {
            "creates table public.v",
            "creates column public.v.*",
            "needs table public.a",
            "needs table s.b",
            "needs function public.f",
        },
    ),
    "an index": (
        "CREATE INDEX i ON t USING gin (lower(x), (my.f(y)) gin_trgm_ops) WHERE z > 0;",
        {"creates index public.i", "needs table public.t", "needs function my.f", "needs extension pg_trgm"},
    ),
    "a trigger": (
        "CREATE TRIGGER trg BEFORE UPDATE OF x ON t FOR EACH ROW EXECUTE FUNCTION touch();",
        {
            "creates trigger public.t.trg",
            "needs table public.t",
            "needs column public.t.x",
            "needs function public.touch",
        },
    ),
    "a policy": (
        'CREATE POLICY "my p" ON t TO anon USING (auth.uid() = x AND EXISTS (SELECT FROM members));',
        {
            'creates policy public.t."my p"',
            "needs table public.t",
            "needs table public.members",
            "needs role anon",
            "needs function auth.uid",
        },
    ),
    "temporary tables are nobody's": (
        "CREATE TEMP TABLE x (a int); INSERT INTO x SELECT a FROM y; DROP TABLE x;",
        {"needs table public.y"},
    ),
    "rows": (
        "INSERT INTO a (x) SELECT f() FROM b; UPDATE c SET y = 1; DELETE FROM d USING e; TRUNCATE g;",
        {
            "fills table public.a",
            "needs column public.a.x",
            "calls function public.f",
            "needs table public.b",
            "fills table public.c",
            "needs column public.c.y",
            "fills table public.d",
            "needs table public.e",
            "fills table public.g",
        },
    ),
    "rows of COPY": (
        "COPY public.a (x, y) FROM stdin;\n1\tDROP TABLE z;\n\\.\nSELECT 1;",
        {"fills table public.a", "needs column public.a.x", "needs column public.a.y"},
    ),
    "the search path": (
        "SET search_path = app, pg_catalog; CREATE TABLE a (); ALTER TABLE a ADD b int;",
        {
            "creates table app.a",
            "needs schema app",
            "alters table app.a",
            "creates column app.a.b",
        },
    ),
    "a body of PL/pgSQL is not sure": (
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ DECLARE r h%ROWTYPE; BEGIN\n"
        " r.x := (SELECT max(a) FROM b); INSERT INTO c VALUES (NEW.id); EXECUTE 'DELETE FROM d';\n"
        " CREATE TEMP TABLE tmp (a int); INSERT INTO tmp VALUES (1); PERFORM g(); RETURN NEW; END $$;",
        {
            "creates function public.f",
            "needs table public.h?",
            "needs table public.b?",
            "fills table public.c?",
            "fills table public.d?",
            "calls function public.g?",
        },
    ),
    "a body of SQL is checked at once": (
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT a FROM b';",
        {"creates function public.f", "needs table public.b"},
    ),
    "unless it is not": (
        "SET check_function_bodies = off;"
        "CREATE FUNCTION f(x int) RETURNS int LANGUAGE sql AS 'SELECT a FROM b';",
        {"creates function public.f", "needs table public.b?"},
    ),
    "an atomic body is sure": (
        "SET check_function_bodies = off;"
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a FROM b; SELECT 1; END;",
        {"creates function public.f", "needs table public.b"},
    ),
    "a DO block runs now, but for its conditions": (
        "DO $$ BEGIN INSERT INTO a VALUES (1); IF (SELECT true FROM b) THEN CREATE TYPE t AS ENUM (); "
        "DELETE FROM c; END IF; END $$;",
        {
            "fills table public.a",
            "needs table public.b",
            "creates type public.t?",
            "fills table public.c?",
        },
    ),
    "the system's own": (
        "SELECT count(*), pg_catalog.now() FROM pg_class, information_schema.tables, pg_catalog.pg_type;",
        set(),
    ),
    "names that change": (
        "ALTER TABLE a RENAME TO b; ALTER TABLE b RENAME x TO y; ALTER TYPE m SET SCHEMA s;",
        {
            "renames table public.a to public.b",
            "alters table public.b",
            "renames column public.b.x to public.b.y",
            "renames type public.m to s.m",
            "needs schema s",
        },
    ),
    "drops": (
        "DROP TABLE IF EXISTS a, s.b; DROP FUNCTION f(int); DROP TRIGGER t ON a; DROP INDEX i; DROP TYPE m;",
        {
            "drops table public.a",
            "drops table s.b",
            "drops function public.f",
            "alters table public.a",
            "drops trigger public.a.t",
            "drops index public.i",
            "drops type public.m",
        },
    ),
    "grants and comments": (
        "GRANT SELECT ON a TO reader, PUBLIC; GRANT USAGE ON SCHEMA s TO anon; COMMENT ON COLUMN a.x IS '';",
        {
            "needs table public.a",
            "needs role reader",
            "needs schema s",
            "needs role anon",
            "needs column public.a.x",
        },
    ),
    "an index of a partition": (
        "ALTER INDEX whole ATTACH PARTITION part;",
        {"alters index public.whole", "needs index public.part"},
    ),
    "ranges bring their multiranges": (
        "CREATE TYPE span AS RANGE (subtype = m); CREATE TYPE s.xrange AS RANGE (subtype = int);"
        "CREATE COLLATION c (provider = libc, locale = 'C');",
        {
            "creates type public.span",
            "creates type public.span_multirange",
            "needs type public.m",
            "creates type s.xrange",
            "creates type s.xmultirange",
            "needs schema s",
        },
    ),
    "sequences in strings": (
        "CREATE SEQUENCE s OWNED BY a.id; ALTER TABLE a ALTER id SET DEFAULT nextval('s'::regclass);",
        {
            "creates sequence public.s",
            "alters sequence public.s",
            "needs table public.a",
            "needs column public.a.id",
            "alters table public.a",
            "alters column public.a.id",
            "needs table public.s",
        },
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_statements_make_and_need(case: str, tmp_path: Path) -> None:
    sql, expected = CASES[case]
    assert said(tmp_path, sql) == expected


@pytest.mark.slow
def test_the_demo_makes_what_the_catalog_of_its_server_shows(newest: Server) -> None:
    found = analyze(Path(demo.__file__).parent / "sql")
    assert not found.order.contradictions
    assert not found.order.duplicates
    made: dict[str, set[str]] = {}
    for use in (use for account in found.file_analyses for use in account.uses if use.how == "creates"):
        if use.thing.schema != Thing(ThingKind.SCHEMA, "demo_data"):  # the last file drops it
            made.setdefault(use.thing.kind, set()).add(use.thing.name)
    tables = read_catalog(newest.address(newest.demo), Exactness.ESTIMATE).tables
    keys = [(t, k.name) for t in tables for k in (t.primary_key, *t.unique_keys, *t.foreign_keys) if k]
    keys += [(t, check.name) for t in tables for check in (*t.checks, *t.exclusions)]
    behind = {name for _, name in keys}
    indexes = [(t.name.schema, index.name) for t in tables for index in t.indexes]
    assert {str(t.name) for t in tables} <= made["table"]
    assert {f"{t.name}.{quoted(c.name)}" for t in tables for c in t.columns} <= made["column"]
    assert {f"{t.name}.{quoted(name)}" for t, name in keys} == made["constraint"]
    assert {f"{t.name}.{quoted(each.name)}" for t in tables for each in t.triggers} == made["trigger"]
    assert {f"{t.name}.{quoted(each.name)}" for t in tables for each in t.policies} == made["policy"]
    assert {str(QualifiedName(*each)) for each in indexes if each[1] not in behind} <= made["index"]


def test_lines_are_those_of_the_file_in_bodies_too(tmp_path: Path) -> None:
    sql = (
        "\nCREATE TABLE a ();\n"
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$\n"
        "BEGIN\n"
        "  INSERT INTO b\n"
        "    VALUES (1);\n"
        "END $$;\n"
    )
    found = {str(use.thing): (use.line, use.statement) for use in uses_of(tmp_path, sql)}
    assert found["table public.a"][0] == 2
    assert found["table public.b"] == (5, "INSERT INTO b VALUES (1)")


def test_a_body_that_the_parser_cannot_read_is_read_by_its_words(tmp_path: Path) -> None:
    sql = (
        "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE v public.hotels[]; BEGIN\n"
        "-- FROM no_table\nSELECT array_agg(h) INTO v FROM public.hotels h; END $$;"
    )
    assert "needs table public.hotels?" in said(tmp_path, sql)
    assert "needs table public.no_table?" not in said(tmp_path, sql)


def test_of_several_schemas_all_are_possible(tmp_path: Path) -> None:
    (use,) = uses_of(tmp_path, "SET search_path = app, public; SELECT 1 FROM a;")
    assert str(use.thing) == "table app.a"
    assert [str(each) for each in use.also] == ["table public.a"]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE t (a int UNIQUE, b int, UNIQUE (a, b), CHECK (a > 0), CHECK (a > b))",
         ["t_a_key", "t_a_b_key", "t_a_check", "t_check"]),
        ("CREATE TABLE t (a int CHECK (a > 0) CHECK (a < 9))", ["t_a_check", "t_a_check1"]),
        ("CREATE TABLE t (a int, b int); "
         "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u, ADD PRIMARY KEY (a)",
         ["t_a_b_fkey", "t_pkey"]),
    ],
)  # fmt: skip
def test_constraints_have_the_names_that_the_server_gives(
    tmp_path: Path, sql: str, expected: list[str]
) -> None:
    order = analysis(tmp_path, _1_t=f"{sql};").order
    found = [each.name for each in order.after(["1_t"]).things() if each.kind is ThingKind.CONSTRAINT]
    assert sorted(found) == sorted(f"public.t.{name}" for name in expected)


@given(st.text("aé", min_size=1, max_size=70), st.text("bü", max_size=70))
def test_automatic_names_fit(table: str, columns: str) -> None:
    name = default_name(table, columns, "key")
    assert len(name.encode()) <= LONGEST_NAME
    assert name.endswith("_key")
