"""``migplan advise``, as people and programs use it."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from migplan.advise import RULES
from migplan.report.advice import FORMATS
from tests.cli.conftest import Run
from tests.demo import facts
from tests.servers import Server

pytestmark = pytest.mark.slow

UNCOVERED = {f"public.{table} ({column})" for table, column in facts.UNCOVERED_KEYS}


def test_findings_come_with_the_reason_and_what_fixs_them(run: Run, demo_url: str) -> None:
    text = run("advise", demo_url, "--schema", "public").stdout
    for what in UNCOVERED:
        assert f"\n  {what}\n" in text
    assert "CREATE INDEX CONCURRENTLY ON public.job_logs (tenant_id);" in text
    assert "Not judged" in text
    assert "--exposed-schema" in text


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_is_plain_text_in_a_pipe(run: Run, demo_url: str, format_: str) -> None:
    text = run("advise", demo_url, "--format", format_).stdout
    assert "MP106" in text
    assert "\x1b" not in text


def test_json_holds_what_was_ignored_and_what_was_not_judged(run: Run, demo_url: str) -> None:
    Path("migplan.yaml").write_text(
        "advise:\n  ignore:\n    - {code: MP106, object: 'public.job_logs *', reason: emptied each week}\n"
    )
    found = json.loads(run("advise", demo_url, "--schema", "public", "--format", "json").stdout)
    uncovered = {each["object"] for each in found["findings"] if each["code"] == "MP106"}
    assert uncovered == UNCOVERED - {"public.job_logs (tenant_id)"}
    assert [each["reason"] for each in found["ignored"]] == ["emptied each week"]
    assert {each["code"] for each in found["not_judged"]} >= {"MP303", "MP306"}


def test_sarif_is_what_code_scanning_takes(run: Run, demo_url: str) -> None:
    document = json.loads(run("advise", demo_url, "--format", "sarif").stdout)
    assert document["version"] == "2.1.0"
    (ran,) = document["runs"]
    rules = ran["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [module.RULE.code for module in RULES]
    assert ran["results"]
    for result in ran["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    fingerprints = [result["partialFingerprints"]["migplan/v1"] for result in ran["results"]]
    assert len(set(fingerprints)) == len(fingerprints)


def test_the_sql_runs_as_it_stands(run: Run, newest: Server) -> None:
    name = newest.create_database(
        "CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a);"
    )
    url = newest.url(name)
    try:
        run("advise", url, "--rule", "MP106", "--format", "sql", "--out", "fix.sql")
        statements = [line for line in Path("fix.sql").read_text().splitlines() if not line.startswith("--")]
        with psycopg.connect(url, autocommit=True) as connection:
            for statement in filter(None, statements):
                connection.execute(statement.encode())
        assert "no findings" in run("advise", url, "--rule", "MP106").stdout
    finally:
        newest.drop_database(name)


def test_fail_on_decides_about_the_exit_code(run: Run, demo_url: str) -> None:
    words = ("advise", demo_url, "--rule", "MP106")
    run(*words)
    run(*words, "--fail-on", "note", exit_code=1)
    run(*words, "--fail-on", "never")
    Path("migplan.yaml").write_text("advise:\n  levels: {MP106: error}\n")
    run(*words, exit_code=1)


def test_only_the_rules_that_are_asked_for_are_asked(run: Run, demo_url: str) -> None:
    found = json.loads(
        run("advise", demo_url, "--rule", "mp1*", "--format", "json", "--fail-on", "never").stdout
    )
    assert {each["code"][:3] for each in found["findings"]} == {"MP1"}
    said = run("advise", demo_url, "--rule", "MP999", exit_code=2).stderr
    assert "MP999" in said
    assert "MP106" in said


def test_a_rule_that_is_asked_for_is_heard_also_where_it_is_off(run: Run, demo_url: str) -> None:
    Path("migplan.yaml").write_text("advise:\n  levels: {MP106: off}\n")
    assert "Switched off\n  MP106\n" in run("advise", demo_url).stdout
    text = run("advise", demo_url, "--rule", "MP106").stdout
    assert "MP106" in text
    assert "Switched off" not in text


def test_a_saved_catalog_gives_the_same_advice(run: Run, demo_url: str) -> None:
    run("catalog", "--source", demo_url, "--out", "demo.json")
    live, saved = (
        json.loads(run("advise", *where, "--format", "json").stdout)
        for where in ([demo_url], ["--from", "demo.json"])
    )
    del live["read_at"], saved["read_at"]
    assert live == saved


def test_explain_shows_the_page_of_a_rule(run: Run) -> None:
    text = run("advise", "--explain", "mp106").stdout
    assert text.startswith("## MP106: foreign key without")


def test_a_database_named_twice_is_refused(run: Run) -> None:
    assert "two different databases" in run("advise", "host=a", "--source", "host=b", exit_code=2).stderr


TROUBLED = """
CREATE TABLE a (id int PRIMARY KEY, b_id int);
CREATE TABLE b (id int PRIMARY KEY, a_id int REFERENCES a, seen timestamp, payload json);
ALTER TABLE a ADD CONSTRAINT a_b FOREIGN KEY (b_id) REFERENCES b NOT VALID;
CREATE TABLE alone (x int);
CREATE INDEX b_one ON b (a_id);
CREATE INDEX b_two ON b (a_id);
"""


@pytest.mark.slow
def test_analyze_the_documents_and_the_bundle_show_the_same_findings(run: Run, newest: Server) -> None:
    name = newest.create_database(TROUBLED)
    url = newest.url(name)
    try:
        advised = json.loads(run("advise", url, "--format", "json").stdout)["findings"]
        assert len({each["code"] for each in advised}) >= 7
        analyzed = json.loads(run("analyze", "--source", url, "--format", "json").stdout)["findings"]
        assert analyzed == advised
        run("document", "--source", url, "--format", "json", "--out", "docs")
        run("document", "--source", url, "--out", "docs")
        assert json.loads(Path("docs/database.json").read_text())["advice"]["findings"] == advised
        page, bundle = (
            Path("docs/ADVISORS.md").read_text(),
            run("export", "--source", url, "--out", "moved").stdout,
        )
        order = Path("moved/MIGRATION_ORDER.md").read_text()
        for finding in advised:
            assert finding["code"] in page
            assert f"{finding['level']} {finding['code']}, {finding['title']}: " in bundle
            assert finding["code"] in order
    finally:
        newest.drop_database(name)
