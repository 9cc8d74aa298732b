"""Plans edited as people edit them: each edit is seen in the bundle, or refused with its line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from migplan.cli import main
from migplan.plan.model import Plan, PlannedCut, PlannedGroup, PlannedTable
from migplan.yamlfile import Section
from tests.cli.conftest import Run
from tests.servers import Server

pytestmark = pytest.mark.slow

SHOP = """
    CREATE TABLE customers (id int PRIMARY KEY, name text);
    CREATE TABLE orders (id serial PRIMARY KEY, customer int NOT NULL REFERENCES customers);
    CREATE TABLE lines (id int PRIMARY KEY, ordered int REFERENCES orders DEFERRABLE);
    CREATE TABLE staff (id int PRIMARY KEY, boss int REFERENCES staff, mentor int REFERENCES staff, team int);
    CREATE TABLE teams (id int PRIMARY KEY, lead int REFERENCES staff);
    ALTER TABLE staff ADD CONSTRAINT staff_team_fkey FOREIGN KEY (team) REFERENCES teams;
    CREATE TABLE audit (id bigserial PRIMARY KEY, what text);
    CREATE TABLE events (id int, day date, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
    CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
    INSERT INTO customers VALUES (1, 'Ana'), (2, 'Bea');
    INSERT INTO orders (customer) VALUES (1), (2);
    INSERT INTO lines VALUES (1, 1);
    INSERT INTO staff VALUES (1, NULL, NULL, NULL), (2, 1, 1, NULL), (3, 2, 1, NULL);
    INSERT INTO teams VALUES (1, 1);
    UPDATE staff SET team = 1 WHERE id > 1;
    INSERT INTO audit (what) SELECT 'x' FROM generate_series(1, 50);
    INSERT INTO events VALUES (1, '2024-05-05');
    ANALYZE;
"""
SETTINGS = """
plan: {name: shop, constraints: with-schema}
groups:
  - {name: base, purpose: What all need., tables: [customers]}
  - {name: sales, tables: [orders, lines]}
  - {name: people, tables: [staff, teams]}
  - {name: logs, tables: [audit, events]}
"""


@dataclass(frozen=True)
class Bundle:
    """A bundle's files, by name."""

    folder: Path

    @property
    def manifest(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "manifest.json").read_text())
        return found

    @property
    def files(self) -> list[str]:
        return [file["file"] for file in self.manifest["files"]]

    def __getitem__(self, name: str) -> str:
        return (self.folder / name).read_text()

    def table(self, name: str) -> dict[str, Any]:
        return next(each for each in self.manifest["tables"] if each["table"] == f"public.{name}")

    def tables(self, group: str) -> list[str]:
        return [each["table"][7:] for each in self.manifest["tables"] if each["group"] == group]

    @property
    def contents(self) -> dict[str, str]:
        """Every file, but for what the manifest says of the moment and the plan's own digest."""
        said = {key: value for key, value in self.manifest.items() if key not in ("origin", "plan")}
        files = (path for path in sorted(self.folder.rglob("*")) if path.is_file())
        texts = {str(path.relative_to(self.folder)): path.read_text() for path in files}
        return {**texts, "manifest.json": json.dumps(said), "MIGRATION_ORDER.md": ""}


@dataclass(frozen=True)
class Planned:
    """A database, its plan as migplan wrote it, and the bundle of that."""

    url: str
    folder: Path
    bundle: Bundle

    @property
    def text(self) -> str:
        return (self.folder / "plans" / "shop.yaml").read_text()


@pytest.fixture(scope="module")
def planned(newest: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planned]:
    folder = tmp_path_factory.mktemp("planned")
    name = newest.create_database(SHOP)
    url = newest.url(name)
    (folder / "migplan.yaml").write_text(SETTINGS)
    config = ("--config", str(folder / "migplan.yaml"))
    plan, out = folder / "plans" / "shop.yaml", folder / "shop"
    for words in (["plan", url, *config, "--out", plan], ["export", plan, url, *config, "--out", out]):
        result = CliRunner().invoke(main, [str(word) for word in words])
        assert result.exit_code == 0, result.output
    yield Planned(url, folder, Bundle(out))
    newest.drop_database(name)


Change = Callable[[str], str]
Effect = Callable[[Bundle], object]


def swap(old: str, new: str, *, count: int = 1) -> Change:
    """Replace a text that is there."""

    def change(text: str) -> str:
        assert old in text, f"{old!r} is not in the plan"
        return text.replace(old, new, count)

    return change


def block(text: str, table: str) -> str:
    """The lines of a table."""
    found = re.search(rf"      - table: public\.{table}\n(?:        .*\n)*", text)
    assert found is not None
    return found.group()


def of_table(table: str, old: str, new: str) -> Change:
    """Replace something of one table."""
    return lambda text: text.replace(block(text, table), swap(old, new)(block(text, table)))


def moved(table: str, behind: str) -> Change:
    """Cut a table out and paste it behind another."""

    def change(text: str) -> str:
        cut = block(text, table)
        text = text.replace(cut, "")
        there = block(text, behind)
        return text.replace(there, there + cut)

    return change


def without(table: str) -> Change:
    return lambda text: text.replace(block(text, table), "")


def both(*changes: Change) -> Change:
    def change(text: str) -> str:
        for each in changes:
            text = each(text)
        return text

    return change


def groups_swapped(text: str) -> str:
    """The last two groups change places."""
    head, people, logs = re.split(r"\n(?=  - name: (?:people|logs)\n)", text)
    return f"{head}\n{logs.rstrip()}\n\n{people.rstrip()}\n"


def strategy(table: str, old: str, new: str) -> Change:
    return of_table(table, f"strategy: {old}", f"strategy: {new}")


@dataclass(frozen=True)
class Edit:
    """An edit of the plan's file, and what of the bundle shows it; or what the refusal says."""

    name: str
    fields: str  # that it is about
    change: Change
    effect: Effect | None = None
    refused: str = ""
    words: tuple[str, ...] = field(default=())


KEY = 'key: "staff_team_fkey: public.staff (team) -> public.teams (id)"'
LEAD = 'key: "teams_lead_fkey: public.teams (lead) -> public.staff (id)"'

EDITS = (
    Edit(
        "a table is moved to another group",
        "group.tables",
        moved("audit", behind="customers"),
        lambda b: b.tables("base") == ["customers", "audit"] and "COPY public.audit" in b["10-data-base.sql"],
    ),
    Edit(
        "a group is renamed",
        "group.name",
        swap("name: logs", "name: journal"),
        lambda b: b.tables("journal") == ["audit", "events"],
    ),
    Edit(
        "a group gets a purpose",
        "group.purpose",
        swap("purpose: What all need.", "purpose: Before all else."),
        lambda b: all("-- Before all else." in b[f"{file}-base.sql"] for file in ("01-schema", "10-data")),
    ),
    Edit(
        "a group gets another number",
        "group.schema_file",
        swap("04-schema-logs.sql", "09-schema-logs.sql"),
        lambda b: "09-schema-logs.sql" in b.files and "04-schema-logs.sql" not in b.files,
    ),
    Edit(
        "a data file gets another name",
        "group.data_file",
        swap("13-data-logs.sql", "19-rows.sql"),
        lambda b: "19-rows.sql" in b.files and "rollback/19-rows.sql" in b.contents,
    ),
    Edit(
        "the files' names do not sort as they run",
        "group.schema_file",
        swap("04-schema-logs.sql", "00-schema-logs.sql"),
        lambda b: any("go by MIGRATION_ORDER.md" in note for note in b.manifest["notes"]),
    ),
    Edit(
        "groups change places",
        "plan.groups",
        groups_swapped,
        lambda b: b.files[2:4] == ["04-schema-logs.sql", "03-schema-people.sql"],
    ),
    Edit(
        "tables of a group change places",
        "group.tables",
        moved("audit", behind="events"),
        lambda b: (
            b["13-data-logs.sql"].index("COPY public.events") < b["13-data-logs.sql"].index("COPY public.a")
        ),
    ),
    Edit(
        "rows stay at home, with the value of their sequence",
        "table.strategy",
        strategy("audit", "copy", "schema-only"),
        lambda b: (
            b.manifest["rows"] == 10
            and "audit" not in b["validate/row-counts.sql"]
            and "public.audit_id_seq" not in json.dumps(b.manifest["sequences"])
            and b.table("audit").get("digest", "") == ""
        ),
    ),
    Edit(
        "rows of all partitions stay at home",
        "table.strategy",
        strategy("events", "copy", "schema-only"),
        lambda b: "COPY public.events" not in b["13-data-logs.sql"],
    ),
    Edit(
        "levels become one COPY",
        "table.strategy",
        strategy("staff", "levels", "copy"),
        lambda b: b["12-data-people.sql"].count("COPY public.staff ") == 1,
    ),
    Edit(
        "levels become a second pass",
        "table.strategy",
        strategy("staff", "levels", "null-then-update"),
        lambda b: "public.staff: the values that were loaded as NULL" in b["12-data-people.sql"],
    ),
    Edit(
        "a key is created later",
        "table.strategy",
        strategy("lines", "copy", "constraint-later"),
        lambda b: "ADD CONSTRAINT lines_ordered_fkey" in b["11-data-sales.sql"],
    ),
    Edit(
        "a key is deferred",
        "table.strategy",
        strategy("lines", "copy", "deferred"),
        lambda b: "SET CONSTRAINTS public.lines_ordered_fkey DEFERRED" in b["11-data-sales.sql"],
    ),
    Edit(
        "of a circle another table has to give way",
        "table.strategy",
        strategy("teams", "null-then-update", "copy"),
        lambda b: (
            b.table("staff")["strategy"] == "null-then-update" and b.tables("people") == ["staff", "teams"]
        ),
    ),
    Edit(
        "a cut is made in another way",
        "cut.how",
        swap("how: null-then-update", "how: constraint-later"),
        lambda b: "ADD CONSTRAINT teams_lead_fkey" in b["12-data-people.sql"],
    ),
    Edit(
        "the circle is cut at another key",
        "cut.key cut.table plan.breaks",
        both(swap(LEAD, KEY), swap("    table: public.teams\n", "    table: public.staff\n")),
        lambda b: b.tables("people") == ["staff", "teams"] and b.table("teams")["strategy"] == "copy",
    ),
    Edit(
        "the reason of a cut",
        "cut.reason",
        lambda text: re.sub(r"(    how: .*\n    reason: ).*", r"\1because I say so", text),
        lambda b: "because I say so" in b["MIGRATION_ORDER.md"],
    ),
    Edit(
        "the reason of a table",
        "table.reason",
        of_table("audit", "refers to no other table", "kept for the auditors"),
        lambda b: "-- public.audit, copy: kept for the auditors" in b["13-data-logs.sql"],
    ),
    Edit(
        "some keys are left to the order of rows",
        "table.keys",
        both(
            strategy("staff", "levels", "null-then-update"),
            of_table("staff", "keys: [staff_boss_fkey, staff_mentor_fkey]", "keys: [staff_boss_fkey]"),
        ),
        lambda b: re.search(r"second_pass \(id, boss(, team)?\) FROM", b["12-data-people.sql"]),
    ),
    Edit(
        "keys after the rows",
        "plan.constraints group.constraints_file",
        swap("constraints: with-schema", "constraints: after-data"),
        lambda b: "22-constraints-people.sql" in b.files and b.table("staff")["strategy"] == "copy",
    ),
    Edit(
        "a table is left out",
        "plan.selection",
        both(without("audit"), swap("\nbreaks:", "\nselection: {exclude: [audit]}\nbreaks:")),
        lambda b: b.tables("logs") == ["events"] and b.manifest["rows"] == 10,
    ),
    Edit(
        "another name",
        "plan.name",
        swap("\nname: shop", "\nname: kiosk"),
        lambda b: b.manifest["name"] == "kiosk",
    ),
    # --- what cannot be done, and says where and why
    Edit(
        "a table that is not there",
        "table.table",
        swap("public.audit", "public.audti"),
        None,
        "did you mean public.audit",
    ),
    Edit(
        "a partition",
        "table.table",
        swap("public.events", "public.events_1"),
        None,
        "loaded with their table",
    ),
    Edit("a table taken out", "group.tables", without("audit"), None, "public.audit stands in no group"),
    Edit(
        "a group before what it needs",
        "group.tables",
        moved("customers", behind="audit"),
        None,
        "before group sales",
    ),
    Edit(
        "a table before what it needs",
        "group.tables",
        moved("orders", behind="lines"),
        None,
        "stands before public.orders",
    ),
    Edit(
        "a strategy without a key",
        "table.strategy",
        strategy("audit", "copy", "levels"),
        None,
        "cannot be loaded by levels",
    ),
    Edit(
        "a parent whose rows stay",
        "table.strategy",
        strategy("customers", "copy", "schema-only"),
        None,
        "orders_customer_fkey: public.orders (customer) -> public.customers (id): 2 rows",
    ),
    Edit(
        "an unknown key",
        "table.keys",
        swap("[staff_boss_fkey,", "[staff_bos_fkey,"),
        None,
        "did you mean staff_boss_fkey",
    ),
    Edit(
        "half of the levels",
        "table.keys",
        swap("[staff_boss_fkey, ", "["),
        None,
        "every key of the table to itself",
    ),
    Edit(
        "a file of two groups",
        "group.data_file",
        swap("13-data-logs.sql", "12-data-people.sql"),
        None,
        "is the file of two",
    ),
    Edit("a way out of the folder", "plan.name", swap("\nname: shop", "\nname: ../shop"), None, "name"),
    Edit(
        "a circle left closed",
        "plan.breaks",
        lambda t: re.sub(r"breaks:\n(?:  .*\n)+", "", t, count=1),
        None,
        "cut at none",
    ),
    Edit(
        "a way that a key has not",
        "cut.how",
        swap("how: null-then-update", "how: deferred"),
        None,
        "cannot be cut by deferred",
    ),
    Edit(
        "an unknown mark",
        "table.by_hand",
        of_table("audit", "depth: 0", "depth: 0\n        by_hand: [grup]"),
        None,
        "no mark",
    ),
    Edit(
        "another fingerprint",
        "plan.catalog",
        lambda t: re.sub(r"\ncatalog: .*", "\ncatalog: abcdef", t),
        None,
        "--replan",
    ),
    Edit(
        "another format",
        "plan.migplan_plan",
        swap("migplan_plan: 1", "migplan_plan: 2"),
        None,
        "reads format 1",
    ),
    Edit(
        "a layout against the plan",
        "",
        lambda t: t,
        None,
        "asks for another layout",
        ("--constraints", "after-data"),
    ),
    Edit(
        "what nobody provides",
        "plan.provided",
        swap("\nbreaks:", "\nprovided: {schemas: [x]}\nbreaks:"),
        None,
        "no schema matches",
    ),
    Edit("what is no host", "plan.platform", swap("\nbreaks:", "\nplatform: mars\nbreaks:"), None, "mars"),
)

OBSERVATIONS = {
    "plan.database": "the database that is read is named",
    "plan.postgresql": "the server is asked",
    "plan.attributes": "the catalog beside the plan is compared",
    "plan.left_out": "told by the selection",
    "plan.rows": "counted",
    "group.rows": "counted",
    "cut.by_hand": "what planning again keeps",
    "group.by_hand": "what planning again keeps",
    "table.by_hand": "what planning again keeps",
    "table.depth": "told by the keys",
    "table.rows": "counted",
    "table.estimated": "counted",
    "table.structure": "the catalog beside the plan is compared",
}
"""What migplan only notes in a plan, and what counts in its place."""


@pytest.fixture
def edited(planned: Planned, run: Run, nowhere: Path) -> Callable[..., Any]:
    """Export by the plan with a change; the bundle, or with ``exit_code`` what was said."""
    shutil.copytree(planned.folder / "plans", nowhere / "plans")

    def export(change: Change, *words: str, exit_code: int = 0) -> Any:
        text = change(planned.text)
        Path("plans/shop.yaml").write_text(text)
        result = run("export", planned.url, "--out", "b", *words, exit_code=exit_code)
        return Bundle(nowhere / "b") if exit_code == 0 else result.stderr

    return export


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name.replace(" ", "-"))
def test_an_edit_is_in_the_bundle_or_refused(
    edit: Edit, planned: Planned, edited: Callable[..., Any]
) -> None:
    if edit.effect is not None:
        assert not edit.effect(planned.bundle), "it has to be the edit's"
        assert edit.effect(edited(edit.change, *edit.words))
    else:
        said = edited(edit.change, *edit.words, exit_code=2)
        assert edit.refused in said
        assert not Path("b").exists()


def test_what_is_only_noted_changes_nothing(planned: Planned, edited: Callable[..., Any]) -> None:
    def change(text: str) -> str:
        for name, value in (
            ("database", "elsewhere"),
            ("postgresql", "9"),
            ("attributes", "abc"),
            ("rows", "7"),
            ("depth", "9"),
            ("structure", "abcdefabcdef"),
        ):
            text = re.sub(rf"(?m)^( *){name}: .*$", rf"\g<1>{name}: {value}", text)
        text = text.replace("\nbreaks:", "\nleft_out: [all of it]\nbreaks:")
        text = text.replace("    tables:\n", "    by_hand: [name]\n    tables:\n", 1)
        return text.replace("depth: 9\n", "depth: 9\n        estimated: true\n        by_hand: [group]\n", 1)

    assert edited(change).contents == planned.bundle.contents


@pytest.mark.parametrize(
    "words",
    [
        ("--provided", "public.customers"),
        ("--provided", "public.customers", "--table", "orders", "--table", "lines"),
        ("--provided", "public.customers", "--exclude", "customers"),  # as a refusal advises
        ("--provided", "public.customers", "--exclude", "*u*"),  # the audit as well
    ],
    ids=" ".join,
)
def test_what_is_provided_since_the_plan_was_made_is_left_out(
    words: tuple[str, ...], edited: Callable[..., Any]
) -> None:
    bundle = edited(lambda text: text, *words)
    assert bundle.tables("sales") == ["orders", "lines"]
    assert bundle.tables("base") == []
    assert "*u*" not in words or "audit" not in bundle.tables("logs")
    assert [(each["in_schema"], each["name"]) for each in bundle.manifest["provided"]] == [
        ("public", "customers")
    ]


def test_every_field_of_a_plan_is_tried() -> None:
    """None may be added without a word about what an edit of it does."""
    models: dict[str, type[Section]] = {
        "plan": Plan,
        "group": PlannedGroup,
        "table": PlannedTable,
        "cut": PlannedCut,
    }
    every = {f"{name}.{each}" for name, model in models.items() for each in model.model_fields}
    tried = {each for edit in EDITS for each in edit.fields.split()}
    assert every == tried | OBSERVATIONS.keys()
