"""Statements that become one step: a transaction of a hundred at most, with the same settings."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from migplan.run.engine.footprints import Footprint, joined
from migplan.run.engine.steps import Statements, Step
from migplan.sql.split import Statement

STATEMENTS = 100

IMPERSONATION = re.compile(r"\s*(SET|RESET)\s+(?:SESSION\s+AUTHORIZATION|ROLE)\b", re.IGNORECASE)


class Chunk:
    """Statements that become one step.

    They have the same settings, and none runs as another role only half.
    """

    def __init__(self, file: str, phase: str, *, whole: bool) -> None:
        self._file = file
        self._phase = phase
        self._whole = whole  # nothing between its statements is left out
        self._statements: list[Statement] = []
        self._texts: list[str | None] = []
        self._footprints: list[Footprint] = []
        self._settings = ""
        self.impersonating = False

    def add(
        self, statement: Statement, settings: str, footprint: Footprint, text: str | None = None
    ) -> Iterator[Step]:
        """Take a statement, or a text in its place; what was there is a step if they do not go together."""
        if self.is_complete(settings, footprint):
            yield from self.close()
        self._settings = settings
        self._statements.append(statement)
        self._texts.append(text)
        self._footprints.append(footprint)
        if found := IMPERSONATION.match(statement.text):
            self.impersonating = found[1].upper() == "SET"

    def close(self) -> Iterator[Step]:
        """The step of what is there."""
        if self._statements:
            step = step_of(self._file, self._phase, self._statements, self._settings, self._footprints)
            pieces = tuple(
                Statements(each.start, each.end, each.line, text)
                for each, text in zip(self._statements, self._texts, strict=True)
            )
            yield step if self._whole else replace(step, segments=pieces)
        self._statements, self._texts, self._footprints = [], [], []

    def is_complete(self, settings: str, footprint: Footprint) -> bool:
        """Whether what is there becomes a step before such a statement is taken."""
        return (bool(self._statements) and not self.impersonating) and (
            len(self._statements) >= STATEMENTS
            or settings != self._settings
            or footprint.everything != self._footprints[-1].everything
            or (self._phase == "rollback" and _locks_many(self._statements[-1]))
        )


def _locks_many(statement: Statement) -> bool:
    """Whether it alone takes as many locks as a transaction should: it empties a batch of tables."""
    return statement.text.startswith(("TRUNCATE ", "DO "))


def step_of(
    file: str, phase: str, statements: Sequence[Statement], settings: str, concerned: Sequence[Footprint]
) -> Step:
    first, last = statements[0], statements[-1]
    name = _first_words(first.text)
    if len(statements) > 1:
        end = last.line + last.text.count("\n")
        name = f"lines {first.line} to {end}, {len(statements)} statements"
    return Step(
        number=0,
        file=file,
        name=name,
        phase=phase,
        line=first.line,
        settings=settings,
        segments=(Statements(first.start, last.end, first.line),),
        footprint=joined(concerned),
        bytes=last.end - first.start,
    )


def _first_words(text: str) -> str:
    """A statement's beginning, on one line: CREATE INDEX rooms_hotel_idx ON public.rooms ..."""
    line = " ".join(text.split()).removesuffix(";")
    return line if len(line) <= 90 else f"{line[:87]}..."
