"""What advice makes of what its rules find: levels, the ignore list, and what could not be judged."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from migplan.advise import RULES, Advice, advise, by_rule
from migplan.catalog.model import Catalog
from migplan.catalog.vitals import Vitals
from migplan.config import AdviseSection
from migplan.errors import SelectionError
from migplan.graph import build
from migplan.level import Level
from migplan.report import rules
from tests.catalogs import catalog

SHOP = catalog({"customers": [], "orders": ["customers"], "lines": ["orders", "customers"]})
EVERY = [module.RULE.code for module in RULES]


def of(found: Catalog = SHOP, **settings: object) -> Advice:
    return advise(found, build(found), AdviseSection.model_validate(settings))


def codes(advice: Advice) -> set[str]:
    return {finding.code for finding in advice.findings}


def test_a_rule_that_is_off_says_nothing_and_is_named() -> None:
    assert "MP106" in codes(of())
    quiet = of(levels={"MP106": "off"})
    assert "MP106" not in codes(quiet)
    assert quiet.off == ("MP106",)


def test_people_choose_another_level_and_the_most_severe_comes_first() -> None:
    loud = of(levels={"MP106": "error"})
    assert loud.findings[0].code == "MP106"
    assert loud.findings[0].level is Level.ERROR
    ranks = [finding.level.rank for finding in loud.findings]
    assert ranks == sorted(ranks)


def test_what_people_live_with_is_left_out_with_their_reason() -> None:
    entry = {"code": "MP106", "object": "public.lines *", "reason": "read once a year"}
    advice = of(ignore=[entry])
    assert {ignored.finding.what for ignored in advice.ignored} >= {"public.lines (orders_id)"}
    assert {ignored.reason for ignored in advice.ignored} == {"read once a year"}
    assert any(f.code == "MP106" and f.what.startswith("public.orders") for f in advice.findings)
    assert not advice.idle


def test_an_entry_that_matches_nothing_any_more_is_said() -> None:
    entry = {"code": "MP106", "object": "public.gone", "reason": "it was there once"}
    assert [idle.object for idle in of(ignore=[entry]).idle] == ["public.gone"]
    assert not of(ignore=[entry], levels={"MP106": "off"}).idle, "a rule that is off matches nothing anyhow"


@pytest.mark.parametrize(
    "settings", [{"levels": {"MP999": "off"}}, {"ignore": [{"code": "MP999", "reason": "x"}]}]
)
def test_a_code_that_no_rule_has_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(SelectionError, match="MP999"):
        of(**settings)


def test_a_rule_that_cannot_run_says_so() -> None:
    """Without vitals, exposed schemas and roles; then with them."""
    silent = {blind.code for blind in of().blind}
    assert silent == {module.RULE.code for module in RULES if module.RULE.needs}
    assert all(blind.why for blind in of().blind)
    seen = replace(SHOP, vitals=Vitals())
    assert {b.code for b in of(seen).blind} < silent


def test_in_short_is_the_structure_s_alone() -> None:
    advice = of()
    assert len(advice.in_short) == len(list(by_rule(advice.structural)))
    assert any("MP106" in line and "public.lines (orders_id)" in line for line in advice.in_short)


def test_every_rule_has_a_code_of_its_own_and_a_page() -> None:
    assert len(set(EVERY)) == len(EVERY)
    for module in RULES:
        assert re.fullmatch(r"MP[1-4]\d\d", module.RULE.code)
        assert (module.__doc__ or "").startswith(f"{module.RULE.code}: ")
        assert len(rules.text_of(module)) > 200, f"{module.RULE.code} does not say when exactly it fires"
