"""How the stages tell of their progress."""

from __future__ import annotations

from collections.abc import Callable

Told = Callable[[str, int, int], None]
"""Told of progress: what is being done, how much of it is done, and how much there is."""


def silence(_what: str, _done: int, _total: int) -> None:
    """For callers that want no progress."""
