"""Hand-written migrations that do what the target's managed host does not allow."""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan import platforms
from migplan.migrations.analysis import analyze
from tests.cli.conftest import Run

KNOWN = platforms.presets()


@pytest.mark.parametrize(
    ("sql", "platform", "act"),
    [
        ("COPY t FROM '/tmp/t.csv'", "rds", "server files"),
        ("COPY t TO PROGRAM 'cat'", "neon", "server files"),
        ("COPY t TO STDOUT", "rds", None),
        ("ALTER SYSTEM SET work_mem = '1GB'", "rds", "server settings"),
        ("ALTER DATABASE d SET work_mem = '1GB'", "rds", None),
        ("CREATE TABLESPACE fast LOCATION '/fast'", "azure", "tablespaces"),
        ("SECURITY LABEL FOR x ON TABLE t IS 'y'", "supabase", "security labels"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'l', 's'", "supabase", "functions in C"),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "supabase", None),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "heroku", "event triggers"),
        ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "supabase", None),
        ("CREATE PUBLICATION p FOR ALL TABLES", "cloudsql", "publications of all tables"),
        ("CREATE PUBLICATION p FOR TABLE t", "cloudsql", None),
        ("ALTER ROLE service_role NOBYPASSRLS", "supabase", "reserved roles"),
        ("ALTER ROLE authenticated SET statement_timeout = '5s'", "supabase", None),
        ("ALTER ROLE mine NOLOGIN", "supabase", None),
        ("DROP ROLE rds_superuser", "rds", "reserved roles"),
        ("CREATE ROLE reader", "heroku", "roles"),
        ("CREATE ROLE reader", "rds", None),
        ("CREATE SUBSCRIPTION s CONNECTION 'host=h' PUBLICATION p", "rds", "subscriptions"),
    ],
)
def test_what_a_platform_does_not_allow_is_known(
    tmp_path: Path, sql: str, platform: str, act: str | None
) -> None:
    (tmp_path / "001_it.sql").write_text(f"{sql};\n")
    found = [risk for risk in analyze(tmp_path, platform=KNOWN[platform]).risks if risk.code == "ML501"]
    assert [risk.why.partition(":")[0] for risk in found] == ([act] if act else [])
    assert all(risk.fix and KNOWN[platform].title in risk.why for risk in found)
    assert not [risk for risk in analyze(tmp_path).risks if risk.code == "ML501"]


def test_it_is_shown_for_the_platform_that_is_said(tmp_path: Path, run: Run) -> None:
    folder = tmp_path / "changes"
    folder.mkdir()
    (folder / "001_it.sql").write_text("ALTER SYSTEM SET work_mem = '1GB';\n")
    assert "ML501" not in run("analyze", str(folder)).stdout
    shown = run("analyze", str(folder), "--platform", "rds").stdout
    assert "ML501" in shown
    assert "parameter group" in shown
