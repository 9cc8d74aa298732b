"""Rows that refer to nothing are found as the server itself would find them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from migplan.catalog.orphans import Orphans, find_orphans
from migplan.catalog.read import read
from migplan.errors import DatabaseError
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.catalog import nasty
from tests.servers import Server

MakeDatabase = Callable[[str], Address]

# Keys cannot be violated while they are enforced, so the rows come first and the keys are NOT VALID.
SCRIPT = """
CREATE TABLE parent (id int PRIMARY KEY, a int, b int, UNIQUE (a, b));
INSERT INTO parent VALUES (1, 1, 1), (2, 2, 2);
CREATE TABLE simple (p int);
INSERT INTO simple SELECT n FROM generate_series(1, 9) n UNION ALL SELECT NULL;
ALTER TABLE simple ADD CONSTRAINT simple_key FOREIGN KEY (p) REFERENCES parent NOT VALID;
CREATE TABLE composite (x int, y int);
INSERT INTO composite VALUES (1, 1), (1, 2), (NULL, 7), (7, NULL), (NULL, NULL), (2, 2);
ALTER TABLE composite ADD CONSTRAINT composite_key FOREIGN KEY (x, y) REFERENCES parent (a, b) NOT VALID;
ALTER TABLE composite ADD CONSTRAINT composite_full FOREIGN KEY (x, y) REFERENCES parent (a, b)
    MATCH FULL NOT VALID;
CREATE TABLE tree (id int PRIMARY KEY, up int);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 3), (4, 99);
ALTER TABLE tree ADD CONSTRAINT tree_key FOREIGN KEY (up) REFERENCES tree NOT VALID;
CREATE TABLE content (p int REFERENCES parent);
INSERT INTO content VALUES (1), (NULL);
CREATE TABLE base (id int PRIMARY KEY, p int);
CREATE TABLE derived () INHERITS (base);
INSERT INTO base VALUES (1, 1);
INSERT INTO derived VALUES (50, 50);
ALTER TABLE base ADD CONSTRAINT base_key FOREIGN KEY (p) REFERENCES parent;
CREATE TABLE of_base (b int);
INSERT INTO of_base VALUES (1), (50);
ALTER TABLE of_base ADD CONSTRAINT of_base_key FOREIGN KEY (b) REFERENCES base NOT VALID;
CREATE TABLE simple_parent (id int PRIMARY KEY);
CREATE TABLE whole (k int PRIMARY KEY, up int) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF whole FOR VALUES IN (2);
INSERT INTO whole VALUES (1, 2), (2, NULL);
ALTER TABLE whole ADD CONSTRAINT whole_self FOREIGN KEY (up) REFERENCES whole;
CREATE TABLE of_whole (k int);
INSERT INTO of_whole VALUES (1), (2), (3);
ALTER TABLE part_1 ADD CONSTRAINT leaf_key FOREIGN KEY (up) REFERENCES simple_parent NOT VALID;
CREATE COLLATION bytewise (locale = 'C');
CREATE TABLE word (w text COLLATE bytewise PRIMARY KEY, c char(3) UNIQUE);
INSERT INTO word VALUES ('a', 'x');
CREATE TABLE of_word (w varchar(9) COLLATE "POSIX", c bpchar);
INSERT INTO of_word VALUES ('a', 'x  '), ('A', 'xy');
ALTER TABLE of_word ADD CONSTRAINT word_key FOREIGN KEY (w) REFERENCES word NOT VALID;
ALTER TABLE of_word ADD CONSTRAINT char_key FOREIGN KEY (c) REFERENCES word (c) NOT VALID;
CREATE SCHEMA "Odd ""S";
CREATE TABLE "Odd ""S"."t%s" ("a{0}" bigint);
INSERT INTO "Odd ""S"."t%s" VALUES (5);
ALTER TABLE "Odd ""S"."t%s" ADD CONSTRAINT "k%" FOREIGN KEY ("a{0}") REFERENCES parent NOT VALID;
"""

# A referenced partitioned table takes no NOT VALID key: the rows come in behind the key's back.
BEHIND = """
ALTER TABLE of_whole ADD CONSTRAINT of_whole_key FOREIGN KEY (k) REFERENCES whole;
INSERT INTO of_whole VALUES (3);
"""


def orphans_of(address: Address, only: str = "") -> dict[str, Orphans]:
    with reading(address) as connection:
        keys = [key for key in read(connection).foreign_keys if only in key.name]
        return {orphans.key.name: orphans for orphans in find_orphans(connection, keys)}


def test_orphans_are_counted_with_a_few_of_their_values(server: Server, database: MakeDatabase) -> None:
    address = database(SCRIPT)
    with server.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("DELETE FROM of_whole WHERE k = 3; SET session_replication_role = replica")
        connection.execute(BEHIND)
    found = orphans_of(address)
    assert {name: (orphans.rows, orphans.samples) for name, orphans in found.items()} == {
        "simple_key": (7, (("3",), ("4",), ("5",))),
        "composite_key": (1, (("1", "2"),)),
        "composite_full": (3, (("1", "2"), ("7", "NULL"), ("NULL", "7"))),
        "tree_key": (1, (("99",),)),
        "of_base_key": (1, (("50",),)),
        "of_whole_key": (1, (("3",),)),
        "leaf_key": (1, (("2",),)),
        "word_key": (1, (("A",),)),
        "char_key": (1, (("xy",),)),
        "k%": (1, (("5",),)),
    }
    assert not any(orphans.unread for orphans in found.values())


def test_columns_of_an_extensions_type_are_compared_by_its_own_operator(
    server: Server, database: MakeDatabase
) -> None:
    if "citext" not in nasty.extensions(server):
        pytest.skip("this server has no citext")
    address = database(
        "CREATE EXTENSION citext; CREATE TABLE p (nick citext PRIMARY KEY); INSERT INTO p VALUES ('Anna');"
        "CREATE TABLE c (nick citext REFERENCES p); INSERT INTO c VALUES ('ANNA')"
    )
    assert orphans_of(address) == {}


def test_what_may_not_be_read_is_said_and_the_rest_is_looked_at(
    server: Server, database: MakeDatabase
) -> None:
    role = "migplan_test_orphans"
    with server.connect() as connection:
        connection.execute(f"DROP ROLE IF EXISTS {role}; CREATE ROLE {role}")
    address = database(
        f"{SCRIPT} GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}; REVOKE SELECT ON tree FROM {role};"
        "ALTER TABLE simple ENABLE ROW LEVEL SECURITY;"
    )
    try:
        found = orphans_of(server.address(address.params["dbname"], options=f"-c role={role}"))
        unread = {name: orphans.unread for name, orphans in found.items() if orphans.unread}
        assert unread == {
            "k%": 'permission denied for schema Odd "S',
            "simple_key": 'query would be affected by row-level security policy for table "simple"',
            "tree_key": "permission denied for table tree",
        }
        assert (found["composite_key"].rows, found["tree_key"].rows) == (1, 0)
    finally:
        server.drop_database(address.params["dbname"])
        with server.connect() as connection:
            connection.execute(f"DROP ROLE {role}")


def test_the_nasty_database_has_no_orphans_and_period_keys_are_not_looked_at(
    server: Server, nasty_address: Address
) -> None:
    found = orphans_of(nasty_address)
    if server.major < 18:
        assert found == {}
    else:
        assert {name: orphans.unread for name, orphans in found.items()} == {
            "guest_stay": "a PERIOD key cannot be looked at row by row"
        }


def test_a_locked_table_is_said_and_so_is_a_key_that_is_gone(
    newest: Server, newest_database: MakeDatabase
) -> None:
    address = newest_database(SCRIPT)
    with newest.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        keys = [k for k in read(connection).foreign_keys if k.name in {"simple_key", "tree_key"}]
        other.execute("BEGIN; LOCK TABLE simple IN ACCESS EXCLUSIVE MODE")
        connection.execute("SET LOCAL lock_timeout = '100ms'")
        told: list[tuple[int, int]] = []
        found = find_orphans(connection, keys, lambda *at: told.append(at))
    assert [(o.key.name, o.rows, o.unread) for o in found] == [
        ("simple_key", 0, "canceling statement due to lock timeout"),
        ("tree_key", 1, ""),
    ]
    assert told == [(0, 2), (1, 2), (2, 2)]
    with reading(newest_database("")) as connection:
        (first, _) = find_orphans(connection, keys)
    assert first.unread == "the database has no such key now"


def test_a_statement_that_fails_is_an_error_of_ours(newest_database: MakeDatabase) -> None:
    address = newest_database(
        "CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int); INSERT INTO c VALUES (1);"
        "ALTER TABLE c ADD CONSTRAINT c_key FOREIGN KEY (id) REFERENCES p NOT VALID"
    )
    with reading(address) as connection:
        (key,) = read(connection).foreign_keys
        with pytest.raises(DatabaseError, match="while looking for orphans of c_key") as said:
            find_orphans(connection, [replace(key, columns=("nowhere",))])
    assert said.value.sqlstate == "42703"
