"""What the rules have to say about a statement, and what they know of the file when they say it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal, Protocol

from postgast import pg_query_pb2 as pg

from migplan.config import Platform
from migplan.level import Level
from migplan.migrations.model import Migration, Style, file_name
from migplan.sql.effects import effects
from migplan.sql.statements import Parsed
from migplan.sql.tree import relation_name, sql_name

HOME = "public"
"""The schema of names that say none."""
SMALL = 10_000_000
LARGE = 1_000_000_000
"""Bytes: a table below is locked or rewritten at once, one above for minutes."""


Sizes = Mapping[str, int]
"""Bytes of each table of a target by its name as SQL: ``public.hotels``."""
Levels = Mapping[str, Level | Literal["off"]]
"""What somebody set, by code."""
NO_LEVELS: Levels = MappingProxyType({})
EVERY: tuple[str, ...] = ()
"""What a rule says that looks at statements of any kind."""


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk in a statement, why it is one, and how to go about it."""

    code: str
    level: Level
    title: str
    file: Path
    line: int
    statement: str
    why: str
    fix: str = ""
    table: str = ""  # the one concerned
    size: int | None = None  # its bytes in the target, where that is known

    @property
    def place(self) -> str:
        """``001_hotels.sql:12``."""
        return f"{file_name(self.file)}:{self.line}"


@dataclass(frozen=True, slots=True)
class Hit:
    """What a rule found; what it does not say is the rule's own."""

    table: str = ""
    why: str = ""
    fix: str = ""
    level: Level | None = None


@dataclass
class Context:
    """A file as far as it was read: what it made itself is empty, and locked by nobody."""

    migration: Migration
    in_transaction: bool = True
    sizes: Sizes | None = None
    style: Style = Style.PLAIN
    statements: int = 0  # that the file has
    made: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)  # that SET gave a value: lock_timeout, search_path
    said: set[str] = field(default_factory=set)  # codes of rules that speak once a file
    platform: Platform | None = None  # the managed host of the target, where that is said

    def name(self, relation: pg.RangeVar) -> str:
        """A table's name as SQL."""
        return relation_name(relation, HOME)

    def is_filled(self, relation: pg.RangeVar) -> bool:
        """Whether rows may be in it, and others may be at work on it: the file did not make it."""
        return self.name(relation) not in self.made and relation.relpersistence != "t"

    def once(self, code: str) -> bool:
        """Whether a rule speaks for the first time in this file."""
        first = code not in self.said
        self.said.add(code)
        return first

    def see(self, statement: Parsed) -> None:
        """Pass a statement."""
        match statement.kind:
            case "create_stmt" | "create_table_as_stmt":
                self.made |= {each.name_in(HOME) for each in effects(statement.node).creates}
            case "rename_stmt" if statement.node.rename_stmt.rename_type == pg.OBJECT_TABLE:
                renamed = statement.node.rename_stmt
                if self.name(renamed.relation) in self.made:
                    self.made.add(sql_name(renamed.relation.schemaname, renamed.newname, HOME))
            case "variable_set_stmt":
                self.settings.add(statement.node.variable_set_stmt.name.lower())
            case "select_stmt" if "set_config" in statement.text:
                self.settings |= {
                    name for name in ("lock_timeout", "statement_timeout") if name in statement.text
                }
            case _:
                pass


class Rule(Protocol):
    """A module of ``rules/``."""

    CODE: str
    TITLE: str
    LEVEL: Level
    WHY: str
    FIX: str
    STATEMENTS: tuple[str, ...]  # the kinds that it is asked about: alter_table_stmt

    def find(self, statement: Parsed, context: Context) -> Iterable[Hit]:
        """What it finds in a statement."""
        ...
