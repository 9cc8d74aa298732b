"""Digests of content: the same wherever the same rows are, and another for any other rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from migplan.catalog import digests, read
from migplan.catalog.digests import Digest, Digester, TableMethod, wanted
from migplan.catalog.model import PAGE
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.session import reading
from migplan.postgres.snapshot_pool import snapshot_pool
from tests.catalog import nasty
from tests.servers import Server

pytestmark = pytest.mark.slow

METHODS: tuple[TableMethod, ...] = ("columns", "lookup3", "sha256")
T = QualifiedName("public", "t")
MANY_TYPES = """
CREATE TABLE t (i int, f float8, r float4, n numeric, s text, b bytea, d date, z timestamptz, v interval,
                u uuid, j jsonb, a text[], g int4range, m money, c "char", l boolean, x inet, p point);
INSERT INTO t VALUES
    (1, 0.1, 0.1, 1.10, E'a\\tb\\n"c",(\\\\)', '\\x00ff', '2020-02-29', '2020-02-29 12:00:00.123456+02',
     '1 mon -3 days', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{"b": [1, null], "a": "ä"}',
     '{a,NULL,"NULL",""}', '[1,5)', 12.5, 'x', true, '10.0.0.1/8', '(1.5,2)'),
    (2, 'NaN', '-Infinity', 'NaN', '', '', 'infinity', '-infinity', '0', NULL, 'null', '{}', 'empty', -1, '',
     false, '::1', NULL),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL);
"""
MORE_TYPES = """
CREATE TABLE t (h smallint, k bigint, w varchar(9), m timestamp, q real[], o text[], y time, e char(3));
INSERT INTO t VALUES
    (-3, 9e18, 'ä', '2020-02-29 12:00:00.123456', '[0:1]={-0,0.1}', '{{a,b},{c,NULL}}', '12:00', 'a'),
    (0, -1, '', 'infinity', '{}', '{}', '24:00', ''),
    (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
"""
# The same for every server of every version, or bundles could not be verified on another.
KNOWN: dict[TableMethod, str] = {
    "columns": "columns:a49ac6402171d67256aff5b44f40081d",
    "lookup3": "lookup3:f258a8d18daf56ea7e5e75b25e41bbbd",
    "sha256": "sha256:79e104ce7f938b04fabaef7228310367",
}


def digest_of(
    address: Address, method: TableMethod = "lookup3", table: QualifiedName = T, jobs: int = 2
) -> Digest:
    return all_of(address, method, jobs)[table]


def all_of(address: Address, method: TableMethod = "lookup3", jobs: int = 2) -> dict[QualifiedName, Digest]:
    with reading(address) as connection:
        catalog = read.read(connection)
        with snapshot_pool(connection, jobs) as pool:
            tops = [table for table in catalog.tables if table.partition_of is None]
            return Digester(pool).each(wanted(catalog, tops), method)


@pytest.mark.parametrize("method", METHODS)
def test_every_version_comes_to_the_same(database: Callable[[str], Address], method: TableMethod) -> None:
    assert digest_of(database(MANY_TYPES), method).value == KNOWN[method]


def test_every_version_hashes_values_of_more_types_alike(database: Callable[[str], Address]) -> None:
    assert digest_of(database(MORE_TYPES), "columns").value == "columns:99cf75ce76a5887136eb9ebc3e7e1edb"


@pytest.mark.parametrize(
    ("type_", "one", "other"),
    [
        ("numeric", "1.0", "1.00"),
        ("float8", "0", "-0"),
        ("real", "0", "-0"),
        ("jsonb", "[1.0]", "[1.00]"),
        ("interval", "1 mon", "30 days"),
        ("int[]", "{1}", "[0:0]={1}"),
        ("int[]", "{1,2}", "{{1},{2}}"),
        ("text[]", "{NULL}", '{"NULL"}'),
        ("bytea", "", "\\x00"),
        ("boolean", "t", "f"),
        ("varchar", "a", "a "),
    ],
)
def test_values_that_compare_as_equal_but_are_not_the_same_differ(
    newest_database: Callable[[str], Address], type_: str, one: str, other: str
) -> None:
    address = newest_database(
        f"CREATE TABLE t (v {type_}); INSERT INTO t VALUES ('{one}');"
        f"CREATE TABLE u (v {type_}); INSERT INTO u VALUES ('{other}')"
    )
    found = all_of(address, "columns")
    assert len({digest.value for digest in found.values()}) == len(found) == 2


def test_columns_of_another_type_are_printed(newest_database: Callable[[str], Address]) -> None:
    before = newest_database("CREATE TABLE t (i int, n int, s text); INSERT INTO t VALUES (1, 2, 'a')")
    wider = newest_database("CREATE TABLE t (i bigint, n int, s varchar); INSERT INTO t VALUES (1, 2, 'a')")
    other = newest_database("CREATE TABLE t (i int, n numeric, s text); INSERT INTO t VALUES (1, 2, 'a')")
    with reading(before) as session:
        known = read.read(session).tables
    found = []
    for address in (before, wider, other):
        with reading(address) as session, snapshot_pool(session, 1) as pool:
            tables = wanted(read.read(session), known)
            found.append(Digester(pool).each(tables, "columns")[T].value)
    assert found[0] == found[1]
    assert [value.partition(":")[0] for value in found] == ["columns", "columns", "lookup3"]


def test_every_version_knows_the_fast_way(server: Server) -> None:
    address = server.address("postgres")
    with reading(address) as connection, snapshot_pool(connection, 1) as pool:
        assert Digester(pool).method == "lookup3"


def test_another_encoding_comes_to_the_same_by_the_other_way(newest: Server) -> None:
    with newest.connect() as admin:
        admin.execute("CREATE DATABASE migplan_test_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    try:
        with newest.connect(dbname="migplan_test_latin1") as other:
            other.execute(MANY_TYPES)
        address = newest.address("migplan_test_latin1")
        with reading(address) as connection, snapshot_pool(connection, 1) as pool:
            assert Digester(pool).method == "sha256"
        assert digest_of(address, "sha256").value == KNOWN["sha256"]
    finally:
        newest.drop_database("migplan_test_latin1")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("(1, 'a'), (2, 'b')", "(2, 'b'), (1, 'a')", True),
        ("(1, 'a'), (1, 'a')", "(1, 'a')", False),
        ("(1, 'a'), (1, 'a'), (2, 'b')", "(1, 'a'), (2, 'b'), (2, 'b')", False),
        ("(1, 'a'), (2, 'b')", "(1, 'b'), (2, 'a')", False),
        ("(1, NULL)", "(1, '')", False),
        ("(1, NULL)", "(1, 'NULL')", False),
        ("(1, 'a')", "(1, 'A')", False),
        ("(1, 'a ')", "(1, 'a')", False),
    ],
)
def test_the_order_of_rows_does_not_matter_and_all_else_does(
    newest_database: Callable[[str], Address], method: TableMethod, one: str, other: str, same: bool
) -> None:
    made = [
        newest_database(f"CREATE TABLE t (i int, s text); INSERT INTO t VALUES {rows}")
        for rows in (one, other)
    ]
    found = [digest_of(address, method).value for address in made]
    assert (found[0] == found[1]) is same


def test_large_tables_are_read_in_pieces(
    newest_database: Callable[[str], Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = newest_database(
        "CREATE TABLE t AS SELECT n, repeat('x', 100) AS s FROM generate_series(1, 20000) n;"
        "DELETE FROM t WHERE n < 99"
    )
    whole = digest_of(address)
    monkeypatch.setattr(digests, "PIECE", 100 * PAGE)
    monkeypatch.setattr(digests, "SMALL_IN_ALL", PAGE)
    assert digest_of(address, jobs=3) == whole
    assert whole.rows == 20000 - 98


def test_partitions_belong_to_it_and_heirs_do_not(newest_database: Callable[[str], Address]) -> None:
    rows = "INSERT INTO t VALUES (1, 'a'), (11, 'b')"
    whole = newest_database(f"CREATE TABLE t (i int, s text); {rows}")
    parts = newest_database(
        "CREATE TABLE t (i int, s text) PARTITION BY RANGE (i);"
        "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10);"
        "CREATE TABLE t2 (s text, gone int, i int); ALTER TABLE t2 DROP gone;"
        f"ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (20); {rows}"
    )
    heirs = newest_database(
        "CREATE TABLE t (i int, s text); CREATE TABLE u () INHERITS (t); INSERT INTO u VALUES (1, 'x');"
        f"{rows}"
    )
    assert digest_of(whole) == digest_of(parts) == digest_of(heirs)


def test_what_cannot_be_read_is_said(server: Server) -> None:
    found = all_of(server.address(nasty.database(server)))
    away = found[QualifiedName("kinds", "far_away")]
    assert (away.strength, away.why) == ("not read", 'foreign-data wrapper "dummy" has no handler')
    assert {digest.strength for name, digest in found.items() if name != away.table} == {"content"}
