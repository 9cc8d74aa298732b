"""``constraint-later``: the key is created after the rows, when nothing gentler works."""

from migplan.catalog.model import ForeignKey
from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation, closing, is_or_are, not_shown_cheapest
from migplan.text.wording import listed

NAME = Strategy.CONSTRAINT_LATER


def proposal(situation: Situation) -> Decision | None:
    """For keys of a circle that can be neither deferred nor NULL, and keys that existing rows may break."""
    if not situation.live:
        return None
    unproven = _unproven(situation)
    cuts = tuple(cut for cut in situation.cuts_by(NAME) if cut.key not in unproven)
    cut = tuple(each.key for each in cuts)
    reasons = []
    if cut and all(each.by_hand for each in cuts):
        reasons.append(f"{closing(cut)}; set by hand: the key is created after the rows")
    elif cut:
        reasons.append(
            f"{closing(cut)}, {is_or_are(cut)} NOT NULL and cannot be deferred: "
            "the key is created after the rows, by a role that owns the table" + not_shown_cheapest(cuts)
        )
    if unproven:
        reasons.append(
            f"{listed(key.name for key in unproven)} {is_or_are(unproven)} NOT VALID: "
            "rows that break it can only be loaded before it exists"
        )
    if not reasons:
        return None
    keys = (*cut, *unproven)
    return Decision(NAME, "; ".join(reasons) + situation.beside(keys), keys)


def objection(situation: Situation) -> str:
    """Without a key there is nothing to create later."""
    return "" if situation.every_key else "it has no foreign key that could be created later"


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    cut = tuple(each.key for each in situation.cuts_by(NAME))
    keys = (*cut, *(key for key in _unproven(situation) if key not in cut)) or situation.every_key
    said = f"set by hand: {listed(key.name for key in keys)} created after the rows"
    return Decision(NAME, said + situation.beside(keys), keys)


def _unproven(situation: Situation) -> tuple[ForeignKey, ...]:
    return tuple(key for key in situation.every_key if not key.validated and key.enforced)
