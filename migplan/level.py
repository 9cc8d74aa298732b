"""How severe a finding of ``advise`` or a risk that lint sees is."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """The levels, from the most severe down; ``migplan.yaml`` sets them by a rule's code."""

    ERROR = "error"  # rows are open to people who must not see them, will be lost, or will not load
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the most severe."""
        return list(Level).index(self)

    def moved(self, steps: int) -> Level:
        """Return the level so many steps less severe, or more where ``steps`` is negative."""
        every = list(Level)
        return every[min(max(self.rank + steps, 0), len(every) - 1)]
