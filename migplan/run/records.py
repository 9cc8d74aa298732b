"""What the journal has on record: runs, their steps, and what a new run says of itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from migplan.run.steps import Step

Kind = Literal["apply", "rollback", "migrate", "revert", "maintain"]
Ending = Literal["stopped", "failed", "done", "undoing", "undone", "abandoned"]


@dataclass(frozen=True, slots=True)
class Run:
    """A run, as the journal has it."""

    run: int
    kind: Kind
    bundle: str
    digest: str
    steps_digest: str
    undoes: int | None
    state: str
    who: str
    client: str
    program: str
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    rehearsal: str
    before: Mapping[str, Any]
    notes: Sequence[str]
    steps: int | None = None

    @property
    def stands(self) -> bool:
        """Whether it is a bundle's, and anything of it can still be taken back."""
        return self.kind == "apply" and self.state not in {"undone", "abandoned"}

    @property
    def is_open(self) -> bool:
        """Whether it was begun and is to be gone on with; what is left of migrations is another run's."""
        return self.kind in {"apply", "rollback"} and self.state in {
            "running",
            "stopped",
            "failed",
            "undoing",
        }


@dataclass(frozen=True, slots=True)
class Entry:
    """A step, as the journal has it."""

    step: int
    file: str
    file_digest: str
    line: int
    name: str
    phase: str
    state: str
    rows: int | None = None
    attempts: int = 0
    duration: timedelta | None = None
    transaction: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """A step of a migration, and how it stands."""

    run: int
    name: str
    digest: str
    line: int
    state: str
    at: datetime | None
    who: str
    error: str | None


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a new run has to say of itself."""

    kind: Kind
    bundle: str
    digest: str
    steps: Sequence[Step]
    file_digests: Mapping[str, str]
    undoes: int | None = None
    rehearsal: str = ""
    before: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


def digest_of(steps: Sequence[Step]) -> str:
    """What tells whether two divisions of a bundle are the same."""
    described = [(step.number, step.file, step.line, step.name, step.rows) for step in steps]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()
