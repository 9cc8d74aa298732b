from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migplan.catalog import samples
from migplan.catalog.model import Catalog
from migplan.catalog.read import read
from migplan.catalog.samples import Sampled, read_samples
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.catalog import nasty
from tests.servers import Server, connect

pytestmark = pytest.mark.slow

Database = Callable[[str], Address]


def sampled(address: Address, rows: int = 3, catalog: Catalog | None = None) -> dict[str, Sampled]:
    with reading(address) as connection:
        known = catalog or read(connection)
        return {str(name): one for name, one in read_samples(connection, known.tables, rows)}


@contextmanager
def counting(connection: Any) -> Iterator[list[str]]:
    """The questions that are put through the driver's cursors."""
    asked: list[str] = []

    class Cursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            if isinstance(query, sql.Composable):
                asked.append(query.as_string())
            else:
                asked.append(query.decode() if isinstance(query, bytes) else str(query))
            return super().execute(query, *args, **more)

    connection.cursor_factory, before = Cursor, connection.cursor_factory
    yield asked
    connection.cursor_factory = before


def test_rows_come_by_their_key_and_no_more_than_wanted(newest_database: Database) -> None:
    address = newest_database(
        "CREATE TABLE a (n int, id int PRIMARY KEY, t text); INSERT INTO a SELECT -i, 10 - i, i FROM "
        "generate_series(1, 9) i;"
        "CREATE TABLE b (t text); INSERT INTO b VALUES ('x'), (NULL); CREATE TABLE none (); CREATE "
        "TABLE empty (id int);"
        "INSERT INTO none DEFAULT VALUES"
    )
    found = sampled(address)
    assert [row["id"] for row in found["public.a"].rows] == ["1", "2", "3"]
    assert found["public.a"].rows[0] == {"n": "-9", "id": "1", "t": "9"}
    assert found["public.b"].rows == ({"t": "x"}, {"t": None})
    assert found['public."none"'].rows == ({},)
    assert found["public.empty"] == Sampled()
    assert sampled(address, rows=0) == {}


def test_a_batch_is_one_question(newest_database: Database) -> None:
    many = 2 * samples.BATCH + 5
    address = newest_database(
        f"DO $$ BEGIN FOR i IN 1..{many} LOOP EXECUTE format('CREATE TABLE t%s (id int, x text); "
        "INSERT INTO t%s VALUES (1)', i, i); END LOOP; END $$"
    )
    told: list[tuple[int, int]] = []
    with reading(address) as connection:
        catalog = read(connection)
        with counting(connection) as asked:
            found = dict(
                read_samples(connection, catalog.tables, 3, lambda done, total: told.append((done, total)))
            )
        ((locks,),) = connection.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND l.pid = pg_backend_pid()"
        ).fetchall()
    assert len(found) == many
    assert all(one.rows for one in found.values())
    assert len([each for each in asked if " UNION ALL " in each]) == 3
    assert len([each for each in asked if not each.startswith("SET")]) == 4
    assert told[0] == (0, many)
    assert told[-1] == (many, many)
    assert locks == 0


def test_what_is_large_stays_where_it_is(newest_database: Database) -> None:
    address = newest_database(
        "CREATE TABLE a (b bytea, t text, j jsonb, v tsvector, xs text[]);"
        "INSERT INTO a SELECT repeat('x', 100000)::bytea, repeat('y', 100000), "
        "jsonb_build_object('a', (SELECT string_agg(md5(i::text), '') FROM generate_series(1, 9000) "
        "i)), 'a b', "
        "(SELECT array_agg(md5(i::text)) FROM generate_series(1, 9000) i)"
    )
    (row,) = sampled(address)["public.a"].rows
    assert row["b"] == 100_000
    assert isinstance(row["j"], int)
    assert isinstance(row["v"], int)
    assert isinstance(row["xs"], int)
    assert row["t"] == "y" * 2000


def test_a_table_that_fails_does_not_take_others_with_it(newest_database: Database) -> None:
    address = newest_database(
        "CREATE FUNCTION bad() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';"
        "CREATE TABLE a (id int); INSERT INTO a VALUES (1); CREATE TABLE b (id int); INSERT INTO b "
        "VALUES (1);"
        "CREATE TABLE c (id int); INSERT INTO c VALUES (1)"
    )
    with reading(address) as connection:
        catalog = read(connection)
        with connect(address) as other:
            other.execute("DROP TABLE c")
            other.execute("BEGIN; LOCK TABLE b IN ACCESS EXCLUSIVE MODE")
            found = {name.name: one for name, one in read_samples(connection, catalog.tables, 3)}
        # The transaction lives on.
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert found["a"].rows == ({"id": "1"},)
    assert found["b"] == Sampled(unread="another session holds a lock on it")
    assert found["c"] == Sampled(unread="it was dropped or altered meanwhile")


def test_the_reason_never_is_in_the_servers_words(newest: Server, newest_database: Database) -> None:
    if newest.major < 18:
        pytest.skip("virtual generated columns came with 18")
    address = newest_database(
        "CREATE TABLE a (x text, y int GENERATED ALWAYS AS (x::int) VIRTUAL); INSERT INTO a (x) VALUES "
        "('planted')"
    )
    assert sampled(address)["public.a"] == Sampled(unread="the server could not read it (SQLSTATE 22P02)")


def test_only_what_the_role_may_read_is_asked_for(newest: Server, newest_database: Database) -> None:
    nasty.make_roles(newest)
    role = nasty.ROLES[0]
    address = newest_database(
        "CREATE TABLE whole (id int PRIMARY KEY, x text); CREATE TABLE portion (id int PRIMARY KEY, x "
        "text, y text);"
        "CREATE TABLE hers (id int); CREATE TABLE hidden (id int); ALTER TABLE hidden ENABLE ROW LEVEL "
        "SECURITY;"
        "INSERT INTO whole VALUES (1, 'a'); INSERT INTO portion VALUES (2, 'b', 'c'), (1, 'd', 'e');"
        "INSERT INTO hers VALUES (1); INSERT INTO hidden VALUES (1);"
        f"GRANT SELECT ON whole, hidden TO {role}; GRANT SELECT (x) ON portion TO {role}"
    )
    with reading(address) as connection:
        connection.execute(f"SET LOCAL ROLE {role}")
        catalog = read(connection)
        found = {name.name: one for name, one in read_samples(connection, catalog.tables, 3)}
    assert found["whole"].rows == ({"id": "1", "x": "a"},)
    assert found["portion"].rows == ({"x": "b"}, {"x": "d"})
    assert found["hers"] == Sampled(unread="the role may not read it")
    assert found["hidden"] == Sampled(unread="row-level security hides rows of it from the role")


def test_partitions_are_read_through_their_parent(newest_database: Database) -> None:
    address = newest_database(
        "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p "
        "FOR VALUES FROM (100) TO (200);"
        "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (0) TO (100); INSERT INTO p VALUES (150), (7), (50);"
        "CREATE TABLE many (id int PRIMARY KEY) PARTITION BY RANGE (id);"
        "DO $$ BEGIN FOR i IN 0..79 LOOP EXECUTE format('CREATE TABLE many%s PARTITION OF many FOR "
        "VALUES FROM (%s) TO (%s)', "
        "to_char(i, 'FM00'), i * 10, i * 10 + 10); END LOOP; END $$; INSERT INTO many VALUES (301), "
        "(300), (700)"
    )
    found = sampled(address)
    assert [row["id"] for row in found["public.p"].rows] == ["7", "50", "150"]
    assert [row["id"] for row in found["public.many"].rows] == ["300", "301"]


def test_rows_of_other_servers_are_left_there(newest: Server, newest_database: Database) -> None:
    if "postgres_fdw" not in nasty.extensions(newest):
        pytest.skip("this server has no postgres_fdw")
    address = newest_database(
        "CREATE EXTENSION postgres_fdw; CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS "
        "(host '/nowhere');"
        "CREATE FOREIGN TABLE f (id int) SERVER far; CREATE TABLE p (id int) PARTITION BY LIST (id);"
        "CREATE FOREIGN TABLE p1 PARTITION OF p FOR VALUES IN (1) SERVER far; CREATE TABLE p2 PARTITION "
        "OF p DEFAULT;"
        "INSERT INTO p2 VALUES (5)"
    )
    found = sampled(address)
    assert found["public.f"].unread.startswith("it is a foreign table")
    assert found["public.p1"].unread.startswith("it is a foreign table")
    assert found["public.p"].rows == ({"id": "5"},)


def test_every_table_of_the_nasty_database_can_be_read(server: Server) -> None:
    address = server.address(nasty.database(server))
    with reading(address) as connection:
        catalog = read(connection)
        found = dict(read_samples(connection, catalog.tables, 3))
    assert set(found) == set(catalog.by_name)
    reasons = {one.unread for one in found.values() if one.unread}
    assert reasons <= {"it is a foreign table: its rows are on another server"}
    with_rows = {table.name for table in catalog.tables if table.rows_exact and table.rows}
    assert with_rows <= {name for name, one in found.items() if one.rows}


def test_a_table_that_the_catalog_does_not_know_any_more_is_no_trouble(newest_database: Database) -> None:
    address = newest_database("CREATE TABLE a (id int); INSERT INTO a VALUES (1)")
    with reading(address) as connection:
        catalog = read(connection)
    with connect(address) as other:
        other.execute("ALTER TABLE a RENAME COLUMN id TO other")
    assert sampled(address, catalog=catalog)[str(QualifiedName("public", "a"))].unread.startswith(
        "it was dropped or"
    )
