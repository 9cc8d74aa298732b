"""``deferred``: the check waits until the end of the transaction, because the key was made so that it can."""

from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation, closing, is_or_are, short
from migplan.text.wording import listed

NAME = Strategy.DEFERRED


def proposal(situation: Situation) -> Decision | None:
    """For deferrable keys at which a circle is cut open, and for tables whose own keys are all deferrable."""
    if not situation.live:
        return None
    cut = tuple(each.key for each in situation.cuts_by(NAME))
    own = situation.binding_self_keys
    if cut:
        keys = (*cut, *(key for key in own if key.deferrable))
        return Decision(
            NAME,
            f"{closing(cut)} and {is_or_are(cut)} DEFERRABLE: the circle's tables are loaded in one "
            f"transaction, and the key is checked at its end{situation.beside(keys)}",
            keys,
        )
    if own and all(key.deferrable for key in own):
        return Decision(
            NAME,
            f"rows refer to other rows of the table ({listed(map(short, own))}), and the key is DEFERRABLE: "
            "it is checked at the end of the transaction",
            own,
        )
    return None


def objection(situation: Situation) -> str:
    """It takes a deferrable key."""
    if any(key.deferrable for key in situation.every_key):
        return ""
    return "none of its foreign keys is DEFERRABLE"


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    keys = tuple(key for key in situation.every_key if key.deferrable)
    said = f"set by hand: {listed(map(short, keys))} checked at the end of the transaction"
    return Decision(NAME, said + situation.beside(keys), keys)
