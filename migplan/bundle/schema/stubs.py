"""Stand-ins for what the target provides, for servers that provide nothing: structure only, of the source.

A rehearsal on a throwaway server begins with them; for a bundle of rows alone, with the tables that it fills.
A table is its columns with their types, and the keys to which others refer: nothing in it is NOT NULL,
computed or checked, since its rows will be keys alone. What cannot be made there is passed over, or stands
for nothing, and that is said.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from migplan.bundle.schema import ddl
from migplan.bundle.schema.needs import unmet
from migplan.bundle.schema.ownership import Ownership
from migplan.bundle.schema.provided import ProvidedEntries
from migplan.catalog.interfaces import Ask, Interface, interfaces
from migplan.catalog.model import ForeignKey
from migplan.names import QualifiedName, quoted, quoted_list
from migplan.postgres.archive import RELATIONS, ROUTINES, TABLES, TYPES, Entry, Named
from migplan.sql.text import do_block, literal

_HEADER = """\
-- Stand-ins for what the target provides by itself, for a throwaway server. It is no step: no target that
-- provides these things is touched by it.

"""
# The functions of extensions that objects which are no extension's depend on.
_MEMBERS = """
SELECT DISTINCT e.extname::text, n.nspname::text, p.proname::text,
       pg_catalog.pg_get_function_arguments(p.oid), pg_catalog.pg_get_function_result(p.oid)
FROM pg_catalog.pg_extension e
JOIN pg_catalog.pg_depend m ON m.refclassid = 'pg_catalog.pg_extension'::regclass AND m.refobjid = e.oid
  AND m.deptype = 'e' AND m.classid = 'pg_catalog.pg_proc'::regclass
JOIN pg_catalog.pg_proc p ON p.oid = m.objid AND p.prokind = 'f'
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_proc'::regclass AND d.refobjid = p.oid
WHERE e.extname = ANY (%s)
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend o
                  WHERE o.classid = d.classid AND o.objid = d.objid AND o.deptype = 'e')
ORDER BY 1, 2, 3, 4
"""
_OF_TABLES = TYPES | {"SCHEMA", "EXTENSION", "COLLATION"}
_MADE = frozenset({"SEQUENCE", "COLLATION", "PUBLICATION", "TEXT SEARCH CONFIGURATION", "OPERATOR CLASS"})


def stubs(
    ownership: Ownership,
    here: Collection[int],
    provided: ProvidedEntries,
    keys: Iterable[ForeignKey],
    ask: Ask,
) -> str:
    """Return the stand-ins for all that the entries ``here`` need of what is provided; empty if nothing.

    ``keys`` are all that the bundle brings; ``ask`` asks the source.
    """
    return _stand_ins(ownership, _closure(ownership, here, set(), provided), keys, ask)


def stubs_for_rows(
    ownership: Ownership, relations: Collection[str], keys: Iterable[ForeignKey], ask: Ask
) -> str:
    """Return the stand-ins for the tables and sequences that a bundle of rows alone fills.

    All that these need is the target's. ``keys`` are those that refer to the tables; ``ask`` asks the source.
    """
    filled = {
        number
        for number, entry in ownership.entries.items()
        if entry.kind in RELATIONS | {"SEQUENCE"} and str(QualifiedName(entry.schema, entry.tag)) in relations
    }
    return _stand_ins(ownership, _closure(ownership, filled, filled, lambda _: True), keys, ask)


def _stand_ins(ownership: Ownership, numbers: Collection[int], keys: Iterable[ForeignKey], ask: Ask) -> str:
    entries = [entry for number, entry in ownership.entries.items() if number in numbers]
    relations = interfaces(ask, [entry.named for entry in entries if entry.kind in RELATIONS])
    unique: dict[QualifiedName, dict[str, tuple[str, ...]]] = {}
    for key in keys:
        unique.setdefault(key.referenced, {})[key.referenced_key] = key.referenced_columns
    lines = list(_statements(entries, relations, unique))
    extensions = [entry.tag for entry in entries if entry.kind == "EXTENSION"]
    lines += [_member(*row) for row in ask(_MEMBERS, [extensions])] if extensions else []
    return "\n".join([_HEADER + ddl.SESSION + ddl.DEFINING, *lines]) + "\n" if lines else ""


def _closure(
    ownership: Ownership, here: Collection[int], also: Collection[int], provided: Callable[[Entry], bool]
) -> frozenset[int]:
    """Return the provided entries that the others need, directly or by way of others, and ``also`` these."""
    found = set(also)
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
    unique: Mapping[QualifiedName, Mapping[str, tuple[str, ...]]],
) -> Iterator[str]:
    every = list(entries)
    for schema in sorted({each.schema or each.tag for each in every if each.schema or each.kind == "SCHEMA"}):
        yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)};"
    for entry in every:
        if entry.kind == "EXTENSION":
            yield _tried(entry, entry.definition.strip())
        elif entry.kind in ROUTINES:
            yield _routine(entry)
        elif entry.kind == "SEQUENCE" and not entry.definition.lstrip().startswith("CREATE"):
            # That of an identity column, which a column that may be NULL cannot have.
            yield _tried(entry, f"CREATE SEQUENCE {QualifiedName(entry.schema, entry.tag)};")
        elif entry.kind in TYPES | _MADE:
            yield _tried(entry, entry.definition.strip())
        elif entry.kind in RELATIONS and (there := relations.get(entry.named)):
            name = QualifiedName(entry.schema, entry.tag)
            columns = ", ".join(f"{quoted(each)} {type_}" for each, type_ in there.columns.items())
            yield _tried(entry, f"CREATE TABLE {name} ({columns});")
            for key, of in unique.get(name, {}).items() if entry.kind in TABLES else ():
                made = f"ADD CONSTRAINT {quoted(key)} UNIQUE ({quoted_list(of)})"
                yield _tried(entry, f"ALTER TABLE {name} {made};")


def _routine(entry: Entry) -> str:
    """Return the function itself; where that cannot be made, one of that name which gives nothing."""
    definition = entry.definition.strip()
    head, language, _ = definition.partition("\n    LANGUAGE ")
    if entry.kind == "AGGREGATE" or not language:
        return _tried(entry, definition)
    nothing = f"{head} LANGUAGE plpgsql AS {literal(_nothing(entry.kind, head))}"
    said = f"{entry.kind.lower()} {entry.schema}.{entry.tag} stands for nothing here: %"
    return _with_way_out(definition, f"EXECUTE {literal(nothing)};", said)


def _member(extension: str, schema: str, name: str, arguments: str, result: str) -> str:
    """Return what stands for a function of an extension, where the extension is not."""
    head = f"CREATE FUNCTION {QualifiedName(schema, name)}({arguments}) RETURNS {result}"
    body = literal(_nothing("FUNCTION", head))
    made = f"EXECUTE {literal(f'{head} LANGUAGE plpgsql AS {body}')};"
    absent = f"NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = {literal(extension)})"
    said = literal(f"function {schema}.{name} of {extension} stands for nothing here".replace("%", "%%"))
    return do_block(
        f"    IF {absent} THEN\n        {made}\n        RAISE WARNING {said};\n    END IF;\n"
        "EXCEPTION WHEN others THEN\n    RAISE WARNING '%', SQLERRM;"
    )


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
