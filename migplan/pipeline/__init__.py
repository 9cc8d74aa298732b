"""The story: one short function a verb. Each turns one value into the next; none of them prints.

A command needs a part of it, and imports no more than that: the others' libraries take a while to load.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from migplan.pipeline.planning import Planned, drift_of, planned, request_of, write_plan
    from migplan.pipeline.progress import Told, silence
    from migplan.pipeline.proving import receipt_of, verified
    from migplan.pipeline.running import (
        Running,
        applied,
        rollback_foreseen,
        rolled_back,
        scratch_for,
        steps_foreseen,
    )
    from migplan.pipeline.seeing import analysis_of, analysis_with_orphans, as_selection, catalog_of
    from migplan.pipeline.writing import Exporting, exported, foreseen

_HOMES = {
    "seeing": ("analysis_of", "analysis_with_orphans", "as_selection", "catalog_of"),
    "progress": ("Told", "silence"),
    "planning": ("Planned", "drift_of", "planned", "request_of", "write_plan"),
    "writing": ("Exporting", "exported", "foreseen"),
    "running": (
        "Running",
        "applied",
        "rollback_foreseen",
        "rolled_back",
        "scratch_for",
        "steps_foreseen",
    ),
    "proving": ("receipt_of", "verified"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Exporting",
    "Planned",
    "Running",
    "Told",
    "analysis_of",
    "analysis_with_orphans",
    "applied",
    "as_selection",
    "catalog_of",
    "drift_of",
    "exported",
    "foreseen",
    "planned",
    "receipt_of",
    "request_of",
    "rollback_foreseen",
    "rolled_back",
    "scratch_for",
    "silence",
    "steps_foreseen",
    "verified",
    "write_plan",
]


def __getattr__(name: str) -> Any:
    """A name of the story, from where it is told."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
