"""Everything that stands in the way of a run, found before the first change and listed at once.

Each module asks about one subject and yields obstacles; none of them changes anything. What the role may not
ask becomes an obstacle that says so, never silence.
"""

from migplan.run.preflight.examine import examine
from migplan.run.preflight.obstacle import Level, Obstacle

__all__ = ["Level", "Obstacle", "examine"]
