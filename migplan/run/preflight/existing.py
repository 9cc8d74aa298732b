"""What exists in the target: objects in the way of definitions, or tables that rows need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from migplan.bundle.manifest import Manifest
from migplan.bundle.schema.parts import Part, Presence, routine
from migplan.catalog.interfaces import TAG_OF_ROUTINE
from migplan.config import Layout
from migplan.names import QualifiedName, parse, quoted, split
from migplan.postgres.archive import RELATIONS, ROUTINES, TYPES
from migplan.postgres.session import Session
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target, looking_at
from migplan.run.preflight.wants import Wants
from migplan.sql.text import literal
from migplan.text.wording import counted, listed

_AT_ONCE = 200

# What the manifest lists under these kinds is found by its name; all else belongs to something that is.
_LIKE: dict[str, str] = {
    **dict.fromkeys((*RELATIONS, "SEQUENCE"), "relation"),
    **dict.fromkeys(TYPES, "type"),
    **dict.fromkeys(ROUTINES, "routine"),
    "SCHEMA": "schema",
    "COLLATION": "collation",
    "STATISTICS": "statistics",
    "EVENT TRIGGER": "event trigger",
    "PUBLICATION": "publication",
    "SERVER": "server",
    "FOREIGN DATA WRAPPER": "foreign data wrapper",
    "TEXT SEARCH CONFIGURATION": "text search configuration",
    "TEXT SEARCH DICTIONARY": "text search dictionary",
}
_THERE = """
SELECT kind, schema, name FROM (
    SELECT 'relation', n.nspname, c.relname::text
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL SELECT 'type', n.nspname, t.typname
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    UNION ALL SELECT 'routine', n.nspname, {tag}
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')
    UNION ALL SELECT 'schema', '', nspname FROM pg_catalog.pg_namespace
    UNION ALL SELECT 'collation', n.nspname, c.collname
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    UNION ALL SELECT 'statistics', n.nspname, s.stxname
    FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
    UNION ALL SELECT 'text search configuration', n.nspname, c.cfgname
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    UNION ALL SELECT 'text search dictionary', n.nspname, d.dictname
    FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    UNION ALL SELECT 'event trigger', '', evtname FROM pg_catalog.pg_event_trigger
    UNION ALL SELECT 'publication', '', pubname FROM pg_catalog.pg_publication
    UNION ALL SELECT 'server', '', srvname FROM pg_catalog.pg_foreign_server
    UNION ALL SELECT 'foreign data wrapper', '', fdwname FROM pg_catalog.pg_foreign_data_wrapper
) AS there (kind, schema, name)
WHERE name = ANY (%s)
""".replace("{tag}", TAG_OF_ROUTINE)
_TABLES = """
SELECT w.name,
       c.oid IS NOT NULL,
       coalesce(pg_catalog.has_table_privilege(c.oid, 'INSERT'), false),
       coalesce(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
       coalesce(pg_catalog.pg_has_role(c.relowner, 'USAGE'), false),
       coalesce(c.relkind = 'p', false),
       ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '')
FROM unnest(%s::text[], %s::text[], %s::text[]) w (name, schema, relation)
LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
       ON c.relname = w.relation AND n.nspname = w.schema AND c.relkind IN ('r', 'p', 'f')
"""
_SEQUENCES = """
SELECT w.name, c.oid IS NOT NULL, coalesce(pg_catalog.has_sequence_privilege(c.oid, 'UPDATE'), false)
FROM unnest(%s::text[], %s::text[], %s::text[]) w (name, schema, relation)
LEFT JOIN (pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace)
       ON c.relname = w.relation AND n.nspname = w.schema AND c.relkind = 'S'
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A table of the target."""

    name: str
    there: bool
    may_insert: bool
    may_select: bool
    owned: bool
    partitioned: bool
    columns: tuple[str, ...]


def some_there(session: Session, manifest: Manifest) -> bool:
    """Whether the target has anything that is called like an object of the bundle."""
    with looking_at(session) as target:
        return bool(_there(target, manifest))


def in_the_way(target: Target, manifest: Manifest, presence: Presence | None) -> Iterator[Obstacle]:
    """Yield what exists and is not what the bundle brings; without a ``presence`` nothing was compared."""
    if presence is not None:
        yield from _compared(target, manifest, presence)
        return
    found = _there(target, manifest)
    if found:
        yield stop(
            "objects",
            f"{counted(len(found), 'object')} of the bundle are there already, and whether they are the same "
            f"cannot be told, for an earlier migplan wrote the bundle: {listed(found, 10)}",
            f"export again, so that they can be compared; or {_ELSEWHERE}",
        )


_ELSEWHERE = "use an empty database; rows alone come with: migplan export --data-only"
_NOT_OURS = (
    "apply to an empty database; or leave out what the target is to keep as its own: migplan export "
    "--provided NAME; or rename one of the two. Drop only what is yours and nobody needs: look first with "
    "psql's {look}"
)
_SHOWN = 20
_LOOK = {"routine": "\\df+", "type": "\\dT+", "sequence": "\\ds+", "view": "\\d+", "table": "\\d+"}
_WITH_INDEX = frozenset({"index", "constraint"})
_IN_RELATIONS = frozenset({"table", "view", "materialized view", "sequence", "index"})
_OF_SCHEMAS = frozenset({"owner of schema", "comment of schema", "privileges of schema"})


def _there(target: Target, manifest: Manifest) -> list[str]:
    like = [each for each in manifest.objects if each.kind in _LIKE]
    wanted = {(_LIKE[each.kind], each.in_schema, each.name): each.kind for each in like}
    wanted.pop(("schema", "", "public"), None)
    names = sorted({name for _, _, name in wanted})
    found = [tuple(key) for key in target.ask("objects", _THERE, [names]) if tuple(key) in wanted]
    return sorted(f"{wanted[key].lower()} {'.'.join(filter(None, key[1:]))}" for key in found)


def _compared(target: Target, manifest: Manifest, presence: Presence) -> Iterator[Obstacle]:
    differing = [(part, said) for part, said in presence.differing if part.kind not in _OF_SCHEMAS]
    differing += _occupied(target, presence)
    if differing:
        lines = [f"{part}: {'; '.join(said)}" for part, said in differing[:_SHOWN]]
        lines += [f"and {len(differing) - _SHOWN:,} more"] if len(differing) > _SHOWN else []
        count = counted(len(differing), "object")
        yield stop(
            "objects",
            f"{count} of the bundle {'is' if len(differing) == 1 else 'are'} there already, and not the same "
            "(the bundle's -> the target's):\n    " + "\n    ".join(lines),
            _NOT_OURS.format(look=_look(differing[0][0])),
        )
    yield from _halves(presence)
    if manifest.contents == "all":
        yield from _kept_rows(target, manifest, presence)
        yield from _live(manifest, presence)
        yield from _values(manifest, presence)


def _look(part: Part) -> str:
    name = part.relation if part.schema else quoted(part.name)
    return f"{_LOOK.get(part.kind, _LOOK['table'])} {name}"


_TAKEN = """
SELECT w.place, CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialised view' WHEN 'i' THEN 'index'
                WHEN 'I' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'composite type'
                WHEN 'f' THEN 'foreign table' ELSE 'table' END,
       (SELECT x.extname::text
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'),
       (SELECT i.indrelid::regclass::text FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid)
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY w (schema, name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
ORDER BY w.place
"""
_TAKEN_TYPES = """
SELECT w.place, CASE WHEN t.typrelid <> 0 THEN 'type of a table or view' ELSE 'type' END,
       (SELECT x.extname::text
        FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
        WHERE d.classid = 'pg_catalog.pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'), NULL
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY w (schema, name, place)
JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = w.name AND t.typelem = 0
ORDER BY w.place
"""
_TAKEN_ROUTINES = """
SELECT n.nspname::text, p.proname::text, pg_catalog.pg_get_function_identity_arguments(p.oid), x.extname::text
FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_depend d
  ON d.classid = 'pg_catalog.pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
JOIN pg_catalog.pg_extension x ON x.oid = d.refobjid
WHERE p.proname = ANY (%s)
"""


def _occupied(target: Target, presence: Presence) -> Iterator[tuple[Part, tuple[str, ...]]]:
    """Yield what the bundle brings under names that something else has: another kind, or an extension's."""
    missing = sorted(presence.missing)
    named = {
        "": [(part, part.part or part.name) for part in missing if part.kind in _IN_RELATIONS | _WITH_INDEX],
        "type": [(part, part.name) for part in missing if part.kind == "type"],
    }
    for question, parts in ((_TAKEN, named[""]), (_TAKEN_TYPES, named["type"])):
        wanted = [[part.schema for part, _ in parts], [name for _, name in parts]]
        for place, what, extension, table in target.ask("objects", question, wanted) if parts else ():
            of = f" of extension {extension}" if extension else f" of {table}" if table else ""
            yield parts[place - 1][0], (f"the name is that of another object there, {_article(what)}{of}",)
    routines = {part for part in missing if part.kind == "routine"}
    names = sorted({part.name for part in routines})
    for schema, name, arguments, extension in (
        target.ask("objects", _TAKEN_ROUTINES, [names]) if names else ()
    ):
        part = routine(schema, name, arguments)
        if part in routines:
            yield part, (f"extension {extension} has brought one of that name",)


def _article(what: str) -> str:
    return f"an {what}" if what[0] in "aeiou" else f"a {what}"


def _halves(presence: Presence) -> Iterator[Obstacle]:
    """Yield partitions that cannot be attached to what is there: the server would make indexes of its own."""
    found = presence.catalog.by_name if presence.catalog else {}
    indexed = {str(name) for name, table in found.items() if table.indexes and table.partition_key}
    same = {(part.kind, part.schema, part.name) for part in presence.same}
    whole = [
        f"{part.relation}"
        for part, parent in sorted(presence.parents.items())
        if part.kind == "attach" and part in presence.missing and str(parent) in indexed
    ]
    whole += [
        f"{part.relation}"
        for part, parent in sorted(presence.parents.items())
        if part.kind == "index attach"
        and part in presence.missing
        and (("index", part.schema, part.name) in same or ("index", parent.schema, parent.name) in same)
    ]
    if whole:
        yield stop(
            "objects",
            "partitioned tables are there only in part: where these are missing or stand alone, the server "
            f"would add indexes of its own: {listed(whole, 10)}",
            "attach them there as the bundle's files do, and apply again; or apply to an empty database",
        )


def _kept_rows(target: Target, manifest: Manifest, presence: Presence) -> Iterator[Obstacle]:
    """Yield tables that are there and have rows, where the bundle brings rows, too."""
    brought = {table.table for table in manifest.tables if table.brings_rows} | _block_columns(
        manifest
    ).keys()
    there = (*presence.same, *(part for part, _ in presence.differing))
    tables = {str(part.relation) for part in there if part.kind == "table"} & brought
    found = [table for table in tables_there(target, tables) if table.there]
    if unread := [table.name for table in found if not table.may_select]:
        yield stop(
            "rows",
            f"{target.role.name} may not read existing tables, so whether they are empty is not known: "
            f"{listed(unread, 10)}",
            f"GRANT SELECT ON {unread[0]} TO {quoted(target.role.name)}, and so on",
        )
    if filled := _filled_tables(target, [table for table in found if table.may_select]):
        yield stop(
            "rows",
            f"the bundle brings rows to {counted(len(filled), 'table')} that have rows already: "
            f"{listed(filled, 10)}",
            "empty them if their rows are not needed; or export without these rows: --schema-only, or the "
            "strategy schema-only for these tables in the plan",
        )


def _live(manifest: Manifest, presence: Presence) -> Iterator[Obstacle]:
    """Yield what would act on rows that this bundle loads before it makes keys, triggers and rules."""
    if manifest.constraints is Layout.WITH_SCHEMA:
        return
    filled = {table.table for table in manifest.tables if table.brings_rows} | _block_columns(manifest).keys()
    kept = {part.relation for part in presence.same if part.kind == "table"}
    acting = []
    for table in presence.catalog.tables if presence.catalog else ():
        if table.name not in kept or str(table.name) not in filled:
            continue
        acting += [f"trigger {quoted(each.name)} of {table.name}" for each in table.triggers if each.fires]
        acting += [f"rule {quoted(each.name)} of {table.name}" for each in table.rules if each.fires]
        acting += [f"key {quoted(each.name)} of {table.name}" for each in table.foreign_keys if each.enforced]
        acting += [f"policies forced on {table.name}"] if table.force_row_security else []
    if acting:
        yield stop(
            "keys",
            "this bundle brings rows before keys, triggers and rules, and tables that are there have some: "
            f"{listed(acting, 10)}",
            "export for live keys and triggers: migplan export --constraints with-schema",
        )


def _values(manifest: Manifest, presence: Presence) -> Iterator[Obstacle]:
    """Yield sequences that are there and further on than the bundle would set them."""
    kept = {part.relation for part in presence.same if part.kind in {"sequence", "identity"}}
    values = {each.sequence: each.value for each in manifest.sequences}
    back = []
    for each in presence.catalog.sequences if presence.catalog else ():
        value = values.get(str(each.name))
        owner = each.owned_by if each.identity else each.name
        if value is None or each.last_value is None or owner not in kept:
            continue
        if (each.last_value - value) * each.increment > 0:
            back.append((str(each.name), each.last_value, value))
    if back:
        name, _, value = back[0]
        yield stop(
            "sequences",
            "sequences that are there are further on than the bundle would set them: "
            + listed(
                (f"{name} ({there:,} there, {value:,} in the bundle)" for name, there, value in back), 10
            ),
            "if nobody uses their numbers, set them back, and apply again: "
            f"SELECT pg_catalog.setval({literal(name)}, {value})",
        )


def needed(target: Target, wants: Wants) -> Iterator[Obstacle]:
    """Yield an obstacle if tables are missing that the files refer to, and do not create."""
    missing = [table.name for table in tables_there(target, wants.referred) if not table.there]
    if missing:
        yield stop(
            "tables",
            "the files refer to tables that they do not create, and that are not there: "
            + listed(missing, 10),
            "apply the bundle that creates them first, or export the whole",
        )


def for_rows(target: Target, manifest: Manifest, wants: Wants, *, resuming: bool) -> Iterator[Obstacle]:
    """Yield what is wrong with the tables of a bundle of rows alone: missing, other columns, no privilege."""
    columns = _block_columns(manifest)
    found = tables_there(target, columns.keys() | wants.altered)
    missing = [table.name for table in found if not table.there]
    if missing:
        yield stop(
            "tables",
            f"the rows need tables that are not there: {listed(missing, 10)}",
            "create them first: migplan export --schema-only, and apply that bundle",
        )
    there = [table for table in found if table.there]
    lacking = [
        f"{table.name} ({', '.join(map(quoted, absent))})"
        for table in there
        if (absent := [name for name in columns.get(table.name, ()) if name not in table.columns])
    ]
    if lacking:
        yield stop(
            "columns",
            f"tables lack columns of the rows: {listed(lacking, 10)}",
            "bring the schema up to that of the source, or export again",
        )
    refused = [table.name for table in there if table.name in columns and not table.may_insert]
    if refused:
        yield stop(
            "role",
            f"{target.role.name} may not insert into {listed(refused, 10)}",
            f"run as the owner of the tables, or GRANT INSERT ON ... TO {quoted(target.role.name)}",
        )
    foreign = [table.name for table in there if table.name in wants.altered and not table.owned]
    if foreign:
        yield stop(
            "role",
            f"triggers, policies or keys of {listed(foreign, 10)} must rest while the rows come in, and "
            f"{target.role.name} does not own these tables",
            "run as their owner",
        )
    yield from _sequences(target, manifest)
    if not resuming:
        yield from _filled(target, [table for table in there if table.name in columns])


def _filled_tables(target: Target, tables: Sequence[Found]) -> list[str]:
    filled: list[str] = []
    for start in range(0, len(tables), _AT_ONCE):
        filled += _with_rows(target, tables[start : start + _AT_ONCE])
    return filled


def _filled(target: Target, tables: list[Found]) -> Iterator[Obstacle]:
    if filled := _filled_tables(target, [table for table in tables if table.may_select]):
        yield warn(
            "rows",
            f"{len(filled):,} of the tables have rows already: {listed(filled, 10)}",
            "rows with the same keys will be refused; empty these tables if theirs are to be replaced",
        )


def _with_rows(target: Target, tables: Sequence[Found]) -> list[str]:
    """Return the tables that have a row which the role may see."""
    question = sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {} {})").format(
            sql.Literal(table.name),
            sql.SQL("" if table.partitioned else "ONLY"),
            sql.Identifier(*split(table.name)),
        )
        for table in tables
    )
    return [name for (name,) in target.ask("rows", question)]


def _sequences(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    wanted = _named(each.sequence for each in manifest.sequences)
    found = target.ask("sequences", _SEQUENCES, wanted)
    missing = [name for name, there, _ in found if not there]
    refused = [name for name, there, may in found if there and not may]
    if missing:
        yield stop("sequences", f"sequences are not there: {listed(missing, 10)}", "create them first")
    if refused:
        yield stop(
            "sequences",
            f"{target.role.name} may not set {listed(refused, 10)}",
            f"GRANT UPDATE ON SEQUENCE ... TO {quoted(target.role.name)}",
        )


def tables_there(target: Target, names: Iterable[str]) -> list[Found]:
    """Return what the target has of the tables of these names."""
    return [
        Found(name, there, may_insert, may_select, owned, partitioned, tuple(columns))
        for name, there, may_insert, may_select, owned, partitioned, columns in target.ask(
            "tables", _TABLES, _named(names)
        )
    ]


def _named(names: Iterable[str]) -> list[list[str]]:
    """Return three columns: names, their schemas, and their own names."""
    every = sorted(set(names))
    parsed: list[QualifiedName] = [parse(name) for name in every]
    return [every, [name.schema for name in parsed], [name.name for name in parsed]]


def _block_columns(manifest: Manifest) -> dict[str, tuple[str, ...]]:
    """Return the columns of each table that gets rows."""
    return {block.table: block.columns for _, _, block in manifest.blocks if not block.is_temporary}
