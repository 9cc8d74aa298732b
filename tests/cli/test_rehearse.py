"""Rehearsals, the receipts that they leave, and the protected targets that ask for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from migplan.run.bundle import receipt
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
CREATE INDEX ON orders (customer);
INSERT INTO customers SELECT n, 'c' || n FROM generate_series(1, 40) n;
INSERT INTO orders SELECT n, 1 + n % 40 FROM generate_series(1, 200) n;
"""
BUNDLE = "migrations/migration"


@pytest.fixture
def shop(newest: Server, nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """A source, and an empty target that migplan.yaml protects."""
    source, target = newest.create_database(SHOP), newest.create_database()
    monkeypatch.setenv("SHOP", newest.url(source))
    monkeypatch.setenv("PRODUCTION", newest.url(target))
    (nowhere / "migplan.yaml").write_text(
        "source: {url: '${SHOP}'}\ntargets: {production: {url: '${PRODUCTION}', protected: true}}\n"
    )
    try:
        yield newest.url(source), newest.url(target)
    finally:
        newest.drop_database(source)
        newest.drop_database(target)


def test_a_rehearsal_goes_there_and_back_and_there_again(shop: tuple[str, str], run: Run) -> None:
    said = run("rehearse").stdout
    stages = [line.split()[0] for line in said.splitlines() if line.startswith("  ") and " s  " in line]
    assert stages[:5] == ["export", "apply", "verify", "rollback", "compare"]
    assert "apply again" in said
    assert "the target is as it was before" in said
    assert "240 rows" in said
    (file,) = Path(f"{BUNDLE}.receipts").glob("*.json")
    left = receipt.Receipt.model_validate_json(file.read_bytes())
    assert (left.rows, left.tables_by_content, left.tables_by_count) == (240, 2, 0)
    assert sum(step.rows for step in left.steps) == 240


def test_a_target_of_ones_own_is_left_with_the_second_apply(
    shop: tuple[str, str], newest: Server, run: Run
) -> None:
    target = newest.create_database()
    try:
        run("rehearse", "--target", newest.url(target))
        with newest.connect(dbname=target) as connection:
            assert connection.execute("SELECT count(*) FROM orders").fetchone() == (200,)
            kinds = connection.execute("SELECT kind, state FROM migplan.run ORDER BY run").fetchall()
        assert kinds == [("apply", "undone"), ("rollback", "done"), ("apply", "done")]
    finally:
        newest.drop_database(target)


def test_a_plan_that_does_not_fit_ends_the_rehearsal(shop: tuple[str, str], newest: Server, run: Run) -> None:
    run("plan", "--out", "plan.yaml")
    with psycopg.connect(shop[0]) as connection:
        connection.execute("ALTER TABLE orders ADD COLUMN note text")
    said = run("rehearse", "plan.yaml", exit_code=1).stdout
    assert "NO: plan.yaml no longer fits" in said
    assert not Path("migrations").exists()


def test_a_protected_target_wants_a_rehearsal_and_its_name(shop: tuple[str, str], run: Run) -> None:
    run("export")
    refused = run("apply", "--target", "production", exit_code=2).stderr
    assert "production is protected, and no receipt" in refused
    assert "--without-rehearsal" in refused
    assert "is protected" in run("apply", "--target", shop[1], exit_code=2).stderr, "by its URL, too"
    run("rehearse", "--force")
    assert "--confirm production" in run("apply", "--target", "production", exit_code=2).stderr
    wrong = run("apply", "--target", "production", "--confirm", "staging", exit_code=2)
    assert "'staging' is not 'production'" in wrong.stderr
    run("apply", "--target", "production", "--confirm", "production")
    status = json.loads(run("status", "--target", "production", "--format", "json").stdout)
    assert status["runs"][0]["rehearsal"].startswith("rehearsed on scratch")
    run("verify", "--target", "production")


def test_going_without_a_rehearsal_is_said_and_journaled(shop: tuple[str, str], run: Run) -> None:
    run("export")
    words = ("apply", "--target", "production", "--confirm", "production", "--without-rehearsal")
    assert "without a rehearsal" in run(*words).stderr
    status = json.loads(run("status", "--target", "production", "--format", "json").stdout)
    assert "--without-rehearsal" in status["runs"][0]["rehearsal"]


def test_a_receipt_of_the_target_itself_proves_nothing(shop: tuple[str, str], run: Run) -> None:
    run("export")
    run("apply", "--target", "production", "--confirm", "production", "--without-rehearsal")
    assert "Receipt: " in run("verify", "--target", "production").stdout
    assert "no receipt" in run("apply", "--target", "production", exit_code=2).stderr


def test_a_receipt_of_another_bundle_proves_nothing(shop: tuple[str, str], run: Run) -> None:
    run("rehearse")
    run("export", "--constraints", "with-schema", "--force")
    assert "no receipt" in run("apply", "--target", "production", exit_code=2).stderr


def test_a_rehearsal_does_not_touch_a_protected_target(shop: tuple[str, str], run: Run) -> None:
    assert "is protected" in run("rehearse", "--target", "production", exit_code=2).stderr


def test_no_password_gets_into_a_receipt(shop: tuple[str, str], newest: Server, run: Run) -> None:
    run("export")
    with newest.superuser("hush-hush") as name:
        target = newest.create_database()
        try:
            url = newest.url(target, user=name, password="hush-hush")
            run("apply", "--target", url)
            run("verify", "--target", url)
        finally:
            newest.drop_database(target)
    (file,) = Path(f"{BUNDLE}.receipts").iterdir()
    assert "hush" not in file.name + file.read_text()
