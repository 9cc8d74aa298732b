"""Events of a run, in the order in which they happen, from any of its threads."""

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from migplan.run.engine.steps import Step

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Planned:
    """The size of a run, and how much of it was done before."""

    steps: int
    rows: int
    bytes: int  # as size_of has them
    done_steps: int = 0
    done_rows: int = 0
    done_bytes: int = 0
    left: Sequence[Step] = ()


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that people should know, and that does not stop the run."""

    text: str


@dataclass(frozen=True, slots=True)
class Began:
    """A step begins."""

    step: Step


@dataclass(frozen=True, slots=True)
class Moved:
    """Some bytes of a step's rows are on their way."""

    step: Step
    bytes: int


@dataclass(frozen=True, slots=True)
class Advanced:
    """A batch of a program's rows and its checkpoint are committed."""

    step: Step
    done: int
    skipped: int
    failed: int
    rate: float  # rows a second


@dataclass(frozen=True, slots=True)
class Noticed:
    """The server warns."""

    step: Step
    text: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """A step was rolled back for a reason that passes, and will be tried again."""

    step: Step
    attempt: int
    why: str
    wait: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A step and its entry in the journal are committed."""

    step: Step
    rows: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """A step was rolled back; nothing new begins, and what runs beside it is brought to its end."""

    step: Step
    why: str


Event = Planned | Warned | Began | Moved | Advanced | Noticed | Retrying | Finished | Failed
OnEvent = Callable[[Event], None]


def size_of(step: Step) -> int:
    """Return the bytes of a step, as far as they say how long it takes; those of definitions do not."""
    return 0 if step.phase in {"roles", "schema", "constraints"} else step.bytes


def planned(steps: Sequence[Step], done: Collection[int]) -> Planned:
    """Return the event that says how much there is to do."""
    before = [step for step in steps if step.number in done]
    return Planned(
        len(steps),
        sum(step.rows for step in steps),
        sum(map(size_of, steps)),
        len(before),
        sum(step.rows for step in before),
        sum(map(size_of, before)),
        [step for step in steps if step.number not in done],
    )


def logged(on_event: OnEvent) -> OnEvent:
    """The same, which also tells the logger what is of interest to whoever looks later."""

    def both(event: Event) -> None:
        match event:
            case Planned():
                log.info("%d steps, of which %d were done before", event.steps, event.done_steps)
            case Began():
                log.info("step %d begins: %s", event.step.number, event.step)
            case Finished():
                log.info("step %d is done: %d rows, %.3f s", event.step.number, event.rows, event.seconds)
            case Advanced():
                log.debug("step %d: %d rows done, %d failed", event.step.number, event.done, event.failed)
            case Retrying():
                what = "step %d: try %d failed: %s; the next one is in %.1f s"
                log.warning(what, event.step.number, event.attempt, event.why, event.wait)
            case Noticed():
                log.warning("step %d: %s", event.step.number, event.text)
            case Failed():
                log.error("step %d failed: %s: %s", event.step.number, event.step, event.why)
            case Warned():
                log.warning("%s", event.text)
        on_event(event)

    return both


def ignore(_event: Event) -> None:
    """The listener of callers that want no events."""
