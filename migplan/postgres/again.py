"""Beginning again what others disturbed, a few times."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from migplan.errors import BlockedError, ChangedError

Found = TypeVar("Found")
Told = Callable[[str, int, int], None]

TRIES, TRIES_FOR_LOCKS = 40, 12
TRIES_AT_LEAST = 3
PATIENCE = 60.0
"""Seconds after which only the first tries are made: nobody wants to wait twelve times for an hour."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


def again_if_disturbed(attempt: Callable[[int], Found], told: Told) -> Found:
    """What the attempt returns, which is made again where others changed or locked what it reads.

    It is given its number, from 0, and must begin from nothing: with a new moment. The last error is raised,
    and says how often it was tried.
    """
    started = time.monotonic()
    pause = _FIRST_PAUSE
    for number in range(TRIES):
        try:
            return attempt(number)
        except (BlockedError, ChangedError) as error:
            tried = number + 1
            enough = tried >= TRIES_AT_LEAST and time.monotonic() - started > PATIENCE
            most = min(TRIES, TRIES_FOR_LOCKS) if isinstance(error, BlockedError) else TRIES
            if tried >= most or enough:
                error.what = f"{error.what} (tried {tried} times)"
                raise
            told(f"beginning again: {error.what}", 0, 0)
            if isinstance(error, BlockedError):
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
    raise AssertionError("unreachable")
