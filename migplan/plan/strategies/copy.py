"""``copy``: one COPY statement, in the order of the keys. The cheapest, and mostly all that it takes."""

from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation
from migplan.text.wording import counted, listed

NAME = Strategy.COPY


def proposal(situation: Situation) -> Decision:
    """Fits wherever nothing before it did."""
    binding = [key for key in situation.keys if key.enforced]
    count = len(binding) + len(situation.binding_self_keys)
    if not count:
        reason = (
            "no row is checked: its foreign keys are NOT ENFORCED"
            if situation.every_key
            else "refers to no other table"
        )
    elif not situation.live:
        reason = f"its {counted(count, 'foreign key')} {'is' if count == 1 else 'are'} created after the rows"
    else:
        needed = sorted({key.referenced for key in binding})
        reason = f"what it refers to is loaded before it: {listed(needed)}"
    return Decision(NAME, reason)


def objection(_: Situation) -> str:
    """There is none by itself; a circle that stays closed is found when the cuts are made."""
    return ""


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    own = situation.binding_self_keys if situation.live else ()
    if own:
        return Decision(
            NAME,
            "set by hand: one COPY statement, which checks the table's keys to itself at its end",
            own,
        )
    return proposal(situation)
