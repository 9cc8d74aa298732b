"""Calling a data step's own code on a row: whatever it raises is reported with the row and the line."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, TypeVar

from migplan.back_off import back_off
from migplan.data import Row, Skip
from migplan.run.data.load import Loaded, line_in
from migplan.run.data.read import Keyed
from migplan.run.engine.worker import StoppedError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row failed, and on which line of the step's file."""

    reason: str
    line: int
    lasting: bool = False  # whatever the row: it is no use to leave it out and go on


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row that was read, and what the step's code made of it."""

    key: tuple[str, ...]
    rows: tuple[Mapping[str, Any], ...] = ()
    skip: str | None = None
    fault: Fault | None = None


Again = Callable[[int, str, float], None]
"""Told before another try: its number, why, and how long it waits."""


class TooManyError(Exception):
    """A row becomes more rows than there is room for."""


def transformed(loaded: Loaded, keyed: Keyed, pace: Pace, again: Again, room: int) -> Outcome:
    """Call the step's function on a row, and again after exceptions that the step calls transient.

    Raise TooManyError if it becomes more rows than there is ``room`` for in a batch that has others.
    """
    step = loaded.step
    attempt = 0
    while True:
        attempt += 1
        try:
            given = step.transform(Row(keyed.row)) if step.transform else keyed.row
            return Outcome(keyed.key, _rows(given, room, pace))
        except Skip as skip:
            return Outcome(keyed.key, skip=skip.why or "no reason given")
        except StoppedError:
            raise
        except TooManyError:
            if room < step.max_rows:
                raise
            what = f"transform made more than {room:,} rows of it, and max_rows is {room:,}"
            return Outcome(keyed.key, fault=Fault(what, loaded.line("transform")))
        except step.transient as error:
            fault = of_own_code(loaded, error, lasting=True)
            if attempt > step.retries:
                tries = f" ({attempt} tries)" if attempt > 1 else ""
                return Outcome(keyed.key, fault=Fault(fault.reason + tries, fault.line, lasting=True))
        except (Exception, SystemExit) as error:
            return Outcome(keyed.key, fault=of_own_code(loaded, error, otherwise="transform"))
        wait = back_off(attempt, step.wait)
        again(attempt, fault.reason, wait)
        pace.pause(wait)


def of_own_code(
    loaded: Loaded, error: BaseException, *, lasting: bool = False, otherwise: str = "transform"
) -> Fault:
    """Return what the step's code raised, with the line in its file, or else the line of what called it."""
    line = line_in(loaded.file, error.__traceback__) or loaded.line(otherwise)
    said = str(error)
    return Fault(type(error).__name__ + (f": {said}" if said else ""), line, lasting)


def _rows(given: object, room: int, pace: Pace) -> tuple[Mapping[str, Any], ...]:
    """One row or several; anything else was a mistake, and most often a missing ``return``."""
    if isinstance(given, Mapping):
        found: tuple[object, ...] = (given,)
    elif inspect.isawaitable(given):
        getattr(given, "close", lambda: None)()
        raise TypeError("transform is an async function, and has to be a plain one")
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        found = tuple(pace.unless_stopped(islice(given, room + 1)))
        if len(found) > room:
            raise TooManyError
    else:
        raise TypeError(
            f"transform returned {_named(given)}, and has to return a row or several; to leave one out: "
            'raise Skip("why")'
        )
    for each in found:
        if not isinstance(each, Mapping):
            raise TypeError(f"transform returned {_named(each)} among its rows")
        if not each:
            raise ValueError("transform returned a row without columns")
    return found  # type: ignore[return-value]  # each was looked at


def _named(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


class Pace:
    """The rate limit of a step. Time is not saved up: after a pause, rows do not go faster than allowed."""

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
        """Wait until the next row may go."""
        now = self._clock()
        if self._next > now:
            self.pause(self._next - now)
        self.refuse_to_go_on()
        self._next = max(self._next, now) + self._between

    def pause(self, seconds: float) -> None:
        """Wait so many seconds, or until the step is to stop; then raise StoppedError."""
        self.refuse_to_go_on()
        self._wait(seconds)
        self.refuse_to_go_on()

    def unless_stopped(self, values: Iterable[_Value]) -> Iterator[_Value]:
        """Yield the values; raise StoppedError as soon as the step is to stop."""
        for value in values:
            self.refuse_to_go_on()
            yield value

    def refuse_to_go_on(self) -> None:
        """Raise StoppedError if the step is to stop."""
        if self._stopping.is_set():
            raise StoppedError
