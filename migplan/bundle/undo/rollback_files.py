"""Rollback files: each rolls back the file of the same name, and they run from the highest number down.

Nothing in them says CASCADE for what others made: where something outside of the bundle needs what is to go,
the file stops. Drops may be repeated, and run over a file that ran only in part.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from migplan.bundle.manifest import LoadedTable, Manifest
from migplan.bundle.schema.ddl import SESSION, is_of_extension
from migplan.bundle.schema.ownership import FOLLOWERS, Ownership
from migplan.bundle.schema.roles import Owners
from migplan.bundle.undo import reversal
from migplan.bundle.undo.truncate_sql import truncate_sql
from migplan.catalog.model import Catalog
from migplan.names import QualifiedName
from migplan.postgres.archive import TABLES, Entry
from migplan.sql.text import do_block, one_line
from migplan.text.wording import counted

_SETTINGS = SESSION + "SELECT pg_catalog.set_config('search_path', '', false);\n"

# These are made within others and go with them; there is nothing to drop.
_WITHIN = frozenset(
    {
        "INDEX ATTACH",
        "PUBLICATION TABLE",
        "PUBLICATION TABLES IN SCHEMA",
        "SEQUENCE OWNED BY",
        "SHELL TYPE",
        "TABLE ATTACH",
    }
)

_PLURALS = {"index": "indexes", "policy": "policies", "statistics": "statistics"}


def rollback_of_schema(
    manifest: Manifest, file: str, order: Sequence[int], ownership: Ownership, owners: Owners
) -> str:
    """Return the rollback of a schema or constraints file whose entries stand in this order."""
    provided = {(each.in_schema, each.name) for each in manifest.provided if each.kind in TABLES}
    undoing = _Rollback(order, ownership, owners, frozenset(provided))
    dropped = [ownership.entries[number] for number in order if undoing.says_so(number)]
    header = [*_opening(manifest, file), *_drops(manifest, dropped), *_before(manifest, file)]
    return _text(header, undoing.statements())


def rollback_of_data(
    manifest: Manifest,
    file: str,
    catalog: Catalog,
    order: Sequence[int] = (),
    ownership: Ownership | None = None,
    owners: Owners | None = None,
) -> str:
    """Return the rollback of a data file; ``order`` has the keys that the file creates after its rows."""
    tables = manifest.filled_by(file)[::-1]
    header = [*_opening(manifest, file), *_empties(tables, live=manifest.is_live), *_before(manifest, file)]
    keys = list(_Rollback(order, ownership, owners or Owners()).statements()) if ownership else []
    rows = list(truncate_sql(manifest, tables, catalog)) if tables else []
    return _text(header, [*keys, *rows, *_left_as_they_are(manifest, file)])


def rollback_of_large_objects(manifest: Manifest, file: str) -> str:
    """Return the rollback of the file that brings large objects: a statement for each of its steps."""
    found = manifest.file(file)
    unlinked = counted(len(found.large_objects), "large object")
    header = [
        f"-- Rolls back {one_line(file)} of the bundle {one_line(manifest.name)}.",
        "--",
        f"-- Unlinks {unlinked}, with whatever was written to them since.",
        *_before(manifest, file),
    ]
    seen: set[int] = set()
    statements = []
    for step in found.steps:
        numbers = [number for number in step.large_objects if number not in seen]
        seen.update(numbers)
        statements += [unlinking(numbers)] if numbers else []
    return _text(header, statements[::-1])


def unlinking(numbers: Sequence[int]) -> str:
    """Return the statement that unlinks those of some large objects that are there."""
    listed = ",".join(map(str, numbers))
    return do_block(
        "    PERFORM pg_catalog.lo_unlink(m.oid) FROM pg_catalog.pg_largeobject_metadata m\n"
        f"    WHERE m.oid = ANY ('{{{listed}}}'::pg_catalog.oid[]);"
    )


@dataclass(frozen=True)
class _Rollback:
    """Rolls back the entries of one file, from the last to the first."""

    order: Sequence[int]
    ownership: Ownership
    owners: Owners
    provided: frozenset[tuple[str, str]] = frozenset()  # tables that the target brings, by schema and name

    def statements(self) -> Iterator[str]:
        """Yield the statements, each with its semicolon."""
        for number in reversed(self.order):
            yield from self._statements(number)
            for sequence in self._to_be_owned(number):
                yield reversal.drop_if_exists(self._entry(sequence))
        for number in reversed(self.order):  # if the file ran only in part, attached to nothing
            if self._is_attached(number) and self._host(number) not in self._place:
                yield reversal.drop_if_exists(self._entry(number))

    def says_so(self, number: int) -> bool:
        """Return whether an entry is dropped by a statement of its own."""
        return reversal.can_be_dropped(self._entry(number)) and not self._needs_nothing(number)

    def _statements(self, number: int) -> Iterator[str]:
        entry = self._entry(number)
        if self._needs_nothing(number):
            return
        if entry.kind == "EXTENSION":
            yield "-- Leave this statement out if the extension was there before the bundle came."
        if reversal.can_be_dropped(entry):
            yield self._drop(number, entry)
        elif reversal.is_standard_schema(entry):
            yield from self._standard_schema(entry)
        elif entry.kind == "ACL":
            yield from reversal.privileges_back(self.owners.definition(entry))
        elif entry.kind == "DEFAULT ACL":
            yield from reversal.default_privileges_back(entry, self.owners.definition(entry))
        elif entry.kind in {"COMMENT", "SECURITY LABEL"}:
            yield reversal.comment_removed(entry)
        elif entry.kind == "ROW SECURITY":
            yield reversal.no_row_security(entry)
        else:
            yield f"-- Nothing is known that rolls back {entry.kind} {one_line(entry.tag)}."

    def _drop(self, number: int, entry: Entry) -> str:
        if keyed := [self._parted(part) for part in self._keyed_parts(number)]:
            return reversal.drop_index_over_keys(entry, keyed)
        if self._is_on_provided(entry):
            return reversal.drop_trigger_of_others(entry)
        if triggers := [each for each in self._triggers_of_others if number in each.needs]:
            return reversal.drop_with_triggers(entry, triggers)
        return reversal.drop_if_exists(entry)

    def _is_on_provided(self, entry: Entry) -> bool:
        """Return whether an entry is a trigger on a table that the target brings."""
        needs = (self._entry(need) for need in entry.needs if need in self.ownership.entries)
        return entry.kind == "TRIGGER" and any(
            need.kind in TABLES and (need.schema, need.tag) in self.provided for need in needs
        )

    @cached_property
    def _triggers_of_others(self) -> Sequence[Entry]:
        if not self.provided:
            return []
        return [entry for entry in self.ownership.entries.values() if self._is_on_provided(entry)]

    def _standard_schema(self, entry: Entry) -> Iterator[str]:
        yield "-- Schema public is in every new database: it stays, as it was made there."
        if self.owners.of(entry) not in {"", "pg_database_owner"}:
            yield reversal.standard_owner()

    def _needs_nothing(self, number: int) -> bool:
        """Return whether an entry goes with what it is a part of, or is not an object."""
        entry = self._entry(number)
        if entry.kind in _WITHIN or self._is_attached(number) or is_of_extension(entry):
            return True
        if entry.kind in FOLLOWERS:
            return any(self._vanishes(need) for need in entry.needs if need in self.ownership.entries)
        return self._goes_with_its_host(number)

    def _to_be_owned(self, table: int) -> Iterator[int]:
        """Yield a table's sequences that must be dropped if the file stopped before the table owned them."""
        return (number for number in self._sequences.get(table, ()) if self._goes_with_its_host(number))

    def _vanishes(self, number: int) -> bool:
        """Return whether the subject of a comment or privilege is rolled back by some file of the bundle."""
        entry = self._entry(number)
        return reversal.can_be_dropped(entry) or self._host(number) is not None

    def _goes_with_its_host(self, number: int) -> bool:
        """Return whether an entry goes when its table is dropped, by this file.

        Not when something that it needs was made after the table: that is dropped before the table, and
        could not be, as long as this is there. So keys in circles have statements of their own.
        """
        host = self._host(number)
        if host is None or host not in self._place:
            return False
        return all(
            self._place[need] <= self._place[host] or self._goes_along(need, host)
            for need in self._entry(number).needs
            if need in self._place
        )

    def _goes_along(self, number: int, host: int) -> bool:
        return self._host(number) == host and self._needs_nothing(number)

    def _host(self, number: int) -> int | None:
        """Return the entry that takes this one along when it is dropped."""
        entry = self._entry(number)
        if entry.kind in TABLES:
            return None
        if number in self.ownership.owner:
            return self._tables.get(self.ownership.owner[number])
        wanted = {"CHECK CONSTRAINT": "DOMAIN", "DEFAULT ACL": "SCHEMA"}.get(entry.kind)
        for need in entry.needs:
            if need in self.ownership.entries and self._entry(need).kind == wanted:
                return need if reversal.can_be_dropped(self._entry(need)) else None
        return None

    def _is_attached(self, number: int) -> bool:
        """Return whether an entry is part of a partitioned index or key, which takes it along."""
        entry = self._entry(number)
        owner = self.ownership.owner.get(number)
        if entry.kind not in {"INDEX", "CONSTRAINT"} or owner is None:
            return False
        name = entry.tag if entry.kind == "INDEX" else entry.tag.removeprefix(f"{owner.name} ")
        return QualifiedName(entry.schema, name) in self._attached

    def _keyed_parts(self, number: int) -> Iterator[int]:
        """Yield keys of partitions that are parts of an index which is not a key, and prevent its DROP."""
        for part in self._parts.get(number, ()):
            if self._entry(part).kind == "CONSTRAINT":
                if self.ownership.owner[part] in self._attachments:
                    yield part
            else:
                yield from self._keyed_parts(part)

    def _parted(self, key: int) -> tuple[Entry, Entry]:
        """Return a key of a partition, and the statement that attaches the partition."""
        attached = self._attachments[self.ownership.owner[key]]
        return self._entry(key), self._entry(attached)

    @cached_property
    def _parts(self) -> Mapping[int, Sequence[int]]:
        """The indexes and keys that are attached to each index."""
        attaching = [entry for entry in self.ownership.entries.values() if entry.kind == "INDEX ATTACH"]
        if not attaching:
            return {}
        named = {self._index_name(number): number for number in self.ownership.entries}
        found: dict[int, list[int]] = {}
        for entry in attaching:
            part = named.get(QualifiedName(entry.schema, entry.tag))
            whole = [need for need in entry.needs if need != part and self._is_index(need)]
            if part is not None and whole:
                found.setdefault(whole[0], []).append(part)
        return found

    def _is_index(self, number: int) -> bool:
        return number in self.ownership.entries and self._entry(number).kind == "INDEX"

    def _index_name(self, number: int) -> QualifiedName | None:
        entry, owner = self._entry(number), self.ownership.owner.get(number)
        if entry.kind == "CONSTRAINT" and owner is not None:
            return QualifiedName(entry.schema, entry.tag.removeprefix(f"{owner.name} "))
        return QualifiedName(entry.schema, entry.tag) if entry.kind == "INDEX" else None

    @cached_property
    def _attachments(self) -> Mapping[QualifiedName, int]:
        """The entry that attaches each partition."""
        entries = self.ownership.entries
        kinds = {number for number, entry in entries.items() if entry.kind == "TABLE ATTACH"}
        return {self.ownership.owner[number]: number for number in kinds if number in self.ownership.owner}

    def _entry(self, number: int) -> Entry:
        return self.ownership.entries[number]

    @cached_property
    def _sequences(self) -> Mapping[int, Sequence[int]]:
        """The sequences of each table that have a DROP of their own: not those of identity columns."""
        found: dict[int, list[int]] = {}
        for number in reversed(self.order):
            host = self._host(number)
            if host is not None and self._entry(number).drop.startswith("DROP SEQUENCE "):
                found.setdefault(host, []).append(number)
        return found

    @cached_property
    def _place(self) -> Mapping[int, int]:
        return {number: place for place, number in enumerate(self.order)}

    @cached_property
    def _tables(self) -> Mapping[QualifiedName, int]:
        return {
            self.ownership.owner[number]: number
            for number, entry in self.ownership.entries.items()
            if entry.kind in TABLES and number in self.ownership.owner
        }

    @cached_property
    def _attached(self) -> Collection[QualifiedName]:
        return {
            QualifiedName(entry.schema, entry.tag)
            for entry in self.ownership.entries.values()
            if entry.kind == "INDEX ATTACH"
        }


def _left_as_they_are(manifest: Manifest, file: str) -> Iterator[str]:
    sequences = [value.sequence for value in manifest.sequences if value.file == file]
    if sequences:
        yield "-- Sequences keep their values, as after any deletion. To let them begin anew:"
        yield from (f"--   ALTER SEQUENCE {one_line(sequence)} RESTART;" for sequence in sequences)
    if any(step.name == "materialised views" for step in manifest.file(file).steps):
        yield "-- Materialised views still show the rows, until they are refreshed or dropped."


def _opening(manifest: Manifest, file: str) -> list[str]:
    group = manifest.file(file).group
    return [
        f"-- Rolls back {one_line(file)}, group {one_line(group)} of the bundle {one_line(manifest.name)}.",
        "--",
    ]


def _drops(manifest: Manifest, dropped: Sequence[Entry]) -> Iterator[str]:
    kinds = Counter(entry.kind.lower() for entry in dropped)
    listed = ", ".join(
        counted(number, kind, _PLURALS.get(kind, "")) for kind, number in sorted(kinds.items())
    )
    yield f"-- Drops {listed}, and what is a part of them." if listed else "-- Drops nothing."
    names = {str(QualifiedName(entry.schema, entry.tag)) for entry in dropped if entry.kind in TABLES}
    if names:
        rows = sum(table.rows for table in manifest.tables if table.table in names)
        brought = "those of the source" if manifest.is_live else counted(rows, "row")
        yield f"-- Lost with the tables: every row that is still in them. The bundle brought {brought}."
    else:
        yield "-- No row is lost."


def _empties(tables: Sequence[LoadedTable], *, live: bool) -> Iterator[str]:
    if not tables:
        yield "-- The file brought no rows, and none are lost."
        return
    emptied = counted(len(tables), "table")
    rows = "rows" if live else counted(sum(table.rows for table in tables), "row")
    yield f"-- Empties {emptied}. Lost: the {rows} that the file brought, and any that came since."


def _before(manifest: Manifest, file: str) -> Iterator[str]:
    """Yield what must be rolled back before, in that order."""
    files = [each.file for each in manifest.files]
    later = list(reversed(files[files.index(file) + 1 :]))
    if later:
        yield f"-- Must have run before, in this order: {', '.join(f'rollback/{name}' for name in later)}"
    else:
        yield "-- It is the first to run of all rollbacks."
    yield "-- Where something outside of the bundle needs what is to go, it stops with an error."


def _text(header: Sequence[str], statements: Iterator[str] | Sequence[str]) -> str:
    return "\n".join([*header, "", _SETTINGS, *statements]) + "\n"
