"""How fast rows may go: so many bytes a second, all sessions together, to spare a source that is at work."""

import threading
import time
from collections.abc import Callable

_GLANCE = 0.2  # seconds between two looks at whether somebody wants it to stop


class Throttle:
    """Shared by all sessions of a copy; it holds back whoever has moved bytes."""

    def __init__(self, rate: int) -> None:
        self._rate = rate  # bytes a second; 0: as many as go
        self._guard = threading.Lock()
        self._due = 0.0  # when all that was moved may have been moved, by time.monotonic()

    def moved(self, size: int, look: Callable[[], None]) -> None:
        """Wait until so many bytes may have been moved; ``look`` is called now and then, and may raise."""
        if not self._rate:
            return
        with self._guard:
            self._due = max(self._due, time.monotonic()) + size / self._rate
            due = self._due
        while (left := due - time.monotonic()) > 0:
            time.sleep(min(left, _GLANCE))
            look()
