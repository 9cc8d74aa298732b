"""What is derived is true of real servers: queries run, indexes and policies are those of the server."""

from __future__ import annotations

import psycopg
import pytest

from migplan.document.derive.documentation import structural
from migplan.document.model import Documentation
from tests.catalog import nasty
from tests.document.documenting import queries, section, seen
from tests.servers import Server

pytestmark = pytest.mark.slow

KINDS = """
CREATE SCHEMA elsewhere;
CREATE TABLE "Guests & Co" (
    "Id" bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "order" text, steps_down int,
    "parent Id" bigint REFERENCES "Guests & Co", "createdAt" timestamptz NOT NULL DEFAULT now(),
    "user" text UNIQUE NULLS NOT DISTINCT, "Check_In" date, "Check_Out" date, state text);
CREATE TABLE "Texts" (body text, words tsvector, tags text[], extra jsonb, stay tstzrange);
CREATE INDEX ON "Texts" USING gin (words);
CREATE INDEX ON "Texts" USING gin (to_tsvector('english', body));
CREATE INDEX ON "Texts" USING gin (tags);
CREATE INDEX ON "Texts" USING gin (extra);
CREATE INDEX ON "Texts" USING gist (stay);
CREATE TABLE elsewhere."select" (
    a int, "B" text, "guest's" bigint REFERENCES "Guests & Co", PRIMARY KEY (a, "B"));
CREATE UNIQUE INDEX ON elsewhere."select" (lower("B")) WHERE "guest's" IS NOT NULL;
CREATE TABLE elsewhere.log (
    at timestamptz, sync_status text, external_id text, synced_at timestamptz, is_active bool);
CREATE INDEX ON elsewhere.log USING brin (at);
CREATE TABLE elsewhere.parts (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE elsewhere.parts_1 PARTITION OF elsewhere.parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE elsewhere.nothing ();
"""


def _prepared(server: Server, dbname: str, documentation: Documentation) -> int:
    number = 0
    with server.connect(dbname=dbname) as connection:
        for each in documentation.tables:
            assert 2 <= len(each.patterns) <= 5, each.name
            for pattern in queries(each):
                try:
                    connection.execute(f"PREPARE drafted AS {pattern.sql}".encode())
                except psycopg.Error as error:
                    pytest.fail(f"{each.name}: {error}\n{pattern.sql}")
                connection.execute("DEALLOCATE drafted")
                assert pattern.performance
                number += 1
    return number


def test_every_query_of_the_demo_runs(server: Server) -> None:
    documentation = seen(server.address(server.demo))
    assert _prepared(server, server.demo, documentation) > 100


def test_every_query_of_nasty_names_runs(newest: Server) -> None:
    dbname = nasty.database(newest)
    assert _prepared(newest, dbname, seen(newest.address(dbname))) > 60


def test_every_kind_of_query_runs(newest: Server) -> None:
    dbname = newest.create_database(KINDS)
    try:
        documentation = seen(newest.address(dbname))
        _prepared(newest, dbname, documentation)
        texts = "\n".join(pattern.sql for each in documentation.tables for pattern in queries(each))
        for wanted in (
            "WITH RECURSIVE",
            '"Check_In" < $2',
            "words @@",
            "websearch_to_tsquery('english', $1)",
            "tags @> $1::text[]",
            "extra @> $1::jsonb",
            "stay && $1::tstzrange",
            "at >= $1",
            "sync_status = $1",
            "synced_at IS NULL",
            """(lower("B")) = $1""",
            """count(child."guest's")""",
        ):
            assert wanted in texts
    finally:
        newest.drop_database(dbname)


@pytest.mark.parametrize("extension", ["vector", "pg_trgm"])
def test_queries_find_operators_of_extensions_in_other_schemas(newest: Server, extension: str) -> None:
    if extension not in nasty.extensions(newest):
        pytest.skip(f"this server has no {extension}")
    made = {
        "vector": "CREATE TABLE t (id int PRIMARY KEY, e ext.vector(3), f ext.vector(3));"
        "CREATE INDEX ON t USING hnsw (e ext.vector_l2_ops)",
        "pg_trgm": "CREATE TABLE t (id int PRIMARY KEY, e text);"
        "CREATE INDEX ON t USING gin (e ext.gin_trgm_ops)",
    }[extension]
    dbname = newest.create_database(f"CREATE SCHEMA ext; CREATE EXTENSION {extension} SCHEMA ext; {made}")
    try:
        documentation = seen(newest.address(dbname))
        _prepared(newest, dbname, documentation)
        found = " ".join(pattern.sql for pattern in section(documentation, "t").patterns)
        assert ("OPERATOR(ext.<->)" in found) or ("ILIKE" in found)
    finally:
        newest.drop_database(dbname)


@pytest.mark.parametrize("which", ["demo", "nasty"])
def test_definitions_of_indexes_are_the_servers(newest: Server, which: str) -> None:
    dbname = newest.demo if which == "demo" else nasty.database(newest)
    documentation = seen(newest.address(dbname))
    with newest.connect(dbname=dbname) as connection:
        connection.execute("SET search_path = ''")
        printed = {
            (schema, name): text
            for schema, name, text in connection.execute(
                "SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) FROM pg_class c "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('i', 'I')"
            )
        }
    indexes = [(each.name.schema, index) for each in documentation.tables for index in each.indexes]
    assert len(indexes) > 20
    for schema, index in indexes:
        assert index.definition == printed[schema, index.index.name]
        assert index.serves


@pytest.mark.parametrize("which", ["demo", "nasty"])
def test_policies_are_made_again_as_they_were(newest: Server, which: str) -> None:
    dbname = newest.create_database(template=newest.demo) if which == "demo" else nasty.create(newest)
    try:
        before = seen(newest.address(dbname))
        policies = [(each.table, policy) for each in before.tables for policy in each.policies]
        assert policies
        with newest.connect(dbname=dbname) as connection:
            connection.execute("SET search_path = ''")
            for table, policy in policies:
                name = psycopg.sql.Identifier(policy.policy.name).as_string(None)
                connection.execute(f"DROP POLICY {name} ON {table.name}".encode())
                connection.execute(policy.definition.encode())
        after = seen(newest.address(dbname))
        for each, other in zip(before.tables, after.tables, strict=True):
            assert [p.definition for p in each.policies] == [p.definition for p in other.policies]
    finally:
        newest.drop_database(dbname)


def test_structure_is_the_same_until_somebody_alters_the_database(newest: Server) -> None:
    dbname = newest.create_database(template=newest.demo)
    try:
        address = newest.address(dbname)
        before = seen(address)
        with newest.connect(dbname=dbname) as connection:
            connection.execute(
                "INSERT INTO sire_cities (code, name, department) SELECT (90000 + n)::text, 'y', 'z' "
                "FROM generate_series(1, 500) n; DELETE FROM staff_messages"
            )
            connection.execute("ANALYZE; SELECT count(*) FROM guest_reservations")
        after = seen(address)
        assert _text(before) != _text(after)
        assert _text(structural(before)) == _text(structural(after))
        with newest.connect(dbname=dbname) as connection:
            connection.execute("ALTER TABLE sire_cities ADD COLUMN region text")
        assert _text(structural(after)) != _text(structural(seen(address)))
    finally:
        newest.drop_database(dbname)


def test_reading_a_database_again_gives_the_same(newest: Server) -> None:
    address = newest.address(newest.demo)
    assert _text(structural(seen(address))) == _text(structural(seen(address)))


def _text(documentation: Documentation) -> str:
    """All of it as a renderer would see it."""
    graph = documentation.graph
    return repr(
        (documentation.groups, documentation.catalog, documentation.plan, documentation.advice, graph.rows)
    )
