"""The queries that people run by hand: right on every version, and not deceived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.bundle.check.validation_queries import foreign_keys, row_counts, self_references
from migplan.config import Layout
from migplan.postgres.address import Address
from tests.bundle.built import Built, bundle_of, psql, run

pytestmark = pytest.mark.slow

RICH = (Path(__file__).parent / "rich.sql").read_text()
Database = Callable[..., Address]
Lines = list[tuple[str, ...]]

ODD = '"o\'Dd.schema"."t"" DROP CONSTRAINT x"'


def answers(built: Built, target: Address, question: Callable[..., str]) -> Lines:
    """The lines of all answers, as people see them when psql does not align."""
    file = built.paths.folder / "question.sql"
    file.write_text(question(built.manifest, built.catalog), encoding="utf-8")
    return [tuple(line.split("|")) for line in run(file, target, "-At").splitlines()]


def with_status(lines: Lines) -> dict[tuple[str, ...], str]:
    return {line[:-1]: line[-1] for line in lines}


@pytest.fixture
def moved(database: Database, tmp_path: Path) -> tuple[Built, Address]:
    """A bundle of nearly everything, and a target that has it."""
    built = bundle_of(database(RICH), tmp_path / "bundle")
    target = database()
    for file in built.files:
        run(file, target)
    return built, target


def test_everything_has_arrived(moved: tuple[Built, Address]) -> None:
    built, target = moved
    counts = answers(built, target, row_counts)
    assert ("foundation", "app.p", "15", "15", "ok") in counts
    assert ("foundation", "public.elder", "1", "1", "ok") in counts
    assert ("foundation", ODD, "2", "2", "ok") in counts
    assert counts[-1] == ("in all", "9 tables", "39", "39", "ok")
    keys = answers(built, target, foreign_keys)
    assert ("public.refers_p", "refers_p_p_id_fkey", "app.p", "ok") in keys
    assert (ODD, "k\" IS 'x'", ODD, "ok") in keys
    assert ("in all", "7 expected", "7 as expected", "ok") in keys
    assert keys[-1] == ("in all", "7 keys", "0", "ok")
    assert {line[-1] for line in counts + keys} == {"ok"}
    own = answers(built, target, self_references)
    assert ("app.p", "1", "14", "15", "15", "ok") in own
    assert ("app.staff", "2", "3", "5", "5", "ok") in own
    assert (ODD, "1", "1", "2", "2", "ok") in own
    assert ("app.staff", "staff_boss_fkey", "2", "1", "1", "ok") in own
    assert ("app.staff", "staff_boss_fkey", "not reached", "1", "1", "ok") in own  # it refers to itself
    assert {line[-1] for line in own} == {"ok"}


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ("UPDATE app.staff SET boss = NULL", {"0", "1", "2", "not reached"}),
        ("UPDATE app.staff SET boss = 1 WHERE id = 3", {"1", "2"}),
    ],
)
def test_links_that_were_lost_or_are_others(
    newest_database: Database, tmp_path: Path, change: str, wrong: set[str]
) -> None:
    source = newest_database(
        "CREATE SCHEMA app; CREATE TABLE app.staff (id int PRIMARY KEY, boss int REFERENCES app.staff);"
        "INSERT INTO app.staff VALUES (1, NULL), (2, 1), (3, 2), (4, 4)"
    )
    built = bundle_of(source, tmp_path / "bundle")
    psql(source, "-c", change)
    lines = answers(built, source, self_references)
    assert {line[2] for line in lines[1:] if line[-1] == "DIFFERS"} == wrong


def test_rows_that_are_missing(moved: tuple[Built, Address]) -> None:
    built, target = moved
    psql(target, "-c", "DELETE FROM public.refers_p WHERE id = 1")
    counts = answers(built, target, row_counts)
    assert ("a", "public.refers_p", "2", "1", "DIFFERS") in counts
    assert counts[-1] == ("in all", "9 tables", "39", "38", "DIFFERS")


def test_keys_that_are_missing_or_other_ones(moved: tuple[Built, Address]) -> None:
    built, target = moved
    psql(target, "-c", "ALTER TABLE public.refers_p DROP CONSTRAINT refers_p_p_id_fkey")
    psql(target, "-c", "ALTER TABLE app.staff DROP CONSTRAINT staff_a_id_fkey")
    psql(
        target,
        "-c",
        "ALTER TABLE app.staff ADD CONSTRAINT staff_a_id_fkey FOREIGN KEY (a_id) REFERENCES public.b",
    )
    psql(target, "-c", "INSERT INTO public.refers_p VALUES (9, 99)")
    psql(
        target,
        *("-c", "ALTER TABLE public.b DROP CONSTRAINT b_a_id_fkey"),
        *("-c", "ALTER TABLE public.b ADD CONSTRAINT b_a_id_fkey FOREIGN KEY (a_id) REFERENCES a NOT VALID"),
    )
    keys = answers(built, target, foreign_keys)
    found = with_status(keys)
    assert found["public.refers_p", "refers_p_p_id_fkey", "app.p"] == "MISSING"
    assert found["app.staff", "staff_a_id_fkey", "public.a"] == "DIFFERS"
    assert found["public.b", "b_a_id_fkey", "public.a"] == "NOT VALIDATED"
    assert found["in all", "7 expected", "4 as expected"] == "DIFFERS"
    assert ("public.refers_p", "refers_p_p_id_fkey", "1", "ORPHANS") in keys
    assert keys[-1] == ("in all", "7 keys", "1", "ORPHANS")


def test_orphans_that_the_source_has_too(newest_database: Database, tmp_path: Path) -> None:
    source = newest_database(
        "CREATE TABLE a (x int, y int, UNIQUE (x, y));"
        "CREATE TABLE b (x int, y int); INSERT INTO b VALUES (1, 1), (1, NULL), (NULL, NULL);"
        "ALTER TABLE b ADD CONSTRAINT simple FOREIGN KEY (x, y) REFERENCES a (x, y) NOT VALID;"
        "ALTER TABLE b ADD CONSTRAINT whole FOREIGN KEY (x, y) REFERENCES a (x, y) MATCH FULL NOT VALID;"
    )
    built = bundle_of(source, tmp_path / "bundle")
    keys = answers(built, source, foreign_keys)
    assert ("public.b", "simple", "public.a", "ok") in keys
    assert ("public.b", "simple", "1", "ORPHANS, and not validated in the source") in keys
    assert ("public.b", "whole", "2", "ORPHANS, and not validated in the source") in keys
    assert keys[-1] == ("in all", "2 keys", "3", "ORPHANS, and not validated in the source")


def test_loops_and_tables_without_their_keys_come_to_an_end(
    newest_database: Database, tmp_path: Path
) -> None:
    source = newest_database(
        "CREATE TABLE t (id int PRIMARY KEY, up int REFERENCES t);"
        "INSERT INTO t VALUES (1, NULL), (2, 1), (3, 5), (4, 3), (5, 4), (6, 5);"
        "INSERT INTO t SELECT n, CASE WHEN n > 100 THEN n - 1 END FROM generate_series(100, 139) n;"
    )
    built = bundle_of(source, tmp_path / "bundle")
    assert answers(built, source, self_references) == [
        ("public.t", "2", "44", "46", "46", "ok"),
        ("public.t", "t_up_fkey", "0", "2", "2", "ok"),
        ("public.t", "t_up_fkey", "1", "2", "2", "ok"),
        *(("public.t", "t_up_fkey", str(depth), "1", "1", "ok") for depth in range(2, 20)),
        ("public.t", "t_up_fkey", "20 to 39", "20", "20", "ok"),
        ("public.t", "t_up_fkey", "not reached", "4", "4", "ok"),
    ]
    psql(source, "-c", "ALTER TABLE t DROP CONSTRAINT t_pkey CASCADE", "-c", "INSERT INTO t VALUES (1, 1)")
    lines = answers(built, source, self_references)
    assert lines[0] == ("public.t", "2", "45", "47", "46", "DIFFERS")


def test_citext_refers_as_citext_does(newest_database: Database, tmp_path: Path) -> None:
    source = newest_database("CREATE SCHEMA ext;")
    if not psql(source, "-Atc", "SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        pytest.skip("the server has no citext")
    psql(
        source,
        *("-c", "CREATE EXTENSION citext SCHEMA ext"),
        *("-c", "CREATE TABLE t (x ext.citext PRIMARY KEY, y ext.citext REFERENCES t)"),
        *("-c", "INSERT INTO t VALUES ('a', NULL), ('b', 'A'), ('c', 'B')"),
    )
    built = bundle_of(source, tmp_path / "bundle")
    assert answers(built, source, foreign_keys)[-1] == ("in all", "1 keys", "0", "ok")
    assert answers(built, source, self_references)[-2:] == [
        ("public.t", "t_y_fkey", "2", "1", "1", "ok"),
        ("public.t", "t_y_fkey", "not reached", "0", "0", "ok"),
    ]


@pytest.mark.parametrize("question", [row_counts, foreign_keys, self_references])
def test_nothing_to_ask(newest_database: Database, tmp_path: Path, question: Callable[..., str]) -> None:
    source = newest_database("CREATE TABLE lonely ();")
    built = bundle_of(source, tmp_path / "bundle", Layout.WITH_SCHEMA, contents="schema")
    assert answers(built, source, question) == []


@pytest.mark.parametrize("question", [row_counts, foreign_keys, self_references])
def test_the_questions_change_nothing(
    newest_database: Database, tmp_path: Path, question: Callable[..., str]
) -> None:
    built = bundle_of(newest_database(RICH), tmp_path / "bundle")
    text = question(built.manifest, built.catalog)
    statements = [line for line in text.splitlines() if not line.startswith("--")]
    assert statements[0] == "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;"
    assert statements[-1] == "COMMIT;"
