"""Each rule sees its risk, leaves alone what is none, and is weighed by the size of the table.

The cases are folders, ``lint_cases/RULE/CASE``: ``migration.sql``, and ``expected.txt`` with a line for each
risk that lint sees in it, ``LINE:CODE:STATEMENT``. To add one, write ``migration.sql``, run pytest with
``--update-golden``, and read what it wrote.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from migplan.level import Level
from migplan.migrations.analysis import analyze
from migplan.migrations.lint import RULES, Risk, Rule
from tests.migrations.folders import folder

CASES = Path(__file__).with_name("lint_cases")
OF_PLATFORMS = {"ML501"}
"""They find nothing unless a platform is said; their cases stand with the platforms."""

QUIET = {"ML301": "off", "ML302": "off", "ML401": "off"}


def risks(path: Path, **levels: str) -> tuple[Risk, ...]:
    return analyze(path, levels=levels).risks  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "case", sorted(CASES.glob("*/*/")), ids=lambda case: f"{case.parent.name}/{case.name}"
)
def test_a_case(tmp_path: Path, case: Path, request: pytest.FixtureRequest) -> None:
    path = folder(tmp_path, _1_a=(case / "migration.sql").read_text())
    found = sorted(risks(path), key=lambda each: (each.line, each.code))
    assert all(each.why and each.file == path / "1_a.sql" for each in found)
    lines = "".join(f"{each.line}:{each.code}:{each.statement}\n" for each in found)
    expected = case / "expected.txt"
    if request.config.getoption("--update-golden"):
        expected.write_text(lines)
    said = expected.read_text() if expected.exists() else ""
    assert lines == said, (
        "if this is what lint should see: pytest tests/migrations/test_lint.py --update-golden"
    )


@pytest.mark.parametrize(
    "rule", [rule for rule in RULES if rule.CODE not in OF_PLATFORMS], ids=lambda rule: rule.CODE
)
def test_every_rule_has_cases_and_a_level_of_its_own(tmp_path: Path, rule: Rule) -> None:
    cases = [
        case
        for case in (CASES / rule.CODE).iterdir()
        if f":{rule.CODE}:" in (case / "expected.txt").read_text()
    ]
    assert cases, f"no case of lint_cases/{rule.CODE} has this risk"
    for number, case in enumerate(cases):
        path = folder(tmp_path / str(number), _1_a=(case / "migration.sql").read_text())
        assert rule.CODE not in {each.code for each in risks(path, **{rule.CODE: "off"})}
        changed = {each.level for each in risks(path, **{rule.CODE: "error"}) if each.code == rule.CODE}
        assert changed == {Level.ERROR}


def test_every_code_is_of_one_rule() -> None:
    codes = [rule.CODE for rule in RULES]
    assert codes == sorted(set(codes))
    assert {case.name for case in CASES.iterdir()} == set(codes) - OF_PLATFORMS


@pytest.mark.parametrize(
    ("size", "level"),
    [(5_000, Level.NOTE), (50_000_000, Level.WARNING), (5_000_000_000, Level.ERROR), (None, Level.NOTE)],
)
def test_the_size_of_the_table_weighs(tmp_path: Path, size: int | None, level: Level) -> None:
    sizes = {"public.other": 1} | ({"public.t": size} if size is not None else {})
    path = folder(tmp_path, _1_a="CREATE INDEX i ON t (x);")
    (found,) = analyze(path, sizes=sizes, levels=QUIET).risks  # type: ignore[arg-type]
    assert (found.level, found.size, found.table) == (level, size, "public.t")
