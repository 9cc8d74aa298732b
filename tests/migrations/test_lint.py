"""Each rule finds its risk, leaves alone what is none, and is weighed by the size of the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.level import Level
from migplan.migrations.analysis import analyze
from migplan.migrations.lint import RULES
from tests.migrations.folders import folder

QUIET = {"ML301": "off", "ML302": "off", "ML401": "off"}

FOUND = {
    "ML101": ["ALTER TABLE t ALTER x TYPE bigint", "ALTER TABLE t ALTER x TYPE text USING x::text"],
    "ML102": [
        "ALTER TABLE t ADD x uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE t ADD x serial",
        "ALTER TABLE t ADD x int GENERATED ALWAYS AS IDENTITY",
        "ALTER TABLE t ADD x int GENERATED ALWAYS AS (y + 1) STORED",
    ],
    "ML103": ["ALTER TABLE t ADD x int NOT NULL"],
    "ML104": ["ALTER TABLE t ALTER x SET NOT NULL"],
    "ML105": ["CREATE INDEX i ON t (x)"],
    "ML106": ["ALTER TABLE t ADD FOREIGN KEY (x) REFERENCES u"],
    "ML107": ["ALTER TABLE t ADD CHECK (x > 0)"],
    "ML108": ["ALTER TABLE t ADD UNIQUE (x)", "ALTER TABLE t ADD EXCLUDE USING gist (x WITH =)"],
    "ML109": [
        "VACUUM FULL t",
        "CLUSTER t USING i",
        "REINDEX TABLE t",
        "REFRESH MATERIALIZED VIEW t",
        "ALTER TABLE t SET UNLOGGED",
    ],
    "ML110": ["DROP INDEX i"],
    "ML201": ["DROP TABLE t", "ALTER TABLE t DROP x", "TRUNCATE t", "DROP SCHEMA s CASCADE"],
    "ML202": ["ALTER TABLE t RENAME TO u", "ALTER TABLE t RENAME x TO y"],
    "ML203": ["UPDATE t SET x = 1", "DELETE FROM t"],
    "ML301": ["ALTER TABLE t ADD x int"],
    "ML302": ["CREATE POLICY p ON t"],
    "ML401": ["CREATE TABLE x ()", "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"],
    "ML402": ["BEGIN", "COMMIT"],
    "ML403": ["SELECT 1; VACUUM t"],
    "ML404": ["CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"],
    "ML405": ["CREATE INDEX CONCURRENTLY ON t (x)"],
}
HARMLESS = [
    "ALTER TABLE t ADD x int NOT NULL DEFAULT 3, ADD y timestamptz DEFAULT now()",
    "ALTER TABLE t ADD x int GENERATED ALWAYS AS (y + 1) VIRTUAL",
    "CREATE TABLE n (x int); CREATE INDEX ON n (x); ALTER TABLE n ADD y int NOT NULL, ADD UNIQUE (x)",
    "CREATE INDEX CONCURRENTLY i ON t (x)",
    "ALTER TABLE t ADD CONSTRAINT k FOREIGN KEY (x) REFERENCES u NOT VALID, ADD CHECK (x > 0) NOT VALID",
    "ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX i",
    "ALTER TABLE t ADD x int REFERENCES u",
    "UPDATE t SET x = 1 WHERE x IS NULL",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = '' AS 'SELECT 1'",
]


@pytest.mark.parametrize(("code", "sql"), [(code, sql) for code, every in FOUND.items() for sql in every])
def test_a_rule_finds_its_risk(tmp_path: Path, code: str, sql: str) -> None:
    path = folder(tmp_path, _1_a=f"\n{sql};")
    found = [each for each in analyze(path).risks if each.code == code]
    assert [(each.place, each.file) for each in found] == [("1_a.sql:2", path / "1_a.sql")]
    assert found[0].why
    assert not [each for each in analyze(path, levels={code: "off"}).risks if each.code == code]
    (other,) = [each for each in analyze(path, levels={code: Level.ERROR}).risks if each.code == code]
    assert other.level is Level.ERROR


@pytest.mark.parametrize("sql", HARMLESS)
def test_what_is_no_risk_is_left_alone(tmp_path: Path, sql: str) -> None:
    findings = analyze(folder(tmp_path, _1_a=f"{sql};"), levels=QUIET).risks  # type: ignore[arg-type]
    assert not [each.code for each in findings]


def test_every_rule_is_tested_and_its_code_its_own() -> None:
    codes = [rule.CODE for rule in RULES]
    assert codes == sorted(set(codes))
    assert set(codes) == set(FOUND)


def test_time_outs_that_are_set_are_seen(tmp_path: Path) -> None:
    sql = "SET lock_timeout = '5s';\nSET LOCAL statement_timeout = '60s';\nALTER TABLE public.t ADD x int;"
    assert not analyze(folder(tmp_path, _1_a=sql)).risks


@pytest.mark.parametrize(
    ("size", "level"),
    [(5_000, Level.NOTE), (50_000_000, Level.WARNING), (5_000_000_000, Level.ERROR), (None, Level.NOTE)],
)
def test_the_size_of_the_table_weighs(tmp_path: Path, size: int | None, level: Level) -> None:
    sizes = {"public.other": 1} | ({"public.t": size} if size is not None else {})
    path = folder(tmp_path, _1_a="CREATE INDEX i ON t (x);")
    (found,) = analyze(path, sizes=sizes, levels=QUIET).risks  # type: ignore[arg-type]
    assert (found.level, found.size, found.table) == (level, size, "public.t")
