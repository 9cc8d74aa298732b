"""What people choose about a run: how many sessions, how long to wait, how often to try."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a step may wait for locks, and a statement may take; 0: as long as it needs."""

    lock_seconds: float = 60
    statement_seconds: float = 0


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What people choose about a run."""

    jobs: int = 1
    limits: Limits = field(default_factory=Limits)
    retries: int = 5
    protected_as: str = ""  # the name under which the target is protected, where people typed it
