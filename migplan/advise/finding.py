"""A finding: what a rule has to say about one object."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from migplan.catalog.model import Catalog
from migplan.graph import ForeignKeyGraph


class Level(StrEnum):
    """How grave it is."""

    ERROR = "error"  # rows will be lost, or will not load
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Level).index(self)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an object that people ought to know."""

    code: str
    level: Level
    title: str
    what: str  # the object
    why: str
    mend: str = ""  # SQL that would put it right


class Rule(Protocol):
    """A module of ``rules/``."""

    CODE: str
    TITLE: str

    def find(self, catalog: Catalog, graph: ForeignKeyGraph) -> Iterable[Finding]:
        """What it finds."""
        ...
