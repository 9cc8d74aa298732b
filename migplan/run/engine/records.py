"""The records of the journal: runs and their steps.

Whatever is read from a journal becomes one of these, or a ValidationError: what the constraints of
journal.sql say is asked again, for people who change a journal by hand may have dropped them.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass as validated

from migplan.run.engine.steps import Step

_STRICT = ConfigDict(strict=True, defer_build=True)
_Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Number = Annotated[int, Field(gt=0)]
_Count = Annotated[int, Field(ge=0)]
_Name = Annotated[str, Field(min_length=1)]

Kind = Literal["apply", "rollback", "migrate", "revert", "maintain"]
Ending = Literal["stopped", "failed", "done", "undoing", "undone", "abandoned"]
State = Literal["running", Ending]
StepState = Literal["pending", "failed", "done", "undone"]


_Item = Annotated[tuple[str, str, str, bool], Field(strict=False)]


class _Owned(BaseModel, strict=True, defer_build=True):
    owner: str
    comment: str | None
    privileges: list[_Item]


class _Extension(BaseModel, strict=True, defer_build=True):
    comment: str | None


class _Asked(BaseModel, strict=True, defer_build=True):
    files: list[str]
    to: str
    data_only: bool
    also_changed: bool


_Default = Annotated[tuple[str, str, Literal["r", "S", "f", "T", "n", "L"], list[_Item]], Field(strict=False)]


class _Noted(BaseModel, strict=True, defer_build=True):
    """What stands in a run's ``before``, as far as it is there: journals of earlier versions have less."""

    role: str = ""
    folder: str = ""
    schemas: dict[str, _Owned] = {}
    extensions: dict[str, _Extension] = {}
    defaults: list[_Default] = []
    filled: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = []
    carried: list[str] = []
    asked: _Asked | None = None


def _as_noted(value: Mapping[str, Any]) -> Mapping[str, Any]:
    _Noted.model_validate(value)
    return value


@validated(frozen=True, slots=True, config=_STRICT)
class Run:
    """A run in the journal."""

    run: _Number
    kind: Kind
    bundle: _Name
    digest: _Digest
    steps_digest: _Digest
    undoes: int | None
    state: State
    who: str
    client: str
    program: str
    started_at: datetime
    changed_at: datetime
    finished_at: datetime | None
    rehearsal: str
    before: Annotated[dict[str, Any], AfterValidator(_as_noted)]
    notes: list[str]
    steps: _Count | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if (self.kind == "rollback") != (self.undoes is not None):
            raise ValueError("only a rollback undoes another run, and each does")
        if self.kind == "rollback" and not self.before.get("asked"):
            raise ValueError("before does not say what was asked of the rollback")
        if self.state in {"done", "undone"} and self.finished_at is None:
            raise ValueError(f"it is {self.state}, and finished_at is null")
        return self

    @property
    def stands(self) -> bool:
        """Whether it applied a bundle, and can still be rolled back."""
        return self.kind == "apply" and self.state not in {"undone", "abandoned"}

    @property
    def is_open(self) -> bool:
        """Whether it has not ended and is to be resumed.

        What is left of migrations is done by another run.
        """
        return self.kind in {"apply", "rollback"} and self.state in {
            "running",
            "stopped",
            "failed",
            "undoing",
        }


@validated(frozen=True, slots=True, config=_STRICT)
class Entry:
    """A step in the journal."""

    step: _Number
    file: str
    file_digest: _Digest
    line: _Number
    name: str
    phase: str
    state: StepState
    rows: _Count | None = None
    attempts: _Count = 0
    duration: timedelta | None = None
    transaction: str | None = None
    error: str | None = None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.state == "done" and self.transaction is None:
            raise ValueError("it is done, and transaction is null")
        if (self.state == "failed") != (self.error is not None):
            raise ValueError("only a step that failed has an error, and each does")
        return self


@validated(frozen=True, slots=True, config=_STRICT)
class Past:
    """A step of a migration that was run before."""

    run: _Number
    name: str
    digest: _Digest
    line: _Number
    state: StepState
    at: datetime | None
    who: str
    error: str | None

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.state == "done" and self.at is None:
            raise ValueError("it is done, and finished_at is null")
        return self


@dataclass(frozen=True, slots=True)
class Beginning:
    """The record of a run that begins."""

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
    """Return a digest that tells whether two lists of steps are the same."""
    described = [(step.number, step.file, step.line, step.name, step.rows) for step in steps]
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()
