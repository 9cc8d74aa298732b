"""Vitals: how a database is doing, beyond what it is. They are asked for only where advice is wanted."""

from __future__ import annotations

from dataclasses import dataclass

from migplan.names import QualifiedName


@dataclass(frozen=True, slots=True)
class Role:
    """A role, and whose privileges it has."""

    name: str
    superuser: bool = False
    bypasses_row_security: bool = False
    inherits: tuple[str, ...] = ()  # every role whose privileges it has without SET ROLE, at any distance


@dataclass(frozen=True, slots=True)
class Bloat:
    """What a table, or one of its B-trees, would not need if it were written anew: an estimate."""

    table: QualifiedName
    bytes: int
    wasted: int
    index: str | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The greatest number in the column that a sequence fills."""

    sequence: QualifiedName
    greatest: int | None  # None: the column is empty
    unread: str = ""  # why nobody looked


@dataclass(frozen=True, slots=True)
class Available:
    """The version of an installed extension that this server would install today."""

    extension: str
    version: str


@dataclass(frozen=True, slots=True)
class Vitals:
    """What the server has counted, estimated and offers, at the catalog's moment."""

    statistics_since: str | None = None  # ISO 8601; None: nobody has reset them since the database was made
    roles: tuple[Role, ...] = ()
    bloat: tuple[Bloat, ...] = ()
    positions: tuple[Position, ...] = ()
    available: tuple[Available, ...] = ()
    unread: tuple[tuple[str, str], ...] = ()  # what could not be asked, and why
