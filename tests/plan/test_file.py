"""The plan as a file, and what migplan keeps beside it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given

from migplan.catalog.fingerprint import fingerprint
from migplan.errors import FileError, YamlError
from migplan.plan import baseline
from migplan.plan import file as plan_file
from migplan.plan.baseline import Baseline
from migplan.plan.model import Plan
from migplan.yamlfile import loads
from tests.catalogs import catalog
from tests.plan.making import planned
from tests.strategies import plans

PLAN = """\
migplan_plan: 1
name: shop
database: shop
postgresql: 18
catalog: abcdefabcdef
constraints: after-data
groups:
  - name: one
    schema_file: 01-schema-one.sql
    data_file: 10-data-one.sql
    tables:
      - table: public.a
        depth: 0
        strategy: copy
  - name: two
    schema_file: 02-schema-two.sql
    data_file: 11-data-two.sql
    tables:
      - table: public.b
        depth: 1
        strategy: copy
"""


@given(plans())
def test_a_plan_comes_back_from_its_file_as_it_was(plan: Plan) -> None:
    text = plan_file.dumps(plan)
    again, _ = loads(text, Path("plan.yaml"), Plan)
    assert again == plan
    assert plan_file.dumps(again) == text


@given(plans())
def test_any_reader_of_yaml_reads_the_same(plan: Plan) -> None:
    said = yaml.safe_load(plan_file.dumps(plan))
    assert said["name"] == plan.name
    assert [group["name"] for group in said["groups"]] == [group.name for group in plan.groups]
    assert [table["table"] for group in said["groups"] for table in group.get("tables") or ()] == [
        table.table for table in plan.tables
    ]


def test_the_file_explains_itself_and_says_each_reason() -> None:
    text = plan_file.dumps(planned({"a": [], "b": ["a"]}, live=True))
    assert text.startswith("# How shop will be moved: 2 tables in 1 group, 20 rows expected.\n")
    assert 'reason: "what it refers to is loaded before it: public.a"' in text


def test_a_name_with_a_line_in_it_does_not_leave_the_comment() -> None:
    plan = planned({"a": []}).model_copy(update={"database": "shop\ngroups: []\u2028x: 1"})
    assert yaml.safe_load(plan_file.dumps(plan))["database"] == plan.database
    assert plan_file.dumps(plan).splitlines()[0].startswith("# How shop groups: [] x: 1 will be moved")


def refused(tmp_path: Path, old: str, new: str) -> YamlError:
    assert old in PLAN
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN.replace(old, new, 1))
    with pytest.raises(YamlError) as error:
        plan_file.load(file)
    return error.value


def test_the_sample_is_a_plan(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN)
    plan, _ = plan_file.load(tmp_path / "plan.yaml")
    assert plan.group_of == {"public.a": "one", "public.b": "two"}


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "what", "do"),
    [
        ("depth: 0", "depth: [0", 14, 17, "expected ',' or ']'", ""),
        ("depth: 0", "depth: 0\n        depth: 1", 14, 9, "'depth' stands here a second time", ""),
        ("strategy: copy", "strategi: copy", 14, 9, "'strategi' is not known here", "did you mean strategy?"),
        ("strategy: copy", "strategy: quick", 14, 9, "groups.0.tables.0.strategy: Input should be", ""),
        ("depth: 0", "depth: deep", 13, 9, "groups.0.tables.0.depth: Input should be a valid integer", ""),
        ("name: two", "name: Two!", 15, 5, "groups.1.name: String should match", ""),
        ("table: public.a", "table: 5", 12, 9, "groups.0.tables.0.table must be text", "put it in quotes"),
        ("data_file: 10-data-one.sql", "data_file: ../10.sql", 10, 5, "groups.0.data_file: ", ""),
        ("        strategy: copy\n", "", 12, 9, "groups.0.tables.0.strategy is missing", ""),
        ("database: shop\n", "", 1, 1, "database is missing", ""),
        ("public.b", "public.a", 19, 9, "public.a is in two groups: one and two", "leave it in one place"),
        ("name: two", "name: one", 15, 5, "there are two groups called one", ""),
        ("11-data-two", "01-schema-one", 17, 5, "01-schema-one.sql is the file of two: one and two", "every"),
        ("migplan_plan: 1", "migplan_plan: 9\nnew: 1", 1, 1, "migplan_plan: this plan has format 9", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, line: int, column: int, what: str, do: str
) -> None:
    error = refused(tmp_path, old, new)
    assert what in error.what
    assert (error.line, error.column) == (line, column)
    assert error.do.startswith(do)


def test_a_table_that_stands_twice_in_a_group_is_refused(tmp_path: Path) -> None:
    twice = "        strategy: copy\n      - table: public.a\n        depth: 0\n        strategy: copy\n"
    error = refused(tmp_path, "        strategy: copy\n", twice)
    assert error.what == "public.a stands twice in group one"
    assert error.line == 15


def test_a_group_without_tables_may_stand_there_for_a_while(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(PLAN[: PLAN.index("      - table: public.b")])
    plan, _ = plan_file.load(file)
    assert plan.groups[1].tables == ()


def test_a_plan_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        plan_file.load(tmp_path / "no.yaml")
    assert error.value.do.startswith("make one with: migplan plan --out")


def test_what_was_seen_comes_back_without_what_was_merely_observed(tmp_path: Path) -> None:
    found = catalog({"a": [], 'Odd "name"': ["a?"]})
    written = Baseline(found, planned(found))
    baseline.save(written, tmp_path / "plan.yaml")
    first = (tmp_path / "plan.seen.json").read_text()
    again = baseline.load(tmp_path / "plan.yaml")
    assert again is not None
    assert again.proposal == written.proposal
    assert fingerprint(again.catalog) == fingerprint(found)
    later = replace(found, server=replace(found.server, read_at="2026-01-01", address="elsewhere"))
    baseline.save(Baseline(later, written.proposal), tmp_path / "plan.yaml")
    assert (tmp_path / "plan.seen.json").read_text() == first


def test_nothing_seen_is_nothing(tmp_path: Path) -> None:
    assert baseline.load(tmp_path / "plan.yaml") is None


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("", "Expecting value"),
        ("[]", "it holds something else"),
        ("{}", "it has another format"),
        ('{"migplan_seen": 1}', "proposal is missing"),
        ('{"migplan_seen": 1, "proposal": {}}', "validation errors for Plan"),
        ("\x00\xff", "not UTF-8"),
    ],
)
def test_a_damaged_file_is_refused_by_name(tmp_path: Path, content: str, what: str) -> None:
    (tmp_path / "plan.seen.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(FileError, match="is not what migplan left beside the plan") as error:
        baseline.load(tmp_path / "plan.yaml")
    assert what in error.value.what
    assert "version control" in error.value.do


def test_a_file_without_its_catalog_is_refused_by_name(tmp_path: Path) -> None:
    found = catalog({"a": []})
    baseline.save(Baseline(found, planned(found)), tmp_path / "plan.yaml")
    content = json.loads((tmp_path / "plan.seen.json").read_text())
    for broken in ({**content, "catalog": {}}, {key: content[key] for key in content if key != "catalog"}):
        (tmp_path / "plan.seen.json").write_text(json.dumps(broken))
        with pytest.raises(FileError, match="is not what migplan left beside the plan"):
            baseline.load(tmp_path / "plan.yaml")
