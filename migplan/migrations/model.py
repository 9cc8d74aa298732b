"""Hand-written migrations as plain values: what stands in a folder, and what each file does.

A folder is read once, into a :class:`Folder` of :class:`Migration`; a migration's SQL into :class:`Use`.
Nothing here looks at a server.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Literal

from migplan.names import quoted, split
from migplan.sealed_files import Seal


class Style(StrEnum):
    """Whose habits a folder follows; it is taken as it is."""

    PLAIN = "plain"  # NAME.sql, with NAME.down.sql and NAME.verify.sql beside it, or sections
    SUPABASE = "supabase"  # 20251001015000_name.sql
    DBMATE = "dbmate"  # -- migrate:up, -- migrate:down
    GOOSE = "goose"  # -- +goose Up, -- +goose Down
    SQL_MIGRATE = "sql-migrate"  # -- +migrate Up, -- +migrate Down
    FLYWAY = "flyway"  # V1__name.sql, U1__name.sql, R__name.sql
    GOLANG_MIGRATE = "golang-migrate"  # 1_name.up.sql, 1_name.down.sql
    PRISMA = "prisma"  # NAME/migration.sql
    DIESEL = "diesel"  # NAME/up.sql, NAME/down.sql
    SQITCH = "sqitch"  # sqitch.plan, deploy/, revert/, verify/

    @property
    def way_back(self) -> str:
        """Return where people write the way back of a migration, to go on after "write it"."""
        return _WAYS_BACK.get(self, f"{_SECTION} of the file")


_SECTION = "as a section, after a line -- migplan: down at the end"
_WAYS_BACK = {
    Style.PLAIN: f"as NAME.down.sql beside the file, or {_SECTION} of the file",
    Style.DBMATE: "at the end of the file, after a line -- migrate:down",
    Style.GOOSE: "at the end of the file, after a line -- +goose Down",
    Style.SQL_MIGRATE: "at the end of the file, after a line -- +migrate Down",
    Style.FLYWAY: f"as U<version>__NAME.sql, or {_SECTION} of the file",
    Style.GOLANG_MIGRATE: "as NAME.down.sql beside NAME.up.sql",
    Style.PRISMA: "as down.sql beside migration.sql",
    Style.DIESEL: "as down.sql beside up.sql",
    Style.SQITCH: "as revert/NAME.sql",
}


ID_FILE = "migplan.id"
"""The file of a folder that says by which name journals are to know its migrations."""

_OF_A_FOLDER = frozenset({"migration.sql", "up.sql", "down.sql"})


def file_name(file: Path) -> str:
    """Return the name by which people know a file: with its folder's, where all files are called so."""
    return f"{file.parent.name}/{file.name}" if file.name in _OF_A_FOLDER else file.name


Kind = Literal["sql", "python", "seed", "maintenance"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a file that runs: its bytes from ``start`` up to ``end``, the first of them on ``line``."""

    file: Path
    start: int
    end: int
    line: int = 1
    seal: Seal | None = field(default=None, compare=False, repr=False)  # of the whole file, as it was read


@dataclass(frozen=True, slots=True)
class Told:
    """What a line ``-- migplan: provides KIND NAME`` or ``-- migplan: needs KIND NAME`` says."""

    is_needed: bool
    thing: Thing
    line: int


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration: what it does, how it is rolled back, how it is looked at afterwards."""

    name: str  # its file's, without what stands for its kind: 20251001015000_add_prospective_sessions_table
    number: str  # 20251001015000; empty where the name has none
    kind: Kind
    up: Part
    digest: str  # SHA-256 of the statements of ``up``: what else changes makes no other migration of it
    byte_digest: str = ""  # of its bytes: what journals of earlier versions have
    down: Part | None = None
    verify: Part | None = None
    told: tuple[Told, ...] = ()
    requires: tuple[str, ...] = ()  # names, by -- migplan: requires NAME, or a plan that says so
    in_transaction: bool = True  # -- migplan: no-transaction
    repeatable: bool = False  # it runs again when it has changed
    conflicts: tuple[str, ...] = ()  # names that must not be applied beside it (sqitch)
    schedule: str = ""  # of maintenance, by -- migplan: maintenance SCHEDULE; empty: by hand only
    reworked_as: str = ""  # a later migration that does it anew (sqitch): what it left is another's now

    @property
    def digests(self) -> frozenset[str]:
        """Those by which a journal may know it."""
        return frozenset({self.digest, self.byte_digest})

    @property
    def is_ordered(self) -> bool:
        """Whether it has its place in the order; maintenance runs when it is asked for."""
        return self.kind != "maintenance"


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a folder that people ought to know, and that stops nothing."""

    file: Path
    what: str
    line: int = 1
    left_out: bool = False  # the file is not read

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Folder:
    """The migrations of a folder, in the order of their numbers and names."""

    path: Path
    style: Style
    migrations: tuple[Migration, ...]
    in_this_order: bool = False  # the folder has a plan of its own that orders them (sqitch)
    remarks: tuple[Remark, ...] = ()
    id: str = ""  # by which journals are to know it, as its file ``migplan.id`` says
    known_as: str = ""  # the history in a journal that turned out to be its own

    @property
    def name(self) -> str:
        """What journals know it by, wherever it lies."""
        return self.known_as or self.id or self.base_name

    @property
    def base_name(self) -> str:
        """The last part of its path."""
        return self.path.resolve().name

    def __getitem__(self, name: str) -> Migration:
        for migration in self.migrations:
            if migration.name == name:
                return migration
        raise KeyError(name)


class ThingKind(StrEnum):
    """What a statement may be about."""

    SCHEMA = "schema"
    EXTENSION = "extension"
    ROLE = "role"
    TYPE = "type"
    TABLE = "table"  # views, too: a name that stands for rows
    COLUMN = "column"
    SEQUENCE = "sequence"
    FUNCTION = "function"
    INDEX = "index"
    CONSTRAINT = "constraint"
    TRIGGER = "trigger"
    POLICY = "policy"
    OTHER = "other"


@dataclass(frozen=True, slots=True, order=True)
class Thing:
    """Something that has a name: ``public.hotels``, or ``public.hotels.id`` for what belongs to a table."""

    kind: ThingKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def schema(self) -> Thing | None:
        """The schema that it is in, as far as its name says one."""
        if "." not in self.name or self.kind in {ThingKind.EXTENSION, ThingKind.ROLE, ThingKind.OTHER}:
            return None
        first = quoted(split(self.name)[0]) if self.name.startswith('"') else self.name.partition(".")[0]
        return Thing(ThingKind.SCHEMA, first)


# "calls" is a need of a function that runs with the statement, so that what its body uses is needed then.
# "clouds" says that SQL runs which cannot be read: it may make, rename or drop what has the kinds of the use.
How = Literal["creates", "alters", "drops", "renames", "needs", "fills", "calls", "clouds"]


@dataclass(frozen=True, slots=True)
class Use:
    """What a statement does to a thing, and where (lines of the file start at 1)."""

    how: How
    thing: Thing
    line: int
    statement: str  # its beginning, on one line
    sure: bool = True  # False: from a function's body, or text that is run as SQL, as far as it can be read
    tolerant: bool = False  # IF NOT EXISTS, OR REPLACE, IF EXISTS: it does not fail when it is there, or not
    signature: str = ""  # of a function that is made or dropped: the types of its arguments
    of: Thing | None = None  # of something made: what it goes away with, such as an index's table
    also: tuple[
        Thing, ...
    ] = ()  # of a need: what else the name may mean; the first that somebody makes counts
    inside: Thing | None = None  # the function in whose body it stands, and which does not run here
    number: int = 0  # of the statement in its file: what one statement does, it does at once
    digest: str = ""  # of the statement, where its beginning is not all of it
    to: Thing | None = None  # the new name of what is renamed, or goes to another schema
    cascade: bool = False
    by: Thing | None = None  # of a need: what goes away with the needed thing by CASCADE
    unless: Thing | None = (
        None  # nothing is done where this is there: the table of CREATE TABLE IF NOT EXISTS
    )
    chosen: tuple[str, str, str] | None = None  # what the server makes a name from, where none is said
    columns: tuple[str, ...] = ()  # that something made on a table uses: it goes with any of them
    detail: str = (
        ""  # of a constraint its kind as pg_constraint has it; of a table "v" for a view, "p" for a part;
        # of a policy "q" where it queries tables
    )
    clouds: frozenset[ThingKind] = frozenset()
