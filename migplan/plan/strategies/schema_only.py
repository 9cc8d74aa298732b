"""``schema-only``: the table is created and stays empty; its rows live elsewhere or are not wanted."""

from migplan.catalog.model import TableKind
from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation

NAME = Strategy.SCHEMA_ONLY


def proposal(situation: Situation) -> Decision | None:
    """For foreign tables."""
    if situation.table.kind is TableKind.FOREIGN:
        return Decision(NAME, "a foreign table: its rows live on another server, and stay there")
    return None


def objection(_: Situation) -> str:
    """There is none: whoever asks for an empty table gets it."""
    return ""


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    return proposal(situation) or Decision(
        NAME, "set by hand: the table is created, and its rows are left behind"
    )
