"""``migplan plan`` and its neighbours, from the first configuration to drift."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan import demo
from migplan.plan import file as plan_file
from migplan.postgres.address import Address
from tests.cli.conftest import Run
from tests.demo import facts
from tests.servers import Server

SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL REFERENCES customers);
    CREATE TABLE order_lines (id int PRIMARY KEY, ordered int NOT NULL REFERENCES orders);
    CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff);
    CREATE TABLE shifts (id int PRIMARY KEY, worker int REFERENCES staff);
    CREATE TABLE countries (code text PRIMARY KEY);
    INSERT INTO customers VALUES (1, 'Ana');
"""


@pytest.fixture
def shop(newest: Server, newest_database: Callable[[str], Address], monkeypatch: pytest.MonkeyPatch) -> str:
    name = newest_database(SHOP).params["dbname"]
    monkeypatch.setenv("SOURCE_URL", newest.url(name))
    return name


def test_a_url_is_all_it_takes(run: Run, demo_url: str) -> None:
    text = run("plan", "--source", demo_url, "--out", "plan.yaml").stdout
    assert "42 tables" in text
    assert "Written to plan.yaml" in text
    plan, _ = plan_file.load(Path("plan.yaml"))
    assert len(list(plan.tables)) == 42
    assert plan.name == "plan"


def test_a_dash_prints_the_plan_and_writes_nothing(run: Run, demo_url: str, nowhere: Path) -> None:
    text = run("plan", "--source", demo_url, "--out", "-").stdout
    assert text.startswith("# How ")
    assert "migplan_plan: 1" in text
    assert not [file for file in nowhere.iterdir() if file.name != "home"]


def test_the_demo_is_planned_as_its_documents_number_it(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUVA_URL", demo_url)
    Path("migplan.yaml").write_text(demo.settings())
    run("plan")
    plan, _ = plan_file.load(Path("plans/muva.yaml"))
    assert [group.schema_file[:2] for group in plan.groups] == ["01", "02", "03", "04", "06"]
    assert [group.data_file[:2] for group in plan.groups] == ["10", "11", "12", "13", "15"]
    assert plan.rows == facts.TOTAL_ROWS
    strategies = {table.table: table.strategy.value for table in plan.tables}
    assert [name for name, way in strategies.items() if way != "copy"] == [
        "public.staff_users",
        "public.calendar_events",
    ]


def test_the_documents_own_grouping_is_refused_with_each_key(
    run: Run, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MUVA_URL", demo_url)
    Path("migplan.yaml").write_text(demo.settings_as_documented())
    said = run("plan", exit_code=2).stderr
    assert "accommodation_units_hotel_fkey" in said
    assert "needs group operations before group catalog" in said
    assert "foundation, operations, catalog, reservations, integrations" in said
    assert "move public.hotels from operations to catalog" in said
    assert not Path("plans").exists()
    run("plan", "--reorder")
    plan, _ = plan_file.load(Path("plans/muva.yaml"))
    assert [group.name for group in plan.groups][:3] == ["foundation", "operations", "catalog"]
    assert [group.schema_file[:2] for group in plan.groups] == ["01", "02", "03", "04", "06"]


def test_from_init_to_a_plan_that_fits(run: Run, shop: str) -> None:
    run("init", "--name", "shop")
    assert "6 tables" in run("analyze").stdout
    assert "6 tables" in run("plan").stdout
    assert "fits" in run("plan", "--check").stdout


def test_init_with_a_source_lists_its_schemas_and_keeps_passwords_out(run: Run, demo_url: str) -> None:
    run("init", "--source", demo_url)
    text = Path("migplan.yaml").read_text()
    assert "- hotels" in text
    assert "- public" in text
    assert "://postgres" not in text
    said = run("init", exit_code=2).stderr
    assert "--force" in said
    run("init", "--force")


@pytest.mark.slow
def test_what_people_set_stays_and_planning_twice_changes_nothing(run: Run, shop: str) -> None:
    run("plan", "--source", "${SOURCE_URL}".replace("${SOURCE_URL}", _url()), "--out", "p.yaml")
    first = Path("p.yaml").read_text()
    Path("p.yaml").write_text(first.replace("strategy: copy", "strategy: schema-only", 1))
    said = run("plan", "--source", _url(), "--out", "p.yaml").stdout
    assert "kept:" in said
    again = Path("p.yaml").read_text()
    assert "by_hand: [strategy]" in again
    assert "nothing" in run("plan", "--source", _url(), "--out", "p.yaml").stdout
    assert Path("p.yaml").read_text() == again
    run("plan", "--source", _url(), "--out", "p.yaml", "--fresh")
    assert Path("p.yaml").read_text() == first


@pytest.mark.slow
def test_drift_is_named_with_exit_code_1(run: Run, shop: str, newest: Server) -> None:
    run("plan", "--source", _url(), "--out", "p.yaml")
    with newest.connect(dbname=shop) as connection:
        connection.execute("ALTER TABLE orders ADD COLUMN note text")
        connection.execute("DROP TABLE shifts")
    said = run("plan", "--source", _url(), "--out", "p.yaml", "--check", exit_code=1).stdout
    assert "added: column note of table public.orders" in said
    assert "dropped: table public.shifts" in said
    Path("p.seen.json").unlink()
    said = run("plan", "--source", _url(), "--out", "p.yaml", "--check", exit_code=1).stdout
    assert "changed: table public.orders" in said
    said = run("plan", "--source", _url(), "--out", "p.yaml").stdout
    assert "gone: public.shifts" in said
    assert "fits" in run("plan", "--source", _url(), "--out", "p.yaml", "--check").stdout


def test_rows_that_come_and_go_are_no_drift(run: Run, shop: str, newest: Server) -> None:
    run("plan", "--source", _url(), "--out", "p.yaml")
    with newest.connect(dbname=shop) as connection:
        connection.execute("INSERT INTO customers SELECT n, 'n' FROM generate_series(2, 50) n")
    assert "fits" in run("plan", "--source", _url(), "--out", "p.yaml", "--check").stdout


def test_a_plan_without_a_database(run: Run, shop: str) -> None:
    run("catalog", "--source", _url(), "--out", "c.json")
    run("plan", "--source", _url(), "--out", "live.yaml")
    run("plan", "--from", "c.json", "--out", "live2.yaml")
    live = Path("live.yaml").read_text()
    assert Path("live2.yaml").read_text() == live.replace("name: live\n", "name: live2\n")


def test_schemas_for_editors_are_printed(run: Run) -> None:
    assert '"$defs"' in run("schema", "config").stdout
    assert '"groups"' in run("schema", "plan").stdout


def _url() -> str:
    import os  # noqa: PLC0415

    return os.environ["SOURCE_URL"]


def test_planning_again_changes_only_what_it_has_to(run: Run, shop: str, newest: Server) -> None:
    """The layout, the selection and every place stay; what is new, gone or renamed is said."""
    Path("migplan.yaml").write_text("source:\n  url: ${SOURCE_URL}\nplan:\n  name: shop\n")
    run("plan", "--constraints", "with-schema", "--exclude", "countries")
    file = Path("plans/shop.yaml")
    first = file.read_text()
    assert "nothing" in run("plan").stdout
    assert file.read_text() == first
    with newest.connect(dbname=shop) as connection:
        connection.execute("ALTER TABLE staff RENAME TO people")
        connection.execute("CREATE TABLE badges (id int PRIMARY KEY, worn_by int REFERENCES people)")
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    checked = run("plan", "--check", exit_code=1).stdout
    assert "renamed: public.staff is public.people now" in checked
    assert "added: publication everything" in checked
    said = run("plan").stdout
    assert "renamed: public.staff is public.people now" in said
    assert "new: public.badges, in group all, beside public.people" in said
    assert "added: publication everything" in said
    assert "moved" not in said
    assert "public.staff " not in file.read_text()
    assert "fits" in run("plan", "--check").stdout
    plan, _ = plan_file.load(file)
    assert plan.constraints.value == "with-schema"
    assert plan.selection.exclude == ("countries",)
    # What is edited in migplan.yaml since counts more than the file, and is said.
    Path("migplan.yaml").write_text(
        "source:\n  url: ${SOURCE_URL}\nplan:\n  name: shop\nselection:\n  exclude: [badges]\n"
    )
    said = run("plan").stdout
    assert "selection: exclude badges instead of exclude countries" in said
    assert "layout" not in said
    assert "layout: constraints after-data" in run("plan", "--constraints", "after-data").stdout


def test_a_plan_of_an_earlier_migplan_says_what_it_cannot_compare(
    run: Run, shop: str, newest: Server
) -> None:
    run("plan", "--source", _url(), "--out", "p.yaml")
    lines = [line for line in Path("p.yaml").read_text().splitlines() if not line.startswith("attributes:")]
    Path("p.yaml").write_text("\n".join(lines) + "\n")
    seen = json.loads(Path("p.seen.json").read_text())
    for added in ("attributes", "configured"):
        del seen[added]
    Path("p.seen.json").write_text(json.dumps(seen))
    with newest.connect(dbname=shop) as connection:
        connection.execute("CREATE PUBLICATION everything FOR ALL TABLES")
    said = run("plan", "--source", _url(), "--out", "p.yaml", "--check").stdout
    assert "fits" in said
    assert "not compared: storage, publications" in said
    run("plan", "--source", _url(), "--out", "p.yaml")
    assert "not compared" not in run("plan", "--source", _url(), "--out", "p.yaml", "--check").stdout
