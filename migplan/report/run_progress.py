"""How far a run is, how fast its rows go, and when they will be there: in all, and of each table.

What is expected of rows that come live is an estimate. Once a step is done it counts as what it was, and as
long as it runs as what has come, if that is more: so no more is ever done than there is.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from migplan.bundle.manifest import TEMPORARY
from migplan.run.engine import events
from migplan.run.engine.events import Event
from migplan.run.engine.steps import CopyBlock, LiveRows, Step
from migplan.text.wording import amount

WINDOW = 15.0
"""Seconds that a rate is taken over: what was before says little of what comes."""

_LONGEST = 120.0  # seconds that are said as such; what takes longer is said in minutes


@dataclass
class _Rate:
    """Bytes a second, of late."""

    clock: Callable[[], float]
    seen: deque[tuple[float, int]] = field(default_factory=deque)

    def see(self, moved: int) -> None:
        """Take note of how much has moved in all."""
        now = self.clock()
        while len(self.seen) > 1 and now - self.seen[0][0] > WINDOW:
            self.seen.popleft()
        if not self.seen or now - self.seen[-1][0] >= WINDOW / 50:
            self.seen.append((now, moved))

    def now(self, moved: int) -> int:
        """Return it; 0 as long as nobody can say."""
        if not self.seen:
            return 0
        since, before = self.seen[0]
        passed = self.clock() - since
        return max(int((moved - before) / passed), 0) if passed > 0.5 else 0


@dataclass
class _Amount:
    """What is expected, and how much of it is there."""

    rate: _Rate
    bytes: int = 0
    moved: int = 0
    rows: int = 0
    done_rows: int = 0

    @property
    def share(self) -> float:
        """From 0 to 1, of the bytes."""
        return min(self.moved / self.bytes, 1.0) if self.bytes else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Until all of it is there, at the rate of late; None where nobody can say."""
        rate = self.rate.now(self.moved)
        return (self.bytes - self.moved) / rate if rate else None

    @property
    def value(self) -> dict[str, Any]:
        """As programs are told of it."""
        left = self.seconds_left
        return {
            "rows": self.rows,
            "done_rows": self.done_rows,
            "bytes": self.bytes,
            "done_bytes": self.moved,
            "bytes_per_second": self.rate.now(self.moved),
            "seconds_left": None if left is None else round(left, 1),
        }


class RunProgress:
    """Hears the events of a run, and tells how far it is. Not for several threads at once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.program = ""  # what became of the rows of a step in Python
        self._begin()

    def _begin(self) -> None:
        self.steps = self.done_steps = 0
        self.estimated = False  # nobody knows how many rows will come
        self._all = _Amount(_Rate(self._clock))
        self._tables: dict[str, _Amount] = {}
        self._expected: dict[int, tuple[int, int]] = {}  # of each step that is left: rows and bytes
        self._moving: Counter[int] = Counter()  # bytes of each step, which a failure takes back
        self._running: dict[int, Step] = {}

    def see(self, event: Event) -> None:
        """Take an event into account."""
        match event:
            case events.Planned():
                self._planned(event)
            case events.Began():
                self._running[event.step.number] = event.step
                for each in self._amounts(event.step):
                    each.rate.see(each.moved)
            case events.Advanced():
                self.program = f"{event.done:,} done, {event.skipped:,} skipped, {event.failed:,} failed"
            case events.Moved():
                self._moving[event.step.number] += event.bytes
                self._add(event.step, moved=event.bytes)
            case events.Retrying():
                self._add(event.step, moved=-self._moving.pop(event.step.number, 0))
            case events.Failed():
                self._running.pop(event.step.number, None)
            case events.Finished():
                self._finished(event)

    def _planned(self, event: events.Planned) -> None:
        self._begin()
        self.steps, self.done_steps = event.steps, event.done_steps
        self._all.rows, self._all.done_rows = event.rows, event.done_rows
        self._all.bytes, self._all.moved = event.bytes, event.done_bytes
        for step in event.left:
            self._expected[step.number] = step.rows, events.size_of(step)
            self.estimated = self.estimated or is_live(step)
            if table := table_of(step):
                found = self._tables.setdefault(table, _Amount(_Rate(self._clock)))
                found.rows += step.rows
                found.bytes += events.size_of(step)
        self._all.rate.see(self._all.moved)

    def _finished(self, event: events.Finished) -> None:
        step = event.step
        self._running.pop(step.number, None)
        self.done_steps += 1
        moved = self._moving.pop(step.number, 0)
        size = moved if is_live(step) else events.size_of(step)
        rows, _ = self._expected.get(step.number, (event.rows, 0))
        self._add(step, moved=size - moved, rows=event.rows - rows, done_rows=event.rows)
        self._expect(step, event.rows, size)

    def _add(self, step: Step, moved: int, rows: int = 0, done_rows: int = 0) -> None:
        for each in self._amounts(step):
            each.moved += moved
            each.rows += rows
            each.done_rows += done_rows
            each.rate.see(each.moved)
        rows_before, size = self._expected.get(step.number, (0, 0))
        if self._moving[step.number] > size:
            self._expect(step, rows_before, self._moving[step.number])

    def _expect(self, step: Step, rows: int, size: int) -> None:
        """Another number of bytes is that of a step."""
        _, before = self._expected.get(step.number, (0, 0))
        for each in self._amounts(step):
            each.bytes += size - before
        self._expected[step.number] = rows, size

    def _amounts(self, step: Step) -> Iterator[_Amount]:
        yield self._all
        if found := self._tables.get(table_of(step)):
            yield found

    @property
    def share(self) -> float:
        """From 0 to 1: of the bytes where there are any, and of the steps."""
        by_steps = self.done_steps / self.steps if self.steps else 1.0
        return (by_steps + (self._all.share if self._all.bytes else by_steps)) / 2

    @property
    def running(self) -> list[str]:
        """The tables whose rows are coming, each with its share and the time left; and other steps."""
        tables = dict.fromkeys(table_of(step) for step in self._running.values())
        found = [self._told(table) for table in tables if table]
        return [*found, *(step.name for step in self._running.values() if not table_of(step))]

    def _told(self, table: str) -> str:
        one = self._tables.get(table)
        if one is None or not one.bytes:
            return table
        parts = [f"{table} {one.share:.0%}", *_pace(one)]
        return ", ".join(parts)

    def __str__(self) -> str:
        return "  ".join(
            [
                f"{self.share:4.0%}",
                f"{self.done_steps:,}/{self.steps:,} steps",
                *self._size,
                *([self.program] if self.program else []),
                *_pace(self._all, "rows in "),
            ]
        )

    @property
    def _size(self) -> list[str]:
        whole = self._all
        if not self.estimated:
            return [f"{whole.done_rows:,}/{whole.rows:,} rows", amount(whole.moved)]
        known = whole.rows > whole.done_rows  # a server that has counted nothing yet says 0
        return [
            f"{whole.done_rows:,} of about {whole.rows:,} rows" if known else f"{whole.done_rows:,} rows",
            f"{amount(whole.moved)} of about {amount(whole.bytes)}",
        ]

    @property
    def value(self) -> dict[str, Any]:
        """As programs are told of it; ``tables`` are those whose rows are coming."""
        running = dict.fromkeys(table_of(step) for step in self._running.values())
        known = {table: self._tables[table] for table in running if table in self._tables}
        return {
            "steps": self.steps,
            "done_steps": self.done_steps,
            "estimated": self.estimated,
            "share": round(self.share, 4),
            **self._all.value,
            "tables": [{"table": table, **each.value} for table, each in known.items()],
        }


def is_live(step: Step) -> bool:
    """Whether rows of a step come from a source, and nobody knows how many they will be."""
    return any(isinstance(piece, LiveRows) for piece in step.segments)


def table_of(step: Step) -> str:
    """Return the table whose rows a step brings; empty where it brings none, or those of several."""
    tables = {piece.table for piece in step.segments if isinstance(piece, LiveRows | CopyBlock)}
    lasting = {table for table in tables if not table.startswith(TEMPORARY)}
    return lasting.pop() if len(lasting) == 1 else ""


def _pace(what: _Amount, before: str = "") -> list[str]:
    """Return the rate, and the time left."""
    rate, left = what.rate.now(what.moved), what.seconds_left
    if not rate:
        return []
    known = left is not None and left >= 1
    return [f"{amount(rate)}/s", *([f"{before}about {_spelled(left or 0)}"] if known else [])]


def _spelled(seconds: float) -> str:
    """Return a time as it is said: ``40 s``, ``12 min``, ``3 h 20 min``."""
    if seconds < _LONGEST:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"{hours}{minutes % 60 if hours else minutes} min"
