"""``null-then-update``: rows come in with NULL where a circle is cut open, and get their value afterwards."""

from migplan.catalog.model import ForeignKey
from migplan.config import Strategy
from migplan.plan.breaks import nullable_columns
from migplan.plan.strategies.situation import Decision, Situation, listed, not_shown_cheapest, short

NAME = Strategy.NULL_THEN_UPDATE


def proposal(situation: Situation) -> Decision | None:
    """For the keys at which a circle is cut open because their columns may be NULL."""
    cuts = situation.cuts_by(NAME) if situation.live else ()
    if not cuts:
        return None
    keys = (*(cut.key for cut in cuts), *_own(situation))
    known = situation.table.rows
    rows = "its rows" if known is None else f"{known:,} rows" if known != 1 else "1 row"
    return Decision(
        NAME,
        f"{listed(map(short, keys))} closes a circle and may be NULL: {rows} loaded with NULL there, and set "
        f"in a second pass, when both tables are in{not_shown_cheapest(cuts)}",
        keys,
    )


def objection(situation: Situation) -> str:
    """It takes a key with a column that may be NULL."""
    if any(nullable_columns(key, situation.table) for key in (*situation.keys, *situation.self_keys)):
        return ""
    return "none of its foreign keys has a column that may be NULL"


def chosen(situation: Situation) -> Decision:
    """What it means when a person wants it."""
    cut = tuple(each.key for each in situation.cuts_by(NAME))
    keys = (*cut, *_own(situation)) or tuple(
        key for key in situation.keys if nullable_columns(key, situation.table)
    )
    return Decision(
        NAME,
        f"set by hand: {listed(map(short, keys))} loaded as NULL and set in a second pass",
        keys,
    )


def _own(situation: Situation) -> tuple[ForeignKey, ...]:
    """Keys of the table to itself go the same way: their order is then nobody's concern."""
    return tuple(key for key in situation.binding_self_keys if nullable_columns(key, situation.table))
