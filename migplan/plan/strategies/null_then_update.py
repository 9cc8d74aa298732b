"""``null-then-update``: rows come in with NULL where a circle is cut open, and get their value afterwards."""

from migplan.catalog.model import ForeignKey
from migplan.config import Strategy
from migplan.plan.cuts import Cut
from migplan.plan.strategies.situation import Decision, Situation, closing, not_shown_cheapest, short
from migplan.text.wording import listed

NAME = Strategy.NULL_THEN_UPDATE


def proposal(situation: Situation) -> Decision | None:
    """For the keys at which a circle is cut open because their columns may be NULL."""
    cuts = situation.cuts_by(NAME) if situation.live else ()
    if not cuts:
        return None
    cut = tuple(each.key for each in cuts)
    keys = (*cut, *_own(situation))
    return Decision(
        NAME,
        f"{closing(cut)} and may be NULL: loaded with NULL there, and {_rows(cuts)} set in a second pass, "
        f"when the circle's other tables are in{not_shown_cheapest(cuts)}{situation.beside(keys)}",
        keys,
    )


def objection(situation: Situation) -> str:
    """It takes a key with a column that may be NULL."""
    return "" if situation.nullable else "none of its foreign keys has a column that may be NULL"


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    cut = tuple(each.key for each in situation.cuts_by(NAME))
    keys = (*cut, *_own(situation)) or tuple(key for key in situation.keys if key in situation.nullable)
    said = f"set by hand: {listed(map(short, keys))} loaded as NULL and set in a second pass"
    return Decision(NAME, said + situation.beside(keys), keys)


def _own(situation: Situation) -> tuple[ForeignKey, ...]:
    """Keys of the table to itself go the same way: their order is then nobody's concern."""
    return tuple(key for key in situation.binding_self_keys if key in situation.nullable)


def _rows(cuts: tuple[Cut, ...]) -> str:
    if any(cut.rewritten is None for cut in cuts):
        return "its rows"
    most = max(cut.rewritten or 0 for cut in cuts)
    return "1 row" if most == 1 else f"{most:,} rows"
