"""What is decided for tables, case by case: a folder each in ``cases/STRATEGY/``.

``catalog.yaml`` has the tables as ``tests/catalogs.py`` writes them, and what is asked of the plan (``live``:
keys are in force while the rows come in). ``expected.yaml`` has what the plan then says of each table, in the
order of loading, and of the keys at which circles are cut; or the error. After a change that is meant, write
the expected files anew with ``MIGPLAN_REFRESH=1 pytest tests/plan/test_cases.py``,
and look at the difference.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from migplan.catalog.model import Catalog, Check, Column, Index, Key, Type
from migplan.config import Strategy
from migplan.errors import PlanError
from migplan.plan.model import Plan
from tests.catalogs import altered, catalog, name
from tests.plan.making import planned

CASES = Path(__file__).parent / "cases"
_KINDS: dict[str, Any] = {"columns": Column, "checks": Check, "unique_keys": Key, "indexes": Index}


@pytest.mark.parametrize("case", sorted(CASES.glob("*/*")), ids=lambda case: str(case.relative_to(CASES)))
def test_the_plan_of_a_case_is_as_expected(case: Path) -> None:
    found = outcome(yaml.safe_load((case / "catalog.yaml").read_text()))
    expected = case / "expected.yaml"
    if os.environ.get("MIGPLAN_REFRESH"):
        expected.write_text(yaml.safe_dump(found, sort_keys=False, width=1000))
    assert found == yaml.safe_load(expected.read_text())


def test_every_strategy_has_cases() -> None:
    assert {folder.name for folder in CASES.iterdir()} == {strategy.value for strategy in Strategy}


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    """What comes out: the plan, as far as strategies decide it, or the error."""
    try:
        plan = planned(_catalog(case), live=case["live"], strategies=case.get("strategies"))
    except PlanError as error:
        return {"raises": type(error).__name__, "message": str(error)}
    return _decisions(plan)


def _decisions(plan: Plan) -> dict[str, Any]:
    return {
        "tables": [
            {
                "table": table.table,
                "strategy": table.strategy.value,
                "keys": list(table.keys),
                "reason": table.reason,
            }
            for table in plan.tables
        ],
        "breaks": [
            {"key": cut.key, "table": cut.table, "how": cut.how.value, "reason": cut.reason}
            for cut in plan.breaks
        ],
        "rows": plan.rows,
    }


def _catalog(case: dict[str, Any]) -> Catalog:
    told = {"rows", "partitions", "foreign", "null_fractions"} & case.keys()
    found = catalog(case["tables"], **{word: case[word] for word in told})
    for table, parts in case.get("alter", {}).items():
        made = {
            kind: tuple(_KINDS[kind](**_frozen(fields)) for fields in each) for kind, each in parts.items()
        }
        found = altered(found, table, **made)
    types = (
        Type(name(each["name"]), each["kind"], tuple(each["definition"])) for each in case.get("types", ())
    )
    return replace(found, types=tuple(types))


def _frozen(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
