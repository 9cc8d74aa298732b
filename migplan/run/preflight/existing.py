"""What exists in the target: objects in the way of definitions, or tables that rows need."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from psycopg import sql

from migplan.bundle.manifest import Manifest
from migplan.names import QualifiedName, parse, quoted, split
from migplan.run.preflight.obstacle import Obstacle, stop, warn
from migplan.run.preflight.target import Target
from migplan.run.preflight.wants import Wants
from migplan.text.wording import listed

_AT_ONCE = 200

# What the manifest lists under these kinds is found by its name; all else belongs to something that is.
_LIKE: dict[str, str] = {
    **dict.fromkeys(("TABLE", "FOREIGN TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE"), "relation"),
    **dict.fromkeys(("TYPE", "DOMAIN", "SHELL TYPE"), "type"),
    **dict.fromkeys(("FUNCTION", "PROCEDURE", "AGGREGATE"), "routine"),
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
    SELECT 'relation', n.nspname, c.relname
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    UNION ALL SELECT 'type', n.nspname, t.typname
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    UNION ALL SELECT 'routine', n.nspname, p.proname || '(' || CASE
        WHEN p.prokind = 'a' AND p.pronargs = 0 THEN '*'
        ELSE coalesce((SELECT string_agg(pg_catalog.format_type(a.type, NULL), ', ' ORDER BY a.place)
                       FROM unnest(p.proargtypes) WITH ORDINALITY a (type, place)), '') END || ')'
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
"""
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


def in_the_way(target: Target, manifest: Manifest) -> Iterator[Obstacle]:
    """Yield an obstacle if objects exist that the files are to create."""
    like = [each for each in manifest.objects if each.kind in _LIKE]
    wanted = {(_LIKE[each.kind], each.in_schema, each.name): each.kind for each in like}
    wanted.pop(("schema", "", "public"), None)
    names = sorted({name for _, _, name in wanted})
    found = [key for key in target.ask("objects", _THERE, [names]) if key in wanted]
    if found:
        shown = sorted(f"{wanted[key].lower()} {'.'.join(filter(None, key[1:]))}" for key in found)
        yield stop(
            "objects",
            f"{len(shown):,} of {len(wanted):,} objects are there already: {listed(shown, 10)}",
            "use an empty database, or drop them; rows alone come with: migplan export --data-only",
        )


def needed(target: Target, wants: Wants) -> Iterator[Obstacle]:
    """Yield an obstacle if tables are missing that the files refer to, and do not create."""
    missing = [table.name for table in _tables(target, wants.referred) if not table.there]
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
    found = _tables(target, columns.keys() | wants.altered)
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
            "bring the schema up to that of the source, or export anew",
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


def _filled(target: Target, tables: list[Found]) -> Iterator[Obstacle]:
    readable = [table for table in tables if table.may_select]
    filled: list[str] = []
    for start in range(0, len(readable), _AT_ONCE):
        filled += _with_rows(target, readable[start : start + _AT_ONCE])
    if filled:
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


def _tables(target: Target, names: Iterable[str]) -> list[Found]:
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
