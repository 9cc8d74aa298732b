"""What is said of the order of migrations, by codes: ``lint`` in migplan.yaml can give another level.

An error is refused by ``apply``; a warning or a note is said. A doubt stops a file that is not one
transaction, unless its level was chosen.
"""

from collections.abc import Mapping

from migplan.level import Level
from migplan.migrations.lint.risk import Levels

CONTRADICTION, TWICE, DOUBT = "ML601", "ML602", "ML603"
ORDER_LEVELS: Mapping[str, Level] = {
    CONTRADICTION: Level.ERROR,  # a statement uses what is made later, or was dropped before
    TWICE: Level.ERROR,  # something is made that is there
    DOUBT: Level.NOTE,  # a statement may fail, and only the server can tell
}


def level_of(code: str, levels: Levels) -> Level | None:
    """Return the level of what is said of the order; None where it is off."""
    said = levels.get(code, ORDER_LEVELS[code])
    return None if said == "off" else Level(said)
