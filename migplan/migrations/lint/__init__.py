"""Risks of migrations, seen before they run: rules over statements, one a module, each with a stable code."""

from collections.abc import Sequence
from functools import cache

from migplan.level import Level
from migplan.migrations.lint.risk import (
    EVERY,
    LARGE,
    NO_LEVELS,
    SMALL,
    Context,
    Hit,
    Levels,
    Risk,
    Rule,
    Sizes,
)
from migplan.migrations.lint.rules import RULES
from migplan.sql.statements import Parsed

__all__ = ["NO_LEVELS", "RULES", "Context", "Levels", "Risk", "Rule", "Sizes", "lint"]


def lint(statements: Sequence[Parsed], context: Context, levels: Levels = NO_LEVELS) -> tuple[Risk, ...]:
    """What the rules find in a file, in the order of its lines."""
    found: list[Risk] = []
    context.statements = len(statements)
    off = {code for code, level in levels.items() if level == "off"}
    for statement in statements:
        for rule in _rules_about(statement.kind):
            if rule.CODE not in off:
                found += [
                    _risk(rule, hit, statement, context, levels) for hit in rule.find(statement, context)
                ]
        context.see(statement)
    return tuple(found)


@cache
def _rules_about(kind: str) -> tuple[Rule, ...]:
    return tuple(rule for rule in RULES if rule.STATEMENTS == EVERY or kind in rule.STATEMENTS)


def _risk(rule: Rule, hit: Hit, statement: Parsed, context: Context, levels: Levels) -> Risk:
    level = levels.get(rule.CODE)
    return Risk(
        rule.CODE,
        _weighed(hit.level or rule.LEVEL, hit, context) if level is None else Level(level),
        rule.TITLE,
        context.migration.up.file,
        statement.line,
        statement.beginning,
        hit.why or rule.WHY,
        hit.fix or rule.FIX,
        hit.table,
        context.sizes.get(hit.table) if context.sizes and hit.table else None,
    )


def _weighed(level: Level, hit: Hit, context: Context) -> Level:
    """By the table's size: what is small is done at once, what is not there yet is empty."""
    if context.sizes is None or not hit.table:
        return level
    size = context.sizes.get(hit.table)
    if size is None:
        return Level.NOTE
    return level.moved(1 if size < SMALL else -1 if size > LARGE else 0)
