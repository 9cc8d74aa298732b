"""What a verification found, as plain values: one check a kind, and every difference with its name."""

from dataclasses import dataclass, field

from migplan.catalog.digests import Digest


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was to be; ``examples`` are rows, or the values that break a key.

    What could not be told is one, too, for nothing proves that it is right; then it is not ``known``.
    """

    what: str
    detail: str = ""
    examples: tuple[str, ...] = ()
    known: bool = True

    def __str__(self) -> str:
        return self.what + (f": {self.detail}" if self.detail else "")


@dataclass(frozen=True, slots=True)
class Check:
    """All things of one kind: how many are right, of how many, and what is wrong."""

    name: str
    right: int
    of: int
    differences: tuple[Difference, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing differs."""
        return self.right == self.of and not self.differences


@dataclass
class Tally:
    """What becomes a check: things are counted, and what is wrong with them is gathered."""

    of: int = 0
    right: int = 0
    differences: list[Difference] = field(default_factory=list)

    def check(self, name: str) -> Check:
        """The check of that name."""
        return Check(name, self.right, self.of, tuple(self.differences))


@dataclass(frozen=True, slots=True)
class TableProof:
    """What was compared of a table's rows."""

    table: str
    expected_rows: int
    found: Digest

    strength: str = ""  # 'content', 'count' or 'not read', as both sides allowed


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The rows of a table that refers to itself."""

    table: str
    roots: int
    linked: int

    @property
    def total(self) -> int:
        """All rows."""
        return self.roots + self.linked


MISSING = "missing"
"""The detail of what is not there at all."""

ROLES = "roles and their memberships"
LARGE_OBJECTS = "large objects"
NOT_COMPARED = (
    ROLES,
    "settings of the server, and of the database as far as no file carries them",
    "privileges and comments on the server's own objects (pg_catalog)",
    "tablespaces' places",
    "statistics of the planner",
    "versions of extensions and collations",
    "contents of materialised views whose query runs others' functions, or depends on the moment",
    LARGE_OBJECTS,
    "user mappings",
    "subscriptions",
)
"""All that a verification says nothing of: what is in no bundle, or the server's own."""


def not_compared(*, roles: bool, large_objects: bool) -> tuple[str, ...]:
    """Return what a verification says nothing of, by whether the bundle brings these."""
    brought = {ROLES: roles, LARGE_OBJECTS: large_objects}
    return tuple(each for each in NOT_COMPARED if not brought.get(each))


@dataclass(frozen=True, slots=True)
class Verification:
    """The answer of ``migplan verify``."""

    bundle: str
    target: str
    source: str  # empty: the manifest alone was compared with
    read_at: str  # the moment of the target
    server: str
    checks: tuple[Check, ...]
    tables: tuple[TableProof, ...] = ()
    hierarchies: tuple[Hierarchy, ...] = ()
    notes: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = NOT_COMPARED

    @property
    def holds(self) -> bool:
        """Whether the target is what it was to be."""
        return all(check.holds for check in self.checks)

    @property
    def lacks_tables(self) -> int:
        """How many tables it was to have, where it has none of them; else 0."""
        tables = next((check for check in self.checks if check.name == "Tables"), None)
        if tables is None or tables.right:
            return 0
        return tables.of if all(each.detail == MISSING for each in tables.differences) else 0

    @property
    def differences(self) -> tuple[Difference, ...]:
        """Every difference, in the order of the checks."""
        return tuple(each for check in self.checks for each in check.differences)
