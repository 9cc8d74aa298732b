"""Everything that can go wrong, as one tree.

::

    MigplanError                     what happened, and what to do about it
    ├── AddressError                 a name or URL that leads to no database
    ├── DatabaseError                the server, or the way to it, said no
    │   ├── ConnectError             no session could be opened
    │   ├── PrivilegeError           the role may not do this
    │   ├── OldServerError           a server older than migplan knows
    │   ├── ChangedError             others changed the database while it was read
    │   ├── BlockedError             a lock of others stands in the way of reading
    │   ├── JournalError             a journal in the target that cannot be used
    │   ├── LockedError              another run is in progress there
    │   ├── SourceError              the source from which rows come live failed, and not the target
    │   └── StepError                a step of a run failed, and was rolled back
    ├── FileError                    a file that cannot be read, written or understood
    │   ├── YamlError                ... with the line and column that say why
    │   ├── BundleError              a bundle that is not the one that was exported, or not the one begun
    │   └── SignatureError           a signature that is missing, does not fit, or cannot be made
    ├── SelectionError               a schema, table, pattern or rule that is not there
    ├── PlanError                    the plan cannot be made as asked
    │   ├── GroupingError            groups that contradict the foreign keys
    │   └── CycleError               a cycle for which no strategy is left
    ├── RefusedError                 something stands in the way of a run; nothing was changed
    ├── LaunchError                  a throwaway server, or a program of others, that would not start
    └── ArchiveError                 an archive of pg_dump's that cannot be read

Errors carry data; they become a sentence in one place, ``cli/boundary.py``. Exceptions of psycopg,
PyYAML and pydantic are turned into these where they arise, and none of them gets out.
"""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(eq=False)
class MigplanError(Exception):
    """What happened, in one sentence; and what to do about it, if there is something to do."""

    what: str
    do: str = field(default="", kw_only=True)

    def __str__(self) -> str:
        return self.what


@dataclass(eq=False)
class AddressError(MigplanError):
    """A name or URL that leads to no database."""


@dataclass(eq=False)
class DatabaseError(MigplanError):
    """The server, or the way to it, said no.

    ``address`` never contains a password; ``during`` is what migplan was doing, ``said`` what the server
    answered.
    """

    address: str = field(default="", kw_only=True)
    during: str = field(default="", kw_only=True)
    sqlstate: str | None = field(default=None, kw_only=True)
    detail: str = field(default="", kw_only=True)
    said: str = field(default="", kw_only=True)


@dataclass(eq=False)
class ConnectError(DatabaseError):
    """No session could be opened."""


@dataclass(eq=False)
class PrivilegeError(DatabaseError):
    """The role may not do this."""


@dataclass(eq=False)
class OldServerError(DatabaseError):
    """A server older than migplan knows."""


@dataclass(eq=False)
class ChangedError(DatabaseError):
    """Others changed the database while it was read, so what was read is not of one moment.

    ``changes`` names each object; it is empty where the server did not say.
    """

    changes: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class BlockedError(DatabaseError):
    """A lock of others stands in the way of reading; ``blockers`` says whose, on what, since when."""

    blockers: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class JournalError(DatabaseError):
    """A journal in the target that cannot be used."""


@dataclass(eq=False)
class LockedError(DatabaseError):
    """Another run is in progress there."""


@dataclass(eq=False)
class SourceError(DatabaseError):
    """The source from which rows come live failed, and not the target."""

    number: int = field(default=0, kw_only=True)  # of the table it read, where several come together


@dataclass(eq=False)
class StepError(DatabaseError):
    """A step of a run failed: where, and all that the server said. Rolled back, unless ``left`` is set."""

    step: str = field(default="", kw_only=True)
    file: str = field(default="", kw_only=True)
    line: int | None = field(default=None, kw_only=True)
    statement: str = field(default="", kw_only=True)
    hint: str = field(default="", kw_only=True)
    context: str = field(default="", kw_only=True)
    constraint: tuple[str, str, str] = field(default=("", "", ""), kw_only=True)  # its schema, table and name
    left: str = field(default="", kw_only=True)  # what it leaves behind, or that nobody knows
    of_source: bool = field(default=False, kw_only=True)  # the source of its rows failed, not the target

    @property
    def place(self) -> str:
        """``10-data-foundation.sql:36``."""
        return f"{self.file}:{self.line}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.what}" if self.file else self.what


@dataclass(eq=False)
class FileError(MigplanError):
    """A file that cannot be read, written or understood."""

    file: Path | None = field(default=None, kw_only=True)


@dataclass(eq=False)
class YamlError(FileError):
    """A YAML file that says something impossible, and where (line and column start at 1)."""

    line: int | None = field(default=None, kw_only=True)
    column: int | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {self.what}" if place else self.what


@dataclass(eq=False)
class BundleError(FileError):
    """A bundle that is not the one that was exported, or not the one that was begun."""


@dataclass(eq=False)
class SignatureError(FileError):
    """A signature that is missing, does not fit, or cannot be made."""


@dataclass(eq=False)
class SelectionError(MigplanError):
    """A schema, table, pattern or rule that is not there."""


@dataclass(eq=False)
class PlanError(MigplanError):
    """The plan cannot be made as asked."""


@dataclass(eq=False)
class DriftError(PlanError):
    """A plan no longer fits its database."""

    drift: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class GroupingError(PlanError):
    """Groups that contradict the foreign keys; ``keys`` names each key to blame."""

    keys: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class CycleError(PlanError):
    """A cycle of tables for which no strategy is left; ``keys`` are the keys that form it."""

    keys: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(eq=False)
class RefusedError(MigplanError):
    """Something stands in the way of a run; nothing was changed."""


@dataclass(eq=False)
class LaunchError(MigplanError):
    """A throwaway server that would not start; ``log`` holds the last lines that it wrote."""

    log: str = field(default="", kw_only=True)


@dataclass(eq=False)
class ArchiveError(MigplanError):
    """An archive of pg_dump's that cannot be read."""
