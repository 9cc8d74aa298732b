from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import psycopg
import pytest

from migplan.catalog.statements import Statements, read_statements, tables_of, without_literals
from migplan.config import Config
from migplan.document.markdown import written
from migplan.names import QualifiedName
from migplan.pipeline import document as documenting
from migplan.postgres import address as addresses
from migplan.postgres.address import Address
from migplan.postgres.server import ThrowawayServer
from migplan.postgres.session import reading
from tests.catalog import nasty
from tests.servers import Server, Throwaway, connect

pytestmark = pytest.mark.slow

MAKING = """
CREATE SCHEMA odd; CREATE EXTENSION pg_stat_statements SCHEMA odd;
CREATE TABLE a (id int, x text); CREATE SCHEMA s; CREATE TABLE s.a (id int); CREATE TABLE s.b (id int);
"""


@pytest.fixture(scope="module")
def counted(newest: Server) -> Iterator[Address]:
    """A server that counts statements, with some that were asked."""
    if not isinstance(newest.origin, Throwaway) or "pg_stat_statements" not in nasty.extensions(newest):
        pytest.skip("needs a server of our own with pg_stat_statements")
    wanted = {"shared_preload_libraries": "pg_stat_statements", "compute_query_id": "on"}
    with ThrowawayServer(newest.origin.installation, settings=wanted) as server:
        address = addresses.parse(server.conninfo())
        with psycopg.connect(server.conninfo(), autocommit=True) as connection:
            connection.execute(MAKING.encode())
            for number in range(5):
                connection.execute(
                    f"SELECT x FROM public.a /* planted */ WHERE x = 'planted{number}'".encode()
                )
            connection.execute("INSERT INTO s.b VALUES (77123499) -- planted")
            connection.execute("SELECT b.id FROM b JOIN s.a USING (id)".replace("FROM b", "FROM s.b b"))
            connection.execute("SET application_name = 'planted'")
            connection.execute("CREATE ROLE planted PASSWORD 'planted'")
            connection.execute("ALTER TABLE public.a ALTER x SET DEFAULT 'planted'")
        yield address


def test_statements_come_without_what_stood_in_them(counted: Address) -> None:
    with reading(counted) as connection:
        found = read_statements(connection)
    assert not found.unread
    by_text = {each.text: each for each in found.counted}
    asked = by_text["SELECT x FROM public.a WHERE x = $1"]
    assert asked.calls == 5
    assert asked.mean_milliseconds > 0
    assert asked.tables == (QualifiedName("public", "a"),)
    assert by_text["INSERT INTO s.b VALUES ($1)"].rows == 1
    assert by_text["SELECT b.id FROM s.b b JOIN s.a USING (id)"].tables == (
        QualifiedName("s", "a"),
        QualifiedName("s", "b"),
    )
    assert "planted" not in repr(found)
    assert "77123499" not in repr(found)


def test_what_a_role_may_not_see_is_left_out(counted: Address) -> None:
    with connect(counted) as connection:
        connection.execute("CREATE ROLE nobody")
        connection.execute("GRANT USAGE ON SCHEMA odd TO nobody")
    with reading(counted) as connection:
        connection.execute("SET LOCAL ROLE nobody")
        assert not [each for each in read_statements(connection).counted if "public.a" in each.text]
    with connect(counted) as connection:
        connection.execute("REVOKE USAGE ON SCHEMA odd FROM nobody")
    with reading(counted) as connection:
        connection.execute("SET LOCAL ROLE nobody")
        assert read_statements(connection).unread == "the role may not read pg_stat_statements"


def test_without_the_extension_that_is_said(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    address = newest_database("")
    with reading(address) as connection:
        assert read_statements(connection) == Statements(
            unread="pg_stat_statements is not installed in this database"
        )
    if "pg_stat_statements" not in nasty.extensions(newest) or not isinstance(newest.origin, Throwaway):
        return
    with connect(address) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
    with reading(address) as connection:
        assert "shared_preload_libraries" in read_statements(connection).unread
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_the_documents_show_them_with_the_tables_that_they_name(counted: Address) -> None:
    documentation = documenting.document_database(counted, Config(), documenting.DocumentOptions())
    shown = {str(document.name): document.statements for document in documentation.tables}
    assert any(statement.calls == 5 for statement in shown["public.a"])
    pages = "".join(written(documentation, {}).files.values())
    assert "SELECT x FROM public.a" in pages
    assert not re.search(r"planted\d|/\*", pages)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("SELECT *\n\n  FROM t WHERE a = 'b' -- why", "SELECT * FROM t WHERE a = $1"),
        ("/* by ann */ UPDATE t SET é = 5;", "UPDATE t SET é = $1"),
        ("MERGE INTO t USING s ON true WHEN MATCHED THEN DO NOTHING",
        "MERGE INTO t USING s ON $1 WHEN MATCHED THEN DO NOTHING"),
        ("SELECT $1 FROM t LIMIT 5", "SELECT $1 FROM t LIMIT $2"),
        ("CREATE TABLE t (a text DEFAULT 'x')", None), ("COPY t FROM '/x'", None), ("SELECT (", None),
        ("SELECT 1; SELECT 'x'", None), ("", None),
    ],
)  # fmt: skip
def test_a_query_without_literals(query: str, wanted: str | None) -> None:
    assert without_literals(query) == wanted


def test_names_without_a_schema_count_where_only_one_is_meant() -> None:
    known = {
        "t": [QualifiedName("public", "t")], "d": [QualifiedName("c", "d"), QualifiedName("e", "d")],
        "q": [QualifiedName("public", "q")],
    }  # fmt: skip
    found = tables_of("WITH q AS (SELECT 1 FROM c.d) SELECT * FROM q, t, d, nowhere.t AS x", known)
    assert found == (QualifiedName("c", "d"), QualifiedName("public", "t"))
