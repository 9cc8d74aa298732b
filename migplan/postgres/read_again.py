"""Reading again what others disturbed, a few times."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from migplan.errors import BlockedError, ChangedError
from migplan.progress import Progress

log = logging.getLogger(__name__)

Found = TypeVar("Found")

TRIES = 60
TRIES_AT_LEAST = 3
PATIENCE = 60.0
"""Seconds after which only the first tries are made: nobody wants to wait sixty times for an hour."""

_PAUSE = 0.1
"""Seconds. Most locks of others are short, and the best moment is right behind one of them."""


def retry_if_disturbed(attempt: Callable[[int], Found], on_progress: Progress) -> Found:
    """Return what the attempt returns, making it again where others changed or locked what it reads.

    It is given its number, from 0, and must begin from nothing, with a new moment. When it was made often
    enough, its last error is raised, and says how often.
    """
    started = time.monotonic()
    for number in range(TRIES):
        try:
            return attempt(number)
        except (BlockedError, ChangedError) as error:
            tried = number + 1
            enough = tried >= TRIES_AT_LEAST and time.monotonic() - started > PATIENCE
            if tried == TRIES or enough:
                error.what = f"{error.what} (tried {tried} times)"
                raise
            log.warning("beginning again, after try %d: %s", tried, error.what)
            on_progress(f"beginning again: {error.what}", 0, 0)
            if isinstance(error, BlockedError):
                time.sleep(_PAUSE)
    raise AssertionError("unreachable")
