"""Which step comes next: of those whose predecessors are done, the heaviest."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Collection, Sequence

from migplan.run.engine.steps import Step, predecessors


class Queue:
    """Which step comes next: asked by several threads, answered one at a time."""

    def __init__(self, steps: Sequence[Step], done: Collection[int]) -> None:
        self._steps = steps
        self._changed = threading.Condition()
        self._users: dict[int, list[int]] = {}
        self._waiting: dict[int, int] = {}
        self._ready: list[tuple[int, int]] = []
        self._left = 0
        self._finished = set(done)
        self._closed = False
        for place, needs in enumerate(predecessors(steps)):
            if steps[place].number in done:
                continue
            open_needs = [need for need in needs if steps[need].number not in done]
            self._waiting[place] = len(open_needs)
            self._left += 1
            for need in open_needs:
                self._users.setdefault(need, []).append(place)
            if not open_needs:
                self._push(place)

    def take(self) -> tuple[int, Step] | None:
        """The next step, as soon as there is one that may run; None when there will be none."""
        with self._changed:
            while not self._ready and self._left and not self._closed:
                self._changed.wait()
            if self._closed or not self._ready:
                return None
            _, place = heapq.heappop(self._ready)
            return place, self._steps[place]

    def done(self, place: int) -> None:
        """A step is done: what waited for it may run."""
        with self._changed:
            self._left -= 1
            self._finished.add(self._steps[place].number)
            for user in self._users.get(place, ()):
                self._waiting[user] -= 1
                if not self._waiting[user]:
                    self._push(user)
            self._changed.notify_all()

    @property
    def finished(self) -> set[int]:
        """The numbers of the steps that are believed to be done."""
        with self._changed:
            return set(self._finished)

    def close(self) -> None:
        """No other step is to begin."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _push(self, place: int) -> None:
        heapq.heappush(self._ready, (-self._steps[place].weight, place))
