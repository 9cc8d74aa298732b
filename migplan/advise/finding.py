"""Findings, and the rules that report them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from migplan.advise.context import Context, routine
from migplan.catalog.model import ForeignKey, Function, Policy, Table
from migplan.level import Level
from migplan.names import QualifiedName, quoted


class Need(StrEnum):
    """What a rule cannot do without, beside the catalog."""

    VITALS = "the database itself"
    SCHEMAS = "the schemas that an API exposes"
    ROLES = "the roles of the API"


@dataclass(frozen=True, slots=True)
class Subject:
    """The object of a finding: how it is named, the table in whose document it stands, and its schema."""

    name: str
    table: QualifiedName | None = None
    schema: str = ""  # empty where the table's says it, and for what is in none

    @classmethod
    def of(
        cls,
        what: Subject | Table | ForeignKey | QualifiedName | str,
        table: QualifiedName | None = None,
    ) -> Subject:
        """Return the subject that a table, a key or a name is."""
        match what:
            case Subject():
                return what
            case Table():
                return cls(str(what.name), what.name)
            case ForeignKey():
                return cls(f"{what.table}.{quoted(what.name)}", what.table)
            case QualifiedName():
                return cls(str(what), table, what.schema)
        return cls(str(what), table)

    @classmethod
    def column(cls, table: QualifiedName, column: str) -> Subject:
        """Return the subject for a column."""
        return cls(f"{table}.{quoted(column)}", table)

    @classmethod
    def index(cls, table: QualifiedName, index: str) -> Subject:
        """Return the subject for an index of a table or a materialised view."""
        return cls(f"{QualifiedName(table.schema, index)} on {table}", table)

    @classmethod
    def routine(cls, function: Function) -> Subject:
        """Return the subject for a function or procedure."""
        return cls(routine(function), None, function.name.schema)

    @classmethod
    def policy(cls, table: Table, policy: Policy) -> Subject:
        """Return the subject for a policy."""
        return cls(f"policy {quoted(policy.name)} on {table.name}", table.name)


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
    schema: str = ""  # in which the object is, where it is in one


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
        what: Subject | Table | ForeignKey | QualifiedName | str,
        why: str,
        fix: str = "",
        *,
        table: QualifiedName | None = None,
        level: Level | None = None,
    ) -> Finding:
        """Return a finding of this rule about an object; ``table`` is only for what has none by itself."""
        subject = Subject.of(what, table)
        return Finding(
            code=self.code,
            level=level or self.level,
            title=self.title,
            what=subject.name,
            why=why,
            fix=fix,
            table=subject.table,
            observed=self.observed,
            schema=subject.table.schema if subject.table else subject.schema,
        )

    def blind(self, what: Subject | Table | QualifiedName | str, why: str) -> Blind:
        """Return that the rule could not judge an object, and why; an empty name: the rule did not run."""
        return Blind(self.code, self.title, Subject.of(what).name, why)


class RuleModule(Protocol):
    """A module of ``rules/``. Its docstring is the rule's page: what, when exactly, and why."""

    RULE: Rule

    def find(self, context: Context) -> Iterable[Finding | Blind]:
        """What it finds."""
        ...
