"""Where rows come from that no file holds: sessions of a source, one for each worker."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from migplan.postgres.session import Session
from migplan.run.engine.steps import LiveRows, LiveSequences


@dataclass(frozen=True, slots=True)
class Brought:
    """The rows that a source has brought, and how many of them the target has taken."""

    rows: int
    written: int
    bytes: int
    proof: Mapping[str, Any] | None = None  # that the target has them, for the journal
    differs: str = ""  # in a sentence, how what stands in the target is not what was sent
    digest: str = ""  # of rows that update others, with which these are compared at the end of the step


class RowSource(Protocol):
    """What brings rows to one worker. Every failure of the source is a SourceError."""

    def bring(
        self,
        pieces: Sequence[LiveRows],
        target: Session,
        moved: Callable[[int], None],
        look: Callable[[], None],
        filled: Collection[str] = (),
    ) -> list[Brought]:
        """Bring rows into the target's open transaction, and prove it; several pieces cost one journey.

        TargetFailedError says at which of them the target failed; all else that psycopg raises is the
        target's failure, too. ``look`` is called now and then; what it raises ends it. ``filled``: the
        tables into which the transaction has brought rows before.
        """

    def updated(
        self, piece: LiveRows, brought: Brought, target: Session, look: Callable[[], None]
    ) -> Brought:
        """Prove that the rows which a piece was to update in the target have its values now."""

    def sequences(self, piece: LiveSequences) -> str:
        """Return the statements that set sequences to what the source says of them now."""

    def cancel(self) -> None:
        """Stop what it is doing; safe from another thread."""

    def close(self) -> None:
        """End its session."""


class RowSources(Protocol):
    """What gives each worker a source of its own, all of them on one moment."""

    @property
    def readers(self) -> int:
        """How many may read at once; 0: all."""

    def open(self) -> RowSource:
        """Return another one."""

    def confirm(self) -> None:
        """Raise SourceError unless all that was brought is surely of that one moment."""
