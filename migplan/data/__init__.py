"""What a data step is written with: a file ``NNN_name.py`` that says ``STEP = DataStep(...)``.

Values alone: what runs them is ``migplan.run.data.step``, how to write one is in ``docs/data-steps.md``.
"""

from migplan.data.row import NoColumnError, Row, Skip
from migplan.data.step import DataStep

__all__ = ["DataStep", "NoColumnError", "Row", "Skip"]
