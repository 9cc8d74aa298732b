"""Vitals: how a database is doing, beyond what it is. They are asked for only where advice is wanted."""

from dataclasses import dataclass

from migplan.names import QualifiedName

ROLES = "roles and their members"
"""The name of the roles among what was not read."""


@dataclass(frozen=True, slots=True)
class Role:
    """A role, and whose privileges it has."""

    name: str
    superuser: bool = False
    bypasses_row_security: bool = False
    inherits: tuple[str, ...] = ()  # every role whose privileges it has without SET ROLE, at any distance


@dataclass(frozen=True, slots=True)
class Bloat:
    """An estimate of the space that rewriting a table or B-tree index would free."""

    table: QualifiedName
    bytes: int
    wasted: int
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The position of a sequence, and the greatest value of the columns that it fills."""

    sequence: QualifiedName
    greatest: int | None  # in the columns; the least where the sequence counts down. None: they are empty
    unread: str = ""  # why nobody looked, at all of them or at some
    next: int | None = None  # what the sequence gives next; None: the role may not see it


@dataclass(frozen=True, slots=True)
class Width:
    """How many bytes a text in a key takes on average, as ANALYZE saw it."""

    table: QualifiedName
    column: str
    average: int


@dataclass(frozen=True, slots=True)
class Available:
    """The version of an installed extension that this server would install today."""

    extension: str
    version: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """Statistics, estimates and available extensions, at the catalog's moment."""

    statistics_since: str | None = None  # ISO 8601: since when the server has counted; None: nobody knows
    roles: tuple[Role, ...] = ()
    bloat: tuple[Bloat, ...] = ()
    positions: tuple[Position, ...] = ()
    widths: tuple[Width, ...] = ()
    available: tuple[Available, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # what could not be asked, and why
