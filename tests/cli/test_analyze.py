"""``migplan analyze``, as people and programs use it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from migplan.catalog.counts import Exactness
from migplan.graph import build
from migplan.pipeline.analyze import read_catalog
from migplan.postgres.address import Address
from migplan.report.analysis import FORMATS
from migplan.report.tree import tree
from tests.catalogs import catalog
from tests.cli.conftest import Run
from tests.demo import facts
from tests.servers import Server


def test_the_tree_shows_each_table_of_the_demo_once_in_full(run: Run, demo_url: str) -> None:
    text = run("analyze", "--source", demo_url, "--schema", "public").stdout
    tree = text.partition("\n\n")[2].partition("\nLongest chain")[0]
    for table, rows in facts.ROWS.items():
        assert len(re.findall(rf"(?:^|─ ){table} +{rows:,}(?:  |$)", tree, re.MULTILINE)) == 1, table
    assert "38 tables, 46 foreign keys, 6,943 rows" in text
    assert "calendar_events" in re.search(r".*↻ merged_into_id.*", tree).group()  # type: ignore[union-attr]


def test_what_the_selection_leaves_out_is_said(run: Run, demo_url: str) -> None:
    text = run("analyze", "--source", demo_url, "--schema", "public").stdout
    assert "left out: schema hotels: all 4 tables" in text
    assert "2 keys from outside lead into it" in text


def test_a_chain_of_keys_is_shown_as_deep_as_anybody_can_read() -> None:
    graph = build(catalog({f"t{n:04}": [f"t{n - 1:04}"] if n else [] for n in range(2000)}))
    for lines in (tree(graph, whole=True), tree(graph, depth=1500)):
        assert lines[-1].text == "… 1,899 tables below"


def test_keys_that_lead_out_of_the_selection_are_said(run: Run, demo_url: str) -> None:
    text = run("analyze", "--source", demo_url, "--table", "public.chat_messages").stdout
    assert "-> public.guest_conversations (id) leads out of it" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_plain_text_in_a_pipe(run: Run, demo_url: str, format_: str) -> None:
    text = run("analyze", "--source", demo_url, "--format", format_).stdout
    assert "tenant_registry" in text
    assert "\x1b" not in text
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_json_holds_everything(run: Run, demo_url: str) -> None:
    found = json.loads(run("analyze", "--source", demo_url, "--schema", "public", "--format", "json").stdout)
    assert found["counts"]["tables"] == facts.TABLES
    assert found["counts"]["foreign_keys"] == facts.FOREIGN_KEYS
    assert found["counts"]["rows"] == facts.TOTAL_ROWS
    assert found["longest_chain"] == [f"public.{name}" for name in facts.DEEPEST_CHAIN]
    depths = {table["table"].removeprefix("public."): table["depth"] for table in found["tables"]}
    assert depths == facts.DEPTHS
    uncovered = {finding["object"] for finding in found["findings"] if finding["code"] == "MP106"}
    assert uncovered == {f"public.{table} ({column})" for table, column in facts.UNCOVERED_KEYS}


@pytest.mark.slow
def test_a_saved_catalog_gives_the_same_analysis(run: Run, demo_url: str) -> None:
    run("catalog", "--source", demo_url, "--out", "demo.json")
    for format_ in FORMATS:
        live = run("analyze", "--source", demo_url, "--format", format_).stdout
        saved = run("analyze", "--from", "demo.json", "--format", format_).stdout
        moment = re.compile(r'"read_at": "[^"]*"')
        assert moment.sub("", saved) == moment.sub("", live)


def test_depth_cuts_the_tree_and_says_so(run: Run, demo_url: str) -> None:
    text = run("analyze", "--source", demo_url, "--schema", "public", "--depth", "1").stdout
    tree = text.partition("\nLongest chain")[0]
    assert "accommodation_units  " not in tree
    assert re.search(r"└─ … \d+ tables below", tree)


def test_orphans_are_counted_on_request_with_samples_and_exit_code_1(
    run: Run, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    address = newest_database("""
        CREATE TABLE hotels (id int PRIMARY KEY);
        CREATE TABLE rooms (id int, hotel int);
        INSERT INTO hotels VALUES (1);
        INSERT INTO rooms VALUES (1, 1), (2, 77), (3, NULL), (4, 78);
        ALTER TABLE rooms ADD CONSTRAINT rooms_hotel FOREIGN KEY (hotel) REFERENCES hotels NOT VALID;
    """)
    url = newest.url(address.params["dbname"])
    text = run("analyze", "--source", url, "--check-orphans", exit_code=1).stdout
    assert (
        "rooms_hotel: public.rooms (hotel) -> public.hotels (id): 2 rows refer to nothing, such as 7" in text
    )
    assert "NOT VALID" in text
    assert "Orphans" not in run("analyze", "--source", url).stdout


def test_no_orphans_is_said_and_exit_code_0(run: Run, demo_url: str) -> None:
    text = run("analyze", "--source", demo_url, "--schema", "public", "--check-orphans").stdout
    assert "none: every row of 46 foreign keys refers to a row that is there" in text


def test_cycles_are_explained_with_each_key(
    run: Run, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    address = newest_database("""
        CREATE TABLE people (id int PRIMARY KEY, home int);
        CREATE TABLE houses (id int PRIMARY KEY, owner int NOT NULL REFERENCES people);
        ALTER TABLE people ADD CONSTRAINT people_home FOREIGN KEY (home) REFERENCES houses;
        CREATE TABLE pets (id int PRIMARY KEY, keeper int REFERENCES people);
    """)
    text = run("analyze", "--source", newest.url(address.params["dbname"])).stdout
    assert re.search(r"houses +0 +⟲ cycle 1", text)
    assert "houses -> people -> houses" in text
    assert "people_home: public.people (home) -> public.houses (id)" in text
    assert "houses_owner_fkey: public.houses (owner) -> public.people (id)" in text


@pytest.mark.slow
def test_a_thousand_tables_read_like_forty(
    run: Run, newest: Server, newest_database: Callable[[str], Address]
) -> None:
    tables = "".join(
        f"CREATE TABLE t{i} (id int PRIMARY KEY, parent int {f'REFERENCES t{i // 3}' if i else ''});"
        for i in range(1000)
    )
    address = newest_database(tables)
    catalog = read_catalog(address, Exactness.ESTIMATE)
    assert len(catalog.tables) == 1000
    url = newest.url(address.params["dbname"])
    folded = run("analyze", "--source", url).stdout
    assert len(folded.splitlines()) < 160
    assert "more tables" in folded
    tree = folded.partition("\nLongest chain")[0]
    shown = len(re.findall(r"^(?:[│ ]*[├└]─ )?t\d+  ", tree, re.MULTILINE))
    below = sum(int(n.replace(",", "")) for n in re.findall(r"… ([\d,]+) tables? below", tree))
    more = re.findall(r"… ([\d,]+) more tables?(?: and ([\d,]+) tables? below)?", tree)
    hidden = below + sum(int(a.replace(",", "")) + int((b or "0").replace(",", "")) for a, b in more)
    assert shown + hidden == 1000, "every table is shown or counted"
    whole = run("analyze", "--source", url, "--all").stdout
    assert len(re.findall(r"^(?:[│ ]*[├└]─ )?t\d+  ", whole, re.MULTILINE)) == 1000


@pytest.mark.slow
def test_it_stops_quietly_when_nobody_reads_on(demo_url: str, nowhere: Path) -> None:
    command = f'"{sys.executable}" -m migplan analyze --source "{demo_url}" --format json | head -1'
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, timeout=60)
    assert ran.stdout == "{\n"
    assert ran.stderr == ""


def test_the_environment_of_libpq_is_enough(
    run: Run, newest: Server, demo_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for parameter, value in newest.address(newest.demo).params.items():
        names = {"dbname": "PGDATABASE", "sslmode": "PGSSLMODE"}
        monkeypatch.setenv(names.get(parameter, f"PG{parameter.upper()}"), value)
    assert "42 tables" in run("analyze").stdout


def test_a_service_file_is_enough(
    run: Run, newest: Server, demo_url: str, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f"{key}={value}" for key, value in newest.address(newest.demo).params.items()]
    (nowhere / "services").write_text("[shop]\n" + "\n".join(lines) + "\n")
    monkeypatch.setenv("PGSERVICEFILE", str(nowhere / "services"))
    assert "42 tables" in run("analyze", "--source", "service=shop").stdout
