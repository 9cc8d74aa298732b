"""Stand-ins for what the target provides, for servers that provide nothing: structure only, of the source.

A rehearsal on a throwaway server begins with them. A table is its columns with their types, and the keys to
which others refer: nothing in it is NOT NULL, computed or checked, since its rows will be keys alone. What
cannot be made there is passed over, or stands for nothing, and that is said.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from migplan.bundle.manifest import ProvidedObject
from migplan.bundle.schema import ddl
from migplan.bundle.schema.needs import unmet
from migplan.bundle.schema.ownership import RELATIONS, TABLES, Ownership
from migplan.bundle.schema.provided import ProvidedEntries
from migplan.catalog.interfaces import ROUTINES, TYPES, Ask, Interface, Named, interfaces
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.postgres.archive import Entry
from migplan.sql.text import do_block, literal

_HEADER = """\
-- Stand-ins for what the target provides by itself, for a throwaway server. It is no step: no target that
-- provides these things is touched by it.

"""
_OF_TABLES = TYPES | {"SCHEMA", "EXTENSION", "COLLATION"}
_MADE = frozenset({"SEQUENCE", "COLLATION", "PUBLICATION", "TEXT SEARCH CONFIGURATION", "OPERATOR CLASS"})


def stubs(
    ownership: Ownership,
    here: Collection[int],
    provided: ProvidedEntries,
    needed: Iterable[ProvidedObject],
    ask: Ask,
) -> str:
    """Return the stand-ins for all that the entries ``here`` need of what is provided; empty if nothing.

    ``needed`` is the same as the manifest has it; ``ask`` asks the source.
    """
    numbers = _closure(ownership, here, provided)
    entries = [entry for number, entry in ownership.entries.items() if number in numbers]
    relations = interfaces(ask, [_named(entry) for entry in entries if entry.kind in RELATIONS])
    unique = {(each.in_schema, each.name): each.unique for each in needed}
    lines = list(_statements(entries, relations, unique))
    return "\n".join([_HEADER + ddl.SESSION + ddl.DEFINING, *lines]) + "\n" if lines else ""


def _named(entry: Entry) -> Named:
    return entry.kind, entry.schema, entry.tag


def _closure(ownership: Ownership, here: Collection[int], provided: ProvidedEntries) -> frozenset[int]:
    """Return the provided entries that the others need, directly or by way of others."""
    found: set[int] = set()
    waiting = list(here)
    while waiting:
        number = waiting.pop()
        of_table = ownership.entries[number].kind in RELATIONS and number in found
        for need in unmet(ownership, [number]):
            wanted = need.what.kind in _OF_TABLES or not of_table
            if need.lacked not in found and wanted and provided(need.what):
                found.add(need.lacked)
                waiting.append(need.lacked)
    return frozenset(found)


def _statements(
    entries: Iterable[Entry],
    relations: Mapping[Named, Interface],
    unique: Mapping[tuple[str, str], Iterable[tuple[str, ...]]],
) -> Iterator[str]:
    every = list(entries)
    for schema in sorted({each.schema or each.tag for each in every if each.schema or each.kind == "SCHEMA"}):
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};"
    for entry in every:
        if entry.kind == "EXTENSION":
            yield _tried(entry, entry.definition.strip())
        elif entry.kind in ROUTINES:
            yield _routine(entry)
        elif entry.kind in TYPES | _MADE:
            yield _tried(entry, entry.definition.strip())
        elif entry.kind in RELATIONS and (there := relations.get(_named(entry))):
            name = QualifiedName(entry.schema, entry.tag)
            columns = ", ".join(f"{quoted(each)} {type_}" for each, type_ in there.columns.items())
            yield _tried(entry, f"CREATE TABLE {name} ({columns});")
            for key in unique.get((entry.schema, entry.tag), ()) if entry.kind in TABLES else ():
                yield _tried(entry, f"ALTER TABLE {name} ADD UNIQUE ({quoted_list(key)});")


def _routine(entry: Entry) -> str:
    """Return the function itself; where that cannot be made, one of that name which gives nothing."""
    definition = entry.definition.strip()
    head, language, _ = definition.partition("\n    LANGUAGE ")
    if entry.kind == "AGGREGATE" or not language:
        return _tried(entry, definition)
    nothing = f"{head} LANGUAGE plpgsql AS {literal(_nothing(entry.kind, head))}"
    said = f"{entry.kind.lower()} {entry.schema}.{entry.tag} stands for nothing here: %"
    return _with_way_out(definition, f"EXECUTE {literal(nothing)};", said)


def _nothing(kind: str, head: str) -> str:
    """Return a body that gives nothing, for a head that pg_dump wrote."""
    result = head.rpartition(" RETURNS ")[2]
    if kind == "PROCEDURE" or result == "event_trigger":
        return "BEGIN END"
    if result == "trigger":
        return "BEGIN RETURN NEW; END"
    if result == "void" or result.startswith(("SETOF ", "TABLE(")):
        return "BEGIN RETURN; END"
    return "BEGIN RETURN NULL; END"


def _tried(entry: Entry, statement: str) -> str:
    name = f"{entry.schema}.{entry.tag}" if entry.schema else entry.tag
    return _with_way_out(statement, "", f"{entry.kind.lower()} {name} is not here: %")


def _with_way_out(statement: str, otherwise: str, said: str) -> str:
    message = literal(said.replace("%", "%%").removesuffix("%%") + "%")
    lines = [
        f"    EXECUTE {literal(statement)};",
        "EXCEPTION WHEN others THEN",
        f"    RAISE WARNING {message}, SQLERRM;",
        *([f"    {otherwise}"] if otherwise else []),
    ]
    return do_block("\n".join(lines))
