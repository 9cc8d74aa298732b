"""Which entries the target provides, and what the others need of them."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from migplan.bundle.manifest import ProvidedObject
from migplan.bundle.schema.needs import Need, described, unmet
from migplan.bundle.schema.ownership import FOLLOWERS, Ownership
from migplan.catalog.interfaces import KNOWN, Ask, Interface, interfaces
from migplan.catalog.model import Catalog, Table
from migplan.catalog.provided import Provided
from migplan.names import QualifiedName
from migplan.postgres.archive import RELATIONS, Entry, Named

REASON = "provided, and not ours to make"

_USERS = 5

# What hangs on a relation without its name in front, or names both of them.
_HANGS_ON = frozenset({"INDEX", "INDEX ATTACH", "SEQUENCE OWNED BY", "STATISTICS"})

# The columns that views, policies, defaults, keys and functions with a parsed body use of relations.
_COLUMNS = """
SELECT DISTINCT rn.nspname::text, r.relname::text, a.attname::text,
       coalesce(un.nspname, fn.nspname)::text, coalesce(u.relname, f.proname)::text,
       coalesce(p.polname, t.tgname, '')::text
FROM pg_catalog.pg_depend d
JOIN pg_catalog.pg_class r ON r.oid = d.refobjid
JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
LEFT JOIN pg_catalog.pg_rewrite w ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND w.oid = d.objid
LEFT JOIN pg_catalog.pg_policy p ON d.classid = 'pg_catalog.pg_policy'::regclass AND p.oid = d.objid
LEFT JOIN pg_catalog.pg_trigger t ON d.classid = 'pg_catalog.pg_trigger'::regclass AND t.oid = d.objid
LEFT JOIN pg_catalog.pg_constraint k ON d.classid = 'pg_catalog.pg_constraint'::regclass AND k.oid = d.objid
LEFT JOIN pg_catalog.pg_proc f ON d.classid = 'pg_catalog.pg_proc'::regclass AND f.oid = d.objid
LEFT JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
LEFT JOIN pg_catalog.pg_class u ON u.oid = coalesce(w.ev_class, p.polrelid, t.tgrelid, k.conrelid)
LEFT JOIN pg_catalog.pg_namespace un ON un.oid = u.relnamespace
WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjsubid > 0
  AND (rn.nspname, r.relname) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""


class ProvidedEntries:
    """The entries of an archive that the target provides; asked of each like a function.

    ``tables`` are those of the selected catalog: what people made on provided tables stands in them.
    """

    def __init__(self, entries: Iterable[Entry], provided: Provided, tables: Iterable[Table]) -> None:
        self._entries = {entry.id: entry for entry in entries}
        self.provided = provided
        self._people_made = {
            (kind, table.name.schema, f"{table.name.name} {part.name}")
            for table in tables
            for kind, parts in (("TRIGGER", table.triggers), ("POLICY", table.policies))
            for part in parts
        }
        self._numbers: set[int] = set()
        self._divide()

    def __call__(self, entry: Entry) -> bool:
        """Return whether the target provides an entry."""
        return entry.id in self._numbers

    def relation(self, name: QualifiedName) -> bool:
        """Return whether the target provides a table, a view or the like."""
        return self.provided.relation(name)

    def _divide(self) -> None:
        if not self.provided:
            return
        for number, entry in self._entries.items():
            if self._is_provided(entry):
                self._numbers.add(number)
        # What a provided table owns is told by an entry behind both.
        for entry in self._entries.values():
            if entry.kind == "SEQUENCE OWNED BY" and any(
                self._is_table(self._entries[need]) for need in self._needs(entry) if need in self._numbers
            ):
                self._numbers |= {entry.id, *self._needs(entry)}
        owners = {
            entry.owner
            for number, entry in self._entries.items()
            if number not in self._numbers and self._is_table(entry)
        }
        for number, entry in self._entries.items():
            its_own = entry.owner not in owners and self.provided.role(entry.owner)
            if entry.kind == "DEFAULT ACL" and its_own:
                self._numbers.add(number)

    def _is_provided(self, entry: Entry) -> bool:
        if entry.named in self._people_made:
            return False
        needs = self._needs(entry)
        if entry.kind in FOLLOWERS and needs:
            return all(need in self._numbers for need in needs)
        if self.provided.entry(*entry.named):
            return True
        if entry.kind == "EVENT TRIGGER":
            return any(need in self._numbers for need in needs)
        return entry.kind in _HANGS_ON and any(
            self._is_table(self._entries[need]) for need in needs if need in self._numbers
        )

    def _needs(self, entry: Entry) -> list[int]:
        return [need for need in entry.needs if need in self._entries and need != entry.id]

    @staticmethod
    def _is_table(entry: Entry) -> bool:
        return entry.kind in RELATIONS


def nothing_provided() -> ProvidedEntries:
    """Return that the target provides nothing."""
    return ProvidedEntries((), Provided(), ())


@dataclass
class _Needed:
    """What is needed of one object."""

    weak: bool = True
    users: list[str] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)
    unique: set[tuple[str, ...]] = field(default_factory=set)


def provided_needs(
    ownership: Ownership,
    here: Collection[int],
    provided: ProvidedEntries,
    catalog: Catalog,
    ask: Ask,
) -> Iterator[ProvidedObject]:
    """Yield what the entries ``here`` need of those that the target provides, as the source has it.

    ``catalog`` is that of what is brought, with what it needs of provided tables. ``ask`` asks the source.
    """
    needs = [need for need in unmet(ownership, here) if provided(need.what)]
    found: dict[Named, _Needed] = {}
    for need in needs:
        if name := _subject(need, ownership):
            _note(found.setdefault(name, _Needed()), need)
    _note_keys(found, catalog, provided)
    _note_columns(found, catalog, ask)
    there = interfaces(ask, found)
    for name, needed in sorted(found.items()):
        if name in there:
            yield _written(name, needed, there[name])


def _subject(need: Need, ownership: Ownership) -> Named | None:
    """Return the object that a need is about: parts of a relation count for the whole."""
    what = need.what
    if what.kind in KNOWN:
        return what.kind, what.schema, what.tag
    for number in what.needs:
        other = ownership.entries.get(number)
        if other is not None and other.kind in RELATIONS:
            return other.kind, other.schema, other.tag
    return None


def _note(needed: _Needed, need: Need) -> None:
    needed.weak = needed.weak and need.lacked not in need.by.needs  # what it only calls by way of others
    user = described(need.by)
    if user not in needed.users:
        needed.users.append(user)


def _note_keys(found: dict[Named, _Needed], catalog: Catalog, provided: ProvidedEntries) -> None:
    for key in catalog.foreign_keys:
        if provided.relation(key.referenced):
            name = ("TABLE", key.referenced.schema, key.referenced.name)
            needed = found.setdefault(name, _Needed())
            needed.weak = False
            needed.columns.update(key.referenced_columns)
            needed.unique.add(tuple(sorted(key.referenced_columns)))
            user = f"FK CONSTRAINT {key.table} {key.name}"
            if user not in needed.users:
                needed.users.append(user)


def _note_columns(found: dict[Named, _Needed], catalog: Catalog, ask: Ask) -> None:
    relations = {QualifiedName(*name[1:]): name for name in found if name[0] in RELATIONS}
    ours = {*catalog.by_name, *(view.name for view in catalog.views)}
    ours.update(function.name for function in catalog.functions)
    people_made = {
        (table.name, name)
        for table in catalog.provided
        for name in (*(each.name for each in table.triggers), *(each.name for each in table.policies))
    }
    if not relations:
        return
    names = [[name.schema for name in relations], [name.name for name in relations]]
    for schema, relation, column, user_schema, user, part in ask(_COLUMNS, names):
        by = QualifiedName(user_schema or "", user or "")
        if by in ours or (by, part) in people_made:
            needed = found[relations[QualifiedName(schema, relation)]]
            needed.columns.add(column)


def _written(name: Named, needed: _Needed, there: Interface) -> ProvidedObject:
    kind, schema, tag = name
    return ProvidedObject(
        kind=kind,
        in_schema=schema,
        name=tag,
        needed_by=tuple(needed.users[:_USERS]),
        only_named=needed.weak,
        columns={each: type_ for each, type_ in there.columns.items() if each in needed.columns},
        unique=tuple(sorted(needed.unique)),
        result=there.result,
        labels=there.labels,
        version=there.version,
    )
