"""Literals that give a secret away are shown nowhere that need not be exact, and their changes are seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from migplan.postgres.address import Address
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
OTHER = "sk_live_51H8xQ2eZvKYlo2CkQ7mTzZzq"
SCRIPT = f"""
    CREATE TABLE t (
        id int PRIMARY KEY, key text DEFAULT '{SECRET}', owner text NOT NULL,
        CONSTRAINT c CHECK (owner <> '{SECRET}')
    );
    CREATE INDEX i ON t (owner) WHERE owner <> '{SECRET}';
    ALTER TABLE t ENABLE ROW LEVEL SECURITY;
    CREATE POLICY p ON t USING (current_setting('x') = '{SECRET}' AND owner = current_setting('y'));
    CREATE POLICY q ON t USING (current_setting('x') = '{SECRET}' OR owner = current_user);
    CREATE VIEW v AS SELECT * FROM t WHERE owner = '{SECRET}';
    CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$SELECT '{SECRET}'$$;
"""


@pytest.fixture
def source(newest: Server, newest_database: Callable[[str], Address]) -> str:
    return newest.url(newest_database(SCRIPT).params["dbname"])


def test_what_is_shown_or_committed_holds_no_secret_of_a_definition(
    run: Run, nowhere: Path, source: str
) -> None:
    said = [
        run("analyze", source, "--format", shape, "--all").output
        for shape in ("tree", "levels", "json", "markdown", "mermaid", "dot")
    ]
    said += [
        run("advise", source, "--format", shape, "--fail-on", "never").output
        for shape in ("table", "json", "sarif", "sql")
    ]
    assert any("MP207" in text for text in said)
    assert any("a literal of this is not shown" in text for text in said)
    said.append(run("plan", source, "--out", "plans/p.yaml").output)
    for shape in ("markdown", "html", "json"):
        said.append(run("document", source, "--out", f"docs/{shape}", "--format", shape).output)
    said.append(run("export", source, "--out", "b").output)
    said.append((nowhere / "b" / "manifest.json").read_text())
    said.append((nowhere / "b" / "MIGRATION_ORDER.md").read_text())
    said += [
        file.read_text()
        for folder in ("plans", "docs")
        for file in (nowhere / folder).rglob("*.*")
        if file.is_file()
    ]
    assert len(said) > 20
    assert not [text for text in said if SECRET in text]
    assert SECRET in (nowhere / "b" / "catalog.json").read_text()  # it is what a target is compared with


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (f"ALTER TABLE t ALTER key SET DEFAULT '{OTHER}'", "key of table public.t"),
        (
            f"ALTER POLICY p ON t USING (current_setting('x') = '{OTHER}' AND owner = current_setting('y'))",
            "policy p",
        ),
        (f"CREATE OR REPLACE VIEW v AS SELECT * FROM t WHERE owner = '{OTHER}'", "view public.v"),
        (f"DROP INDEX i; CREATE INDEX i ON t (owner) WHERE owner <> '{OTHER}'", "index i"),
    ],
)
def test_a_plan_sees_that_a_literal_which_it_does_not_hold_has_changed(
    run: Run, source: str, change: str, what: str
) -> None:
    run("plan", source, "--out", "p.yaml")
    assert "fits" in run("plan", source, "--out", "p.yaml", "--check").stdout
    with psycopg.connect(source, autocommit=True) as connection:
        connection.execute(change)
    said = run("plan", source, "--out", "p.yaml", "--check", exit_code=1).stdout
    assert what in said
    assert SECRET not in said
    assert OTHER not in said


def test_verify_names_what_differs_without_its_secrets(run: Run, source: str, new_target: str) -> None:
    run("export", source, "--out", "b")
    run("apply", "b", new_target)
    with psycopg.connect(new_target, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE t ALTER key SET DEFAULT '{OTHER}'")
        connection.execute(f"ALTER POLICY p ON t USING (current_setting('x') = '{OTHER}')")
    for shape in ("text", "json", "markdown"):
        said = run("verify", "b", new_target, "--format", shape, exit_code=1).output
        assert "policy p" in said
        assert not [piece for piece in (SECRET[:12], OTHER[:12]) if piece in said]


def test_settings_of_the_database_are_named_and_their_values_are_not(
    run: Run, nowhere: Path, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    name = newest_database("CREATE TABLE t (id int PRIMARY KEY)").params["dbname"]
    with newest.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET app.settings.jwt_secret = '{SECRET}'".encode())
    source = newest.url(name)
    said = [
        run("export", source, "--out", "b", "--dry-run").output,
        run("export", source, "--out", "b").output,
    ]
    said += [file.read_text() for file in (nowhere / "b").rglob("*") if file.is_file()]
    assert any("app.settings.jwt_secret" in text for text in said)
    assert not [text for text in said if SECRET in text]


def test_values_of_rows_in_bounds_predicates_and_defaults_need_no_known_pattern(
    run: Run, nowhere: Path, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    source = newest.url(
        newest_database("""
            CREATE TYPE state AS ENUM ('sleeping', 'awake');
            CREATE TABLE t (
                id int, who text DEFAULT 'Zbigniew Quux', s state DEFAULT 'sleeping',
                at date DEFAULT '2024-01-01',
                kind text CHECK (kind IN ('zonked', 'floop')) DEFAULT 'zonked'
            ) PARTITION BY LIST (who);
            CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('Xenophon Vreeland', 'EUR');
            CREATE INDEX i ON t1 (id) WHERE who = 'Griselda Plonk';
            CREATE INDEX j ON t1 (id) WHERE who = 'Otto Plonk';
            CREATE INDEX k ON t1 ((who || 'Winifred Snead'));
            ALTER TABLE t1 ENABLE ROW LEVEL SECURITY;
            CREATE POLICY p ON t1 USING (who = 'Ambrose Tuttle' AND current_setting('x.floop') = 'y');
            CREATE POLICY q ON t1 USING (who = current_setting('x.floop'));
        """).params["dbname"]
    )
    said = [
        run("advise", source, "--format", shape, "--fail-on", "never").output
        for shape in ("table", "sql", "json")
    ]
    assert "MP103" not in said[0]  # two predicates that are not shown are not the same
    said += [run("plan", source, "--out", "plans/p.yaml").output]
    for shape in ("markdown", "html", "json"):
        run("document", source, "--out", f"docs/{shape}", "--format", shape)
    said += [
        file.read_text()
        for folder in ("plans", "docs")
        for file in (nowhere / folder).rglob("*.*")
        if file.is_file()
    ]
    names = (
        "Zbigniew",
        "Quux",
        "Xenophon",
        "Vreeland",
        "Griselda",
        "Plonk",
        "Winifred",
        "Snead",
        "Ambrose",
        "Tuttle",
    )
    assert not [(name, text[:80]) for text in said for name in names if name in text]
    pages = "".join(file.read_text() for file in (nowhere / "docs" / "markdown").glob("*.md"))
    for shown in ("2024-01-01", "sleeping", "EUR", "x.floop", "zonked"):
        assert shown in pages
