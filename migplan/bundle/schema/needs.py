"""What entries need of others: which of those that are in no file are needed by those that are, and how.

It stands on the dependencies of pg_dump's archive. A foreign key's are its two tables, a default's its
sequence or function, a trigger's its function. The names in a body that is a string are none of them: they
are needed only when the function is called, so such a need is a weak one, and may be a mistake of ours.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from migplan.bundle.schema.ownership import FOLLOWERS, Ownership
from migplan.names import QualifiedName
from migplan.postgres.archive import ROUTINES, TABLES, TYPES, Entry

KEY = "FK CONSTRAINT"
_CALLED = ROUTINES | {"OPERATOR", "OPERATOR CLASS", "OPERATOR FAMILY"}

# How one kind needs another, said behind the name of what is needed. The first that fits is taken; none: any.
_HOW: tuple[tuple[frozenset[str] | None, frozenset[str] | None, str], ...] = (
    (None, frozenset({"SCHEMA"}), "is its schema"),
    (None, frozenset({"EXTENSION"}), "is the extension that has what it uses"),
    (frozenset({KEY}), None, "is what the key refers to"),
    (frozenset({"TABLE ATTACH"}), TABLES, "is the other half of the partition"),
    (frozenset({"INDEX ATTACH"}), None, "is the other half of the partitioned index"),
    (frozenset({"DEFAULT"}), frozenset({"SEQUENCE"}), "gives the default its next value"),
    (frozenset({"DEFAULT"}), None, "is used by the default"),
    (frozenset({"TRIGGER", "EVENT TRIGGER"}), ROUTINES, "is the function that the trigger calls"),
    (frozenset({"POLICY"}), None, "is used by the policy"),
    (frozenset({"VIEW", "MATERIALIZED VIEW"}), None, "is used by the view"),
    (frozenset({"RULE"}), None, "is used by the rule"),
    (TABLES, TABLES, "is a table that it inherits from, or is the type of a column"),
    (TABLES, TYPES, "is the type of a column"),
    (TABLES, frozenset({"SEQUENCE"}), "gives a column its next value"),
    (TABLES, _CALLED, "is in a default, a check or a generated column"),
    (TYPES, TYPES | TABLES, "is a type that it is made of"),
    (ROUTINES, TYPES | TABLES, "is a type of its arguments or its result, or used by its body"),
    (None, frozenset({"COLLATION"}), "is its collation"),
    (frozenset({"INDEX", "STATISTICS", "CHECK CONSTRAINT", "CONSTRAINT"}), _CALLED, "is in its expression"),
    (frozenset({"PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA"}), None, "is what is published"),
)


@dataclass(frozen=True, slots=True)
class Need:
    """An entry that is in no file, and one that is and needs it."""

    lacked: int
    what: Entry
    user: int
    by: Entry
    how: str  # said of ``what``: "is the type of a column"
    weak: bool = False  # a function's body names it, and nothing is missed before the function is called

    def __str__(self) -> str:
        """Return the need as a sentence for people."""
        return f"{described(self.by)} needs {described(self.what)}, which {self.how}"


def described(entry: Entry) -> str:
    """Return an entry as people are told of it: pg_dump's kind, and the name with its schema."""
    name = f"{entry.schema}.{entry.tag}" if entry.schema else entry.tag
    return f"{entry.kind} {name}"


def unmet(ownership: Ownership, here: Collection[int], *, bodies: bool = True) -> tuple[Need, ...]:
    """Return what the entries ``here`` need of entries that are not, in the archive's order.

    ``here`` are the numbers of the entries that are in files. What an entry needs only by way of another one
    that is not here is no need of its own. Without ``bodies`` functions are not asked for what their bodies
    name.
    """
    inside = frozenset(here)
    return tuple(
        need
        for number in ownership.entries
        if number in inside
        for need in needs_of(ownership, number, bodies=bodies)
        if need.lacked not in inside
    )


def needs_of(ownership: Ownership, number: int, *, bodies: bool = True) -> Iterator[Need]:
    """Yield everything that one entry needs, wherever that is; ``bodies``: what its body names as well."""
    by = ownership.entries[number]
    declared = [
        need
        for need in by.needs
        if need in ownership.entries and need != number and not _owns(ownership.entries[need], by)
    ]
    evaluated = sorted(ownership.named.get(number, frozenset()))
    named = sorted(ownership.bodies.named_in(number)) if bodies and by.kind in ROUTINES else []
    for need in dict.fromkeys((*declared, *evaluated, *named)):
        what = ownership.entries[need]
        if by.kind in FOLLOWERS and what.kind in FOLLOWERS:
            continue
        weak = need not in declared and need not in evaluated
        said = "is named by its body" if need not in declared else _how(ownership, number, what)
        yield Need(need, what, number, by, said, weak)


def _owns(table: Entry, sequence: Entry) -> bool:
    """Return whether a table only owns a sequence: but for identities it can be made without the table."""
    return (
        sequence.kind == "SEQUENCE"
        and table.kind in TABLES
        and sequence.definition.lstrip().startswith("CREATE SEQUENCE")
    )


def _how(ownership: Ownership, number: int, what: Entry) -> str:
    """Return how one entry needs another, said of the other."""
    by = ownership.entries[number]
    fitting = (
        said
        for users, used, said in _HOW
        if (users is None or by.kind in users) and (used is None or what.kind in used)
    )
    about = by.kind in FOLLOWERS or number in ownership.owner
    said = next(fitting, "is what it is about" if about else "is part of it")
    if by.kind in TABLES and said.endswith("the type of a column"):
        return _of_columns(ownership, by, what) or said
    return said


def _of_columns(ownership: Ownership, table: Entry, what: Entry) -> str:
    """Return how columns of a table need a type, by their names; empty if none is of that very type."""
    found = ownership.columns.get(QualifiedName(table.schema, table.tag), ())
    wanted = str(QualifiedName(what.schema, what.tag))
    names = [name for name, type_ in found if type_.removesuffix("[]") == wanted]
    if not names:
        return ""
    return f"is the type of column{'s' if len(names) > 1 else ''} {', '.join(names)}"
