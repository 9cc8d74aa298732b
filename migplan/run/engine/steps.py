"""The steps of a run: what is done whole or not at all, and after what.

The same files give the same steps, with the same numbers, whatever the number of jobs: a run can be resumed
by others, on another machine. No step holds the text of its file; it knows the bytes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Literal, Protocol

from migplan.names import QualifiedName
from migplan.run.engine.footprints import EVERYTHING, EXCLUSIVE, Footprint

PROGRAM = "program"
"""The phase of a step that is a program in Python."""


@dataclass(frozen=True, slots=True)
class Statements:
    """SQL: the bytes of a file from ``start`` up to ``end``; ``text`` where another is run in their place."""

    start: int
    end: int
    line: int
    text: str | None = None


@dataclass(frozen=True, slots=True)
class CopyBlock:
    """Rows for COPY: the bytes of a file from ``start`` up to ``end``."""

    table: str
    columns: tuple[str, ...]
    rows: int
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class LiveRows:
    """Rows that come from the source when the step runs: what ``query`` reads there goes into ``table``."""

    table: str
    columns: tuple[str, ...]
    query: str
    format: Literal["text", "binary"]
    freeze: bool  # the transaction has emptied the table before: rows may come in frozen
    rows: int  # about; 0 where nobody knows
    bytes: int  # about, likewise
    line: int
    updates: str = ""  # of a temporary table: the one whose rows get these values before the step ends


@dataclass(frozen=True, slots=True)
class LiveSequences:
    """Sequences that are set to what the source says of them when the step runs, which is after the rows."""

    names: tuple[QualifiedName, ...]
    line: int


Written = Statements | CopyBlock
"""What stands in a file."""

Segment = Written | LiveRows | LiveSequences


@dataclass(frozen=True, slots=True)
class Step:
    """A transaction: it and its entry in the journal commit together."""

    number: int
    file: str
    name: str
    phase: str
    line: int
    settings: str = ""  # of the session, as the file has made them up to here
    segments: tuple[Segment, ...] = ()
    footprint: Footprint = EVERYTHING
    rows: int = 0
    bytes: int = 0
    weight: int = 0  # how much work it is: what the most work waits for begins first
    non_transactional: str = ""  # the statement, where it cannot be in a transaction
    leaves: str = ""  # the index that such a statement leaves behind, invalid, when it fails half-way
    commits: bool = False  # such a statement commits by itself: tried again, it does again what it did

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"

    @property
    def reads_source(self) -> bool:
        """Whether it has rows, or values of sequences, that come live."""
        return any(isinstance(segment, (LiveRows, LiveSequences)) for segment in self.segments)


class Source(Protocol):
    """Where the content of steps comes from: whoever makes steps knows what their ``file`` stands for."""

    def open(self, name: str, /) -> BinaryIO:
        """Return the bytes; FileError when they are not those of which the steps were made."""


def predecessors(steps: Sequence[Step]) -> list[frozenset[int]]:
    """Return the places of the steps that must be done before each step.

    Two steps keep their order where they touch the same thing in ways that do not go together; a step
    that concerns everything keeps its place among all.
    """
    found: list[frozenset[int]] = []
    using: dict[str, tuple[str, set[int], set[int]]] = {}  # of each thing: how, by whom, and who came before
    alone = -1  # the last that concerned everything
    for place, step in enumerate(steps):
        before: set[int] = {alone} if alone >= 0 else set()
        if step.footprint.everything:
            before |= set(range(max(alone, 0), place))
            using.clear()
            alone = place
        for thing, how in step.footprint.things:
            way, users, earlier = using.get(thing, (how, set(), set()))
            if way == how and how != EXCLUSIVE:
                users.add(place)
            else:
                earlier = users or earlier
                users = {place}
            using[thing] = (how, users, earlier)
            before |= earlier
        found.append(frozenset(before - {place}))
    return found
