"""What stands in for the source of a live bundle where only its definitions are tried: no row comes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from migplan.postgres.relay import Look
from migplan.postgres.session import Session
from migplan.run.engine.row_source import Brought
from migplan.run.engine.steps import LiveRows, LiveSequences


@dataclass(frozen=True)
class NoRows:
    """A source of nothing, for all workers."""

    noted: Mapping[str, Any] = field(default_factory=dict)
    readers: int = 0

    def open(self) -> NoRows:
        """Return what brings no rows to one worker."""
        return self

    def confirm(self) -> None:
        """Nothing is of one moment with nothing."""

    def bring(
        self,
        pieces: Sequence[LiveRows],
        target: Session,  # noqa: ARG002 - the protocol has it
        moved: Callable[[int], None],  # noqa: ARG002
        look: Look,  # noqa: ARG002
        filled: Collection[str] = (),  # noqa: ARG002
    ) -> list[Brought]:
        """Bring nothing."""
        return [Brought(0, 0, 0) for _ in pieces]

    def updated(
        self,
        piece: LiveRows,  # noqa: ARG002
        brought: Brought,
        target: Session,  # noqa: ARG002
        look: Look,  # noqa: ARG002
    ) -> Brought:
        """Nothing was updated."""
        return brought

    def sequences(self, piece: LiveSequences) -> str:  # noqa: ARG002
        """Leave sequences where they begin."""
        return "SELECT;"

    def cancel(self) -> None:
        """There is nothing to stop."""

    def close(self) -> None:
        """There is nothing to end."""
