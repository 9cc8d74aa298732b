"""What others made of a bundle's objects, and a rollback would meet: it never cascades into what is not ours.

DROP refuses what something else depends on, by ``pg_depend``
(https://www.postgresql.org/docs/current/catalog-pg-depend.html). Of what depends on the objects of the bundle
only relations, functions, types and what belongs to them are looked at: pg_dump names no other kind in a way
that the catalog can be asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, LiteralString

import psycopg

from migplan.bundle.sealed import Sealed
from migplan.errors import RefusedError
from migplan.names import QualifiedName
from migplan.postgres.address import Address
from migplan.postgres.failures import explained

_SHOWN = 20

# What goes with an object: all that depends on it but for 'n', normal. ``ours`` are the objects of the whole
# bundle, ``gone`` those of the files that are taken back.
_DEPENDENTS: LiteralString = """
    WITH RECURSIVE wanted AS (
        SELECT kind, schema, name, goes
        FROM unnest(%s::text[], %s::text[], %s::text[], %s::boolean[]) w (kind, schema, name, goes)
    ), named AS (
        SELECT 'pg_catalog.pg_class'::regclass::oid, c.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
        JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.name
        WHERE w.kind IN ('TABLE', 'FOREIGN TABLE', 'VIEW', 'MATERIALIZED VIEW', 'SEQUENCE', 'INDEX')
        UNION ALL
        SELECT 'pg_catalog.pg_type'::regclass, t.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
        JOIN pg_catalog.pg_type t ON t.typnamespace = n.oid AND t.typname = w.name
        WHERE w.kind IN ('TYPE', 'DOMAIN', 'SHELL TYPE')
        UNION ALL
        SELECT 'pg_catalog.pg_proc'::regclass, p.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
        JOIN pg_catalog.pg_proc p ON p.pronamespace = n.oid
         AND pg_catalog.starts_with(w.name, p.proname || '(')
        WHERE w.kind IN ('FUNCTION', 'PROCEDURE', 'AGGREGATE')
        UNION ALL
        SELECT 'pg_catalog.pg_constraint'::regclass, k.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
        JOIN pg_catalog.pg_constraint k ON k.connamespace = n.oid
         AND pg_catalog.right(w.name, pg_catalog.length(k.conname) + 1) = ' ' || k.conname
        JOIN pg_catalog.pg_class c ON c.oid = k.conrelid AND w.name = c.relname || ' ' || k.conname
        WHERE w.kind IN ('CONSTRAINT', 'FK CONSTRAINT', 'CHECK CONSTRAINT')
        UNION ALL
        SELECT 'pg_catalog.pg_namespace'::regclass, n.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_namespace n ON n.nspname = w.name
        WHERE w.kind = 'SCHEMA' AND n.nspname <> 'public'
        UNION ALL
        SELECT 'pg_catalog.pg_extension'::regclass, e.oid, w.goes
        FROM wanted w JOIN pg_catalog.pg_extension e ON e.extname = w.name
        WHERE w.kind = 'EXTENSION'
    ), ours (class, object, goes) AS (
        SELECT * FROM named
        UNION
        SELECT d.classid, d.objid, o.goes
        FROM ours o JOIN pg_catalog.pg_depend d ON d.refclassid = o.class AND d.refobjid = o.object
        WHERE d.deptype <> 'n'
    )
    SELECT DISTINCT pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid),
           pg_catalog.pg_describe_object(d.refclassid, d.refobjid, 0)
    FROM ours o JOIN pg_catalog.pg_depend d ON d.refclassid = o.class AND d.refobjid = o.object
    WHERE o.goes AND d.deptype = 'n'
      AND d.classid IN ('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass,
                        'pg_catalog.pg_type'::regclass, 'pg_catalog.pg_constraint'::regclass,
                        'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_attrdef'::regclass,
                        'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass)
      AND NOT EXISTS (SELECT FROM ours x WHERE x.class = d.classid AND x.object = d.objid)
    ORDER BY 2, 1
"""

# TRUNCATE refuses a table to which another one refers that is not emptied with it.
_REFERRING: LiteralString = """
    SELECT pg_catalog.pg_describe_object('pg_catalog.pg_constraint'::regclass, k.oid, 0),
           pg_catalog.pg_describe_object('pg_catalog.pg_class'::regclass, p.oid, 0)
    FROM unnest(%s::text[], %s::text[]) w (schema, name)
    JOIN pg_catalog.pg_namespace n ON n.nspname = w.schema
    JOIN pg_catalog.pg_class p ON p.relnamespace = n.oid AND p.relname = w.name
    JOIN pg_catalog.pg_constraint k ON k.confrelid = p.oid AND k.contype = 'f' AND k.conparentid = 0
    JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace m ON m.oid = c.relnamespace
    WHERE (m.nspname, c.relname) NOT IN (
        SELECT schema, name FROM unnest(%s::text[], %s::text[]) o (schema, name)
    ) AND NOT c.relispartition
    ORDER BY 2, 1
"""


def refuse_dependents(
    connection: psycopg.Connection[Any],
    address: Address,
    bundle: Sealed,
    files: Collection[str],
    spared: Collection[tuple[str, str]],
    truncated: Sequence[QualifiedName],
) -> None:
    """RefusedError with everything that depends on what these files made, and that the run did not bring."""
    objects = [each for each in bundle.manifest.objects if (each.kind, each.name) not in spared]
    ours = {QualifiedName(each.in_schema, each.name) for each in objects if each.kind == "TABLE"}
    ours |= {table.name for table in bundle.manifest.tables}
    with explained(address, "looking for what depends on what is to go"):
        found = connection.execute(
            _DEPENDENTS,
            [
                [each.kind for each in objects],
                [each.in_schema for each in objects],
                [each.name for each in objects],
                [each.file in files for each in objects],
            ],
        ).fetchall()
        found += connection.execute(_REFERRING, [*_columns(truncated), *_columns(sorted(ours))]).fetchall()
    lines = [f"{what} depends on {needed}" for what, needed in dict.fromkeys(found)]
    if lines:
        more = f"\n  and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        raise RefusedError(
            f"others in {address} need what is to go; nothing was changed:\n  "
            + "\n  ".join(lines[:_SHOWN])
            + more,
            do="drop or change those first, as you know what they are worth; then the same command",
        )


def _columns(names: Sequence[QualifiedName]) -> tuple[list[str], list[str]]:
    return [name.schema for name in names], [name.name for name in names]
