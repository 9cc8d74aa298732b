"""Row counts are exact where that is said, and what could not be counted is named."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from migplan.catalog import counts
from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Catalog, Unread
from migplan.catalog.read import read
from migplan.errors import DatabaseError
from migplan.postgres.address import Address, parse
from migplan.postgres.binaries import find_server
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import reading
from tests.catalog.conftest import catalog_of
from tests.servers import Server

MakeDatabase = Callable[[str], Address]

ROWS = """
CREATE TABLE analysed (id int);
INSERT INTO analysed SELECT generate_series(1, 1000);
ANALYZE analysed;
INSERT INTO analysed VALUES (1001);
CREATE TABLE fresh (id int);
INSERT INTO fresh VALUES (1), (2);
CREATE TABLE empty (id int);
CREATE TABLE emptied (id int);
INSERT INTO emptied VALUES (1);
DELETE FROM emptied;
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1), (2);
CREATE TABLE whole (k int) PARTITION BY LIST (k);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
INSERT INTO whole VALUES (1), (1), (1);
"""


def rows(catalog: Catalog) -> dict[str, tuple[int | None, bool]]:
    return {table.name.name: (table.rows, table.rows_exact) for table in catalog.tables}


@pytest.mark.parametrize("exactness", [Exactness.AUTO, Exactness.EXACT])
def test_rows_are_counted_in_each_table_alone(database: MakeDatabase, exactness: Exactness) -> None:
    catalog = catalog_of(database(ROWS), exactness)
    assert rows(catalog) == {
        "analysed": (1001, True),
        "fresh": (2, True),
        "empty": (0, True),
        "emptied": (0, True),
        "parent": (1, True),
        "child": (2, True),
        "whole": (None, False),
        "part": (3, True),
    }
    assert not catalog.unread


def test_estimates_are_said_to_be_estimates(database: MakeDatabase) -> None:
    found = rows(catalog_of(database(ROWS), Exactness.ESTIMATE))
    assert not any(exact for _, exact in found.values())
    assert found["analysed"][0] == 1000
    assert found["empty"][0] == 0
    assert found["whole"][0] is None


def test_automatic_counting_stops_at_large_tables(
    newest_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = newest_database(
        "CREATE TABLE large AS SELECT generate_series(1, 5000) n; ANALYZE large; CREATE TABLE small (n int);"
        "INSERT INTO small VALUES (1); CREATE TABLE small2 (n int); INSERT INTO small2 VALUES (1)"
    )
    monkeypatch.setattr(counts, "SMALL_TABLE", 64 * 1024)
    assert rows(catalog_of(address, Exactness.AUTO)) == {
        "large": (5000, False),
        "small": (1, True),
        "small2": (1, True),
    }
    assert rows(catalog_of(address, Exactness.EXACT))["large"] == (5000, True)
    monkeypatch.setattr(counts, "SMALL_IN_ALL", 8192)
    assert [exact for _, exact in rows(catalog_of(address, Exactness.AUTO)).values()] == [False, True, False]


def test_progress_is_told_from_nothing_to_all(newest_database: MakeDatabase) -> None:
    told: list[tuple[int, int]] = []
    address = newest_database(ROWS)
    with reading(address) as connection:
        read(connection, Counting(Exactness.EXACT, lambda done, total: told.append((done, total))))
    assert told == [(0, 6), (6, 6)]


def test_a_locked_table_is_reported_and_the_others_are_counted(
    server: Server, database: MakeDatabase
) -> None:
    """Somebody may take a lock between the catalog and the count: the callback is that moment."""
    address = database("CREATE TABLE busy AS SELECT 1 AS id; CREATE TABLE quiet AS SELECT 1 AS id")
    with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        other.execute("BEGIN")
        connection.execute("SET LOCAL lock_timeout = '100ms'")

        def lock(*_: int) -> None:
            other.execute("LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")

        catalog = read(connection, Counting(Exactness.EXACT, lock))
    assert catalog.unread == (Unread("rows of public.busy", "canceling statement due to lock timeout"),)
    assert rows(catalog)["quiet"] == (1, True)
    assert not rows(catalog)["busy"][1]


def test_a_lock_on_what_the_catalog_itself_needs_is_explained(server: Server, database: MakeDatabase) -> None:
    address = database("CREATE TABLE busy (id int DEFAULT 1)")
    with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        other.execute("BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        connection.execute("SET LOCAL lock_timeout = '100ms'")
        with pytest.raises(DatabaseError, match="another session held a lock") as said:
            read(connection)
    assert said.value.sqlstate == "55P03"
    assert "pg_blocking_pids" in said.value.do


def test_a_table_dropped_by_another_session_is_reported(server: Server, database: MakeDatabase) -> None:
    address = database("CREATE TABLE gone AS SELECT 1 AS id; CREATE TABLE there AS SELECT 1 AS id")
    with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:

        def drop(*_: int) -> None:
            other.execute("DROP TABLE IF EXISTS gone")

        catalog = read(connection, Counting(Exactness.EXACT, drop))
    assert [gap.what for gap in catalog.unread] == ["rows of public.gone"]
    assert rows(catalog)["there"] == (1, True)


@pytest.mark.slow
def test_counting_does_not_exhaust_the_lock_table() -> None:
    """400 tables with 4 indexes each, on a server whose lock table holds a fraction of them."""
    tables = 400
    settings = {"max_locks_per_transaction": "10", "max_connections": "10", "max_worker_processes": "0"}
    settings |= {"max_wal_senders": "0", "autovacuum": "off"}
    with ThrowawayServer(find_server(), settings=settings) as server:
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            for number in range(tables):
                connection.execute(
                    f"CREATE TABLE t{number} (a int PRIMARY KEY, b int UNIQUE, c int UNIQUE, d int UNIQUE);"
                    f"INSERT INTO t{number} VALUES (1, 1, 1, 1)"
                )
            every = " UNION ALL ".join(f"SELECT a FROM t{number}" for number in range(tables))
            with pytest.raises(psycopg.errors.OutOfMemory):
                connection.execute(f"SELECT count(*) FROM ({every}) x")
        catalog = catalog_of(parse(server.conninfo()))
    assert len(catalog.tables) == tables
    assert all(table.rows == 1 and table.rows_exact for table in catalog.tables)
