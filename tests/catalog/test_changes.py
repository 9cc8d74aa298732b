"""What others change since a moment is seen and named; what means the same as before is not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migplan.catalog.changes import changes, one_moment
from migplan.errors import ChangedError, PlanError
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.servers import Server

pytestmark = pytest.mark.slow

MakeDatabase = Callable[[str], Address]

SCRIPT = """
CREATE TYPE state AS ENUM ('open', 'paid');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CONSTRAINT above CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, s state, n int DEFAULT 1);
CREATE TABLE r (id serial PRIMARY KEY, t int REFERENCES t);
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE later (id int);
CREATE INDEX t_n ON t (n);
CREATE VIEW v AS SELECT id FROM t;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
CREATE UNIQUE INDEX ON m (one);
CREATE SEQUENCE q;
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE SCHEMA aside;
CREATE VIEW aside.v AS SELECT 1 AS one;
CREATE PUBLICATION p FOR TABLE t;
"""

# Each behind the ones before it.
CHANGES = {
    "TRUNCATE t CASCADE": ["table public.r was changed", "table public.t was changed"],
    "CREATE INDEX late ON t (s)": ["index late of public.t is new"],
    "DROP INDEX late": ["index late of public.t was dropped"],
    "ALTER INDEX t_n RENAME TO t_m": ["index t_n of public.t was changed"],
    "CREATE TRIGGER late BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()": [
        "trigger late of public.t is new"
    ],
    "ALTER TABLE t DISABLE TRIGGER late": ["trigger late of public.t was changed"],
    "DROP TRIGGER late ON t": ["trigger late of public.t was dropped"],
    "ALTER TYPE state RENAME VALUE 'open' TO 'new'": ["value open of public.state was changed"],
    "ALTER TYPE state ADD VALUE 'sent'": ["value sent of public.state is new"],
    "ALTER TYPE pair ADD ATTRIBUTE c int": ["column c of public.pair is new"],
    "ALTER DOMAIN positive ADD CONSTRAINT below CHECK (VALUE < 9)": [
        "constraint below of public.positive is new"
    ],
    "CREATE OR REPLACE VIEW v AS SELECT id FROM t WHERE n > 1": ["view public.v was changed"],
    "DROP VIEW v; CREATE VIEW v AS SELECT 2 AS id": ["view public.v was made anew"],
    "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'": [
        "function public.f was changed"
    ],
    "DROP FUNCTION f()": ["function public.f was dropped"],
    "CREATE POLICY late ON t": ["policy late of public.t is new"],
    "CREATE RULE late AS ON DELETE TO t DO NOTHING": ["rule late of public.t is new"],
    "ALTER TABLE t ALTER n SET DEFAULT 2": ["default of column 3 of public.t"],
    "ALTER TABLE t ALTER n SET STATISTICS 7": ["column n of public.t was changed"],
    "ALTER TABLE t ADD CONSTRAINT late CHECK (n > 0)": ["constraint late of public.t is new"],
    "ALTER TABLE t RENAME n TO m": ["column n of public.t was changed"],
    "ALTER SEQUENCE q INCREMENT 7": ["definition of public.q was changed"],
    "ALTER SEQUENCE q OWNED BY t.id": ["owner of public.q is new"],
    "COMMENT ON COLUMN t.id IS 'x'": ["comment of public.t is new"],
    "COMMENT ON INDEX t_m IS 'x'": ["comment of public.t_m is new"],
    "COMMENT ON CONSTRAINT late ON t IS 'x'": ['comment of "constraint late on table public.t" is new'],
    "COMMENT ON SCHEMA public IS 'x'": ['comment of "schema public"'],
    "GRANT SELECT ON t TO public": ["table public.t was changed"],
    "CREATE STATISTICS late ON id, m FROM t": ["statistics late of public.t is new"],
    "ALTER TABLE parted ATTACH PARTITION later FOR VALUES IN (2)": ["parent number 1 of public.later is new"],
    "ALTER TABLE parted_1 RENAME TO parted_one": ["table public.parted_1 was changed"],
    "ALTER PUBLICATION p ADD TABLE r": ["publication of public.r is new"],
    "ALTER SCHEMA aside RENAME TO beside": ["schema aside was changed"],
}

HARMLESS = (
    *("ANALYZE", "VACUUM", "VACUUM FREEZE t", "REINDEX TABLE t"),
    *("REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW CONCURRENTLY m"),
    *("ALTER SEQUENCE q RESTART", "SELECT nextval('q')", "SELECT setval('q', 77)"),
    *("CREATE TEMP TABLE own (id int PRIMARY KEY)", "COMMENT ON TABLE own IS 'x'", "DROP TABLE own"),
    *("CREATE TABLE scratch (id int PRIMARY KEY, t int REFERENCES t)", "CREATE VIEW w AS SELECT * FROM t"),
    *("CREATE TABLE parted_3 PARTITION OF parted FOR VALUES IN (3)", "COMMENT ON TABLE parted_3 IS 'x'"),
    *("INSERT INTO t VALUES (1)", "UPDATE t SET n = 3", "DELETE FROM t"),
    *("CREATE FUNCTION new() RETURNS int LANGUAGE sql AS 'SELECT 1'", "CREATE SCHEMA new"),
)


def test_each_change_is_named(newest: Server, newest_database: MakeDatabase) -> None:
    address = newest_database(SCRIPT)
    with newest.connect(dbname=address.params["dbname"]) as other:
        for change, expected in CHANGES.items():
            with reading(address) as connection:
                other.execute(change)
                found = changes(connection)
            for what in expected:
                assert any(said.startswith(what) for said in found), (change, found)


def test_what_means_the_same_is_no_change(server: Server, database: MakeDatabase) -> None:
    address = database(SCRIPT)
    with server.connect(dbname=address.params["dbname"]) as other:
        other.execute("CREATE TEMP TABLE before (id int); COMMENT ON TABLE before IS 'x'")
        with reading(address) as connection:
            for statement in HARMLESS:
                other.execute(statement)
            other.execute("DROP TABLE before")
            assert changes(connection) == ()


def test_only_what_it_concerns(newest: Server, newest_database: MakeDatabase) -> None:
    address = newest_database(SCRIPT)
    with newest.connect(dbname=address.params["dbname"]) as other, reading(address) as connection:
        other.execute("DROP VIEW aside.v")
        assert changes(connection) == ("view aside.v was dropped",)
        assert changes(connection, lambda schema: schema == "public") == ()


def test_what_went_wrong_while_others_changed_is_their_doing(
    newest: Server, newest_database: MakeDatabase
) -> None:
    address = newest_database(SCRIPT)
    with newest.connect(dbname=address.params["dbname"]) as other:
        with (
            reading(address) as connection,
            pytest.raises(KeyError),
            one_moment(connection),
        ):
            raise KeyError
        with (  # noqa: PT012
            reading(address) as connection,
            pytest.raises(ChangedError, match=r"view public\.v was dropped"),
            one_moment(connection),
        ):
            other.execute("DROP VIEW v")
            connection.execute("SELECT * FROM public.v")
        with (  # noqa: PT012
            reading(address) as connection,
            pytest.raises(PlanError, match="no such group"),
            one_moment(connection),
        ):
            other.execute("DROP VIEW aside.v")
            raise PlanError("no such group")
