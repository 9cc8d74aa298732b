"""MP201 to MP204: indexes that are doubled, covered by others, unused; and what is half empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from migplan.advise import advise
from migplan.catalog.vitals import Bloat, Vitals
from migplan.graph import build
from migplan.level import Level
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from tests.advise.advising import advice_of, blind, fix, found, seen_at
from tests.catalogs import catalog
from tests.run.running import until
from tests.servers import Server

LONG_AGO = "2020-01-01T00:00:00+00:00"

# Of each table: its indexes, those of them that are duplicates, and those that are redundant.
CASES: dict[str, tuple[list[str], set[str], set[str]]] = {
    "equal": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x)", "{t}_c ON {t} (x)"], {"b", "c"}, set()),
    "options": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x) WITH (fillfactor = 70)"], {"b"}, set()),
    "included": (["{t}_a ON {t} (x) INCLUDE (y, z)", "{t}_b ON {t} (x) INCLUDE (z, y)"], {"b"}, set()),
    "partly": (["{t}_a ON {t} (x) WHERE y > 0", "{t}_b ON {t} (x) WHERE y > 0"], {"b"}, set()),
    "expressed": (["{t}_a ON {t} (lower(n))", "{t}_b ON {t} (lower(n))"], {"b"}, set()),
    "hashed": (["{t}_a ON {t} USING hash (x)", "{t}_b ON {t} USING hash (x)"], {"b"}, set()),
    "methods": (["{t}_a ON {t} USING hash (x)", "{t}_b ON {t} (x)"], set(), set()),
    "directions": (["{t}_a ON {t} (x DESC)", "{t}_b ON {t} (x, y)", "{t}_c ON {t} (x NULLS FIRST)"],
                   set(), set()),
    "same_direction": (["{t}_a ON {t} (x DESC NULLS FIRST)", "{t}_b ON {t} (x DESC)"], {"b"}, set()),
    "classes": (["{t}_a ON {t} (n text_pattern_ops)", "{t}_b ON {t} (n, x)"], set(), set()),
    "collations": (['{t}_a ON {t} (n COLLATE "C")', "{t}_b ON {t} (n, x)"], set(), set()),
    "own_collations": (['{t}_a ON {t} (c COLLATE "default")', "{t}_b ON {t} (c)"], set(), set()),
    "said_collation": (['{t}_a ON {t} (c COLLATE "C")', "{t}_b ON {t} (c)"], {"b"}, set()),
    "predicates": (["{t}_a ON {t} (x) WHERE y > 0", "{t}_b ON {t} (x) WHERE y > 1"], set(), set()),
    "column_order": (["{t}_a ON {t} (x, y)", "{t}_b ON {t} (y, x)"], set(), set()),
    "prefix": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x, y)"], set(), {"a"}),
    "prefix_of_prefix": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x, y)", "{t}_c ON {t} (x, y, z)"],
                         set(), {"a", "b"}),
    "prefix_ordered": (["{t}_a ON {t} (x DESC)", "{t}_b ON {t} (x DESC, y)"], set(), {"a"}),
    "suffix": (["{t}_a ON {t} (y)", "{t}_b ON {t} (x, y)"], set(), set()),
    "partial_beside": (["{t}_a ON {t} (x) WHERE y > 0", "{t}_b ON {t} (x, y)"], set(), set()),
    "beside_partial": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x, y) WHERE y > 0"], set(), set()),
    "both_partial": (["{t}_a ON {t} (x) WHERE y > 0", "{t}_b ON {t} (x, z) WHERE y > 0"], set(), {"a"}),
    "carries": (["{t}_a ON {t} (x) INCLUDE (y)", "{t}_b ON {t} (x, z)"], set(), set()),
    "carried": (["{t}_a ON {t} (x) INCLUDE (y)", "{t}_b ON {t} (x, y)"], set(), {"a"}),
    "unique_prefix": (["UNIQUE {t}_a ON {t} (x)", "{t}_b ON {t} (x, y)"], set(), set()),
    "beside_unique": (["{t}_a ON {t} (x)", "UNIQUE {t}_b ON {t} (x)"], set(), {"a"}),
    "two_unique": (["UNIQUE {t}_a ON {t} (x)", "UNIQUE {t}_b ON {t} (x)"], {"b"}, set()),
    "nulls_apart": (["UNIQUE {t}_a ON {t} (x)", "UNIQUE {t}_b ON {t} (x) NULLS NOT DISTINCT"], set(), set()),
    "gin_prefix": (["{t}_a ON {t} USING gin (v)", "{t}_b ON {t} USING gin (v, w)"], set(), set()),
    "bricked": (["{t}_a ON {t} (x)", "{t}_b ON {t} (x)", "{t}_c ON {t} (x, y)"], set(), set()),
}  # fmt: skip

MORE = """
UPDATE pg_index SET indisvalid = false WHERE indexrelid = ANY ('{bricked_b,bricked_c}'::regclass[]);

CREATE TABLE keyed (id int PRIMARY KEY, x int NOT NULL, y int,
    CONSTRAINT keyed_x UNIQUE (x), CONSTRAINT keyed_late UNIQUE (x) DEFERRABLE);
CREATE TABLE leans (id int PRIMARY KEY, x int CONSTRAINT leans_x REFERENCES keyed (x));
ALTER TABLE keyed ADD CONSTRAINT keyed_again UNIQUE (x);
CREATE UNIQUE INDEX keyed_id ON keyed (id);
CREATE TABLE excluded (x int4range, EXCLUDE USING gist (x WITH &&), EXCLUDE USING gist (x WITH =));
CREATE INDEX excluded_plain ON excluded USING gist (x);
CREATE TABLE parted (n int, x int, y int) PARTITION BY LIST (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX parted_a ON parted (x); CREATE INDEX parted_b ON parted (x);
CREATE INDEX parted_c ON parted (x, y);
CREATE INDEX parted_1_own ON parted_1 (x, y);
CREATE MATERIALIZED VIEW sums AS SELECT 1 AS a, 2 AS b;
CREATE INDEX sums_a ON sums (a); CREATE INDEX sums_b ON sums (a); CREATE INDEX sums_c ON sums (a, b);
"""


def _script() -> str:
    statements = []
    for name, (indexes, _, _) in CASES.items():
        statements.append(
            f'CREATE TABLE {name} (x int, y int, z int, n text, c text COLLATE "C", v int[], w int[])'
        )
        for each in indexes:
            unique = each.startswith("UNIQUE ")
            text = each.removeprefix("UNIQUE ").format(t=name)
            statements.append(f"CREATE {'UNIQUE ' * unique}INDEX {text}")
    return ";\n".join(statements) + ";" + MORE


def _expected(place: int) -> set[str]:
    return {
        f"public.{name}_{which} on public.{name}" for name, case in CASES.items() for which in case[place]
    }


def test_duplicate_and_redundant_indexes(newest: Server, newest_database: Callable[[str], Address]) -> None:
    """What fires, what does not, and that nothing is left when the SQL has run."""
    address = newest_database(_script())
    advice = advice_of(address)
    doubled = {
        "public.keyed_again on public.keyed",  # and not keyed_x, on which a key leans, nor the deferrable one
        "public.keyed_id on public.keyed",
        "public.excluded_plain on public.excluded",  # and neither of the two constraints
        "public.parted_b on public.parted",
        "public.parted_1_own on public.parted_1",
        "public.sums_b on public.sums",
    }
    redundant = {f"public.parted_{which} on public.parted" for which in "ab"}
    redundant |= {f"public.sums_{which} on public.sums" for which in "ab"}
    assert set(found(advice, "MP201")) == _expected(1) | doubled
    assert set(found(advice, "MP202")) == _expected(2) | redundant
    with newest.connect(dbname=address.params["dbname"]) as connection:
        fix(connection, (finding for finding in advice.findings if finding.code == "MP201"))
        fix(connection, (finding for finding in advice_of(address).findings if finding.code == "MP202"))
        kept = connection.execute("SELECT count(*) FROM pg_constraint WHERE conname = 'leans_x'").fetchone()
    after = advice_of(address)
    assert (found(after, "MP201"), found(after, "MP202"), kept) == ([], [], (1,))


def test_an_index_that_keys_lean_on_is_not_dropped(newest_database: Callable[[str], Address]) -> None:
    address = newest_database("""
        CREATE TABLE t (x int CONSTRAINT first UNIQUE);
        CREATE TABLE a (x int REFERENCES t (x));
        ALTER TABLE t ADD CONSTRAINT second UNIQUE (x);
        ALTER TABLE t DROP CONSTRAINT first CASCADE, ADD CONSTRAINT third UNIQUE (x);
        CREATE TABLE b (x int REFERENCES t (x));
        """)
    (one,) = (finding for finding in advice_of(address).findings if finding.code == "MP201")
    leaned_on = {key.referenced_key for key in seen_at(address).foreign_keys}
    assert not any(name in one.fix for name in leaned_on)


UNUSED = """
CREATE TABLE hotels (id int PRIMARY KEY);
CREATE TABLE big (id int PRIMARY KEY, x int, y int, u int UNIQUE, f int REFERENCES hotels,
    g int REFERENCES hotels, r int4range, EXCLUDE USING gist (r WITH &&));
CREATE INDEX used ON big (x); CREATE INDEX unused ON big (y); CREATE INDEX only_cover ON big (f);
CREATE INDEX cover_small ON big (g); CREATE INDEX cover_large ON big (g, x, y);
CREATE TABLE small (x int); CREATE INDEX small_x ON small (x); INSERT INTO small VALUES (1);
CREATE TABLE idle (x int); INSERT INTO idle SELECT generate_series(1, 9000); CREATE INDEX idle_x ON idle (x);
CREATE TABLE parted (n int, x int, y int) PARTITION BY LIST (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (2);
CREATE INDEX parted_x ON parted (x); CREATE INDEX parted_y ON parted (y);
INSERT INTO big (id, x, y, u) SELECT n, n, n, n FROM generate_series(1, 9000) n;
INSERT INTO parted SELECT 1 + n % 2, n, n FROM generate_series(1, 9000) n;
SELECT pg_stat_reset_single_table_counters(oid) FROM pg_class WHERE relname ~ '^(idle|big|small|parted)';
"""


@pytest.fixture
def unused(newest: Server, newest_database: Callable[[str], Address]) -> Address:
    address = newest_database(UNUSED)
    others = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with newest.connect(dbname=address.params["dbname"]) as connection:
        # A session that ends writes down what it has counted, and only then is gone.
        until(lambda: not connection.execute(others).fetchall(), "the session that built it stays")
        connection.execute("SELECT pg_stat_reset()")
        connection.execute("SET enable_seqscan = off")
        for question in ("big WHERE x = 1", "parted WHERE n = 2 AND x = 1", "small WHERE x > 5"):
            connection.execute(f"SELECT * FROM {question}".encode())
        connection.execute("SELECT pg_stat_force_next_flush()")
    return address


def test_unused_indexes(newest: Server, unused: Address) -> None:
    advice = advice_of(unused, since=LONG_AGO)
    assert found(advice, "MP203") == [
        "public.cover_large on public.big",
        "public.parted_y on public.parted",
        "public.unused on public.big",
    ]
    assert all("since 2020-01-01" in f.why and f.observed for f in advice.findings if f.code == "MP203")
    assert "kB" in next(
        finding.why for finding in advice.findings if finding.what.startswith("public.unused")
    )
    assert blind(advice, "MP203") == {"1 tables": "nothing but full reads since 2020-01-01: public.idle"}
    with newest.connect(dbname=unused.params["dbname"]) as connection:
        fix(connection, (finding for finding in advice.findings if finding.code == "MP203"))
    assert not found(advice_of(unused, since=LONG_AGO), "MP203")


def test_statistics_that_are_too_young_say_nothing(unused: Address) -> None:
    """As they are after a reset, or a crash."""
    advice = advice_of(unused)
    assert not found(advice, "MP203")
    assert "a week is needed" in blind(advice, "MP203")[""]


BLOATED = """
CREATE TABLE full_up (id int PRIMARY KEY, t text) WITH (autovacuum_enabled = off);
INSERT INTO full_up SELECT n, repeat('x', 90) FROM generate_series(1, 120000) n;
CREATE TABLE empty_now (id int PRIMARY KEY, t text) WITH (autovacuum_enabled = off);
INSERT INTO empty_now SELECT n, repeat('x', 190) FROM generate_series(1, 150000) n;
CREATE INDEX empty_now_t ON empty_now (id, t);
DELETE FROM empty_now WHERE id % 10 <> 0;
CREATE TABLE never_analysed (t text) WITH (autovacuum_enabled = off);
INSERT INTO never_analysed SELECT repeat('x', 200) FROM generate_series(1, 60000) n;
"""


@pytest.mark.slow
def test_bloat(newest: Server, newest_database: Callable[[str], Address]) -> None:
    address = newest_database(BLOATED)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("VACUUM ANALYZE full_up, empty_now")
        advice = advice_of(address)
        assert found(advice, "MP204") == ["public.empty_now", "public.empty_now_t on public.empty_now"]
        assert blind(advice, "MP204") == {"public.never_analysed": "it was never analysed"}
        fix(connection, (finding for finding in advice.findings if finding.code == "MP204"))
    assert not found(advice_of(address), "MP204")


def test_much_bloat_is_graver() -> None:
    gigabyte = 1024**3
    assert _levels_of_bloat(gigabyte * 3, gigabyte * 2) == {Level.WARNING}
    assert _levels_of_bloat(gigabyte, gigabyte // 2) == {Level.NOTE}
    assert _levels_of_bloat(gigabyte, gigabyte // 3) == set()
    assert _levels_of_bloat(15 * 1024**2, 9 * 1024**2) == set()


def _levels_of_bloat(size: int, wasted: int) -> set[Level]:
    bloat = (Bloat(QualifiedName("public", "a"), size, wasted),)
    seen = replace(catalog({"a": []}), vitals=Vitals(bloat=bloat))
    advice = advise(seen, build(seen))
    return {finding.level for finding in advice.findings if finding.code == "MP204"}
