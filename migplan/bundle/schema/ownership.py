"""Which table an entry of the archive belongs to, and what it must come after."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from migplan.bundle.schema.function_bodies import Bodies
from migplan.catalog.model import Catalog
from migplan.names import QualifiedName
from migplan.postgres.archive import RELATIONS, TABLES, Entry, Section

# Entries whose tag begins with the name of the table (or view) that they are about.
_NAMED_AFTER_TABLE = frozenset(
    {
        "DEFAULT",
        "CONSTRAINT",
        "CHECK CONSTRAINT",
        "FK CONSTRAINT",
        "TRIGGER",
        "POLICY",
        "RULE",
        "ROW SECURITY",
        "TABLE ATTACH",
        "PUBLICATION TABLE",
    }
)
FOLLOWERS = frozenset({"COMMENT", "ACL", "SECURITY LABEL", "SEQUENCE OWNED BY"})


def is_unproven(entry: Entry) -> bool:
    """Return whether an entry is a check or NOT NULL that is NOT VALID: existing rows may break it."""
    return entry.kind in {"CHECK CONSTRAINT", "CONSTRAINT"} and entry.definition.rstrip().endswith(
        "NOT VALID;"
    )


@dataclass(frozen=True)
class Ownership:
    """The entries of an archive by number, what each needs, and the table that each belongs to."""

    entries: Mapping[int, Entry]
    needs: Mapping[int, frozenset[int]]
    owner: Mapping[int, QualifiedName]  # the table as declared: of a partition the partition itself
    order: Mapping[int, int]  # the place in the archive
    bodies: Bodies
    tops: Mapping[QualifiedName, QualifiedName]  # of each table the one whose rows its rows are
    columns: Mapping[QualifiedName, tuple[tuple[str, str], ...]]  # of each table: name and type
    named: Mapping[int, frozenset[int]] = field(default_factory=dict)  # needs that only bodies tell of


def ownership_of(entries: Iterable[Entry], catalog: Catalog) -> Ownership:
    """Return the ownership of an archive's entries, which stand behind what they need."""
    by_id = {entry.id: entry for entry in entries}
    order = {number: place for place, number in enumerate(by_id)}
    relations = {
        QualifiedName(entry.schema, entry.tag): entry.id
        for entry in by_id.values()
        if entry.kind in RELATIONS
    }
    finder = _Finder(by_id, relations, catalog)
    owner = {number: found for number, entry in by_id.items() if (found := finder.owner(entry))}
    needs = {
        number: frozenset(need for need in entry.needs if need in by_id and order[need] < order[number])
        for number, entry in by_id.items()
    }
    needs = _after_attachment(by_id, needs, owner, catalog)
    needs = _after_keys(by_id, needs, owner, catalog)
    bodies = Bodies(by_id, catalog)
    named = bodies.needs(order)
    needs |= {number: needs[number] | named[number] for number in named}
    named = {number: found - frozenset(by_id[number].needs) for number, found in named.items()}
    columns = {
        table.name: tuple((column.name, column.type) for column in table.columns) for table in catalog.tables
    }
    return Ownership(by_id, needs, owner, order, bodies, catalog.tops, columns, named)


class _Finder:
    def __init__(
        self, entries: Mapping[int, Entry], relations: Mapping[QualifiedName, int], catalog: Catalog
    ) -> None:
        self._entries = entries
        self._relations = relations
        self._names = {number: name for name, number in relations.items()}
        self._tables = frozenset(catalog.by_name)
        self._indexes = {
            QualifiedName(table.name.schema, index.name): table.name
            for table in catalog.tables
            for index in table.indexes
        }
        self._sequences = {sequence.name: sequence.owned_by for sequence in catalog.sequences}

    def owner(self, entry: Entry) -> QualifiedName | None:
        """Return the table that an entry belongs to; None if it belongs to none."""
        found = self._any_owner(entry)
        return found if found in self._tables else None

    def _any_owner(self, entry: Entry) -> QualifiedName | None:
        name = QualifiedName(entry.schema, entry.tag)
        found: QualifiedName | None = None
        if entry.kind in TABLES:
            found = name
        elif entry.kind in _NAMED_AFTER_TABLE:
            found = self._begins(entry)
        elif entry.kind in {"INDEX", "INDEX ATTACH"}:
            found = self._indexes.get(name)
        elif entry.kind == "SEQUENCE":
            found = self._sequences.get(name)
        elif entry.kind == "STATISTICS":
            found = self._needed_table(entry)
        elif entry.kind in FOLLOWERS:
            subjects = (self._entries[need] for need in entry.needs if need in self._entries)
            found = next(filter(None, map(self._any_owner, subjects)), None)
        return found

    def _begins(self, entry: Entry) -> QualifiedName | None:
        """Return the table that a tag begins with. Names contain blanks: what the entry needs tells."""
        words = entry.tag.split(" ")
        beginnings = (" ".join(words[:length]) for length in range(1, len(words) + 1))
        names = (QualifiedName(entry.schema, beginning) for beginning in beginnings)
        fitting = [name for name in names if name in self._relations]
        needed = [name for name in fitting if self._relations[name] in entry.needs]
        return max(needed or fitting, key=lambda name: len(name.name), default=None)

    def _needed_table(self, entry: Entry) -> QualifiedName | None:
        return next((self._names[need] for need in entry.needs if need in self._names), None)


def _after_attachment(
    entries: Mapping[int, Entry],
    needs: Mapping[int, frozenset[int]],
    owner: Mapping[int, QualifiedName],
    catalog: Catalog,
) -> dict[int, frozenset[int]]:
    """Return needs by which keys and indexes of partitioned tables come after ATTACH PARTITION.

    pg_dump knows that by its sections alone, and we do not keep the sections apart.
    """
    top = catalog.tops
    attached: dict[QualifiedName, set[int]] = {}
    for number, entry in entries.items():
        if entry.kind == "TABLE ATTACH" and number in owner:
            attached.setdefault(top[owner[number]], set()).add(number)
    result = dict(needs)
    for number, entry in entries.items():
        if entry.section is Section.POST_DATA and number in owner:
            result[number] = needs[number] | attached.get(top[owner[number]], set())
    return result


def _after_keys(
    entries: Mapping[int, Entry],
    needs: Mapping[int, frozenset[int]],
    owner: Mapping[int, QualifiedName],
    catalog: Catalog,
) -> dict[int, frozenset[int]]:
    """Return needs by which forced policies come after keys, whose first check they would stop."""
    forced = {table.name for table in catalog.tables if table.force_row_security}
    about: dict[QualifiedName, set[int]] = {}
    for number, entry in entries.items():
        table = catalog.by_name.get(owner[number]) if number in owner else None
        if entry.kind == "FK CONSTRAINT" and table is not None:
            name = entry.tag.removeprefix(f"{table.name.name} ")
            for key in table.foreign_keys:
                if key.name == name:
                    about.setdefault(key.table, set()).add(number)
                    about.setdefault(key.referenced, set()).add(number)
    result = dict(needs)
    for number, entry in entries.items():
        if entry.kind == "ROW SECURITY" and owner.get(number) in forced:
            result[number] = needs[number] | about.get(owner[number], set())
    return result
