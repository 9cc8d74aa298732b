"""Statements that cannot be in a transaction are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.migrations.source_files import load, statements_of
from migplan.migrations.transactions import non_transactional
from migplan.sql.split import SqlFileError
from migplan.sql.statements import Parsed
from tests.migrations.folders import analysis


def statements(path: Path, sql: str) -> tuple[Parsed, ...]:
    file = path / "1_a.sql"
    file.write_text(sql)
    return tuple(statements_of(load(file).part()))


@pytest.mark.parametrize(
    ("sql", "index"),
    [
        ("CREATE INDEX CONCURRENTLY i ON s.a (x)", "index s.i"),
        ("CREATE INDEX CONCURRENTLY ON a (x, (y + 1))", "index public.a_x_expr_idx"),
        ("DROP INDEX CONCURRENTLY i", None),
        ("REINDEX TABLE CONCURRENTLY a", None),
        ("REINDEX (CONCURRENTLY) TABLE a", None),
        ("REINDEX DATABASE d", None),
        ("VACUUM a", None),
        ("ALTER SYSTEM SET work_mem = '1GB'", None),
        ("CREATE DATABASE d", None),
        ("ALTER TABLE a DETACH PARTITION b CONCURRENTLY", None),
        ("CLUSTER", None),
    ],
)
def test_what_cannot_be_in_a_transaction(tmp_path: Path, sql: str, index: str | None) -> None:
    (found,) = non_transactional(statements(tmp_path, f"SELECT 1;\n{sql};"))
    assert (found.line, found.statement) == (2, sql)
    assert (str(found.index) if found.index else None) == index


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON a (x)",
        "ANALYZE a",
        "REINDEX TABLE a",
        "CLUSTER a",
        "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    ],
)
def test_what_can_be(tmp_path: Path, sql: str) -> None:
    assert not non_transactional(statements(tmp_path, f"{sql};"))


@pytest.mark.parametrize(
    ("sql", "commits"),
    [
        ("CALL fill()", True),
        ("DO 'BEGIN COMMIT; END'", True),
        ("DO $$BEGIN CALL fill(); END$$", True),
        ("DO 'BEGIN PERFORM 1; END'", False),
        ("SELECT 1", False),
    ],
)
def test_what_may_commit_is_alone_where_no_transaction_is_wanted(
    tmp_path: Path, sql: str, commits: bool
) -> None:
    found = statements(tmp_path, f"{sql};")
    assert [each.commits for each in non_transactional(found, together=False)] == [True] * commits
    assert not non_transactional(found)


def test_a_value_of_an_enum_that_is_used_has_to_be_committed_first(tmp_path: Path) -> None:
    add = "ALTER TYPE m ADD VALUE 'best';\n"
    assert not non_transactional(statements(tmp_path, add))
    assert not non_transactional(statements(tmp_path, f"{add}INSERT INTO a VALUES ('other');"))
    (found,) = non_transactional(statements(tmp_path, f"{add}INSERT INTO a VALUES ('best');"))
    assert "line 2" in found.why
    assert not non_transactional(
        statements(tmp_path, f"CREATE TYPE m AS ENUM ();{add}INSERT INTO a VALUES ('best');")
    )


@pytest.mark.parametrize(
    "sql",
    ["ROLLBACK;", "PREPARE TRANSACTION 'x';", "COMMIT PREPARED 'x';", "ROLLBACK PREPARED 'x';", "ABORT;"],
)
def test_what_would_end_the_transaction_is_refused(tmp_path: Path, sql: str) -> None:
    with pytest.raises(SqlFileError, match="would end the transaction") as refused:
        analysis(tmp_path, _1_a=f"CREATE TABLE a ();\n{sql}\n")
    assert refused.value.line == 2


def test_its_own_frame_and_savepoints_may_stay(tmp_path: Path) -> None:
    sql = "BEGIN;\nSAVEPOINT s;\nROLLBACK TO s;\nRELEASE s;\nCOMMIT;"
    assert analysis(tmp_path, _1_a=sql).file_analyses[0].in_transaction
