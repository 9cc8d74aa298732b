"""A catalog is of one moment, of one role's view, and costs the same number of questions at any size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from migplan.catalog.counts import Counting, Exactness
from migplan.catalog.model import Unread
from migplan.catalog.orphans import find_orphans
from migplan.catalog.read import read
from migplan.errors import DatabaseError
from migplan.postgres.address import Address
from migplan.postgres.session import connect, reading
from tests.catalog.conftest import catalog_of
from tests.servers import Server

pytestmark = pytest.mark.slow

MakeDatabase = Callable[[str], Address]

EXACT = Counting(Exactness.EXACT)


def test_what_others_do_after_the_moment_does_not_appear(server: Server, database: MakeDatabase) -> None:
    address = database(
        "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); "
        "CREATE TABLE dropped (id int DEFAULT 1, CHECK (id > 0)); CREATE SEQUENCE gone;"
        "CREATE TABLE r (id int REFERENCES t)"
    )
    with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        other.execute("INSERT INTO t VALUES (2), (3)")
        other.execute("CREATE TABLE late (id int)")
        other.execute("CREATE INDEX late_idx ON t (id)")
        other.execute("INSERT INTO r VALUES (3)")
        catalog = read(connection, EXACT)
        assert [(t.name.name, t.rows) for t in catalog.tables] == [("dropped", 0), ("r", 0), ("t", 1)]
        assert [index.name for index in catalog.tables[2].indexes] == ["t_pkey"]
        assert find_orphans(connection, catalog.foreign_keys) == ()


def test_what_others_drop_while_it_is_read_is_said(server: Server, database: MakeDatabase) -> None:
    """The server prints definitions as they are now, and fails where there is nothing to print."""
    address = database("CREATE TABLE t (id int CHECK (id > 0)); CREATE VIEW v AS SELECT id FROM t")
    for dropped, question in (("VIEW v", "views"), ("TABLE t", "checks")):
        with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
            other.execute(f"DROP {dropped}")
            with pytest.raises(DatabaseError, match=rf"reading the catalog \({question}\)") as said:
                read(connection, EXACT)
        assert said.value.do == "something was dropped while it was being read: run the same command again"


def test_the_moment_can_be_seen_by_another_connection(server: Server, database: MakeDatabase) -> None:
    address = database("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    with server.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        name = connection.export_snapshot()
        other.execute("INSERT INTO t VALUES (2)")
        with connect(address) as second:
            second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            second.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(name)))
            assert second.execute("SELECT count(*) FROM t").fetchone() == (1,)
        with connect(address) as third:
            assert third.execute("SELECT count(*) FROM t").fetchone() == (2,)


def test_a_reading_session_cannot_write(database: MakeDatabase) -> None:
    address = database("")
    with pytest.raises(DatabaseError, match="read-only transaction") as said, reading(address) as connection:
        connection.execute("CREATE TABLE t (id int)")
    assert said.value.sqlstate == "25006"


def test_the_number_of_questions_does_not_depend_on_the_number_of_tables(
    newest_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    execute = psycopg.Cursor.execute

    def counted(self: psycopg.Cursor, query: Any, *args: Any, **more: Any) -> psycopg.Cursor:
        asked.append(query)
        return execute(self, query, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    table = "CREATE TABLE t{0} (id int PRIMARY KEY, x int REFERENCES t{0}); INSERT INTO t{0} VALUES (1);"
    numbers = []
    for tables in (1, 120):
        address = newest_database("".join(table.format(number) for number in range(tables)))
        asked.clear()
        assert len(catalog_of(address).tables) == tables
        numbers.append(len(asked))
    assert numbers[0] == numbers[1] < 40


def test_a_session_is_set_up_so_that_every_server_prints_alike(
    server: Server, database: MakeDatabase
) -> None:
    address = database("")
    name = address.params["dbname"]
    awkward = {
        "search_path": "public, pg_catalog",
        "datestyle": "German",
        "intervalstyle": "iso_8601",
        "timezone": "<+09>-09",  # as POSIX has it: not every image comes with the names of zones
        "extra_float_digits": "-5",
        "quote_all_identifiers": "on",
        "bytea_output": "escape",
        "statement_timeout": "200ms",  # less than the sleep below, more than a busy machine takes for BEGIN
        "row_security": "on",
    }
    if server.major >= 17:
        awkward["transaction_timeout"] = "400ms"
    with server.connect() as connection:
        for setting, value in awkward.items():
            target = (
                "SET search_path = public, pg_catalog"
                if setting == "search_path"
                else f"SET {setting} = '{value}'"
            )
            connection.execute(f"ALTER DATABASE {name} {target}")
        connection.execute(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = '400ms'")
    with server.connect(dbname=name, options="-c statement_timeout=0 -c search_path=public") as connection:
        connection.execute(
            "CREATE TABLE t (d date DEFAULT '2025-12-31', i interval DEFAULT '1 day', f float8 DEFAULT 0.1)"
        )
    with reading(address) as connection:
        connection.execute("SELECT pg_sleep(0.5)")
        catalog = read(connection)
        shown = {
            s: connection.ask(f"SHOW {s}".encode(), during="looking")[0][0]
            for s in ("timezone", "row_security")
        }
    assert [column.default for column in catalog.tables[0].columns] == [
        "'2025-12-31'::date",
        "'1 day'::interval",
        "0.1",
    ]
    assert shown == {"timezone": "GMT", "row_security": "off"}


ROLE = "migplan_test_partial"


@pytest.fixture
def partial(server: Server) -> Iterator[str]:
    """A role that may see some things of a database."""
    with server.connect() as connection:
        connection.execute(f"DROP ROLE IF EXISTS {ROLE}")
        connection.execute(f"CREATE ROLE {ROLE}")
    yield ROLE
    with server.connect() as connection:
        connection.execute(f"DROP ROLE {ROLE}")


PARTIAL = f"""
CREATE SCHEMA closed;
CREATE TABLE closed.inside (id int PRIMARY KEY);
INSERT INTO closed.inside VALUES (1);
CREATE TABLE open (id int);
INSERT INTO open VALUES (1), (2);
CREATE TABLE denied (id int PRIMARY KEY, x int REFERENCES closed.inside);
INSERT INTO denied VALUES (1);
CREATE TABLE one_column (id int, secret text);
INSERT INTO one_column VALUES (1);
CREATE TABLE hidden (id int);
INSERT INTO hidden VALUES (1), (2);
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE TABLE forced (id int);
INSERT INTO forced VALUES (1);
ALTER TABLE forced ENABLE ROW LEVEL SECURITY;
ALTER TABLE forced FORCE ROW LEVEL SECURITY;
ALTER TABLE forced OWNER TO {ROLE};
CREATE TABLE own (id int);
INSERT INTO own VALUES (1);
ALTER TABLE own ENABLE ROW LEVEL SECURITY;
ALTER TABLE own OWNER TO {ROLE};
CREATE SEQUENCE seen;
CREATE SEQUENCE unseen;
SELECT nextval('seen'), nextval('unseen');
GRANT SELECT ON open, hidden TO {ROLE};
GRANT SELECT (id) ON one_column TO {ROLE};
GRANT SELECT ON SEQUENCE seen TO {ROLE};
"""


@pytest.mark.parametrize("exactness", Exactness)
def test_a_role_with_partial_privileges_sees_the_structure_and_says_what_it_cannot_read(
    server: Server, partial: str, database: MakeDatabase, exactness: Exactness
) -> None:
    name = database(PARTIAL).params["dbname"]
    address = server.address(name, options=f"-c role={ROLE}")
    catalog = catalog_of(address, exactness)
    whole = catalog_of(server.address(name))
    assert (catalog.server.role, catalog.server.superuser) == (ROLE, False)
    assert [table.name for table in catalog.tables] == [table.name for table in whole.tables]
    assert [k for table in catalog.tables for k in table.foreign_keys] == list(whole.foreign_keys)
    hidden = "row-level security hides some from the role, or may"
    assert catalog.unread == (
        Unread("schema closed", "the role has no USAGE on it"),
        Unread("rows of closed.inside", "the role may not SELECT from it"),
        Unread("rows of public.denied", "the role may not SELECT from it"),
        Unread("rows of public.forced", hidden),
        Unread("rows of public.hidden", hidden),
        Unread("value of sequence public.unseen", "the role may neither use it nor SELECT from it"),
    )
    assert {sequence.name.name: sequence.last_value for sequence in catalog.sequences} == {
        "seen": 1,
        "unseen": None,
    }
    if exactness is not Exactness.ESTIMATE:
        exact = {table.name.name: table.rows for table in catalog.tables if table.rows_exact}
        assert exact == {"open": 2, "one_column": 1, "own": 1}


def kill(server: Server, connection: Any) -> None:
    """End the session's backend, and wait until it is gone."""
    pid = connection.info.backend_pid
    with server.connect() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
        while other.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [pid]).fetchone() is not None:
            other.execute("SELECT pg_sleep(0.01)")


@pytest.mark.parametrize(
    "step",
    [
        lambda connection, address, catalog: read(connection),
        lambda connection, address, catalog: read(connection, EXACT),
        lambda connection, address, catalog: find_orphans(connection, catalog.foreign_keys),
        lambda connection, address, catalog: connection.export_snapshot(),
    ],
    ids=["read", "count", "find_orphans", "export_snapshot"],
)
def test_a_session_that_is_ended_is_one_error_of_ours(
    newest: Server,
    newest_database: MakeDatabase,
    step: Callable[..., object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = newest_database("CREATE TABLE t (id int PRIMARY KEY, x int REFERENCES t)")
    catalog = catalog_of(address)

    def lose() -> None:
        with reading(address) as connection:
            kill(newest, connection)
            step(connection, address, catalog)

    with pytest.raises(DatabaseError, match="was lost: terminating connection") as said:
        lose()
    assert said.value.sqlstate == "57P01"
    assert said.value.address == str(address)
    assert not caplog.records
    with reading(address) as connection:
        assert read(connection) is not None
