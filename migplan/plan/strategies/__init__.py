"""How rows get in where order alone does not settle it. One strategy a file; the first that fits is taken.

Each file answers two questions about a table: ``proposal`` (is this the way to load it, and why?) and
``objection`` (if a person chooses it: why can it not be done?).
"""

from collections.abc import Mapping
from types import ModuleType

from migplan.config import Strategy
from migplan.plan.strategies import constraint_later, copy, deferred, levels, null_then_update, schema_only
from migplan.plan.strategies.situation import Decision, Situation

__all__ = ["LIVE_ONLY", "Decision", "Situation", "decide", "objection"]

IN_ORDER: tuple[ModuleType, ...] = (
    schema_only,
    constraint_later,
    null_then_update,
    deferred,
    levels,
    copy,
)

LIVE_ONLY = frozenset(
    {Strategy.CONSTRAINT_LATER, Strategy.NULL_THEN_UPDATE, Strategy.DEFERRED, Strategy.LEVELS}
)
"""What only matters to keys that are in force while the rows come in; each is about some of them."""

_BY_NAME: Mapping[Strategy, ModuleType] = {strategy.NAME: strategy for strategy in IN_ORDER}


def decide(situation: Situation) -> Decision:
    """Return the strategy for a table: the one that a person set, or the first that fits."""
    if situation.wish is not None:
        chosen: Decision = _BY_NAME[situation.wish].chosen(situation)
        return chosen
    for strategy in IN_ORDER:
        proposal: Decision | None = strategy.proposal(situation)
        if proposal is not None:
            return proposal
    raise AssertionError("copy fits everything")


def objection(situation: Situation, strategy: Strategy) -> str:
    """Return why a table cannot be loaded in that way; empty if it can."""
    why = str(_BY_NAME[strategy].objection(situation))
    if not why and strategy in LIVE_ONLY and not situation.live:
        why = "keys are created after the rows (constraints: after-data), and leave it nothing to do"
    return why
