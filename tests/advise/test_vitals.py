"""How a database is doing, read from real servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from migplan.catalog.read import read
from migplan.catalog.read_vitals import read_vitals
from migplan.catalog.vitals import Vitals
from migplan.errors import DatabaseError
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from tests.advise.advising import seen_at
from tests.servers import Server

pytestmark = pytest.mark.slow

ROLES = """
CREATE ROLE migplan_test_top NOLOGIN;
CREATE ROLE migplan_test_middle NOLOGIN IN ROLE migplan_test_top;
CREATE ROLE migplan_test_bottom LOGIN IN ROLE migplan_test_middle;
CREATE ROLE migplan_test_apart NOLOGIN NOINHERIT IN ROLE migplan_test_top;
CREATE ROLE migplan_test_below LOGIN BYPASSRLS IN ROLE migplan_test_apart;
"""


@pytest.fixture
def roles(server: Server) -> Iterator[list[str]]:
    names = [f"migplan_test_{name}" for name in ("below", "apart", "bottom", "middle", "top")]
    with server.connect() as connection:
        connection.execute(ROLES)
        yield names
        for name in names:
            connection.execute(f"DROP ROLE {name}".encode())


def test_roles_have_the_privileges_that_the_server_says(
    server: Server, database: Callable[[str], Address], roles: list[str]
) -> None:
    address = database("")
    with server.connect(dbname=address.params["dbname"]) as connection:
        connection.execute(f"ALTER DATABASE {address.params['dbname']} OWNER TO migplan_test_middle".encode())
        vitals = seen_at(address).vitals
        said = connection.execute(
            'SELECT r.rolname, array_agg(o.rolname::text ORDER BY o.rolname COLLATE "C") '
            "FILTER (WHERE o.oid <> r.oid AND pg_has_role(r.oid, o.oid, 'USAGE')) "
            "FROM pg_roles r, pg_roles o WHERE NOT r.rolsuper GROUP BY r.rolname"
        ).fetchall()
        connection.execute(f"ALTER DATABASE {address.params['dbname']} OWNER TO CURRENT_USER".encode())
    assert vitals
    ours = {role.name: list(role.inherits) for role in vitals.roles if not role.superuser}
    assert ours == {name: inherits or [] for name, inherits in said}
    assert ours["migplan_test_bottom"] >= ["migplan_test_middle"]
    assert {role.name for role in vitals.roles if role.bypasses_row_security} >= {"migplan_test_below"}
    assert not vitals.unread


def test_inheritance_is_a_matter_of_each_membership(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    with newest.connect() as connection:
        connection.execute(
            "CREATE ROLE migplan_test_given; CREATE ROLE migplan_test_kept;"
            "CREATE ROLE migplan_test_member; "
            "GRANT migplan_test_given TO migplan_test_member WITH INHERIT TRUE;"
            "GRANT migplan_test_kept TO migplan_test_member WITH INHERIT FALSE"
        )
        try:
            vitals = seen_at(newest_database("")).vitals
        finally:
            connection.execute("DROP ROLE migplan_test_member, migplan_test_given, migplan_test_kept")
    assert vitals
    (member,) = (role for role in vitals.roles if role.name == "migplan_test_member")
    assert member.inherits == ("migplan_test_given",)


def test_since_when_the_server_counts(server: Server, database: Callable[[str], Address]) -> None:
    address = database("")
    before = seen_at(address).vitals
    assert before
    assert before.statistics_since
    with server.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("SELECT pg_stat_reset()")
    after = seen_at(address).vitals
    assert after
    assert after.statistics_since
    began, reset = map(datetime.fromisoformat, (before.statistics_since, after.statistics_since))
    assert began < reset <= datetime.now(UTC)


def test_everything_is_read_on_every_version(server: Server, database: Callable[[str], Address]) -> None:
    address = database("""
                CREATE TABLE keys (id serial PRIMARY KEY, name text UNIQUE, other text);
        INSERT INTO keys (id, name) VALUES (7, 'seven');
        CREATE TABLE large (id int PRIMARY KEY, t text) WITH (autovacuum_enabled = off);
        INSERT INTO large SELECT n, repeat('x', 500) FROM generate_series(1, 30000) n;
        """)
    with server.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("VACUUM ANALYZE")
    vitals = seen_at(address).vitals
    assert vitals
    assert [each.extension for each in vitals.available] == ["plpgsql"]
    assert [(p.sequence.name, p.greatest, p.next) for p in vitals.positions] == [("keys_id_seq", 7, 1)]
    assert [(w.column, w.average) for w in vitals.widths] == [("name", 6)]
    (bloat,) = vitals.bloat
    assert bloat.bytes > 15_000_000
    assert bloat.wasted < bloat.bytes / 20
    assert not vitals.unread


def test_estimates_come_near_what_a_new_table_takes(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    """Fill factors, NULLs, an expression, a partial index; then the same with nine rows of ten gone."""
    address = newest_database("""
        CREATE TABLE t (id bigint PRIMARY KEY, a text, b int, c text)
            WITH (autovacuum_enabled = off, fillfactor = 80);
        INSERT INTO t SELECT n, md5(n::text), nullif(n % 3, 0), repeat(md5(n::text), 3)
        FROM generate_series(1, 250000) n;
        CREATE INDEX by_expression ON t (upper(a)) WITH (fillfactor = 70);
        CREATE INDEX by_two ON t (a, id) WHERE b IS NOT NULL;
        """)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("VACUUM ANALYZE t")
        fresh = seen_at(address).vitals
        connection.execute("DELETE FROM t WHERE id % 10 <> 0")
        connection.execute("VACUUM ANALYZE t")
        emptied = seen_at(address).vitals
        connection.execute("VACUUM (FULL) t")
        sizes: dict[str, int] = dict(
            connection.execute(
                "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname = ANY "
                "('{t,t_pkey,by_expression,by_two}'::text[])"
            ).fetchall()
        )
    assert fresh
    assert emptied
    assert [bloat.index for bloat in fresh.bloat] == [None, "by_expression", "by_two"]
    for bloat in fresh.bloat:
        assert bloat.wasted < bloat.bytes * 0.08, bloat
    for bloat in emptied.bloat:
        needed = sizes[bloat.index or "t"]
        assert bloat.bytes - bloat.wasted == pytest.approx(needed, rel=0.1), bloat


def test_what_a_role_may_not_ask_is_said(newest: Server, newest_database: Callable[[str], Address]) -> None:
    """Statistics of columns that are closed to it, and a view of the server's that somebody closed."""
    address = newest_database("""
        CREATE TABLE secret (t text) WITH (autovacuum_enabled = off);
        INSERT INTO secret SELECT repeat('x', 500) FROM generate_series(1, 30000);
        ANALYZE secret;
        CREATE ROLE migplan_test_stranger LOGIN PASSWORD 'stranger';
        REVOKE SELECT ON pg_catalog.pg_available_extensions FROM PUBLIC;
        """)
    name = address.params["dbname"]
    try:
        vitals = seen_at(newest.address(name, user="migplan_test_stranger", password="stranger")).vitals
    finally:
        with newest.connect() as connection:
            connection.execute("DROP ROLE migplan_test_stranger")
    assert vitals
    unread = dict(vitals.unread)
    assert "permission denied" in unread["extensions on offer"]
    assert "hidden from the role" in unread["bloat of public.secret"]
    assert vitals.roles
    assert not vitals.available


def test_a_lost_session_is_no_gap(newest: Server, newest_database: Callable[[str], Address]) -> None:
    """What ends the session must not look like something that could not be asked."""
    reached: list[Vitals] = []
    address = newest_database("")
    with pytest.raises(DatabaseError, match="was lost"):
        _read_while_it_ends(newest, address, reached)
    assert not reached


def _read_while_it_ends(server: Server, address: Address, reached: list[Vitals]) -> None:
    with reading(address) as connection:
        catalog = read(connection)
        process = connection.process
        with server.connect() as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
        reached.append(read_vitals(connection, catalog))
