"""``levels``: parents before children, for rows that refer to other rows of the same table."""

from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation, short
from migplan.text.wording import counted, listed

NAME = Strategy.LEVELS


def proposal(situation: Situation) -> Decision | None:
    """For tables with live keys to themselves."""
    keys = situation.binding_self_keys if situation.live else ()
    if not keys:
        return None
    return Decision(
        NAME,
        f"rows refer to other rows of the table by {counted(len(keys), 'key')} "
        f"({listed(map(short, keys))}): first those that refer to none, then the others, parents before "
        "children",
        keys,
    )


def objection(situation: Situation) -> str:
    """It takes a key of the table to itself."""
    return "" if situation.self_keys else "none of its rows refers to another row of the table"


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    keys = situation.self_keys
    return Decision(NAME, f"set by hand: parents before children by {listed(map(short, keys))}", keys)
