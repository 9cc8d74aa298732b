"""Objects of others that depend on a bundle's: a rollback never cascades into what is not ours.

DROP refuses what something else depends on, by ``pg_depend``
(https://www.postgresql.org/docs/current/catalog-pg-depend.html), and takes partitions along. Of what
depends on the objects of the bundle only relations, functions, types and what belongs to them are looked
at: pg_dump does not name all other kinds in a way that the catalog can be asked for, and ours would be
taken for others'. What goes with what is followed here and not in the server, whose planner knows nothing
of so many names at once.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import LiteralString

from migplan.bundle.manifest import MovedObject
from migplan.bundle.verified import VerifiedBundle
from migplan.errors import RefusedError
from migplan.names import QualifiedName
from migplan.postgres.archive import RELATIONS, ROUTINES, TYPES
from migplan.postgres.session import Session

_SHOWN = 20

Object = tuple[int, int]
"""An object as pg_depend has it: its catalog, and its oid there."""

_NAMED: LiteralString = """
    SELECT 'relation', n.nspname, c.relname::text,
           'pg_catalog.pg_class'::regclass::oid::bigint, c.oid::bigint
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'type', n.nspname, t.typname, 'pg_catalog.pg_type'::regclass::oid::bigint, t.oid::bigint
    FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'routine', n.nspname, p.proname, 'pg_catalog.pg_proc'::regclass::oid::bigint, p.oid::bigint
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'constraint', n.nspname, c.relname || ' ' || k.conname,
           'pg_catalog.pg_constraint'::regclass::oid::bigint, k.oid::bigint
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = k.connamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'trigger', n.nspname, c.relname || ' ' || t.tgname, t.tableoid::bigint, t.oid::bigint
    FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s) AND NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', n.nspname, c.relname || ' ' || p.polname, p.tableoid::bigint, p.oid::bigint
    FROM pg_catalog.pg_policy p JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'collation', n.nspname, c.collname, c.tableoid::bigint, c.oid::bigint
    FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'operator', n.nspname, o.oprname, o.tableoid::bigint, o.oid::bigint
    FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'operator class', n.nspname, o.opcname, o.tableoid::bigint, o.oid::bigint
    FROM pg_catalog.pg_opclass o JOIN pg_catalog.pg_namespace n ON n.oid = o.opcnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'configuration', n.nspname, c.cfgname, c.tableoid::bigint, c.oid::bigint
    FROM pg_catalog.pg_ts_config c JOIN pg_catalog.pg_namespace n ON n.oid = c.cfgnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'dictionary', n.nspname, d.dictname, d.tableoid::bigint, d.oid::bigint
    FROM pg_catalog.pg_ts_dict d JOIN pg_catalog.pg_namespace n ON n.oid = d.dictnamespace
    WHERE n.nspname = ANY (%(schemas)s)
    UNION ALL
    SELECT 'server', '', srvname, tableoid::bigint, oid::bigint FROM pg_catalog.pg_foreign_server
    UNION ALL
    SELECT 'schema', '', nspname, 'pg_catalog.pg_namespace'::regclass::oid::bigint, oid::bigint
    FROM pg_catalog.pg_namespace WHERE nspname <> 'public'
    UNION ALL
    SELECT 'extension', '', extname, 'pg_catalog.pg_extension'::regclass::oid::bigint, oid::bigint
    FROM pg_catalog.pg_extension
"""
_LIKE = {
    **dict.fromkeys((*RELATIONS, "SEQUENCE", "INDEX"), "relation"),
    **dict.fromkeys(TYPES, "type"),
    **dict.fromkeys(ROUTINES, "routine"),
    **dict.fromkeys(("CONSTRAINT", "FK CONSTRAINT", "CHECK CONSTRAINT"), "constraint"),
    "TRIGGER": "trigger",
    "POLICY": "policy",
    "COLLATION": "collation",
    "OPERATOR": "operator",
    "OPERATOR CLASS": "operator class",
    "TEXT SEARCH CONFIGURATION": "configuration",
    "TEXT SEARCH DICTIONARY": "dictionary",
    "SERVER": "server",
    "SCHEMA": "schema",
    "EXTENSION": "extension",
}
# What initdb made has smaller numbers, and nothing of it goes.
_DEPENDS: LiteralString = """
    SELECT classid::bigint, objid::bigint, refclassid::bigint, refobjid::bigint, deptype = 'n',
           classid IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass,
                       'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_constraint'::regclass,
                       'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_attrdef'::regclass,
                       'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass), objsubid
    FROM pg_catalog.pg_depend WHERE refobjid >= 16384
"""
_DESCRIBED: LiteralString = """
    SELECT pg_catalog.pg_describe_object(a::oid, b::oid, c), pg_catalog.pg_describe_object(d::oid, e::oid, 0)
    FROM unnest(%s::bigint[], %s::bigint[], %s::int[], %s::bigint[], %s::bigint[]) w (a, b, c, d, e)
    ORDER BY 2, 1
"""

# DROP TABLE takes all partitions along, also those that came since.
_PARTITIONS: LiteralString = """
    SELECT c.tableoid::bigint, c.oid::bigint, i.inhparent::bigint
    FROM pg_catalog.pg_inherits i JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid
    WHERE c.relispartition AND c.relkind IN ('r', 'p', 'f')
"""

# TRUNCATE refuses a table to which another one refers that is not emptied with it.
_REFERRING: LiteralString = """
    SELECT pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::regclass, k.oid, 0),
           pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, p.oid, 0),
           n.nspname, p.relname, m.nspname, c.relname
    FROM pg_catalog.pg_constraint k
    JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace m ON m.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 AND NOT c.relispartition
    ORDER BY 2, 1
"""


def refuse_dependents(
    session: Session,
    bundle: VerifiedBundle,
    files: Collection[str],
    preexisting: Collection[tuple[str, str]],
    truncated: Sequence[QualifiedName],
    kept: Collection[MovedObject] = (),
) -> None:
    """Raise RefusedError with all that depends on what these files created and is not the bundle's.

    What is ``kept`` stays; what the run added to it goes before.
    """
    objects = [each for each in bundle.manifest.objects if (each.kind, each.name) not in preexisting]
    with (
        session.translate_errors("looking for what depends on what is to go"),
        session.transaction(force_rollback=True),
    ):
        session.execute("SET LOCAL search_path = ''; SET LOCAL statement_timeout = 0")
        found = _dependents(session, objects, files, kept)
        found += _referring(session, bundle, set(truncated)) if truncated else []
    lines = [
        f"{what.removeprefix('rule _RETURN on ')} depends on {needed}"
        for what, needed in dict.fromkeys(found)
    ]
    if lines:
        more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        raise RefusedError(
            f"others in {session.address} need what is to go; nothing was changed:\n  "
            + "\n  ".join(lines[:_SHOWN])
            + more,
            do="drop or change those first, as you know what they are worth; then the same command",
        )


def _dependents(
    session: Session, objects: Sequence[MovedObject], files: Collection[str], kept: Collection[MovedObject]
) -> list[tuple[str, str]]:
    """Return what depends on what is dropped and is not ours, as the server describes it."""
    if not objects:
        return []
    schemas = sorted({each.in_schema for each in objects})
    named: dict[tuple[str, str, str], list[Object]] = defaultdict(list)
    for like, schema, name, catalog, oid in session.execute(_NAMED, {"schemas": schemas}):
        named[like, schema, name].append((catalog, oid))
    along: dict[Object, list[Object]] = defaultdict(list)  # what goes with an object
    needing: dict[Object, list[tuple[Object, int]]] = defaultdict(list)  # what would keep it
    for catalog, oid, of_catalog, of, normal, looked_at, column in session.execute(_DEPENDS):
        if not normal:
            along[of_catalog, of].append((catalog, oid))
        elif looked_at:
            needing[of_catalog, of].append(((catalog, oid), column))
    ours = _with_all(_found(objects, named), along)
    gone = _with_all(
        _found([each for each in objects if each.file in files and each not in kept], named), along
    )
    needed = [(*who, column, *what) for what in gone for who, column in needing[what] if who not in ours]
    brought = set(_found(objects, named))
    for catalog, oid, parent in session.execute(_PARTITIONS):
        if (catalog, parent) in gone and (catalog, oid) not in brought:
            needed.append((catalog, oid, 0, catalog, parent))
    columns = [list(column) for column in zip(*needed, strict=True)]
    return session.execute(_DESCRIBED, columns).fetchall() if needed else []


def _found(
    objects: Iterable[MovedObject], named: dict[tuple[str, str, str], list[Object]]
) -> Iterable[Object]:
    """Yield objects by their oids; all functions of a name, since pg_dump prints arguments in its own way."""
    for each in objects:
        like = _LIKE.get(each.kind, "")
        names = [each.name]
        if like == "routine":
            names = [each.name[:end] for end, letter in enumerate(each.name) if letter == "("]
        for name in names:
            yield from named.get((like, each.in_schema, name), ())


def _with_all(objects: Iterable[Object], along: dict[Object, list[Object]]) -> set[Object]:
    found = set(objects)
    waiting = list(found)
    while waiting:
        new = set(along.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def _referring(
    session: Session, bundle: VerifiedBundle, truncated: Collection[QualifiedName]
) -> list[tuple[str, str]]:
    manifest = bundle.manifest
    ours = {QualifiedName(each.in_schema, each.name) for each in manifest.objects if each.kind == "TABLE"}
    ours |= {table.name for table in manifest.tables}
    return [
        (what, needed)
        for what, needed, schema, name, of_schema, of in session.execute(_REFERRING)
        if QualifiedName(schema, name) in truncated and QualifiedName(of_schema, of) not in ours
    ]
