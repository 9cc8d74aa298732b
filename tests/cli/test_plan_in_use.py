"""A plan's file in use: drift that matters or does not, --replan, and words that contradict it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from migplan.plan import file as plan_file
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
    CREATE TABLE audit (id int PRIMARY KEY, what text);
    INSERT INTO customers VALUES (1, 'Ana');
    INSERT INTO orders VALUES (1, 1);
"""
SETTINGS = """
source: {url: "${SHOP}"}
plan: {name: shop}
groups:
  - {name: base, tables: [customers]}
  - {name: sales, tables: [orders]}
  - {name: logs, tables: [audit]}
"""
PLAN = Path("plans/shop.yaml")


@pytest.fixture
def shop(newest: Server, nowhere: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Iterator[str]:
    name = newest.create_database(SHOP)
    monkeypatch.setenv("SHOP", newest.url(name))
    (nowhere / "migplan.yaml").write_text(SETTINGS)
    run("plan")
    yield newest.url(name)
    newest.drop_database(name)


def change(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


def manifest(folder: str = "migrations/shop") -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(folder, "manifest.json").read_text())
    return found


def test_drift_is_refused_where_it_touches_what_is_exported_and_said_where_not(shop: str, run: Run) -> None:
    change(shop, "INSERT INTO audit SELECT n, 'x' FROM generate_series(1, 1000) n; ANALYZE")
    assert run("export").stdout.startswith("Plan: plans/shop.yaml, 3 groups, no decision by hand\n")
    change(shop, "ALTER TABLE audit ADD COLUMN who text; CREATE TABLE refunds (id int PRIMARY KEY)")
    for words in ((), ("--schema-only",), ("--group", "logs"), ("--table", "audit")):
        said = run("export", "--out", "b", *words, exit_code=2).stderr
        assert "added: column who of table public.audit" in said
        assert "--replan" in said
        assert not Path("b").exists()
    for number, words in enumerate((("--group", "base"), ("--table", "customers"), ("--exclude", "audit"))):
        if words[0] == "--exclude":
            change(shop, "DROP TABLE refunds")
        said = run("export", "--out", f"b{number}", *words).stdout
        assert "drifted from plans/shop.yaml beside this: " in said
    assert {table["table"] for table in manifest("b2")["tables"]} == {"public.customers", "public.orders"}


def test_replan_keeps_decisions_writes_the_plan_and_goes_on(shop: str, run: Run) -> None:
    text = PLAN.read_text()
    at = text.index("- table: public.audit")
    text = text[:at] + text[at:].replace("strategy: copy", "strategy: schema-only", 1)
    PLAN.write_text(text.replace("reason: refers to no other table", "reason: whom we know", 1))
    change(shop, "CREATE TABLE refunds (id int PRIMARY KEY, ordered int REFERENCES orders)")
    said = run("export", "--replan").stdout
    assert said.splitlines()[0] == "Plan: plans/shop.yaml, 3 groups, 2 decisions by hand"
    assert "new: public.refunds, in group sales" in said
    plan, _ = plan_file.load(PLAN)
    ways = {table.table: table.strategy.value for table in plan.tables}
    assert ways["public.audit"] == "schema-only"
    assert {table["table"]: table["strategy"] for table in manifest()["tables"]} == ways
    assert "Planned again: nothing has changed" in run("export", "--replan").stdout
    assert PLAN.read_text().count("reason: whom we know") == 1
    run("plan", "--check")


def test_the_layout_of_the_plan_is_changed_by_replan_alone(shop: str, run: Run) -> None:
    said = run("export", "--constraints", "with-schema", exit_code=2).stderr
    assert "plans/shop.yaml is made for constraints after-data" in said
    run("export", "--constraints", "with-schema", "--replan")
    assert manifest()["constraints"] == "with-schema"
    run("export", "--replan")
    assert manifest()["constraints"] == "with-schema", "planning again keeps it"
    run("export", "--no-plan", "--constraints", "after-data", "--out", "b")
    assert manifest("b")["constraints"] == "after-data"


def test_rows_alone_go_by_the_plans_groups_into_live_constraints(shop: str, run: Run) -> None:
    run("export", "--data-only")
    assert manifest()["constraints"] == "with-schema"
    assert [file["group"] for file in manifest()["files"]] == ["base", "sales", "logs"]
    assert plan_file.load(PLAN)[0].constraints.value == "after-data"


def test_migplan_yaml_that_says_something_else_is_mentioned(shop: str, run: Run) -> None:
    settings = Path("migplan.yaml")
    settings.write_text(
        settings.read_text().replace("name: shop}", "name: shop, constraints: with-schema}")
        + "strategies: {audit: schema-only}\n"
    )
    said = run("export", "--dry-run").stdout
    assert (
        "Note: migplan.yaml says constraints with-schema, and the plan after-data; the plan decides" in said
    )
    assert "Note: migplan.yaml loads public.audit by schema-only, and the plan by copy" in said
    assert "Note:" not in run("export", "--dry-run", "--replan").stdout


def test_the_plan_of_another_database_is_not_taken_for_this_one(shop: str, newest: Server, run: Run) -> None:
    other = newest.create_database("CREATE TABLE posts (id int PRIMARY KEY)")
    try:
        said = run("export", newest.url(other), exit_code=2).stderr
        assert "plans/shop.yaml" in said
        assert "--no-plan" in said
        Path("migplan.yaml").unlink()  # whose groups are the other's
        run("export", newest.url(other), "--no-plan", "--out", "b")
    finally:
        newest.drop_database(other)


def test_documents_are_written_of_the_database_and_say_that_the_plan_has_drifted(shop: str, run: Run) -> None:
    change(shop, "CREATE TABLE refunds (id int PRIMARY KEY, ordered int REFERENCES orders)")
    before = PLAN.read_text()
    said = run("document").stdout
    assert said.startswith("Plan: plans/shop.yaml, 3 groups")
    assert "Note: plans/shop.yaml no longer fits: added: table public.refunds" in said
    assert any("public.refunds" in page.read_text() for page in Path("docs/database").glob("*.md"))
    assert PLAN.read_text() == before


def test_rows_that_refer_to_what_stays_at_home_can_be_carried(shop: str, run: Run) -> None:
    text = PLAN.read_text()
    PLAN.write_text(text.replace("strategy: copy", "strategy: schema-only", 1))
    assert "rows refer to public.customers, whose rows stay at home" in run("export", exit_code=2).stderr
    assert not Path("migrations").exists()
    run("export", "--carry-orphans")
    assert [key["rows"] for key in manifest()["carried"]] == [1]
    run("export", "--data-only", "--out", "rows")
    run("export", "--schema-only", "--out", "definitions")
