"""MP101 to MP109: keys that are missing, doubled, unchecked, or that nobody can rely on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psycopg
import pytest

from migplan.advise import Advice
from migplan.level import Level
from migplan.postgres.address import Address
from tests.advise.advising import advice_of, fix, found
from tests.servers import Server

SCHEMA = """
CREATE TABLE hotels (id bigint PRIMARY KEY, code varchar(9) UNIQUE, twin integer);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));

-- MP101
CREATE TABLE hens (id int PRIMARY KEY, egg_id int);
CREATE TABLE eggs (id int PRIMARY KEY, hen_id int CONSTRAINT egg_hen REFERENCES hens);
ALTER TABLE hens ADD CONSTRAINT hen_egg FOREIGN KEY (egg_id) REFERENCES eggs;
CREATE TABLE staff (id int PRIMARY KEY, boss_id int REFERENCES staff);  -- itself only

-- MP102
CREATE TABLE loose (id int PRIMARY KEY, hotel_id bigint, other_id bigint REFERENCES hotels);
ALTER TABLE loose ADD CONSTRAINT loose_hotel FOREIGN KEY (hotel_id) REFERENCES hotels NOT VALID;

-- MP103
CREATE DOMAIN hotel_number AS bigint;
CREATE TABLE narrow (id int PRIMARY KEY, hotel_id int REFERENCES hotels, code text REFERENCES hotels (code));
CREATE TABLE small (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE wide (id int PRIMARY KEY, pa bigint NOT NULL, pb int NOT NULL,
    FOREIGN KEY (pa, pb) REFERENCES small);
CREATE TABLE numbered (id int PRIMARY KEY, hotel_id hotel_number REFERENCES hotels);

-- MP104
CREATE TABLE bare (n int);
CREATE TABLE keyed_otherwise (a int NOT NULL, b int NOT NULL, UNIQUE (a, b));
CREATE TABLE indexed_otherwise (a int NOT NULL); CREATE UNIQUE INDEX taken ON indexed_otherwise (a);
CREATE TABLE maybe_null (a int UNIQUE);
CREATE TABLE partial_only (a int NOT NULL); CREATE UNIQUE INDEX some_of ON partial_only (a) WHERE a > 0;
CREATE TABLE bare_parts (n int NOT NULL, UNIQUE (n)) PARTITION BY LIST (n);
CREATE TABLE bare_parts_1 PARTITION OF bare_parts FOR VALUES IN (1);
CREATE TABLE parts (n int PRIMARY KEY) PARTITION BY LIST (n);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE FOREIGN DATA WRAPPER nowhere; CREATE SERVER there FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE remote (n int) SERVER there;

-- MP107
CREATE TABLE doubled (id int PRIMARY KEY, x int, y int, hotel_id bigint);
ALTER TABLE doubled ADD CONSTRAINT doubled_a FOREIGN KEY (x, y) REFERENCES pairs (a, b),
    ADD CONSTRAINT doubled_b FOREIGN KEY (y, x) REFERENCES pairs (b, a),
    ADD CONSTRAINT crossed FOREIGN KEY (y, x) REFERENCES pairs (a, b),
    ADD CONSTRAINT hotel_checked FOREIGN KEY (hotel_id) REFERENCES hotels,
    ADD CONSTRAINT hotel_a_unchecked FOREIGN KEY (hotel_id) REFERENCES hotels NOT VALID,
    ADD CONSTRAINT hotel_cascades FOREIGN KEY (hotel_id) REFERENCES hotels ON DELETE CASCADE,
    ALTER x SET NOT NULL, ALTER y SET NOT NULL;
CREATE TABLE inheriting (n int NOT NULL, hotel_id bigint CONSTRAINT declared REFERENCES hotels)
    PARTITION BY LIST (n);
CREATE TABLE inheriting_1 PARTITION OF inheriting FOR VALUES IN (1);
ALTER TABLE inheriting_1 ADD CONSTRAINT again FOREIGN KEY (hotel_id) REFERENCES hotels;

-- MP108
CREATE DOMAIN present AS int CONSTRAINT present_not_null NOT NULL;
CREATE TABLE halves (id int PRIMARY KEY, tenant int NOT NULL DEFAULT 1,
    a int, b int, c int NOT NULL DEFAULT 1, d int, e int, f present DEFAULT 1, g int NOT NULL DEFAULT 1,
    CONSTRAINT both_null FOREIGN KEY (a, b) REFERENCES pairs ON DELETE SET NULL (b) DEFERRABLE,
    CONSTRAINT one_null FOREIGN KEY (tenant, d) REFERENCES pairs,
    CONSTRAINT full_match FOREIGN KEY (d, e) REFERENCES pairs (b, a) MATCH FULL,
    CONSTRAINT none_null FOREIGN KEY (c, f) REFERENCES pairs);
CREATE TABLE triples (a int, b int, c int, PRIMARY KEY (a, b, c));
CREATE TABLE thirds (id int PRIMARY KEY, tenant int NOT NULL, a int, b int, c int, d int,
    CONSTRAINT two_of_three FOREIGN KEY (tenant, a, b) REFERENCES triples,
    CONSTRAINT held FOREIGN KEY (tenant, c, d) REFERENCES triples,
    CHECK (num_nonnulls(c, d) <> 1));
CREATE TABLE half_parts (a int, b int, n int,
    CONSTRAINT half_part FOREIGN KEY (a, b) REFERENCES pairs) PARTITION BY LIST (n);

-- MP112
CREATE TABLE off (id int PRIMARY KEY, hotel_id bigint CONSTRAINT off_hotel REFERENCES hotels);
CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER mine BEFORE INSERT ON off FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE off DISABLE TRIGGER ALL;
CREATE TABLE never_off (id int PRIMARY KEY, hotel_id bigint REFERENCES hotels);
CREATE TRIGGER mine BEFORE INSERT ON never_off FOR EACH ROW EXECUTE FUNCTION nothing();
ALTER TABLE never_off DISABLE TRIGGER USER;
CREATE TABLE off_parts (n int PRIMARY KEY, hotel_id bigint CONSTRAINT off_part REFERENCES hotels)
    PARTITION BY LIST (n);
CREATE TABLE off_parts_1 PARTITION OF off_parts FOR VALUES IN (1);
CREATE TABLE off_parts_2 PARTITION OF off_parts FOR VALUES IN (2);
ALTER TABLE off_parts_2 DISABLE TRIGGER ALL;
CREATE TABLE loved (id int PRIMARY KEY);
CREATE TABLE loving (id int PRIMARY KEY, loved int CONSTRAINT one_sided REFERENCES loved);
ALTER TABLE loved DISABLE TRIGGER ALL;

-- MP109
CREATE TABLE alone (id int PRIMARY KEY);
CREATE TABLE heir () INHERITS (alone);
"""


@pytest.fixture(scope="module")
def address(newest: Server) -> Iterator[Address]:
    name = newest.create_database(SCHEMA)
    yield newest.address(name)
    newest.drop_database(name)


@pytest.fixture(scope="module")
def advice(address: Address) -> Advice:
    return advice_of(address)


EXPECTED = {
    "MP101": ["public.eggs -> public.hens -> public.eggs"],
    "MP102": ["public.doubled.hotel_a_unchecked", "public.loose.loose_hotel"],
    "MP103": ["public.narrow.code", "public.narrow.hotel_id", "public.wide.pa"],
    "MP104": [
        *("public.bare", "public.bare_parts", "public.half_parts", "public.heir", "public.indexed_otherwise"),
        *("public.inheriting", "public.keyed_otherwise", "public.maybe_null", "public.partial_only"),
    ],
    "MP107": [
        *("public.doubled.doubled_b", "public.doubled.hotel_a_unchecked", "public.doubled.hotel_checked"),
        "public.inheriting_1.again",
    ],
    "MP108": [
        *("public.half_parts.half_part", "public.halves.both_null", "public.halves.one_null"),
        "public.thirds.two_of_three",
    ],
    "MP112": ["public.loving.one_sided", "public.off.off_hotel", "public.off_parts.off_part"],
}


@pytest.mark.parametrize("code", EXPECTED)
def test_what_fires_and_what_does_not(advice: Advice, code: str) -> None:
    assert found(advice, code) == EXPECTED[code]


def test_isolated_tables(advice: Advice) -> None:
    alone = found(advice, "MP109")
    assert {"public.alone", "public.bare"} < set(alone)
    assert not {"public.remote", "public.heir", "public.staff", "public.pairs", "public.parts_1"} & {*alone}


def test_a_key_that_is_switched_off_says_where_and_how_it_is_enabled(advice: Advice) -> None:
    found_ = {finding.what: finding for finding in advice.findings if finding.code == "MP112"}
    assert "do not fire on public.off_parts_2:" in found_["public.off_parts.off_part"].why
    assert "do not fire on public.loved:" in found_["public.loving.one_sided"].why
    assert found_["public.off.off_hotel"].fix == (
        "ALTER TABLE public.off ENABLE TRIGGER ALL;\nALTER TABLE public.off DISABLE TRIGGER mine;"
    )


def test_of_two_keys_that_disagree_none_is_dropped(advice: Advice) -> None:
    why = {finding.what: finding for finding in advice.findings if finding.code == "MP107"}
    assert "ON DELETE CASCADE" in why["public.doubled.hotel_checked"].why
    assert not why["public.doubled.hotel_checked"].fix
    assert "inheriting" in why["public.inheriting_1.again"].why


def test_half_a_reference_is_graver_than_none(advice: Advice) -> None:
    levels = {finding.what: finding.level for finding in advice.findings if finding.code == "MP108"}
    assert levels["public.halves.both_null"] is Level.WARNING
    assert levels["public.halves.one_null"] is Level.NOTE


def test_findings_stand_in_the_document_of_their_table(advice: Advice) -> None:
    ours = [finding for finding in advice.findings if finding.code < "MP110"]
    assert all(finding.table for finding in ours)
    assert all(finding.table.name in finding.what for finding in ours if finding.table)


COVERED = """
CREATE EXTENSION btree_gist;
CREATE TABLE hotels (id int PRIMARY KEY, name text COLLATE "C" UNIQUE);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE stays (room int, during daterange, PRIMARY KEY (room, during WITHOUT OVERLAPS));
"""

# Of each table: its key's columns, what they refer to, what else it has, and whether the key is covered.
CASES: dict[str, tuple[str, str, str, bool]] = {
    "without": ("x", "hotels", "", False),
    "plain": ("x", "hotels", "CREATE INDEX ON {t} (x)", True),
    "in_primary": ("x", "hotels", "ALTER TABLE {t} ADD PRIMARY KEY (x, y)", True),
    "second": ("x", "hotels", "CREATE INDEX ON {t} (y, x)", False),
    "leading_two": ("x, y", "pairs", "CREATE INDEX ON {t} (y, x, z)", True),
    "apart": ("x, y", "pairs", "CREATE INDEX ON {t} (x, z, y)", False),
    "half": ("x, y", "pairs", "CREATE INDEX ON {t} (x)", False),
    "expression": ("x", "hotels", "CREATE INDEX ON {t} ((x + 0))", False),
    "hash_one": ("x", "hotels", "CREATE INDEX ON {t} USING hash (x)", True),
    "hash_half": ("x, y", "pairs", "CREATE INDEX ON {t} USING hash (x)", False),
    "gist": ("x", "hotels", "CREATE INDEX ON {t} USING gist (x, y)", True),
    "brin": ("x", "hotels", "CREATE INDEX ON {t} USING brin (x)", False),
    "partial_one": ("x", "hotels", "CREATE INDEX ON {t} (x) WHERE y > 0", False),
    "not_null": ("x", "hotels", "CREATE INDEX ON {t} (x) WHERE x IS NOT NULL", True),
    "not_null_both": ("x, y", "pairs", "CREATE INDEX ON {t} (x, y) "
                      "WHERE x IS NOT NULL AND y IS NOT NULL", True),
    "not_null_other": ("x", "hotels", "CREATE INDEX ON {t} (x) WHERE y IS NOT NULL", False),
    "invalid": ("x", "hotels", "CREATE INDEX {t}_i ON {t} (x); UPDATE pg_index SET indisvalid = false "
                "WHERE indexrelid = '{t}_i'::regclass", False),
    "pattern": ("n", "hotels (name)", "CREATE INDEX ON {t} (n text_pattern_ops)", True),
    "other_collation": ("n", "hotels (name)", 'CREATE INDEX ON {t} (n COLLATE "POSIX")', False),
    "default_collation": ("n", "hotels (name)", 'CREATE INDEX ON {t} (n COLLATE "default")', False),
    "own_collation": ("n", "hotels (name)", "CREATE INDEX ON {t} (n)", True),
}  # fmt: skip

PARTITIONED = """
CREATE TABLE parted (n int, x int REFERENCES hotels) PARTITION BY LIST (n);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE each_part (n int, x int REFERENCES hotels) PARTITION BY LIST (n);
CREATE TABLE each_part_1 PARTITION OF each_part FOR VALUES IN (1) PARTITION BY LIST (x);
CREATE TABLE each_part_2 PARTITION OF each_part FOR VALUES IN (2);
CREATE TABLE each_part_1a PARTITION OF each_part_1 FOR VALUES IN (1);
CREATE INDEX ON each_part_1a (x); CREATE INDEX ON each_part_2 (x);
CREATE TABLE some_parts (n int, x int REFERENCES hotels) PARTITION BY LIST (n);
CREATE TABLE some_parts_1 PARTITION OF some_parts FOR VALUES IN (1);
CREATE TABLE some_parts_2 PARTITION OF some_parts FOR VALUES IN (2);
CREATE INDEX ON ONLY some_parts (x); CREATE INDEX ON some_parts_1 (x);
CREATE TABLE by_parent (n int, x int REFERENCES hotels) PARTITION BY LIST (n);
CREATE TABLE by_parent_1 PARTITION OF by_parent FOR VALUES IN (1);
CREATE INDEX ON by_parent (x);
CREATE TABLE during (room int, during daterange, FOREIGN KEY (room, PERIOD during) REFERENCES stays);
CREATE TABLE during_room (LIKE during, FOREIGN KEY (room, PERIOD during) REFERENCES stays);
CREATE INDEX ON during_room (room);
CREATE TABLE unenforced (x int REFERENCES hotels NOT ENFORCED);
"""


def _script(cases: dict[str, tuple[str, str, str, bool]]) -> Iterator[str]:
    for name, (columns, referenced, more, _) in cases.items():
        yield (
            f'CREATE TABLE {name} (x int, y int, z int, n text COLLATE "C", '
            f"FOREIGN KEY ({columns}) REFERENCES {referenced})"
        )
        yield more.format(t=name)


def test_which_indexes_serve_a_key(newest: Server, newest_database: Callable[[str], Address]) -> None:
    script = COVERED + ";\n".join(_script(CASES)) + ";" + PARTITIONED
    address = newest_database(script)
    advice = advice_of(address)
    uncovered = {f"public.{name} ({case[0]})" for name, case in CASES.items() if not case[3]}
    others = {"public.parted (x)", "public.some_parts (x)", "public.during (room, during)"}
    assert set(found(advice, "MP106")) == uncovered | others
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("UPDATE pg_index SET indisvalid = true WHERE NOT indisvalid")
        fix(connection, (finding for finding in advice.findings if finding.code == "MP106"))
    assert not found(advice_of(address), "MP106")


# Of those that do not serve, these the server cannot use at all; the others it reads from end to end.
USELESS = {
    "without",
    "expression",
    "partial_one",
    "not_null_other",
    "invalid",
    "collation",
    "default_collation",
}


def test_the_server_itself_uses_what_serves(
    newest: Server, newest_database: Callable[[str], Address]
) -> None:
    """With sequential scans forbidden, the question of a key's check is answered by an index, or not."""
    address = newest_database(COVERED + ";\n".join(_script(CASES)))
    by_index = set()
    with newest.connect(dbname=address.params["dbname"]) as connection:
        connection.execute("SET enable_seqscan = off")
        for name, (columns, *_) in CASES.items():
            same = " AND ".join(f"{c} = {chr(39)}1{chr(39)}" for c in columns.split(", "))
            plan = connection.execute(f"EXPLAIN SELECT FROM ONLY {name} WHERE {same}".encode()).fetchall()
            if any("Index Cond" in line for (line,) in plan):
                by_index.add(name)
    assert by_index >= {name for name, case in CASES.items() if case[3]}
    assert not by_index & USELESS


def test_an_index_that_was_never_finished(newest: Server, newest_database: Callable[[str], Address]) -> None:
    address = newest_database(
        """
        CREATE TABLE rooms (n int); INSERT INTO rooms VALUES (1), (1);
        CREATE INDEX fine ON rooms (n);
        CREATE MATERIALIZED VIEW sums AS SELECT n FROM rooms;
        CREATE INDEX sums_n_ccnew ON sums (n);
        CREATE TABLE parted (n int) PARTITION BY LIST (n);
        CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
        CREATE INDEX parted_n ON ONLY parted (n);
        UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'sums_n_ccnew'::regclass;
        """
    )
    with newest.connect(dbname=address.params["dbname"]) as connection:
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("CREATE UNIQUE INDEX CONCURRENTLY broken ON rooms (n)")
        advice = advice_of(address)
        assert found(advice, "MP105") == [
            "public.broken on public.rooms",
            "public.parted_n on public.parted",
            "public.sums_n_ccnew on public.sums",
        ]
        connection.execute("TRUNCATE rooms")
        fix(connection, (finding for finding in advice.findings if finding.code == "MP105"))
    assert found(advice_of(address), "MP105") == ["public.parted_n on public.parted"]


# What the SQL does not put right: people have to decide, or there is nothing to decide.
LEFT = {
    "MP101": EXPECTED["MP101"],
    "MP102": [],
    "MP103": [],
    "MP104": [
        *("public.bare", "public.half_parts", "public.heir", "public.inheriting"),
        *("public.maybe_null", "public.partial_only"),
    ],
    "MP107": ["public.doubled.hotel_cascades"],
    "MP108": ["public.halves.one_null"],
}


def test_the_sql_fixs(newest: Server, newest_database: Callable[[str], Address]) -> None:
    address = newest_database(SCHEMA)
    with newest.connect(dbname=address.params["dbname"]) as connection:
        fix(connection, (f for f in advice_of(address).findings if f.code < "MP105"))
        fix(connection, (f for f in advice_of(address).findings if f.code < "MP110"))
    advice = advice_of(address)
    assert {code: found(advice, code) for code in LEFT} == LEFT
