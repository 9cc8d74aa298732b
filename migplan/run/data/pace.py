"""How fast rows may go, and waits that end when people want to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from migplan.run.engine.worker import StoppedError


class Pace:
    """Waits of one step. No time is saved up: after a pause, rows do not come faster than they may."""

    def __init__(
        self,
        rate: float | None,
        stopping: threading.Event,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._between = 1 / rate if rate else 0.0
        self._stopping = stopping
        self._clock = clock
        self._wait = wait or stopping.wait
        self._next = clock()

    def row(self) -> None:
        """Until the next row may go."""
        now = self._clock()
        if self._next > now:
            self.pause(self._next - now)
        self.refuse_to_go_on()
        self._next = max(self._next, now) + self._between

    def pause(self, seconds: float) -> None:
        """So long, or until it is to stop."""
        self.refuse_to_go_on()
        self._wait(seconds)
        self.refuse_to_go_on()

    def refuse_to_go_on(self) -> None:
        """StoppedError when it is to stop."""
        if self._stopping.is_set():
            raise StoppedError
