"""The queue of steps: next is, of those whose predecessors are done, the one that the most work waits for.

That work is its own weight and that of the heaviest chain of steps behind it: the longest chain decides when
the run ends, whatever else is done beside it.

Of those that read a source, no more run at once than it is to bear: others are taken meanwhile.
"""

import heapq
import threading
from collections.abc import Collection, Sequence

from migplan.run.engine.steps import Step, predecessors


class Queue:
    """The steps that are left, for several threads to take from."""

    def __init__(self, steps: Sequence[Step], done: Collection[int], readers: int = 0) -> None:
        """``readers``: how many steps may read the source at once; 0: as many as there are threads."""
        self._steps = steps
        self._readers = readers
        self._reading = 0
        self._held: list[tuple[int, int]] = []  # ready, but for their turn to read
        self._changed = threading.Condition()
        self._users: dict[int, list[int]] = {}
        self._waiting: dict[int, int] = {}
        self._ready: list[tuple[int, int]] = []
        self._left = 0
        self._finished = set(done)
        self._closed = False
        before = predecessors(steps)
        self._chains = _chains(steps, before)
        for place, needs in enumerate(before):
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
        """Wait for a step that may run, and return it; None when there will be none."""
        with self._changed:
            while (place := self._next()) is None and self._left and not self._closed:
                self._changed.wait()
            if self._closed or place is None:
                return None
            self._reading += self._steps[place].reads_source
            return place, self._steps[place]

    def _next(self) -> int | None:
        """The first of those that may run now; those that may not yet read are laid aside."""
        free = not self._readers or self._reading < self._readers
        if free and self._held and (not self._ready or self._held[0] < self._ready[0]):
            return heapq.heappop(self._held)[1]
        while self._ready:
            _, place = found = heapq.heappop(self._ready)
            if free or not self._steps[place].reads_source:
                return place
            heapq.heappush(self._held, found)
        return None

    def done(self, place: int) -> None:
        """Note that a step is done: those that waited for it may run."""
        with self._changed:
            self._left -= 1
            self._reading -= self._steps[place].reads_source
            self._finished.add(self._steps[place].number)
            for user in self._users.get(place, ()):
                self._waiting[user] -= 1
                if not self._waiting[user]:
                    self._push(user)
            self._changed.notify_all()

    @property
    def finished(self) -> set[int]:
        """The numbers of the steps that we believe to be done."""
        with self._changed:
            return set(self._finished)

    def close(self) -> None:
        """Let no other step begin."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _push(self, place: int) -> None:
        heapq.heappush(self._ready, (-self._chains[place], place))


def _chains(steps: Sequence[Step], before: Sequence[Collection[int]]) -> list[int]:
    """What each step weighs together with the heaviest chain of those that wait for it."""
    behind = [0] * len(steps)
    chains = [0] * len(steps)
    for place in reversed(range(len(steps))):
        chains[place] = steps[place].weight + behind[place]
        for need in before[place]:
            behind[need] = max(behind[need], chains[place])
    return chains
