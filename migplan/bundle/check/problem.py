"""Problems of a bundle, as `migplan check` reports them."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What sort of problem it is."""

    MANIFEST = "manifest"  # it contradicts itself
    MISSING = "missing"  # a file that should be there
    UNLISTED = "unlisted"  # a file that the manifest does not know
    CHANGED = "changed"  # not the bytes that were exported
    SYNTAX = "syntax"
    META_COMMAND = "meta-command"  # only psql would understand it
    PLACE = "place"  # a step or its rows are not where the manifest says
    ROWS = "rows"  # other rows than the manifest says, or not as many
    ORDER = "order"  # something comes before what it needs
    LACKS = "lacks"  # something needs what nothing brings
    ROLLBACK = "rollback"  # nothing rolls the file back


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in a bundle; the one that runs first is the smaller one."""

    number: int  # of the file
    offset: int
    line: int
    file: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, and where (lines start at 1); and what to do about it, if there is something to do."""

    kind: Kind
    file: str
    line: int | None
    what: str
    do: str = ""
