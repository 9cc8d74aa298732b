"""A finding, and the rule that has it to say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from migplan.advise.context import Seen
from migplan.level import Level
from migplan.names import QualifiedName


class Need(StrEnum):
    """What a rule cannot do without, beside the catalog."""

    VITALS = "the database itself"
    SCHEMAS = "the schemas that an API exposes"
    ROLES = "the roles of the API"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about an object that people ought to know."""

    code: str
    level: Level
    title: str
    what: str  # the object
    why: str
    fix: str = ""  # SQL that would put it right
    table: QualifiedName | None = None  # in whose document it stands
    observed: bool = False  # seen in counters and sizes: another day it may be gone, with nothing altered


@dataclass(frozen=True, slots=True)
class Blind:
    """An object that a rule could not judge, and why: said, never passed in silence."""

    code: str
    title: str
    what: str  # empty: the rule did not run at all
    why: str


@dataclass(frozen=True, slots=True)
class Rule:
    """What a rule is called, and what it cannot do without."""

    code: str
    title: str
    level: Level
    needs: tuple[Need, ...] = ()
    observed: bool = False

    def finding(
        self,
        what: object,
        why: str,
        fix: str = "",
        *,
        table: QualifiedName | None = None,
        level: Level | None = None,
    ) -> Finding:
        """A finding of this rule."""
        return Finding(self.code, level or self.level, self.title, str(what), why, fix, table, self.observed)

    def blind(self, what: object, why: str) -> Blind:
        """That the rule could not judge an object."""
        return Blind(self.code, self.title, str(what), why)


class RuleModule(Protocol):
    """A module of ``rules/``. Its docstring is the rule's page: what, when exactly, and why."""

    RULE: Rule

    def find(self, seen: Seen) -> Iterable[Finding | Blind]:
        """What it finds."""
        ...
