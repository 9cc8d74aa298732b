"""Rows that refer to nothing: looked for before anything is written, and carried only on record."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from migplan.bundle.manifest import load
from tests.cli.conftest import Run
from tests.export.loading import Contents, assert_same, contents, copied, export, run_with_psql
from tests.servers import Server

pytestmark = pytest.mark.slow

BROKEN = """
CREATE TABLE hotels (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE rooms (
    id int PRIMARY KEY,
    hotel_id int CONSTRAINT rooms_hotel REFERENCES hotels,
    code text CONSTRAINT rooms_code REFERENCES hotels (code) ON DELETE CASCADE DEFERRABLE,
    twin int CONSTRAINT rooms_twin REFERENCES rooms
);
INSERT INTO hotels VALUES (1, 'one'), (2, 'two');
SET session_replication_role = replica;
INSERT INTO rooms VALUES (1, 1, 'one', 2), (2, 7, 'two', NULL), (3, 8, NULL, 99), (4, NULL, 'none', 4);
"""

LAYOUTS = ["after-data", "with-schema"]


@pytest.fixture(scope="module")
def broken(newest: Server) -> Iterator[str]:
    name = newest.create_database(BROKEN)
    yield name
    newest.drop_database(name)


def test_orphans_stop_the_export(newest: Server, broken: str, bundle: Path, run: Run) -> None:
    words = ("export", "--no-plan", "--source", newest.url(broken), "--out", str(bundle))
    result = run(*words, "--check-orphans", exit_code=1)
    assert "3 foreign keys of" in result.stdout
    assert "rooms_hotel: public.rooms (hotel_id) -> public.hotels (id): 2 rows, such as 7; 8" in result.stdout
    assert "rooms_code: public.rooms (code) -> public.hotels (code): 1 row, such as none" in result.stdout
    assert "--carry-orphans" in result.stdout
    assert not bundle.exists()

    # What is said finds the rows.
    query = next(line for line in result.stdout.splitlines() if "rooms o" in line and "o.hotel_id" in line)
    with newest.connect(dbname=broken) as connection:
        assert sorted(row[0] for row in connection.execute(query)) == [2, 3]


def test_without_orphans_nothing_is_different(newest: Server, bundle: Path) -> None:
    words = ("--check-orphans", "--carry-orphans", "--data-only")
    manifest = export(newest.url(newest.demo), bundle, *words)
    assert not manifest.carried
    assert not [note for note in manifest.notes if "orphan" in note or "carried" in note]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_carried_keys_are_not_valid_and_on_record(
    newest: Server, broken: str, bundle: Path, layout: str
) -> None:
    manifest = export(newest.url(broken), bundle, "--carry-orphans", "--constraints", layout)
    assert {
        (key.key.partition(":")[0], key.rows, key.samples, key.in_source) for key in manifest.carried
    } == {
        ("rooms_hotel", 2, (("7",), ("8",)), False),
        ("rooms_code", 1, (("none",),), False),
        ("rooms_twin", 1, (("99",),), False),
    }
    assert load(bundle).carried == manifest.carried
    assert "carried as NOT VALID" in (bundle / "MIGRATION_ORDER.md").read_text()
    assert "Carried by choice" in (bundle / "validate" / "foreign-keys.sql").read_text()
    with copied(newest, bundle) as target:
        copy = contents(newest, target)
    expected = contents(newest, broken)
    assert copy.rows.count("\n") == expected.rows.count("\n")
    assert copy.schema.count(" NOT VALID;") == 3
    assert copy.schema.replace(" NOT VALID;", ";") == expected.schema


def test_rows_alone_come_into_live_keys(newest: Server, broken: str, bundle: Path) -> None:
    rows = bundle.with_name("rows")
    words = ("--carry-orphans", "--constraints", "with-schema")
    export(newest.url(broken), bundle, "--schema-only", *words)
    export(newest.url(broken), rows, "--data-only", "--carry-orphans")
    with copied(newest, bundle) as target:
        run_with_psql(rows, newest.url(target))
        with newest.connect(dbname=target) as connection:
            count = connection.execute("SELECT count(*) FROM rooms").fetchone()
            valid = connection.execute("SELECT count(*) FROM pg_constraint WHERE NOT convalidated").fetchone()
    assert (count, valid) == ((4,), (3,))


def test_a_plan_made_before_does_not_know_them(
    newest: Server, broken: str, bundle: Path, run: Run, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.yaml"
    run("plan", "--source", newest.url(broken), "--constraints", "with-schema", "--out", str(plan))
    export(newest.url(broken), bundle, str(plan), "--carry-orphans")
    with copied(newest, bundle) as target:
        assert_same(_valid(contents(newest, target)), contents(newest, broken), ordered=False)


def _valid(found: Contents) -> Contents:
    return Contents(found.schema.replace(" NOT VALID;", ";"), found.rows)


def test_keys_not_valid_in_the_source_stop_nothing(newest: Server, bundle: Path) -> None:
    source = newest.create_database(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (a int); INSERT INTO b VALUES (5);"
        "ALTER TABLE b ADD CONSTRAINT b_a FOREIGN KEY (a) REFERENCES a NOT VALID"
    )
    manifest = export(newest.url(source), bundle, "--check-orphans")
    assert [(key.rows, key.in_source) for key in manifest.carried] == [(1, True)]
    assert [note for note in manifest.notes if note.startswith("NOT VALID as in the source: b_a")]
    newest.drop_database(source)


PARTITIONED = """
CREATE TABLE hotels (id int PRIMARY KEY);
CREATE TABLE stays (hotel_id int CONSTRAINT stays_hotel REFERENCES hotels, day date) PARTITION BY RANGE (day);
CREATE TABLE stays_1 PARTITION OF stays DEFAULT;
SET session_replication_role = replica;
INSERT INTO stays VALUES (5, '2025-01-01');
"""


def test_keys_of_partitioned_tables(server: Server, bundle: Path, run: Run) -> None:
    source = server.create_database(PARTITIONED)
    words = ("export", "--no-plan", "--source", server.url(source), "--out", str(bundle), "--carry-orphans")
    if server.major < 18:
        result = run(*words, exit_code=2)
        assert "stays_hotel of public.stays cannot be carried" in result.stderr
        assert not bundle.exists()
    else:
        run(*words)
        assert load(bundle).needs_postgresql == 18
        with copied(server, bundle) as target, server.connect(dbname=target) as connection:
            assert connection.execute("SELECT count(*) FROM stays").fetchone() == (1,)
    server.drop_database(source)
