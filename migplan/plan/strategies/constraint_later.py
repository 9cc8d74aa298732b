"""``constraint-later``: the key is created after the rows, when nothing gentler works."""

from migplan.config import Strategy
from migplan.plan.strategies.situation import Decision, Situation, listed, not_shown_cheapest, short

NAME = Strategy.CONSTRAINT_LATER


def proposal(situation: Situation) -> Decision | None:
    """For keys of a circle that can be neither deferred nor NULL, and keys that existing rows may break."""
    if not situation.live:
        return None
    cuts = situation.cuts_by(NAME)
    if cuts:
        keys = tuple(cut.key for cut in cuts)
        return Decision(
            NAME,
            f"{listed(map(short, keys))} closes a circle, is NOT NULL and cannot be deferred: "
            f"the key is created after the rows, by a role that owns the table{not_shown_cheapest(cuts)}",
            keys,
        )
    unproven = tuple(
        key for key in (*situation.keys, *situation.self_keys) if not key.validated and key.enforced
    )
    if unproven:
        return Decision(
            NAME,
            f"{listed(key.name for key in unproven)} is NOT VALID: rows that break it can only be loaded "
            "before it exists",
            unproven,
        )
    return None


def objection(situation: Situation) -> str:
    """Without a key there is nothing to create later."""
    return (
        "" if situation.keys or situation.self_keys else "it has no foreign key that could be created later"
    )


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    cut = tuple(each.key for each in situation.cuts_by(NAME))
    keys = cut or (*situation.keys, *situation.self_keys)
    return Decision(NAME, f"set by hand: {listed(key.name for key in keys)} created after the rows", keys)
