"""Advice: rules over a catalog and its graph, each with a stable code. Pure, like all that it looks at."""

from migplan.advise.advice import Advice, Ignored, advise, by_rule
from migplan.advise.finding import Blind, Finding, Rule, RuleModule
from migplan.advise.rules import RULES
from migplan.level import Level

__all__ = [
    "RULES",
    "Advice",
    "Blind",
    "Finding",
    "Ignored",
    "Level",
    "Rule",
    "RuleModule",
    "advise",
    "by_rule",
]
